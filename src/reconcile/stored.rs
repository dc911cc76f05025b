//! What is compared, from the database and back.
//!
//! The one part of the module with input and output: loads a month with
//! everything that can be evidence, rates it, and keeps the invoice beside the
//! bill that it was held against.

use chrono::{DateTime, Utc};

use super::{Facts, Gap, Invoice, Reconciliation, reconcile};
use crate::billing::month::rate_month;
use crate::billing::reproduce::closed_revision;
use crate::billing::{BillingError, RatedMonth};
use crate::collect::Records;
use crate::domain::{Month, Service, SupersededUsage};
use crate::rating::{PriceBook, RatingError};
use crate::store::invoices::{self, InvoiceWriteError, InvoiceWritten};
use crate::store::{StoreError, bills, stored_bills, usage};

/// A month as it is stored, rated.
#[derive(Debug)]
pub struct StoredMonth {
    /// The newest closed revision, or the month as it is rated now.
    pub rated: RatedMonth,
    superseded: Vec<SupersededUsage>,
    gaps: Vec<Gap>,
}

/// Loads a month's newest closed revision, or rates the month where none is closed.
///
/// # Errors
/// [`BillingError`] where nothing is stored, the database fails, the usage cannot
/// be rated, or the closed bill does not come out the same.
pub async fn month(
    records: &Records<'_>,
    month: Month,
    book: &PriceBook,
) -> Result<StoredMonth, BillingError> {
    let pool = records.store.pool();
    let closed = stored_bills::closed(pool, records.account, month).await?;
    let rated = match closed.last() {
        Some(head) => closed_revision(records, head).await?,
        None => rate_month(records, book, month).await?,
    };
    let superseded = usage::read_superseded(pool, records.account, month.days()).await?;
    let missing = rated.coverage.missing_days.iter().flat_map(|missing| {
        missing.days.iter().map(|days| Gap {
            project_id: missing.project_id.clone(),
            service: missing.service,
            days: *days,
        })
    });
    let fetched = records.settings.askable_services();
    let not_fetched = Service::ALL.into_iter().filter(|service| !fetched.contains(service));
    let not_fetched = not_fetched.map(|service| Gap::of_service(service, month.days()));
    let gaps = missing.chain(not_fetched).collect();
    Ok(StoredMonth { rated, superseded, gaps })
}

impl StoredMonth {
    /// Holds an invoice against it.
    ///
    /// # Errors
    /// Amounts outside 128-bit integers.
    pub fn reconcile(&self, invoice: &Invoice) -> Result<Reconciliation, RatingError> {
        let facts = Facts {
            account: &self.rated.bill.account,
            month: self.rated.bill.month,
            usage: &self.rated.usage.days,
            superseded: &self.superseded,
            gaps: &self.gaps,
            book: &self.rated.book,
        };
        reconcile(&facts, &self.rated.bill, invoice)
    }

    /// Stores the invoice, and the bill as the month's draft unless it is closed,
    /// so that the views show the figures of this comparison.
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
        if self.rated.closed.is_none() {
            bills::replace_draft(pool, &self.rated.record(now)).await?.commit().await?;
        }
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
