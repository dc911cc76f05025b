//! A month's report from stored usage: load, rate, store the draft, write the files.
//!
//! The main flow, used by the command and by the daemon. A closed month's files
//! are those of its closed revisions; its draft goes on, and tells what changed
//! since. Rates nothing itself and words nothing for people.

use crate::billing::difference::Difference;
use crate::billing::month::{book_in_force, rate_month};
use crate::billing::reproduce::{closed_revision, closed_revisions};
use crate::billing::{BillingError, RatedMonth};
use crate::collect::Records;
use crate::collect::holes::Hole;
use crate::domain::{BillStatus, Money, Month, Project};
use crate::rating::{Bill, PriceBook, PriceBooks, PriceBooksError};
use crate::report::{
    ClosedNote, MonthReport, Published, ReportError, ReportOptions, write_closed_month, write_month,
};
use crate::store::{bills, stored_bills};

/// Why a month has no report.
#[derive(Debug, thiserror::Error)]
pub enum MonthReportError {
    /// There is no bill to report.
    #[error(transparent)]
    Billing(#[from] BillingError),
    /// No price book holds for the month.
    #[error(transparent)]
    PriceBook(#[from] PriceBooksError),
    /// The files could not be written.
    #[error(transparent)]
    Files(#[from] ReportError),
}

impl MonthReportError {
    /// Whether there is nothing yet that could be reported.
    #[must_use]
    pub const fn is_nothing_stored(&self) -> bool {
        matches!(self, Self::Billing(BillingError::NothingStored(_)))
    }
}

/// A month's report that is in place.
#[derive(Debug)]
pub struct Written {
    /// The bill of the files, without adjustments.
    pub bill: Bill,
    /// Its total with adjustments.
    pub amount_due: Money,
    /// Whether it can be relied on.
    pub status: BillStatus,
    /// Whether days or prices are missing.
    pub has_gaps: bool,
    /// When and how it was closed; none for a draft.
    pub closed: Option<ClosedNote>,
    /// What a bill of today would change in a closed one; none where nothing.
    pub changes: Option<Difference>,
    /// Projects that the account has or had.
    pub projects: Vec<Project>,
    /// Where the files are.
    pub published: Published,
    /// Days that are not known.
    pub holes: Vec<Hole>,
}

impl Written {
    fn new(month: RatedMonth, published: Published, changes: Option<Difference>) -> Self {
        let report = month.report();
        let (status, has_gaps) = (report.status(), report.has_gaps());
        let amount_due = report.amount_due();
        let RatedMonth { bill, closed, projects, holes, .. } = month;
        Self { bill, amount_due, status, has_gaps, closed, changes, projects, published, holes }
    }
}

/// Load, rate, store the draft, write the files.
///
/// Where the clock of `records` stands, the report is the one of then, and no
/// draft is stored. Must be called within a multi-threaded runtime: writing
/// blocks its thread.
///
/// # Errors
/// [`MonthReportError`]; the earlier files are as they were.
pub async fn write(
    records: &Records<'_>,
    books: &PriceBooks,
    month: Month,
    options: &ReportOptions,
) -> Result<Written, MonthReportError> {
    let book = books.in_force(month)?;
    if records.clock.known_by().is_some() {
        return write_of_then(records, book, month, options).await;
    }
    let fresh = rate_month(records, book, month).await?;
    let mut revisions = closed_revisions(records, month).await?;
    let pool = records.store.pool();
    let draft = bills::replace_draft(pool, &fresh.record(options.generated_at)).await;
    let draft = draft.map_err(BillingError::from)?;
    // Writing thousands of files must not hold up the other tasks of this thread.
    let published = tokio::task::block_in_place(|| publish(&fresh, &revisions, options))?;
    // Last, so that table and files agree when the files cannot be written.
    draft.commit().await.map_err(BillingError::from)?;
    Ok(match revisions.pop() {
        None => Written::new(fresh, published, None),
        Some(newest) => {
            let changes = Difference::between(&newest, &fresh);
            let changes = Some(changes).filter(|changes| !changes.is_empty());
            Written::new(newest, published, changes)
        }
    })
}

/// The files of the closed revisions, or of the draft where there is none.
fn publish(
    fresh: &RatedMonth,
    revisions: &[RatedMonth],
    options: &ReportOptions,
) -> Result<Published, ReportError> {
    let reports: Vec<MonthReport<'_>> = revisions.iter().map(RatedMonth::report).collect();
    match write_closed_month(&reports, options)? {
        Some(published) => Ok(published),
        None => write_month(&fresh.report(), options),
    }
}

async fn write_of_then(
    records: &Records<'_>,
    book: &PriceBook,
    month: Month,
    options: &ReportOptions,
) -> Result<Written, MonthReportError> {
    let then = month_of_then(records, book, month).await?;
    let revision = then.closed.is_some().then_some(std::slice::from_ref(&then));
    let published =
        tokio::task::block_in_place(|| publish(&then, revision.unwrap_or_default(), options))?;
    Ok(Written::new(then, published, None))
}

/// The month as its bill was when the clock of `records` stands: the newest
/// revision that was closed by then, or else rated from what was known then.
///
/// # Errors
/// [`BillingError`] when nothing was known.
pub async fn month_of_then(
    records: &Records<'_>,
    book: &PriceBook,
    month: Month,
) -> Result<RatedMonth, BillingError> {
    let then = records.clock.now();
    let closed = stored_bills::closed(records.store.pool(), records.account, month).await?;
    let by_then = |head: &stored_bills::BillHead| head.closed_at.is_some_and(|at| at <= then);
    if let Some(head) = closed.into_iter().rfind(by_then) {
        return closed_revision(records, &head).await;
    }
    let book = book_in_force(records, book, month).await?;
    rate_month(records, &book, month).await
}
