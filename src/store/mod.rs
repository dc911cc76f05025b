//! The database: all SQL that the program sends, one file a table.
//!
//! Owns the schema (`migrations/`), the way to a server (given by address, or
//! a private [`cluster`] that the program runs itself), bulk writes and reads.
//! Row types stop here; the rest of the program speaks [`crate::domain`].
//! Decides nothing: what to ask for is [`crate::collect`]'s, what it costs is
//! [`crate::rating`]'s.

pub mod analyst_queries;
pub mod bills;
pub mod cluster;
mod connection;
mod copy;
mod error;
pub mod job_runs;
pub mod leases;
pub mod migrate;
pub mod occupancy;
pub mod projects;
pub mod requests;
pub mod usage;

use std::borrow::Cow;

pub use connection::{DatabaseAddress, Store};
pub use error::StoreError;

/// Text as PostgreSQL can hold it: a NUL character is written as `\u0000`.
fn storable_text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\\u0000")) } else { text.into() }
}
