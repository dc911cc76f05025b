//! A month's report from stored usage: load, rate, store the draft, write the files.
//!
//! The main flow, used by the command and by the daemon. A closed month's files
//! are those of its closed revisions; its draft goes on, and tells what changed
//! since. Rates nothing itself and words nothing for people.

mod background;
mod earlier;
mod range;

pub use range::{WrittenRange, write_range_of_days};

use crate::billing::difference::Difference;
use crate::billing::month::{book_in_force, rate_month};
use crate::billing::reproduce::{closed_revision, closed_revisions};
use crate::billing::{BillingError, RatedMonth};
use crate::collect::Records;
use crate::collect::holes::Hole;
use crate::domain::{BillStatus, Currency, Money, Month, Project};
use crate::rating::{Assumption, Bill, PriceBook, PriceBooks, PriceBooksError, TotalRange};
use crate::report::{
    ClosedNote, GroupFigures, Grouping, MonthReport, Published, ReportError, ReportOptions,
    breakdown, write_closed_month, write_month,
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
    /// The months of a range are billed in different currencies.
    #[error(
        "{month} is billed in {} and the months before it in {}, which have no sum; \
         ask for the ranges before and from {month} on apart",
        currency.code(), before.code()
    )]
    TwoCurrencies {
        /// First month in another currency.
        month: Month,
        /// Its currency.
        currency: Currency,
        /// That of the months before.
        before: Currency,
    },
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
    /// The range of all readings with adjustments.
    pub range_due: TotalRange,
    /// The range of each assumption with adjustments, in their order.
    pub assumption_ranges: Vec<TotalRange>,
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
    /// The breakdowns that were asked for.
    pub breakdowns: Vec<(Grouping, Vec<GroupFigures>)>,
    /// Days that are not known.
    pub holes: Vec<Hole>,
}

impl Written {
    fn new(
        month: RatedMonth,
        published: Published,
        changes: Option<Difference>,
        options: &ReportOptions,
    ) -> Result<Self, ReportError> {
        let report = month.report();
        let (status, has_gaps) = (report.status(), report.has_gaps());
        let amount_due = report.amount_due();
        let range_due = report.range_due(&report.bill.range);
        let of_assumption = |one: &Assumption| report.range_due(&one.range);
        let assumption_ranges = report.bill.assumptions.iter().map(of_assumption).collect();
        let groups = |grouping: &Grouping| Ok((*grouping, breakdown(&report, *grouping)?));
        let breakdowns =
            options.breakdowns.iter().map(groups).collect::<Result<_, ReportError>>()?;
        let RatedMonth { bill, closed, projects, holes, .. } = month;
        Ok(Self {
            bill,
            amount_due,
            range_due,
            assumption_ranges,
            status,
            has_gaps,
            closed,
            changes,
            projects,
            published,
            breakdowns,
            holes,
        })
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
        return write_of_then(records, books, month, options).await;
    }
    let mut fresh = rate_month(records, book, month).await?;
    let mut revisions = closed_revisions(records, month).await?;
    let kept_formats = options.keeping_formats_of(records.account, month);
    let options = if revisions.is_empty() { options } else { &kept_formats };
    if revisions.is_empty() {
        fresh.background = background::of(records, books, &fresh, None, options).await?;
    }
    background::of_revisions(records, books, &mut revisions, options).await?;
    let pool = records.store.pool();
    let draft = bills::replace_draft(pool, &fresh.record(options.generated_at)).await;
    let draft = draft.map_err(BillingError::from)?;
    // Writing thousands of files must not hold up the other tasks of this thread.
    let published = tokio::task::block_in_place(|| publish(&fresh, &revisions, options))?;
    // Last, so that table and files agree when the files cannot be written.
    draft.commit().await.map_err(BillingError::from)?;
    Ok(match revisions.pop() {
        None => Written::new(fresh, published, None, options)?,
        Some(newest) => {
            let changes = Difference::between(&newest, &fresh);
            let changes = Some(changes).filter(|changes| !changes.is_empty());
            Written::new(newest, published, changes, options)?
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

/// Writes a month that was rated by a sell price book: nothing of it, nor of what
/// surrounds it, comes from the cost side.
///
/// Must be called within a multi-threaded runtime: writing blocks its thread.
///
/// # Errors
/// [`MonthReportError`]; the earlier files are as they were.
pub async fn write_statement(
    records: &Records<'_>,
    mut sell: RatedMonth,
    options: &ReportOptions,
) -> Result<Published, MonthReportError> {
    sell.background = background::of_statement(records, &sell, options).await?;
    Ok(tokio::task::block_in_place(|| write_month(&sell.report(), options))?)
}

async fn write_of_then(
    records: &Records<'_>,
    books: &PriceBooks,
    month: Month,
    options: &ReportOptions,
) -> Result<Written, MonthReportError> {
    let mut then = month_of_then(records, books.in_force(month)?, month).await?;
    let kept_formats = options.keeping_formats_of(records.account, month);
    let options = if then.closed.is_none() { options } else { &kept_formats };
    then.background = background::of(records, books, &then, None, options).await?;
    let revision = then.closed.is_some().then_some(std::slice::from_ref(&then));
    let published =
        tokio::task::block_in_place(|| publish(&then, revision.unwrap_or_default(), options))?;
    Ok(Written::new(then, published, None, options)?)
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
