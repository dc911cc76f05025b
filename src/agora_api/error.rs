//! What can go wrong with a call, as far as a caller can decide on it.

use std::fmt;

/// Kind of failure; see [`ApiError::is_transient`] for what a repeat can heal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiErrorKind {
    /// No connection was made, so that nothing can have arrived.
    NotConnected(String),
    /// The connection broke before the body was whole.
    Unreachable(String),
    /// No whole answer within the time of one request.
    Timeout,
    /// 401: wrong credentials, or on channel calls an App ID of another account.
    Unauthorized,
    /// 404.
    NotFound,
    /// 429.
    RateLimited,
    /// A 3xx, which is never followed.
    Redirect,
    /// Any other status that is not 2xx.
    Status,
    /// 2xx with a body that says that the call failed.
    Refused,
    /// A body that is not JSON at all, such as a maintenance page.
    NotJson(String),
    /// JSON whose content breaks the contract; a repeat would not help.
    Malformed(String),
    /// A body above the bound.
    TooLarge {
        /// The bound in bytes.
        limit_bytes: usize,
    },
    /// `Retry-After` asks for a longer wait than the cap.
    WaitTooLong {
        /// What the platform asked for, in seconds.
        retry_after_seconds: u64,
    },
}

/// A call that failed for good, after every attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// What happened at the last attempt.
    pub kind: ApiErrorKind,
    /// Which call, such as `GET usage v3`.
    pub endpoint: &'static str,
    /// HTTP status of the last attempt, if there was an answer.
    pub status: Option<u16>,
    /// The platform's own message, shortened.
    pub message: Option<String>,
    /// `X-Request-ID` of the last answer, for Agora's support.
    pub request_id: Option<String>,
    /// Attempts made, at least 1.
    pub attempts: u32,
    /// What `Retry-After` asked for, in seconds.
    pub(super) retry_after_seconds: Option<u64>,
}

impl ApiError {
    pub(super) fn new(kind: ApiErrorKind, endpoint: &'static str) -> Self {
        Self {
            kind,
            endpoint,
            status: None,
            message: None,
            request_id: None,
            attempts: 1,
            retry_after_seconds: None,
        }
    }

    /// For a question that the endpoint cannot be asked: usage v3 of all projects at once.
    #[must_use]
    pub fn without_project() -> Self {
        Self::not_sent("GET usage v3", "it is asked for one project at a time".to_owned())
    }

    /// For a call that was not sent, since the platform would refuse or misread it.
    pub(super) fn not_sent(endpoint: &'static str, cause: String) -> Self {
        Self::new(ApiErrorKind::Malformed(cause), endpoint)
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self.kind {
            ApiErrorKind::NotConnected(_)
            | ApiErrorKind::Unreachable(_)
            | ApiErrorKind::Timeout
            | ApiErrorKind::RateLimited
            | ApiErrorKind::NotJson(_) => true,
            ApiErrorKind::Status => self.status.is_some_and(|status| status >= 500),
            _ => false,
        }
    }

    /// Whether the platform certainly did not act on the call, so that a change may be sent again.
    #[must_use]
    pub fn never_arrived(&self) -> bool {
        matches!(self.kind, ApiErrorKind::NotConnected(_) | ApiErrorKind::RateLimited)
    }

    /// Whether the platform may have acted on the call although it failed.
    ///
    /// A success whose body cannot be read counts: a change was probably made.
    #[must_use]
    pub fn may_have_arrived(&self) -> bool {
        let is_success = self.status.is_some_and(|status| (200..300).contains(&status));
        let is_unread =
            matches!(self.kind, ApiErrorKind::Malformed(_) | ApiErrorKind::TooLarge { .. });
        (self.is_transient() && !self.never_arrived()) || (is_success && is_unread)
    }

    /// Whether the call was a change.
    fn is_change(&self) -> bool {
        !self.endpoint.starts_with("GET ")
    }

    /// Whether another host may do better.
    pub(super) fn is_the_hosts_fault(&self) -> bool {
        self.is_transient() && self.kind != ApiErrorKind::RateLimited
    }

