//! What a fault does to a request and to its answer.
//!
//! Owns the order of effects: waiting, then answers that come in place of the
//! platform's, then what happens to the platform's own answer, from its rows
//! to its bytes.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Value, json};

use super::spec::{FaultKind, RetryAfter};
use super::{Struck, body, rows};
use crate::simulator::answer::Refusal;
use crate::simulator::connection::end_connection;
use crate::simulator::family::Family;
use crate::simulator::state::Account;
use crate::simulator::years::ErrorBody;

/// How long a change stays unanswered at most, should its caller never leave.
const NO_ANSWER_WAIT: Duration = Duration::from_mins(10);

/// Lets the faults in force strike a request.
pub(in crate::simulator) async fn strike(
    State(account): State<Arc<Account>>,
    mut request: Request,
    next: Next,
) -> Response {
    let struck = account.faults.strike(request.method(), request.uri().path());
    for kind in &struck.0 {
        if let FaultKind::LatencyMs(wait_ms) = kind {
            tokio::time::sleep(Duration::from_millis(*wait_ms)).await;
        }
    }
    let family = Family::of_path(request.uri().path());
    let errors = family.map_or(ErrorBody::Message, |family| account.shapes.errors(family));
    for kind in &struck.0 {
        if *kind == FaultKind::Refuse {
            return end_connection(request.extensions());
        }
        if let Some(response) = in_place(kind, family, errors) {
            return response;
        }
    }
    let extensions = request.extensions().clone();
    request.extensions_mut().insert(struck.clone());
    let response = next.run(request).await;
    for kind in &struck.0 {
        if let FaultKind::NoAnswer { close } = kind {
            if !close {
                tokio::time::sleep(NO_ANSWER_WAIT).await;
            }
            return end_connection(&extensions);
        }
    }
    if response.status().is_success() { disturbed(&struck, response).await } else { response }
}

/// The answer that a fault gives in place of the platform's.
fn in_place(kind: &FaultKind, family: Option<Family>, errors: ErrorBody) -> Option<Response> {
    let with_header = |status, name, value: &HeaderValue| {
        let mut response = Refusal::new(status, reason(status)).written(errors);
        response.headers_mut().insert(name, value.clone());
        response
    };
    match kind {
        FaultKind::Status(status) => Some(Refusal::new(*status, reason(*status)).written(errors)),
        FaultKind::RetryAfter(value) => {
            let value = retry_after(value)?;
            Some(with_header(StatusCode::TOO_MANY_REQUESTS, RETRY_AFTER, &value))
        }
        FaultKind::Redirect(address) => Some(with_header(StatusCode::FOUND, LOCATION, address)),
        FaultKind::Html => {
            let page =
                "<!DOCTYPE html>\n<title>Maintenance</title>\n<p>We will be back soon.</p>\n";
            Some(Html(page).into_response())
        }
        FaultKind::ErrorWith200 => {
            let is_statistics = family.is_some_and(Family::is_statistics);
            let body = if is_statistics {
                json!({ "success": false })
            } else {
                json!({ "status": "error", "message": "internal error" })
            };
            Some(Json(body).into_response())
        }
        _ => None,
    }
}

fn reason(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("Unknown")
}

/// The date is by the machine's clock, since that is what a client holds it against.
fn retry_after(value: &RetryAfter) -> Option<HeaderValue> {
    let seconds = match value {
        RetryAfter::Text(text) => return Some(text.clone()),
        RetryAfter::DateInSeconds(seconds) => *seconds,
    };
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let now = SystemTime::now();
    let date = if seconds < 0 { now.checked_sub(distance) } else { now.checked_add(distance) };
    HeaderValue::from_str(&httpdate::fmt_http_date(date?)).ok()
}

