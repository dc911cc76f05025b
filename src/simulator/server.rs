//! Listens on the loopback address, checks every request and hands it to its endpoint.
//!
//! Owns the routes and what all calls have in common: credentials, content
//! type, limits and request ids, checked in this order. Only the loopback
//! address is served, because the account is open to whoever reads its
//! credentials from the terminal.

use std::future::ready;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::answer::Refusal;
use super::endpoints::{channels, projects, usage_v1, usage_v3};
use super::limits::Family;
use super::state::Account;
use super::{SimulatorError, SimulatorSettings};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How long a stop waits for answers that are being written.
const STOP_WAIT: Duration = Duration::from_secs(2);

/// A running simulator; it stops when it is dropped.
pub struct Simulator {
    account: Arc<Account>,
    port: u16,
    serving: JoinHandle<()>,
    stop_on_drop: DropGuard,
}

impl Simulator {
    /// Makes the account and begins to serve it on `127.0.0.1`.
    ///
    /// # Errors
    /// The port cannot be had, or the history is too long.
    pub async fn start(settings: SimulatorSettings) -> Result<Self, SimulatorError> {
        let account = Arc::new(Account::new(&settings)?);
        let cannot_listen = |source| SimulatorError::Listen { port: settings.port, source };
        let address = (Ipv4Addr::LOCALHOST, settings.port);
        let listener = TcpListener::bind(address).await.map_err(cannot_listen)?;
        let port = listener.local_addr().map_err(cannot_listen)?.port();
        // Without this a large body can wait for the acknowledgement of its first part.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        let stopped = CancellationToken::new();
        let until_stopped = stopped.clone().cancelled_owned();
        let server = axum::serve(listener, router(&account)).with_graceful_shutdown(until_stopped);
        let serving = tokio::spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "the simulator stopped serving");
            }
        });
        Ok(Self { account, port, serving, stop_on_drop: stopped.drop_guard() })
    }

    /// Scheme, host and port, without a path.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}:{}", Ipv4Addr::LOCALHOST, self.port)
    }

    /// User name of the account's credentials.
    #[must_use]
    pub fn customer_id(&self) -> &str {
        &self.account.customer_id
    }

    /// Password of the account's credentials.
    #[must_use]
    pub fn customer_secret(&self) -> &str {
        &self.account.customer_secret
    }

    /// Finishes the answers under way, for two seconds at most, and frees the port.
    pub async fn stop(self) {
        drop(self.stop_on_drop);
        let abort = self.serving.abort_handle();
        if tokio::time::timeout(STOP_WAIT, self.serving).await.is_err() {
            abort.abort();
        }
    }
}

/// All routes: one line each, with its family of limits.
pub(super) fn router(account: &Arc<Account>) -> Router {
    let route = |family, path, handler| limited(account, family, path, handler);
    Router::new()
        .merge(route(Family::Projects, "/dev/v1/projects", get(projects::list)))
        .merge(route(Family::Usage, "/dev/v1/usage", get(usage_v1::daily_minutes)))
        .merge(route(Family::Usage, "/dev/v3/usage", get(usage_v3::daily_seconds)))
        .merge(route(Family::ChannelList, "/dev/v1/channel/{app_id}", get(channels::list)))
        .fallback(|| ready(Refusal::not_found("Not Found")))
        .method_not_allowed_fallback(|| ready(Refusal::not_found("Not Found")))
        .layer(from_fn(require_json))
        .layer(from_fn_with_state(Arc::clone(account), require_credentials))
        .layer(from_fn_with_state(Arc::clone(account), add_request_id))
        .with_state(Arc::clone(account))
}

/// Serves a path with and without a slash at its end, within the limit of its family.
fn limited(
    account: &Arc<Account>,
    family: Family,
    path: &str,
    handler: MethodRouter<Arc<Account>>,
) -> Router<Arc<Account>> {
    let account = Arc::clone(account);
    let check = move |request: Request, next: Next| {
        let account = Arc::clone(&account);
        async move {
            if account.limits.accept(family) {
                next.run(request).await
            } else {
                Refusal::too_many_requests().into_response()
            }
        }
    };
    Router::new()
        .route(path, handler.clone())
        .route(&format!("{path}/"), handler)
        .route_layer(from_fn(check))
}

