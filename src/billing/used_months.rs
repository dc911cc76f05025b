//! Whole months of stored usage, summed.
//!
//! Owns which months there are and what of them is not known. A month is read,
//! summed and let go, so that years fit into little memory.

use chrono::Days;

use super::BillingError;
use crate::collect::Records;
use crate::domain::{DateRange, Month};
use crate::outlook::compare::UsedMonth;
use crate::rating::sum_usage;
use crate::store::requests;

/// Months, and how much of them is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsedMonths {
    /// In their order.
    pub months: Vec<UsedMonth>,
    /// Days of projects and services that are not known, of all months together.
    pub unknown_days: i64,
    /// Days of the months that are not over yet.
    pub days_to_come: i64,
}

/// The newest whole months that usage was ever asked for, at most `most` of them.
///
/// # Errors
/// [`BillingError`] when nothing is stored, or no month is over since.
pub async fn newest_months(records: &Records<'_>, most: usize) -> Result<Vec<Month>, BillingError> {
    let nothing = || BillingError::NothingStored(records.account.clone());
    let first = requests::first_day_asked(records.store.pool(), records.account).await?;
    let first = Month::of(first.ok_or_else(nothing)?);
    let mut month = Month::of(records.clock.today());
    let mut months = Vec::new();
    while month > first && months.len() < most {
        month = month.previous();
        months.push(month);
    }
    months.reverse();
    if months.is_empty() { Err(nothing()) } else { Ok(months) }
}

/// Reads and sums months.
///
/// # Errors
/// [`BillingError`] when the database fails, or holds usage that cannot be rated.
pub async fn used_months(
    records: &Records<'_>,
    months: &[Month],
) -> Result<UsedMonths, BillingError> {
    let yesterday = records.clock.today().checked_sub_days(Days::new(1));
    let mut used = UsedMonths::default();
    for month in months.iter().copied() {
        let usage = records.usage(month.days()).await?.days;
        used.months.push(UsedMonth { month, sums: sum_usage(month, &usage)? });
        let last = yesterday.map(|yesterday| month.last_day().min(yesterday));
        let past = last.and_then(|last| DateRange::new(month.first_day(), last).ok());
        used.days_to_come += month.days().day_count() - past.map_or(0, DateRange::day_count);
        if let Some(past) = past {
            let holes = records.coverage(past).await?.holes;
            used.unknown_days += holes.iter().map(|hole| hole.range.day_count()).sum::<i64>();
        }
    }
    Ok(used)
}
