//! `bill close` and `bill show`: when a month is closed, that it never changes,
//! and what later facts make of it.

use serde_json::Value;

use crate::support::fake_api::{AUDIO, FULL_HD, project};
use crate::support::reports::files_below;
use crate::support::setup::Setup;

/// Every day of March is final.
const FINAL: &str = "2031-04-20T12:00:00Z";

/// The last days of March may still change.
const EARLY: &str = "2031-04-03T12:00:00Z";

/// Two projects whose March costs 13.49.
async fn march(now: &str) -> Setup {
    let setup = Setup::at(now).await;
    setup.api.list(&["P1", "P2"]);
    setup.api.use_seconds("P1", "2031-03-01", &[(AUDIO, 600_000), (FULL_HD, 60_000)]);
    setup.api.use_seconds("P2", "2031-03-02", &[(FULL_HD, 30_000)]);
    setup.backfill("2031-03-01", "2031-03-31").exits(0);
    setup
}

fn close(setup: &Setup, flags: &[&str]) -> crate::support::program::Outcome {
    setup.run(&[&["bill", "close", "--month", "2031-03"], flags].concat())
}

/// The one bill that `bill show` prints as JSON.
fn shown(setup: &Setup, flags: &[&str], exit_code: i32) -> Value {
    let arguments = ["bill", "show", "--month", "2031-03", "--output", "json"];
    let outcome = setup.run(&[&arguments, flags].concat()).exits(exit_code);
    let bills: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    bills[0].clone()
}

