//! Days whose numbers change after they were first told.
//!
//! Owns late days, which follow from the seed, and restatements, which a
//! caller orders. Both are off until they are asked for, so that a demo tells
//! the same past at any hour.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use chrono::NaiveDate;

use super::draw::{Topic, draw};
use super::usage::DaySeconds;

/// What is told otherwise than it happened.
#[derive(Debug)]
pub(super) struct Corrections {
    seed: u64,
    late_days: bool,
    /// Per cent of the true seconds, by project number and day.
    restated: RwLock<HashMap<(u64, NaiveDate), u32>>,
}

impl Corrections {
    pub(super) fn new(seed: u64, late_days: bool) -> Self {
        Self { seed, late_days, restated: RwLock::default() }
    }

    /// From now on a day is told as `percent` of its seconds; 100 takes that back.
    pub(super) fn restate(&self, project_number: u64, day: NaiveDate, percent: u32) {
        let mut restated = self.restated.write().unwrap_or_else(PoisonError::into_inner);
        if percent == 100 {
            restated.remove(&(project_number, day));
        } else {
            restated.insert((project_number, day), percent);
        }
    }

    /// What is told about a day on `today`.
    pub(super) fn told(
        &self,
        project_number: u64,
        day: NaiveDate,
        today: NaiveDate,
        seconds: Option<DaySeconds>,
    ) -> Option<DaySeconds> {
        let seconds = seconds?;
        let restated = self.restated.read().unwrap_or_else(PoisonError::into_inner);
        let percent = restated.get(&(project_number, day)).copied().unwrap_or(100);
        let seconds = seconds.scaled(u64::from(percent), 100);
        if !self.late_days || day >= today {
            return Some(seconds);
        }
        let age_days = u64::try_from((today - day).num_days() - 1).unwrap_or(0);
        let permille = self.arrived_permille(project_number, day, age_days);
        (permille > 0).then(|| seconds.scaled(permille, 1_000))
    }

    /// How much of a day has arrived `age_days` after its end; 0: it is not told at all.
    ///
    /// One day in five is late: a part of it comes one to three days after its
    /// end, and a tenth of those days come whole only then. One day in forty is
    /// told too high and corrected on the fifth day.
    fn arrived_permille(&self, project_number: u64, day: NaiveDate, age_days: u64) -> u64 {
        let day_number = u64::from(chrono::Datelike::num_days_from_ce(&day).unsigned_abs());
        let drawn = |what| draw(self.seed, Topic::LateDay, &[project_number, day_number, what]);
        if drawn(0) % 5 == 0 {
            let delay_days = 1 + drawn(1) % 3;
            let missing_permille = if drawn(2) % 10 == 0 { 1_000 } else { 100 + drawn(3) % 500 };
            let remaining_days = delay_days.saturating_sub(age_days);
            let missing_permille = match missing_permille {
                1_000 if remaining_days > 0 => 1_000,
                1_000 => 0,
                part => part * remaining_days / delay_days,
            };
            return 1_000 - missing_permille;
        }
        if drawn(4) % 40 == 0 && age_days < 5 { 1_050 } else { 1_000 }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use chrono::Days;

    use super::*;
    use crate::domain::period::parse_day;

    const WHOLE: DaySeconds =
        DaySeconds { audio: 100_000, hd: 0, full_hd: 0, video_2k: 0, video_4k: 0 };

    fn story(corrections: &Corrections, day: NaiveDate) -> Vec<Option<u64>> {
        let told = |age: u64| {
            let today = day + Days::new(age + 1);
            corrections.told(0, day, today, Some(WHOLE)).map(|seconds| seconds.audio)
        };
        (0..7).map(told).collect()
    }

    #[test]
    fn late_days_rise_to_their_value_within_three_days() {
        let corrections = Corrections::new(7, true);
        let first = parse_day("2031-01-01").expect("day");
        let stories: Vec<_> =
            (0..365).map(|number| story(&corrections, first + Days::new(number))).collect();
        assert!(stories.iter().all(|story| story[5] == Some(100_000)));
        let late = stories.iter().filter(|story| story[0] < Some(100_000));
        let late: Vec<_> = late.collect();
        assert!((40..110).contains(&late.len()), "{}", late.len());
        assert!(late.iter().all(|story| story.is_sorted() && story[3] == Some(100_000)));
        assert!(late.iter().any(|story| story[0].is_none()), "some come late as a whole");
        let first_told: HashSet<_> = stories.iter().map(|story| story[0]).collect();
        assert!(first_told.contains(&Some(105_000)), "some are corrected down");
        assert_eq!(stories[9], story(&Corrections::new(7, true), first + Days::new(9)));
    }

    #[test]
    fn nothing_is_late_unless_asked_for() {
        let corrections = Corrections::new(7, false);
        let first = parse_day("2031-01-01").expect("day");
        for number in 0..100 {
            let story = story(&corrections, first + Days::new(number));
            assert_eq!(story, [Some(100_000); 7]);
        }
    }

    #[test]
    fn a_restated_day_is_told_anew() {
        let corrections = Corrections::new(7, false);
        let day = parse_day("2031-01-01").expect("day");
        corrections.restate(0, day, 150);
        assert_eq!(story(&corrections, day)[3], Some(150_000));
        corrections.restate(0, day, 100);
        assert_eq!(story(&corrections, day)[3], Some(100_000));
    }
}
