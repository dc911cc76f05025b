//! The pages that lead to others: `/`, and `/reports/` with a row a month.
//!
//! Owns what they say and how they look. Amounts and states are those of each
//! month's manifest, read anew for each request.

use std::path::Path;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value, context};
use serde::{Deserialize, Serialize};
use tokio::fs;

use super::ObserveState;
use crate::report::{shown_decimal, unscripted_policy};

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

/// What is served, in the order of the front page.
const PARTS: [(&str, &str); 5] = [
    ("/reports/", "the latest reports: pages to read, and files"),
    ("/status", "each account and job: newest run, what is due, what is missing (JSON)"),
    ("/metrics", "the same in numbers, for Prometheus"),
    ("/readyz", "whether every part of it works (JSON)"),
    ("/livez", "whether the process runs"),
];

const TEMPLATE: &str = include_str!("page.html");

const STYLE: &str = include_str!("style.css");

/// `/`.
pub(in crate::observe) async fn front() -> Response {
    answer(context! { title => "agora-usage", parts => PARTS })
}

/// `/reports/`.
pub(in crate::observe) async fn index(State(state): State<Arc<ObserveState>>) -> Response {
    let months = months(&state.report_folder).await;
    answer(context! {
        title => "Reports",
        more => months.len().saturating_sub(LISTED_MONTHS),
        months => Value::from(Serde(&months[..months.len().min(LISTED_MONTHS)])),
    })
}

/// The page, under a policy that allows it its own style and nothing else.
fn answer(content: Value) -> Response {
    match page(content) {
        Ok(page) => {
            let headers = [
                (CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
                (CONTENT_SECURITY_POLICY, unscripted_policy(STYLE)),
                (CACHE_CONTROL, "no-store".to_owned()),
            ];
            (headers, page).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a page could not be made");
            (StatusCode::INTERNAL_SERVER_ERROR, "the page could not be made\n").into_response()
        }
    }
}

fn page(content: Value) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("page.html", TEMPLATE)?;
    let style = Value::from_safe_string(STYLE.to_owned());
    environment.get_template("page.html")?.render(context! { style, ..content })
}

/// What the index says of a month, from its manifest.
#[derive(Deserialize)]
struct Listed {
    status: String,
    currency: String,
    /// Of a range of days under another name.
    #[serde(alias = "total")]
    bill_total: String,
    closed: Option<Closed>,
}

#[derive(Deserialize)]
struct Closed {
    revision: i32,
}

/// A row of the index.
#[derive(Debug, Serialize)]
struct MonthEntry {
    account: String,
    month: String,
    /// With its currency; empty where the manifest does not tell.
    total: String,
    /// In words; empty likewise.
    status: String,
    status_class: String,
    /// Address of its page, if it has one.
    page: Option<String>,
    files: Vec<FileEntry>,
}

#[derive(Debug, Serialize)]
struct FileEntry {
    name: &'static str,
    href: String,
}

impl MonthEntry {
    fn new(account: &str, month: &str, names: &[&'static str], listed: Option<&Listed>) -> Self {
        let file = |name: &&'static str| FileEntry {
            name,
            href: [account, month, name].map(url_part).join("/"),
        };
        let files: Vec<_> = names.iter().map(file).collect();
        let amount = |listed: &Listed| {
            format!("{}\u{a0}{}", listed.currency, shown_decimal(&listed.bill_total))
        };
        Self {
            account: account.to_owned(),
            month: month.to_owned(),
            total: listed.map(amount).unwrap_or_default(),
            status: listed.map(Listed::in_words).unwrap_or_default(),
            status_class: listed.map(|listed| listed.status.clone()).unwrap_or_default(),
            page: files
                .iter()
                .find(|file| file.name == "report.html")
                .map(|file| file.href.clone()),
            files,
        }
    }
}

impl Listed {
    /// As the month's own page says it: closed with its revision, else how it stands.
    fn in_words(&self) -> String {
        let status = self.status.replace('_', " ");
        match &self.closed {
            Some(closed) => format!("closed r{}, {status}", closed.revision),
            None => status,
        }
    }
}