async fn require_credentials(
    State(account): State<Arc<Account>>,
    request: Request,
    next: Next,
) -> Response {
    if header_text(request.headers(), &AUTHORIZATION).is_some_and(|text| account.authorizes(text)) {
        next.run(request).await
    } else {
        Refusal::unauthorized().into_response()
    }
}

/// The platform asks for the content type of every request, without a body too.
async fn require_json(request: Request, next: Next) -> Response {
    let content_type = header_text(request.headers(), &CONTENT_TYPE).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        next.run(request).await
    } else {
        Refusal::unsupported_media_type().into_response()
    }
}

async fn add_request_id(
    State(account): State<Arc<Account>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    if let Ok(request_id) = HeaderValue::from_str(&account.next_request_id()) {
        response.headers_mut().insert(REQUEST_ID, request_id);
    }
    response
}

fn header_text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use axum::http::StatusCode;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;
    use crate::simulator::testing::{account, ask, ask_with, authorization, unlimited};

    const JSON: Option<&str> = Some("application/json");

    #[tokio::test]
    async fn missing_or_wrong_credentials_are_refused() {
        let account = account(&unlimited());
        let wrong = Some("Basic d3Jvbmc6d3Jvbmc=".to_owned());
        for credentials in [None, wrong, Some("Bearer x".to_owned()), Some(String::new())] {
            let answer = ask_with(&account, "/dev/v1/projects/", credentials, JSON).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
            assert_eq!(answer.body, r#"{"message":"Unauthorized"}"#);
            assert!(answer.request_id.is_some());
        }
    }

    #[tokio::test]
    async fn a_request_must_say_that_it_speaks_json() {
        let account = account(&unlimited());
        for (content_type, status) in [
            (None, StatusCode::UNSUPPORTED_MEDIA_TYPE),
            (Some("text/plain"), StatusCode::UNSUPPORTED_MEDIA_TYPE),
            (Some("Application/JSON; charset=utf-8"), StatusCode::OK),
        ] {
            let credentials = Some(authorization(&account));
            let answer = ask_with(&account, "/dev/v1/projects", credentials, content_type).await;
            assert_eq!(answer.status, status, "{content_type:?}");
        }
    }

    #[tokio::test]
    async fn other_paths_are_not_found_and_every_request_has_an_id_of_its_own() {
        let account = account(&unlimited());
        let mut request_ids = HashSet::new();
        for path in ["/", "/dev/v1/nothing", "/dev/v2/usage", "/dev/v1/channel/a/b"] {
            let answer = ask(&account, path).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            assert_eq!(answer.body, r#"{"message":"Not Found"}"#);
            request_ids.insert(answer.request_id.expect("request id"));
        }
        assert_eq!(request_ids.len(), 4);
    }

    #[tokio::test]
    async fn over_the_limit_of_a_family_requests_are_refused() {
        let settings = SimulatorSettings { requests_per_second: 10, ..unlimited() };
        let account = account(&settings);
        let mut statuses = Vec::new();
        for _ in 0..40 {
            statuses.push(ask(&account, "/dev/v1/projects/").await.status);
        }
        assert_eq!(statuses[..10], [StatusCode::OK; 10]);
        assert!(statuses[10..].contains(&StatusCode::TOO_MANY_REQUESTS));
        let usage = "/dev/v1/usage?from_date=2031-05-01&to_date=2031-05-01";
        assert_eq!(ask(&account, usage).await.status, StatusCode::OK, "another family");
    }

    #[tokio::test]
    async fn it_serves_over_tcp_until_it_is_stopped() {
        let simulator = Simulator::start(unlimited()).await.expect("started");
        let address = simulator.base_url().strip_prefix("http://").expect("scheme").to_owned();
        let mut stream = TcpStream::connect(&address).await.expect("connected");
        let request = format!(
            "GET /dev/v1/projects/ HTTP/1.1\r\nHost: {address}\r\nAuthorization: {}\r\n\
             Content-Type: application/json\r\n\r\n",
            authorization(&simulator.account)
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut start = [0; 15];
        stream.read_exact(&mut start).await.expect("received");
        assert_eq!(&start, b"HTTP/1.1 200 OK");
        // The connection stays open: a stop must not wait for its client.
        simulator.stop().await;
        assert!(TcpStream::connect(&address).await.is_err());
    }
}
