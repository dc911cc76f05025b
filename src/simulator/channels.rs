//! Which channels are live in a given minute, and how many users each holds.
//!
//! Owns the life of channels: each project has a few places in which one
//! channel follows another, busier by day than by night. Lists follow from
//! seed, project and minute, so that two calls within one minute agree, as
//! with the platform's own cache. Users times minutes come near the project's
//! usage, in proportion and not to the minute.

use chrono::{DateTime, NaiveTime, Utc};

use super::cast::SimulatedProject;
use super::draw::{Topic, draw};

/// A channel with users in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LiveChannel {
    pub(super) channel_name: String,
    pub(super) user_count: u64,
    /// When it began, in minutes since 1970.
    pub(super) start_minute: u64,
    /// Tells this life of the channel from every other; its users are drawn from it.
    pub(super) identity: u64,
}

/// How busy each hour of a day is, in thousandths of the busiest.
const BUSY_HOURS: [u64; 24] = [
    120, 80, 60, 50, 60, 100, 200, 350, 550, 700, 800, 850, 800, 820, 850, 880, 900, 950, 1000,
    980, 850, 600, 350, 200,
];

/// Seconds of usage a day for which a project has one place for a channel.
///
/// A place is taken for a little over half of the day and holds three to four users.
const DAILY_SECONDS_OF_A_PLACE: u64 = 2_600 * 60;

/// Identity of the channel that never ends.
pub(super) const STANDING: u64 = 0;

/// The live channels of a project at `now`, in a stable order.
///
/// With `wanted` there are always that many, in place of the project's rhythm.
pub(super) fn live_channels(
    seed: u64,
    project: &SimulatedProject,
    wanted: Option<u32>,
    now: DateTime<Utc>,
) -> Vec<LiveChannel> {
    if !project.is_active() {
        return Vec::new();
    }
    let minute = minute_of(now);
    let wanted_permille =
        project.habits.typical_seconds(now.date_naive()) * 1_000 / DAILY_SECONDS_OF_A_PLACE;
    let places = wanted.map_or(wanted_permille / 1_000 + 1, u64::from);
    let taken_permille = wanted_permille / places.max(1);
    let channel = |place| {
        let session = Session::at(seed, project.number, place, minute);
        let is_live = wanted.is_some() || session.is_live(taken_permille);
        is_live.then(|| session.channel(minute))
    };
    let channels = standing_channel(project).into_iter().chain((0..places).filter_map(channel));
    channels.take(wanted.map_or(usize::MAX, |wanted| wanted as usize)).collect()
}

/// Minutes since 1970.
pub(super) fn minute_of(now: DateTime<Utc>) -> u64 {
    u64::try_from(now.timestamp().div_euclid(60)).unwrap_or(0)
}

/// A channel that somebody forgot to leave: one user, day and night.
fn standing_channel(project: &SimulatedProject) -> Option<LiveChannel> {
    let first_day = project.first_day.and_time(NaiveTime::MIN).and_utc();
    (project.number == 0).then(|| LiveChannel {
        channel_name: "lobby".to_owned(),
        user_count: 1,
        start_minute: minute_of(first_day),
        identity: STANDING,
    })
}

/// The time that one channel may hold a place.
#[derive(Debug, Clone, Copy)]
struct Session {
    seed: u64,
    project: u64,
    place: u64,
    /// Counts the sessions of a place.
    number: u64,
    start_minute: u64,
}

impl Session {
    fn at(seed: u64, project: u64, place: u64, minute: u64) -> Self {
        let drawn = draw(seed, Topic::ChannelPeriod, &[project, place]);
        let length_minutes = 8 + drawn % 70;
        let number = minute / length_minutes;
        Self { seed, project, place, number, start_minute: number * length_minutes }
    }

    fn draw(self, what: u64) -> u64 {
        draw(self.seed, Topic::Channel, &[self.project, self.place, self.number, what])
    }

    fn is_live(self, taken_permille: u64) -> bool {
        let hour = usize::try_from(self.start_minute / 60 % 24).unwrap_or(0);
        let busy_permille = BUSY_HOURS.get(hour).copied().unwrap_or(0);
        self.draw(0) % 1_000_000 < busy_permille * taken_permille
    }

