//! Even pacing of requests, so that no second ever holds more than the limit.
//!
//! A burst of 1: after an idle hour the second request still waits its turn.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// Lets one request pass each `1 / requests_per_second`, in the order of asking.
#[derive(Debug)]
pub(super) struct Pacer {
    /// None lets everything pass.
    ticks: Option<Mutex<Interval>>,
}

impl Pacer {
    /// 0 switches pacing off. Must be called within a tokio runtime.
    pub(super) fn new(requests_per_second: u32) -> Self {
        let ticks = (requests_per_second > 0).then(|| {
            // An interval of nothing is refused; a nanosecond paces nobody.
            let every = Duration::from_secs(1) / requests_per_second;
            let mut ticks = interval(every.max(Duration::from_nanos(1)));
            // Ticks that nobody took must not add up to a burst.
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            Mutex::new(ticks)
        });
        Self { ticks }
    }

    /// Waits for this request's turn.
    pub(super) async fn turn(&self) {
        if let Some(ticks) = &self.ticks {
            ticks.lock().await.tick().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn c22_no_second_holds_more_than_the_limit_even_after_an_idle_minute() {
        let pacer = Pacer::new(9);
        let mut passed = Vec::new();
        for _ in 0..20 {
            pacer.turn().await;
            passed.push(Instant::now());
        }
        tokio::time::sleep(Duration::from_mins(1)).await;
        for _ in 0..20 {
            pacer.turn().await;
            passed.push(Instant::now());
        }
        for (at, first) in passed.iter().enumerate() {
            let second = passed[at..].iter().take_while(|t| **t - *first < Duration::from_secs(1));
            assert!(second.count() <= 9);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pace_beyond_the_clock_is_no_failure() {
        for _ in 0..3 {
            Pacer::new(u32::MAX).turn().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn zero_switches_pacing_off() {
        let pacer = Pacer::new(0);
        let start = Instant::now();
        for _ in 0..1000 {
            pacer.turn().await;
        }
        assert_eq!(Instant::now(), start);
    }
}
