//! Calls under `/simulator` that steer the simulator while it runs.
//!
//! They want no credentials, since only this machine reaches them, and they
//! are neither logged nor struck by faults.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::SecondsFormat;
use serde_json::{Value, json};

use super::answer::Refusal;
use super::asked::Asked;
use super::faults::FaultSpec;
use super::state::Account;
use crate::clock::Clock;
use crate::domain::period::parse_day;

/// Largest per cent of a restatement.
const MAX_PERCENT: i64 = 10_000;

/// The routes of all admin calls.
pub(super) fn routes() -> Router<Arc<Account>> {
    Router::new()
        .route("/simulator/faults", get(faults).post(replace_faults))
        .route("/simulator/requests", get(requests).delete(clear_requests))
        .route("/simulator/clock", get(clock).post(set_clock))
        .route("/simulator/restatements", post(restate))
}

async fn faults(State(account): State<Arc<Account>>) -> Json<Value> {
    Json(json!({ "faults": account.faults.report() }))
}

/// `{"faults": ["SPEC", ...]}` takes the place of every fault in force.
async fn replace_faults(
    State(account): State<Arc<Account>>,
    asked: Asked,
) -> Result<Json<Value>, Refusal> {
    let texts = asked.texts("faults")?;
    let texts = texts.ok_or_else(|| Refusal::bad_request("faults is required"))?;
    let specs: Result<Vec<FaultSpec>, _> = texts.iter().map(|text| text.parse()).collect();
    account.faults.replace(specs.map_err(|error| Refusal::bad_request(error.to_string()))?);
    Ok(Json(json!({ "faults": account.faults.report() })))
}

async fn requests(State(account): State<Arc<Account>>) -> Json<Value> {
    Json(json!({ "requests": account.request_log.list() }))
}

async fn clear_requests(State(account): State<Arc<Account>>) -> StatusCode {
    account.request_log.clear();
    StatusCode::NO_CONTENT
}

async fn clock(State(account): State<Arc<Account>>) -> Json<Value> {
    Json(json!({ "now": account.now().to_rfc3339_opts(SecondsFormat::Millis, true) }))
}

/// `{"now": "2031-05-08T12:00:00Z"}`; the clock runs on from there.
async fn set_clock(
    State(account): State<Arc<Account>>,
    asked: Asked,
) -> Result<Json<Value>, Refusal> {
    let clock = Clock::from_setting(Some(asked.required_text("now")?));
    account.set_clock(clock.map_err(Refusal::bad_request)?);
    Ok(self::clock(State(account)).await)
}

/// `{"project": "id", "day": "YYYY-MM-DD", "percent": 150}`: the day is told as
/// that part of its seconds from now on, in every version and business.
async fn restate(
    State(account): State<Arc<Account>>,
    asked: Asked,
) -> Result<Json<Value>, Refusal> {
    let project_id = asked.required_text("project")?;
    let project = account.project(project_id);
    let project = project.ok_or_else(|| Refusal::not_found("no project has this id"))?;
    let day = parse_day(asked.required_text("day")?)
        .map_err(|_| Refusal::bad_request("day must be YYYY-MM-DD"))?;
    let percent = asked.whole("percent")?.filter(|percent| (0..=MAX_PERCENT).contains(percent));
    let percent = percent.and_then(|percent| u32::try_from(percent).ok());
    let percent = percent.ok_or_else(|| Refusal::bad_request("percent must be 0 to 10000"))?;
    account.corrections.restate(project.number, day, percent);
    Ok(Json(json!({ "project": project_id, "day": day.to_string(), "percent": percent })))
}

#[cfg(test)]
mod tests {
    use axum::http::Method;

    use super::*;
    use crate::simulator::testing::{account, ask, ask_with, project_id, send, unlimited};

    #[tokio::test]
    async fn requests_are_logged_until_the_log_is_cleared() {
        let account = account(&unlimited());
        ask(&account, "/dev/v1/projects/?x=1").await;
        ask(&account, "/dev/v1/nothing").await;
        let log = ask_with(&account, "/simulator/requests", None, None).await.json();
        let requests = log["requests"].as_array().expect("array");
        assert_eq!(requests.len(), 2, "admin calls are left out");
        assert_eq!((&requests[0]["method"], &requests[0]["status"]), (&"GET".into(), &201.into()));
        assert_eq!(requests[0]["path"], "/dev/v1/projects/?x=1");
        assert!(
            requests[0]["received_at"].as_str().is_some_and(|at| at.starts_with("2031-05-08T12:"))
        );
        assert_eq!(requests[1]["status"], 404);
        let cleared = send(&account, Method::DELETE, "/simulator/requests", &Value::Null).await;
        assert_eq!(cleared.status, 204);
        assert_eq!(ask(&account, "/simulator/requests").await.body, r#"{"requests":[]}"#);
    }

    #[tokio::test]
    async fn the_clock_is_moved() {
        let account = account(&unlimited());
        let set = async |now: &str| {
            send(&account, Method::POST, "/simulator/clock", &json!({ "now": now })).await
        };
        assert_eq!(set("2031-05-20T00:00:00Z").await.status, 200);
        assert_eq!(account.now().date_naive().to_string(), "2031-05-20");
        assert_eq!(set("tomorrow").await.status, 400);
        let now = ask(&account, "/simulator/clock").await.json();
        assert!(now["now"].as_str().is_some_and(|now| now.starts_with("2031-05-20T00:00:")));
    }

    #[tokio::test]
    async fn c02_a_day_is_restated_in_every_version() {
        let account = account(&unlimited());
        let id = project_id(&account, 2);
        let days = "from_date=2031-04-09&to_date=2031-04-09";
        let v3 = format!("/dev/v3/usage?project_id={id}&{days}&business=default");
        let v1 = format!("/dev/v1/usage?{days}&projects={id}");
        let audio = async || {
            let seconds =
                ask(&account, &v3).await.json()["usages"][0]["usage"]["durationAudioAll"].as_u64();
            let minutes =
                ask(&account, &v1).await.json()["usages"][0]["daily"][0]["audio"].as_u64();
            (seconds.expect("seconds"), minutes.expect("minutes"))
        };
        let restate = async |percent: i64| {
            let body = json!({ "project": id, "day": "2031-04-09", "percent": percent });
            send(&account, Method::POST, "/simulator/restatements", &body).await.status.as_u16()
        };
        let (before, _) = audio().await;
        assert_eq!(restate(150).await, 200);
        let told = before * 150 / 100;
        assert_eq!(audio().await, (told, told.div_ceil(60)));
        assert_eq!((restate(-1).await, restate(100).await), (400, 200));
        assert_eq!(audio().await.0, before);
    }
}
