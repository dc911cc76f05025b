use std::fs;

use tempfile::TempDir;

use super::super::sample::{Sample, options};
use super::super::{Format, PastMonth, write_month};
use super::*;
use crate::domain::{Media, Money, ProjectStatus};

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

/// The title of a section of the page.
fn title(page: &str, id: &str) -> String {
    let open = format!("<h2 id=\"{id}\">");
    let start = page.find(&open).expect("a title") + open.len();
    page[start..].split('<').next().expect("text").to_owned()
}

/// A sample whose total belongs to no project.
fn of_no_project() -> Sample {
    let mut sample = Sample::empty();
    sample.list("a", "Talk", ProjectStatus::Active);
    sample.bill.total.minor_units = 4_599;
    sample.bill.unallocated.minor_units = 4_599;
    sample.balance();
    sample
}

#[test]
fn titles_are_true_of_money_that_belongs_to_no_project() {
    let page = page(&of_no_project());
    assert_eq!(title(&page, "projects"), "The cost belongs to no project");
    assert_eq!(title(&page, "media"), "The cost belongs to no media");

    let mut sample = of_no_project();
    sample.use_hd("a", "2031-03-01", 60, 1);
    sample.balance();
    assert_eq!(
        title(&self::page(&sample), "projects").replace('\u{a0}', " "),
        "100.0 % of the cost belongs to no project"
    );
}

#[test]
fn titles_are_true_of_credits() {
    let mut sample = Sample::empty();
    sample.use_hd("a", "2031-03-01", 60, -150);
    sample.balance();
    let credited = page(&sample);
    assert_eq!(
        title(&credited, "projects"),
        "1 project has a cost or credit: \u{2212}1.50 USD in all"
    );
    assert_eq!(title(&credited, "media"), "Media have credits alone");
    assert_eq!(title(&credited, "days"), "Days have credits alone");

    sample.use_hd("b", "2031-03-02", 60, 500);
    sample.balance();
    let mixed = page(&sample);
    assert_eq!(title(&mixed, "projects"), "2 projects have costs or credits: 3.50 USD in all");
    assert_eq!(title(&page(&Sample::empty()), "projects"), "No project has a cost");
}

/// The trend's title with months before that cost this many cents.
fn trend_title(before: &[i128], now: i128) -> String {
    let mut sample = Sample::empty();
    sample.use_hd("a", "2031-03-01", 60, now);
    sample.balance();
    let months =
        std::iter::successors(Some(sample.bill.month.previous()), |one| Some(one.previous()));
    for (month, minor_units) in months.zip(before.iter().rev()) {
        let total = Money { minor_units: *minor_units, ..sample.bill.total };
        let status = None;
        let past = PastMonth { month, total, cost_micro_units: [0; Media::COUNT], status };
        sample.background.past_months.insert(0, past);
    }
    title(&page(&sample), "trend").replace('\u{a0}', " ")
}

#[test]
fn the_trends_title_knows_equal_months() {
    assert_eq!(trend_title(&[10, 10], 10), "The 3 months cost the same");
    assert_eq!(
        trend_title(&[20, 10], 20),
        "March 2031 is as dear as January 2031, and no month is dearer"
    );
    assert_eq!(trend_title(&[20, 10], 30), "March 2031 is the dearest of 3 months");
    assert_eq!(
        trend_title(&[20, 20], 10),
        "March 2031 is 50.0 % below the dearest month, February 2031"
    );
    assert_eq!(trend_title(&[0, -10], -20), "March 2031 is below the dearest month, January 2031");
}

#[test]
fn a_month_whose_status_is_not_known_says_so_and_no_more() {
    let mut sample = Sample::surrounded();
    sample.background.past_months[0].status = None;
    let page = page(&sample);
    assert!(page.contains("<td>n&#x2f;a</td></tr>") && !page.contains("not reported"), "{page}");
}

#[test]
fn the_axis_is_true_to_its_last_place() {
    let labels = |units| charts::axis(units, units, 2);
    assert_eq!(labels(3_000_000), ["3.00", "1.50"]);
    assert_eq!(labels(40_000_000), ["40", "20"]);
    assert_eq!(labels(15_000), ["0.0150", "0.0075"]);
    assert_eq!(labels(80_000), ["0.08", "0.04"]);
    assert_eq!(charts::axis(1, 0, 2), ["", ""]);
}

#[test]
fn ranges_and_the_month_before_have_their_adjustments() {
    let mut sample = Sample::incomplete();
    sample.surround_with_adjustments();
    let page = page(&sample);
    assert!(page.contains("5.10 to 5.12"), "the range");
    assert!(page.contains("data-exact=\"4.60\" id=\"change\""), "{page}");
    assert!(page.contains("from 0.50 to 5.10"), "{page}");
}

#[test]
fn the_trend_draws_a_fee_that_no_media_has() {
    let page = page(&of_no_project());
    let start = page.find("<h2 id=\"trend\">").expect("a trend");
    let trend = &page[start..start + page[start..].find("</section>").expect("its end")];
    assert!(trend.contains("<rect class=\"m-rest\"") && trend.contains("(no media)"), "{trend}");
    assert!(trend.contains("<span>60</span><span>30</span>"), "{trend}");
    assert!(trend.contains("data-exact=\"45.990000\""), "{trend}");
}
