//! What the numbers of the settings may be.

use super::raw::RawSettings;
use super::{ConfigError, value};

/// Refuses a number that makes no sense, before anything works with it.
pub(super) fn check(raw: &RawSettings) -> Result<(), ConfigError> {
    let bounds = [
        ("look_back_days", u64::from(raw.look_back_days), 0, 366),
        ("api_history_months", raw.api_history_months.into(), 0, 1_200),
        ("requests_per_second", raw.requests_per_second.into(), 0, 10_000),
        ("statistics_requests_per_second", raw.statistics_requests_per_second.into(), 0, 10_000),
        ("accounts_at_once", raw.accounts_at_once.into(), 1, 1_000),
        ("workers", raw.workers.into(), 1, 1_000),
        ("request_timeout_seconds", raw.request_timeout_seconds, 1, 86_400),
        ("attempts_per_host", raw.attempts_per_host.into(), 1, 100),
        ("first_retry_wait_ms", raw.first_retry_wait_ms, 0, 3_600_000),
        ("max_body_bytes", raw.max_body_bytes as u64, 1, 1 << 40),
        ("channel_page_size", raw.channel_page_size.into(), 1, 500),
        ("channel_retention_days", raw.channel_retention_days.into(), 0, 36_500),
        ("no_success_hours", raw.no_success_hours.into(), 1, 8_760),
    ];
    let wrong = bounds.iter().find(|(_, number, least, most)| number < least || number > most);
    wrong.map_or(Ok(()), |(key, number, least, most)| {
        let source = raw.source_of(key);
        Err(value(format!("{key} = {number} is out of range: {least} to {most}{source}")))
    })
}
