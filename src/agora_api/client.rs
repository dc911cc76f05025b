//! What every call shares: address, credentials, pacing, retries and bounds.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use backon::{ExponentialBuilder, Retryable};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;

use super::error::{ApiError, ApiErrorKind};
use super::pacing::Pacer;
use super::wire::{Verdict, excerpt};

/// Calls that share one limit of the platform, per account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Project calls, documented at 10 requests a second.
    Projects,
    /// Usage calls, documented at 10 requests a second.
    Usage,
    /// The channel list, documented at 20 requests a second.
    ChannelList,
}

/// How to reach the platform as one account, and the bounds of every call.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// Scheme, host and port, without path; tried in this order. At least one.
    pub hosts: Vec<Url>,
    /// User name of basic authentication.
    pub customer_id: String,
    /// Password of basic authentication.
    pub customer_secret: SecretString,
    /// Pace of project and of usage calls each; 0 switches pacing off.
    pub requests_per_second: u32,
    /// Pace of the channel list; 0 switches pacing off.
    pub statistics_requests_per_second: u32,
    /// Bound on one attempt, from connecting to the end of the body.
    pub request_timeout: Duration,
    /// Attempts on each host, at least 1.
    pub attempts_per_host: u32,
    /// Wait before the second attempt; later waits grow by 2.5.
    pub first_retry_wait: Duration,
    /// Longest `Retry-After` that is obeyed; a longer one ends the call.
    pub retry_after_cap: Duration,
    /// Bound on a body after decompression.
    pub max_body_bytes: usize,
}

/// A decoded answer and what is known about its call.
#[derive(Debug, Clone)]
pub struct Reply<T> {
    /// The decoded answer.
    pub value: T,
    /// HTTP status.
    pub status: u16,
    /// `X-Request-ID` of the answer.
    pub request_id: Option<String>,
    /// Attempts made, at least 1.
    pub attempts: u32,
}

impl<T> Reply<T> {
    pub(super) fn try_map<U>(
        self,
        endpoint: &'static str,
        convert: impl FnOnce(T) -> Result<U, String>,
    ) -> Result<Reply<U>, ApiError> {
        let Self { value, status, request_id, attempts } = self;
        match convert(value) {
            Ok(value) => Ok(Reply { value, status, request_id, attempts }),
            Err(cause) => Err(ApiError {
                status: Some(status),
                request_id,
                attempts,
                ..ApiError::new(ApiErrorKind::Malformed(cause), endpoint)
            }),
        }
    }
}

/// Client of one account.
#[derive(Debug)]
pub struct AgoraApi {
    http: reqwest::Client,
    settings: ApiSettings,
    authorization: HeaderValue,
    projects: Pacer,
    usage: Pacer,
    channel_list: Pacer,
}

