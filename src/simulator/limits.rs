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
use super::family::Family;

const WINDOW: Duration = Duration::from_secs(1);

/// The windows of all families.
#[derive(Debug)]
pub(super) struct Limits {
    windows: [Mutex<SlidingWindow>; Family::ALL.len()],
}

impl Limits {
    pub(super) fn new(settings: &SimulatorSettings) -> Self {
        let limit = |family: Family| {
            if family.is_statistics() {
                settings.statistics_requests_per_second
            } else {
                settings.requests_per_second
            }
        };
        let window = |family| Mutex::new(SlidingWindow::new(limit(family)));
        Self { windows: Family::ALL.map(window) }
    }

    /// Whether one more request is served now; counts it if so.
    pub(super) fn accept(&self, family: Family) -> bool {
        let Some(window) = self.windows.get(family as usize) else { return true };
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