    /// What the reader can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        if self.is_change() && self.may_have_arrived() {
            return Some("the change may have been made; look before you run it again");
        }
        match self.kind {
            ApiErrorKind::Unauthorized => Some(
                "check AGORA_CUSTOMER_ID and AGORA_CUSTOMER_SECRET (Console > RESTful API); \
                 on channel calls it can also mean an unknown App ID",
            ),
            ApiErrorKind::NotFound => Some(not_found_hint(self.endpoint)),
            ApiErrorKind::RateLimited => Some(
                "another program uses the same account's limit; run again later or lower \
                 requests_per_second",
            ),
            ApiErrorKind::NotConnected(_) | ApiErrorKind::Unreachable(_) => {
                Some("check the network and AGORA_BASE_URL")
            }
            ApiErrorKind::Timeout => Some("run again later, or raise request_timeout_seconds"),
            ApiErrorKind::Redirect => {
                Some("redirects are not followed; check AGORA_BASE_URL and any proxy on the way")
            }
            ApiErrorKind::NotJson(_) => {
                Some("a proxy or a maintenance page answered instead of the API; run again later")
            }
            ApiErrorKind::WaitTooLong { .. } => Some("run again when the platform allows it"),
            ApiErrorKind::TooLarge { .. } => Some("raise max_body_bytes"),
            ApiErrorKind::Status if self.status == Some(415) => {
                Some("something on the way removed the header Content-Type: application/json")
            }
            ApiErrorKind::Status if self.status == Some(400) => {
                Some("the platform refused a value; check ids, names and dates")
            }
            _ => None,
        }
    }
}

/// What a 404 means depends on what was asked.
fn not_found_hint(endpoint: &str) -> &'static str {
    if endpoint.contains("usage") {
        "the usage API wants the project id, a short token, not the App ID"
    } else if endpoint.contains("kicking-rule") {
        "no such rule is in force; `agora-usage api rules list APP_ID` shows them"
    } else if ["project", "signkey", "recording"].iter().any(|part| endpoint.contains(part)) {
        "give the project id, a short token, not the App ID; \
         `agora-usage api projects list` shows them, and whether one is disabled"
    } else {
        "check the App ID; `agora-usage api projects list` shows them"
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.endpoint)?;
        match &self.kind {
            ApiErrorKind::NotConnected(cause) => write!(f, "no connection ({cause})")?,
            ApiErrorKind::Unreachable(cause) => write!(f, "no answer ({cause})")?,
            ApiErrorKind::Timeout => f.write_str("no answer in time")?,
            ApiErrorKind::Unauthorized => f.write_str("the credentials were refused")?,
            ApiErrorKind::NotFound => f.write_str("not found")?,
            ApiErrorKind::RateLimited => f.write_str("too many requests")?,
            ApiErrorKind::Redirect => f.write_str("the server redirects")?,
            ApiErrorKind::Status => f.write_str("the call failed")?,
            ApiErrorKind::Refused => f.write_str("the platform answered that the call failed")?,
            ApiErrorKind::NotJson(cause) | ApiErrorKind::Malformed(cause) => f.write_str(cause)?,
            ApiErrorKind::TooLarge { limit_bytes } => {
                write!(f, "the answer is larger than {limit_bytes} bytes")?;
            }
            ApiErrorKind::WaitTooLong { retry_after_seconds } => {
                write!(f, "the platform asks to wait {retry_after_seconds} s")?;
            }
        }
        if let Some(status) = self.status {
            write!(f, ", status {status}")?;
        }
        if let Some(message) = &self.message {
            write!(f, ", message \"{message}\"")?;
        }
        if let Some(request_id) = &self.request_id {
            write!(f, ", request {request_id}")?;
        }
        if self.attempts > 1 {
            write!(f, ", after {} attempts", self.attempts)?;
        }
        Ok(())
    }
}

impl std::error::Error for ApiError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c24_what_was_not_found_is_named_by_the_call() {
        let hint = |endpoint| ApiError::new(ApiErrorKind::NotFound, endpoint).hint().expect("one");
        assert!(hint("GET usage v3").contains("usage API wants the project id"));
        for endpoint in ["POST project_status", "POST recording_config", "POST reset_signkey"] {
            assert!(hint(endpoint).starts_with("give the project id"), "{endpoint}");
        }
        assert!(hint("PUT kicking-rule").contains("rule"));
        assert!(hint("GET channels").contains("App ID"));
    }

    #[test]
    fn a_success_that_cannot_be_read_may_have_arrived() {
        let unread = ApiError::new(ApiErrorKind::Malformed("odd".to_owned()), "POST project");
        assert!(!unread.may_have_arrived(), "it was not sent");
        let unread = ApiError { status: Some(201), ..unread };
        assert!(unread.may_have_arrived());
        assert!(unread.hint().is_some_and(|hint| hint.contains("may have been made")));
    }
}
