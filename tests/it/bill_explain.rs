//! `bill explain`: its output is enough to compute the bill again by hand.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{ToPrimitive, Zero};
use serde_json::Value;

use crate::support::fake_api::{AUDIO, FULL_HD, HD};
use crate::support::reports::units;
use crate::support::setup::Setup;

const FINAL: &str = "2031-04-20T12:00:00Z";

/// Three projects over two days, one day restated.
async fn march() -> Setup {
    let mut setup = Setup::at("2031-04-10T12:00:00Z").await;
    setup.api.list(&["P1", "P2", "P3"]);
    setup.api.use_seconds("P1", "2031-03-01", &[(AUDIO, 6_600_061), (HD, 12_345)]);
    setup.api.use_seconds("P1", "2031-03-02", &[(FULL_HD, 77_777)]);
    setup.api.use_seconds("P2", "2031-03-01", &[(HD, 52_007), (FULL_HD, 11)]);
    setup.api.use_seconds("P3", "2031-03-02", &[(HD, 52_007)]);
    setup.backfill("2031-03-01", "2031-03-31").exits(0);
    setup.now(FINAL);
    setup.api.use_seconds("P1", "2031-03-02", &[(FULL_HD, 88_888)]);
    setup.run(&["backfill", "--from", "2031-03-01", "--to", "2031-03-31", "--again"]).exits(0);
    setup
}

fn explained(setup: &Setup, flags: &[&str]) -> Value {
    let arguments = ["bill", "explain", "--month", "2031-03", "--output", "json"];
    let outcome = setup.run(&[&arguments, flags].concat()).exits(0);
    serde_json::from_str(&outcome.stdout).expect("JSON")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

fn whole(value: &Value) -> i128 {
    text(value).parse().unwrap_or_else(|_| panic!("no number: {value}"))
}

fn decimal(value: &Value) -> BigRational {
    BigRational::new(units(text(value)).into(), BigInt::from(10).pow(12))
}

fn fraction(value: &Value) -> BigRational {
    text(value).parse().expect("a fraction")
}

fn ratio(numerator: i128, denominator: i128) -> BigRational {
    BigRational::new(numerator.into(), denominator.into())
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("no list: {value}"))
}

/// From seconds to the total, by the printed inputs alone.
fn check_lines(bill: &Value) {
    let mut exact_total = BigRational::zero();
    for line in list(&bill["lines"]) {
        let mut minutes = 0;
        for source in list(&line["sources"]) {
            let rounded_up = (whole(&source["seconds"]) + 59) / 60;
            assert_eq!(rounded_up, whole(&source["minutes"]), "{source}");
            minutes += rounded_up;
        }
        let mut amount = BigRational::zero();
        for tier in list(&line["tiers"]) {
            let billable = whole(&tier["minutes"]) - whole(&tier["free_minutes"]);
            assert_eq!(billable, whole(&tier["billable_minutes"]), "{tier}");
            let cost = ratio(billable, 1_000) * decimal(&tier["unit_price_per_1000"]);
            assert_eq!(cost, decimal(&tier["amount"]), "{tier}");
            amount += cost;
            minutes -= whole(&tier["minutes"]);
        }
        assert_eq!(minutes, 0, "{line}");
        assert_eq!(amount, decimal(&line["amount"]), "{line}");
        exact_total += amount;
    }
    assert_eq!(exact_total, decimal(&bill["exact_total"]));
    let total = exact_total + decimal(&bill["rounding"]);
    assert_eq!(total, decimal(&bill["rated_total"]));
    let half_a_cent = ratio(1, 200);
    let rounding = decimal(&bill["rounding"]);
    assert!(-half_a_cent.clone() < rounding && rounding <= half_a_cent);
}

