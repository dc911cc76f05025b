//! The time of day, as a parameter.
//!
//! The only place that asks the machine for the time. `AGORA_USAGE_NOW`
//! (RFC 3339) moves the clock; it runs on from there at its normal pace, so
//! that any test can live in 2031.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

/// Environment variable that moves the clock.
pub const NOW_VARIABLE: &str = "AGORA_USAGE_NOW";

/// A clock, shifted by a fixed amount from the machine's.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    shift: TimeDelta,
}

impl Clock {
    /// A clock that shows `now` at this moment and runs on from there.
    #[must_use]
    pub fn starting_at(now: DateTime<Utc>) -> Self {
        Self { shift: now - machine_now() }
    }

    /// The clock that the value of [`NOW_VARIABLE`] asks for; the machine's without one.
    ///
    /// # Errors
    /// A text that is no RFC 3339 time.
    pub fn from_setting(value: Option<&str>) -> Result<Self, String> {
        let Some(text) = value.filter(|text| !text.is_empty()) else { return Ok(Self::default()) };
        let now = DateTime::parse_from_rfc3339(text)
            .map_err(|error| format!("'{text}' is not an RFC 3339 time: {error}"))?;
        Ok(Self::starting_at(now.to_utc()))
    }

    /// The present time in UTC.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        machine_now() + self.shift
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
    fn a_text_that_is_no_time_is_refused() {
        assert!(Clock::from_setting(Some("2031-05-08")).is_err());
        assert!(Clock::from_setting(None).is_ok());
    }
}
