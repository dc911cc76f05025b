//! One attempt at a call: send, read within the bound, judge, decode.

use std::time::SystemTime;

use chrono::{DateTime, Utc};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;

use super::client::Reply;
use super::error::{ApiError, ApiErrorKind};
use super::wire::{Verdict, excerpt};

/// From this size on a body is decoded on a thread for long work, so that
/// other requests and the database are served meanwhile.
const LARGE_BODY_BYTES: usize = 64 * 1024;

/// Everything that an attempt needs.
pub(super) struct Attempt<'a> {
    pub(super) request: RequestBuilder,
    pub(super) endpoint: &'static str,
    pub(super) body: Option<&'a serde_json::Value>,
    pub(super) authorization: &'a HeaderValue,
    pub(super) max_body_bytes: usize,
    /// Whether it changes something: its answer may be empty.
    pub(super) is_change: bool,
}

/// Sends once and decodes the answer.
pub(super) async fn attempt<T: DeserializeOwned + Send + 'static>(
    attempt: Attempt<'_>,
) -> Result<Reply<T>, ApiError> {
    let Attempt { mut request, endpoint, body, authorization, max_body_bytes, is_change } = attempt;
    request = request
        .header(AUTHORIZATION, authorization.clone())
        // Expected on every call, also on those without a body.
        .header(CONTENT_TYPE, "application/json");
    if let Some(body) = body {
        request = request.body(body.to_string());
    }
    let response = request.send().await.map_err(|error| transport_error(endpoint, &error))?;
    let status = response.status();
    let headers = response.headers();
    let request_id = header(headers, "x-request-id");
    let answered_at = date(headers);
    let retry_after_seconds = retry_after_seconds(headers);
    let content_type = header(headers, "content-type").unwrap_or_default();
    let with_answer = |error: ApiError| ApiError {
        status: Some(status.as_u16()),
        request_id: request_id.clone(),
        retry_after_seconds,
        ..error
    };
    let body = read(endpoint, response, max_body_bytes).await.map_err(with_answer)?;
    if !status.is_success() {
        return Err(with_answer(status_error(endpoint, status, &body)));
    }
    let is_acknowledged = is_change && body.trim_ascii().is_empty();
    let body = if is_acknowledged { b"null".to_vec() } else { body };
    let decoded = if body.len() < LARGE_BODY_BYTES {
        decode(endpoint, &content_type, &body)
    } else {
        decode_aside(endpoint, content_type, body).await
    };
    let value = decoded.map_err(with_answer)?;
    Ok(Reply { value, status: status.as_u16(), request_id, answered_at, attempts: 1 })
}

/// Reads the whole body within the bound, so that a cut one is retried.
async fn read(
    endpoint: &'static str,
    mut response: Response,
    limit_bytes: usize,
) -> Result<Vec<u8>, ApiError> {
    let mut body = Vec::new();
    while let Some(chunk) =
        response.chunk().await.map_err(|error| transport_error(endpoint, &error))?
    {
        if body.len() + chunk.len() > limit_bytes {
            return Err(ApiError::new(ApiErrorKind::TooLarge { limit_bytes }, endpoint));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// A failure before there was a whole answer. The address stays out of the text: a query may name projects.
fn transport_error(endpoint: &'static str, error: &reqwest::Error) -> ApiError {
    let mut cause = error as &dyn std::error::Error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let cause = excerpt(&cause.to_string());
    // A connection that was never made is told apart: nothing can have arrived.
    let kind = if error.is_connect() {
        ApiErrorKind::NotConnected(cause)
    } else if error.is_timeout() {
        ApiErrorKind::Timeout
    } else {
        ApiErrorKind::Unreachable(cause)
    };
    ApiError::new(kind, endpoint)
}

fn status_error(endpoint: &'static str, status: StatusCode, body: &[u8]) -> ApiError {
    let kind = match status {
        StatusCode::UNAUTHORIZED => ApiErrorKind::Unauthorized,
        StatusCode::NOT_FOUND => ApiErrorKind::NotFound,
        StatusCode::TOO_MANY_REQUESTS => ApiErrorKind::RateLimited,
        status if status.is_redirection() => ApiErrorKind::Redirect,
        _ => ApiErrorKind::Status,
    };
    let message = serde_json::from_slice::<Verdict>(body).ok().and_then(|body| body.message());
    ApiError { message, ..ApiError::new(kind, endpoint) }
}

fn decode<T: DeserializeOwned>(
    endpoint: &'static str,
    content_type: &str,
    body: &[u8],
) -> Result<T, ApiError> {
    let fail = |kind| ApiError::new(kind, endpoint);
    let not_json = || {
        let text = quotable(body);
        let cause = format!("the answer is not JSON (content type '{content_type}'): {text}");
        fail(ApiErrorKind::NotJson(cause))
    };
    match serde_json::from_slice::<Verdict>(body) {
        Ok(verdict) if verdict.is_refusal() => {
            return Err(ApiError { message: verdict.message(), ..fail(ApiErrorKind::Refused) });
        }
        Err(error) if !error.is_data() => return Err(not_json()),
        _ => {}
    }
    serde_json::from_slice(body).map_err(|error| {
        fail(ApiErrorKind::Malformed(format!("the answer has an unknown shape: {error}")))
    })
}

/// Decodes a large body beside the runtime's own threads.
async fn decode_aside<T: DeserializeOwned + Send + 'static>(
    endpoint: &'static str,
    content_type: String,
    body: Vec<u8>,
) -> Result<T, ApiError> {
    let decoding = tokio::task::spawn_blocking(move || decode(endpoint, &content_type, &body));
    match decoding.await {
        Ok(decoded) => decoded,
        Err(stopped) => match stopped.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(stopped) => {
                Err(ApiError::new(ApiErrorKind::Malformed(stopped.to_string()), endpoint))
            }
        },
    }
}

/// The beginning of a page. Of what could be a broken answer only the size is
/// told: answers about projects hold App Certificates.
fn quotable(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(1024)]);
    let is_page = text.trim_start_matches('\u{feff}').trim_start().starts_with('<');
    if (is_page || !text.contains(['{', '['])) && !text.contains("sign_key") {
        return excerpt(&text);
    }
    format!("{} bytes that begin like JSON and cannot be read", body.len())
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(excerpt)
}

