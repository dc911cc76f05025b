//! What every call shares: address, credentials, pacing, retries and hosts.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::HeaderValue;
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;

use super::attempt::{Attempt, attempt};
use super::error::{ApiError, ApiErrorKind};
use super::hidden::{self, Secret};
use super::http_client::SharedClients;
use super::metering;
use super::pacing::Pacer;
use crate::authorities::Authorities;

/// Everything but letters, digits and `-._~`: channel names hold most of ASCII.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Waits grow up to this, unless the platform asks for more.
const LONGEST_RETRY_WAIT: Duration = Duration::from_mins(1);

/// Calls that share one limit of the platform, per account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Project calls, documented at 10 requests a second.
    Projects,
    /// Usage calls, documented at 10 requests a second.
    Usage,
    /// Kicking rules, documented at 10 requests a second.
    KickingRules,
    /// The channel list; each statistics call is documented at 20 requests a second.
    ChannelList,
    /// Users of a channel.
    ChannelUsers,
    /// A user's role.
    UserRole,
    /// Whether a user is a co-host.
    CoHost,
}

impl Family {
    pub(super) const COUNT: usize = 7;

    const ALL: [Self; Self::COUNT] = [
        Self::Projects,
        Self::Usage,
        Self::KickingRules,
        Self::ChannelList,
        Self::ChannelUsers,
        Self::UserRole,
        Self::CoHost,
    ];

    /// Word used in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Projects => "projects",
            Self::Usage => "usage",
            Self::KickingRules => "kicking_rules",
            Self::ChannelList => "channel_list",
            Self::ChannelUsers => "channel_users",
            Self::UserRole => "user_role",
            Self::CoHost => "co_host",
        }
    }

    const fn is_statistics(self) -> bool {
        !matches!(self, Self::Projects | Self::Usage | Self::KickingRules)
    }
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
    /// Pace of project, usage and kicking-rule calls each; 0 switches pacing off.
    pub requests_per_second: u32,
    /// Pace of each statistics call; 0 switches pacing off.
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
    /// Whose certificates are trusted besides the machine's authorities.
    pub authorities: Authorities,
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
    /// `Date` of the answer, by the platform's clock, to the second.
    pub answered_at: Option<DateTime<Utc>>,
    /// Attempts made, at least 1.
    pub attempts: u32,
}

impl<T> Reply<T> {
    /// Turns the wire type into what it means; a text says why that cannot be done.
    pub(super) fn try_map<U>(
        self,
        endpoint: &'static str,
        convert: impl FnOnce(T) -> Result<U, String>,
    ) -> Result<Reply<U>, ApiError> {
        let Self { value, status, request_id, answered_at, attempts } = self;
        match convert(value) {
            Ok(value) => Ok(Reply { value, status, request_id, answered_at, attempts }),
            Err(cause) => Err(ApiError {
                status: Some(status),
                request_id,
                attempts,
                ..ApiError::new(ApiErrorKind::Malformed(cause), endpoint)
            }),
        }
    }
}

/// One call of the API, before it is sent.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) family: Family,
    /// Name in errors, such as `GET usage v3`.
    pub(super) endpoint: &'static str,
    pub(super) method: Method,
    /// Segments of the path, not yet encoded; an empty last one is a trailing slash.
    pub(super) path: &'a [&'a str],
    pub(super) query: &'a [(&'a str, &'a str)],
    pub(super) body: Option<serde_json::Value>,
}

impl<'a> Call<'a> {
    /// A question: it may be asked again and again.
    pub(super) const fn get(
        family: Family,
        endpoint: &'static str,
        path: &'a [&'a str],
        query: &'a [(&'a str, &'a str)],
    ) -> Self {
        Self { family, endpoint, method: Method::GET, path, query, body: None }
    }

    /// A change: it is sent again only when it certainly did not arrive.
    pub(super) const fn write(
        family: Family,
        endpoint: &'static str,
        method: Method,
        path: &'a [&'a str],
        body: serde_json::Value,
    ) -> Self {
        Self { family, endpoint, method, path, query: &[], body: Some(body) }
    }

    fn may_repeat(&self, error: &ApiError) -> bool {
        if self.method == Method::GET { error.is_transient() } else { error.never_arrived() }
    }
}

