//! `GET /dev/v1/usage`: minutes a day of many projects, each day rounded up.
//!
//! The minutes come from the same seconds as version 3. Two of its media are
//! gone there and one is split here: `sd` is a quarter of what version 3
//! calls HD, and `hdp` is everything above HD.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::{asked_days, parameters};
use crate::domain::DateRange;
use crate::simulator::answer::Refusal;
use crate::simulator::cast::SimulatedProject;
use crate::simulator::state::Account;
use crate::simulator::usage::{Business, DaySeconds};

#[derive(Deserialize)]
pub(in crate::simulator) struct Parameters {
    from_date: Option<String>,
    to_date: Option<String>,
    /// Project ids with commas between them; every project when missing or empty.
    projects: Option<String>,
}

#[derive(Serialize)]
pub(in crate::simulator) struct Usages {
    usages: Vec<ProjectUsage>,
}

#[derive(Serialize)]
struct ProjectUsage {
    project: String,
    daily: Vec<DayMinutes>,
}

#[derive(Serialize)]
struct DayMinutes {
    /// The digits of year, month and day: 20150101.
    date: u32,
    audio: u64,
    sd: u64,
    hd: u64,
    hdp: u64,
}

/// Answers for the projects asked for, each once; unknown ids are left out without an error.
pub(in crate::simulator) async fn daily_minutes(
    State(account): State<Arc<Account>>,
    query: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<Usages>, Refusal> {
    let parameters = parameters(query)?;
    let asked = asked_days(parameters.from_date.as_deref(), parameters.to_date.as_deref())?;
    let now = account.now();
    let usages = match account.answered_days(asked, now) {
        Some(days) => {
            let projects = asked_projects(&account, parameters.projects.as_deref());
            projects.iter().filter_map(|project| usage(&account, project, days, now)).collect()
        }
        None => Vec::new(),
    };
    Ok(Json(Usages { usages }))
}

/// In the account's order, deleted projects included.
fn asked_projects(account: &Account, ids: Option<&str>) -> Vec<Arc<SimulatedProject>> {
    let mut projects = account.projects();
    if let Some(ids) = ids.filter(|ids| !ids.is_empty()) {
        let asked: HashSet<_> = ids.split(',').map(str::trim).collect();
        projects.retain(|project| asked.contains(project.project_id.as_str()));
    }
    projects
}

/// Nothing for a project that was in use on none of the days.
fn usage(
    account: &Account,
    project: &SimulatedProject,
    days: DateRange,
    now: DateTime<Utc>,
) -> Option<ProjectUsage> {
    days.days().find(|day| project.in_use_on(*day))?;
    let row = |day| {
        account
            .told_seconds(project, Business::Default, day, now)
            .map(|seconds| minutes(day, seconds))
    };
    let daily = days.days().filter_map(row).collect();
    Some(ProjectUsage { project: project.project_id.clone(), daily })
}

fn minutes(day: NaiveDate, seconds: DaySeconds) -> DayMinutes {
    let sd_seconds = seconds.hd / 4;
    let above_hd_seconds = seconds.full_hd + seconds.video_2k + seconds.video_4k;
    DayMinutes {
        date: day.year_ce().1 * 10_000 + day.month() * 100 + day.day(),
        audio: seconds.audio.div_ceil(60),
        sd: sd_seconds.div_ceil(60),
        hd: (seconds.hd - sd_seconds).div_ceil(60),
        hdp: above_hd_seconds.div_ceil(60),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::{Value, json};

    use crate::simulator::SimulatorSettings;
    use crate::simulator::testing::{account, account_at, ask, clock_at, project_id, unlimited};

    fn project_usage<'a>(body: &'a Value, project_id: &str) -> Option<&'a Value> {
        let usages = body["usages"].as_array().expect("array");
        usages.iter().find(|usage| usage["project"] == project_id).map(|usage| &usage["daily"])
    }

    #[tokio::test]
    async fn minutes_are_the_seconds_of_version_3_rounded_up_each_day() {
        let account = account(&unlimited());
        let range = "from_date=2031-04-01&to_date=2031-04-30";
        let v1 = ask(&account, &format!("/dev/v1/usage/?{range}")).await.json();
        for project in account.projects() {
            let id = &project.project_id;
            let path = format!("/dev/v3/usage?project_id={id}&{range}&business=default");
            let v3 = ask(&account, &path).await.json();
            let days = v3["usages"].as_array().expect("array");
            let daily = project_usage(&v1, id).and_then(Value::as_array);
            assert_eq!(daily.map_or(0, Vec::len), days.len());
            for (day, minutes) in days.iter().zip(daily.into_iter().flatten()) {
                let seconds = |field: &str| day["usage"][field].as_u64().expect("seconds");
                let of = |field: &str| minutes[field].as_u64().expect("minutes");
                let date = day["date"].as_str().expect("date")[..10].replace('-', "");
                assert_eq!(minutes["date"].to_string(), date);
                assert_eq!(of("audio"), seconds("durationAudioAll").div_ceil(60));
                let above = ["durationVideo1080P", "durationVideo2K", "durationVideo4K"];
                assert_eq!(of("hdp"), above.map(seconds).iter().sum::<u64>().div_ceil(60));
                let hd_minutes = seconds("durationVideoHd").div_ceil(60);
                assert!((hd_minutes..hd_minutes + 2).contains(&(of("sd") + of("hd"))));
            }
        }
    }

    #[tokio::test]
    async fn a_deleted_project_is_counted_until_its_last_day() {
        let account = account(&unlimited());
        let deleted = &project_id(&account, 6);
        let month = "/dev/v1/usage?from_date=2030-12-01&to_date=2030-12-31";
        let body = ask(&account, month).await.json();
        let daily = project_usage(&body, deleted).and_then(Value::as_array).expect("usage");
        assert_eq!(daily.last().expect("day")["date"], 20_301_218);
        let filtered = ask(&account, &format!("{month}&projects={deleted}")).await.json();
        assert_eq!(project_usage(&filtered, deleted).and_then(Value::as_array), Some(daily));
        let later = "/dev/v1/usage?from_date=2031-01-01&to_date=2031-01-31";
        assert!(project_usage(&ask(&account, later).await.json(), deleted).is_none());
    }

    #[tokio::test]
    async fn unknown_ids_are_left_out_and_repeated_ones_come_once() {
        let account = account(&unlimited());
        let id = project_id(&account, 2);
        let path = "/dev/v1/usage?from_date=2031-04-01&to_date=2031-04-01&projects=";
        let some = ask(&account, &format!("{path}nobody,{id},{id}")).await.json();
        assert_eq!(some["usages"].as_array().map(Vec::len), Some(1));
        let none = ask(&account, &format!("{path}nobody")).await;
        assert_eq!((none.status, none.json()), (StatusCode::OK, json!({ "usages": [] })));
        let all = ask(&account, path).await.json();
        let in_use = account.projects().len() - 2;
        assert_eq!(all["usages"].as_array().map(Vec::len), Some(in_use));
    }

    #[tokio::test]
    async fn today_moves_and_the_past_stays() {
        let path = "/dev/v1/usage?from_date=2031-05-07&to_date=2031-05-31";
        let audio = async |now| {
            let account = account_at(now);
            let id = project_id(&account, 2);
            let body = ask(&account, path).await.json();
            let daily = project_usage(&body, &id).and_then(Value::as_array).expect("usage");
            daily.iter().map(|day| day["audio"].as_u64().expect("minutes")).collect::<Vec<_>>()
        };
        let (morning, evening) =
            (audio("2031-05-08T08:00:00Z").await, audio("2031-05-08T20:00:00Z").await);
        assert_eq!((morning.len(), morning[0]), (2, evening[0]));
        assert!(morning[1] < evening[1]);
        let later = audio("2031-05-20T00:30:00Z").await;
        assert_eq!((later.len(), later[0]), (14, morning[0]));
    }

    #[tokio::test]
    async fn the_same_seed_and_day_give_the_same_body_after_a_later_start() {
        let path = "/dev/v1/usage?from_date=2030-06-01&to_date=2031-05-07";
        let started = async |now| {
            let clock = clock_at(now);
            ask(&account(&SimulatorSettings { clock, ..unlimited() }), path).await.body
        };
        assert_eq!(started("2031-05-08T01:00:00Z").await, started("2031-05-09T23:00:00Z").await);
    }

    #[tokio::test]
    async fn wrong_dates_are_refused() {
        let account = account(&unlimited());
        for query in [
            "",
            "from_date=2031-04-01",
            "from_date=20310401&to_date=20310402",
            "from_date=2031-04-02&to_date=2031-04-01",
            "from_date=2031-04-01&from_date=2031-04-01&to_date=2031-04-02",
        ] {
            let answer = ask(&account, &format!("/dev/v1/usage?{query}")).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
            assert!(answer.json()["message"].is_string());
        }
    }
}
