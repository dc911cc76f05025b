//! `bill compare`: past months under every plan.

use std::fs;

use crate::support::fake_api::{AUDIO, HD};
use crate::support::setup::Setup;

/// February and March, 60,000 minutes of audio and 20,000 of HD each.
async fn two_months() -> Setup {
    let setup = Setup::at("2031-04-20T12:00:00Z").await;
    setup.api.list(&["P1", "P2"]);
    for (month, last) in [("2031-02", "28"), ("2031-03", "31")] {
        for day in 1..=20 {
            let day = format!("{month}-{day:02}");
            setup.api.use_seconds("P1", &day, &[(AUDIO, 180_000), (HD, 30_000)]);
            setup.api.use_seconds("P2", &day, &[(HD, 30_000)]);
        }
        setup.backfill(&format!("{month}-01"), &format!("{month}-{last}")).exits(0);
    }
    setup
}

/// The plans and totals of csv.
fn totals(csv: &str) -> Vec<(String, String)> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let row = |row: Result<csv::StringRecord, csv::Error>| {
        let row = row.expect("a row");
        (row[3].to_owned(), row[4].to_owned())
    };
    reader.records().map(row).collect()
}

/// The sum of the totals of `bill show`, with this book in force.
fn rated_by_hand(setup: &mut Setup, book: &str) -> String {
    setup.program.set("AGORA_USAGE_PRICE_BOOK", book);
    let total = |month: &str| {
        let arguments = ["bill", "show", "--month", month, "--output", "csv"];
        let bill = setup.run(&arguments).exits(0).stdout;
        let last = bill.lines().last().expect("a total").rsplit(',').next().expect("an amount");
        last.replace('.', "").parse::<i64>().expect("cents")
    };
    let cents = total("2031-02") + total("2031-03");
    setup.program.unset("AGORA_USAGE_PRICE_BOOK");
    format!("{}.{:02}", cents / 100, cents % 100)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_plan_costs_what_rating_with_its_book_says() {
    let mut setup = two_months().await;
    let csv = setup.run(&["bill", "compare"]).exits(0).stdout;
    insta::assert_snapshot!("bill_compare_csv", csv);
    let text = setup.run(&["bill", "compare", "--output", "table"]).exits(0).stdout;
    insta::assert_snapshot!("bill_compare_text", text);

    let found = totals(&csv);
    let standard = include_str!("../../pricebooks/standard-usd.toml");
    let written = |setup: &Setup, package: &str, top_ups: &str| {
        let file = setup.program.folder().join("plan.toml");
        let package =
            if package.is_empty() { String::new() } else { format!("package = '{package}'") };
        let text = standard
            .replace("# package = \"Starter\"", &package)
            .replace("valid_from = \"2025-08\"", "")
            .replace(
                "[[packages]]\nname = \"Starter\"",
                &format!("{top_ups}[[packages]]\nname = \"Starter\""),
            );
        fs::write(&file, text).expect("written");
        file.display().to_string()
    };
    for (plan, total) in &found {
        let book = match plan.split_once(", ") {
            None => plan.clone(),
            // 140,000 standard minutes a month: 130,000, 90,000 or none beyond.
            Some((_, "free minutes")) => written(&setup, "", &top_ups(5)),
            Some((_, "package Starter")) => written(&setup, "Starter", &top_ups(3)),
            Some((_, package)) => {
                written(&setup, package.strip_prefix("package ").expect("a package"), "")
            }
        };
        assert_eq!(*total, rated_by_hand(&mut setup, &book), "{plan}");
    }
    assert_eq!(found.len(), 8, "{found:?}");
    let cents = |total: &str| total.replace('.', "").parse::<i64>().expect("cents");
    assert!(found.is_sorted_by_key(|(_, total)| cents(total)), "{found:?}");
}

/// So many of the smallest in each of the months.
fn top_ups(count: u32) -> String {
    let bought = |month| {
        format!("[[top_ups_bought]]\nmonth = '{month}'\nminutes = 25000\ncount = {count}\n\n")
    };
    ["2031-02", "2031-03"].map(bought).concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_is_compared_too_and_what_it_would_have_saved_is_told() {
    let setup = two_months().await;
    let file = setup.program.folder().join("offer.toml");
    let offer = "extends = 'tiered-usd'\nname = 'offer'\ndiscount_percent = '30'\n";
    fs::write(&file, offer).expect("written");
    let file = file.display().to_string();
    let arguments =
        ["bill", "compare", "--month", "2031-03", "--book", &file, "--book", "fixed-cny"];
    let text = setup.run(&[&arguments[..], &["--output", "table"]].concat()).exits(0).stdout;
    let offered = text.lines().find(|line| line.trim_start().starts_with("offer")).expect("a row");
    let words: Vec<&str> = offered.split_whitespace().collect();
    let in_force = text.lines().find(|line| line.contains("(in force)")).expect("a row");
    assert!(in_force.contains("tiered-usd (in force)"), "{text}");
    let paid: f64 =
        in_force.split_whitespace().nth(3).and_then(|it| it.parse().ok()).expect("paid");
    let (total, saved): (f64, f64) =
        (words[1].parse().expect("total"), words[2].parse().expect("saved"));
    assert!((total - paid * 0.7).abs() < 0.011, "{text}");
    assert!((paid - total - saved).abs() < 0.001, "{text}");
    assert!(text.contains("left out: fixed-cny is in CNY"), "{text}");

    setup.run(&["bill", "compare", "--book", "nowhere.toml"]).exits(78).says(&["nowhere.toml"]);
    setup.run(&["bill", "compare", "--month", "2031-05"]).exits(2).says(&["has not begun"]);
    // The rest of April is yet to be asked for.
    setup.run(&["bill", "compare", "--month", "2031-03..2031-04"]).exits(3);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_usage_there_is_nothing_to_compare() {
    let setup = Setup::at("2031-04-20T12:00:00Z").await;
    setup.run(&["bill", "compare"]).exits(1).says(&["nothing is stored for account 'default'"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_is_listed_beside_the_plan_of_its_name() {
    let setup = two_months().await;
    let own = include_str!("../../pricebooks/tiered-usd.toml");
    let offer = own.replacen("audio = \"0.99\"", "audio = \"0.50\"", 1);
    assert_ne!(offer, own);
    fs::write(setup.program.folder().join("offer.toml"), offer).expect("written");
    let path = setup.program.folder().join("offer.toml").display().to_string();
    let csv = setup.run(&["bill", "compare", "--book", &path]).exits(0).stdout;
    let found = totals(&csv);
    let total = |name: &str| &found.iter().find(|(plan, _)| plan == name).expect("listed").1;
    assert_ne!(total("tiered-usd"), total(&format!("tiered-usd ({path})")));

    let audio_alone = "name = 'audio-alone'\ndescription = 'no video'\ncurrency = 'USD'\n\
                       plan = 'fixed'\nfree_minutes = 0\nfree_order = ['rtc.audio']\n\
                       [prices.rtc]\naudio = '0.10'\n";
    fs::write(setup.program.folder().join("offer.toml"), audio_alone).expect("written");
    let table = ["bill", "compare", "--book", &path, "--output", "table"];
    // By hand: 2 x 60,000 minutes at 0.10 a thousand.
    let said = setup.run(&table).exits(0);
    said.says(&["over 12.00", "so that the total is too low: audio-alone"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_under_way_is_told_not_to_be_a_whole_one() {
    let setup = two_months().await;
    setup.api.use_seconds("P1", "2031-04-02", &[(AUDIO, 180_000)]);
    setup.backfill("2031-04-01", "2031-04-19").exits(0);
    let text = ["bill", "compare", "--month", "2031-04", "--output", "table"];
    setup.run(&text).exits(3).says(&["11 days are not over", "compare whole months"]);
}
