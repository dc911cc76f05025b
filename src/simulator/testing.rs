//! Asks the routes without a network, for the tests beside the endpoints.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tower::ServiceExt;

use super::routes::router;
use super::state::Account;
use super::{ApiYear, SimulatorSettings};
use crate::clock::Clock;

/// The time at which the tests' accounts start.
pub(super) const START: &str = "2031-05-08T12:00:00Z";

/// An answer, read to its end.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) bytes: Vec<u8>,
    /// The bytes as text, where they are one.
    pub(super) body: String,
    pub(super) request_id: Option<String>,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

pub(super) fn clock_at(now: &str) -> Clock {
    Clock::from_setting(Some(now)).expect("time")
}

/// The default account, started at [`START`], without limits.
pub(super) fn unlimited() -> SimulatorSettings {
    SimulatorSettings {
        clock: clock_at(START),
        requests_per_second: 0,
        statistics_requests_per_second: 0,
        ..SimulatorSettings::default()
    }
}

pub(super) fn account(settings: &SimulatorSettings) -> Arc<Account> {
    Arc::new(Account::new(settings).expect("account"))
}

/// An account of a year, started at [`START`].
pub(super) fn account_of(api_year: ApiYear) -> Arc<Account> {
    account(&SimulatorSettings { api_year, ..unlimited() })
}

/// An account that started at [`START`] and has lived on until `now`.
pub(super) fn account_at(now: &str) -> Arc<Account> {
    let account = account(&unlimited());
    account.set_clock(clock_at(now));
    account
}

/// An account of a year in the evening, when many channels are live.
pub(super) fn busy(api_year: ApiYear) -> Arc<Account> {
    let account = account_of(api_year);
    account.set_clock(clock_at("2031-05-08T18:00:10Z"));
    account
}

pub(super) fn project_id(account: &Account, number: usize) -> String {
    account.projects()[number].project_id.clone()
}

pub(super) fn app_id(account: &Account, number: usize) -> String {
    account.projects()[number].app_id.clone()
}

pub(super) fn authorization(account: &Account) -> String {
    let credentials = format!("{}:{}", account.customer_id, account.customer_secret);
    format!("Basic {}", STANDARD.encode(credentials))
}

/// Asks as a client does that has everything right.
pub(super) async fn ask(account: &Arc<Account>, path: &str) -> Answer {
    ask_with(account, path, Some(authorization(account)), Some("application/json")).await
}

/// Sends a JSON body as a client does that has everything right.
pub(super) async fn send(
    account: &Arc<Account>,
    method: Method,
    path: &str,
    body: &Value,
) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(AUTHORIZATION, authorization(account))
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()));
    answer(account, request.expect("request")).await
}

pub(super) async fn ask_with(
    account: &Arc<Account>,
    path: &str,
    authorization: Option<String>,
    content_type: Option<&str>,
) -> Answer {
    let mut request = Request::get(path);
    if let Some(authorization) = authorization {
        request = request.header(AUTHORIZATION, authorization);
    }
    if let Some(content_type) = content_type {
        request = request.header(CONTENT_TYPE, content_type);
    }
    answer(account, request.body(Body::empty()).expect("request")).await
}

async fn answer(account: &Arc<Account>, request: Request<Body>) -> Answer {
    let response = router(account).oneshot(request).await.expect("infallible");
    let (parts, body) = response.into_parts();
    let request_id = parts.headers.get("x-request-id");
    let request_id = request_id.map(|value| value.to_str().expect("text").to_owned());
    let bytes = to_bytes(body, usize::MAX).await.expect("body").to_vec();
    let body = String::from_utf8_lossy(&bytes).into_owned();
    Answer { status: parts.status, headers: parts.headers, bytes, body, request_id }
}
