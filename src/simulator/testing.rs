//! Asks the routes without a network, for the tests beside the endpoints.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{Request, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tower::ServiceExt;

use super::SimulatorSettings;
use super::server::router;
use super::state::Account;
use crate::clock::Clock;

/// The time at which the tests' accounts start.
pub(super) const START: &str = "2031-05-08T12:00:00Z";

/// An answer, read to its end.
pub(super) struct Answer {
    pub(super) status: StatusCode,
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

/// An account that started at [`START`] and has lived on until `now`.
pub(super) fn account_at(now: &str) -> Arc<Account> {
    let mut account = Account::new(&unlimited()).expect("account");
    account.clock = clock_at(now);
    Arc::new(account)
}

pub(super) fn authorization(account: &Account) -> String {
    let credentials = format!("{}:{}", account.customer_id, account.customer_secret);
    format!("Basic {}", STANDARD.encode(credentials))
}

/// Asks as a client does that has everything right.
pub(super) async fn ask(account: &Arc<Account>, path: &str) -> Answer {
    ask_with(account, path, Some(authorization(account)), Some("application/json")).await
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
    let request = request.body(Body::empty()).expect("request");
    let response = router(account).oneshot(request).await.expect("infallible");
    let status = response.status();
    let request_id = response.headers().get("x-request-id");
    let request_id = request_id.map(|value| value.to_str().expect("text").to_owned());
    let body = to_bytes(response.into_body(), usize::MAX).await.expect("body");
    Answer { status, body: String::from_utf8(body.to_vec()).expect("UTF-8"), request_id }
}
