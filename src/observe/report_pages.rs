//! `/reports/`: the latest reports, to read.
//!
//! Owns which files may leave the folder of reports: those that are really
//! inside it, by names that a report has. A page gets a policy under which it
//! can ask for nothing and runs no script but its own; every other file is
//! offered as a download.

use std::fmt::Write;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path as UrlPath, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use minijinja::HtmlEscape;
use serde::Deserialize;
use tokio::fs::{self, File};
use tokio_util::io::ReaderStream;

use super::state::ObserveState;
use crate::report::served_policy;

/// Content types of the files of a report, by extension; no other file is served.
const CONTENT_TYPES: [(&str, &str); 5] = [
    ("html", "text/html; charset=utf-8"),
    ("csv", "text/csv; charset=utf-8"),
    ("json", "application/json"),
    ("parquet", "application/vnd.apache.parquet"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
];

/// Files about a whole month, in the order of the index.
const MONTH_FILES: [&str; 10] = [
    "report.html",
    "report.xlsx",
    "report.json",
    "summary.csv",
    "summary.parquet",
    "bill.csv",
    "bill.parquet",
    "focus.csv",
    "focus.parquet",
    "manifest.json",
];

/// Largest manifest that the index reads, in bytes.
const MOST_MANIFEST_BYTES: u64 = 16 * 1024 * 1024;

/// Months that the index lists, the newest first.
const LISTED_MONTHS: usize = 500;

pub(super) async fn index(State(state): State<Arc<ObserveState>>) -> Response {
    let page = index_page(&state.report_folder).await;
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (CONTENT_SECURITY_POLICY, served_policy()),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    (headers, page).into_response()
}

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
    let file = File::open(&found).await.ok()?;
    let metadata = file.metadata().await.ok()?;
    let name = relative.file_name()?.to_str()?.to_owned();
    metadata.is_file().then_some(Served { file, bytes: metadata.len(), name, content_type })
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
        if self.content_type.starts_with("text/html") {
            set(CONTENT_SECURITY_POLICY, &served_policy());
        } else {
            let safe = |c: char| c.is_ascii_alphanumeric() || "._-~".contains(c);
            let name: String = self.name.chars().map(|c| if safe(c) { c } else { '_' }).collect();
            set(CONTENT_DISPOSITION, &format!("attachment; filename=\"{name}\""));
        }
        response
    }
}

/// What the index says of a month, from its manifest.
#[derive(Deserialize)]
struct Listed {
    status: String,
    currency: String,
    bill_total: String,
}

struct MonthEntry {
    account: String,
    month: String,
    facts: Option<Listed>,
    files: Vec<&'static str>,
}

async fn index_page(root: &Path) -> String {
    let mut months = Vec::new();
    for account in folders(root).await {
        for month in folders(&root.join(&account)).await {
            let folder = root.join(&account).join(&month);
            let mut files = Vec::new();
            for name in MONTH_FILES {
                if fs::try_exists(folder.join(name)).await.unwrap_or(false) {
                    files.push(name);
                }
            }
            if files.is_empty() {
                continue;
            }
            let facts = facts(&folder).await;
            months.push(MonthEntry { account: account.clone(), month, facts, files });
        }
    }
    months.sort_by(|one, other| {
        other.month.cmp(&one.month).then_with(|| one.account.cmp(&other.account))
    });
    page(&months)
}

/// Names of the folders that are no hidden ones, sorted.
async fn folders(parent: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let Ok(mut entries) = fs::read_dir(parent).await else { return names };
    while let Ok(Some(entry)) = entries.next_entry().await {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_folder = entry.file_type().await.is_ok_and(|kind| kind.is_dir());
        if is_folder && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    names
}

async fn facts(folder: &Path) -> Option<Listed> {
    let path = folder.join("manifest.json");
    let bytes = fs::metadata(&path).await.ok()?.len();
    if bytes > MOST_MANIFEST_BYTES {
        return None;
    }
    serde_json::from_slice(&fs::read(&path).await.ok()?).ok()
}

fn page(months: &[MonthEntry]) -> String {
    let mut text = String::from(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>Reports</title><style>\
         body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:68rem;padding:0 1rem}\
         div{overflow-x:auto}table{border-collapse:collapse}\
         th,td{text-align:left;padding:.3rem .8rem .3rem 0;white-space:nowrap}\
         td.n{text-align:right;font-variant-numeric:tabular-nums}</style></head><body>\
         <h1>Reports</h1>\n",
    );
    if months.is_empty() {
        text.push_str("<p>There are none yet.</p>");
    } else {
        text.push_str(
            "<div><table><thead><tr><th>Month</th><th>Account</th><th>Total</th><th>Status</th>\
             <th>Files</th></tr></thead><tbody>\n",
        );
    }
    for entry in months.iter().take(LISTED_MONTHS) {
        let (total, status) = match &entry.facts {
            Some(facts) => {
                (format!("{} {}", facts.currency, facts.bill_total), facts.status.as_str())
            }
            None => (String::new(), ""),
        };
        let _ = write!(
            text,
            "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td><td>{}</td><td>",
            HtmlEscape(&entry.month),
            HtmlEscape(&entry.account),
            HtmlEscape(&total),
            HtmlEscape(&status.replace('_', " ")),
        );
        for file in &entry.files {
            let href = [entry.account.as_str(), &entry.month, file].map(url_part).join("/");
            let _ = write!(text, "<a href=\"{href}\">{file}</a> ");
        }
        text.push_str("</td></tr>\n");
    }
    if !months.is_empty() {
        text.push_str("</tbody></table></div>");
    }
    if months.len() > LISTED_MONTHS {
        let _ = write!(text, "<p>and {} more</p>", months.len() - LISTED_MONTHS);
    }
    text.push_str("</body></html>\n");
    text
}

fn url_part(part: &str) -> String {
    percent_encoding::utf8_percent_encode(part, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests;
