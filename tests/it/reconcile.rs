//! `bill reconcile`: an invoice held against the bill, from a shell.

use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::database::TestDatabase;
use crate::support::fake_api::{AUDIO, FULL_HD, HD};
use crate::support::program::{Outcome, Program};
use crate::support::setup::Setup;
use crate::support::simulated::Running;

const LONG_AFTER: &str = "2031-04-20T06:00:00Z";

/// March 2031 of two projects: 30,000 minutes of audio, 5,000 of HD, 1,500 of Full HD.
async fn march() -> Setup {
    let setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["P1", "P2"]);
    for day in 1..=10 {
        let day = format!("2031-03-{day:02}");
        setup.api.use_seconds("P1", &day, &[(AUDIO, 120_000), (HD, 30_000)]);
        setup.api.use_seconds("P2", &day, &[(AUDIO, 60_000), (FULL_HD, 9_000)]);
    }
    setup.backfill("2031-03-01", "2031-03-31").exits(0);
    setup
}

impl Setup {
    fn reconcile(&self, arguments: &[&str]) -> Outcome {
        let command = ["bill", "reconcile", "--month", "2031-03"];
        self.run(&[&command, arguments].concat())
    }

    /// Writes an invoice and holds it against the bill; the exit code is checked.
    fn held_against(&self, rows: &str, exit_code: i32) -> Vec<Value> {
        let file = self.program.folder().join("invoice.csv");
        fs::write(&file, format!("service,media,minutes,amount\n{rows}")).expect("written");
        let outcome = self.reconcile(&["--invoice", "invoice.csv", "--output", "json"]);
        serde_json::from_str(&outcome.exits(exit_code).stdout).expect("JSON")
    }

    /// Rows of a view, in its own order of columns.
    async fn view(&self, view: &str, key: &str) -> Vec<String> {
        let columns = "estimate, invoice, difference";
        let query = format!("select {key}, {columns} from agora.{view} order by {key}");
        self.database.rows(&query).await
    }
}

/// `(service,media,estimate,invoice,difference)` or the like, of one section.
fn of_section(rows: &[Value], section: &str, keys: &[&str]) -> Vec<String> {
    let text = |row: &Value| {
        let keys = keys.iter().chain(&["estimate", "invoice", "difference"]);
        let values: Vec<String> = keys
            .map(|key| row[key].as_str().map_or_else(String::new, |text| format_field(text, key)))
            .collect();
        format!("({})", values.join(","))
    };
    let mut texts: Vec<String> =
        rows.iter().filter(|row| row["section"] == section).map(text).collect();
    texts.sort();
    texts
}

/// As PostgreSQL writes a row: an empty text is quoted.
fn format_field(text: &str, key: &str) -> String {
    if text.is_empty() && matches!(key, "media" | "name") {
        "\"\"".to_owned()
    } else {
        text.to_owned()
    }
}

fn causes(rows: &[Value]) -> Vec<&str> {
    let mut causes: Vec<&str> = rows
        .iter()
        .filter(|row| row["section"] == "cause")
        .filter_map(|row| row["name"].as_str())
        .collect();
    causes.dedup();
    causes
}

const EQUAL: &str = "rtc,audio,30000,19.8\nrtc,hd,5000,19.95\nrtc,full_hd,1500,13.485\n";

