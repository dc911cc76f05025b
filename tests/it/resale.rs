//! `resale`: what customers pay, beside what it costs.

use std::fs;

use crate::support::fake_api::{AUDIO, HD};
use crate::support::reports::{contents, files_below};
use crate::support::setup::Setup;

/// Prices that stand nowhere by chance.
const COST_BOOK: &str = "extends = 'tiered-usd'\nname = 'cost-secret-book'\nfree_minutes = 0\n\
    [prices.rtc]\naudio = '0.8317'\nhd = '3.1719'\n";
const SELL_BOOK: &str = "extends = 'fixed-usd'\nname = 'customer-prices'\nfree_minutes = 1000\n\
    [prices.rtc]\naudio = '1.2749'\nhd = '5.0651'\n";

/// March of two projects, a credit and a budget, with both books in the settings.
async fn resold() -> Setup {
    let mut setup = Setup::at("2031-04-20T12:00:00Z").await;
    for (name, text) in [("cost.toml", COST_BOOK), ("sell.toml", SELL_BOOK)] {
        fs::write(setup.program.folder().join(name), text).expect("written");
    }
    let folder = setup.program.folder().display().to_string();
    setup.program.set("AGORA_USAGE_PRICE_BOOK", format!("{folder}/cost.toml"));
    setup.program.set("AGORA_USAGE_SELL_PRICE_BOOKS", format!("{folder}/sell.toml"));
    setup.api.list(&["P1", "P2", "idle"]);
    for day in 1..=31 {
        let day = format!("2031-03-{day:02}");
        setup.api.use_seconds("P1", &day, &[(AUDIO, 7_777_777), (HD, 333_331)]);
        setup.api.use_seconds("P2", &day, &[(AUDIO, 123_457)]);
    }
    setup.backfill("2031-03-01", "2031-03-31").exits(0);
    setup
        .run(&["bill", "adjust", "--month", "2031-03", "--amount", "-3.21", "--reason", "goodwill"])
        .exits(0);
    setup.run(&["budget", "set", "7654.32"]).exits(0);
    setup
}

