//! A small object server that speaks as much of S3 as small files need: put
//! (also only where nothing is), get and list.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Name of the only bucket.
const BUCKET: &str = "/bucket";

#[derive(Default)]
struct Shelf {
    objects: Mutex<BTreeMap<String, Bytes>>,
    is_unsigned: AtomicBool,
    refuses: AtomicBool,
}

/// A running server; it stops when it is dropped.
pub(crate) struct ObjectServer {
    shelf: Arc<Shelf>,
    address: String,
    serving: JoinHandle<()>,
}

impl Drop for ObjectServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl ObjectServer {
    pub(crate) async fn start() -> Self {
        let shelf = Arc::new(Shelf::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("address"));
        let routes = Router::new().fallback(answer).with_state(Arc::clone(&shelf));
        let serving = tokio::spawn(async move {
            axum::serve(listener, routes).await.expect("served");
        });
        Self { shelf, address, serving }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.shelf.objects().keys().cloned().collect()
    }

    /// Whether every request had a signature.
    pub(crate) fn signed(&self) -> bool {
        !self.shelf.is_unsigned.load(Ordering::Relaxed)
    }

    /// Refuses every credential from now on.
    pub(crate) fn refuse(&self) {
        self.shelf.refuses.store(true, Ordering::Relaxed);
    }
}

impl Shelf {
    fn objects(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Bytes>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answer(
    State(shelf): State<Arc<Shelf>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let is_signed =
        header("authorization").is_some_and(|text| text.starts_with("AWS4-HMAC-SHA256"));
    if !is_signed {
        shelf.is_unsigned.store(true, Ordering::Relaxed);
    }
    if shelf.refuses.load(Ordering::Relaxed) {
        return (StatusCode::FORBIDDEN, "<Error><Code>SignatureDoesNotMatch</Code></Error>")
            .into_response();
    }
    let only_new = header("if-none-match") == Some("*");
    let path = percent_encoding::percent_decode_str(uri.path()).decode_utf8_lossy().into_owned();
    let Some(key) = path.strip_prefix(BUCKET) else { return StatusCode::NOT_FOUND.into_response() };
    let key = key.trim_start_matches('/').to_owned();
    let mut objects = shelf.objects();
    match method {
        Method::GET if key.is_empty() => list(&objects, &uri),
        Method::GET => match objects.get(&key) {
            Some(bytes) => ([("etag", "\"1\""), LAST_MODIFIED], bytes.clone()).into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        },
        Method::PUT if only_new && objects.contains_key(&key) => {
            StatusCode::PRECONDITION_FAILED.into_response()
        }
        Method::PUT => {
            objects.insert(key, body);
            [("etag", "\"1\"")].into_response()
        }
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

const LAST_MODIFIED: (&str, &str) = ("last-modified", "Wed, 05 Mar 2031 06:00:00 GMT");

fn list(objects: &BTreeMap<String, Bytes>, uri: &Uri) -> Response {
    let query = uri.query().unwrap_or_default();
    let prefix = query.split('&').find_map(|pair| pair.strip_prefix("prefix=")).unwrap_or_default();
    let prefix = percent_encoding::percent_decode_str(prefix).decode_utf8_lossy();
    let entry = |(key, bytes): (&String, &Bytes)| {
        let size = bytes.len();
        format!(
            "<Contents><Key>{key}</Key><LastModified>2031-03-05T06:00:00.000Z</LastModified>\
             <ETag>1</ETag><Size>{size}</Size></Contents>"
        )
    };
    let found = objects.iter().filter(|(key, _)| key.starts_with(&*prefix));
    let contents = found.map(entry).collect::<Vec<_>>().concat();
    format!("<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>")
        .into_response()
}
