//! When jobs run, and who may run them.
//!
//! Owns leases that are kept alive while work goes on. Knows no job's inside:
//! what a job does is [`crate::collect`]'s and [`crate::cli`]'s.

pub mod held_lease;

pub use held_lease::HeldLease;
