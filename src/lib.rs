//! What a company used on Agora real-time audio and video, what it will cost,
//! and which project caused each cent.
//!
//! # The flow
//! A command of [`cli`] reads the settings ([`config`]) and the [`clock`] into
//! a [`context`]. [`collect`] works out which days are due, asks the platform
//! through [`agora_api`] and hands the answers to [`store`], which keeps every
//! value, every superseded value and every request in PostgreSQL. [`rating`]
//! turns a month of stored seconds into a bill, exactly, and splits its cents
//! over projects and days. [`report`] writes the rated bill to files, published
//! whole; [`month_report`] is that flow in one file. [`reconcile`] holds the
//! platform's invoice against the bill. [`outlook`] tells where the month is going,
//! and [`account_outlook`] is its flow. [`schedule`] says who may
//! work and when jobs run. [`simulator`] is the platform's other side, for demos and tests; the
//! rest of the program knows it over HTTP alone. All of them speak the words of
//! [`domain`].
//!
//! # The rules
//! - [`domain`] and [`rating`] are pure: no input or output, clock or async.
//! - HTTP is spoken in [`agora_api`] and [`simulator`] alone, SQL in [`store`].
//! - Wire types stop at [`agora_api`], row types at [`store`].
//! - [`report`] gets a rated bill, never a pool; [`cli`] only composes.
//! - Money is an exact rational until the one rounding of the total, and whole
//!   units after it; never a float.
//!
//! ARCHITECTURE.md tells the same map to people, with the reasons.

pub mod account_outlook;
pub mod agora_api;
pub mod authorities;
pub mod billing;
pub mod cli;
pub mod clock;
pub mod collect;
pub mod config;
pub mod context;
pub mod domain;
#[doc(hidden)]
pub mod hot_paths;
pub mod lake;
pub mod month_report;
pub mod observe;
pub mod outlook;
#[doc(hidden)]
pub mod outside_data;
mod outside_file;
pub mod rating;
pub mod reconcile;
pub mod report;
pub mod schedule;
pub mod simulator;
pub mod store;
#[cfg(test)]
mod sweep;
