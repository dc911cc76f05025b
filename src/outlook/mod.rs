//! Where the month is going: what it will cost, when free minutes and budgets
//! run out, which days are odd, and which plan would be cheaper.
//!
//! Owns the questions that come before the bill does. Pure: facts in, answers
//! out; no database and no clock. Usage is foretold in whole seconds and then
//! rated by [`rating`](crate::rating) like any other usage, so that tiers and
//! free minutes are exact and the parts of a forecast sum to its whole.
//!
//! [`series`] turns stored usage into daily seconds, [`pattern`] foretells one
//! series, [`month`] a bill; [`budget`], [`anomaly`] and [`compare`] answer the
//! questions on top; [`backtest`] tells how good all of it would have been.

pub mod anomaly;
pub mod backtest;
pub mod budget;
pub mod compare;
pub mod month;
pub mod pattern;
pub mod plans;
pub mod series;

pub use month::{MonthForecast, Outlook, ProjectForecast};

/// Days of a new month in which the one before is looked at as well: its last
/// days come late, and a threshold that they reach must not go untold.
pub const DAYS_OF_LOOKING_BACK: u32 = 7;
