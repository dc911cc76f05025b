//! Addresses beside the platform that are told something: a webhook, a ping.
//!
//! Such an address is often a secret in itself, so that neither a message nor
//! a debug output ever holds more of it than its host. Redirects are not
//! followed, and nothing of the platform's credentials is sent.

use std::fmt;
use std::time::Duration;

use reqwest::Url;
use serde_json::Value;

use super::http_client::plain_client;
use crate::authorities::Authorities;

/// A checked address: HTTPS, or HTTP to this machine.
#[derive(Clone, PartialEq, Eq)]
pub struct HookUrl(Url);

impl HookUrl {
    /// Checks an address.
    ///
    /// # Errors
    /// A text that says what is wrong, without the address.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text.trim()).map_err(|error| format!("it is no address: {error}"))?;
        let host = url.host_str().ok_or("it has no host")?;
        let is_loopback = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_loopback => Ok(Self(url)),
            "http" => Err("http would send it in the clear; use https".to_owned()),
            _ => Err("it is not https".to_owned()),
        }
    }

    /// Scheme, host and port: what a message may say of it.
    #[must_use]
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }
}

impl fmt::Debug for HookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HookUrl({}/...)", self.origin())
    }
}

/// Why an address was not told.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// No connection, or it broke.
    #[error("{origin} cannot be reached: {cause}")]
    Unreachable {
        /// Scheme, host and port.
        origin: String,
        /// What the network said.
        cause: String,
    },
    /// No answer in time.
    #[error("{origin} did not answer in time")]
    Timeout {
        /// Scheme, host and port.
        origin: String,
    },
    /// An answer that is not 2xx.
    #[error("{origin} answered with status {status}")]
    Status {
        /// Scheme, host and port.
        origin: String,
        /// HTTP status.
        status: u16,
    },
}

/// Tells addresses something.
#[derive(Debug, Clone)]
pub struct HookClient {
    http: reqwest::Client,
}

impl HookClient {
    /// A client that gives up after `timeout`. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// A text that says why the TLS set-up cannot be used.
    pub fn new(timeout: Duration, authorities: &Authorities) -> Result<Self, String> {
        Ok(Self { http: plain_client(timeout, &[], authorities)? })
    }

    /// Posts a JSON document once.
    ///
    /// # Errors
    /// [`HookError`] unless it was answered with 2xx.
    pub async fn post_json(&self, url: &HookUrl, document: &Value) -> Result<(), HookError> {
        let request = self.http.post(url.0.clone());
        let request = request.header("content-type", "application/json");
        Self::send(url, request.body(document.to_string())).await
    }

    /// Asks for the address once.
    ///
    /// # Errors
    /// [`HookError`] unless it was answered with 2xx.
    pub async fn get(&self, url: &HookUrl) -> Result<(), HookError> {
        Self::send(url, self.http.get(url.0.clone())).await
    }

    /// The body of the answer is not read: it tells nothing that is needed.
    async fn send(url: &HookUrl, request: reqwest::RequestBuilder) -> Result<(), HookError> {
        let response = request.send().await.map_err(|error| failure(url, &error))?;
        let status = response.status();
        if status.is_success() {
            Ok(())
        } else {
            Err(HookError::Status { origin: url.origin(), status: status.as_u16() })
        }
    }
}

/// Only the deepest cause is told: those above it hold the address.
fn failure(url: &HookUrl, error: &reqwest::Error) -> HookError {
    let origin = url.origin();
    if error.is_timeout() {
        return HookError::Timeout { origin };
    }
    let mut cause = error as &dyn std::error::Error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let is_deepest = std::error::Error::source(error).is_none();
    let cause = if is_deepest { "the request failed".to_owned() } else { cause.to_string() };
    HookError::Unreachable { origin, cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_or_this_machine_is_told_anything() {
        assert!(HookUrl::parse("https://hooks.example/T/B/secret").is_ok());
        assert!(HookUrl::parse("http://127.0.0.1:9000/x").is_ok());
        assert!(HookUrl::parse("http://hooks.example/x").is_err());
        assert!(HookUrl::parse("file:///etc/passwd").is_err());
        assert!(HookUrl::parse("hooks").is_err());
    }

    #[tokio::test]
    async fn c47_a_secret_address_is_in_no_message_and_no_debug_output() {
        let secret = "http://user:pass-word@127.0.0.1:1/hush?token=hush";
        let url = HookUrl::parse(secret).expect("valid");
        assert_eq!(format!("{url:?}"), "HookUrl(http://127.0.0.1:1/...)");
        let client =
            HookClient::new(Duration::from_secs(1), &Authorities::default()).expect("client");
        let error = client.get(&url).await.expect_err("nobody listens");
        let text = format!("{error} {error:?}");
        assert!(text.contains("http://127.0.0.1:1"), "{text}");
        assert!(!text.contains("hush") && !text.contains("pass-word"), "{text}");
        let error = HookUrl::parse("http://hush.example/hush").expect_err("refused");
        assert!(!error.contains("hush"), "{error}");
    }
}
