//! `agora-usage init` and `agora-usage check`: from nothing to settings that work.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::database::TestDatabase;
use crate::support::fake_api::{AUDIO, Asked};
use crate::support::program::Program;
use crate::support::setup::Setup;

#[test]
fn init_writes_settings_that_the_program_can_read_and_replaces_none() {
    let mut program = Program::new();
    let secret = program.folder().join("secret");
    fs::write(&secret, "hush-hush\n").expect("written");
    let secret = secret.display().to_string();
    let flags = [
        "init",
        "--file",
        "mine.toml",
        "--customer-id",
        "an-id",
        "--customer-secret-file",
        &secret,
        "--usage-api",
        "v1",
        "--plan",
        "fixed",
    ];
    program.run(&flags).exits(0).says(&["wrote mine.toml", "agora-usage check --online"]);
    let file = program.folder().join("mine.toml");
    let text = fs::read_to_string(&file).expect("read");
    for line in
        ["customer_id = \"an-id\"", "usage_api = \"v1\"", "plan = \"fixed\"", "# workers = 8"]
    {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(!text.contains("hush-hush"));
    assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);

    program.run(&flags).exits(1).says(&["already there", "--force"]);
    assert_eq!(fs::read_to_string(&file).expect("read"), text);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("set");
    program.run(&[&flags[..], &["--force"]].concat()).exits(0);
    assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);

    let database = TestDatabase::new();
    program.set("DATABASE_URL", database.url());
    let checked = program.run(&["check", "--config", "mine.toml"]).exits(0);
    checked.says(&["settings   ok", "database   ok: given by address", "fixed-usd", "hdp 14.99"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn check_online_tells_what_the_platform_answers() {
    let mut setup = Setup::at("2031-04-20T12:00:00Z").await;
    setup.api.list(&["P1", "P2"]);
    setup.api.use_seconds("P1", "2031-04-18", &[(AUDIO, 60)]);
    let outcome = setup.run(&["check", "--online"]).exits(0);
    outcome.says(&[
        "login      ok: 2 projects, 0 of them disabled",
        "rtc              1 of 2 projects with usage on 2031-04-13..2031-04-19",
        "miniapp          0 of 2 projects",
        "usage v3   answers; usage v1 answers",
        "tiered-usd",
        "10,000 free minutes",
        "5 % from minute 100,000",
        "next: agora-usage backfill",
    ]);
    setup.program.set("AGORA_USAGE_SERVICES", "rtc,recording");
    setup.run(&["check"]).exits(0).says(&["recording beside it may count twice"]);
    let warned = setup.backfill("2031-04-18", "2031-04-18").exits(0);
    warned.says(&["warning: account default", "recording beside it may count twice"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn check_does_not_say_that_an_api_answers_which_it_did_not_ask() {
    let setup = Setup::at("2031-04-20T12:00:00Z").await;
    setup.api.list(&[]);
    let outcome = setup.run(&["check", "--online"]).exits(0);
    outcome.says(&["login      ok: 0 projects", "usage v3   was not asked: there is no project"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn check_names_each_thing_that_does_not_work() {
    let mut setup = Setup::at("2031-04-20T12:00:00Z").await;
    setup.api.list(&["P1"]);
    setup.api.answer_when(Asked::is_v3, 404, r#"{"message":"no such API"}"#);
    let outcome = setup.run(&["check", "--online"]).exits(1);
    outcome.says(&["usage v3   does not answer; usage v1 answers", "no such API"]);
    setup.program.set("AGORA_USAGE_USAGE_API", "v1");
    setup.run(&["check", "--online"]).exits(0);
    setup.program.set("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none");
    setup.run(&["check"]).exits(1).says(&["database   failed", "cannot be reached"]);
}

#[test]
fn check_explains_the_price_books_in_words() {
    let database = TestDatabase::new();
    let mut program = Program::new();
    program.set("DATABASE_URL", database.url());
    let checked = program.run(&["check"]).exits(0);
    insta::assert_snapshot!("check_tiered", plan_of(&checked.stdout));

    let book = "name = 'contract'\nextends = 'standard-usd'\nvalid_from = '2026-01'\n\
                valid_to = '2026-12'\naccounts = ['default']\npackage = 'Pro'\n\
                broadcast_audience_share = '30%'\ndiscount_percent = '12.5'\n\
                minimum_commitment = '100'\ntax_percent = '19'\n\
                [[top_ups_bought]]\nmonth = '2026-03'\nminutes = 250000\ncount = 2\n\
                [prices.cloud_recording]\naudio = '1.49'\n";
    fs::write(program.folder().join("contract.toml"), book).expect("written");
    program.set("AGORA_USAGE_PRICE_BOOKS", "contract.toml");
    let checked = program.run(&["check"]).exits(0);
    insta::assert_snapshot!("check_contract", plan_of(&checked.stdout));

    program.set("AGORA_USAGE_PRICE_BOOKS", "contract.toml,tiered-usd");
    let said = "price books 'contract' and 'tiered-usd' both hold for account 'default' in 2026-01";
    program.run(&["check"]).exits(78).says(&[said]);
}

/// The lines about the plan.
fn plan_of(stdout: &str) -> String {
    let lines = stdout.lines().skip_while(|line| !line.starts_with("  plan"));
    lines.take_while(|line| line.starts_with("  ")).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_the_daemon_would_refuse_is_found_by_check() {
    let database = TestDatabase::new();
    let mut program = Program::new();
    program.set("DATABASE_URL", database.url());
    let file = program.folder().join("agora-usage.toml");
    for (schedule, said) in [
        ("usage = \"61 0 0 * * *\"", "schedule of job 'usage'"),
        ("usage = \"0 0 0 31 2 *\"", "'0 0 0 31 2 *' never comes"),
        ("nosuch = \"0 0 0 * * *\"", "there is no job 'nosuch'"),
    ] {
        fs::write(&file, format!("[schedule]\n{schedule}\n")).expect("written");
        program.run(&["check"]).exits(78).says(&["schedule   failed, see below", said]);
    }
    fs::write(&file, "[schedule]\nusage = \"0 30 1 * * *\"\n").expect("written");
    program.run(&["check"]).exits(0);
}