impl AgoraApi {
    /// Builds a client; sends nothing. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// A text that says why the TLS set-up or the credentials cannot be used.
    pub fn new(settings: ApiSettings) -> Result<Self, String> {
        // A second installation is refused, which is fine: the first one serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        #[expect(clippy::disallowed_methods, reason = "the one place that builds an HTTP client")]
        let builder = reqwest::Client::builder();
        let http = builder
            .redirect(reqwest::redirect::Policy::none())
            .timeout(settings.request_timeout)
            .user_agent(concat!("agora-usage/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| format!("the HTTP client cannot be set up: {error}"))?;
        let pair = format!("{}:{}", settings.customer_id, settings.customer_secret.expose_secret());
        let mut authorization = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair)))
            .map_err(|_| "the credentials cannot be sent in a header".to_owned())?;
        authorization.set_sensitive(true);
        Ok(Self {
            http,
            authorization,
            projects: Pacer::new(settings.requests_per_second),
            usage: Pacer::new(settings.requests_per_second),
            channel_list: Pacer::new(settings.statistics_requests_per_second),
            settings,
        })
    }

    /// Sends a GET until it is answered, refused for good or out of attempts.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        family: Family,
        endpoint: &'static str,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Reply<T>, ApiError> {
        let attempts = AtomicU32::new(0);
        let host_count = u32::try_from(self.settings.hosts.len()).unwrap_or(1).max(1);
        let waits = ExponentialBuilder::default()
            .with_min_delay(self.settings.first_retry_wait)
            .with_factor(2.5)
            .with_max_delay(Duration::from_mins(1))
            .with_max_times(
                (self.settings.attempts_per_host * host_count).saturating_sub(1) as usize
            );
        let attempt = || async {
            let number = attempts.fetch_add(1, Ordering::Relaxed);
            let url = self.url(number / self.settings.attempts_per_host, path, query);
            self.pacer(family).turn().await;
            self.attempt(endpoint, url).await
        };
        let outcome = attempt
            .retry(waits)
            .when(ApiError::is_transient)
            .adjust(|error, wait| self.wait_before_retry(error, wait))
            .notify(|error, wait| {
                let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                tracing::warn!(%error, wait_ms, "request failed, trying again");
            })
            .await;
        let attempts = attempts.into_inner();
        match outcome {
            Ok(reply) => Ok(Reply { attempts, ..reply }),
            Err(error) => Err(ApiError { attempts, ..self.judged(error) }),
        }
    }

    fn pacer(&self, family: Family) -> &Pacer {
        match family {
            Family::Projects => &self.projects,
            Family::Usage => &self.usage,
            Family::ChannelList => &self.channel_list,
        }
    }

    /// Address on the host that is due; segments are percent-encoded.
    fn url(&self, host: u32, path: &[&str], query: &[(&str, &str)]) -> Option<Url> {
        let last = self.settings.hosts.len().checked_sub(1)?;
        let mut url = self.settings.hosts.get((host as usize).min(last))?.clone();
        url.path_segments_mut().ok()?.pop_if_empty().extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Some(url)
    }

    /// The platform's wait where it gives one; none ends the retries.
    fn wait_before_retry(&self, error: &ApiError, wait: Option<Duration>) -> Option<Duration> {
        let wait = wait?;
        match error.retry_after_seconds.map(Duration::from_secs) {
            Some(asked) if asked > self.settings.retry_after_cap => None,
            Some(asked) => Some(asked.max(wait)),
            None => Some(wait),
        }
    }

    /// Names the wait as the cause where it was too long to obey.
    fn judged(&self, mut error: ApiError) -> ApiError {
        if let Some(retry_after_seconds) = error.retry_after_seconds
            && Duration::from_secs(retry_after_seconds) > self.settings.retry_after_cap
        {
            error.kind = ApiErrorKind::WaitTooLong { retry_after_seconds };
        }
        error
    }

    async fn attempt<T: DeserializeOwned>(
        &self,
        endpoint: &'static str,
        url: Option<Url>,
    ) -> Result<Reply<T>, ApiError> {
        let unreachable =
            |cause: &str| ApiError::new(ApiErrorKind::Unreachable(cause.to_owned()), endpoint);
        let url = url.ok_or_else(|| unreachable("no host is configured"))?;
        let response = self
            .http
            .get(url)
            .header(AUTHORIZATION, self.authorization.clone())
            .header(CONTENT_TYPE, "application/json")
            .send()
            .await
            .map_err(|error| transport_error(endpoint, &error))?;
        let status = response.status();
        let request_id = header(response.headers(), "x-request-id");
        let retry_after_seconds = retry_after_seconds(response.headers());
        let content_type = header(response.headers(), "content-type").unwrap_or_default();
        let with_answer = |error: ApiError| ApiError {
            status: Some(status.as_u16()),
            request_id: request_id.clone(),
            retry_after_seconds,
            ..error
        };
        let body = self.body(endpoint, response).await.map_err(with_answer)?;
        if !status.is_success() {
            return Err(with_answer(status_error(endpoint, status, &body)));
        }
        let value = decode(endpoint, &content_type, &body).map_err(with_answer)?;
        Ok(Reply { value, status: status.as_u16(), request_id, attempts: 1 })
    }

    /// Reads the whole body within the bound, so that a cut one is retried.
    async fn body(
        &self,
        endpoint: &'static str,
        mut response: Response,
    ) -> Result<Vec<u8>, ApiError> {
        let limit_bytes = self.settings.max_body_bytes;
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
}

/// A failure before there was a whole answer. The address stays out of the text: a query may name projects.
fn transport_error(endpoint: &'static str, error: &reqwest::Error) -> ApiError {
    if error.is_timeout() {
        return ApiError::new(ApiErrorKind::Timeout, endpoint);
    }
    let mut cause = error as &dyn std::error::Error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    ApiError::new(ApiErrorKind::Unreachable(excerpt(&cause.to_string())), endpoint)
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
        let text = excerpt(&String::from_utf8_lossy(&body[..body.len().min(1024)]));
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

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(excerpt)
}

/// `Retry-After` in seconds or as a date ahead; a past date and junk count as absent.
fn retry_after_seconds(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let ahead = httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::now()).ok()?;
    Some(ahead.as_secs() + 1)
}

#[cfg(test)]
mod tests {
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
    fn the_platforms_message_is_kept_with_its_status() {
        let error =
            status_error("GET usage v3", StatusCode::NOT_FOUND, br#"{"error_msg":"no project"}"#);
        assert_eq!(error.kind, ApiErrorKind::NotFound);
        assert_eq!(error.message.as_deref(), Some("no project"));
        assert!(!error.is_transient());
    }
}
