//! The HTTP side of the daemon: `/livez`, `/readyz`, `/status`, `/metrics`,
//! `/reports/`, and `/`, which lists them.
//!
//! Answers GET and HEAD alone, from anyone who can reach the address; so the
//! address is the machine's own unless the settings say otherwise, and a name
//! under which it is asked is its own or a listed one. Every request has
//! bounds: its header's size, no body, the time to arrive, to be answered and
//! to be taken, and the connections that are open at once.

mod hosts;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path as UrlPath, Query, Request, State};
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    TRANSFER_ENCODING, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use hyper::body::Body as _;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::error::ObserveError;
use super::state::ObserveState;
use super::{exposition, health, report_pages, status};

pub use hosts::AllowedHosts;

/// Request line and headers, in bytes.
const MOST_HEADER_BYTES: usize = 16 * 1024;

/// Connections at once; more wait.
const MOST_CONNECTIONS: usize = 64;

/// From the first byte of a request to the end of its headers.
const HEADER_TIME: Duration = Duration::from_secs(5);

/// From a whole request to its answer.
const ANSWER_TIME: Duration = Duration::from_secs(5);

/// From the opening of a connection to its end; each serves one request.
const CONNECTION_TIME: Duration = Duration::from_secs(30);

/// How long a stop waits for answers that are being written.
const STOP_WAIT: Duration = Duration::from_secs(2);

/// Wait after a failure to take a connection, such as too many open files.
const ACCEPT_RETRY_WAIT: Duration = Duration::from_millis(200);

/// A running server.
#[derive(Debug)]
pub struct Serving {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Serving {
    /// Where it listens, with the port that was given for port 0.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until it has ended; that begins with the stop given to [`serve`].
    pub async fn ended(self) {
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the HTTP server ended by itself");
        }
    }
}

/// Serves until `stop` is cancelled.
///
/// Cancel `stop` after the jobs have ended, so that `/readyz` can say until
/// then that the daemon is shutting down.
///
/// # Errors
/// [`ObserveError::Listen`] when the address cannot be had.
pub async fn serve(
    address: SocketAddr,
    hosts: AllowedHosts,
    state: Arc<ObserveState>,
    stop: CancellationToken,
) -> Result<Serving, ObserveError> {
    let cannot_listen = |source| ObserveError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(cannot_listen)?;
    let address = listener.local_addr().map_err(cannot_listen)?;
    let task = tokio::spawn(accept(listener, router(hosts, state), stop));
    Ok(Serving { address, task })
}

/// The routes with their bounds and headers.
pub fn router(hosts: AllowedHosts, state: Arc<ObserveState>) -> Router {
    Router::new()
        .route("/", get(report_pages::front))
        .route("/livez", get(|| async { (no_store(), "ok\n") }))
        .route("/readyz", get(readyz))
        .route("/status", get(status_document))
        .route("/metrics", get(metrics))
        .route("/reports", get(|| async { Redirect::permanent("/reports/") }))
        .route("/reports/", get(report_pages::index))
        .route("/reports/{*path}", get(report_pages::file))
        .fallback(|| async {
            (StatusCode::NOT_FOUND, "there are /livez, /readyz, /status, /metrics and /reports/\n")
        })
        .with_state(state)
        .layer(from_fn_with_state(Arc::new(hosts), bounded))
}

/// Answers what one connection sends, by the routes that read something of it.
pub(crate) async fn answered(folder: PathBuf, sent: &[u8]) -> std::io::Result<Vec<u8>> {
    let file =
        async move |UrlPath(path): UrlPath<String>| report_pages::answer(&folder, &path).await;
    let account = async |Query(query): Query<BTreeMap<String, String>>| {
        status::account_of(&query).unwrap_or_default().to_owned()
    };
    let routes = Router::new()
        .route("/reports/{*path}", get(file))
        .route("/status", get(account))
        .layer(from_fn_with_state(Arc::new(AllowedHosts::default()), bounded));
    let (mut client, server) = tokio::io::duplex(MOST_HEADER_BYTES);
    let conversation = serve_one(server, routes, CancellationToken::new());
    let asked = async move {
        // One that is cut off early is no failure.
        let _ = client.write_all(sent).await;
        let _ = client.shutdown().await;
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.map(|_| answer)
    };
    tokio::join!(conversation, asked).1
}

