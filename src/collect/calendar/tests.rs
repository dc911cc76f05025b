//! The calendar and the views of coverage, on the same database.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::*;
use crate::clock::Clock;
use crate::collect::CollectSettings;
use crate::domain::{DayUsage, Media, MediaSet, UsageSource};
use crate::store::analyst_queries;
use crate::store::occupancy::testing::{TestDatabase, at};
use crate::store::requests::RequestRecord;
use crate::store::usage::{UsageAnswer, write_answers};

fn day(text: &str) -> NaiveDate {
    text.parse().expect("day")
}

fn range(first: &str, last: &str) -> DateRange {
    DateRange::new(day(first), day(last)).expect("range")
}

/// A request about rtc, of one project or all, and what came of it.
#[derive(Debug, Clone)]
struct Asked {
    project_id: Option<ProjectId>,
    days: DateRange,
    /// Rows of the answer; none when there was none.
    rows: Option<Vec<(ProjectId, NaiveDate, MediaSet)>>,
    at: DateTime<Utc>,
}

impl Asked {
    fn answer(self) -> UsageAnswer {
        let answered = self.rows.is_some();
        let usage = |(project_id, day, missing)| DayUsage {
            project_id,
            service: Service::Rtc,
            day,
            source: UsageSource::V3,
            seconds: [Some(1), None, None, None, None, None, None],
            extra_seconds: BTreeMap::new(),
            missing,
        };
        UsageAnswer {
            request: RequestRecord {
                source: UsageSource::V3,
                project_id: self.project_id,
                service: Service::Rtc,
                range: self.days,
                started_at: self.at,
                finished_at: self.at,
                answered,
                http_status: answered.then_some(200),
                attempts: 1,
                platform_request_id: None,
                message: (!answered).then(|| "no answer".to_owned()),
            },
            days: self.rows.unwrap_or_default().into_iter().map(usage).collect(),
        }
    }
}

async fn ask(database: &TestDatabase, asked: Asked) {
    let written = write_answers(database.store.pool(), &database.lease, &[asked.answer()]).await;
    written.expect("written");
}

async fn calendars(database: &TestDatabase, now: &str, days: DateRange) -> Vec<Calendar> {
    let settings = CollectSettings {
        source: UsageSource::V3,
        services: vec![Service::Rtc],
        only_projects: BTreeSet::new(),
        policy: DuePolicy { look_back_days: 7, api_history_months: 12, again: false },
        workers: 1,
        page_size: 500,
    };
    let clock = Clock::starting_at(at(now));
    let (store, account) = (&database.store, &database.account);
    let records = Records { store, account, clock, settings: &settings };
    records.calendars(days).await.expect("read")
}

/// The word of the view for a day of the calendar.
fn word(day: CalendarDay) -> &'static str {
    match day.state {
        CellState::Final | CellState::Open if day.is_stored => "stored",
        CellState::Final | CellState::Open => "absent",
        state => state.name(),
    }
}

#[tokio::test]
async fn each_day_is_told_with_whether_it_is_stored_and_how_long_it_can_be_asked_for() {
    let database = TestDatabase::new().await;
    let project_id = database.project("P1").await;
    let row = |text: &str| (project_id.clone(), day(text), MediaSet::EMPTY);
    let asked = |days, rows, time: &str| Asked {
        project_id: Some(project_id.clone()),
        days,
        rows,
        at: at(time),
    };
    let old = range("2030-05-08", "2030-05-10");
    ask(&database, asked(old, None, "2031-05-01T00:00:00Z")).await;
    let recent = range("2031-05-01", "2031-05-07");
    let rows = vec![row("2031-05-01"), row("2031-05-06")];
    ask(&database, asked(recent, Some(rows), "2031-05-09T00:00:00Z")).await;
    let all = calendars(&database, "2031-05-09T12:00:00Z", range("2030-05-08", "2031-12-31")).await;
    assert_eq!(all.len(), 1);
    let told = |text: &str| {
        let found = all[0].days.iter().find(|told| told.day == day(text)).expect("told");
        (found.state.name(), word(*found), found.expires_soon)
    };
    assert_eq!(told("2030-05-08"), ("unavailable", "unavailable", false));
    assert_eq!(told("2030-05-10"), ("failed", "failed", true));
    assert_eq!(told("2030-06-07"), ("missing", "missing", true));
    assert_eq!(told("2030-06-08"), ("missing", "missing", false));
    assert_eq!(told("2031-05-01"), ("final", "stored", false));
    assert_eq!(told("2031-05-06"), ("open", "stored", false));
    assert_eq!(told("2031-05-07"), ("open", "absent", false));
    assert_eq!(
        all[0].days.last().expect("some").day,
        day("2031-05-08"),
        "the last day that is over"
    );
    let gaps = include_str!("../../../queries/gaps.sql");
    let from = BTreeMap::from([("to".to_owned(), "2030-05-09".to_owned())]);
    let rows = analyst_queries::run(database.store.pool(), gaps, &from).await.expect("rows").rows;
    let text =
        |row: &Vec<Option<String>>| row.iter().flatten().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(
        rows.iter().map(text).collect::<Vec<_>>(),
        [
            "default P1 rtc 2030-05-08 failed no answer",
            "default P1 rtc 2030-05-09 failed no answer"
        ]
    );
    database.close().await;
}

