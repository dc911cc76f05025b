//! When jobs run, and who may run them.
//!
//! Owns the list of jobs ([`jobs`]), their scheduled times ([`slots`]), and
//! leases that are kept alive while work goes on ([`held_lease`]), a single run
//! ([`runner`]) and all of them over time ([`daemon`]). Composes:
//! what a job does is [`crate::collect`]'s and [`crate::month_report`]'s.

pub mod daemon;
pub mod held_lease;
pub mod jobs;
pub mod runner;
pub mod slots;

pub use held_lease::HeldLease;
