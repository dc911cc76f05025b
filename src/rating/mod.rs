//! From a month's seconds to a bill, exactly, step by step.
//!
//! Owns the arithmetic of Agora's plans and the split of a bill over projects
//! and days. Pure: no input or output, no clock, no async and no float;
//! amounts are exact rationals until the one rounding of the total. Does not
//! know where usage or price books are stored, nor how a bill is printed.
//!
//! The steps, in their order: [`minutes`] (sum the seconds, round up once, SD
//! joins HD), [`free_minutes`], [`tiers`] (exact amounts), [`bill`] (the total,
//! rounded once), [`allocate`] (cents to projects, days and lines). The result
//! of each step is a value, so that a bill can be explained step by step.

pub mod allocate;
pub mod assumptions;
pub mod bill;
pub mod free_minutes;
pub mod minutes;
pub mod price_book;
pub mod tiers;

#[cfg(test)]
mod tests;

pub use allocate::{DayAllocation, LineAllocation, ProjectAllocation};
pub use assumptions::Assumption;
pub use bill::{Bill, BillLine, RatingError, exact_decimal_units, rate};
pub use minutes::UnpricedUsage;
pub use price_book::{PriceBook, PriceBookError};

/// Decimal places of an allocated amount: the cost of a day is given in 1e-6 units.
pub const ALLOCATION_SCALE: u32 = 6;

/// Decimal places that hold every exact line amount of a valid price book.
///
/// A price has at most 4, a price for one minute 3 more, and a discount in
/// percent with at most 2 adds 4: 11 in all.
pub const LINE_SCALE: u32 = 12;
