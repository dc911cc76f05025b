//! What is compared, from the database and back.
//!
//! The one part of the module with input and output: loads a month with
//! everything that can be evidence, and keeps the invoice beside the bill that
//! it was held against. That is the newest closed revision; only a month that
//! was never closed is rated anew.

use chrono::{DateTime, Utc};

use super::{Facts, Gap, Invoice, Reconciliation, reconcile};
use crate::billing::month::rate_month;
use crate::billing::reproduce::closed_revision;
use crate::billing::{BillingError, RatedMonth};
use crate::collect::Records;
use crate::domain::{DateRange, DayUsage, Month, Service, SupersededUsage};
use crate::rating::{PriceBook, RatingError};
use crate::store::invoices::{self, InvoiceWriteError, InvoiceWritten};
use crate::store::{bills, stored_bills, usage};

/// A month to hold an invoice against.
#[derive(Debug)]
pub struct StoredMonth {
    /// The newest closed revision, or the estimate of a month without one.
    pub rated: RatedMonth,
    /// The values that are known now, where the bill was closed.
    now: Option<Vec<DayUsage>>,
    superseded: Vec<SupersededUsage>,
    gaps: Vec<Gap>,
}

/// Loads a month: its newest closed revision, or what it comes to by `book`.
///
/// # Errors
/// [`BillingError`] where nothing is stored, the database fails, the usage cannot
/// be rated, or a closed revision does not come out as it was closed.
pub async fn month(
    records: &Records<'_>,
    month: Month,
    book: &PriceBook,
) -> Result<StoredMonth, BillingError> {
    let pool = records.store.pool();
    let closed = stored_bills::closed(pool, records.account, month).await?;
    let (rated, now) = match closed.last() {
        Some(head) => {
            let now = records.usage(month.days()).await?.days;
            (closed_revision(records, head).await?, Some(now))
        }
        None => (rate_month(records, book, month).await?, None),
    };
    let superseded = usage::read_superseded(pool, records.account, month.days()).await?;
    let gaps = gaps(&rated, &records.settings.askable_services());
    Ok(StoredMonth { rated, now, superseded, gaps })
}

/// Days and values that are not known, and services that are not fetched.
fn gaps(rated: &RatedMonth, fetched: &[Service]) -> Vec<Gap> {
    let missing = rated.coverage.missing_days.iter().flat_map(|missing| {
        missing.days.iter().map(|days| Gap {
            project_id: missing.project_id.clone(),
            service: missing.service,
            days: *days,
        })
    });
    let incomplete = rated.usage.incomplete_cells().into_iter();
    let incomplete = incomplete.filter_map(|(project_id, service, day)| {
        let days = DateRange::new(day, day).ok()?;
        Some(Gap { project_id: Some(project_id), service, days })
    });
    let not_fetched = Service::ALL.into_iter().filter(|service| !fetched.contains(service));
    let of_month = |service| Gap::of_service(service, rated.bill.month.days());
    missing.chain(incomplete).chain(not_fetched.map(of_month)).collect()
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
            revision: self.rated.closed.as_ref().map(|closed| closed.revision),
            usage: &self.rated.usage.days,
            adjustments: &self.rated.adjustments,
            superseded: &self.superseded,
            now: self.now.as_deref(),
            gaps: &self.gaps,
            book: &self.rated.book,
        };
        reconcile(&facts, &self.rated.bill, invoice)
    }

    /// Stores the invoice, and beside it the estimate of an open month as its
    /// draft, so that the views show the figures of this comparison.
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
            let draft = bills::replace_draft(pool, &self.rated.record(now)).await;
            let draft = draft.map_err(BillingError::from)?;
            draft.commit().await.map_err(BillingError::from)?;
        }
        Ok(invoices::write(pool, reconciliation, invoice, now).await?)
    }
}

/// Why a comparison could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The draft could not be stored.
    #[error(transparent)]
    Draft(#[from] BillingError),
    /// The invoice could not be stored.
    #[error(transparent)]
    Invoice(#[from] InvoiceWriteError),
}
