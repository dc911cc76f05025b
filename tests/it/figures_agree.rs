//! Every format says the same, to the millionth of the currency and to the second.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::support::fake_api::{AUDIO, FULL_HD, HD, project};
use crate::support::reports::contents;
use crate::support::setup::Setup;

/// Python with readers of other people's code; made once, quick when it is there.
static READERS: LazyLock<PathBuf> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = Path::new(env!("CARGO_BIN_EXE_agora-usage")).ancestors().nth(2).expect("target");
    let folder = target.join("readers");
    let made = Command::new(root.join("scripts/get-readers")).arg(&folder).output();
    let made = made.expect("started");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    folder.join("bin/python")
});

/// Rows of a view as JSON, every value as text.
async fn rows(setup: &Setup, columns: &[&str], from: &str) -> Value {
    let pairs: Vec<_> = columns.iter().map(|name| format!("'{name}', {name}::text")).collect();
    let pairs = pairs.join(", ");
    let array = format!("coalesce(json_agg(json_build_object({pairs})), '[]')::text");
    // In hexadecimal digits, which no quoting changes.
    let sql = format!("select encode(convert_to({array}, 'UTF8'), 'hex') from {from}");
    let digits = setup.database.value(&sql).await;
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("digits");
    let bytes: Vec<u8> = (0..digits.len()).step_by(2).map(byte).collect();
    serde_json::from_slice(&bytes).expect("JSON")
}

/// What the views say of a month.
async fn views(setup: &Setup, month: &str) -> Value {
    let in_month = format!("date_trunc('month', day) = '{month}-01'");
    let daily = format!("agora.project_cost_daily where {in_month}");
    let media = format!("agora.cost_by_media_daily where {in_month}");
    let monthly = format!("agora.project_cost_monthly where month = '{month}-01'");
    let total = format!("select amount_due from agora.bill_in_force where month = '{month}-01'");
    json!({
        "total": setup.database.value(&total).await,
        "monthly": rows(setup, &["project_id", "cost"], &monthly).await,
        "daily": rows(setup, &["project_id", "day", "service", "cost"], &daily).await,
        "media": rows(setup, &["project_id", "day", "service", "media", "seconds", "cost"], &media).await,
    })
}

async fn assert_readers_agree(setup: &Setup, month: &str) {
    let path = setup.program.folder().join("views.json");
    fs::write(&path, views(setup, month).await.to_string()).expect("written");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/independent/figures_agree.py");
    let folder = setup.month(month).path("");
    let outcome = Command::new(&*READERS).args([&script, &folder, &path]).output();
    let outcome = outcome.expect("started");
    let said = String::from_utf8_lossy(&outcome.stderr);
    assert!(outcome.status.success(), "{said}{}", String::from_utf8_lossy(&outcome.stdout));
}

/// Names that could break a format, two months, every price tier, an id that is no file name.
async fn account() -> Setup {
    let setup = Setup::at("2031-04-20T12:00:00Z").await;
    let names = [
        ("P1", "a,b \"c\"\n<script>alert(1)</script> & <b>"),
        ("P2", "=1+1"),
        ("p2", "测试 🎤 {{ 7 * 7 }}"),
        ("idle/..", "@idle"),
    ];
    setup.api.list_bodies(names.iter().map(|(id, name)| project(id, name)).collect());
    for (day, factor) in (1..=28).zip([7, 11, 13, 17, 1, 2, 3].into_iter().cycle()) {
        for month in ["2031-02", "2031-03"] {
            let day = format!("{month}-{day:02}");
            setup.api.use_seconds("P1", &day, &[(AUDIO, factor * 777_777), (HD, factor * 61)]);
            setup.api.use_seconds("P2", &day, &[(FULL_HD, factor * 9_999), (AUDIO, 1)]);
            setup.api.use_seconds("p2", &day, &[(HD, factor * 123_456)]);
        }
    }
    setup.backfill("2031-02-01", "2031-03-31").exits(0);
    setup
}

