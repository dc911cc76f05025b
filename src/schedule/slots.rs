//! Scheduled times: cron expressions of six fields, in UTC whatever the host's zone says.

use std::str::FromStr;

use chrono::{DateTime, SubsecRound, Utc};
use croner::Cron;
use croner::parser::{CronParser, Seconds};

/// A checked cron expression.
#[derive(Debug, Clone)]
pub struct Schedule {
    text: String,
    cron: Cron,
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parser = CronParser::builder().seconds(Seconds::Required).build();
        let cron = parser.parse(text).map_err(|error| {
            format!(
                "'{text}' is no schedule: {error}; write second minute hour day month weekday, \
                 such as 0 15 2 * * *"
            )
        })?;
        Ok(Self { text: text.to_owned(), cron })
    }
}

impl Schedule {
    /// The expression as written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The newest scheduled time that is not after `now`.
    #[must_use]
    pub fn newest_slot(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        // The crate carries fractions of a second over into the slot.
        self.cron.find_previous_occurrence(&now.trunc_subsecs(0), true).ok()
    }

    /// The first scheduled time after `now`.
    #[must_use]
    pub fn next_slot(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.cron.find_next_occurrence(&now.trunc_subsecs(0), false).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).expect("time").to_utc()
    }

    #[test]
    fn c39_a_daily_job_has_one_slot_on_the_days_on_which_clocks_change() {
        let schedule: Schedule = "0 30 1 * * *".parse().expect("valid");
        for day in ["2031-03-30", "2031-10-26"] {
            let slot = at(&format!("{day}T01:30:00Z"));
            assert_eq!(schedule.newest_slot(at(&format!("{day}T01:30:00Z"))), Some(slot));
            assert_eq!(schedule.newest_slot(at(&format!("{day}T23:59:59Z"))), Some(slot));
            let before = schedule.newest_slot(at(&format!("{day}T01:29:59Z"))).expect("slot");
            assert_eq!(slot - before, chrono::TimeDelta::days(1));
            assert_eq!(schedule.next_slot(before), Some(slot));
        }
    }

    #[test]
    fn a_slot_is_a_whole_second_whenever_it_is_asked_for() {
        let schedule: Schedule = "0 * * * * *".parse().expect("valid");
        let slot = at("2031-03-30T10:29:00Z");
        assert_eq!(schedule.newest_slot(at("2031-03-30T10:29:00.159Z")), Some(slot));
        assert_eq!(schedule.newest_slot(at("2031-03-30T10:29:59.999Z")), Some(slot));
        assert_eq!(schedule.next_slot(at("2031-03-30T10:28:59.999Z")), Some(slot));
    }

    #[test]
    fn an_expression_of_five_fields_is_refused_with_an_example() {
        let error = "30 1 * * *".parse::<Schedule>().expect_err("refused");
        assert!(error.contains("second minute hour"), "{error}");
    }
}
