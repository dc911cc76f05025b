//! Who the simulated projects are: ids, names and lives.
//!
//! Owns the choice of odd cases that real accounts hold: names that a
//! spreadsheet would run as a formula, an id that begins with a dash, two
//! projects of one name, a disabled, a deleted and a young one. How much each
//! of them uses is said in [`habits`](super::habits); what callers change
//! later is done by [`registry`](super::registry).

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::draw::{Topic, draw, hex_32};
use super::habits::{self, Habits};
use crate::domain::{DateRange, Month};

/// The span of the simulated past.
#[derive(Debug, Clone, Copy)]
pub(super) struct History {
    /// First day with usage.
    pub(super) first_day: NaiveDate,
    /// Day on which the simulator started.
    pub(super) start_day: NaiveDate,
}

/// A project of the account, listed or deleted.
#[derive(Debug, Clone)]
pub(super) struct SimulatedProject {
    /// Position in the cast, part of every draw.
    pub(super) number: u64,
    /// Key of usage.
    pub(super) project_id: String,
    /// Key of channel calls.
    pub(super) app_id: String,
    /// App Certificate; empty where none is enabled.
    pub(super) certificate: String,
    pub(super) name: String,
    pub(super) created_at: DateTime<Utc>,
    /// First day with usage.
    pub(super) first_day: NaiveDate,
    /// Last day with usage, for a project that stopped.
    pub(super) last_day: Option<NaiveDate>,
    /// Days between a disabling and an enabling.
    pub(super) pauses: Vec<DateRange>,
    /// As a caller set it, address and port.
    pub(super) recording_server: Option<String>,
    pub(super) fate: Fate,
    pub(super) habits: Habits,
}

/// What became of a project by the day of the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Active,
    /// Active, but created within the history.
    Young,
    Disabled,
    Deleted,
}

/// Names, fates and habits of the first projects.
const ROLES: [(&str, Fate, Habits); 8] = [
    ("Live classroom", Fate::Active, habits::CLASSROOM),
    ("直播间 🎤", Fate::Active, habits::LIVE_SHOWS),
    ("Café téléphone", Fate::Active, habits::TELEPHONE),
    ("Sales, \"EMEA\" calls", Fate::Active, habits::SALES_CALLS),
    ("=Trial rooms", Fate::Disabled, habits::TRIALS),
    ("Live classroom", Fate::Active, habits::SMALL_CLASSROOM),
    ("Game lobby", Fate::Deleted, habits::GAME),
    ("Watch party", Fate::Young, habits::WATCH_PARTY),
];

/// Position of the project whose id begins with a dash.
const DASH_FIRST: u64 = 5;

/// Casts the first `projects` projects of a seed.
pub(super) fn cast(seed: u64, projects: usize, history: History) -> Vec<SimulatedProject> {
    (0_u64..).take(projects).map(|number| project(seed, number, history)).collect()
}

fn project(seed: u64, number: u64, history: History) -> SimulatedProject {
    let role = usize::try_from(number).ok().and_then(|position| ROLES.get(position));
    let (name, fate, habits) = match role {
        Some((name, fate, habits)) => ((*name).to_owned(), *fate, *habits),
        None => (format!("Tenant {number:04}"), Fate::Active, Habits::drawn(seed, number)),
    };
    let (first_day, last_day) = match fate {
        Fate::Active => (history.first_day, None),
        Fate::Young => (history.creation_day(), None),
        Fate::Disabled => (history.first_day, Some(history.disabling_day())),
        Fate::Deleted => (history.first_day, Some(history.deletion_day())),
    };
    let certificate = match number % 3 {
        1 => String::new(),
        _ => hex_32(seed, Topic::Certificate, number),
    };
    SimulatedProject {
        number,
        project_id: project_id(seed, number),
        app_id: hex_32(seed, Topic::AppId, number),
        certificate,
        name,
        created_at: created_at(seed, number, fate, first_day),
        first_day,
        last_day,
        pauses: Vec::new(),
        recording_server: None,
        fate,
        habits,
    }
}

/// A project that a caller creates at `now`; nobody uses it yet.
pub(super) fn created(
    seed: u64,
    number: u64,
    name: String,
    certificate: String,
    now: DateTime<Utc>,
) -> SimulatedProject {
    SimulatedProject {
        number,
        project_id: project_id(seed, number),
        app_id: hex_32(seed, Topic::AppId, number),
        certificate,
        name,
        created_at: now,
        first_day: now.date_naive(),
        last_day: None,
        pauses: Vec::new(),
        recording_server: None,
        fate: Fate::Active,
        habits: habits::UNUSED,
    }
}

/// Nine letters and digits; some with `_` or `-`, one with `-` in front.
fn project_id(seed: u64, number: u64) -> String {
    const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
    const ALL: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let character = |place: usize| {
        let from = match (number, place) {
            (DASH_FIRST, 0) => "-",
            (_, 0) => UPPER,
            (_, 1) => LOWER,
            (_, 4) if number % 6 == 2 => "_",
            (_, 6) if number % 6 == 4 => "-",
            _ => ALL,
        };
        let drawn = draw(seed, Topic::ProjectId, &[number, place as u64]) % from.len() as u64;
        from.chars().zip(0..).find(|(_, index)| *index == drawn).map(|(character, _)| character)
    };
    (0..9).filter_map(character).collect()
}

