//! From values of the platform to money: `backfill`, `report`, and the figures
//! in the files and in the draft of the bill.

use std::fs;

use serde_json::json;

use crate::support::fake_api::{AUDIO, FULL_HD, HD};
use crate::support::reports::units;
use crate::support::setup::Setup;

const LONG_AFTER: &str = "2031-04-20T12:00:00Z";

/// An account with these real-time minutes on 2031-03-01, rated.
async fn rated(usage: &[(&str, &[(&str, u64)])]) -> Setup {
    let setup = Setup::at(LONG_AFTER).await;
    rate(&setup, usage).await;
    setup
}

async fn rate(setup: &Setup, usage: &[(&str, &[(&str, u64)])]) {
    setup.api.list(&usage.iter().map(|(project, _)| *project).collect::<Vec<_>>());
    for (project, minutes) in usage {
        let seconds: Vec<_> =
            minutes.iter().map(|(field, minutes)| (*field, minutes * 60)).collect();
        setup.api.use_seconds(project, "2031-03-01", &seconds);
    }
    fetch_and_report(setup).await;
}

/// Fetches March, reports it, and checks that files and tables agree.
async fn fetch_and_report(setup: &Setup) {
    setup.backfill("2031-03-01", "2031-03-31").exits(0);
    setup.report("2031-03").exits(0);
    let month = setup.month("2031-03");
    month.assert_adds_up();
    let draft = "select total, unallocated from agora.bill where revision = 0";
    let total = month.total();
    assert_eq!(setup.database.rows(draft).await, [format!("({total}0000,0.000000)")]);
    let lines = "select coalesce(sum(amount), 0) from agora.bill_line";
    let lines = units(&setup.database.value(lines).await);
    assert!((lines - units(&total)).abs() <= units("0.005"), "{lines}");
    let by_project = "select project_id, round(sum(cost), 2) from agora.bill_allocation \
                      group by project_id order by project_id collate \"C\"";
    let costs = month.costs().into_iter().filter(|cost| !cost.ends_with(" 0.00"));
    let costs: Vec<_> = costs.map(|cost| format!("({})", cost.replace(' ', ","))).collect();
    let stored = setup.database.rows(by_project).await;
    let stored: Vec<_> = stored.into_iter().filter(|row| !row.ends_with(",0.00)")).collect();
    assert_eq!(stored, costs);
}

