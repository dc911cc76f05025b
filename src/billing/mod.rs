//! From rated months to bills that can be relied on: drafts, closed revisions, adjustments.
//!
//! Owns what a month is rated from (now, at an earlier time, or for a stored
//! bill), how adjustments are split, when a month may be closed, what changed
//! since, and whether a stored bill can be computed again. Rates nothing
//! itself ([`crate::rating`]), sends no SQL ([`crate::store`]), writes no file
//! ([`crate::report`]) and words nothing for people but the reservations that
//! a forced close states on its bill.
//!
//! A closed revision is never copied out of its tables: it is computed again
//! from the values, the price book and the adjustments that it was made from,
//! and given out only where every stored figure comes out the same.

pub mod adjust;
pub mod close;
pub mod closing;
pub mod difference;
pub mod error;
pub mod explain;
pub mod margin;
pub mod month;
pub mod reproduce;
pub mod reservations;
pub mod used_months;

pub use error::BillingError;
pub use month::RatedMonth;
