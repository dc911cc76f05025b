//! How an answer without data looks, and bodies whose first key matters.
//!
//! A refusal carries its text to the route's edge, where the family and the
//! year decide how it is written. Outside of all routes it is
//! `{"message": ...}`, as the platform's gateway writes it.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Value, json};

use super::years::ErrorBody;

/// An answer that refuses a request.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// 400: a parameter is missing or wrong.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 401: no credentials, or wrong ones.
    pub(super) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized")
    }

    /// 404: no such path, or no such thing.
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// 415: the request does not say that it speaks JSON.
    pub(super) fn unsupported_media_type() -> Self {
        let message = "Content-Type must be application/json";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message)
    }

    /// 429: the family's limit is used up.
    pub(super) fn too_many_requests() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "Too many requests")
    }

    /// Writes it as a family does.
    pub(super) fn written(&self, body: ErrorBody) -> Response {
        (self.status, Json(body.body(&self.message))).into_response()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.written(ErrorBody::Message);
        response.extensions_mut().insert(self);
        response
    }
}

/// An object whose keys come in the order given.
///
/// The platform's years order `success` and `data` differently; a client that
/// relies on the order would pass with one year alone.
#[derive(Debug, Clone, Default)]
pub(super) struct Ordered(Vec<(&'static str, Value)>);

impl Ordered {
    pub(super) fn with(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.0.push((key, value.into()));
        self
    }

    /// `first` decides whether the last key is moved to the front.
    fn last_to_front(mut self, first: bool) -> Self {
        if first {
            self.0.rotate_right(1);
        }
        self
    }
}

impl Serialize for Ordered {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

/// `success` and `data`, as channel calls answer.
pub(super) fn statistics(success_first: bool, data: impl Into<Value>) -> Json<Ordered> {
    let body = Ordered::default().with("data", data).with("success", true);
    Json(body.last_to_front(success_first))
}

/// `status` and one more key, as kicking rules answer.
pub(super) fn rule_answer(
    status_first: bool,
    key: &'static str,
    value: impl Into<Value>,
) -> Json<Ordered> {
    let body = Ordered::default().with(key, value).with("status", "success");
    Json(body.last_to_front(status_first))
}

/// `{"success": true}`.
pub(super) fn success() -> Json<Value> {
    Json(json!({ "success": true }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(body: &Ordered) -> String {
        serde_json::to_string(body).expect("JSON")
    }

    #[test]
    fn the_first_key_follows_the_year() {
        assert_eq!(text(&statistics(true, 1).0), r#"{"success":true,"data":1}"#);
        assert_eq!(text(&statistics(false, 1).0), r#"{"data":1,"success":true}"#);
        assert_eq!(text(&rule_answer(true, "id", 7).0), r#"{"status":"success","id":7}"#);
        assert_eq!(text(&rule_answer(false, "id", 7).0), r#"{"id":7,"status":"success"}"#);
    }
}