/// Makes the built-in price book without free minutes the account's.
fn without_free_minutes(setup: &mut Setup) {
    let book = include_str!("../../pricebooks/tiered-usd.toml");
    let file = setup.program.folder().join("book.toml");
    fs::write(&file, book.replace("free_minutes = 10000", "free_minutes = 0")).expect("written");
    setup.program.set("AGORA_USAGE_PRICE_BOOK", file.display().to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn c10_a_month_holds_its_own_days_alone() {
    let setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["P1"]);
    let days = [("01-31", 100), ("02-01", 200), ("02-28", 300), ("03-01", 400)];
    for (day, seconds) in days {
        setup.api.use_seconds("P1", &format!("2031-{day}"), &[(AUDIO, seconds)]);
    }
    setup.backfill("2031-01-01", "2031-03-31").exits(0);
    setup.report("2031-01..2031-03").exits(0);
    for (month, seconds) in [("2031-01", "100"), ("2031-02", "500"), ("2031-03", "400")] {
        assert_eq!(setup.month(month).rows("bill.csv")[0]["seconds"], seconds, "{month}");
    }
    let days = setup.month("2031-02").rows("projects/P1.csv");
    let days: Vec<_> = days.iter().map(|row| row["day"].as_str()).collect();
    assert_eq!(days, ["2031-02-01", "2031-02-28"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c28_a_bill_of_a_hundred_million_is_exact() {
    let setup = Setup::at(LONG_AFTER).await;
    let ids: Vec<String> = (0..40).map(|number| format!("P{number:02}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    setup.api.list(&ids);
    for id in &ids {
        for day in 1..=31 {
            setup.api.use_seconds(id, &format!("2031-03-{day:02}"), &[(HD, 2_000_000_000)]);
        }
    }
    fetch_and_report(&setup).await;
    let month = setup.month("2031-03");
    assert_eq!(month.total(), "148428143.64");
    let minutes = month.rows("bill.csv").into_iter().map(|row| row["minutes"].clone());
    let minutes = minutes.filter_map(|minutes| minutes.parse::<u64>().ok());
    assert_eq!(minutes.sum::<u64>(), 41_333_333_334);
}

#[tokio::test(flavor = "multi_thread")]
async fn c29_seconds_of_the_month_are_rounded_up_once() {
    let setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["P1"]);
    for day in ["2031-03-01", "2031-03-02", "2031-03-03"] {
        setup.api.use_seconds("P1", day, &[(AUDIO, 61)]);
    }
    fetch_and_report(&setup).await;
    let line = &setup.month("2031-03").rows("bill.csv")[0];
    assert_eq!((line["seconds"].as_str(), line["minutes"].as_str()), ("183", "4"));
}

#[tokio::test(flavor = "multi_thread")]
async fn c30_free_minutes_go_to_audio_first() {
    let setup = rated(&[("P1", &[(AUDIO, 9_000), (HD, 3_000)])]).await;
    let month = setup.month("2031-03");
    assert_eq!(month.lines(), ["audio 1: 9000, 9000, 0", "hd 1: 3000, 1000, 2000"]);
    assert_eq!(month.total(), "7.98");
    let lines = "select media, tier, seconds, minutes, free_minutes, billable_minutes, \
                 trim_scale(amount) from agora.bill_line order by media";
    let expected = ["(audio,1,540000,9000,9000,0,0)", "(hd,1,180000,3000,1000,2000,7.98)"];
    assert_eq!(setup.database.rows(lines).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn c30_free_minutes_belong_to_the_account() {
    let setup = rated(&[("A", &[(AUDIO, 6_000)]), ("B", &[(AUDIO, 6_000)])]).await;
    let month = setup.month("2031-03");
    assert_eq!(month.total(), "1.98");
    assert_eq!(month.costs(), ["A 0.99", "B 0.99"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c30_rating_again_never_grants_free_minutes_twice() {
    let mut setup = Setup::at("2031-03-11T06:00:00Z").await;
    setup.api.list(&["P1"]);
    for day in 1..=31 {
        setup.api.use_seconds("P1", &format!("2031-03-{day:02}"), &[(AUDIO, 60_000)]);
    }
    fetch_and_report(&setup).await;
    assert_eq!(setup.month("2031-03").lines(), ["audio 1: 10000, 10000, 0"]);
    assert_eq!(setup.month("2031-03").manifest()["status"], "in_progress");
    setup.now(LONG_AFTER);
    fetch_and_report(&setup).await;
    assert_eq!(setup.month("2031-03").lines(), ["audio 1: 31000, 10000, 21000"]);
    assert_eq!(setup.month("2031-03").total(), "20.79");
    let drafts = "select revision, status from agora.bill";
    assert_eq!(setup.database.rows(drafts).await, ["(0,complete)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c31_half_a_cent_is_rounded_up_and_only_the_total_is() {
    let setup = rated(&[("P1", &[(AUDIO, 10_000), (FULL_HD, 1_500)])]).await;
    let month = setup.month("2031-03");
    assert_eq!(month.total(), "13.49");
    assert_eq!(month.manifest()["exact_total"], "13.485000000000");
    let bill = month.rows("bill.csv");
    let rounding = bill.iter().find(|row| row["service"] == "rounding").expect("rounding");
    assert_eq!(rounding["amount"], "0.005000000000");
}

#[tokio::test(flavor = "multi_thread")]
async fn c32_discounts_apply_inside_their_tier() {
    let setup = rated(&[("P1", &[(AUDIO, 112_000)])]).await;
    assert_eq!(setup.month("2031-03").total(), "100.88");
    let setup = rated(&[("P1", &[(AUDIO, 610_000)])]).await;
    let month = setup.month("2031-03");
    let lines = [
        "audio 1: 110000, 10000, 100000",
        "audio 2: 400000, 0, 400000",
        "audio 3: 100000, 0, 100000",
    ];
    assert_eq!(month.lines(), lines);
    let assumptions = month.manifest()["assumptions"].clone();
    let keys = assumptions.as_array().expect("list").iter().map(|assumption| &assumption["key"]);
    assert_eq!(json!(keys.collect::<Vec<_>>()), json!(["tier_edge", "rates"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn c33_cents_go_to_the_largest_remainder_and_then_to_the_smaller_id() {
    let mut setup = Setup::at(LONG_AFTER).await;
    without_free_minutes(&mut setup);
    setup.api.list(&["c", "B", "a"]);
    for id in ["c", "B", "a"] {
        setup.api.use_seconds(id, "2031-03-01", &[(HD, 520)]);
    }
    fetch_and_report(&setup).await;
    let month = setup.month("2031-03");
    assert_eq!(month.lines(), ["hd 1: 26, 0, 26"]);
    assert_eq!(month.total(), "0.10");
    assert_eq!(month.costs(), ["B 0.04", "a 0.03", "c 0.03"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c35_sd_is_billed_as_hd() {
    let mut setup = Setup::at(LONG_AFTER).await;
    setup.use_v1();
    without_free_minutes(&mut setup);
    setup.api.list(&["P1"]);
    let minutes = json!({ "audio": 0, "sd": 30, "hd": 20, "hdp": 0 });
    setup.api.use_minutes("P1", "2031-03-01", minutes);
    fetch_and_report(&setup).await;
    let month = setup.month("2031-03");
    assert_eq!(month.lines(), ["hd 1: 50, 0, 50"]);
    assert_eq!(month.total(), "0.20");
    let days = month.rows("projects/P1.csv");
    assert_eq!((days[0]["sd_seconds"].as_str(), days[0]["hd_seconds"].as_str()), ("1800", "1200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_and_its_price_book_follow_the_settings() {
    let mut setup = Setup::at(LONG_AFTER).await;
    setup.program.set("AGORA_USAGE_PLAN", "fixed");
    rate(&setup, &[("P1", &[(AUDIO, 10_000), ("durationVideoHdp", 1_000)])]).await;
    let month = setup.month("2031-03");
    assert_eq!(month.total(), "14.99");
    assert_eq!(month.manifest()["book"]["name"], "fixed-usd");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_price_book_of_the_month_is_taken_and_its_terms_reach_files_and_tables() {
    let mut setup = Setup::at(LONG_AFTER).await;
    let book = "name = 'contract'\nextends = 'standard-usd'\nvalid_from = '2031-03'\n\
                package = 'Starter'\ndiscount_percent = '10'\ntax_percent = '19'\n";
    fs::write(setup.program.folder().join("contract.toml"), book).expect("written");
    let until = "name = 'old'\nextends = 'fixed-usd'\nvalid_to = '2031-01'\n";
    fs::write(setup.program.folder().join("old.toml"), until).expect("written");
    setup.program.set("AGORA_USAGE_PRICE_BOOKS", "old.toml,contract.toml");
    setup.api.list(&["P1", "P2"]);
    setup.api.use_seconds("P1", "2031-03-01", &[(AUDIO, 60_000 * 60)]);
    setup.backfill("2031-02-01", "2031-03-31").exits(0);
    let printed = ["package Starter", "discount of 10 % on all usage", "tax of 19 %"];
    setup.report("2031-03").exits(0).says(&printed);

    // 45.99 and 10,000 x 0.00099, less 10 %, plus 19 %: 59.85819.
    let month = setup.month("2031-03");
    assert_eq!(month.total(), "59.86");
    assert_eq!(month.costs(), ["P1 59.86", "P2 0.00"]);
    month.assert_adds_up();
    let first: Vec<_> = month.rows("bill.csv").iter().map(|row| row["service"].clone()).collect();
    let rows = ["rtc", "package", "overage", "discount", "tax", "rounding", "total"];
    assert_eq!(first, rows);
    let stored = "select kind, service, trim_scale(coefficient), trim_scale(amount) \
                  from agora.bill_line order by amount desc";
    let expected = [
        "(package,\"\",,45.99)",
        "(overage,\"\",,9.9)",
        "(tax,\"\",,9.55719)",
        "(usage,rtc,1,0)",
        "(discount,\"\",,-5.589)",
    ];
    assert_eq!(setup.database.rows(stored).await, expected);
    let said = "no price book holds for account 'default' in 2031-02; there are: 'old'";
    setup.report("2031-02").exits(78).says(&[said, "hint: add a book for the month"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_range_of_the_total_is_printed_and_stored_with_each_assumption() {
    let setup = rated(&[("P1", &[(AUDIO, 80_000), ("durationVideo4K", 60_000)])]).await;
    let said = [
        "assumed tier_fill = cheapest_first: Agora does not say",
        "Read otherwise: USD 2,174.72 to USD 2,227.22.",
        "all readings together: USD 2,174.69 to USD 2,227.22",
    ];
    setup.report("2031-03").exits(0).says(&said);
    let manifest = setup.month("2031-03").manifest();
    assert_eq!(
        (&manifest["total_low"], &manifest["total_high"]),
        (&json!("2174.69"), &json!("2227.22"))
    );
    assert_eq!(manifest["assumptions"][0]["high"], "2227.22");
    let stored = "select plan, trim_scale(total_low), trim_scale(total_high), \
                  assumptions->0->>'key', assumptions->0->>'low' from agora.bill";
    let expected = "(tiered,2174.69,2227.22,tier_fill,2174.72)";
    assert_eq!(setup.database.rows(stored).await, [expected]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_without_usage_is_a_bill_of_nothing() {
    let setup = rated(&[("P1", &[])]).await;
    let month = setup.month("2031-03");
    assert_eq!((month.total().as_str(), month.lines().len()), ("0.00", 0));
    assert_eq!(month.costs(), ["P1 0.00"]);
    assert_eq!(month.manifest()["coverage"]["absent_cells"], 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_contract_charges_stands_on_the_bill_and_in_its_explanation() {
    let mut setup = Setup::at("2031-04-20T12:00:00Z").await;
    setup.api.list(&["P1"]);
    setup.api.use_seconds("P1", "2031-03-10", &[(AUDIO, 6_000_000)]);
    setup.backfill("2031-03-01", "2031-03-31").exits(0);
    let book = setup.program.folder().join("contract.toml");
    let text = "extends = 'tiered-usd'\nname = 'contract'\ndiscount_percent = '12.5'\n\
                minimum_commitment = '500.00'\ntax_percent = '19'\n";
    std::fs::write(&book, text).expect("written");
    setup.program.set("AGORA_USAGE_PRICE_BOOK", book.display().to_string());
    let csv = setup.run(&["bill", "show", "--month", "2031-03", "--output", "csv"]).exits(0).stdout;
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let rows: Vec<(String, String)> = reader
        .records()
        .map(|row| row.expect("a row"))
        .map(|row| (row[3].to_owned(), row[11].to_owned()))
        .collect();
    // By hand: 100,000 minutes less 10,000 free ones at 0.99 a thousand, less an eighth,
    // raised to 500, and 19 % of that.
    let expected = [
        ("rtc", "89.100000000000"),
        ("discount", "-11.137500000000"),
        ("commitment", "422.037500000000"),
        ("tax", "95.000000000000"),
        ("rounding", "0.000000000000"),
        ("total", "595.00"),
    ];
    let expected = expected.map(|(name, amount)| (name.to_owned(), amount.to_owned()));
    assert_eq!(rows, expected);
    setup.run(&["bill", "explain", "--month", "2031-03"]).exits(0).says(&[
        "all lines together 89.1",
        "discount of 12.5 % on all usage = -11.1375",
        "tax of 19 % = 95",
    ]);
    let json = ["bill", "show", "--month", "2031-03", "--output", "json"];
    let bill: serde_json::Value =
        serde_json::from_str(&setup.run(&json).exits(0).stdout).expect("JSON");
    let kinds: Vec<&str> = bill[0]["charges"]
        .as_array()
        .expect("charges")
        .iter()
        .filter_map(|charge| charge["kind"].as_str())
        .collect();
    assert_eq!(kinds, ["discount", "commitment", "tax"]);
}