/// Client of one account.
#[derive(Debug)]
pub struct AgoraApi {
    http: reqwest::Client,
    settings: ApiSettings,
    authorization: HeaderValue,
    pacers: [Pacer; Family::COUNT],
}

impl AgoraApi {
    /// Builds a client; sends nothing. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// A text that says why the TLS set-up or the credentials cannot be used.
    pub fn new(settings: ApiSettings) -> Result<Self, String> {
        Self::sharing(settings, &SharedClients::default())
    }

    /// The same with connections and certificates that other accounts use too.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn sharing(settings: ApiSettings, clients: &SharedClients) -> Result<Self, String> {
        let ApiSettings { request_timeout, hosts, authorities, .. } = &settings;
        let http = clients.client(*request_timeout, hosts, authorities)?;
        let pair = format!("{}:{}", settings.customer_id, settings.customer_secret.expose_secret());
        let mut authorization = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair)))
            .map_err(|_| "the credentials cannot be sent in a header".to_owned())?;
        authorization.set_sensitive(true);
        let pacers = Family::ALL.map(|family| {
            Pacer::new(if family.is_statistics() {
                settings.statistics_requests_per_second
            } else {
                settings.requests_per_second
            })
        });
        Ok(Self { http, settings, authorization, pacers })
    }

    /// Pace of project and of usage calls each, a second; 0: not paced.
    #[must_use]
    pub const fn requests_per_second(&self) -> u32 {
        self.settings.requests_per_second
    }

    /// Makes a call until it is answered, refused for good or out of attempts.
    ///
    /// Attempts that failed on the side of a host (no connection, no answer in
    /// time, 5xx) lead to the next host in the end; a 4xx never does.
    pub(super) async fn send<T: DeserializeOwned + Send + 'static>(
        &self,
        call: Call<'_>,
    ) -> Result<Reply<T>, ApiError> {
        let (attempts, host_failures) = (AtomicU32::new(0), AtomicU32::new(0));
        let host_count = u32::try_from(self.settings.hosts.len()).unwrap_or(1).max(1);
        let most_attempts = self.settings.attempts_per_host.saturating_mul(host_count);
        let waits = ExponentialBuilder::default()
            .with_min_delay(self.settings.first_retry_wait.min(LONGEST_RETRY_WAIT))
            .with_factor(2.5)
            .with_max_delay(LONGEST_RETRY_WAIT)
            .with_max_times(most_attempts.saturating_sub(1) as usize);
        let once = || async {
            attempts.fetch_add(1, Ordering::Relaxed);
            let host = host_failures.load(Ordering::Relaxed) / self.settings.attempts_per_host;
            let asked = tokio::time::Instant::now();
            self.pacers[call.family as usize].turn().await;
            metering::waited(call.family, asked.elapsed());
            let outcome = self.attempt(&call, host).await;
            metering::request_ended(call.family, status(&outcome));
            if outcome.as_ref().is_err_and(ApiError::is_the_hosts_fault) {
                host_failures.fetch_add(1, Ordering::Relaxed);
            }
            outcome
        };
        let outcome = once
            .retry(waits)
            .when(|error| call.may_repeat(error))
            .adjust(|error, wait| self.wait_before_retry(error, wait))
            .notify(|error, wait| {
                let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                tracing::warn!(%error, wait_ms, "request failed, trying again");
            })
            .await;
        let attempts = attempts.into_inner();
        match outcome {
            Ok(reply) => Ok(Reply { attempts, ..reply }),
            // A change that may have arrived is not waiting for its turn.
            Err(error) if !call.may_repeat(&error) => Err(ApiError { attempts, ..error }),
            Err(error) => Err(ApiError { attempts, ..self.judged(error) }),
        }
    }

    async fn attempt<T: DeserializeOwned + Send + 'static>(
        &self,
        call: &Call<'_>,
        host: u32,
    ) -> Result<Reply<T>, ApiError> {
        let url = self.url(host, call).ok_or_else(|| {
            let cause = "the address cannot be built".to_owned();
            ApiError::new(ApiErrorKind::Malformed(cause), call.endpoint)
        })?;
        let request = self.http.request(call.method.clone(), url);
        attempt(Attempt {
            request,
            endpoint: call.endpoint,
            body: call.body.as_ref(),
            authorization: &self.authorization,
            max_body_bytes: self.settings.max_body_bytes,
            is_change: call.method != Method::GET,
        })
        .await
        .map_err(|error| self.without_credentials(error))
    }

    /// The platform's words without what they say of credentials and certificates.
    fn without_credentials(&self, error: ApiError) -> ApiError {
        let basic = self.authorization.to_str().unwrap_or_default();
        let encoded = basic.strip_prefix("Basic ").unwrap_or(basic).trim_end_matches('=');
        let url_safe = encoded.replace('+', "-").replace('/', "_");
        let secret = self.settings.customer_secret.expose_secret();
        let secrets: Vec<_> =
            [encoded, &url_safe, secret].into_iter().flat_map(Secret::forms).collect();
        let hide = |text: String| hidden::hide(&text, &secrets);
        let kind = match error.kind {
            ApiErrorKind::NotJson(cause) => ApiErrorKind::NotJson(hide(cause)),
            ApiErrorKind::Malformed(cause) => ApiErrorKind::Malformed(hide(cause)),
            kind => kind,
        };
        let message = error.message.map(hide);
        let request_id = error.request_id.map(|id| hidden::without_secrets(&id, &secrets));
        ApiError { kind, message, request_id, ..error }
    }

    /// Address on a host; none without a host, or for a segment that addresses take for a step up.
    fn url(&self, host: u32, call: &Call<'_>) -> Option<Url> {
        let last = self.settings.hosts.len().checked_sub(1)?;
        let mut url = self.settings.hosts.get((host as usize).min(last))?.clone();
        if call.path.iter().any(|segment| matches!(*segment, "." | "..")) {
            return None;
        }
        let segments = call.path.iter().map(|text| utf8_percent_encode(text, SEGMENT).to_string());
        url.set_path(&segments.collect::<Vec<_>>().join("/"));
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(call.query);
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
}

