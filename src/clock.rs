//! The time of day, as a parameter.
//!
//! The only place that asks the machine for the time. `AGORA_USAGE_NOW`
//! (RFC 3339) moves the clock; it runs on from there at its normal pace, so
//! that any test can live in 2031.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};

/// Environment variable that moves the clock.
pub const NOW_VARIABLE: &str = "AGORA_USAGE_NOW";

/// A clock, shifted by a fixed amount from the machine's, or one that stands.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    shift: TimeDelta,
    stands_at: Option<DateTime<Utc>>,
}

impl Clock {
    /// A clock that shows `now` at this moment and runs on from there.
    #[must_use]
    pub fn starting_at(now: DateTime<Utc>) -> Self {
        Self { shift: now - machine_now(), stands_at: None }
    }

    /// A clock that stands at a time in the past: what was learnt later is not known by it.
    #[must_use]
    pub const fn standing_at(time: DateTime<Utc>) -> Self {
        Self { shift: TimeDelta::zero(), stands_at: Some(time) }
    }

    /// The time at which the clock stands; none for one that runs, by which everything is known.
    #[must_use]
    pub const fn known_by(&self) -> Option<DateTime<Utc>> {
        self.stands_at
    }

    /// The clock that the value of [`NOW_VARIABLE`] asks for; the machine's without one.
    ///
    /// # Errors
    /// A text that is no RFC 3339 time.
    pub fn from_setting(value: Option<&str>) -> Result<Self, String> {
        let Some(text) = value.filter(|text| !text.is_empty()) else { return Ok(Self::default()) };
        let now = DateTime::parse_from_rfc3339(text).map_err(|error| {
            format!("'{text}' is not an RFC 3339 time ({error}); write it as 2031-05-08T00:30:00Z")
        })?;
        if now.year() < 1971 {
            return Err(format!("'{text}' is before 1971, where no clock stands"));
        }
        Ok(Self::starting_at(now.to_utc()))
    }

    /// The present time in UTC.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.stands_at.unwrap_or_else(|| machine_now() + self.shift)
    }

    /// The present UTC day.
    #[must_use]
    pub fn today(&self) -> NaiveDate {
        self.now().date_naive()
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
fn machine_now() -> DateTime<Utc> {
    Utc::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_clock_runs_on_from_the_given_time() {
        let clock = Clock::from_setting(Some("2031-05-08T00:30:00Z")).expect("valid");
        assert_eq!(clock.today().to_string(), "2031-05-08");
        let first = clock.now();
        assert!(clock.now() >= first);
    }

    #[test]
    fn a_clock_that_stands_never_moves_on() {
        let clock = Clock::standing_at(DateTime::UNIX_EPOCH);
        assert_eq!((clock.now(), clock.known_by()), (DateTime::UNIX_EPOCH, Some(clock.now())));
        assert_eq!(Clock::default().known_by(), None);
    }

    #[test]
    fn a_text_that_is_no_time_is_refused() {
        assert!(Clock::from_setting(Some("2031-05-08")).is_err());
        assert!(Clock::from_setting(None).is_ok());
    }
}