fn date(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    let text = headers.get(DATE)?.to_str().ok()?;
    httpdate::parse_http_date(text).ok().map(DateTime::<Utc>::from)
}

/// `Retry-After` in seconds or as a date ahead; a past date and junk count as absent.
fn retry_after_seconds(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit()) {
        // More digits than fit are a longer wait still.
        return Some(text.parse().unwrap_or(u64::MAX));
    }
    let ahead = httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::now()).ok()?;
    Some(ahead.as_secs() + 1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn retry_after(text: &str) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_str(text).expect("header"));
        retry_after_seconds(&headers)
    }

    #[test]
    fn c21_retry_after_is_read_in_seconds_and_as_a_date() {
        assert_eq!(retry_after("2"), Some(2));
        let ahead = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3));
        assert!(matches!(retry_after(&ahead), Some(2..=4)));
        assert_eq!(retry_after("Mon, 01 Jan 2001 00:00:00 GMT"), None);
        assert_eq!(retry_after("soon"), None);
        assert_eq!((retry_after("-1"), retry_after("")), (None, None));
        assert_eq!(retry_after("99999999999999999999999"), Some(u64::MAX));
    }

    #[test]
    fn c19_a_page_with_status_200_is_not_an_answer() {
        let page = b"<html><body>Down for maintenance</body></html>";
        let error =
            decode::<serde_json::Value>("GET projects", "text/html", page).expect_err("no answer");
        assert!(error.is_transient());
        assert!(error.to_string().contains("text/html"), "{error}");
        assert!(error.to_string().contains("Down for maintenance"), "{error}");
    }

    #[test]
    fn a_broken_answer_is_not_quoted_since_it_may_hold_a_certificate() {
        let key = "4855898a22ae4102a29b81ba76f2eae2";
        let cut = format!(r#"{{"projects":[{{"id":"a","sign_key":"{key}","sta"#);
        for body in [cut.clone(), cut.replace('"', "'"), format!("\u{feff}{cut}")] {
            let error = decode::<serde_json::Value>("GET projects", "text/html", body.as_bytes());
            let error = error.expect_err("no answer");
            assert!(!format!("{error} {error:?}").contains(key), "{error}");
            assert!(error.is_transient() && error.to_string().contains("bytes that begin"));
        }
    }

    #[test]
    fn the_platforms_message_is_kept_with_its_status() {
        let error =
            status_error("GET usage v3", StatusCode::NOT_FOUND, br#"{"error_msg":"no project"}"#);
        assert_eq!(error.kind, ApiErrorKind::NotFound);
        assert_eq!(error.message.as_deref(), Some("no project"));
        assert!(!error.is_transient());
    }
}