#[tokio::test]
async fn a_deleted_project_has_days_up_to_its_end() {
    let database = TestDatabase::new().await;
    let project_id = database.project("P1").await;
    let days = range("2031-05-01", "2031-05-07");
    let rows = Some(Vec::new());
    let at = at("2031-05-09T00:00:00Z");
    ask(&database, Asked { project_id: Some(project_id), days, rows, at }).await;
    database.run("update agora.project set deleted_at = '2031-05-03 23:59Z'").await;
    let all = calendars(&database, "2031-05-09T12:00:00Z", days).await;
    assert_eq!(all[0].days.len(), 3);
    let view = "select count(*) as count, max(day) as day from agora.coverage";
    assert_eq!(database.ask(view).await, ["3 2031-05-03"]);
    database.close().await;
}

/// Whom is asked for, first day, length, and a draw for each day: no row, a row, an incomplete row.
fn request() -> impl Strategy<Value = (usize, u32, u32, Option<Vec<u8>>)> {
    let rows = prop::option::weighted(0.8, prop::collection::vec(0_u8..4, 62));
    (0_usize..3, 0_u32..25, 1_u32..12, rows)
}

/// Turns a draw into a request of May 2031, the `number`th of its history.
fn drawn(
    projects: &[ProjectId],
    number: i64,
    (whom, first, length, rows): (usize, u32, u32, Option<Vec<u8>>),
) -> Asked {
    let of_may = |offset: u32| NaiveDate::from_ymd_opt(2031, 5, offset + 1).expect("day");
    let days = DateRange::new(of_may(first), of_may((first + length).min(30))).expect("range");
    let incomplete: MediaSet = [Media::Hd].into_iter().collect();
    let rows = rows.map(|draws| {
        let asked = projects.iter().enumerate().filter(|(at, _)| whom == 2 || whom == *at);
        let rows = asked.flat_map(|(at, project_id)| {
            let draw_of = |day: NaiveDate| {
                draws[at * 31 + usize::try_from((day - of_may(0)).num_days()).expect("in May")]
            };
            let rows = days.days().map(move |day| (project_id.clone(), day, draw_of(day)));
            rows.collect::<Vec<_>>()
        });
        rows.filter(|(_, _, draw)| *draw > 0)
            .map(|(project_id, day, draw)| {
                (project_id, day, if draw == 3 { incomplete } else { MediaSet::EMPTY })
            })
            .collect()
    });
    let at = at("2031-06-01T00:00:00Z") + TimeDelta::minutes(number);
    Asked { project_id: projects.get(whom).cloned(), days, rows, at }
}

#[tokio::test]
async fn the_view_says_what_the_program_says() {
    let mut runner = TestRunner::deterministic();
    let database = TestDatabase::new().await;
    let projects = [database.project("A").await, database.project("B").await];
    for _ in 0..12 {
        let history = prop::collection::vec(request(), 1..14).new_tree(&mut runner).expect("drawn");
        for (number, request) in (0..).zip(history.current()) {
            ask(&database, drawn(&projects, number, request)).await;
        }
        let mut view: BTreeMap<String, String> = BTreeMap::new();
        for line in database.ask("select project_id, day, state from agora.coverage").await {
            let (cell, state) = line.rsplit_once(' ').expect("three words");
            assert_eq!(view.insert(cell.to_owned(), state.to_owned()), None, "one row a cell");
        }
        let first_and_last = "select min(from_day)::text || ' ' || max(to_day)::text as days from agora.sync_request";
        let asked_days = database.ask(first_and_last).await;
        let (first, last) = asked_days[0].split_once(' ').expect("two days");
        let all = calendars(&database, "2031-06-20T00:00:00Z", range(first, last)).await;
        let program: BTreeMap<String, String> = all
            .iter()
            .flat_map(|calendar| {
                let project_id = &calendar.project.project_id;
                let line = move |told: &CalendarDay| {
                    (format!("{project_id} {}", told.day), word(*told).to_owned())
                };
                calendar.days.iter().map(line)
            })
            .collect();
        assert_eq!(view, program);
        let gaps = "select count(*) as count from agora.coverage_gaps";
        let holes = program.values().filter(|word| !matches!(word.as_str(), "stored" | "absent"));
        assert_eq!(database.ask(gaps).await, [holes.count().to_string()]);
        database.run("truncate agora.usage_daily, agora.usage_revision, agora.sync_request").await;
    }
    database.close().await;
}
