//! Usage v1 by setting, beside v3, and the deleted projects that it tells of.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};

use crate::support::fake_api::{AUDIO, Asked};
use crate::support::setup::{Setup, audio_rows};

const LONG_AFTER: &str = "2031-04-20T12:00:00Z";

fn minutes(audio: u64) -> Value {
    json!({ "audio": audio, "sd": 0, "hd": 0, "hdp": 0 })
}

/// `projects from..to` of each v1 request, sorted, since several are under way at once; `*` for all projects.
fn asked_minutes(setup: &Setup) -> Vec<String> {
    let asked = setup.api.asked().into_iter().filter(Asked::is_v1);
    let line = |asked: Asked| {
        let [from, to] = ["from_date", "to_date"].map(|name| asked.parameter(name));
        let projects = Some(asked.parameter("projects")).filter(|ids| !ids.is_empty());
        format!("{} {from}..{to}", projects.unwrap_or("*"))
    };
    let mut lines: Vec<String> = asked.map(line).collect();
    lines.sort();
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn v1_asks_for_all_projects_at_once_and_stores_minutes_as_seconds() {
    let mut setup = Setup::at(LONG_AFTER).await;
    setup.use_v1();
    setup.api.list(&["A", "B"]);
    setup.api.use_minutes("A", "2031-02-28", minutes(2));
    setup.api.use_minutes("B", "2031-03-01", json!({ "audio": 1, "sd": 2, "hd": 3, "hdp": 4 }));
    setup.backfill("2031-02-28", "2031-03-01").exits(0).says(&["2 requests answered"]);
    assert_eq!(asked_minutes(&setup), ["* 2031-02-28..2031-02-28", "* 2031-03-01..2031-03-01"]);
    let stored = "select project_id, source, audio_seconds, sd_seconds, hd_seconds, hdp_seconds, \
                  full_hd_seconds from agora.usage_daily order by project_id";
    assert_eq!(setup.database.rows(stored).await, ["(A,v1,120,0,0,0,)", "(B,v1,60,120,180,240,)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn v1_stores_the_months_of_thousands_of_projects_one_by_one() {
    let mut setup = Setup::at(LONG_AFTER).await;
    setup.use_v1();
    let ids: Vec<String> = (0..2_001).map(|number| format!("P{number:04}")).collect();
    setup.api.list(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    for month in ["01", "02", "03"] {
        setup.api.use_minutes("P0001", &format!("2031-{month}-16"), minutes(2));
    }
    // Nobody uses anything after the 16th, which is no contradiction.
    let said = ["3 requests answered", "every day is known"];
    setup.backfill("2031-01-01", "2031-03-31").exits(0).says(&said);
    let stored = "select project_id, day, audio_seconds from agora.usage_daily \
                  where audio_seconds > 0 order by day";
    let expected = ["(P0001,2031-01-16,120)", "(P0001,2031-02-16,120)", "(P0001,2031-03-16,120)"];
    assert_eq!(setup.database.rows(stored).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn v1_asks_one_by_one_when_all_at_once_fails() {
    let mut setup = Setup::at(LONG_AFTER).await;
    setup.use_v1();
    setup.api.list(&["A", "B", "C"]);
    for project in ["A", "B", "C"] {
        setup.api.use_minutes(project, "2031-03-01", minutes(1));
    }
    let is_bad = |asked: &Asked| asked.is_v1() && ["", "B"].contains(&asked.parameter("projects"));
    setup.api.answer_when(is_bad, 500, "");
    let said = ["2 requests answered, 1 failed", "1 day not known", "B        rtc"];
    setup.backfill("2031-03-01", "2031-03-01").exits(3).says(&said);
    let stored = "select project_id, audio_seconds from agora.usage_daily order by project_id";
    assert_eq!(setup.database.rows(stored).await, ["(A,60)", "(C,60)"]);

    setup.api.heal();
    setup.api.asked();
    setup.backfill("2031-03-01", "2031-03-01").exits(0);
    assert_eq!(setup.database.rows(stored).await, ["(A,60)", "(B,60)", "(C,60)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_v1_value_never_replaces_a_v3_value() {
    let mut setup = Setup::at("2031-03-05T12:00:00Z").await;
    setup.api.list(&["P1"]);
    setup.api.use_seconds("P1", "2031-03-01", &[(AUDIO, 61)]);
    setup.api.use_minutes("P1", "2031-03-01", minutes(2));
    setup.api.use_minutes("P1", "2031-03-02", minutes(3));
    setup.backfill("2031-03-01", "2031-03-02").exits(0);
    let before = setup.database.written("usage_daily").await;
    setup.use_v1();
    setup.backfill("2031-03-01", "2031-03-02").exits(0).says(&["1 row new, 0 changed"]);
    let after = setup.database.written("usage_daily").await;
    assert_eq!(after[..1], before);
    let expected = ["(P1,2031-03-01,v3,61)", "(P1,2031-03-02,v1,180)"];
    assert_eq!(setup.audio().await, expected);
    assert!(setup.database.written("usage_revision").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_v3_value_replaces_a_v1_value_and_keeps_it() {
    let mut setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["P1"]);
    setup.api.use_seconds("P1", "2031-03-01", &[(AUDIO, 61)]);
    setup.api.use_minutes("P1", "2031-03-01", minutes(2));
    setup.use_v1();
    setup.backfill("2031-03-01", "2031-03-01").exits(0);
    // Its days are final for v1, and still due for v3, which can do better.
    setup.program.unset("AGORA_USAGE_USAGE_API");
    setup.backfill("2031-03-01", "2031-03-01").exits(0).says(&["1 changed"]);
    assert_eq!(setup.audio().await, audio_rows("P1", "2031-03", &[(1, 61)]));
    let history = "select source, audio_seconds from agora.usage_revision";
    assert_eq!(setup.database.rows(history).await, ["(v1,120)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c07_an_empty_answer_for_all_projects_is_a_contradiction() {
    let mut setup = Setup::at("2031-03-05T12:00:00Z").await;
    setup.use_v1();
    setup.api.list(&["P1"]);
    setup.api.use_minutes("P1", "2031-03-01", minutes(1));
    setup.backfill("2031-03-01", "2031-03-01").exits(0);
    setup.api.forget_usage();
    let said = ["4 days not known", "2031-03-01..2031-03-04  contradicted"];
    setup.backfill("2031-03-01", "2031-03-04").exits(3).says(&said);
    assert_eq!(setup.audio().await, ["(P1,2031-03-01,v1,60)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_of_an_unlisted_project_makes_a_stub_and_counts_in_the_bill() {
    let mut setup = Setup::at(LONG_AFTER).await;
    setup.use_v1();
    setup.api.list(&["P1"]);
    setup.api.use_minutes("Stranger", "2031-03-01", minutes(11_000));
    setup.backfill("2031-03-01", "2031-03-31").exits(0);
    let projects = "select project_id, status from agora.project order by project_id";
    assert_eq!(setup.database.rows(projects).await, ["(P1,active)", "(Stranger,unknown)"]);
    setup.report("2031-03").exits(0);
    let month = setup.month("2031-03");
    assert_eq!(month.costs(), ["P1 0.00", "Stranger 0.99"]);
    month.assert_adds_up();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_deleted_before_the_first_run_is_found_by_its_usage() {
    let setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["P1"]);
    setup.api.use_minutes("Gone", "2031-03-02", minutes(11_000));
    setup.api.use_seconds("Gone", "2031-03-02", &[(AUDIO, 659_999)]);
    setup.backfill("2031-03-01", "2031-03-31").exits(0);
    // The minutes only tell of it; the seconds are stored.
    assert_eq!(setup.audio().await, audio_rows("Gone", "2031-03", &[(2, 659_999)]));
    setup.report("2031-03").exits(0);
    assert_eq!(setup.month("2031-03").costs(), ["Gone 0.99", "P1 0.00"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_without_v1_is_no_reason_to_stop() {
    let setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["P1"]);
    setup.api.use_seconds("P1", "2031-03-01", &[(AUDIO, 60)]);
    setup.api.answer_when(Asked::is_v1, 404, "{}");
    let said = ["deleted projects that were never listed cannot be looked for"];
    setup.backfill("2031-03-01", "2031-03-01").exits(0).says(&said);
    assert_eq!(setup.audio().await, audio_rows("P1", "2031-03", &[(1, 60)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn c45_a_deleted_project_stays_due_and_in_the_report() {
    let mut setup = Setup::at("2031-03-05T12:00:00Z").await;
    setup.api.list(&["Kept", "Gone"]);
    setup.api.use_seconds("Gone", "2031-03-04", &[(AUDIO, 660_000)]);
    setup.backfill("2031-03-01", "2031-03-04").exits(0);
    setup.api.list(&["Kept"]);
    setup.now("2031-03-06T12:00:00Z");
    setup.backfill("2031-03-01", "2031-03-05").exits(0);
    setup.now(LONG_AFTER);
    setup.api.asked();
    setup.api.use_seconds("Gone", "2031-03-06", &[(AUDIO, 60_000)]);
    setup.backfill("2031-03-01", "2031-03-31").exits(0);
    // Until the day on which the list first lacked it.
    let asked = ["Gone 2031-03-01..2031-03-06", "Kept 2031-03-01..2031-03-31"];
    assert_eq!(setup.api.asked_seconds(), asked);
    setup.report("2031-03").exits(0);
    let month = setup.month("2031-03");
    assert_eq!(month.costs(), ["Gone 1.98", "Kept 0.00"]);
    assert_eq!(month.rows("summary.csv")[0]["status"], "deleted");
}

/// What the log tells of an answer that was not compared.
const SAYS_THE_SAME: &str = "the answer says what the one before said";

/// Runs a backfill of the first four days; tells whether its answer was compared with what is stored.
fn is_compared(setup: &Setup, exit_code: i32, said: &str) -> bool {
    let arguments = ["backfill", "--from", "2031-03-01", "--to", "2031-03-04", "-vv"];
    let outcome = setup.run(&arguments).exits(exit_code).says(&[said]);
    !outcome.stderr.contains(SAYS_THE_SAME)
}

async fn two_projects_in_minutes() -> Setup {
    let mut setup = Setup::at("2031-03-05T12:00:00Z").await;
    setup.use_v1();
    setup.api.list(&["P1", "P2"]);
    setup.api.use_minutes("P1", "2031-03-01", minutes(1));
    setup.api.use_minutes("P2", "2031-03-02", minutes(2));
    assert!(is_compared(&setup, 0, "new, 0 changed"));
    setup
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_says_what_it_said_is_compared_no_more_and_changes_nothing() {
    let setup = two_projects_in_minutes().await;
    let before = setup.database.written("usage_daily").await;
    for _ in 0..2 {
        assert!(!is_compared(&setup, 0, "0 rows new, 0 changed"));
    }
    assert_eq!(setup.database.written("usage_daily").await, before);
    let requests = "select outcome, rows_received, count(*), count(distinct stored_hash) \
                    from agora.sync_request group by outcome, rows_received";
    assert_eq!(setup.database.rows(requests).await.len(), 1);
    // There and back again.
    for audio in [5, 1] {
        setup.api.use_minutes("P1", "2031-03-01", minutes(audio));
        assert!(is_compared(&setup, 0, "0 rows new, 1 changed"));
        assert!(!is_compared(&setup, 0, "0 rows new, 0 changed"));
        let audio = format!("(P1,2031-03-01,v1,{})", 60 * audio);
        assert!(setup.audio().await.contains(&audio), "{audio}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_somebody_has_changed_are_compared_and_put_right() {
    let setup = two_projects_in_minutes().await;
    let before = setup.audio().await;
    for (damage, said) in [
        (
            "update agora.usage_daily set audio_seconds = 7 where project_id = 'P1' and day = '2031-03-01'",
            "0 rows new, 1 changed",
        ),
        (
            "update agora.usage_daily set audio_seconds = audio_seconds << 32 \
             where project_id = 'P1' and day = '2031-03-01'",
            "0 rows new, 1 changed",
        ),
        (
            "delete from agora.usage_daily where project_id = 'P2' and day = '2031-03-02'",
            "1 row new, 0 changed",
        ),
        (
            "update agora.usage_daily as one set audio_seconds = other.audio_seconds \
             from agora.usage_daily as other \
             where one.audio_seconds > 0 and other.audio_seconds > 0 \
                 and other.project_id <> one.project_id",
            "0 rows new, 2 changed",
        ),
    ] {
        setup.database.execute(damage).await;
        assert!(is_compared(&setup, 0, said), "{damage}");
        assert_eq!(setup.audio().await, before, "{damage}");
        // Where a hand has written, the next answer is compared in any case.
        is_compared(&setup, 0, "0 rows new, 0 changed");
        assert!(!is_compared(&setup, 0, "0 rows new, 0 changed"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c07_days_that_an_answer_leaves_out_stay_a_contradiction_when_it_says_so_again() {
    let setup = two_projects_in_minutes().await;
    setup.api.forget_usage();
    setup.api.use_minutes("P1", "2031-03-01", minutes(1));
    let said = "2031-03-02..2031-03-02  contradicted";
    assert!(is_compared(&setup, 3, said));
    assert!(!is_compared(&setup, 3, said));
    let days = "select contradicted_days from agora.sync_request order by request_id desc limit 2";
    assert_eq!(setup.database.rows(days).await, ["({2031-03-02})"; 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hand_that_writes_while_an_answer_is_written_is_put_right_by_the_next_one() {
    let setup = two_projects_in_minutes().await;
    setup.api.use_minutes("P1", "2031-03-01", minutes(9));
    let options = PgConnectOptions::from_str(&setup.database.url()).expect("address");
    let mut hand = PgConnection::connect_with(&options).await.expect("connected");
    let by_hand = "begin; \
        update agora.usage_daily set audio_seconds = 5 \
        where project_id = 'P1' and day = '2031-03-01'; \
        update agora.usage_daily set audio_seconds = 7 \
        where project_id = 'P2' and day = '2031-03-02'";
    sqlx::raw_sql(by_hand).execute(&mut hand).await.expect("written");
    // It has compared, and waits for the row of P1.
    let waiting = "select count(*) from pg_stat_activity \
                   where datname = current_database() and wait_event_type = 'Lock'";
    let setup = Arc::new(setup);
    let of_run = Arc::clone(&setup);
    let run = tokio::task::spawn_blocking(move || is_compared(&of_run, 0, "0 rows new, 1 changed"));
    while setup.database.value(waiting).await != "1" {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    sqlx::raw_sql("commit").execute(&mut hand).await.expect("committed");
    assert!(run.await.expect("ran"));
    assert!(setup.audio().await.contains(&"(P2,2031-03-02,v1,7)".to_owned()));
    assert!(is_compared(&setup, 0, "0 rows new, 1 changed"));
    let audio = setup.audio().await;
    assert!(audio.contains(&"(P1,2031-03-01,v1,540)".to_owned()), "{audio:?}");
    assert!(audio.contains(&"(P2,2031-03-02,v1,120)".to_owned()), "{audio:?}");
    assert!(is_compared(&setup, 0, "0 rows new, 0 changed"));
    assert!(!is_compared(&setup, 0, "0 rows new, 0 changed"));
}