/// HTTP status of an attempt, where there was an answer.
fn status<T>(outcome: &Result<Reply<T>, ApiError>) -> Option<u16> {
    match outcome {
        Ok(reply) => Some(reply.status),
        Err(error) => error.status,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(path: &[&str], query: &[(&str, &str)]) -> Option<String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("runtime");
        let _entered = runtime.enter();
        let settings = ApiSettings {
            hosts: vec![Url::parse("https://api.agora.io").expect("url")],
            customer_id: "id".to_owned(),
            customer_secret: "secret".into(),
            requests_per_second: 0,
            statistics_requests_per_second: 0,
            request_timeout: Duration::from_secs(1),
            attempts_per_host: 1,
            first_retry_wait: Duration::from_millis(1),
            retry_after_cap: Duration::from_secs(1),
            max_body_bytes: 1,
            authorities: Authorities::default(),
        };
        let api = AgoraApi::new(settings).expect("client");
        let call = Call::get(Family::Projects, "GET", path, query);
        api.url(0, &call).map(|url| url.to_string())
    }

    #[test]
    fn a_channel_name_is_encoded_whole_in_a_path() {
        let name = "a b!#$%&()+-:;<=>.?@[]^_{}|~,/中";
        let encoded = url(&["dev", "v1", "channel", "user", "app", name], &[]).expect("url");
        let tail = "a%20b%21%23%24%25%26%28%29%2B-%3A%3B%3C%3D%3E.%3F%40%5B%5D%5E_%7B%7D%7C~%2C%2F%E4%B8%AD";
        assert_eq!(encoded, format!("https://api.agora.io/dev/v1/channel/user/app/{tail}"));
    }

    #[test]
    fn a_trailing_slash_is_kept_and_a_step_up_refused() {
        let address = url(&["dev", "v1", "projects", ""], &[("a", "b c")]);
        assert_eq!(address.as_deref(), Some("https://api.agora.io/dev/v1/projects/?a=b+c"));
        assert_eq!(url(&["dev", "v1", "channel", "user", "app", ".."], &[]), None);
    }
}