/// A split done again from its exact costs.
fn check_split(split: &Value, units_in_one: i128) {
    let parts = list(&split["parts"]);
    let total = whole(&split["units"]);
    let whole_cost: BigRational = parts.iter().map(|part| fraction(&part["exact_cost"])).sum();
    let exact: Vec<BigRational> = parts
        .iter()
        .map(|part| ratio(total, 1) * fraction(&part["exact_cost"]) / &whole_cost)
        .collect();
    let mut given: Vec<i128> =
        exact.iter().map(|exact| exact.to_integer().to_i128().expect("small")).collect();
    let left = total - given.iter().sum::<i128>();
    assert_eq!(left, whole(&split["units_left"]));
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by(|one, other| exact[*other].fract().cmp(&exact[*one].fract()));
    for at in order.into_iter().take(usize::try_from(left).expect("few")) {
        given[at] += 1;
        assert_eq!(parts[at]["has_extra_unit"], true);
    }
    for (part, (given, exact)) in parts.iter().zip(given.iter().zip(&exact)) {
        assert_eq!(ratio(*given, units_in_one), decimal(&part["cost"]), "{part}");
        assert_eq!(*exact, fraction(&part["exact_units"]), "{part}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_can_be_done_again_by_hand() {
    let setup = march().await;
    setup.report("2031-03").exits(0);
    let bill = explained(&setup, &["--project", "P1", "--day", "2031-03-01"]);
    check_lines(&bill);
    check_split(&bill["projects"], 100);
    check_split(&bill["project"]["days"], 1_000_000);
    check_split(&bill["project"]["day"]["lines"], 1_000_000);

    // The split's exact costs follow from the lines and the seconds of the values.
    let rate = |media: &str| {
        let lines = list(&bill["lines"]);
        let line = lines.iter().find(|line| line["media"] == media).expect("a line");
        decimal(&line["amount"]) / ratio(whole(&line["seconds"]), 1)
    };
    let day = &list(&bill["project"]["days"]["parts"])[0];
    let values = list(&bill["project"]["values"]);
    assert_eq!(values.len(), 1);
    let seconds = &values[0]["seconds"];
    let cost: BigRational = ["audio", "hd"]
        .iter()
        .map(|media| rate(media) * ratio(seconds[*media].as_i64().expect("seconds").into(), 1))
        .sum();
    assert_eq!(cost, fraction(&day["exact_cost"]));

    // And the figures are those of the report.
    let month = setup.month("2031-03");
    assert_eq!(bill["total"], Value::from(month.total()));
    let costs: Vec<String> = list(&bill["projects"]["parts"])
        .iter()
        .map(|part| format!("{} {}", text(&part["project_id"]), text(&part["cost"])))
        .collect();
    assert_eq!(costs, month.costs());
    let of_day = &month.rows("projects/P1.csv")[0]["cost"];
    assert_eq!(Value::from(of_day.as_str()), day["cost"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_values_behind_a_cost_come_with_their_history_and_requests() {
    let setup = march().await;
    let bill = explained(&setup, &["--project", "P1", "--day", "2031-03-02", "--service", "rtc"]);
    let values = list(&bill["project"]["values"]);
    let told: Vec<_> = values
        .iter()
        .map(|value| (value["seconds"]["full_hd"].clone(), value["is_billed"].clone()))
        .collect();
    assert_eq!(told, [(77_777.into(), false.into()), (88_888.into(), true.into())]);
    for value in values {
        let id = value["request"].as_i64().expect("a number");
        let log = format!("select project_id from agora.sync_request where request_id = {id}");
        assert_eq!(setup.database.value(&log).await, "P1");
        let path = "GET /dev/v3/usage?project_id=P1&from_date=2031-03-01&to_date=2031-03-31\
                    &business=default";
        assert_eq!(text(&value["path"]), path);
    }
    assert!(values[0]["superseded_at"].is_string() && values[1]["superseded_at"].is_null());
    let only_hd = explained(&setup, &["--media", "hd"]);
    assert_eq!(list(&only_hd["lines"]).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_bill_is_explained_from_the_values_of_then() {
    let setup = march().await;
    setup.run(&["bill", "close", "--month", "2031-03"]).exits(0);
    setup.api.use_seconds("P1", "2031-03-02", &[(FULL_HD, 99_999)]);
    setup.run(&["backfill", "--from", "2031-03-01", "--to", "2031-03-31", "--again"]).exits(0);
    let bill = explained(&setup, &["--project", "P1", "--day", "2031-03-02"]);
    assert_eq!(bill["revision"], 1);
    check_lines(&bill);
    let values = list(&bill["project"]["values"]);
    let billed: Vec<_> = values.iter().filter(|value| value["is_billed"] == true).collect();
    assert_eq!((values.len(), billed.len()), (3, 1));
    assert_eq!(billed[0]["seconds"]["full_hd"], 88_888);
    let fresh = explained(&setup, &["--revision", "0"]);
    assert_ne!(fresh["total"], bill["total"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_reads_well() {
    let setup = march().await;
    setup.run(&["tag", "set", "P1", "cost_centre=ops"]).exits(0);
    let adjust = ["bill", "adjust", "--month", "2031-03", "--amount", "-2", "--reason", "outage"];
    setup.run(&[&adjust[..], &["--cost-centre", "ops"]].concat()).exits(0);
    let arguments = ["bill", "explain", "--project", "P1", "--day", "2031-03-01"];
    let outcome = setup.run(&arguments).exits(0);
    let lines = outcome.stdout.lines();
    let before_times =
        |line: &'_ str| line.split(" 2031-04-").next().unwrap_or_default().to_owned();
    let stable = lines.map(before_times).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!("explained", stable);
    setup.run(&["bill", "explain", "--day", "2031-03-01"]).exits(2);
    setup.run(&["bill", "explain", "--project", "nobody"]).exits(1).says(&["not known"]);
    let other = ["bill", "explain", "--month", "2031-02", "--project", "P1", "--day", "2031-03-01"];
    setup.run(&other).exits(2).says(&["not a day of 2031-02"]);
}