/// The amount in the last row of `bill show`.
fn cost_total(setup: &Setup) -> String {
    let csv = setup.run(&["bill", "show", "--month", "2031-03", "--output", "csv"]).exits(0).stdout;
    csv.lines().last().and_then(|row| row.rsplit(',').next()).expect("a total").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_margin_is_what_is_left_of_each_project() {
    let setup = resold().await;
    let csv = setup.run(&["resale", "margin", "--month", "2031-03"]).exits(0).stdout;
    insta::assert_snapshot!("resale_margin_csv", csv);
    let text = ["resale", "margin", "--month", "2031-03", "--output", "table"];
    insta::assert_snapshot!("resale_margin_text", setup.run(&text).exits(0).stdout);
    let sum = |column: usize| -> i64 {
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        let cents = |row: Result<csv::StringRecord, _>| {
            row.expect("a row")[column].replace('.', "").parse::<i64>().expect("cents")
        };
        reader.records().map(cents).sum()
    };
    let total: i64 = cost_total(&setup).replace('.', "").parse().expect("cents");
    assert_eq!((sum(4), sum(6)), (total, sum(5) - sum(4)));
    // By hand: 4,082,305 and 172,222 minutes, less 1,000 free ones of audio.
    assert_eq!(sum(5), 607_558);

    let view = "select sum(cost), sum(sell), sum(margin) from agora.project_margin_monthly";
    let decimal = |cents: i64| format!("{}.{:02}", cents / 100, cents % 100);
    let sums = [sum(4), sum(5), sum(6)].map(decimal).join(",");
    assert_eq!(setup.database.rows(view).await, [format!("({sums})")]);
    let asked = setup.run(&["query", "margin_by_project_and_month", "--output", "csv"]).exits(0);
    assert_eq!(asked.stdout.lines().count(), csv.lines().count());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_holds_no_cost_figure_in_any_format() {
    let setup = resold().await;
    setup.report("2031-03").exits(0);
    setup.run(&["forecast"]);
    let said = setup.run(&[
        "resale",
        "statement",
        "--month",
        "2031-03",
        "--format",
        "csv,parquet,xlsx,html,focus,json",
    ]);
    let said = said.exits(0).stdout;
    assert!(said.contains("statement of USD 6,075.58, complete"), "{said}");
    let folder = setup.reports().join("statements/default/2031-03");
    let files: Vec<_> = files_below(&folder).into_keys().map(|path| folder.join(path)).collect();
    assert!(files.len() >= 12, "{files:?}");

    let csv = setup.run(&["resale", "margin", "--month", "2031-03"]).exits(0).stdout;
    let mut secrets: Vec<String> =
        ["cost-secret-book", "0.8317", "3.1719", "goodwill", "3.21", "7654.32", "7,654.32"]
            .map(str::to_owned)
            .to_vec();
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    for row in reader.records() {
        let row = row.expect("a row");
        // Cost and margin of a project; nothing is said by a zero.
        secrets
            .extend([&row[4], &row[6]].into_iter().filter(|it| *it != "0.00").map(str::to_owned));
    }
    secrets.push(cost_total(&setup));
    for path in &files {
        let text = contents(path);
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{secret} is in {}", path.display());
        }
    }
    let page = contents(&folder.join("report.html"));
    assert!(page.contains("customer-prices") && page.contains("data-exact=\"6075.58\""));
    let workbook = contents(&folder.join("report.xlsx"));
    assert!(workbook.contains("6075.58"), "the workbook has the total");
    // The reports of the cost side are where they were.
    assert!(setup.month("2031-03").text("summary.csv").contains(
        &csv.lines().nth(1).expect("a row").split(',').nth(4).expect("a cost").to_owned()
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_sell_price_book_or_with_another_currency_it_says_so() {
    let mut setup = resold().await;
    let cny = SELL_BOOK.replace("fixed-usd", "fixed-cny");
    fs::write(setup.program.folder().join("sell.toml"), cny).expect("written");
    let margin = ["resale", "margin", "--month", "2031-03"];
    setup.run(&margin).exits(1).says(&["the cost is in USD and the sell price book in CNY"]);
    setup.program.unset("AGORA_USAGE_SELL_PRICE_BOOKS");
    let said = ["account 'default' has no sell_price_books", "hint: name the price book"];
    setup.run(&margin).exits(78).says(&said);
    setup.run(&["resale", "statement", "--month", "2031-03"]).exits(78).says(&said);
}

#[tokio::test(flavor = "multi_thread")]
async fn tax_is_nobodys_margin_and_what_has_no_price_is_told() {
    let mut setup = resold().await;
    let margin = ["resale", "margin", "--month", "2031-03"];
    let untaxed = setup.run(&margin).exits(0).stdout;
    for (name, text) in [("cost.toml", COST_BOOK), ("sell.toml", SELL_BOOK)] {
        let taxed = text.replacen("[prices", "tax_percent = '19'\n[prices", 1);
        fs::write(setup.program.folder().join(name), taxed).expect("written");
    }
    assert_eq!(setup.run(&margin).exits(0).stdout, untaxed);
    let statement = ["resale", "statement", "--month", "2031-03"];
    // By hand: 6,075.58 and 19 % of it.
    setup.run(&statement).exits(0).says(&["statement of USD 7,229.94"]);

    let no_hd = "name = 'no-hd'\ndescription = 'audio alone'\ncurrency = 'USD'\nplan = 'fixed'\nfree_minutes = 0\n\
                 free_order = ['rtc.audio']\n[prices.rtc]\naudio = '1.2749'\n";
    fs::write(setup.program.folder().join("sell.toml"), no_hd).expect("written");
    let text = ["resale", "margin", "--month", "2031-03", "--output", "table"];
    setup.run(&text).exits(3).says(&[
        "the sell price book has no price for",
        "so that side is too low",
        "incomplete",
    ]);
    setup.program.unset("AGORA_USAGE_SELL_PRICE_BOOKS");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_is_written_for_a_customer() {
    let setup = resold().await;
    setup.run(&["tag", "set", "P1", "cost_centre=own-secret-centre"]).exits(0);
    let formats = ["--format", "csv,xlsx,html,focus,json"];
    let statement = ["resale", "statement", "--month", "2031-03"];
    setup.run(&[&statement[..], &formats[..]].concat()).exits(0);
    let folder = setup.reports().join("statements/default/2031-03");
    let files: Vec<_> = files_below(&folder).into_keys().map(|path| folder.join(path)).collect();
    assert!(files.len() >= 6, "{files:?}");
    for path in &files {
        let text = contents(path);
        for own in ["own-secret-centre", "draft", "other readings", "The daemon", "Agora does not"]
        {
            assert!(!text.contains(own), "{own} is in {}", path.display());
        }
    }
}
