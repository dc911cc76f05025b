use std::fs;

use tempfile::TempDir;

use super::super::sample::{Sample, options};
use super::super::{Format, write_month};
use super::*;
use crate::domain::ProjectStatus;

/// The page of a sample.
fn page(sample: &Sample) -> String {
    let out = TempDir::new().expect("folder");
    let mut options = options(out.path());
    options.formats = vec![Format::from_name("html").expect("known")];
    let published = write_month(&sample.report(), &options).expect("written");
    fs::read_to_string(published.folder.join("report.html")).expect("page")
}

/// The page without its style and script, which have tests of their own.
fn body(page: &str) -> &str {
    let start = page.find("<body>").expect("a body");
    let end = page.find("<script>").expect("a script");
    &page[start..end]
}

#[test]
fn a_whole_month_reads_like_this() {
    insta::assert_snapshot!(body(&page(&Sample::surrounded())));
}

#[test]
fn a_month_with_holes_reads_like_this() {
    insta::assert_snapshot!(body(&page(&Sample::incomplete())));
}

#[test]
fn c42_names_run_nowhere() {
    let mut sample = Sample::c33();
    let name = "</style><script>alert(1)</script>\"' onload=x {{ 7 * 7 }} =1+1";
    sample.projects.clear();
    sample.list("a", name, ProjectStatus::Active);
    let page = page(&sample);
    assert!(page.contains("&lt;script&gt;alert(1)"), "{page}");
    assert_eq!(page.matches("<script>").count(), 1);
    assert!(page.contains("{{ 7 * 7 }} =1+1"));
}

#[test]
fn the_policy_of_the_page_allows_its_own_style_and_script_alone() {
    let page = page(&Sample::c33());
    let part = |open: &str, close: &str| {
        let start = page.find(open).expect("opens") + open.len();
        let end = page[start..].find(close).expect("closes") + start;
        &page[start..end]
    };
    let policy = part("Content-Security-Policy\" content=\"", "\"");
    let policy = policy.replace("&#x27;", "'").replace("&#39;", "'").replace("&#x2f;", "/");
    assert!(policy.contains(&hash(part("<style>", "</style>"))), "{policy}");
    assert!(policy.contains(&hash(part("<script>", "</script>"))), "{policy}");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(!page.contains(" style=\"") && !page.contains("http://") && !page.contains("https://"));
}

#[test]
fn thousands_of_projects_make_a_page_of_a_reasonable_size() {
    let mut sample = Sample::empty();
    for number in 0..1_200 {
        sample.use_hd(&format!("P{number:04}"), "2031-03-01", 60, number + 1);
    }
    sample.balance();
    let page = page(&sample);
    assert_eq!(page.matches("data-project=").count(), 1_000);
    assert!(page.contains("200 more, in summary.csv"));
    assert!(page.len() < 1_500_000, "{}", page.len());
}