async fn readyz(State(state): State<Arc<ObserveState>>) -> Response {
    let readiness = health::readiness(&state).await;
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, no_store(), Json(readiness)).into_response()
}

async fn status_document(
    State(state): State<Arc<ObserveState>>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    match status::status(&state, status::account_of(&query)).await {
        Ok(document) => (no_store(), Json(document)).into_response(),
        Err(error) => {
            let document = json!({ "error": error.to_string() });
            (StatusCode::SERVICE_UNAVAILABLE, no_store(), Json(document)).into_response()
        }
    }
}

/// What this process counted is shown even without the database.
async fn metrics(State(state): State<Arc<ObserveState>>) -> Response {
    const DATABASE_WAIT: Duration = Duration::from_secs(2);
    let live = tokio::time::timeout(DATABASE_WAIT, state.live()).await;
    let live = live.ok().and_then(Result::ok);
    let text = format!("{}{}", state.metrics.render(), exposition::render(&state, live.as_deref()));
    let kind = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (no_store(), kind, text).into_response()
}

const fn no_store() -> [(HeaderName, &'static str); 1] {
    [(CACHE_CONTROL, "no-store")]
}

/// Paths that tell nothing of an account, and are asked for by probes that may name
/// the machine as they like.
const ANSWERED_UNDER_ANY_NAME: [&str; 2] = ["/livez", "/readyz"];

/// GET or HEAD without a body under a name that may be asked, answered in time, with the
/// headers that browsers obey.
async fn bounded(State(hosts): State<Arc<AllowedHosts>>, request: Request, next: Next) -> Response {
    let is_allowed = ANSWERED_UNDER_ANY_NAME.contains(&request.uri().path())
        || hosts.allow(request.uri(), request.headers());
    let has_body = request.headers().contains_key(TRANSFER_ENCODING)
        || request.body().size_hint().upper().is_none_or(|bytes| bytes > 0);
    let mut response = if !is_allowed {
        let why = "this name is not in allowed_hosts of the settings; an address is answered\n";
        (StatusCode::MISDIRECTED_REQUEST, no_store(), why).into_response()
    } else if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let allow = [(ALLOW, "GET, HEAD")];
        (StatusCode::METHOD_NOT_ALLOWED, allow, "only GET and HEAD are answered\n").into_response()
    } else if has_body {
        (StatusCode::PAYLOAD_TOO_LARGE, "a request has no body here\n").into_response()
    } else {
        match tokio::time::timeout(ANSWER_TIME, next.run(request)).await {
            Ok(response) => response,
            Err(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, no_store(), "no answer in time\n").into_response()
            }
        }
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        (REFERRER_POLICY, "no-referrer"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

async fn accept(listener: TcpListener, router: Router, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = take(&listener, &places) => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, place)) => {
                let served = serve_one(stream, router.clone(), stop.clone());
                connections.spawn(async move {
                    // Too slow a client is cut off.
                    let _ = tokio::time::timeout(CONNECTION_TIME, served).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(ACCEPT_RETRY_WAIT).await;
            }
        }
    }
    drop(listener);
    connections.close();
    let _ = tokio::time::timeout(STOP_WAIT, connections.wait()).await;
}

async fn take(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    // Without this a large answer can wait for the acknowledgement of its first part.
    stream.set_nodelay(true)?;
    Ok((stream, place))
}

async fn serve_one(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    router: Router,
    stop: CancellationToken,
) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(MOST_HEADER_BYTES)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    // A client that goes away or speaks no HTTP is no event.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

#[cfg(test)]
mod tests;
