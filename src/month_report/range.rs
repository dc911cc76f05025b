//! A range of days from stored usage: its months are loaded and rated as wholes.
//!
//! Stores no draft. Adjustments have no day, so that they are no part of a range.

use super::MonthReportError;
use crate::billing::BillingError;
use crate::billing::month::rate_month;
use crate::collect::Records;
use crate::collect::holes::Hole;
use crate::domain::{DateRange, Month};
use crate::rating::PriceBooks;
use crate::report::{self, MonthSlice, Months, PublishedRange, RangeReport, ReportOptions};

use super::background::tags;

/// A range's report that is in place.
#[derive(Debug)]
pub struct WrittenRange {
    /// Months of the range.
    pub months: Months,
    /// Where the files are, and what the range costs.
    pub published: PublishedRange,
    /// Days of its months that are not known.
    pub holes: Vec<Hole>,
}

/// Loads and rates each month of the range as a whole, and writes its slices.
///
/// Must be called within a multi-threaded runtime: writing blocks its thread.
///
/// # Errors
/// [`MonthReportError`]; the earlier files are as they were.
pub async fn write_range_of_days(
    records: &Records<'_>,
    books: &PriceBooks,
    range: DateRange,
    options: &ReportOptions,
) -> Result<WrittenRange, MonthReportError> {
    let (mut projects, mut holes, mut slices) = (Vec::new(), Vec::new(), Vec::new());
    let mut tags_of_range = std::collections::BTreeMap::new();
    for part in range.by_month() {
        let month = Month::of(part.first());
        let rated = rate_month(records, books.in_force(month)?, month).await?;
        let (status, has_gaps) = (rated.status(), rated.report().has_gaps());
        projects = rated.projects;
        holes.extend(rated.holes);
        tags_of_range.extend(tags(records, month).await?);
        slices.push(MonthSlice { bill: rated.bill, usage: rated.usage.days, status, has_gaps });
    }
    let mut slices = slices.into_iter();
    let Some(first) = slices.next() else {
        return Err(BillingError::NothingStored(records.account.clone()).into());
    };
    let months = Months::new(first, slices.collect());
    let report = RangeReport {
        account: records.account,
        range,
        months: &months,
        projects: &projects,
        tags: &tags_of_range,
    };
    let published = tokio::task::block_in_place(|| report::write_range(&report, options))?;
    Ok(WrittenRange { months, published, holes })
}
