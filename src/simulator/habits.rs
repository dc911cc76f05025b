//! How much each project uses, and in which rhythm.
//!
//! Owns sizes, shares of media, weekends, growth and idleness. Depends on the
//! date alone and never on the day of the start, so that a restart on a later
//! day tells the same past.

use chrono::{Datelike, NaiveDate};

use super::draw::{Topic, draw};

/// How a project uses the platform. Shares and factors are in thousandths.
#[derive(Debug, Clone, Copy)]
pub(super) struct Habits {
    /// Seconds of all media on a weekday at the beginning of 2024.
    pub(super) weekday_seconds: u64,
    /// Share of audio, HD, full HD, 2K and 4K.
    pub(super) shares: [u64; 5],
    /// A weekend day against a weekday.
    pub(super) weekend: u64,
    /// Growth in a year, of the level at the beginning of 2024.
    pub(super) yearly_growth: u64,
    /// Chance of a day without any usage.
    pub(super) idle: u64,
    /// Whether idle days come as rows of zeros or not at all; the API promises neither.
    pub(super) idle_rows: bool,
    /// On-premise recording, a part of the usage that includes it.
    pub(super) recording: u64,
    /// Cloud recording, beside the usage.
    pub(super) cloud_recording: u64,
    /// Mini app, beside the audio.
    pub(super) miniapp: u64,
}

/// Audio first, for lessons with a few faces.
const LESSONS: [u64; 5] = [520, 330, 110, 30, 10];
/// Voice alone, as in most games and call centres.
const VOICE: [u64; 5] = [1000, 0, 0, 0, 0];
/// Faces first.
const VIDEO: [u64; 5] = [180, 640, 140, 40, 0];
/// Shows in high resolution.
const SHOWS: [u64; 5] = [240, 380, 250, 90, 40];

const ORDINARY: Habits = Habits {
    weekday_seconds: 0,
    shares: LESSONS,
    weekend: 500,
    yearly_growth: 180,
    idle: 25,
    idle_rows: true,
    recording: 0,
    cloud_recording: 0,
    miniapp: 0,
};

/// A project that was just created.
pub(super) const UNUSED: Habits = Habits { yearly_growth: 0, idle: 0, ..ORDINARY };

const fn minutes(minutes: u64) -> u64 {
    minutes * 60
}

pub(super) const CLASSROOM: Habits =
    Habits { weekday_seconds: minutes(1_200), recording: 120, ..ORDINARY };

pub(super) const LIVE_SHOWS: Habits = Habits {
    weekday_seconds: minutes(5_000),
    shares: SHOWS,
    weekend: 1_450,
    yearly_growth: 240,
    idle: 4,
    cloud_recording: 60,
    miniapp: 90,
    ..ORDINARY
};

pub(super) const TELEPHONE: Habits =
    Habits { weekday_seconds: minutes(9_000), shares: VOICE, weekend: 800, idle: 0, ..ORDINARY };

pub(super) const SALES_CALLS: Habits = Habits {
    weekday_seconds: minutes(90),
    shares: VIDEO,
    weekend: 60,
    idle: 60,
    idle_rows: false,
    cloud_recording: 150,
    ..ORDINARY
};

pub(super) const TRIALS: Habits =
    Habits { weekday_seconds: minutes(12), weekend: 300, idle: 450, idle_rows: false, ..ORDINARY };

pub(super) const SMALL_CLASSROOM: Habits = Habits {
    weekday_seconds: minutes(600),
    shares: VIDEO,
    recording: 250,
    cloud_recording: 40,
    ..ORDINARY
};

pub(super) const GAME: Habits =
    Habits { weekday_seconds: minutes(2_500), shares: VOICE, weekend: 1_300, ..ORDINARY };

pub(super) const WATCH_PARTY: Habits = Habits {
    weekday_seconds: minutes(300),
    shares: SHOWS,
    weekend: 1_700,
    yearly_growth: 420,
    idle: 30,
    idle_rows: false,
    miniapp: 40,
    ..ORDINARY
};

/// 2024-01-01 as a number of days, the day on which growth is zero.
const DAYS_FROM_CE_2024: i64 = 738_886;

impl Habits {
    /// Habits of one project among many: 2 to 1,024 minutes a day, small ones as often as large.
    pub(super) fn drawn(seed: u64, number: u64) -> Self {
        let pick = |what| draw(seed, Topic::Habits, &[number, what]);
        let shares = match pick(0) % 4 {
            0 => LESSONS,
            1 => VOICE,
            2 => VIDEO,
            _ => SHOWS,
        };
        Self {
            weekday_seconds: (minutes(2) << (pick(1) % 10)) + pick(2) % 60,
            shares,
            weekend: 300 + pick(3) % 1_300,
            yearly_growth: 50 + pick(4) % 350,
            idle: pick(5) % 300,
            idle_rows: pick(6) % 2 == 0,
            recording: if pick(7) % 5 == 0 { 100 } else { 0 },
            cloud_recording: if pick(8) % 4 == 0 { 50 } else { 0 },
            miniapp: if pick(9) % 8 == 0 { 60 } else { 0 },
        }
    }

    /// Seconds of all media that a day of that date tends to have.
    pub(super) fn typical_seconds(self, day: NaiveDate) -> u64 {
        let days = i64::from(day.num_days_from_ce()) - DAYS_FROM_CE_2024;
        let growth = days * i64::try_from(self.yearly_growth).unwrap_or(0) / 365;
        // A floor for clocks set to long ago, where the line would fall below nothing.
        let growth = u64::try_from((1_000 + growth).max(300)).unwrap_or(300);
        let is_weekend = day.weekday().num_days_from_monday() >= 5;
        let weekday = if is_weekend { self.weekend } else { 1_000 };
        self.weekday_seconds * growth / 1_000 * weekday / 1_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::period::parse_day;

    fn typical_minutes(habits: Habits, day: &str) -> u64 {
        habits.typical_seconds(parse_day(day).expect("day")) / 60
    }

    #[test]
    fn usage_grows_and_weekends_differ() {
        assert_eq!(typical_minutes(CLASSROOM, "2024-01-01"), 1_200);
        assert!(typical_minutes(CLASSROOM, "2026-06-15") > 1_600);
        let (saturday, friday) = ("2026-06-13", "2026-06-12");
        assert!(typical_minutes(CLASSROOM, saturday) < typical_minutes(CLASSROOM, friday));
        assert!(typical_minutes(LIVE_SHOWS, saturday) > typical_minutes(LIVE_SHOWS, friday));
    }

    #[test]
    fn a_clock_set_to_long_ago_still_shows_usage() {
        assert_eq!(typical_minutes(CLASSROOM, "1999-03-01"), 360);
    }

    #[test]
    fn shares_are_whole() {
        for shares in [LESSONS, VOICE, VIDEO, SHOWS] {
            assert_eq!(shares.iter().sum::<u64>(), 1_000);
        }
    }
}
