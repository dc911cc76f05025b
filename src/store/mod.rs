//! The database: all SQL that the program sends, one file a table.
//!
//! Owns the schema (`migrations/`), the way to a server (given by address, or
//! a private [`cluster`] that the program runs itself), bulk writes and reads.
//! Row types stop here; the rest of the program speaks [`crate::domain`].
//! Decides nothing: what to ask for is [`crate::collect`]'s, what it costs is
//! [`crate::rating`]'s.

pub mod adjustments;
pub mod alerts;
pub mod analyst_queries;
pub mod backup;
pub mod bills;
pub mod budgets;
pub mod cluster;
mod connection;
mod copy;
mod copy_out;
pub mod dictionary;
mod error;
pub mod forecasts;
pub mod health;
pub mod invoices;
pub mod job_runs;
pub mod lake;
pub mod leases;
pub mod migrate;
pub mod occupancy;
pub mod price_books;
pub mod projects;
pub mod readers;
pub mod requests;
pub mod resale;
mod statement;
pub mod stored_bills;
pub mod tags;
pub mod usage;
pub mod usage_history;

use std::borrow::Cow;

pub use connection::{DatabaseAddress, Store};
pub use error::StoreError;

/// Text as PostgreSQL can hold it: a NUL character is written as `\u0000`.
///
/// In such a text, and in one that holds `\u0000` to the letter, a backslash is
/// doubled, so that two texts are never stored as one.
fn storable_text(text: &str) -> Cow<'_, str> {
    const ESCAPED_NUL: &str = "\\u0000";
    if text.contains('\0') || text.contains(ESCAPED_NUL) {
        Cow::Owned(text.replace('\\', "\\\\").replace('\0', ESCAPED_NUL))
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::storable_text;

    #[test]
    fn c37_no_two_texts_are_stored_as_one() {
        let texts = ["a\0b", "a\\u0000b", "a\\\0b", "a\\\\u0000b", "a\\b", "ab"];
        let stored: std::collections::BTreeSet<_> = texts.into_iter().map(storable_text).collect();
        assert_eq!(stored.len(), texts.len());
        assert_eq!(storable_text("a\0b"), "a\\u0000b");
        assert_eq!(storable_text("a\\b"), "a\\b");
    }
}
