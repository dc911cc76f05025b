//! The parameters of a call, from its query string and its JSON body.
//!
//! The oldest document wants a JSON body for every call, a GET included; later
//! ones want a query string for those. Both are taken; where both name a
//! parameter the body counts.

use axum::body::to_bytes;
use axum::extract::{FromRequest, Query, Request};
use serde_json::{Map, Value};

use super::answer::Refusal;

/// No call has a larger body.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// Named values; a null counts as not given.
#[derive(Debug, Default)]
pub(super) struct Asked(Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Asked {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let query = Query::<Vec<(String, String)>>::try_from_uri(request.uri())
            .map_err(|error| Refusal::bad_request(error.body_text()))?;
        let mut values: Map<String, Value> =
            query.0.into_iter().map(|(name, text)| (name, Value::String(text))).collect();
        let body = to_bytes(request.into_body(), MAX_BODY_BYTES)
            .await
            .map_err(|_| Refusal::bad_request("the body is not whole or too large"))?;
        if !body.is_empty() {
            let body: Map<String, Value> = serde_json::from_slice(&body)
                .map_err(|_| Refusal::bad_request("the body must be a JSON object"))?;
            values.extend(body);
        }
        values.retain(|_, value| !value.is_null());
        Ok(Self(values))
    }
}

impl Asked {
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Refusal> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Refusal::bad_request(format!("{name} must be a text"))),
        }
    }

    /// A text that must be there and not be empty.
    pub(super) fn required_text(&self, name: &str) -> Result<&str, Refusal> {
        let text = self.text(name)?.filter(|text| !text.is_empty());
        text.ok_or_else(|| Refusal::bad_request(format!("{name} is required")))
    }

    /// A whole number, also as a text: the oldest document shows quotes around them.
    pub(super) fn whole(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let number = match self.0.get(name) {
            None => return Ok(None),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(value) => value.as_i64(),
        };
        let wrong = || Refusal::bad_request(format!("{name} must be a whole number"));
        number.ok_or_else(wrong).map(Some)
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(Refusal::bad_request(format!("{name} must be true or false"))),
        }
    }

    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Refusal> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let texts = serde_json::from_value(value.clone());
        texts.map(Some).map_err(|_| Refusal::bad_request(format!("{name} must be a list of texts")))
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    async fn asked(path: &str, body: &str) -> Result<Asked, Refusal> {
        let request = Request::get(path).body(Body::from(body.to_owned())).expect("request");
        Asked::from_request(request, &()).await
    }

    #[tokio::test]
    async fn query_string_and_body_are_one() {
        let asked = asked("/x?id=a&page=7", r#"{"id":"b","flag":true,"none":null}"#).await;
        let asked = asked.expect("valid");
        assert_eq!(asked.text("id").expect("text"), Some("b"));
        assert_eq!(asked.whole("page").expect("number"), Some(7));
        assert_eq!(asked.flag("flag").expect("flag"), Some(true));
        assert_eq!(asked.text("none").expect("a null"), None);
        assert!(asked.required_text("none").is_err());
        assert!(asked.whole("id").is_err() && asked.flag("page").is_err());
    }

    #[tokio::test]
    async fn a_body_that_is_no_object_is_refused() {
        for body in ["[]", "x", "{"] {
            assert!(asked("/x", body).await.is_err(), "{body}");
        }
    }
}