/// The platform's answer, as the faults leave it.
async fn disturbed(struck: &Struck, response: Response) -> Response {
    if struck.0.is_empty() {
        return response;
    }
    let (mut parts, answer) = response.into_parts();
    let mut bytes = to_bytes(answer, usize::MAX).await.unwrap_or_default();
    if let Ok(mut value) = serde_json::from_slice::<Value>(&bytes) {
        let untouched = value.clone();
        struck.0.iter().for_each(|kind| rows::disturb(kind, &mut value));
        if value != untouched {
            bytes = Bytes::from(value.to_string());
        }
    }
    for kind in &struck.0 {
        match kind {
            FaultKind::ContentType(content_type) => {
                parts.headers.insert(CONTENT_TYPE, content_type.clone());
            }
            FaultKind::Gzip => {
                bytes = Bytes::from(body::gzip(&bytes));
                parts.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            _ => {}
        }
    }
    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    let sent = struck.0.iter().find_map(|kind| match kind {
        FaultKind::CutBody(kept) => Some(body::cut(&bytes, kept.unwrap_or(bytes.len() / 2))),
        FaultKind::SlowBodyMs(wait) => Some(body::slow(&bytes, Duration::from_millis(*wait))),
        _ => None,
    });
    Response::from_parts(parts, sent.unwrap_or_else(|| Body::from(bytes)))
}

#[cfg(test)]
mod tests {
    use axum::http::Method;

    use super::*;
    use crate::simulator::SimulatorSettings;
    use crate::simulator::testing::{Answer, account, app_id, ask, ask_with, send, unlimited};

    const USAGE: &str = "/dev/v1/usage?from_date=2031-04-01&to_date=2031-04-30";
    const PROJECTS: &str = "/dev/v1/projects";

    fn faulty(fault: &str) -> Arc<Account> {
        let faults = vec![fault.parse().expect("a fault")];
        account(&SimulatorSettings { faults, ..unlimited() })
    }

    async fn struck(fault: &str, path: &str) -> Answer {
        ask(&faulty(fault), path).await
    }

    fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
        answer.headers.get(name).and_then(|value| value.to_str().ok())
    }

    #[tokio::test]
    async fn a_status_is_written_as_the_family_does_and_ends_with_its_count() {
        let account = faulty("status=503@projects*2");
        for expected in [503, 503, 201] {
            let answer = ask(&account, PROJECTS).await;
            assert_eq!(answer.status, expected);
            assert!(answer.request_id.is_some());
        }
        let answer = struck("status=429", PROJECTS).await;
        assert_eq!(answer.body, r#"{"message":"Too Many Requests"}"#);
        assert_eq!(header(&answer, "retry-after"), None);
    }

    #[tokio::test]
    async fn c21_retry_after_comes_as_seconds_as_a_date_or_as_junk() {
        for value in ["2", "86400", "soon"] {
            let answer = struck(&format!("retry-after={value}"), PROJECTS).await;
            assert_eq!(
                (answer.status.as_u16(), header(&answer, "retry-after")),
                (429, Some(value))
            );
        }
        let now = SystemTime::now();
        let ahead = struck("retry-after=date+3", PROJECTS).await;
        let ahead = httpdate::parse_http_date(header(&ahead, "retry-after").expect("a date"));
        assert!(ahead.expect("a date") > now);
        let past = struck("retry-after=date-60", PROJECTS).await;
        let past = httpdate::parse_http_date(header(&past, "retry-after").expect("a date"));
        assert!(past.expect("a date") < now);
    }

    #[tokio::test]
    async fn answers_in_place_of_the_platforms() {
        let answer = struck("redirect=https://example.org/", PROJECTS).await;
        assert_eq!(
            (answer.status.as_u16(), header(&answer, "location")),
            (302, Some("https://example.org/"))
        );
        let answer = struck("html", PROJECTS).await;
        assert_eq!(answer.status, 200);
        assert!(header(&answer, "content-type").is_some_and(|text| text.starts_with("text/html")));
        let answer = struck("error-with-200", USAGE).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (200, &"error".into()));
        let account = faulty("error-with-200");
        let channels = format!("/dev/v1/channel/{}", app_id(&account, 0));
        assert_eq!(ask(&account, &channels).await.body, r#"{"success":false}"#);
    }

    #[tokio::test]
    async fn rows_come_twice_or_not_at_all() {
        let rows = |answer: &Answer| answer.json()["usages"][0]["daily"].as_array().map(Vec::len);
        assert_eq!(rows(&struck("status=500@projects", USAGE).await), Some(30));
        assert_eq!(rows(&struck("duplicate-rows@usage", USAGE).await), Some(31));
        assert_eq!(rows(&struck("missing-rows@usage", USAGE).await), Some(29));
        assert_eq!(struck("no-rows", USAGE).await.body, r#"{"usages":[]}"#);
        let projects = struck("duplicate-rows", PROJECTS).await.json();
        assert_eq!(projects["projects"].as_array().map(Vec::len), Some(8));
    }

    #[tokio::test]
    async fn c27_numbers_come_as_texts() {
        let day = struck("numbers-as-strings", USAGE).await.json()["usages"][0]["daily"][0].clone();
        assert!(day.as_object().is_some_and(|day| day.values().all(Value::is_string)), "{day}");
    }

    #[tokio::test]
    async fn a_body_in_gzip_is_the_same_body() {
        // Longer than one block of the format.
        let account = account(&SimulatorSettings { projects: 1_000, ..unlimited() });
        let plain = ask(&account, PROJECTS).await.bytes;
        account.faults.replace(vec!["gzip".parse().expect("a fault")]);
        let answer = ask(&account, PROJECTS).await;
        assert_eq!(header(&answer, "content-encoding"), Some("gzip"));
        assert_eq!(
            header(&answer, "content-length"),
            Some(answer.bytes.len().to_string().as_str())
        );
        assert!(plain.len() > 100_000);
        assert_eq!(body::stored_in_gzip(&answer.bytes), plain);
    }

    #[tokio::test]
    async fn content_type_and_length_are_told_wrong() {
        let answer = struck("content-type=text/plain", PROJECTS).await;
        assert_eq!(
            (answer.status.as_u16(), header(&answer, "content-type")),
            (201, Some("text/plain"))
        );
        assert!(answer.json()["projects"].is_array());
    }

    #[tokio::test(start_paused = true)]
    async fn waits_are_as_long_as_asked_for() {
        for (fault, at_least_ms) in [("latency-ms=800", 800), ("slow-body-ms=3000", 2_900)] {
            let started = tokio::time::Instant::now();
            assert_eq!(struck(fault, PROJECTS).await.status, 201);
            assert!(started.elapsed() >= Duration::from_millis(at_least_ms), "{fault}");
        }
    }

    #[tokio::test]
    async fn a_fault_strikes_before_credentials_are_looked_at_and_leaves_refusals_alone() {
        let account = faulty("duplicate-rows");
        let answer = ask_with(&account, PROJECTS, None, None).await;
        assert_eq!(answer.body, r#"{"message":"Unauthorized"}"#);
        let account = faulty("status=500");
        assert_eq!(ask_with(&account, PROJECTS, None, None).await.status, 500);
    }

    #[tokio::test]
    async fn faults_are_replaced_and_told_while_it_runs() {
        let account = account(&unlimited());
        let admin = "/simulator/faults";
        let body = json!({ "faults": ["status=500@usage*1", "gzip%50"] });
        let answer = send(&account, Method::POST, admin, &body).await.json();
        assert_eq!(
            answer["faults"][0],
            json!({ "fault": "status=500@usage*1", "aimed": 0, "struck": 0 })
        );
        assert_eq!(ask(&account, USAGE).await.status, 500);
        assert_eq!(ask_with(&account, admin, None, None).await.json()["faults"][0]["struck"], 1);
        let wrong = send(&account, Method::POST, admin, &json!({ "faults": ["gzip@bills"] })).await;
        assert_eq!(wrong.status, 400);
        assert!(wrong.body.contains("unknown aim 'bills'"), "{}", wrong.body);
        assert_eq!(ask(&account, admin).await.json()["faults"].as_array().map(Vec::len), Some(2));
        send(&account, Method::POST, admin, &json!({ "faults": [] })).await;
        assert_eq!(ask(&account, admin).await.body, r#"{"faults":[]}"#);
    }
}
