use std::fs;

use tempfile::TempDir;

use super::super::sample::{Sample, options};
use super::super::{Format, PastMonth, write_month};
use super::policy::hash;
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
    assert!(policy.contains(&hash(part("<style>", "</style>").as_bytes())), "{policy}");
    assert!(policy.contains(&hash(part("<script>", "</script>").as_bytes())), "{policy}");
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

/// The cells of each row of each table, the header first.
fn tables(page: &str) -> Vec<Vec<Vec<&str>>> {
    let tables = page.split("<table").skip(1).map(|rest| rest.split("</table>").next());
    tables
        .flatten()
        .map(|table| {
            let rows = table.split("<tr").skip(1).filter_map(|rest| rest.split("</tr>").next());
            rows.map(cells).collect()
        })
        .collect()
}

/// The cells of a row, each from its attributes to its end.
fn cells(row: &str) -> Vec<&str> {
    let starts = row.match_indices("<t").filter(|(at, _)| {
        matches!(row.as_bytes().get(at + 2), Some(b'h' | b'd'))
            && matches!(row.as_bytes().get(at + 3), Some(b'>' | b' '))
    });
    let cell = |(at, _): (usize, &str)| row[at + 3..].split("</t").next();
    starts.filter_map(cell).collect()
}

#[test]
fn every_row_has_a_cell_for_each_column() {
    let mut with_all = Sample::incomplete();
    with_all.surround_with_adjustments();
    for sample in [Sample::c33(), Sample::surrounded(), with_all] {
        for table in tables(body(&page(&sample))) {
            let columns = table[0].len();
            for row in &table {
                assert_eq!(row.len(), columns, "{row:?} below {:?}", table[0]);
            }
        }
    }
}

/// The table of projects.
fn projects_table(page: &str) -> Vec<Vec<&str>> {
    let is_it = |table: &Vec<Vec<&str>>| table[0].iter().any(|cell| cell.contains("Cost centre"));
    tables(page).into_iter().find(is_it).expect("the table")
}

#[test]
fn the_cost_stands_beside_the_project_and_the_amount_of_other_tables_stays_in_view() {
    let page = page(&Sample::surrounded());
    let table = projects_table(&page);
    assert!(table[0][1].ends_with(">Cost"), "{:?}", table[0]);
    assert!(table[1][1].contains("cost"), "{:?}", table[1]);
    for name in ["Amount", "Cost"] {
        assert!(page.contains(&format!("<th class=\"number pinned\">{name}</th>")), "{name}");
    }
    let narrow = page.split("@media screen and (max-width:44rem)").nth(1).expect("rules");
    assert!(
        narrow.split("@media").next().expect("rules").contains(".pinned{position:sticky;right:0")
    );
}

#[test]
fn money_of_no_project_is_held_against_the_month_before() {
    let mut sample = Sample::incomplete();
    sample.surround_with_adjustments();
    let page = page(&sample);
    let table = projects_table(&page);
    let row = table.iter().find(|row| row[0].ends_with("(no project)")).expect("its row");
    // 5.00 of a charge; the month before had a credit of 1.00.
    for (cell, exact) in [(1, "5.00"), (4, "-1.00"), (5, "6.00")] {
        assert!(row[cell].contains(&format!("data-exact=\"{exact}\"")), "{row:?}");
    }
    let total = table.iter().find(|row| row[0].ends_with("total")).expect("its row");
    assert!(total[4].contains("data-exact=\"0.50\""), "{total:?}");

    // It has its row also when there is nothing left of it.
    sample.adjustments.clear();
    let page = self::page(&sample);
    let table = projects_table(&page);
    let row = table.iter().find(|row| row[0].ends_with("(no project)")).expect("its row");
    assert!(row[5].contains("data-exact=\"1.00\""), "{row:?}");
}

#[test]
fn credits_sort_by_what_they_are_worth() {
    let mut sample = Sample::empty();
    sample.use_hd("a", "2031-03-01", 60, -150);
    sample.use_hd("b", "2031-03-01", 60, -50);
    sample.balance();
    let page = page(&sample);
    for row in &projects_table(&page)[1..3] {
        let exact = row[1].split("data-exact=\"").nth(1).and_then(|rest| rest.split('"').next());
        let expected = format!("data-exact=\"{}\"", exact.expect("a cost"));
        assert!(row[2].contains(&expected) && row[3].contains(&expected), "{row:?}");
    }
}

#[test]
fn an_assumption_tells_what_it_could_change() {
    let page = page(&Sample::incomplete());
    let assumption = page.split("data-assumption=\"tier_fill\"").nth(1).expect("it is there");
    let text = assumption.split("</li>").next().expect("text");
    assert!(text.contains("Read otherwise, the total is"), "{text}");
    assert!(text.contains(">0.10</span> to <span data-exact=\"0.12\">0.12</span> USD"), "{text}");
}

#[test]
fn a_project_without_a_name_is_known_by_its_id() {
    let page = page(&Sample::c33());
    let table = projects_table(&page);
    assert!(table.iter().any(|row| row[0].contains(">unlisted")), "{table:?}");
}
