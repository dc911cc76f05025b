//! Faults that were found by looking for them: each test failed before its mend.

use std::fs;
use std::process::Stdio;

use crate::support::fake_api::{AUDIO, Asked, FakeApi, app_id, channel_page, project};
use crate::support::setup::{Setup, audio_rows};

const LONG_AFTER: &str = "2031-04-20T12:00:00Z";

/// Exit codes and stderr of three equal runs side by side.
fn three_at_once(setup: &Setup, arguments: &[&str]) -> Vec<(Option<i32>, String)> {
    let started: Vec<_> = (0..3)
        .map(|_| {
            let mut command = setup.program.command(arguments);
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("started")
        })
        .collect();
    let ended = started.into_iter().map(|child| child.wait_with_output().expect("ended"));
    ended.map(|out| (out.status.code(), String::from_utf8_lossy(&out.stderr).into())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_reports_of_one_month_at_once_both_end_well() {
    for _ in 0..5 {
        let setup = Setup::at(LONG_AFTER).await;
        setup.api.list(&["P1"]);
        setup.api.use_seconds("P1", "2031-03-01", &[(AUDIO, 6_000_000)]);
        setup.backfill("2031-03-01", "2031-03-31").exits(0);
        let ended = three_at_once(&setup, &["report", "--month", "2031-03"]);
        assert!(ended.iter().all(|(code, _)| *code == Some(0)), "{ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_first_snapshots_of_a_day_at_once_both_end_well() {
    for _ in 0..5 {
        let setup = Setup::at(LONG_AFTER).await;
        setup.api.list(&["P1"]);
        setup.api.serve_channels(&app_id("P1"), |_| channel_page(["a".to_owned()], 1, 1));
        let ended = three_at_once(&setup, &["sync", "occupancy"]);
        assert!(ended.iter().all(|(code, _)| *code == Some(0)), "{ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_runs_with_equal_values_make_no_history() {
    for _ in 0..3 {
        let setup = Setup::at(LONG_AFTER).await;
        let ids = ["P1", "P2", "P3", "P4", "P5", "P6"];
        setup.api.list(&ids);
        for id in ids {
            for day in 1..=31 {
                setup.api.use_seconds(id, &format!("2031-03-{day:02}"), &[(AUDIO, 60)]);
            }
        }
        three_at_once(&setup, &["backfill", "--from", "2031-03-01", "--to", "2031-03-31"]);
        let history = "select count(*) from agora.usage_revision";
        assert_eq!(setup.database.value(history).await, "0");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c37_a_nul_in_a_message_of_the_platform_does_not_stop_the_run() {
    let setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["P1", "P2"]);
    setup.api.use_seconds("P2", "2031-03-01", &[(AUDIO, 5)]);
    setup.api.answer_when(|a| a.project() == "P1", 500, "{\"message\":\"nul \\u0000 here\"}");
    setup.backfill("2031-03-01", "2031-03-01").exits(3);
    assert_eq!(setup.audio().await, audio_rows("P2", "2031-03", &[(1, 5)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn c37_a_nul_in_a_field_name_does_not_stop_the_other_projects() {
    let setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["P1", "P2"]);
    setup.api.use_seconds("P2", "2031-03-01", &[(AUDIO, 5)]);
    let body =
        "{\"meta\":{},\"usages\":[{\"date\":\"2031-03-01\",\"usage\":{\"duration\\u0000X\":5}}]}";
    setup.api.answer_when(|asked| asked.project() == "P1", 200, body);
    setup.backfill("2031-03-01", "2031-03-01");
    assert!(setup.audio().await.contains(&"(P2,2031-03-01,v3,5)".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_is_listed_twice_is_stored_once() {
    let setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["P1", "P1"]);
    setup.run(&["sync", "projects"]).exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_failure_is_the_one_that_is_told() {
    let setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["P1"]);
    setup.api.answer_when(Asked::is_v3, 500, r#"{"message":"zzz old"}"#);
    setup.backfill("2031-03-01", "2031-03-01").exits(3);
    setup.api.heal();
    setup.api.answer_when(Asked::is_v3, 500, r#"{"message":"aaa new"}"#);
    let stdout = setup.backfill("2031-03-01", "2031-03-01").exits(3).stdout;
    assert!(stdout.contains("aaa new"), "{stdout}");
}

#[tokio::test(flavor = "multi_thread")]
async fn query_gaps_knows_that_v1_answers_do_not_count_for_v3() {
    let mut setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["P1"]);
    setup.use_v1();
    setup.backfill("2031-03-01", "2031-03-02").exits(0);
    setup.program.unset("AGORA_USAGE_USAGE_API");
    setup.api.answer_when(Asked::is_v3, 500, "");
    setup.backfill("2031-03-01", "2031-03-02").exits(3).says(&["2 days not known"]);
    let rows = setup.run(&["query", "gaps"]).exits(0).stdout;
    assert_eq!(rows.lines().count(), 3, "{rows}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_stdout_is_no_crash() {
    let setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["P1"]);
    for arguments in [&["sync", "projects"][..], &["migrate"], &["sync", "usage"]] {
        let mut command = setup.program.command(arguments);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("ended");
        assert_ne!(output.status.code(), Some(101), "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worst_end_of_all_accounts_is_the_exit_code() {
    let mut setup = Setup::at(LONG_AFTER).await;
    let east = FakeApi::start().await;
    east.answer_when(|_| true, 403, "");
    setup.api.list(&["P1"]);
    setup.api.answer_when(Asked::is_v3, 500, "");
    let table = |name: &str, api: &FakeApi| {
        let url = api.base_url();
        format!(
            "[[account]]\nname = \"{name}\"\nbase_url = \"{url}\"\n\
             customer_id = \"id\"\ncustomer_secret = \"secret\"\n"
        )
    };
    let settings = [table("west", &setup.api), table("east", &east)].concat();
    fs::write(setup.program.folder().join("agora-usage.toml"), settings).expect("written");
    for name in ["AGORA_CUSTOMER_ID", "AGORA_CUSTOMER_SECRET", "AGORA_BASE_URL"] {
        setup.program.unset(name);
    }
    setup.backfill("2031-03-01", "2031-03-01").exits(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_data_does_not_stop_the_reports_of_the_others() {
    let mut setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["P1"]);
    let accounts = |names: &[&str], url: &str| {
        let table = |name: &&str| {
            format!(
                "[[account]]\nname = \"{name}\"\nbase_url = \"{url}\"\n\
                 customer_id = \"{name}\"\ncustomer_secret = \"secret\"\n"
            )
        };
        names.iter().map(table).collect::<String>()
    };
    let file = setup.program.folder().join("agora-usage.toml");
    let url = setup.api.base_url();
    for name in ["AGORA_CUSTOMER_ID", "AGORA_CUSTOMER_SECRET", "AGORA_BASE_URL"] {
        setup.program.unset(name);
    }
    fs::write(&file, accounts(&["full"], &url)).expect("written");
    setup.backfill("2031-03-01", "2031-03-31").exits(0);
    fs::write(&file, accounts(&["empty", "full"], &url)).expect("written");
    setup.report("2031-03").exits(1);
    assert!(setup.reports().join("full/2031-03/manifest.json").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn c16_a_server_with_smaller_pages_than_asked_for_is_read_to_its_end() {
    let setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["P1"]);
    setup.api.serve_channels(&app_id("P1"), |page| {
        let first = page * 100 + 1;
        channel_page((first..=(first + 99).min(250)).map(|number| format!("c{number}")), 1, 250)
    });
    setup.run(&["sync", "occupancy"]).exits(0).says(&["250 channels", "0 incomplete"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn user_counts_that_do_not_add_up_in_64_bits_are_no_crash() {
    let setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["P1"]);
    let names = || ["a".to_owned(), "b".to_owned()];
    setup.api.serve_channels(&app_id("P1"), move |_| {
        channel_page(names(), 9_223_372_036_854_775_807, 2)
    });
    let outcome = setup.run(&["sync", "occupancy"]);
    assert_ne!(outcome.exit_code, Some(101), "{}", outcome.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_not_replaced_when_its_files_cannot_be() {
    let setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["P1"]);
    setup.backfill("2031-03-01", "2031-03-31").exits(0);
    let parent = setup.reports().join("default");
    fs::create_dir_all(&parent).expect("created");
    fs::write(parent.join("2031-03"), "mine").expect("written");
    setup.report("2031-03").exits(1);
    assert_eq!(setup.database.value("select count(*) from agora.bill").await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn c37_an_escaped_name_does_not_swallow_a_name_that_looks_like_it() {
    let setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["P1"]);
    setup.api.serve_channels(&app_id("P1"), |_| {
        channel_page(["a\u{0}b".to_owned(), "a\\u0000b".to_owned()], 1, 2)
    });
    setup.run(&["sync", "occupancy"]).exits(0);
    let stored = "select count(*) from agora.occupancy_channel";
    assert_eq!(setup.database.value(stored).await, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_id_that_begins_with_a_dash_can_be_chosen() {
    let setup = Setup::at(LONG_AFTER).await;
    setup.api.list_bodies(vec![project("-x1", "Dash")]);
    let range = ["backfill", "--from", "2031-03-01", "--to", "2031-03-01"];
    setup.run(&[&range[..], &["--project", "-x1"]].concat()).exits(0);
}
