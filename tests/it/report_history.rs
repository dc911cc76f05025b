//! `report`: the months before the reported one, each by its own bill, book and adjustments.

use std::fs;

use serde_json::{Value, json};

use crate::support::fake_api::{AUDIO, HDP};
use crate::support::program::Outcome;
use crate::support::reports::{files_below, units};
use crate::support::setup::Setup;

/// 1,000.00 in the units of [`units`].
const THOUSAND: i128 = 1_000_000_000_000_000;

const LATER: &str = "2031-04-20T12:00:00Z";

fn book(setup: &Setup, name: &str, lines: &str, audio: &str) {
    let text = format!(
        "name = '{name}'\nextends = 'tiered-usd'\n{lines}\n[prices.rtc]\naudio = '{audio}'\n"
    );
    fs::write(setup.program.folder().join(format!("{name}.toml")), text).expect("written");
}

/// The same 60,000 minutes of audio in February and March; from March on they cost twice as much.
async fn dearer_from_march() -> Setup {
    let mut setup = Setup::at(LATER).await;
    book(&setup, "old", "valid_to = '2031-02'", "0.99");
    book(&setup, "new", "valid_from = '2031-03'", "1.98");
    setup.program.set("AGORA_USAGE_PRICE_BOOKS", "old.toml,new.toml");
    setup.api.list(&["P1", "P2"]);
    for month in ["2031-02", "2031-03"] {
        setup.api.use_seconds("P1", &format!("{month}-05"), &[(AUDIO, 2_400_000)]);
        setup.api.use_seconds("P2", &format!("{month}-06"), &[(AUDIO, 1_200_000)]);
    }
    setup.backfill("2031-02-01", "2031-03-31").exits(0);
    setup
}

/// The files of March, and the report as JSON.
fn march(setup: &Setup) -> Value {
    setup.run(&["report", "--month", "2031-03", "--format", "all"]).exits(0);
    serde_json::from_str(&setup.month("2031-03").text("report.json")).expect("JSON")
}

fn of_february(setup: &Setup, arguments: &[&str]) -> Outcome {
    setup.run(&[arguments, &["--month", "2031-02"]].concat()).exits(0)
}

