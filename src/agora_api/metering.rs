//! What the client counts: requests by family and status, and waits on the limit.
//!
//! Knows the counting alone; who collects the numbers and shows them is
//! [`crate::observe`]'s. The customer id is never part of a number.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::client::Family;

/// Requests that were sent, by `family` and `status` (`none`: no answer).
pub const REQUESTS_TOTAL: &str = "agora_usage_requests_total";

/// Whole seconds that requests waited for their turn, by `family`.
pub const LIMIT_WAIT_SECONDS_TOTAL: &str = "agora_usage_limit_wait_seconds_total";

const MICROS_PER_SECOND: u64 = 1_000_000;

/// Waits of all clients of the process: a counter takes whole numbers alone,
/// and most waits are parts of a second.
static WAITED_MICROS: [AtomicU64; Family::COUNT] = [const { AtomicU64::new(0) }; Family::COUNT];

/// Counts one attempt, answered or not.
pub(super) fn request_ended(family: Family, status: Option<u16>) {
    let status = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
    metrics::counter!(REQUESTS_TOTAL, "family" => family.name(), "status" => status).increment(1);
}

/// Adds the time that a request waited for its turn.
pub(super) fn waited(family: Family, wait: Duration) {
    let wait_micros = u64::try_from(wait.as_micros()).unwrap_or(u64::MAX);
    let waited = &WAITED_MICROS[family as usize];
    let sum_micros = waited.fetch_add(wait_micros, Ordering::Relaxed).saturating_add(wait_micros);
    metrics::counter!(LIMIT_WAIT_SECONDS_TOTAL, "family" => family.name())
        .absolute(sum_micros / MICROS_PER_SECOND);
}
