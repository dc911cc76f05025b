//! The one place that builds an HTTP client, with the bounds that all of them have.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Certificate, Url};

use crate::authorities::Authorities;

/// How long a connection is kept that nobody uses; a paced run uses its own all the time.
const IDLE_CONNECTION: Duration = Duration::from_secs(5);

/// Clients that accounts share. Each one that is built reads the certificates of the
/// machine's authorities, which takes long for a thousand accounts.
///
/// Belongs to one runtime, since connections do.
#[derive(Debug, Default)]
pub struct SharedClients(Mutex<HashMap<(Duration, bool), reqwest::Client>>);

impl SharedClients {
    /// The client for these addresses; all of them have the same `authorities`.
    pub(super) fn client(
        &self,
        timeout: Duration,
        addresses: &[Url],
        authorities: &Authorities,
    ) -> Result<reqwest::Client, String> {
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&(timeout, is_direct(addresses))) {
            return Ok(client.clone());
        }
        let client = plain_client(timeout, addresses, authorities)?;
        clients.insert((timeout, is_direct(addresses)), client.clone());
        Ok(client)
    }
}

/// Whether no proxy may come between.
fn is_direct(addresses: &[Url]) -> bool {
    addresses.iter().any(|address| address.scheme() == "http")
}

/// A client that follows no redirect and gives up an attempt after `timeout`,
/// from connecting to the end of the body. Must be called within a tokio runtime.
///
/// Where one of the addresses is plain HTTP, no proxy of the environment is
/// used: it would read the credentials, and does not know this machine.
///
/// # Errors
/// A text that says why the TLS set-up cannot be used.
pub(super) fn plain_client(
    timeout: Duration,
    addresses: &[Url],
    authorities: &Authorities,
) -> Result<reqwest::Client, String> {
    // A second installation is refused, which is fine: the first one serves.
    let _ = rustls::crypto::ring::default_provider().install_default();
    #[expect(clippy::disallowed_methods, reason = "the one place that builds an HTTP client")]
    let builder = reqwest::Client::builder();
    let builder = if is_direct(addresses) { builder.no_proxy() } else { builder };
    let wrong = |error: reqwest::Error| format!("the HTTP client cannot be set up: {error}");
    let certificates = authorities.certificates().map(Certificate::from_der);
    let certificates: Vec<_> = certificates.collect::<Result<_, _>>().map_err(wrong)?;
    builder
        .tls_certs_merge(certificates)
        .redirect(reqwest::redirect::Policy::none())
        .timeout(timeout)
        // A daemon asks for a thousand accounts: idle connections must not add up.
        .pool_idle_timeout(IDLE_CONNECTION)
        .user_agent(concat!("agora-usage/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(wrong)
}