fn effects(report: &Value) -> Value {
    report["change"]["effects"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_price_is_price_and_the_month_before_costs_what_it_did() {
    let setup = dearer_from_march().await;
    let report = march(&setup);
    assert_eq!(report["total"], "99.00");
    assert_eq!(report["change"]["total_of_month_before"], "49.50");
    let expected = json!({
        "volume": "0.00", "mix": "0.00", "price": "59.40", "free_minutes": "-9.90",
        "charges": "0.00", "adjustments": "0.00",
    });
    assert_eq!(effects(&report), expected);
    assert_eq!(report["trend"][0]["total"], "49.50");
    assert_eq!(report["trend"][0]["costs"]["audio"], "49.500000");
    assert_eq!(report["projects"][0]["cost_of_month_before"], "33.00");
    // February was never reported itself, which a later report must not depend on.
    assert_eq!(report["trend"][0]["status"], Value::Null);
    let page = setup.month("2031-03").text("report.html");
    assert!(page.contains("<td>n&#x2f;a</td>") && !page.contains("not reported"));
}

#[tokio::test(flavor = "multi_thread")]
async fn adjustments_stand_on_both_sides_of_a_change() {
    let setup = dearer_from_march().await;
    of_february(&setup, &["bill", "adjust", "--amount", "-10", "--reason", "x"]);
    let charge = ["bill", "adjust", "--month", "2031-03", "--reason", "y", "--project", "P2"];
    setup.run(&[&charge[..], &["--amount", "4"]].concat()).exits(0);
    let report = march(&setup);
    assert_eq!(report["change"]["total_of_month_before"], "39.50");
    assert_eq!(report["change"]["change"], "63.50");
    assert_eq!(
        (&effects(&report)["adjustments"], &effects(&report)["price"]),
        (&"14.00".into(), &"59.40".into())
    );
    let totals = |at: usize| report["trend"][at]["total"].clone();
    assert_eq!((totals(0), totals(1)), ("39.50".into(), "103.00".into()));
    // 33.00 less 6.67, and 16.50 less 3.33.
    let before = |at: usize| report["projects"][at]["cost_of_month_before"].clone();
    assert_eq!((before(0), before(1)), ("26.33".into(), "13.17".into()));
    assert_eq!(report["by_media"][1]["key"], "(adjustments)");
    assert_eq!(report["by_media"][1]["cost_of_month_before"], "-10.000000");
    let answer = setup.report("2031-02");
    answer.exits(0);
    let asked = setup.run(&["query", "cost_by_month", "--output", "csv"]).exits(0).stdout;
    assert!(
        asked.contains("2031-02,39.50,") && asked.contains("2031-03,103.00,63.50,160.8,"),
        "{asked}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_month_is_told_by_its_bill_whatever_the_settings_say_now() {
    let mut setup = dearer_from_march().await;
    of_february(&setup, &["bill", "adjust", "--amount", "-10", "--reason", "x"]);
    of_february(&setup, &["bill", "close"]);
    setup.now("2031-04-21T12:00:00Z");
    of_february(&setup, &["bill", "adjust", "--amount", "-7", "--reason", "after the close"]);
    setup.api.use_seconds("P1", "2031-02-20", &[(AUDIO, 6_000_000)]);
    setup.backfill_again("2031-02-20", "2031-02-20");
    book(&setup, "old", "valid_to = '2031-02'", "5.55");
    let report = march(&setup);
    assert_eq!(report["change"]["total_of_month_before"], "39.50");
    assert_eq!(report["trend"][0]["total"], "39.50");
    assert_eq!(report["trend"][0]["status"], "complete");
    assert_eq!(report["trend"][0]["costs"]["audio"], "49.500000");
    assert_eq!(effects(&report)["price"], "59.40");

    of_february(&setup, &["bill", "close", "--revise"]);
    let revised = march(&setup)["trend"][0]["total"].clone();
    assert_ne!(revised, "39.50");
    let manifest = of_february(&setup, &["bill", "show", "--output", "json"]).stdout;
    let shown: Value = serde_json::from_str(&manifest).expect("JSON");
    assert_eq!(revised, shown[0]["total"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_a_closed_month_do_not_follow_what_becomes_of_the_month_before() {
    let mut setup = dearer_from_march().await;
    // Every run begins at the time that is set, so that a short one could close before
    // the time at which a long one stored.
    setup.now("2031-04-20T13:00:00Z");
    setup.run(&["bill", "close", "--month", "2031-03"]).exits(0);
    let report = march(&setup);
    assert_eq!(effects(&report)["price"], "59.40");
    let files = files_below(&setup.reports().join("default/2031-03"));
    setup.now("2031-04-21T12:00:00Z");
    of_february(&setup, &["report"]);
    of_february(&setup, &["bill", "adjust", "--amount", "-10", "--reason", "x"]);
    of_february(&setup, &["bill", "close"]);
    march(&setup);
    let later = files_below(&setup.reports().join("default/2031-03"));
    let changed: Vec<_> = files.keys().filter(|path| files[*path] != later[*path]).collect();
    assert!(changed.is_empty(), "{changed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_range_of_totals_has_the_adjustments_that_the_total_has() {
    let setup = Setup::at(LATER).await;
    setup.api.list(&["P1"]);
    setup.api.use_seconds("P1", "2031-03-05", &[(HDP, 6_000_000)]);
    setup.backfill("2031-03-01", "2031-03-31").exits(0);
    march(&setup);
    let range = |of: &Value| (units_of(&of["total_low"]), units_of(&of["total_high"]));
    let (low, high) = range(&setup.month("2031-03").manifest());
    assert!(low < high);
    let charge = ["bill", "adjust", "--month", "2031-03", "--amount", "1000", "--reason", "x"];
    setup.run(&charge).exits(0);
    let report = march(&setup);
    let manifest = setup.month("2031-03").manifest();
    assert_eq!(range(&manifest), (low + THOUSAND, high + THOUSAND));
    let (low, high) = (&manifest["total_low"], &manifest["total_high"]);
    assert_eq!((low, high), (&report["total_range"]["low"], &report["total_range"]["high"]));
    let words = |value: &Value| value.as_str().expect("text").to_owned();
    let page = setup.month("2031-03").text("report.html").replace(',', "");
    assert!(page.contains(&format!("{} to {}", words(low), words(high))), "{page}");
    let said = setup.report("2031-03").exits(0).stdout.replace(',', "");
    assert!(said.contains(&format!("USD {} to USD {}", words(low), words(high))), "{said}");
    let open = manifest["assumptions"].as_array().expect("a list").iter();
    let lows: Vec<_> = open.map(|one| units_of(&one["low"])).collect();
    assert!(!lows.is_empty() && lows.iter().all(|low| *low >= THOUSAND), "{lows:?}");
}

fn units_of(value: &Value) -> i128 {
    units(value.as_str().expect("text"))
}
