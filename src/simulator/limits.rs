//! How often one may ask: a sliding second for each family of calls.
//!
//! Owns the counting of accepted requests. A refused request does not count,
//! so that a caller who keeps asking is served again as soon as the window
//! allows. Reads no clock of its own: the account's clock may live in another
//! year, while a limit is about real seconds.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::SimulatorSettings;

const WINDOW: Duration = Duration::from_secs(1);

/// Calls that share one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Every project call.
    Projects,
    /// Usage of all versions.
    Usage,
    /// The channel list; each online-statistics call has a limit of its own.
    ChannelList,
}

/// The windows of all families.
#[derive(Debug)]
pub(super) struct Limits {
    projects: Mutex<SlidingWindow>,
    usage: Mutex<SlidingWindow>,
    channel_list: Mutex<SlidingWindow>,
}

impl Limits {
    pub(super) fn new(settings: &SimulatorSettings) -> Self {
        let window = |limit| Mutex::new(SlidingWindow::new(limit));
        Self {
            projects: window(settings.requests_per_second),
            usage: window(settings.requests_per_second),
            channel_list: window(settings.statistics_requests_per_second),
        }
    }

    /// Whether one more request is served now; counts it if so.
    pub(super) fn accept(&self, family: Family) -> bool {
        let window = match family {
            Family::Projects => &self.projects,
            Family::Usage => &self.usage,
            Family::ChannelList => &self.channel_list,
        };
        let mut window = window.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock, so that the times in the window are in order.
        window.accept(Instant::now())
    }
}

/// Times of the requests accepted within the last second.
#[derive(Debug)]
struct SlidingWindow {
    limit: usize,
    accepted: VecDeque<Instant>,
}

impl SlidingWindow {
    fn new(requests_per_second: u32) -> Self {
        let limit = usize::try_from(requests_per_second).unwrap_or(usize::MAX);
        Self { limit, accepted: VecDeque::new() }
    }

    fn accept(&mut self, now: Instant) -> bool {
        if self.limit == 0 {
            return true;
        }
        while self.accepted.front().is_some_and(|first| now.duration_since(*first) >= WINDOW) {
            self.accepted.pop_front();
        }
        let accepted = self.accepted.len() < self.limit;
        if accepted {
            self.accepted.push_back(now);
        }
        accepted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted_at(window: &mut SlidingWindow, start: Instant, offsets_ms: &[u64]) -> Vec<bool> {
        let at = |offset_ms: &u64| start + Duration::from_millis(*offset_ms);
        offsets_ms.iter().map(|offset_ms| window.accept(at(offset_ms))).collect()
    }

    #[test]
    fn the_eleventh_request_within_a_second_is_refused() {
        let mut window = SlidingWindow::new(10);
        let start = Instant::now();
        assert_eq!(accepted_at(&mut window, start, &[0; 10]), [true; 10]);
        assert_eq!(accepted_at(&mut window, start, &[0, 999, 1000]), [false, false, true]);
    }

    #[test]
    fn the_window_slides_and_does_not_start_anew_each_second() {
        let mut window = SlidingWindow::new(2);
        let asked = accepted_at(&mut window, Instant::now(), &[0, 900, 1000, 1100, 1899, 1900]);
        assert_eq!(asked, [true, true, true, false, false, true]);
    }

    #[test]
    fn zero_means_no_limit() {
        let mut window = SlidingWindow::new(0);
        assert_eq!(accepted_at(&mut window, Instant::now(), &[0; 50]), [true; 50]);
    }
}
