//! What cannot be done ends with its exit code and a way out, and leaves nothing half done.

use std::fs;

use agora_usage::simulator::{Simulator, SimulatorSettings};

use crate::support::database::TestDatabase;
use crate::support::fake_api::AUDIO;
use crate::support::filled_lake::files_of;
use crate::support::program::{Outcome, Program};
use crate::support::reports::files_below;
use crate::support::setup::Setup;

const LONG_AFTER: &str = "2031-04-20T12:00:00Z";
const BACKFILL: [&str; 5] = ["backfill", "--from", "2031-03-01", "--to", "2031-03-01"];
const REPORT: [&str; 3] = ["report", "--month", "2031-03"];

/// An account with a stored day and no report yet.
async fn fetched() -> Setup {
    let setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["P1"]);
    setup.api.use_seconds("P1", "2031-03-01", &[(AUDIO, 60)]);
    setup.backfill("2031-03-01", "2031-03-31").exits(0);
    setup.api.asked();
    setup
}

/// Nothing was asked, stored, or written to a file.
async fn assert_untouched(setup: &Setup) {
    assert!(setup.api.asked().is_empty());
    assert_eq!(setup.database.filled_tables().await, [""; 0]);
    assert!(files_below(&setup.reports()).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_are_refused_before_anything_is_stored() {
    let mut setup = Setup::at(LONG_AFTER).await;
    let simulator = Simulator::start(SimulatorSettings::default()).await.expect("started");
    setup.program.set("AGORA_BASE_URL", simulator.base_url());
    for command in
        [&BACKFILL[..], &["sync", "projects"], &["sync", "usage"], &["sync", "occupancy"]]
    {
        let outcome = setup.run(command).exits(1).says(&[
            "error: GET projects: the credentials were refused, status 401",
            "hint: check AGORA_CUSTOMER_ID and AGORA_CUSTOMER_SECRET",
        ]);
        let Outcome { stdout, stderr, .. } = outcome;
        assert!(!stdout.contains("fake-secret") && !stderr.contains("fake-secret"));
    }
    assert_eq!(setup.database.filled_tables().await, ["account: 1"]);
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_does_not_answer_is_named_with_its_cause() {
    let mut setup = Setup::at(LONG_AFTER).await;
    setup.program.set("DATABASE_URL", "postgres://user:hidden-password@127.0.0.1:1/agora");
    for command in
        [&BACKFILL[..], &REPORT, &["query", "projects"], &["migrate"], &["sync", "usage"]]
    {
        let outcome = setup.run(command).exits(1).says(&[
            "error: the database cannot be reached",
            "refused",
            "hint: check DATABASE_URL and that the server runs",
        ]);
        assert!(!outcome.stderr.contains("hidden-password"), "{}", outcome.stderr);
    }
    assert_untouched(&setup).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_no_address_is_a_matter_of_configuration() {
    let mut setup = Setup::at(LONG_AFTER).await;
    for url in ["mysql://root:hidden-password@localhost/x", "localhost", "postgres://[:x/y"] {
        setup.program.set("DATABASE_URL", url);
        for command in [&BACKFILL[..], &REPORT, &["query", "gaps"], &["migrate"]] {
            let outcome = setup.run(command).exits(78).says(&[
                "error: the database address cannot be read",
                "hint: write DATABASE_URL as postgres://user:password@host:5432/database",
            ]);
            assert!(!outcome.stderr.contains("hidden-password"), "{}", outcome.stderr);
        }
    }
    assert_untouched(&setup).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_written_is_found_before_the_work() {
    let setup = fetched().await;
    let file = setup.program.folder().join("in-the-way");
    fs::write(&file, "mine").expect("written");
    for out in ["in-the-way", "in-the-way/below"] {
        let outcome = setup.run(&[&REPORT[..], &["--out", out]].concat());
        outcome.exits(1).says(&["in-the-way' is not a folder", "choose another folder with --out"]);
    }
    assert_eq!(fs::read_to_string(&file).expect("read"), "mine");
    let drafts = "select count(*) from agora.bill";
    assert_eq!(setup.database.value(drafts).await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_place_of_a_month_is_left_alone() {
    let setup = fetched().await;
    let parent = setup.reports().join("default");
    fs::create_dir_all(&parent).expect("created");
    fs::write(parent.join("2031-03"), "mine").expect("written");
    setup.run(&REPORT).exits(1).says(&["2031-03' is not a folder; move it away"]);
    let names: Vec<_> = files_below(&setup.reports()).into_keys().collect();
    assert_eq!(names.len(), 1, "{names:?}");
    assert_eq!(fs::read_to_string(parent.join("2031-03")).expect("read"), "mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn months_that_do_not_exist_or_have_not_begun_are_wrong_use() {
    let setup = fetched().await;
    for month in ["2026-13", "2026", "march", "2031-03-01", "2031-03..2031-01", ""] {
        setup.report(month).exits(2).says(&["error: "]);
    }
    let future = "error: 2031-05 has not begun; it is 2031-04 (UTC)";
    setup.report("2031-05").exits(2).says(&[future]);
    setup.report("2031-03..2031-05").exits(2).says(&[future]);
    assert!(files_below(&setup.reports()).is_empty());
    assert_eq!(setup.database.value("select count(*) from agora.bill").await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_of_nothing_says_how_to_fetch_something() {
    let setup = Setup::at(LONG_AFTER).await;
    let said = ["error: nothing is stored for account 'default'", "hint: fetch it first"];
    setup.run(&REPORT).exits(1).says(&said);
    assert_untouched(&setup).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_to_an_empty_database_says_how_to_fill_it() {
    let database = TestDatabase::empty();
    let mut program = Program::new();
    program.set("DATABASE_URL", database.url());
    let said = ["the database holds nothing of agora-usage yet", "hint: fetch something first"];
    program.run(&["query", "projects"]).exits(1).says(&said);
    let schemas = "select count(*) from pg_namespace where nspname = 'agora'";
    assert_eq!(database.value(schemas).await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_credentials_are_asked_for_before_the_database_is_opened() {
    let mut setup = Setup::at(LONG_AFTER).await;
    setup.program.unset("AGORA_CUSTOMER_ID").unset("AGORA_CUSTOMER_SECRET");
    setup.program.set("DATABASE_URL", "postgres://127.0.0.1:1/x");
    for command in
        [&BACKFILL[..], &["sync", "projects"], &["sync", "usage"], &["sync", "occupancy"]]
    {
        let said = ["error: account 'default' has no customer id", "agora-usage demo"];
        setup.run(command).exits(78).says(&said);
    }
    assert_untouched(&setup).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_not_described_is_a_matter_of_configuration() {
    let setup = Setup::at(LONG_AFTER).await;
    let account = ["--account", "nobody"];
    for command in [&BACKFILL[..], &REPORT, &["sync", "usage"]] {
        let said = ["error: account 'nobody' is not in the settings", "hint: an [[account]] table"];
        setup.run(&[command, &account].concat()).exits(78).says(&said);
    }
    assert_untouched(&setup).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_be_used_name_file_key_and_value() {
    let setup = Setup::at(LONG_AFTER).await;
    let file = setup.program.folder().join("bad.toml");
    for (text, said) in [
        ("workers = ", "bad.toml"),
        ("wrokers = 3", "wrokers"),
        ("workers = \"many\"", "workers"),
        ("usage_api = \"v2\"", "usage_api = 'v2' is not known; use v3 or v1"),
        ("[[account]]\nname = \"a/b\"", "'a/b' is not a name for an account"),
    ] {
        fs::write(&file, text).expect("written");
        let outcome = setup.run(&[&BACKFILL[..], &["--config", "bad.toml"]].concat());
        outcome.exits(78).says(&["error: ", said]);
    }
    let absent = [&BACKFILL[..], &["--config", "absent.toml"]].concat();
    setup.run(&absent).exits(78).says(&["the settings file absent.toml is not there"]);
    assert_untouched(&setup).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_come_from_files_too_and_a_missing_one_is_named() {
    let mut setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["P1"]);
    setup.program.unset("AGORA_CUSTOMER_SECRET");
    for (name, content) in [("secret", "fake-secret\n"), ("url", &setup.database.url())] {
        fs::write(setup.program.folder().join(name), content).expect("written");
    }
    setup.program.set("AGORA_CUSTOMER_SECRET_FILE", "absent");
    setup.run(&BACKFILL).exits(78).says(&["the secret file absent cannot be read"]);
    assert_untouched(&setup).await;
    setup.program.set("AGORA_CUSTOMER_SECRET_FILE", "secret");
    setup.program.unset("DATABASE_URL").set("DATABASE_URL_FILE", "url");
    setup.run(&BACKFILL).exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_that_cannot_be_used_are_named() {
    let database = TestDatabase::new();
    for (name, value, said) in [
        ("AGORA_USAGE_WORKERS", "many", "WORKERS"),
        ("AGORA_USAGE_NOW", "yesterday", "AGORA_USAGE_NOW: 'yesterday' is not an RFC 3339 time"),
        ("AGORA_USAGE_SERVICES", "fax", "services: 'fax' is not known"),
        ("AGORA_BASE_URL", "http://api.agora.io", "http would send the secret in the clear"),
        ("AGORA_BASE_URL", "https://api.agora.io/dev", "without a path"),
        ("AGORA_USAGE_WORKRES", "3", "workres"),
    ] {
        let mut program = Program::new();
        program.set("DATABASE_URL", database.url()).set(name, value);
        program.run(&BACKFILL).exits(78).says(&["error: ", said]);
    }
    assert_eq!(database.filled_tables().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn price_books_that_cannot_be_used_leave_the_draft_alone() {
    let mut setup = fetched().await;
    let file = setup.program.folder().join("book.toml");
    let book = include_str!("../../pricebooks/tiered-usd.toml");
    setup.program.set("AGORA_USAGE_PRICE_BOOK", "book.toml");
    setup.run(&REPORT).exits(78).says(&["price book book.toml cannot be read"]);
    for (text, said) in [
        ("name = ", "book.toml"),
        (&*book.replace("audio = \"0.99\"", "audio = \"cheap\""), "cheap"),
        (&*book.replace("sd_as", "sd_like"), "sd_like"),
        (&*book.replace("\"USD\"", "\"Taler\""), "Taler"),
    ] {
        fs::write(&file, text).expect("written");
        setup.run(&REPORT).exits(78).says(&["error: ", "book.toml", said]);
    }
    setup.program.unset("AGORA_USAGE_PRICE_BOOK").set("AGORA_USAGE_PLAN", "flat");
    setup
        .run(&REPORT)
        .exits(78)
        .says(&["plan = 'flat' is not known; use one of tiered, fixed, standard"]);
    assert!(files_below(&setup.reports()).is_empty());
    assert_eq!(setup.database.value("select count(*) from agora.bill").await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_arguments_are_wrong_use() {
    let program = Program::new();
    for arguments in [
        &["backfill"][..],
        &["backfill", "--from", "2031-02-30", "--to", "2031-03-01"],
        &["report"],
        &["query", "no_such_question"],
        &["query", "gaps", "-p", "nonsense"],
        &["query", "gaps", "-p", "colour=red"],
        &["sync"],
        &["sync", "everything"],
        &["fly"],
        &[],
        &["simulator", "--port", "70000"],
    ] {
        program.run(arguments).exits(2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c43_a_report_that_cannot_be_written_whole_leaves_the_earlier_one_as_it_was() {
    let setup = fetched().await;
    setup.report("2031-03").exits(0);
    let before = files_of(&setup.reports());
    assert!(before.len() > 5, "{:?}", before.keys());
    setup.api.use_seconds("P1", "2031-03-01", &[(AUDIO, 9_000_000)]);
    setup.backfill_again("2031-03-01", "2031-03-31");
    let largest = before.values().map(Vec::len).max().expect("files");
    // No file may have more blocks of 512 bytes: many fail, or the largest alone.
    for blocks in [1, 2, (largest - 1) / 512] {
        let limit = format!("trap '' XFSZ; ulimit -f {blocks}");
        let output = setup.program.limited_command(&limit, &REPORT).output().expect("ran");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{blocks}: {stderr}");
        assert!(stderr.contains("error: ") && stderr.contains("reports/default"), "{stderr}");
        assert_eq!(files_of(&setup.reports()), before, "{blocks}");
    }
    setup.report("2031-03").exits(0);
    assert_ne!(files_of(&setup.reports()), before);
}
