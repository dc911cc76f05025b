//! A small object server that speaks as much of S3 as the lake needs: put (also
//! only where nothing is, and in parts), get and list. It can go wrong at any of them.

use std::collections::BTreeMap;
use std::future::pending;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Name of the only bucket.
const BUCKET: &str = "/bucket";

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// It is refused with this status.
    Status(u16),
    /// It gets no answer, but may be carried out.
    Silence { carried_out: bool },
    /// Its connection ends without an answer, but it may be carried out.
    Cut { carried_out: bool },
    /// Its connection ends in the middle of the answer.
    HalfAnswer,
}

/// What a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Get,
    /// Its length alone.
    Head,
    Put,
    BeginParts,
    /// The number of the part and the upload.
    PutPart(u32, String),
    FinishParts(String),
    DropParts(String),
}

/// A request, as faults choose it.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) step: Step,
    /// Empty for a listing.
    pub(crate) key: &'a str,
}

impl Asked<'_> {
    /// A whole object at once.
    pub(crate) fn is_put(&self) -> bool {
        self.step == Step::Put
    }
}

type Choice = Box<dyn FnMut(&Asked<'_>) -> bool + Send>;

#[derive(Default)]
struct Shelf {
    objects: Mutex<BTreeMap<String, Bytes>>,
    /// Parts of uploads that were neither finished nor dropped.
    uploads: Mutex<BTreeMap<String, BTreeMap<u32, Bytes>>>,
    uploads_begun: AtomicUsize,
    faults: Mutex<Option<(Fault, Choice)>>,
    faults_happened: AtomicUsize,
    is_unsigned: AtomicBool,
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
        let routes = routes.layer(DefaultBodyLimit::disable());
        let serving = tokio::spawn(async move {
            axum::serve(listener, routes).await.expect("served");
        });
        Self { shelf, address, serving }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Every object with its key.
    pub(crate) fn objects(&self) -> BTreeMap<String, Bytes> {
        lock(&self.shelf.objects).clone()
    }

    /// Parts that are kept, and paid for, although their object was never finished.
    pub(crate) fn parts_left_over(&self) -> usize {
        lock(&self.shelf.uploads).values().map(BTreeMap::len).sum()
    }

    /// Whether every request had a signature.
    pub(crate) fn signed(&self) -> bool {
        !self.shelf.is_unsigned.load(Ordering::Relaxed)
    }

    /// From now on every request that is chosen goes wrong in this way.
    pub(crate) fn go_wrong(
        &self,
        fault: Fault,
        choice: impl FnMut(&Asked<'_>) -> bool + Send + 'static,
    ) {
        self.shelf.faults_happened.store(0, Ordering::SeqCst);
        *lock(&self.shelf.faults) = Some((fault, Box::new(choice)));
    }

    /// Nothing goes wrong any more.
    pub(crate) fn recover(&self) {
        *lock(&self.shelf.faults) = None;
    }

    /// How often something went wrong since the last [`Self::go_wrong`].
    pub(crate) fn faults_happened(&self) -> usize {
        self.shelf.faults_happened.load(Ordering::SeqCst)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shelf {
    fn fault_of(&self, asked: &Asked<'_>) -> Option<Fault> {
        let mut faults = lock(&self.faults);
        let (fault, choice) = faults.as_mut()?;
        choice(asked).then_some(*fault)
    }

    fn carry_out(&self, asked: &Asked<'_>, only_new: bool, uri: &Uri, body: Bytes) -> Response {
        let mut objects = lock(&self.objects);
        let mut uploads = lock(&self.uploads);
        let key = asked.key;
        match &asked.step {
            Step::Put if only_new && objects.contains_key(key) => {
                StatusCode::PRECONDITION_FAILED.into_response()
            }
            Step::Put => {
                objects.insert(key.to_owned(), body);
                [("etag", "\"1\"")].into_response()
            }
            Step::Get if key.is_empty() => list(&objects, uri),
            // The server that this one is built on leaves the bytes out for a head.
            Step::Get | Step::Head => match objects.get(key) {
                Some(bytes) => ([("etag", "\"1\""), LAST_MODIFIED], bytes.clone()).into_response(),
                None => StatusCode::NOT_FOUND.into_response(),
            },
            Step::BeginParts => {
                let upload = format!("u{}", self.uploads_begun.fetch_add(1, Ordering::SeqCst));
                uploads.insert(upload.clone(), BTreeMap::new());
                wrapped("InitiateMultipartUploadResult", &format!("<UploadId>{upload}</UploadId>"))
            }
            Step::PutPart(number, upload) => match uploads.get_mut(upload) {
                Some(parts) => {
                    parts.insert(*number, body);
                    [("etag", format!("\"part-{number}\""))].into_response()
                }
                None => StatusCode::NOT_FOUND.into_response(),
            },
            Step::FinishParts(upload) => match uploads.remove(upload) {
                Some(parts) => {
                    objects.insert(key.to_owned(), parts.into_values().flatten().collect());
                    wrapped("CompleteMultipartUploadResult", "<ETag>\"1\"</ETag>")
                }
                None => StatusCode::NOT_FOUND.into_response(),
            },
            Step::DropParts(upload) => {
                uploads.remove(upload);
                StatusCode::NO_CONTENT.into_response()
            }
        }
    }
}

fn wrapped(name: &str, content: &str) -> Response {
    format!("<{name}>{content}</{name}>").into_response()
}

/// What a request is about; none for what this server does not speak.
fn step(method: &Method, uri: &Uri) -> Option<Step> {
    let parameter = |name: &str| {
        let pairs = uri.query().unwrap_or_default().split('&');
        let mut pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.find(|(found, _)| *found == name).map(|(_, value)| value.to_owned())
    };
    let upload = parameter("uploadId");
    Some(match (method, upload) {
        (&Method::GET, None) => Step::Get,
        (&Method::HEAD, None) => Step::Head,
        (&Method::PUT, None) => Step::Put,
        (&Method::PUT, Some(upload)) => {
            Step::PutPart(parameter("partNumber")?.parse().ok()?, upload)
        }
        (&Method::POST, None) if parameter("uploads").is_some() => Step::BeginParts,
        (&Method::POST, Some(upload)) => Step::FinishParts(upload),
        (&Method::DELETE, Some(upload)) => Step::DropParts(upload),
        _ => return None,
    })
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
    let path = percent_encoding::percent_decode_str(uri.path()).decode_utf8_lossy().into_owned();
    let Some(key) = path.strip_prefix(BUCKET) else { return StatusCode::NOT_FOUND.into_response() };
    let Some(step) = step(&method, &uri) else {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    };
    let asked = Asked { step, key: key.trim_start_matches('/') };
    let fault = shelf.fault_of(&asked);
    let is_carried_out = match fault {
        Some(Fault::Status(_)) => false,
        Some(Fault::Silence { carried_out } | Fault::Cut { carried_out }) => carried_out,
        Some(Fault::HalfAnswer) | None => true,
    };
    let only_new = header("if-none-match") == Some("*");
    let done = is_carried_out.then(|| shelf.carry_out(&asked, only_new, &uri, body));
    if fault.is_some() {
        shelf.faults_happened.fetch_add(1, Ordering::SeqCst);
    }
    match fault {
        None => done.unwrap_or_default(),
        Some(Fault::Status(status)) => {
            let status = StatusCode::from_u16(status).expect("a status");
            (status, "<Error><Code>Fault</Code></Error>").into_response()
        }
        Some(Fault::Silence { .. }) => pending().await,
        // Ends the connection's task, and with it the connection, without a word.
        Some(Fault::Cut { .. }) => resume_unwind(Box::new(())),
        Some(Fault::HalfAnswer) => half(done.unwrap_or_default()).await,
    }
}

/// The head and the first half of an answer; then the connection ends.
async fn half(answer: Response) -> Response {
    let (mut head, body) = answer.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.expect("in memory");
    head.headers.insert("content-length", bytes.len().into());
    let first = bytes.slice(..bytes.len() / 2);
    let cut = std::io::Error::other("cut");
    Response::from_parts(head, Body::from_stream(stream::iter([Ok(first), Err(cut)])))
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
    wrapped("ListBucketResult", &format!("<IsTruncated>false</IsTruncated>{contents}"))
}
