//! What a month costs in all, from its sums alone.
//!
//! Owns the short way to a total, for questions about many plans and volumes:
//! a total depends on the sums of the month and on nothing else of its usage, so
//! that no cell is read twice and no cent is split. Bills are [`super::steps`]'s.

use num_rational::BigRational;

use super::bill::RatingError;
use super::minutes::{self, MonthMinutes, UnpricedUsage};
use super::{Assumption, PriceBook, TotalRange, assumptions, range, steps};
use crate::domain::{DayUsage, Money, Month};

/// The total of a month under a book, and how sure it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthTotal {
    /// As the bill would have it.
    pub total: Money,
    /// Over all readings of the open points.
    pub range: TotalRange,
    /// Open points that have a say in it.
    pub assumptions: Vec<Assumption>,
    /// Usage without a price; not part of the total.
    pub unpriced: Vec<UnpricedUsage>,
}

/// The sums of a month, of checked usage.
///
/// # Errors
/// Usage that is negative, outside the month or there twice.
pub fn sum_usage(month: Month, usage: &[DayUsage]) -> Result<MonthMinutes, RatingError> {
    Ok(minutes::sum_month(&minutes::cells_in_order(month, usage)?))
}

/// The total of a month with these sums, with its range.
///
/// # Errors
/// [`RatingError::AmountTooLarge`].
pub fn month_total(
    sums: &MonthMinutes,
    month: Month,
    book: &PriceBook,
) -> Result<MonthTotal, RatingError> {
    let steps = steps::steps(sums.clone(), month, book);
    let total = steps::money(&steps.exact_total, book.currency)?;
    let explored = range::explore(&steps, month, book, total)?;
    Ok(MonthTotal {
        total,
        range: explored.range,
        assumptions: assumptions::behind(&steps, &explored, book),
        unpriced: steps.lines.unpriced,
    })
}

/// The exact total by the readings of the book alone, before its one rounding.
#[must_use]
pub fn exact_month_total(sums: &MonthMinutes, month: Month, book: &PriceBook) -> BigRational {
    steps::steps(sums.clone(), month, book).exact_total
}

/// Standard minutes beyond those that are free or bought; 0 under the month plans.
#[must_use]
pub fn overage_minutes(sums: &MonthMinutes, month: Month, book: &PriceBook) -> u128 {
    let standard = steps::steps(sums.clone(), month, book).standard;
    standard.map_or(0, |standard| standard.overage_minutes)
}
