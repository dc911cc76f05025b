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
    assert!(said.contains("audio") && !said.contains("month before"), "{said}");
    let by_media = self::range(&setup, "2031-03-01_2031-03-10").rows("by_media.csv");
    assert!(!by_media[0].contains_key("cost_of_month_before"), "{by_media:?}");
}

/// Three months under a contract, the last one without usage, each with an adjustment.
async fn contract() -> Setup {
    let mut setup = Setup::at("2031-04-20T12:00:00Z").await;
    setup.api.list(&["P1", "P2"]);
    for day in ["2031-01-05", "2031-01-20", "2031-02-10", "2031-02-25"] {
        setup.api.use_seconds("P1", day, &[(AUDIO, 60_000_007)]);
        setup.api.use_seconds("P2", day, &[(HD, 6_000_011)]);
    }
    setup.backfill("2031-01-01", "2031-03-31").exits(0);
    let book = "extends = 'tiered-usd'\nname = 'contract'\ndiscount_percent = '12.5'\n\
                minimum_commitment = '2000'\ntax_percent = '19'\n";
    let file = setup.program.folder().join("contract.toml");
    std::fs::write(&file, book).expect("written");
    setup.program.set("AGORA_USAGE_PRICE_BOOK", file.display().to_string());
    for (month, amount, of) in
        [("2031-01", "-12.34", None), ("2031-02", "5.01", Some("P2")), ("2031-03", "0.99", None)]
    {
        let adjust =
            ["bill", "adjust", "--month", month, "--reason", "an outage", "--amount", amount];
        let of_project = of.map_or_else(Vec::new, |project| vec!["--project", project]);
        setup.run(&[&adjust[..], &of_project].concat()).exits(0);
    }
    setup
}

/// What three ranges that meet cost and what their three months do, in millionths.
fn ranges_and_months(setup: &Setup) -> (i64, i64) {
    setup.report("2031-01..2031-03").exits(0);
    let cents = |month: &str| setup.month(month).total().replace('.', "").parse::<i64>();
    let months = ["2031-01", "2031-02", "2031-03"].map(|month| cents(month).expect("cents"));
    let ranges =
        [("2031-01-01", "2031-01-09"), ("2031-01-10", "2031-02-20"), ("2031-02-21", "2031-03-31")];
    let parts = ranges.map(|(from, to)| {
        setup.run(&["report", "--from", from, "--to", to, "--format", "all"]).exits(0);
        let folder = range(setup, &format!("{from}_{to}"));
        let focus = folder.rows("focus.csv");
        let billed = focus.iter().map(|row| row["BilledCost"].replace('.', "").parse::<i64>());
        let part = total(&folder);
        assert_eq!(billed.map(|units| units.expect("six places")).sum::<i64>(), part);
        part
    });
    (parts.iter().sum(), months.iter().sum::<i64>() * 10_000)
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_that_meet_add_up_to_the_bills_closed_restated_and_adjusted() {
    let mut setup = contract().await;
    let (parts, months) = ranges_and_months(&setup);
    assert_eq!(parts, months, "drafts");
    let no_project = range(&setup, "2031-02-21_2031-03-31");
    let summary = no_project.rows("summary.csv");
    let last = summary.last().expect("rows");
    // No usage of March caused its commitment, tax and adjustment.
    assert_eq!((last["project_id"].as_str(), last["cost"].as_str()), ("", "2380.990000"));
    let whole = ["report", "--from", "2031-01-01", "--to", "2031-01-31", "--by", "project"];
    let said = setup.run(&whole).exits(0).stdout;
    assert!(!said.contains("in part"), "{said}");
    let january = total(&range(&setup, "2031-01-01_2031-01-31"));
    assert_eq!(
        january,
        setup.month("2031-01").total().replace('.', "").parse::<i64>().expect("cents") * 10_000
    );
    let part = ["report", "--from", "2031-01-01", "--to", "2031-01-09"];
    setup.run(&part).exits(0).says(&["without its adjustments, which come with its last day"]);

    setup.now("2031-04-21T12:00:00Z");
    setup.run(&["bill", "close", "--month", "2031-02"]).exits(0);
    setup.now("2031-04-22T12:00:00Z");
    let closed = ranges_and_months(&setup);
    assert_eq!(closed, (months, months), "closed");
    // Restated, and not revised: the range is that of the closed bill.
    setup.api.use_seconds("P1", "2031-02-10", &[(AUDIO, 250_000_003)]);
    setup.backfill_again("2031-02-10", "2031-02-10");
    assert_eq!(ranges_and_months(&setup), closed, "restated");
    let manifest = no_project.manifest();
    assert_eq!(manifest["months"][0]["revision"], 1);
    assert_eq!(manifest["months"][1]["revision"], serde_json::Value::Null);
    setup.run(&["bill", "close", "--month", "2031-02", "--revise"]).exits(0);
    setup.now("2031-04-23T12:00:00Z");
    let (parts, months) = ranges_and_months(&setup);
    assert_eq!(parts, months, "revised");
    assert!(months > closed.1, "the restated day costs more");
    assert_eq!(no_project.manifest()["months"][0]["revision"], 2);
    let invoices: std::collections::BTreeSet<_> =
        no_project.rows("focus.csv").iter().map(|row| row["InvoiceId"].clone()).collect();
    assert_eq!(Vec::from_iter(invoices), ["", "default/2031-02/r2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_ends_as_its_months_do_where_something_is_not_known() {
    let setup = account().await;
    setup.api.use_seconds("P1", "2031-03-06", &[("durationVideo8K", 60)]);
    setup.backfill_again("2031-03-06", "2031-03-06");
    let report = |from: &str, to: &str| {
        setup.run(&["report", "--from", from, "--to", to, "--format", "focus,json"])
    };
    report("2031-02-01", "2031-02-28").exits(0);
    report("2031-02-20", "2031-03-06").exits(3).says(&["durationVideo8K of rtc has no price"]);
    setup.report("2031-03").exits(3);
    let folder = range(&setup, "2031-02-20_2031-03-06");
    assert_eq!(folder.manifest()["status"], "incomplete");
    let focus = folder.rows("focus.csv");
    let unpriced = focus.iter().find(|row| row["SkuId"] == "rtc.durationVideo8K").expect("a row");
    assert_eq!(
        (unpriced["BilledCost"].as_str(), unpriced["ListUnitPrice"].as_str()),
        ("0.000000", "")
    );
    assert!(unpriced["Tags"].contains("unpriced"), "{unpriced:?}");
    let json: serde_json::Value = serde_json::from_str(&folder.text("report.json")).expect("JSON");
    assert_eq!(json["coverage"][1]["unpriced"][0]["field"], "durationVideo8K");
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
