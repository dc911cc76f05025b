//! `report --from --to`, `--by` and `--format all`: what is printed and written.

use std::path::Path;

use crate::support::fake_api::{AUDIO, HD};
use crate::support::reports::{MonthFolder, files_below};
use crate::support::setup::Setup;

/// Two projects in two whole months.
async fn account() -> Setup {
    let setup = Setup::at("2031-04-20T12:00:00Z").await;
    setup.api.list(&["P1", "P2"]);
    for day in ["2031-02-10", "2031-03-05", "2031-03-25"] {
        setup.api.use_seconds("P1", day, &[(AUDIO, 60_000_000)]);
        setup.api.use_seconds("P2", day, &[(HD, 6_000_000)]);
    }
    setup.backfill("2031-02-01", "2031-03-31").exits(0);
    setup
}

fn range(setup: &Setup, name: &str) -> MonthFolder {
    MonthFolder::at(setup.reports().join("default").join(name))
}

/// Sum of the costs of a range, in millionths.
fn total(folder: &MonthFolder) -> i64 {
    let units = |text: &str| text.replace('.', "").parse::<i64>().expect("six places");
    folder.rows("summary.csv").iter().map(|row| units(&row["cost"])).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_is_made_of_slices_of_its_months() {
    let setup = account().await;
    let report = |from: &str, to: &str| setup.run(&["report", "--from", from, "--to", to]).exits(0);
    let said = report("2031-02-05", "2031-03-10").stdout;
    assert!(said.contains("of 2031-02, USD"), "{said}");
    assert!(said.contains("in part: 2031-03-01..2031-03-10"), "{said}");
    report("2031-02-01", "2031-02-28");
    report("2031-03-01", "2031-03-10");
    report("2031-03-11", "2031-03-31");
    report("2031-03-01", "2031-03-31");
    setup.report("2031-02..2031-03").exits(0);
    let part = |name: &str| total(&range(&setup, name));
    let cents = |month: &str| setup.month(month).total().replace('.', "").parse::<i64>();
    assert_eq!(part("2031-02-01_2031-02-28"), cents("2031-02").expect("cents") * 10_000);
    assert_eq!(part("2031-03-01_2031-03-31"), cents("2031-03").expect("cents") * 10_000);
    let parts = part("2031-03-01_2031-03-10") + part("2031-03-11_2031-03-31");
    assert_eq!(parts, part("2031-03-01_2031-03-31"));
    let across = part("2031-02-01_2031-02-28") + part("2031-03-01_2031-03-10");
    assert_eq!(part("2031-02-05_2031-03-10"), across);
    let days = range(&setup, "2031-02-05_2031-03-10").rows("projects/P1.csv");
    let days: Vec<_> = days.iter().map(|row| row["day"].as_str()).collect();
    assert_eq!(days, ["2031-02-10", "2031-03-05"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_is_refused_where_it_cannot_be_made() {
    let setup = account().await;
    let refused = |flags: &[&str], says: &str| {
        setup.run(&[&["report"], flags].concat()).exits(2).says(&[says]);
    };
    refused(&["--from", "2031-03-05", "--to", "2031-03-04"], "ends (2031-03-04) before it begins");
    refused(&["--from", "2031-04-01", "--to", "2031-04-20"], "2031-04-20 is not over");
    refused(&["--from", "2031-03-01"], "--to");
    refused(&["--from", "2031-03-01", "--to", "2031-03-02", "--month", "2031-03"], "--month");
    let html = ["--from", "2031-03-01", "--to", "2031-03-02", "--format", "csv,html"];
    refused(&html, "a range of days has no html");
    refused(&["--month", "2031-03", "--by", "weekday"], "project, cost_centre, media, service");
    refused(&[], "--month");
    assert!(files_below(&setup.reports()).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breakdown_is_printed_against_the_month_before_and_written() {
    let setup = account().await;
    let report = ["report", "--month", "2031-03", "--by", "project,media,cost_centre,service"];
    let said = setup.run(&report).exits(0).stdout;
    insta::assert_snapshot!(said);
    let month = setup.month("2031-03");
    let rows = month.rows("by_project.csv");
    assert_eq!((rows.len(), rows[0]["project"].as_str()), (2, "P1"));
    assert_eq!(month.rows("by_cost_centre.csv")[0]["cost_centre"], "(untagged)");
    let paths = month.manifest()["files"].to_string();
    assert!(paths.contains("by_media.csv") && paths.contains("by_service.csv"), "{paths}");
    let range = ["report", "--from", "2031-03-01", "--to", "2031-03-10", "--by", "media"];
    let said = setup.run(&range).exits(0).stdout;
    assert!(said.contains("n/a"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_formats_are_written_and_a_second_run_writes_the_same_bytes() {
    let mut setup = account().await;
    let report = ["report", "--month", "2031-03", "--format", "all"];
    setup.run(&report).exits(0);
    let before = files_below(&setup.reports());
    let folder = Path::new("default/2031-03");
    for name in ["report.html", "report.xlsx", "report.json", "focus.csv", "focus.parquet"] {
        assert!(before.contains_key(&folder.join(name)), "{name}");
    }
    setup.now("2031-04-21T12:00:00Z");
    setup.run(&report).exits(0);
    let after = files_below(&setup.reports());
    let differing: Vec<_> = before.keys().filter(|path| before[*path] != after[*path]).collect();
    assert_eq!(differing, [&folder.join("manifest.json")]);

    setup.run(&["report", "--month", "2031-03", "--format", "html"]).exits(0);
    let names: Vec<_> = files_below(&setup.reports()).into_keys().collect();
    assert_eq!(names, [folder.join("manifest.json"), folder.join("report.html")]);
}
