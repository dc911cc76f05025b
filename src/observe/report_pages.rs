//! `/reports/`: the latest reports, to read.
//!
//! Owns which files may leave the folder of reports: those that are really
//! inside it, by names that a report has. A page gets a policy under which it
//! can ask for nothing and runs no script but those that reports have; every
//! other file is offered as a download. [`index`] lists them.

mod index;

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path as UrlPath, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::state::ObserveState;
use crate::report::served_policy;

pub(super) use index::{front, index};

/// Content types of the files of a report, by extension; no other file is served.
const CONTENT_TYPES: [(&str, &str); 5] = [
    ("html", "text/html; charset=utf-8"),
    ("csv", "text/csv; charset=utf-8"),
    ("json", "application/json"),
    ("parquet", "application/vnd.apache.parquet"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
];

/// Beginning of a page in which its style is looked for, in bytes: its title and style
/// come first.
const MOST_HEAD_BYTES: u64 = 64 * 1024;

pub(super) async fn file(
    State(state): State<Arc<ObserveState>>,
    UrlPath(path): UrlPath<String>,
) -> Response {
    answer(&state.report_folder, &path).await
}

/// The file of that path below the folder, or that there is none.
pub(super) async fn answer(folder: &Path, path: &str) -> Response {
    match open(folder, path).await {
        Some(found) => found.into_response(),
        None => (StatusCode::NOT_FOUND, "there is no such report; /reports/ lists them\n")
            .into_response(),
    }
}

/// A file that may be served.
struct Served {
    file: File,
    bytes: u64,
    name: String,
    content_type: &'static str,
    /// Of a page; none for what is downloaded.
    policy: Option<String>,
}

/// The file of that path below the folder; none for a path that leaves it, by
/// its words or by a link, and for what no report writes.
async fn open(root: &Path, path: &str) -> Option<Served> {
    let is_plain = |part: &str| {
        !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', '\0', ':'])
    };
    if !path.split('/').all(is_plain) {
        return None;
    }
    let relative = PathBuf::from(path);
    if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        return None;
    }
    let extension = relative.extension()?.to_str()?;
    let (_, content_type) = CONTENT_TYPES.into_iter().find(|(known, _)| *known == extension)?;
    let root = fs::canonicalize(root).await.ok()?;
    let found = fs::canonicalize(root.join(&relative)).await.ok()?;
    // A link may point anywhere.
    if !found.starts_with(&root) || found.extension()?.to_str()? != extension {
        return None;
    }
    let mut file = File::open(&found).await.ok()?;
    let metadata = file.metadata().await.ok()?;
    if !metadata.is_file() {
        return None;
    }
    let policy = if extension == "html" { Some(policy_of(&mut file).await.ok()?) } else { None };
    let name = relative.file_name()?.to_str()?.to_owned();
    Some(Served { file, bytes: metadata.len(), name, content_type, policy })
}

/// The policy of the page in a file, which stands at its beginning again.
async fn policy_of(file: &mut File) -> std::io::Result<String> {
    let mut head = Vec::new();
    (&mut *file).take(MOST_HEAD_BYTES).read_to_end(&mut head).await?;
    file.rewind().await?;
    Ok(served_policy(&head))
}

impl IntoResponse for Served {
    fn into_response(self) -> Response {
        let mut response = Body::from_stream(ReaderStream::new(self.file)).into_response();
        let headers = response.headers_mut();
        let mut set = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        };
        set(CONTENT_TYPE, self.content_type);
        set(CONTENT_LENGTH, &self.bytes.to_string());
        set(CACHE_CONTROL, "no-cache");
        if let Some(policy) = &self.policy {
            set(CONTENT_SECURITY_POLICY, policy);
        } else {
            let safe = |c: char| c.is_ascii_alphanumeric() || "._-~".contains(c);
            let name: String = self.name.chars().map(|c| if safe(c) { c } else { '_' }).collect();
            set(CONTENT_DISPOSITION, &format!("attachment; filename=\"{name}\""));
        }
        response
    }
}

#[cfg(test)]
mod tests;