#[tokio::test(flavor = "multi_thread")]
async fn an_equal_invoice_has_no_cause() {
    let setup = march().await;
    let rows = setup.held_against(EQUAL, 0);
    assert_eq!(causes(&rows), [""; 0]);
    let totals = of_section(&rows, "total", &["account_id", "month"]);
    assert_eq!(totals, ["(default,2031-03,53.24,53.24,0.00)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_is_explained_line_by_line_and_the_views_agree() {
    let setup = march().await;
    let invoice = "rtc,audio,30000,19.80\nrtc,hd,5000,17.50\nrtc,full_hd,1500,13.49\ntax,,,10.16\n";
    let rows = setup.held_against(invoice, 0);
    assert_eq!(causes(&rows), ["price", "line_rounding", "tax"]);
    let printed = of_section(&rows, "line", &["service", "media"]);
    assert_eq!(setup.view("invoice_difference", "service, media").await, sorted_as_sql(printed));
    let printed = of_section(&rows, "project", &["name"]);
    assert_eq!(printed.len(), 2);
    let parts = "select project_id, estimate, invoice, difference \
                 from agora.invoice_difference_by_project order by 1";
    assert_eq!(setup.database.rows(parts).await, printed);
    let stored = "select import, total, file_name, length(file_sha256), imported_at \
                  from agora.invoice";
    let stored = setup.database.rows(stored).await;
    assert!(stored[0].starts_with("(1,60.950000,invoice.csv,64,\"2031-04-20 "), "{stored:?}");
}

fn sorted_as_sql(mut rows: Vec<String>) -> Vec<String> {
    rows.sort_by_key(|row| {
        let mut fields = row.trim_start_matches('(').split(',').map(|it| it.trim_matches('"'));
        (fields.next().map(str::to_owned), fields.next().map(str::to_owned))
    });
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unexplained_amount_is_exit_3_and_is_stored_all_the_same() {
    let setup = march().await;
    let rows = setup.held_against("rtc,audio,30001,30.123457\nrtc,hd,5000,19.95\n", 3);
    let unexplained = rows.iter().any(|row| row["section"] == "unexplained");
    assert!(unexplained, "{rows:?}");
    let differences = "select sum(difference) from agora.invoice_difference";
    let total = rows.last().expect("a total")["difference"].as_str().expect("text").to_owned();
    let stored = setup.database.value(differences).await;
    assert_eq!(stored.trim_end_matches('0'), total.trim_end_matches('0'));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_import_supersedes_and_overwrites_nothing() {
    let setup = march().await;
    setup.held_against(EQUAL, 0);
    setup.held_against(EQUAL, 0);
    let lines =
        "select import, count(*), sum(amount) from agora.invoice_line group by 1 order by 1";
    assert_eq!(setup.database.rows(lines).await, ["(1,3,53.235000000000)"]);
    setup.held_against(&format!("{EQUAL}other,,,7\n"), 0);
    let both = ["(1,3,53.235000000000)", "(2,4,60.235000000000)"];
    assert_eq!(setup.database.rows(lines).await, both);
    let parts = "select import, sum(cost) from agora.invoice_allocation group by 1 order by 1";
    assert_eq!(setup.database.rows(parts).await, ["(1,53.240000)", "(2,60.240000)"]);
    // Without a file the newest import is held against the bill again.
    let again = setup.reconcile(&["--output", "json"]).exits(0);
    let rows: Vec<Value> = serde_json::from_str(&again.stdout).expect("JSON");
    assert_eq!(causes(&rows), ["other"]);
    again.says(&["import 2 of 2031-03 (unchanged)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_tells_people_what_and_why() {
    let setup = march().await;
    let file = setup.program.folder().join("invoice.csv");
    let rows = "service,media,minutes,amount\nrtc,audio,30000,19.80\nrtc,hd,5000,17.50\n\
                rtc,full_hd,1500,13.49\ndiscount,,,-5\ntax,,,9.16\n";
    fs::write(file, rows).expect("written");
    let outcome = setup.reconcile(&["--invoice", "invoice.csv", "--output", "table"]).exits(0);
    insta::assert_snapshot!("table", outcome.stdout);
    let outcome = setup.reconcile(&["--invoice", "invoice.csv", "--output", "csv"]).exits(0);
    insta::assert_snapshot!("csv", outcome.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restated_day_is_found_in_its_history() {
    let mut setup = march().await;
    setup.api.use_seconds("P1", "2031-03-09", &[(AUDIO, 180_000), (HD, 30_000)]);
    setup.now("2031-04-21T06:00:00Z");
    setup.run(&["backfill", "--from", "2031-03-01", "--to", "2031-03-31", "--again"]).exits(0);
    let rows = setup.held_against(EQUAL, 0);
    assert_eq!(causes(&rows), ["restated_days"]);
    let text = rows.iter().find_map(|row| row["text"].as_str()).expect("a sentence");
    assert!(text.contains("before 2031-04-21T") && text.ends_with("P1 2031-03-09."), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_files_are_refused_with_their_place_and_nothing_is_stored() {
    let setup = march().await;
    for (rows, said) in [
        ("rtc,audio,30000,\"1,9.8\"\n", "bad.csv, line 2, column amount: '1,9.8'"),
        ("rtc,audio,30000,\n", "line 2, column amount: '' is missing"),
        ("rtc,audio,x,1\n", "line 2, column minutes: 'x'"),
        ("voice,audio,1,1\n", "column service: 'voice' is no service; known: rtc, recording"),
        ("rtc,8k,1,1\n", "column media: '8k' is no type of media; known: audio, sd, hd"),
        (
            "rtc,audio,1,1\nrtc,audio,2,2\n",
            "line 3, column media: 'rtc audio' is on line 2 already",
        ),
        ("", "has no rows"),
    ] {
        let file = setup.program.folder().join("bad.csv");
        fs::write(file, format!("service,media,minutes,amount\n{rows}")).expect("written");
        let outcome = setup.reconcile(&["--invoice", "bad.csv"]).exits(1);
        outcome.says(&[said, "hint: nothing was imported"]);
    }
    setup.reconcile(&["--invoice", "gone.csv"]).exits(1).says(&["gone.csv cannot be read"]);
    setup.reconcile(&[]).exits(1).says(&["no invoice of 2031-03 was imported yet", "--template"]);
    let future = ["bill", "reconcile", "--month", "2031-05", "--invoice", "bad.csv"];
    setup.run(&future).exits(2).says(&["2031-05 has not begun"]);
    assert_eq!(setup.database.value("select count(*) from agora.invoice").await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_several_accounts_one_has_to_be_named() {
    let setup = march().await;
    let settings = "[[account]]\nname = \"east\"\n[[account]]\nname = \"west\"\n";
    fs::write(setup.program.folder().join("agora-usage.toml"), settings).expect("written");
    fs::write(setup.program.folder().join("invoice.csv"), "x").expect("written");
    let outcome = setup.reconcile(&["--invoice", "invoice.csv"]);
    outcome
        .exits(2)
        .says(&["the settings describe several accounts", "--account: default, east, west"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_month_is_held_against_its_newest_revision() {
    let mut setup = march().await;
    setup.run(&["bill", "close", "--month", "2031-03"]).exits(0);
    setup.held_against(EQUAL, 0);
    setup.reconcile(&[]).exits(0).says(&["our bill (closed r1) 53.24", "equal"]);
    // The platform restates a day; the invoice has the new value.
    setup.now("2031-04-25T12:00:00Z");
    setup.api.use_seconds("P2", "2031-03-02", &[(AUDIO, 60_000), (FULL_HD, 15_000)]);
    setup.run(&["backfill", "--from", "2031-03-01", "--to", "2031-03-31", "--again"]).exits(0);
    let restated = EQUAL.replace("1500,13.485", "1600,14.384");
    let rows = setup.held_against(&restated, 0);
    assert_eq!(causes(&rows), ["restated_days"]);
    assert_eq!(rows[0]["revision"], json!(1));
    let text = rows.iter().find_map(|row| row["text"].as_str()).expect("a sentence");
    assert!(text.contains("after our bill was closed: P2 2031-03-02."), "{text}");
    let sums = "select revision, sum(estimate), sum(invoice), sum(difference) \
                from agora.invoice_difference_by_project group by 1";
    assert_eq!(setup.database.rows(sums).await, ["(1,53.24,54.13,0.89)"]);
    // A revision takes the values over, and a credit.
    let credit = ["--project", "P1", "--amount", "-5", "--reason", "outage"];
    setup.run(&[&["bill", "adjust", "--month", "2031-03"], &credit[..]].concat()).exits(0);
    setup.run(&["bill", "close", "--month", "2031-03", "--revise"]).exits(0);
    let rows = setup.held_against(&format!("{restated}adjustment,,,-5\n"), 0);
    assert_eq!(causes(&rows), [""; 0]);
    assert_eq!(setup.database.rows(sums).await, ["(2,49.13,49.13,0.00)"]);
    let by_line = "select service, estimate, invoice from agora.invoice_difference \
                   where media = '' order by 1";
    let expected = [
        "(adjustment,-5.000000000000,-5.000000000000)",
        "(rounding,-0.004000000000,-0.004000000000)",
    ];
    assert_eq!(setup.database.rows(by_line).await, expected);
    setup.run(&["bill", "verify"]).exits(0);
    let changed = "update agora.invoice_line set amount = 0";
    assert!(setup.database.refusal(changed).await.contains("never changes"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_terms_of_a_contract_are_in_the_template_and_in_the_views() {
    let mut setup = march().await;
    let book = "name = 'contract'\nextends = 'tiered-usd'\ndiscount_percent = '10'\n\
                minimum_commitment = '50'\ntax_percent = '19'\n";
    fs::write(setup.program.folder().join("contract.toml"), book).expect("written");
    setup.program.set("AGORA_USAGE_PRICE_BOOKS", "contract.toml");
    let template = setup.reconcile(&["--template"]).exits(0).stdout;
    let rows = "rtc,audio,30000,\nrtc,hd,5000,\nrtc,full_hd,1500,\ndiscount,,,\ncommitment,,,\n\
                tax,,,\n";
    assert_eq!(template, format!("service,media,minutes,amount\n{rows}"));
    // 53.235 less 10 %, up to 50, and 19 % on top.
    let terms = "discount,,,-5.3235\ncommitment,,,2.0885\ntax,,,9.50\n";
    let rows = setup.held_against(&format!("{EQUAL}{terms}"), 0);
    assert_eq!(causes(&rows), [""; 0]);
    let rows = setup.held_against(&format!("{EQUAL}tax,,,9.50\n"), 0);
    assert_eq!(causes(&rows), ["discount", "commitment"]);
    let printed = of_section(&rows, "line", &["service", "media"]);
    assert_eq!(setup.view("invoice_difference", "service, media").await, sorted_as_sql(printed));
}

/// The simulator's account of a month, with daily rounding and tax on the invoice.
#[tokio::test(flavor = "multi_thread")]
async fn a_filled_in_template_is_explained_on_simulated_usage() {
    let database = TestDatabase::new();
    let mut program = Program::new();
    program
        .set("AGORA_USAGE_NOW", LONG_AFTER)
        .set("DATABASE_URL", database.url())
        .set("AGORA_USAGE_REQUESTS_PER_SECOND", "0");
    let arguments = ["--projects", "5", "--seed", "7", "--requests-per-second", "0"];
    let platform = Running::start(&program, &arguments);
    platform.set_up(&mut program);
    program.run(&["sync", "projects"]).exits(0);
    let month = ["--from", "2031-03-01", "--to", "2031-03-31"];
    program.run(&[&["backfill"], &month[..]].concat()).exits(0);
    program.run(&["report", "--month", "2031-03"]).exits(0);
    let reconcile = ["bill", "reconcile", "--month", "2031-03"];
    let template = program.run(&[&reconcile[..], &["--template"]].concat()).exits(0).stdout;
    assert!(template.starts_with("service,media,minutes,amount\nrtc,audio,"), "{template}");

    let amounts = "select service, media, sum(amount) from agora.bill_line group by 1, 2";
    let amounts = database.rows(amounts).await;
    let filled = filled_in(&template, &amounts);
    fs::write(program.folder().join("invoice.csv"), &filled).expect("written");
    let given = [&reconcile[..], &["--invoice", "invoice.csv", "--output", "json"]].concat();
    let equal: Vec<Value> =
        serde_json::from_str(&program.run(&given).exits(0).stdout).expect("JSON");
    assert_eq!((causes(&equal), &equal[0]["difference"]), (vec![], &json!("0.000000000000")));

    let taxed = filled.replace("tax,,,0\n", "tax,,,100\n");
    fs::write(program.folder().join("invoice.csv"), taxed).expect("written");
    let taxed: Vec<Value> =
        serde_json::from_str(&program.run(&given).exits(0).stdout).expect("JSON");
    assert_eq!(causes(&taxed), ["tax"]);
    let total = taxed.last().expect("a total");
    assert_eq!((&total["section"], &total["difference"]), (&json!("total"), &json!("100.00")));
    platform.stop(Signal::TERM);
}

/// The template with the amounts of rows such as `(rtc,audio,1.5)`.
fn filled_in(template: &str, amounts: &[String]) -> String {
    let fill = |line: &str| {
        let Some((service, rest)) = line.split_once(',').filter(|_| line.ends_with(',')) else {
            return format!("{line}\n");
        };
        let media = rest.split(',').next().unwrap_or("");
        let row = format!("({service},{media},");
        let amount = amounts.iter().find_map(|amount| amount.strip_prefix(&row));
        format!("{line}{}\n", amount.expect("a line of the bill").trim_end_matches(')'))
    };
    template.lines().map(fill).collect()
}
