//! A range of days from stored usage: its months come as wholes, each by its newest
//! closed revision, else rated from what is known.
//!
//! Stores no draft. A closed revision is told as it was closed: by its values, its
//! price book, its adjustments, and the cost centres of then.

use std::collections::BTreeMap;

use super::{MonthReportError, background, month_of_then};
use crate::billing::month::rate_month;
use crate::billing::reproduce::closed_revision;
use crate::billing::{BillingError, RatedMonth};
use crate::clock::Clock;
use crate::collect::Records;
use crate::collect::holes::Hole;
use crate::domain::{Currency, DateRange, Month, Project, ProjectId};
use crate::rating::PriceBooks;
use crate::report::{self, MonthReport, PublishedRange, RangeReport, ReportOptions};
use crate::store::stored_bills;

/// A range's report that is in place.
#[derive(Debug)]
pub struct WrittenRange {
    /// Months of the range, as wholes.
    pub months: Vec<RatedMonth>,
    /// Of all of them.
    pub currency: Currency,
    /// Where the files are, and what the range costs.
    pub published: PublishedRange,
}

impl WrittenRange {
    /// Whether days or prices are missing in one of its months.
    #[must_use]
    pub fn has_gaps(&self) -> bool {
        self.months.iter().any(|month| month.report().has_gaps())
    }

    /// Days of its open months that are not known.
    #[must_use]
    pub fn holes(&self) -> Vec<Hole> {
        self.months.iter().flat_map(|month| month.holes.clone()).collect()
    }
}

/// Loads each month of the range as a whole, and writes its slices.
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
    let mut months = Vec::new();
    for part in range.by_month() {
        months.push(month_of_range(records, books, Month::of(part.first())).await?);
    }
    let currency = currency(records, &months)?;
    // As the newest month knows them.
    let mut projects: BTreeMap<&ProjectId, &Project> = BTreeMap::new();
    let mut tags: BTreeMap<ProjectId, BTreeMap<String, String>> = BTreeMap::new();
    for month in &months {
        projects.extend(month.projects.iter().map(|project| (&project.project_id, project)));
        tags.extend(month.background.tags.clone());
    }
    let projects: Vec<Project> = projects.into_values().cloned().collect();
    let reports: Vec<MonthReport<'_>> = months.iter().map(RatedMonth::report).collect();
    let report = RangeReport {
        account: records.account,
        range,
        currency,
        months: &reports,
        projects: &projects,
        tags: &tags,
    };
    let published = tokio::task::block_in_place(|| report::write_range(&report, options))?;
    drop(reports);
    Ok(WrittenRange { months, currency, published })
}

/// The month by its newest closed revision, else rated; with its prices and tags.
async fn month_of_range(
    records: &Records<'_>,
    books: &PriceBooks,
    month: Month,
) -> Result<RatedMonth, MonthReportError> {
    let book = books.in_force(month)?;
    let mut rated = if records.clock.known_by().is_some() {
        month_of_then(records, book, month).await?
    } else {
        let closed = stored_bills::closed(records.store.pool(), records.account, month).await;
        match closed.map_err(BillingError::from)?.pop() {
            Some(newest) => closed_revision(records, &newest).await?,
            None => rate_month(records, book, month).await?,
        }
    };
    let closed_at = rated.closed.as_ref().map(|closed| closed.closed_at);
    let clock = closed_at.map_or(records.clock, Clock::standing_at);
    rated.background = background::of_days(&Records { clock, ..*records }, &rated).await?;
    Ok(rated)
}

/// The one currency of all months: amounts of two are no sum.
fn currency(records: &Records<'_>, months: &[RatedMonth]) -> Result<Currency, MonthReportError> {
    let Some(first) = months.first() else {
        return Err(BillingError::NothingStored(records.account.clone()).into());
    };
    let currency = first.bill.currency;
    match months.iter().find(|month| month.bill.currency != currency) {
        None => Ok(currency),
        Some(other) => Err(MonthReportError::TwoCurrencies {
            month: other.bill.month,
            currency: other.bill.currency,
            before: currency,
        }),
    }
}