/// The young project is created in the morning of its first day, the others long before.
fn created_at(seed: u64, number: u64, fate: Fate, first_day: NaiveDate) -> DateTime<Utc> {
    let midnight = first_day.and_time(NaiveTime::MIN).and_utc();
    let seconds_within = |seconds: u64| {
        let drawn = draw(seed, Topic::Creation, &[number]) % seconds;
        TimeDelta::seconds(i64::try_from(drawn).unwrap_or(0))
    };
    if fate == Fate::Young {
        return midnight + seconds_within(8 * 3_600);
    }
    // A fixed stretch from 2017 on, so that the time does not change with the day of the start.
    let long_ago = DateTime::UNIX_EPOCH + TimeDelta::days(47 * 365 + 12);
    (long_ago + seconds_within(3 * 365 * 86_400)).min(midnight)
}

impl SimulatedProject {
    /// Whether the project existed and was in use on a day.
    pub(super) fn in_use_on(&self, day: NaiveDate) -> bool {
        self.first_day <= day
            && self.last_day.is_none_or(|last_day| day <= last_day)
            && !self.pauses.iter().any(|pause| pause.contains(day))
    }

    /// Whether it is listed, and found by the calls that change it.
    pub(super) fn exists(&self) -> bool {
        self.fate != Fate::Deleted
    }

    /// Whether the project may have live channels now.
    pub(super) fn is_active(&self) -> bool {
        matches!(self.fate, Fate::Active | Fate::Young)
    }
}

impl History {
    /// Shorter histories place what happens within them at fractions of their length.
    const LONG_DAYS: i64 = 200;

    /// Last day of the deleted project, about five months before the start.
    fn deletion_day(self) -> NaiveDate {
        self.short(60).unwrap_or_else(|| self.months_before_start(5, 18))
    }

    /// Last day of the disabled project, some weeks before the start.
    fn disabling_day(self) -> NaiveDate {
        self.short(80).unwrap_or_else(|| self.months_before_start(2, 10))
    }

    /// First day of the young project, about three months into the history.
    fn creation_day(self) -> NaiveDate {
        let later = || Month::of(self.first_day + Days::new(75)).next().first_day();
        self.short(25).unwrap_or_else(later)
    }

    /// The day that lies `percent` into the history, if that is short.
    fn short(self, percent: i64) -> Option<NaiveDate> {
        let length_days = (self.start_day - self.first_day).num_days();
        let day = self.first_day + TimeDelta::days(length_days * percent / 100);
        (length_days < Self::LONG_DAYS).then_some(day)
    }

    /// Bound to a day of the month, so that starts within one month tell the same past.
    fn months_before_start(self, months: usize, day: u32) -> NaiveDate {
        let month = (0..months).fold(Month::of(self.start_day), |month, _| month.previous());
        month.first_day().with_day(day).unwrap_or(month.first_day())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::domain::period::parse_day;

    fn history(first_day: &str, start_day: &str) -> History {
        let day = |text| parse_day(text).expect("day");
        History { first_day: day(first_day), start_day: day(start_day) }
    }

    #[test]
    fn the_cast_holds_every_oddity() {
        let cast = cast(7, 8, history("2030-04-03", "2031-05-08"));
        let fates = |fate| cast.iter().filter(|project| project.fate == fate).count();
        assert_eq!([fates(Fate::Young), fates(Fate::Disabled), fates(Fate::Deleted)], [1, 1, 1]);
        let names: HashSet<_> = cast.iter().map(|project| &project.name).collect();
        assert_eq!(names.len(), 7, "two share a name");
        assert_eq!(cast.iter().filter(|project| project.project_id.starts_with('-')).count(), 1);
        assert!(cast.iter().any(|project| project.project_id.contains('_')));
        assert!(cast.iter().any(|project| project.certificate.is_empty()));
    }

    #[test]
    fn ids_are_distinct_tokens_of_nine() {
        let cast = cast(7, 2_000, history("2030-04-03", "2031-05-08"));
        let ids: HashSet<_> = cast.iter().map(|project| &project.project_id).collect();
        assert_eq!(ids.len(), 2_000);
        assert!(ids.iter().all(|id| id.len() == 9 && id.is_ascii()));
        assert!(cast.iter().all(|project| project.app_id.len() == 32));
    }

    #[test]
    fn starts_within_one_month_tell_the_same_lives() {
        let lives = |start_day: &str| {
            let cast = cast(7, 8, history("2030-04-03", start_day));
            cast.into_iter().map(|project| (project.created_at, project.last_day)).collect()
        };
        let early: Vec<_> = lives("2031-05-08");
        assert_eq!(early, lives("2031-05-31"));
        assert_eq!(early[6].1, parse_day("2030-12-18").ok());
        assert_eq!(early[7].0.date_naive().to_string(), "2030-07-01");
        assert_eq!(early[0].0.year() / 10, 201);
    }

    #[test]
    fn a_short_history_still_has_every_life() {
        let cast = cast(7, 8, history("2031-04-28", "2031-05-08"));
        assert_eq!(cast[6].last_day, parse_day("2031-05-04").ok());
        assert_eq!(cast[7].first_day.to_string(), "2031-04-30");
    }
}
