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
    let currencies = months.iter().map(|month| (month.bill.month, month.bill.currency));
    let currency = one_currency(currencies)?
        .ok_or_else(|| BillingError::NothingStored(records.account.clone()))?;
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

/// The one currency of all months, none without months: amounts of two are no sum.
fn one_currency(
    months: impl IntoIterator<Item = (Month, Currency)>,
) -> Result<Option<Currency>, MonthReportError> {
    let mut months = months.into_iter();
    let Some((_, before)) = months.next() else { return Ok(None) };
    match months.find(|(_, currency)| *currency != before) {
        None => Ok(Some(before)),
        Some((month, currency)) => Err(MonthReportError::TwoCurrencies { month, currency, before }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_of_two_currencies_have_no_sum() {
        let month = |month: &str, code: &str| {
            let currency = Currency::from_code(code).expect("known");
            (Month::parse(month).expect("valid"), currency)
        };
        let (january, february) = (month("2031-01", "USD"), month("2031-02", "USD"));
        assert_eq!(one_currency([]).expect("nothing"), None);
        assert_eq!(one_currency([january, february]).expect("one"), Some(january.1));
        let refused = one_currency([january, february, month("2031-03", "CNY")]).expect_err("two");
        assert_eq!(
            refused.to_string(),
            "2031-03 is billed in CNY and the months before it in USD, which have no sum; ask for \
             the ranges before and from 2031-03 on apart"
        );
    }
}