/// Every month of every account, the newest first.
async fn months(root: &Path) -> Vec<MonthEntry> {
    let mut months = Vec::new();
    for account in folders(root).await {
        for month in folders(&root.join(&account)).await {
            let folder = root.join(&account).join(&month);
            let mut names = Vec::new();
            for name in MONTH_FILES {
                if fs::try_exists(folder.join(name)).await.unwrap_or(false) {
                    names.push(name);
                }
            }
            if names.is_empty() {
                continue;
            }
            let listed = listed(&folder).await;
            months.push(MonthEntry::new(&account, &month, &names, listed.as_ref()));
        }
    }
    months.sort_by(|one, other| {
        other.month.cmp(&one.month).then_with(|| one.account.cmp(&other.account))
    });
    months
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

async fn listed(folder: &Path) -> Option<Listed> {
    let path = folder.join("manifest.json");
    let bytes = fs::metadata(&path).await.ok()?.len();
    if bytes > MOST_MANIFEST_BYTES {
        return None;
    }
    serde_json::from_slice(&fs::read(&path).await.ok()?).ok()
}

fn url_part(part: &str) -> String {
    percent_encoding::utf8_percent_encode(part, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    /// Reports of months, each with these files beside its manifest.
    fn reports(months: &[(&str, &str)], files: &[&str]) -> TempDir {
        let folder = TempDir::new().expect("folder");
        for (month, manifest) in months {
            let month = folder.path().join(month);
            fs::create_dir_all(&month).expect("folders");
            fs::write(month.join("manifest.json"), manifest).expect("file");
            for name in files {
                fs::write(month.join(name), name).expect("file");
            }
        }
        folder
    }

    async fn index_page(root: &Path) -> String {
        page(context! { title => "Reports", months => Value::from(Serde(months(root).await)) })
            .expect("a page")
    }

    #[tokio::test]
    async fn a_range_of_days_has_its_total_and_state_too() {
        let manifest = r#"{"status": "complete", "currency": "USD", "total": "1234.500000"}"#;
        let folder = reports(&[("default/2031-01-10_2031-02-20", manifest)], &["report.html"]);
        let page = index_page(folder.path()).await;
        assert!(
            page.contains("USD\u{a0}1,234.500000") && page.contains(">complete</td>"),
            "{page}"
        );
    }

    #[tokio::test]
    async fn the_index_lists_months_and_their_files() {
        let manifest = r#"{"status": "in_progress", "currency": "USD", "bill_total": "0.10"}"#;
        let folder =
            reports(&[("default/2031-03", manifest)], &["report.html", "summary.csv", "note.txt"]);
        fs::write(folder.path().join("secret.csv"), "secret").expect("file");
        let page = index_page(folder.path()).await;
        assert!(page.contains("USD\u{a0}0.10") && page.contains(">in progress</td>"), "{page}");
        let href = "default/2031%2D03/report%2Ehtml";
        for link in [
            format!("<a href=\"{href}\">2031-03</a>"),
            format!("<a href=\"{href}\">report.html</a>"),
        ] {
            assert!(page.contains(&link), "{page}");
        }
        assert!(!page.contains("secret") && !page.contains("note.txt"), "{page}");
        let nothing = index_page(&folder.path().join("nowhere")).await;
        assert!(nothing.contains("There are none yet."));
    }

    #[tokio::test]
    async fn a_closed_month_says_so_with_its_revision_and_amounts_are_readable() {
        let closed = r#"{"status": "incomplete", "currency": "USD", "bill_total": "-1234567.80",
                         "closed": {"revision": 2, "closed_at": "2031-04-01T00:00:00Z"}}"#;
        let whole = r#"{"status": "complete", "currency": "JPY", "bill_total": "1234",
                        "closed": {"revision": 1}}"#;
        let folder = reports(&[("a/2031-03", closed), ("a/2031-02", whole)], &[]);
        let page = index_page(folder.path()).await;
        assert!(page.contains(">closed r2, incomplete</td>"), "{page}");
        assert!(page.contains(">closed r1, complete</td>"), "{page}");
        assert!(page.contains("USD\u{a0}\u{2212}1,234,567.80<"), "{page}");
        assert!(page.contains("JPY\u{a0}1,234<"), "{page}");
        assert!(page.find("2031-03") < page.find("2031-02"), "the newest month is the first");
    }

    #[tokio::test]
    async fn names_in_the_index_are_escaped() {
        let manifest = r#"{"status": "<i>", "currency": "<u>", "bill_total": "<s>"}"#;
        let folder = reports(&[("<b>/2031-03", manifest)], &["summary.csv"]);
        let page = index_page(folder.path()).await;
        for tag in ["<b>", "<i>", "<u>", "<s>"] {
            assert!(!page.contains(tag), "{page}");
        }
        assert!(page.contains("&lt;b&gt;"), "{page}");
    }

    #[tokio::test]
    async fn the_page_may_use_its_own_style_and_nothing_else() {
        let response = front().await;
        let policy = response.headers()[CONTENT_SECURITY_POLICY].to_str().expect("text");
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("script-src"), "{policy}");
        assert!(!STYLE.contains("url(") && !TEMPLATE.contains(" style="));
    }
}
