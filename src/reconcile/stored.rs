//! What is compared, from the database and back.
//!
//! The one part of the module with input and output: loads a month with
//! everything that can be evidence, rates it, and keeps the invoice beside the
//! bill that it was held against.

use chrono::{DateTime, Utc};

use super::{Facts, Gap, Invoice, Reconciliation, reconcile};
use crate::collect::Records;
use crate::domain::{BillStatus, DayUsage, Month, Project, Service, SupersededUsage};
use crate::month_report::{MonthReportError, load};
use crate::rating::{Bill, PriceBook, RatingError, rate};
use crate::report::MonthReport;
use crate::store::invoices::{self, InvoiceWriteError, InvoiceWritten};
use crate::store::{StoreError, bills, superseded_usage};

/// A month as it is stored, rated.
#[derive(Debug)]
pub struct StoredMonth {
    /// The bill of the stored usage.
    pub bill: Bill,
    /// Whether it can be relied on.
    pub status: BillStatus,
    /// Projects that the account has or had.
    pub projects: Vec<Project>,
    usage: Vec<DayUsage>,
    superseded: Vec<SupersededUsage>,
    gaps: Vec<Gap>,
}

/// Loads and rates a month.
///
/// # Errors
/// [`MonthReportError`] where nothing is stored, the database fails, or the usage cannot be rated.
pub async fn month(
    records: &Records<'_>,
    month: Month,
    book: &PriceBook,
) -> Result<StoredMonth, MonthReportError> {
    let loaded = load(records, month).await?;
    let bill = rate(records.account, month, &loaded.usage, book)?;
    let report = MonthReport {
        bill: &bill,
        usage: &loaded.usage,
        projects: &loaded.projects,
        coverage: loaded.report_coverage(month),
    };
    let status = report.status();
    let pool = records.store.pool();
    let superseded = superseded_usage::read(pool, records.account, month.days()).await?;
    let holes = loaded.coverage.holes.iter().map(|hole| Gap {
        project_id: Some(hole.project_id.clone()),
        service: hole.service,
        days: hole.range,
    });
    let fetched = records.settings.askable_services();
    let not_fetched = Service::ALL.into_iter().filter(|service| !fetched.contains(service));
    let not_fetched = not_fetched.map(|service| Gap::of_service(service, month.days()));
    let gaps = holes.chain(not_fetched).collect();
    Ok(StoredMonth {
        bill,
        status,
        projects: loaded.projects,
        usage: loaded.usage,
        superseded,
        gaps,
    })
}

impl StoredMonth {
    /// Holds an invoice against it.
    ///
    /// # Errors
    /// Amounts outside 128-bit integers.
    pub fn reconcile(
        &self,
        book: &PriceBook,
        invoice: &Invoice,
    ) -> Result<Reconciliation, RatingError> {
        let facts = Facts {
            account: &self.bill.account,
            month: self.bill.month,
            usage: &self.usage,
            superseded: &self.superseded,
            gaps: &self.gaps,
            book,
        };
        reconcile(&facts, &self.bill, invoice)
    }

    /// Stores the bill as the month's draft and the invoice beside it, so that
    /// the views show the figures of this comparison.
    ///
    /// # Errors
    /// [`KeepError`]; an earlier invoice stays in force then.
    pub async fn keep(
        &self,
        records: &Records<'_>,
        invoice: &Invoice,
        reconciliation: &Reconciliation,
        now: DateTime<Utc>,
    ) -> Result<InvoiceWritten, KeepError> {
        let pool = records.store.pool();
        let draft = bills::replace_draft(pool, &self.bill, self.status, now).await?;
        draft.commit().await?;
        Ok(invoices::write(pool, reconciliation, invoice, now).await?)
    }
}

/// Why a comparison could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The draft could not be stored.
    #[error(transparent)]
    Draft(#[from] bills::BillWriteError),
    /// The invoice could not be stored.
    #[error(transparent)]
    Invoice(#[from] InvoiceWriteError),
}
