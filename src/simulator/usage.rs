//! What each project used on each day, in seconds.
//!
//! Owns the numbers; the endpoints own their shape. A day's numbers follow
//! from seed, project and date alone. Only the present day also follows from
//! the time of day, growing from midnight on; a day to come has none.

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};

use super::cast::SimulatedProject;
use super::draw::{Topic, draw};

/// Part of the offer that usage v3 is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Business {
    /// Calls and live streaming, on-premise recording included.
    Default,
    /// Always zero here: no public price is known.
    TranscodeDuration,
    /// On-premise recording, already part of [`Business::Default`].
    Recording,
    CloudRecording,
    /// Audio only.
    Miniapp,
}

/// Seconds of one project and day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct DaySeconds {
    pub(super) audio: u64,
    pub(super) hd: u64,
    pub(super) full_hd: u64,
    pub(super) video_2k: u64,
    pub(super) video_4k: u64,
}

/// What the platform reports for a project and day at `now`; nothing where it sends no row.
pub(super) fn reported_seconds(
    seed: u64,
    project: &SimulatedProject,
    business: Business,
    day: NaiveDate,
    now: DateTime<Utc>,
) -> Option<DaySeconds> {
    let today = now.date_naive();
    if day > today || !project.in_use_on(day) {
        return None;
    }
    let full = part(project, business, whole_day(seed, project, day));
    let seconds = if day == today {
        let elapsed_seconds = u64::from(now.num_seconds_from_midnight());
        full.scaled(elapsed_seconds, 86_400)
    } else {
        full
    };
    let is_idle = seconds == DaySeconds::default();
    (!is_idle || project.habits.idle_rows).then_some(seconds)
}

fn part(project: &SimulatedProject, business: Business, all: DaySeconds) -> DaySeconds {
    let habits = project.habits;
    match business {
        Business::Default => all,
        Business::TranscodeDuration => DaySeconds::default(),
        Business::Recording => all.scaled(habits.recording, 1_000),
        Business::CloudRecording => {
            let recorded = all.scaled(habits.cloud_recording, 1_000);
            DaySeconds { video_2k: 0, video_4k: 0, ..recorded }
        }
        Business::Miniapp => {
            let audio = all.scaled(habits.miniapp, 1_000).audio;
            DaySeconds { audio, ..DaySeconds::default() }
        }
    }
}

/// Seconds of the default business at the end of the day.
fn whole_day(seed: u64, project: &SimulatedProject, day: NaiveDate) -> DaySeconds {
    let habits = project.habits;
    let day_number = u64::try_from(day.num_days_from_ce()).unwrap_or(0);
    let case = |media| [project.number, day_number, media];
    if draw(seed, Topic::IdleDay, &case(0)) % 1_000 < habits.idle {
        return DaySeconds::default();
    }
    let typical_seconds = habits.typical_seconds(day);
    let mut media = 0;
    let [audio, hd, full_hd, video_2k, video_4k] = habits.shares.map(|share| {
        media += 1;
        let chance = 700 + draw(seed, Topic::Amount, &case(media)) % 601;
        typical_seconds * share * chance / 1_000_000
    });
    DaySeconds { audio, hd, full_hd, video_2k, video_4k }
}

impl DaySeconds {
    /// Each number times `numerator / denominator`, rounded down.
    pub(super) fn scaled(self, numerator: u64, denominator: u64) -> Self {
        let scale = |seconds: u64| seconds * numerator / denominator;
        Self {
            audio: scale(self.audio),
            hd: scale(self.hd),
            full_hd: scale(self.full_hd),
            video_2k: scale(self.video_2k),
            video_4k: scale(self.video_4k),
        }
    }

    /// Seconds over all media.
    #[cfg(test)]
    pub(super) fn total(self) -> u64 {
        self.audio + self.hd + self.full_hd + self.video_2k + self.video_4k
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Month;
    use crate::domain::period::parse_day;
    use crate::simulator::cast::{History, cast};

    const SEED: u64 = 7;

    fn projects(count: usize) -> Vec<SimulatedProject> {
        let day = |text| parse_day(text).expect("day");
        let history = History { first_day: day("2030-04-03"), start_day: day("2031-05-08") };
        cast(SEED, count, history)
    }

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).expect("time").to_utc()
    }

    fn total(project: &SimulatedProject, business: Business, day: &str, now: &str) -> Option<u64> {
        let day = parse_day(day).expect("day");
        reported_seconds(SEED, project, business, day, at(now)).map(DaySeconds::total)
    }

    #[test]
    fn today_grows_and_a_past_day_stays() {
        let projects = projects(3);
        let [day, morning, evening, later] =
            ["2031-05-08", "2031-05-08T06:00:00Z", "2031-05-08T18:00:00Z", "2031-08-01T00:00:00Z"];
        let asked = |now| total(&projects[2], Business::Default, day, now).expect("in use");
        assert!(0 < asked(morning) && asked(morning) < asked(evening));
        assert!(asked(evening) < asked(later));
        assert_eq!(asked(later), asked("2031-05-09T00:00:00Z"));
        assert_eq!(total(&projects[2], Business::Default, "2031-05-09", evening), None);
    }

    #[test]
    fn a_month_of_eight_projects_reaches_several_tiers() {
        let projects = projects(8);
        for month in ["2030-08", "2031-01", "2031-04"] {
            let days = Month::parse(month).expect("month").days();
            let now = at("2031-05-08T12:00:00Z");
            let seconds = projects.iter().flat_map(|project| {
                days.days().filter_map(move |day| {
                    reported_seconds(SEED, project, Business::Default, day, now)
                })
            });
            let minutes = seconds.map(DaySeconds::total).sum::<u64>() / 60;
            assert!((300_000..1_500_000).contains(&minutes), "{month}: {minutes}");
        }
    }

    #[test]
    fn idle_days_are_zero_rows_for_some_and_no_rows_for_others() {
        let projects = projects(8);
        let rows = |number: usize| -> Vec<_> {
            let days = Month::parse_span("2030-08..2031-02").expect("span");
            let days = days.into_iter().flat_map(|month| month.days().days());
            let now = at("2031-05-08T12:00:00Z");
            let row = |day| {
                reported_seconds(SEED, &projects[number], Business::Default, day, now)
                    .map(DaySeconds::total)
            };
            days.map(row).collect()
        };
        assert!(rows(0).contains(&Some(0)) && !rows(0).contains(&None));
        assert!(rows(3).contains(&None) && !rows(3).contains(&Some(0)));
    }

    #[test]
    fn parts_are_parts() {
        let projects = projects(8);
        let of = |number: usize, business| {
            total(&projects[number], business, "2031-04-09", "2031-05-08T12:00:00Z").unwrap_or(0)
        };
        assert!(
            0 < of(0, Business::Recording) && of(0, Business::Recording) < of(0, Business::Default)
        );
        assert!(of(1, Business::CloudRecording) > 0 && of(1, Business::Miniapp) > 0);
        assert_eq!(of(1, Business::TranscodeDuration), 0);
        assert_eq!(of(2, Business::Miniapp), 0);
    }
}