/// Every row of every table of bills, but for the draft's.
async fn closed_rows(setup: &Setup) -> Vec<String> {
    let mut rows = Vec::new();
    for table in ["bill", "bill_line", "bill_allocation", "bill_adjustment"] {
        let query =
            format!("select * from agora.{table} where revision > 0 order by 1, 2, 3, 4, 5");
        rows.extend(setup.database.rows(&query).await);
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn a_final_month_is_asked_again_and_closed() {
    let setup = march(FINAL).await;
    setup.api.asked();
    close(&setup, &[]).exits(0).says(&["USD 13.49, closed r1, complete", "2 requests answered"]);
    assert_eq!(
        setup.api.asked_seconds(),
        ["P1 2031-03-01..2031-03-31", "P2 2031-03-01..2031-03-31"]
    );
    let bills = "select revision, status, total, closed_at is not null from agora.bill order by 1";
    let expected = ["(0,complete,13.490000,f)", "(1,complete,13.490000,t)"];
    assert_eq!(setup.database.rows(bills).await, expected);
    let books = "select book_name, length(book_text) > 1000 from agora.price_book";
    assert_eq!(setup.database.rows(books).await, ["(tiered-usd,t)"]);
    close(&setup, &[]).exits(1).says(&["closed already, as r1", "--revise"]);
    close(&setup, &["--revise"]).exits(1).says(&["nothing has changed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_that_may_change_is_refused_with_reasons_unless_forced() {
    let setup = march(EARLY).await;
    setup.api.use_body("P2", "default", "2031-03-05", serde_json::json!({ AUDIO: null }));
    setup.backfill("2031-03-01", "2031-03-31").exits(3);
    let refused = close(&setup, &[]).exits(1);
    let refused = refused.says(&[
        "P1 rtc 2031-03-27..2031-03-31: not final, may still change",
        "P2 rtc 2031-03-05: incomplete",
    ]);
    assert!(refused.stderr.contains("--force"), "{}", refused.stderr);
    assert_eq!(setup.database.value("select count(*) from agora.bill").await, "0");

    close(&setup, &["--force"]).exits(3).says(&["closed r1, incomplete", "closed in spite of: P1"]);
    setup.run(&["report", "--month", "2031-03"]).exits(3);
    let closed = setup.month("2031-03").manifest()["closed"].clone();
    assert_eq!((&closed["revision"], &closed["forced"]), (&1.into(), &true.into()));
    let reservations = closed["reservations"].as_array().expect("a list").len();
    assert_eq!(reservations, 3, "{closed}");
    setup.run(&["bill", "verify"]).exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_that_is_not_over_or_was_never_fetched_is_not_closed() {
    let setup = Setup::at("2031-03-20T12:00:00Z").await;
    close(&setup, &["--force"]).exits(1).says(&["2031-03 is not over", "2031-04-01"]);
    let empty = ["bill", "close", "--month", "2031-02", "--offline"];
    setup.run(&empty).exits(1).says(&["nothing is stored for account 'default'"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_is_asked_unless_told_not_to() {
    let mut setup = march(FINAL).await;
    setup.api.asked();
    setup.api.answer_when(crate::support::fake_api::Asked::is_v3, 500, r#"{"message":"down"}"#);
    close(&setup, &[]).exits(1).says(&["asked again without an answer"]);
    setup.api.asked();
    close(&setup, &["--offline"]).exits(0).says(&["not asked for again (--offline)"]);
    assert!(setup.api.asked().is_empty());

    setup.program.unset("AGORA_CUSTOMER_SECRET");
    setup
        .run(&["bill", "adjust", "--month", "2031-03", "--amount", "1", "--reason", "fee"])
        .exits(0);
    close(&setup, &["--revise"]).exits(0).says(&["without credentials", "closed r2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c02_a_closed_bill_stays_and_the_correction_makes_a_revision() {
    let mut setup = march(FINAL).await;
    close(&setup, &[]).exits(0);
    setup.report("2031-03").exits(0).says(&["closed r1"]);
    let (files, rows) = (files_below(&setup.reports()), closed_rows(&setup).await);
    let names: Vec<_> = files.keys().map(|path| path.display().to_string()).collect();
    assert!(names.contains(&"default/2031-03/bill.csv".to_owned()), "{names:?}");
    assert!(names.contains(&"default/2031-03/r1/bill.csv".to_owned()), "{names:?}");

    setup.now("2031-04-25T12:00:00Z");
    setup.api.use_seconds("P2", "2031-03-02", &[(FULL_HD, 36_000)]);
    setup.run(&["backfill", "--from", "2031-03-01", "--to", "2031-03-31", "--again"]).exits(0);
    let told = ["changes since the close", "USD 13.49 -> USD 14.38 (+0.89)", "project P2"];
    setup.report("2031-03").exits(0).says(&told);
    assert_eq!(files_below(&setup.reports()), files);
    assert_eq!(closed_rows(&setup).await, rows);
    let bill = shown(&setup, &[], 0);
    assert_eq!((&bill["revision"], &bill["total"]), (&1.into(), &"13.49".into()));
    assert_eq!(bill["changes_since_close"]["after"], "14.38");
    assert_eq!(shown(&setup, &["--revision", "0"], 0)["total"], "14.38");

    let revised = close(&setup, &["--revise"]).exits(0);
    insta::assert_snapshot!("revised", revised.stdout);
    setup.report("2031-03").exits(0).says(&["USD 14.38, closed r2"]);
    let after = files_below(&setup.reports());
    let below = |folder: &str| {
        let files = after.iter().filter(|(path, _)| path.starts_with(folder));
        files.map(|(path, bytes)| (path.clone(), bytes.clone())).collect::<Vec<_>>()
    };
    let r1 = below("default/2031-03/r1");
    assert!(!r1.is_empty() && r1.iter().all(|(path, bytes)| files.get(path) == Some(bytes)));
    for (path, bytes) in below("default/2031-03/r2") {
        let main = std::path::Path::new("default/2031-03")
            .join(path.strip_prefix("default/2031-03/r2").expect("below"));
        assert_eq!(after.get(&main), Some(&bytes), "{}", main.display());
    }
    assert_eq!(&closed_rows(&setup).await.len(), &(2 * rows.len()));
    setup.run(&["bill", "verify"]).exits(0).says(&["3 bills verified: all are as"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_month_does_not_follow_names_books_or_tags() {
    let mut setup = march(FINAL).await;
    close(&setup, &[]).exits(0);
    setup.report("2031-03").exits(0);
    let files = files_below(&setup.reports());
    let book = include_str!("../../pricebooks/tiered-usd.toml").replace("\"8.99\"", "\"9.99\"");
    let file = setup.program.folder().join("book.toml");
    std::fs::write(&file, book).expect("written");
    setup.program.set("AGORA_USAGE_PRICE_BOOK", file.display().to_string());
    setup.api.list_bodies(vec![project("P1", "Renamed"), project("P3", "New")]);
    setup.run(&["sync", "projects"]).exits(0);
    setup.report("2031-03").exits(0).says(&["changes since the close"]);
    assert_eq!(files_below(&setup.reports()), files);
    let books = "select count(*) from agora.price_book";
    assert_eq!(setup.database.value(books).await, "2");
    let uses = "select count(*) from agora.price_book_use where month = '2031-03-01'";
    assert_eq!(setup.database.value(uses).await, "2");
    setup.run(&["bill", "verify"]).exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn c45_names_deletion_and_renaming_do_not_move_a_cost() {
    let mut setup = Setup::at(FINAL).await;
    let listed = ["P1", "P2", "P3"].map(|id| project(id, "Live"));
    setup.api.list_bodies(listed.to_vec());
    for id in ["P1", "P2", "P3"] {
        setup.api.use_seconds(id, "2031-03-01", &[(FULL_HD, 400_000)]);
    }
    setup.backfill("2031-03-01", "2031-03-31").exits(0);
    setup.now("2031-04-21T12:00:00Z");
    setup.api.list_bodies(vec![project("P1", "Live"), project("P3", "Sales")]);
    setup.run(&["sync", "projects"]).exits(0);
    close(&setup, &[]).exits(0);
    setup.report("2031-03").exits(0);
    let month = setup.month("2031-03");
    month.assert_adds_up();
    let rows = month.rows("summary.csv");
    let told: Vec<_> = rows
        .iter()
        .map(|row| format!("{} {} {}", row["project_id"], row["project_name"], row["status"]))
        .collect();
    assert_eq!(told, ["P1 Live active", "P2 Live deleted", "P3 Sales active"]);
    assert_eq!(month.costs(), ["P1 29.97", "P2 29.97", "P3 29.96"]);
    assert_eq!(month.total(), "89.90");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_itself_refuses_to_change_what_is_closed() {
    let setup = march(FINAL).await;
    setup
        .run(&["bill", "adjust", "--month", "2031-03", "--amount", "-1", "--reason", "x"])
        .exits(0);
    close(&setup, &[]).exits(0);
    for statement in [
        "update agora.bill set total = 1 where revision = 1",
        "delete from agora.bill where revision = 1",
        "update agora.bill_line set amount = 1 where revision = 1",
        "delete from agora.bill_line where revision = 1",
        "update agora.bill_allocation set cost = 1 where revision = 1",
        "delete from agora.bill_allocation where revision = 1",
        "update agora.bill_adjustment set cost = 1 where revision = 1",
        "delete from agora.bill_adjustment where revision = 1",
        "update agora.price_book set book_text = ''",
        "update agora.adjustment set amount = 2",
        "delete from agora.adjustment",
        "truncate agora.bill_allocation",
        "truncate agora.bill_line",
    ] {
        let refused = setup.database.refusal(statement).await;
        assert!(refused.contains("refused"), "{statement}: {refused}");
    }
    // The draft is free.
    setup.database.execute("delete from agora.bill where revision = 0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn as_of_tells_what_was_known_then() {
    let mut setup = march("2031-04-05T12:00:00Z").await;
    setup.report("2031-03").exits(0);
    setup.now(FINAL);
    setup.api.use_seconds("P2", "2031-03-02", &[(FULL_HD, 36_000)]);
    let book = include_str!("../../pricebooks/tiered-usd.toml").replace("\"8.99\"", "\"9.99\"");
    let file = setup.program.folder().join("book.toml");
    std::fs::write(&file, book).expect("written");
    setup.program.set("AGORA_USAGE_PRICE_BOOK", file.display().to_string());
    close(&setup, &[]).exits(0).says(&["USD 15.98"]);
    setup.report("2031-03").exits(0);
    let closed = files_below(&setup.reports());
    setup.now("2031-06-20T12:00:00Z");

    // The values, and the book that was in force.
    assert_eq!(shown(&setup, &["--as-of", "2031-04-06"], 0)["total"], "13.49");
    assert_eq!(shown(&setup, &["--as-of", "2031-04-20T11:59:59Z"], 0)["total"], "13.49");
    let then = shown(&setup, &["--as-of", "2031-05-01"], 0);
    assert_eq!((&then["total"], &then["revision"]), (&"15.98".into(), &1.into()));
    let early = ["bill", "show", "--month", "2031-03", "--as-of", "2031-04-01"];
    setup.run(&early).exits(1).says(&["nothing is stored"]);
    let late = ["bill", "show", "--month", "2031-03", "--as-of", "2032-01-01"];
    setup.run(&late).exits(2).says(&["yet to come"]);

    let out = setup.program.folder().join("then");
    let report = |as_of: &str| {
        let out = out.display().to_string();
        setup.run(&["report", "--month", "2031-03", "--as-of", as_of, "--out", &out]).exits(0);
    };
    report("2031-05-01");
    assert_eq!(files_below(&out), closed, "byte for byte");
    report("2031-04-06");
    let manifest = std::fs::read_to_string(out.join("default/2031-03/manifest.json"));
    let manifest: Value = serde_json::from_str(&manifest.expect("read")).expect("JSON");
    assert_eq!(manifest["bill_total"], "13.49");
    assert_eq!(manifest["generated_at"], "2031-04-06T23:59:59Z");
    let drafts = "select total from agora.bill where revision = 0";
    assert_eq!(setup.database.value(drafts).await, "15.980000", "no draft is stored of then");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tampered_bill_is_found_and_its_files_are_not_written() {
    let setup = march(FINAL).await;
    close(&setup, &[]).exits(0);
    setup.run(&["bill", "verify", "--output", "table"]).exits(0).says(&["2 bills verified"]);
    for (table, statement, figure) in [
        (
            "bill",
            "update agora.bill set total = 12.00, total_low = 12.00, total_high = 12.00 \
             where revision = 1",
            "rated total",
        ),
        (
            "bill_line",
            "update agora.bill_line set amount = 1 where revision = 1",
            "line usage rtc full_hd 1",
        ),
        (
            "bill_allocation",
            "update agora.bill_allocation set cost = cost + 0.01 where revision = 1",
            "cost of P2 on 2031-03-02 for rtc",
        ),
        (
            "bill_allocation",
            "delete from agora.bill_allocation where revision = 1 and project_id = 'P1'",
            "cost of P1 on 2031-03-01 for rtc",
        ),
    ] {
        setup
            .database
            .execute(&format!("alter table agora.{table} disable trigger user; {statement}"))
            .await;
        let found = setup.run(&["bill", "verify", "--output", "csv"]).exits(1);
        let is_named = |line: &str| line.contains("2031-03,1,differs") && line.contains(figure);
        assert!(found.stdout.lines().any(is_named), "{figure}\n{}", found.stdout);
    }
    setup.report("2031-03").exits(1).says(&["differs from what its facts make", "bill verify"]);
    assert!(files_below(&setup.reports()).is_empty());
    setup.run(&["bill", "show", "--month", "2031-03", "--revision", "1"]).exits(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_of_a_version_that_recorded_less_is_told_apart_from_a_wrong_one() {
    let setup = march(FINAL).await;
    setup.report("2031-03").exits(0);
    setup.database.execute("update agora.bill set known_request_id = null").await;
    setup.run(&["bill", "verify", "--output", "csv"]).exits(3).says(&["not recorded"]);
    setup.report("2031-03").exits(0);
    setup.run(&["bill", "verify"]).exits(0).says(&["1 bill verified"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_closes_at_once_make_one_revision() {
    let setup = march(FINAL).await;
    let closes: Vec<_> = (0..3)
        .map(|_| {
            setup
                .program
                .command(&["bill", "close", "--month", "2031-03"])
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn()
                .expect("started")
        })
        .collect();
    let mut codes: Vec<_> =
        closes.into_iter().map(|mut child| child.wait().expect("ended").code()).collect();
    codes.sort_unstable();
    assert_eq!(codes, [Some(0), Some(1), Some(1)]);
    assert_eq!(setup.database.value("select max(revision) from agora.bill").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bill_is_shown_as_a_table_and_as_csv() {
    let setup = march(FINAL).await;
    let adjust = ["bill", "adjust", "--month", "2031-03", "--amount", "-2.5", "--reason", "outage"];
    setup.run(&adjust).exits(0).says(&["adjustment 1 of USD -2.50 recorded"]);
    let show = ["bill", "show", "--month", "2031-03", "--output"];
    insta::assert_snapshot!(
        "shown_table",
        setup.run(&[&show[..], &["table"]].concat()).exits(0).stdout
    );
    insta::assert_snapshot!(
        "shown_csv",
        setup.run(&[&show[..], &["csv"]].concat()).exits(0).stdout
    );
    insta::assert_snapshot!(
        "shown_json",
        setup.run(&[&show[..], &["json"]].concat()).exits(0).stdout
    );
    // It stores nothing.
    assert_eq!(setup.database.value("select count(*) from agora.bill").await, "0");
    setup.run(&["bill", "show", "--month", "2031-03", "--revision", "3"]).exits(1).says(&["r3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_that_was_changed_and_a_revision_that_is_gone_are_found() {
    let mut setup = march(FINAL).await;
    close(&setup, &[]).exits(0);
    setup.now("2031-04-25T12:00:00Z");
    setup.api.use_seconds("P2", "2031-03-02", &[(FULL_HD, 36_000)]);
    setup.run(&["backfill", "--from", "2031-03-01", "--to", "2031-03-31", "--again"]).exits(0);
    close(&setup, &["--revise"]).exits(0);
    let changed = "alter table agora.bill disable trigger user; \
                   update agora.bill set total_high = total_high + 1 where revision = 2";
    setup.database.execute(changed).await;
    let found = setup.run(&["bill", "verify", "--output", "csv"]).exits(1).stdout;
    assert!(found.contains("2031-03,2,differs,greatest total,15.38"), "{found}");
    let gone = "set session_replication_role = replica; delete from agora.bill where revision = 1";
    setup.database.execute(gone).await;
    let found = setup.run(&["bill", "verify", "--output", "csv"]).exits(1).stdout;
    assert!(found.contains("2031-03,1,missing,revision 1,"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_in_fewer_formats_takes_no_file_of_a_closed_month_away() {
    let mut setup = march(FINAL).await;
    close(&setup, &[]).exits(0);
    setup.run(&["report", "--month", "2031-03", "--format", "all"]).exits(0);
    let files = files_below(&setup.reports());
    assert!(files.len() > 20, "{files:?}");
    setup.report("2031-03").exits(0);
    assert_eq!(files_below(&setup.reports()), files);
    setup.now("2031-04-25T12:00:00Z");
    let then = ["report", "--month", "2031-03", "--as-of", "2031-04-22T00:00:00Z"];
    setup.run(&then).exits(0);
    assert_eq!(files_below(&setup.reports()), files);
}