#[tokio::test(flavor = "multi_thread")]
async fn every_format_and_view_has_the_same_figures() {
    let setup = account().await;
    let report = ["report", "--month", "2031-02..2031-03", "--format", "all", "--by", "project"];
    setup.run(&report).exits(0);
    for month in ["2031-02", "2031-03"] {
        assert_readers_agree(&setup, month).await;
    }
}

/// Every file of a month with its bytes, by path.
fn bytes_of(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(bytes_of(&path));
        } else {
            files.insert(path.clone(), fs::read(&path).expect("read"));
        }
    }
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn they_agree_with_charges_and_adjustments_and_stay_when_the_month_is_closed() {
    let mut setup = account().await;
    let book = "extends = 'tiered-usd'\nname = 'contract'\ndiscount_percent = '12.5'\n\
                minimum_commitment = '200'\ntax_percent = '19'\n";
    let file = setup.program.folder().join("contract.toml");
    fs::write(&file, book).expect("written");
    setup.program.set("AGORA_USAGE_PRICE_BOOK", file.display().to_string());
    setup.run(&["tag", "set", "P1", "cost_centre=ops"]).exits(0);
    let adjust = ["bill", "adjust", "--month", "2031-03", "--reason", "=an outage, \"again\""];
    setup.run(&[&adjust[..], &["--amount", "-12.34"]].concat()).exits(0);
    setup.run(&[&adjust[..], &["--amount", "5.01", "--project", "P2"]].concat()).exits(0);
    setup.run(&[&adjust[..], &["--amount", "-0.99", "--cost-centre", "ops"]].concat()).exits(0);
    let report = ["report", "--month", "2031-03", "--format", "all", "--by", "cost_centre,media"];
    setup.run(&report).exits(0);
    assert_readers_agree(&setup, "2031-03").await;
    let by_media = setup.month("2031-03").text("by_media.csv");
    assert!(by_media.contains("(adjustments)"), "{by_media}");

    setup.run(&["bill", "close", "--month", "2031-03"]).exits(0);
    setup.run(&report).exits(0);
    assert_readers_agree(&setup, "2031-03").await;
    let folder = setup.month("2031-03").path("");
    let closed = bytes_of(&folder);
    assert!(closed.keys().any(|path| path.ends_with("r1/report.xlsx")), "{:?}", closed.keys());
    setup.now("2031-05-02T12:00:00Z");
    // The month before and the month itself are restated, a name and a tag change.
    for month in ["2031-02", "2031-03"] {
        setup.api.use_seconds("P1", &format!("{month}-10"), &[(AUDIO, 12_345_678)]);
    }
    setup.backfill_again("2031-02-10", "2031-02-10");
    setup.backfill_again("2031-03-10", "2031-03-10");
    setup.run(&["tag", "set", "P1", "cost_centre=sales"]).exits(0);
    setup.run(&report).exits(0).says(&["changes since the close"]);
    let later = bytes_of(&folder);
    let changed: Vec<_> =
        closed.iter().filter(|(path, bytes)| later.get(*path) != Some(*bytes)).collect();
    let changed: Vec<_> = changed.into_iter().map(|(path, _)| path).collect();
    assert!(changed.is_empty() && later.len() == closed.len(), "{changed:?}");
    assert_readers_agree(&setup, "2031-03").await;

    setup.run(&["bill", "close", "--month", "2031-03", "--revise"]).exits(0);
    setup.run(&report).exits(0);
    assert_readers_agree(&setup, "2031-03").await;
    let page = setup.month("2031-03").text("report.html");
    assert!(page.contains("12,345,678") || page.contains("12345678"), "the change is on the page");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_under_way_tells_what_lies_ahead() {
    let setup = Setup::at("2031-03-30T12:00:00Z").await;
    setup.api.list(&["P1", "P2"]);
    let days = (1..=28).map(|day| format!("2031-02-{day:02}"));
    for day in days.chain((1..=29).map(|day| format!("2031-03-{day:02}"))) {
        let seconds = if day == "2031-03-29" { 9_000_000 } else { 90_000 };
        setup.api.use_seconds("P1", &day, &[(AUDIO, 720_000), (HD, seconds)]);
    }
    setup.backfill("2031-02-01", "2031-03-29").exits(0);
    setup.run(&["budget", "set", "1234.56"]).exits(0);
    setup.run(&["budget", "set", "600", "--project", "P1"]).exits(0);
    setup.run(&["bill", "compare", "--month", "2031-02"]).exits(0);
    setup.run(&["forecast"]).exits(0);
    setup.run(&["report", "--month", "2031-03", "--format", "all"]).exits(0);
    assert_readers_agree(&setup, "2031-03").await;
    let page = setup.month("2031-03").text("report.html");
    for said in [
        "What lies ahead",
        "data-exact=\"1234.56\"",
        "project P1",
        "2031-03-29",
        "rtc hd",
        "data-plan=\"standard-usd, package Pro\"",
        "2031-02 to 2031-02",
    ] {
        assert!(page.contains(said), "{said}");
    }
    let json = setup.month("2031-03").text("report.json");
    let report: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(report["ahead"]["budgets"][0]["amount"], "1234.56");
    assert_eq!(report["ahead"]["odd_days"][0]["project_id"], "P1");
    let end = &report["ahead"]["month_end"];
    assert!(report["forecast"].is_string() && end["expected"] == report["forecast"], "{end}");
    let [expected, low, high] =
        ["expected", "low", "high"].map(|name| end[name].as_str().expect("an amount"));
    let foretold = format!("{expected} is expected; {low} to {high} holds about 80 %");
    // 13,500 minutes a day of P1: the free ones are gone on the first.
    assert_eq!(report["ahead"]["first_billed_day"], "2031-03-01");
    let included = "The included minutes were used up on 2031-03-01.";
    let plans = report["ahead"]["plans"].as_array().expect("plans");
    let turns = |plan: &&Value| plan["break_even_percent"].is_number();
    let turn = plans.iter().find(turns).expect("a plan that gets cheaper");
    let (percent, minutes) = (&turn["break_even_percent"], &turn["break_even_minutes_a_month"]);
    let turn = format!("{percent} % ({} minutes a month)", minutes.as_str().expect("a number"));
    let workbook = contents(&setup.month("2031-03").path("report.xlsx"));
    // Thousands are set apart there.
    let [page, workbook] = [page, workbook].map(|text| text.replace(',', ""));
    for said in [foretold.as_str(), included, &turn] {
        assert!(page.contains(said) && workbook.contains(said), "{said}");
    }
    // Of a month that is over nothing lies ahead.
    setup.run(&["report", "--month", "2031-02", "--format", "html"]).exits(0);
    assert!(!setup.month("2031-02").text("report.html").contains("What lies ahead"));
}

#[tokio::test(flavor = "multi_thread")]
async fn they_agree_on_a_month_with_missing_days_and_on_one_without_usage() {
    let setup = Setup::at("2031-04-20T12:00:00Z").await;
    setup.api.list(&["P1"]);
    setup.api.use_seconds("P1", "2031-03-02", &[(AUDIO, 777_777_777)]);
    setup.backfill("2031-02-01", "2031-03-20").exits(0);
    setup.run(&["report", "--month", "2031-02..2031-03", "--format", "all"]).exits(3);
    for month in ["2031-02", "2031-03"] {
        assert_readers_agree(&setup, month).await;
    }
    let page = setup.month("2031-03").text("report.html");
    assert!(page.contains("11 of 31 days missing, wholly or in part"), "{page}");
    assert!(page.contains("<td class=\"number\">missing</td>"), "{page}");
}
