//! From a month's seconds to a bill, exactly, step by step.
//!
//! Owns the arithmetic of Agora's plans and the split of a bill over projects
//! and days. Pure: no input or output, no clock, no async and no float;
//! amounts are exact rationals until the one rounding of the total. Does not
//! know where usage or price books are stored, nor how a bill is printed.
//!
//! The steps, in their order ([`steps`]): [`minutes`] (sum the seconds, round up
//! once, SD joins HD), then by plan [`free_minutes`] and [`tiers`], or [`standard`]
//! (coefficients, package, overage), then [`charges`] (discount, commitment, tax),
//! the total, rounded once, and [`allocate`] (cents to projects, days and lines).
//! The result of each step is a value, so that a bill can be explained step by
//! step. [`range`] rates the month by every other reading of the open points;
//! [`month_total`](mod@month_total) is the short way where a total is all that is asked for.

pub mod allocate;
mod amount;
pub mod assumptions;
pub mod bill;
pub mod charges;
pub mod free_minutes;
pub mod minutes;
pub mod month_total;
pub mod price_book;
pub mod price_books;
pub mod range;
pub mod standard;
pub mod steps;
pub mod tiers;

#[cfg(test)]
mod tests;

pub use allocate::{DayAllocation, LineAllocation, ProjectAllocation};
pub use amount::{decimal_units, exact_decimal_units};
pub use assumptions::Assumption;
pub use bill::{Bill, BillLine, RatingError};
pub use charges::{Charge, ChargeKind};
pub use minutes::{MonthMinutes, UnpricedUsage};
pub use month_total::{MonthTotal, exact_month_total, month_total, overage_minutes, sum_usage};
pub use price_book::{LineKind, Plan, PriceBook, PriceBookError};
pub use price_books::{PriceBooks, PriceBooksError};
pub use range::TotalRange;
pub use steps::{RatingSteps, rate, rate_by_the_book, rate_with_steps, split};

/// Decimal places of an allocated amount: the cost of a day is given in 1e-6 units.
pub const ALLOCATION_SCALE: u32 = 6;

/// Decimal places that hold every exact line amount of a valid price book; a
/// discount or tax of the whole bill is shown at this scale ([`decimal_units`]).
///
/// A price has at most 4, a price for one minute 3 more, and a discount in
/// percent with at most 2 adds 4: 11 in all.
pub const LINE_SCALE: u32 = 12;
