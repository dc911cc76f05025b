//! The requests that were received, for whoever wants to know what a client did.
//!
//! Bounded: the oldest entries go first. A request is entered when it arrives,
//! so that one without an answer is seen too.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

/// Entries kept.
const MAX_ENTRIES: usize = 10_000;

/// One request.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Entry {
    /// Counts the requests from 0, over every clearing.
    number: u64,
    /// By the account's clock.
    received_at: String,
    method: String,
    /// Path and query string.
    path: String,
    /// Nothing while there is no answer.
    status: Option<u16>,
}

/// The latest requests.
#[derive(Debug, Default)]
pub(super) struct RequestLog(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    next_number: u64,
    kept: VecDeque<Entry>,
}

impl RequestLog {
    /// Enters a request and returns its number.
    pub(super) fn received(&self, now: DateTime<Utc>, method: &str, path: &str) -> u64 {
        let mut entries = self.entries();
        let number = entries.next_number;
        entries.next_number += 1;
        if entries.kept.len() == MAX_ENTRIES {
            entries.kept.pop_front();
        }
        entries.kept.push_back(Entry {
            number,
            received_at: now.to_rfc3339_opts(SecondsFormat::Micros, true),
            method: method.to_owned(),
            path: path.to_owned(),
            status: None,
        });
        number
    }

    /// Adds the status of a request's answer.
    pub(super) fn answered(&self, number: u64, status: u16) {
        let mut entries = self.entries();
        let first = entries.kept.front().map_or(0, |entry| entry.number);
        let position = number.checked_sub(first).and_then(|place| usize::try_from(place).ok());
        if let Some(entry) = position.and_then(|position| entries.kept.get_mut(position)) {
            entry.status = Some(status);
        }
    }

    /// The entries kept, oldest first.
    pub(super) fn list(&self) -> Vec<Entry> {
        self.entries().kept.iter().cloned().collect()
    }

    pub(super) fn clear(&self) {
        self.entries().kept.clear();
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_bounded_and_numbers_go_on() {
        let log = RequestLog::default();
        let now = DateTime::UNIX_EPOCH;
        for _ in 0..=MAX_ENTRIES {
            let number = log.received(now, "GET", "/x");
            log.answered(number, 200);
        }
        let list = log.list();
        assert_eq!((list.len(), list[0].number), (MAX_ENTRIES, 1));
        assert!(list.iter().all(|entry| entry.status == Some(200)));
        log.answered(0, 500);
        log.clear();
        let number = log.received(now, "GET", "/y");
        log.answered(number, 404);
        assert_eq!(log.list()[0].status, Some(404));
        assert_eq!(number, MAX_ENTRIES as u64 + 1);
    }
}