    fn channel(self, minute: u64) -> LiveChannel {
        LiveChannel {
            channel_name: self.channel_name(),
            user_count: self.user_count(minute),
            start_minute: self.start_minute,
            identity: self.draw(3),
        }
    }

    /// Every fortieth is a crowd; the count moves every few minutes.
    fn user_count(self, minute: u64) -> u64 {
        let drawn = self.draw(1);
        let usual =
            if drawn.is_multiple_of(40) { 12 + drawn / 64 % 25 } else { 1 + drawn / 64 % 4 };
        let case = [self.project, self.place, self.number, minute / 3];
        usual + draw(self.seed, Topic::ChannelUsers, &case) % 2
    }

    /// The place keeps the names of one list apart.
    fn channel_name(self) -> String {
        let drawn = self.draw(2);
        let number = format!("{}-{:03}", self.place, drawn / 16 % 1_000);
        match drawn % 10 {
            0 => format!("room {number}"),
            1 => format!("class #{number}"),
            2 => format!("50% off {number}"),
            3 => format!("会议室{number}"),
            4 => format!("équipe {number}"),
            5 => format!("q&a? [{number}]"),
            6 => format!("🎤{number}"),
            7 => format!("a+b={number}"),
            8 => format!("{{{number}}}|~^@"),
            _ => format!("call-{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use chrono::TimeDelta;

    use super::*;
    use crate::domain::period::parse_day;
    use crate::simulator::cast::{Fate, History, cast};

    fn projects() -> Vec<SimulatedProject> {
        let day = |text| parse_day(text).expect("day");
        let history = History { first_day: day("2030-04-03"), start_day: day("2031-05-08") };
        cast(7, 8, history)
    }

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).expect("time").to_utc()
    }

    #[test]
    fn a_list_stays_within_its_minute_and_changes_over_an_hour() {
        let project = &projects()[2];
        let start = at("2031-05-08T12:00:00Z");
        let list = live_channels(7, project, None, start);
        assert_eq!(list, live_channels(7, project, None, start + TimeDelta::seconds(59)));
        assert_ne!(list, live_channels(7, project, None, start + TimeDelta::minutes(60)));
    }

    #[test]
    fn days_are_busier_than_nights_and_names_are_distinct() {
        let project = &projects()[2];
        let users_from = |start: &str| -> u64 {
            let lists = (0..180).map(|minute| {
                let list = live_channels(7, project, None, at(start) + TimeDelta::minutes(minute));
                let names: HashSet<_> = list.iter().map(|channel| &channel.channel_name).collect();
                assert_eq!(names.len(), list.len());
                assert!(names.iter().all(|name| name.len() <= 64));
                list.iter().map(|channel| channel.user_count).sum::<u64>()
            });
            lists.sum()
        };
        assert!(users_from("2031-05-08T16:00:00Z") > 2 * users_from("2031-05-08T02:00:00Z"));
    }

    #[test]
    fn user_minutes_come_near_the_usage() {
        let project = &projects()[2];
        let start = at("2031-05-06T00:00:00Z");
        let minutes = (0..1_440).map(|minute| start + TimeDelta::minutes(minute));
        let lists = minutes.flat_map(|minute| live_channels(7, project, None, minute));
        let user_minutes: u64 = lists.map(|channel| channel.user_count).sum();
        let usage_minutes = project.habits.typical_seconds(start.date_naive()) / 60;
        assert!((usage_minutes / 2..usage_minutes * 2).contains(&user_minutes));
    }

    #[test]
    fn a_disabled_project_has_no_channels() {
        let projects = projects();
        let disabled = projects.iter().find(|project| project.fate == Fate::Disabled);
        let now = at("2031-05-08T18:00:00Z");
        assert!(live_channels(7, disabled.expect("one"), None, now).is_empty());
        assert!(!live_channels(7, &projects[0], None, now).is_empty());
    }

    #[test]
    fn a_wanted_number_of_channels_is_there_at_any_hour() {
        let project = &projects()[0];
        for now in ["2031-05-08T03:00:00Z", "2031-05-08T18:00:00Z"] {
            for wanted in [0, 1, 1_000] {
                let list = live_channels(7, project, Some(wanted), at(now));
                let names: HashSet<_> = list.iter().map(|channel| &channel.channel_name).collect();
                assert_eq!((list.len(), names.len()), (wanted as usize, wanted as usize));
            }
        }
    }
}
