//! `backfill`: what is asked, what is stored, and what is said about the rest.

use std::fs;

use crate::support::fake_api::{AUDIO, Asked, FakeApi, RTC};
use crate::support::setup::{Setup, audio_rows};

/// Long after March 2031, so that every answer about it is final.
const LONG_AFTER: &str = "2031-04-20T12:00:00Z";

#[tokio::test(flavor = "multi_thread")]
async fn c01_a_second_run_asks_again_and_writes_nothing() {
    let setup = Setup::at("2031-03-05T12:00:00Z").await;
    setup.api.list(&["P1"]);
    for (day, seconds) in [("2031-03-01", 12), ("2031-03-02", 0), ("2031-03-03", 7)] {
        setup.api.use_seconds("P1", day, &[(AUDIO, seconds)]);
    }
    setup.backfill("2031-03-01", "2031-03-03").exits(0).says(&["3 rows new, 0 changed"]);
    let expected = audio_rows("P1", "2031-03", &[(1, 12), (2, 0), (3, 7)]);
    assert_eq!(setup.audio().await, expected);
    let before = setup.database.written("usage_daily").await;

    setup.api.asked();
    setup.backfill("2031-03-01", "2031-03-03").exits(0).says(&["0 rows new, 0 changed"]);
    assert_eq!(setup.api.asked_seconds(), ["P1 2031-03-01..2031-03-03"]);
    assert_eq!(setup.database.written("usage_daily").await, before);
    assert!(setup.database.written("usage_revision").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn c02_a_restated_day_keeps_what_it_said_before() {
    let setup = Setup::at("2031-03-05T12:00:00Z").await;
    setup.api.list(&["P1"]);
    setup.api.use_seconds("P1", "2031-03-01", &[(AUDIO, 600)]);
    setup.api.use_seconds("P1", "2031-03-02", &[(AUDIO, 40)]);
    setup.backfill("2031-03-01", "2031-03-02").exits(0);
    setup.report("2031-03").exits(3);
    assert_eq!(setup.month("2031-03").rows("bill.csv")[0]["seconds"], "640");

    setup.api.use_seconds("P1", "2031-03-02", &[(AUDIO, 95)]);
    setup.backfill("2031-03-01", "2031-03-02").exits(0).says(&["0 rows new, 1 changed"]);
    assert_eq!(setup.audio().await, audio_rows("P1", "2031-03", &[(1, 600), (2, 95)]));
    let history = "select r.day, r.audio_seconds, r.superseded_by = u.request_id \
                   from agora.usage_revision as r \
                   join agora.usage_daily as u using (account_id, day, project_id, service)";
    assert_eq!(setup.database.rows(history).await, ["(2031-03-02,40,t)"]);
    setup.report("2031-03").exits(3);
    assert_eq!(setup.month("2031-03").rows("bill.csv")[0]["seconds"], "695");
}

#[tokio::test(flavor = "multi_thread")]
async fn c04_one_bad_project_does_not_stop_the_others_and_is_asked_again() {
    let setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["A", "B", "C"]);
    for project in ["A", "B", "C"] {
        setup.api.use_seconds(project, "2031-03-01", &[(AUDIO, 60)]);
    }
    setup.api.answer_when(|asked| asked.project() == "B", 500, r#"{"message":"out of order"}"#);
    setup.backfill("2031-03-01", "2031-03-02").exits(3).says(&[
        "2 requests answered, 1 failed",
        "2 days not known",
        "B        rtc      2031-03-01..2031-03-02  failed",
        "status 500, message \"out of order\", after 4 attempts",
    ]);
    let of = |project| audio_rows(project, "2031-03", &[(1, 60)]);
    assert_eq!(setup.audio().await, [of("A"), of("C")].concat());

    setup.api.heal();
    setup.api.asked();
    setup.backfill("2031-03-01", "2031-03-02").exits(0).says(&["every day is known"]);
    assert_eq!(setup.api.asked_seconds(), ["B 2031-03-01..2031-03-02"]);
    assert_eq!(setup.audio().await, [of("A"), of("B"), of("C")].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn c05_a_gap_is_reported_and_filled_by_the_next_run() {
    let setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["P1"]);
    for (month, days) in [(1, 31), (2, 28), (3, 31)] {
        for day in 1..=days {
            setup.api.use_seconds("P1", &format!("2031-{month:02}-{day:02}"), &[(AUDIO, 60)]);
        }
    }
    setup.api.answer_when(|asked| asked.parameter("from_date").starts_with("2031-02"), 503, "");
    let gap = "2031-02-01..2031-02-28  failed";
    setup.backfill("2031-01-01", "2031-03-31").exits(3).says(&["28 days not known", gap]);
    let by_month = "select extract(month from day), count(*) from agora.usage_daily \
                    group by 1 order by 1";
    assert_eq!(setup.database.rows(by_month).await, ["(1,31)", "(3,31)"]);

    setup.api.heal();
    setup.api.asked();
    setup
        .backfill("2031-01-01", "2031-03-31")
        .exits(0)
        .says(&["28 rows new", "every day is known"]);
    assert_eq!(setup.api.asked_seconds(), ["P1 2031-02-01..2031-02-28"]);
    assert_eq!(setup.database.rows(by_month).await, ["(1,31)", "(2,28)", "(3,31)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c07_an_empty_answer_does_not_unsay_stored_days() {
    let setup = Setup::at("2031-03-05T12:00:00Z").await;
    setup.api.list(&["P1"]);
    for day in ["2031-03-01", "2031-03-02", "2031-03-03"] {
        setup.api.use_seconds("P1", day, &[(AUDIO, 60)]);
    }
    setup.backfill("2031-03-01", "2031-03-03").exits(0);
    let before = setup.database.written("usage_daily").await;

    setup.api.forget_usage();
    let contradicted = ["3 days not known", "2031-03-01..2031-03-03  contradicted"];
    setup.backfill("2031-03-01", "2031-03-03").exits(3).says(&contradicted);
    assert_eq!(setup.database.written("usage_daily").await, before);
    let log = "select outcome, cardinality(contradicted_days) from agora.sync_request \
               order by request_id";
    assert_eq!(setup.database.rows(log).await, ["(ok,0)", "(contradiction,3)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c07_an_explicit_zero_is_a_restatement() {
    let setup = Setup::at("2031-03-05T12:00:00Z").await;
    setup.api.list(&["P1"]);
    setup.api.use_seconds("P1", "2031-03-01", &[(AUDIO, 60)]);
    setup.backfill("2031-03-01", "2031-03-01").exits(0);
    setup.api.use_seconds("P1", "2031-03-01", &[]);
    setup.backfill("2031-03-01", "2031-03-01").exits(0).says(&["1 changed"]);
    assert_eq!(setup.audio().await, audio_rows("P1", "2031-03", &[(1, 0)]));
    let history = "select day, audio_seconds from agora.usage_revision";
    assert_eq!(setup.database.rows(history).await, ["(2031-03-01,60)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c07_nothing_but_empty_answers_is_a_doubt_after_weeks_of_usage() {
    let mut setup = Setup::at("2031-03-04T12:00:00Z").await;
    setup.api.list(&["P1", "P2"]);
    setup.api.use_seconds("P1", "2031-03-01", &[(AUDIO, 60)]);
    // One silent project beside one in use is idle.
    setup.backfill("2031-03-01", "2031-03-01").exits(0);
    setup.now("2031-03-06T12:00:00Z");
    setup.backfill("2031-03-04", "2031-03-05").exits(3).says(&[
        "4 days not known",
        "P1       rtc      2031-03-04..2031-03-05  contradicted",
        "P2       rtc      2031-03-04..2031-03-05  contradicted",
    ]);
    assert_eq!(setup.audio().await, audio_rows("P1", "2031-03", &[(1, 60)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn c08_today_is_neither_asked_for_nor_stored() {
    let setup = Setup::at("2031-05-08T00:30:00Z").await;
    setup.api.list(&["P1"]);
    let body = r#"{"meta":{"durationAudioAll":{}},"usages":[
        {"date":"2031-05-07T00:00:00.000Z","usage":{"durationAudioAll":7}},
        {"date":"2031-05-08T00:00:00.000Z","usage":{"durationAudioAll":8}}]}"#;
    setup.api.answer_when(Asked::is_v3, 200, body);
    setup.backfill("2031-05-07", "2031-05-08").exits(0);
    assert_eq!(setup.api.asked_seconds(), ["P1 2031-05-07..2031-05-07"]);
    assert_eq!(setup.audio().await, audio_rows("P1", "2031-05", &[(7, 7)]));

    let today = setup.backfill("2031-05-08", "2031-05-08");
    today.exits(2).says(&["no day of 2031-05-08..2031-05-08 is over yet"]);
    assert!(setup.api.asked().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn c09_days_beyond_the_look_back_are_unavailable_and_never_zero() {
    let setup = Setup::at("2031-05-08T00:30:00Z").await;
    setup.api.list(&["P1"]);
    setup.backfill("2030-01-01", "2031-05-07").exits(3).says(&[
        "127 days not known",
        "2030-01-01..2030-05-07  unavailable  older than the platform looks back",
    ]);
    let asked = setup.api.asked_seconds();
    assert_eq!((asked.len(), asked[0].as_str()), (13, "P1 2030-05-08..2030-05-31"));
    assert!(setup.audio().await.is_empty());
    let covered = "select min(from_day), max(to_day) from agora.sync_request";
    assert_eq!(setup.database.rows(covered).await, ["(2030-05-08,2031-05-07)"]);
    setup.report("2030-02").exits(3).says(&["unavailable"]);
    assert_eq!(setup.month("2030-02").manifest()["status"], "incomplete");
}

#[tokio::test(flavor = "multi_thread")]
async fn c11_each_of_thirty_days_around_a_leap_day_is_asked_for_once() {
    let setup = Setup::at("2028-03-20T12:00:00Z").await;
    setup.api.list(&["P1"]);
    setup.api.use_seconds("P1", "2028-02-29", &[(AUDIO, 29)]);
    setup.backfill("2028-02-01", "2028-03-01").exits(0);
    let asked = ["P1 2028-02-01..2028-02-29", "P1 2028-03-01..2028-03-01"];
    assert_eq!(setup.api.asked_seconds(), asked);
    let days = "select count(*), count(distinct d), bool_or(d::date = '2028-02-29') \
                from agora.sync_request, generate_series(from_day, to_day, '1 day') as d";
    assert_eq!(setup.database.rows(days).await, ["(30,30,t)"]);
    assert_eq!(setup.audio().await, audio_rows("P1", "2028-02", &[(29, 29)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn c13_a_range_backwards_is_refused_and_one_day_is_a_range() {
    let setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["P1"]);
    let backwards = "the range ends (2031-03-04) before it begins (2031-03-05)";
    setup.backfill("2031-03-05", "2031-03-04").exits(2).says(&[backwards]);
    assert!(setup.api.asked().is_empty());
    assert!(setup.database.filled_tables().await.is_empty());
    setup.backfill("2031-03-05", "2031-03-05").exits(0);
    assert_eq!(setup.api.asked_seconds(), ["P1 2031-03-05..2031-03-05"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c18_status_200_with_an_error_in_it_is_a_failure() {
    let setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["P1"]);
    setup.api.use_seconds("P1", "2031-03-01", &[(AUDIO, 60)]);
    let refusal = r#"{"status":"error","message":"try elsewhere"}"#;
    setup.api.answer_when(Asked::is_v3, 200, refusal);
    let failed = ["1 day not known", "P1 ", "2031-03-01..2031-03-01", "try elsewhere"];
    setup.backfill("2031-03-01", "2031-03-01").exits(3).says(&failed);
    assert!(setup.audio().await.is_empty());

    setup.api.answer_when(|asked| asked.path == "/dev/v1/projects", 200, r#"{"success":false}"#);
    let whole = ["GET projects: the platform answered that the call failed, status 200"];
    setup.backfill("2031-03-01", "2031-03-01").exits(1).says(&whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn c24_a_project_that_is_not_found_is_marked_and_the_others_go_on() {
    let setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["A", "B"]);
    setup.api.use_seconds("A", "2031-03-01", &[(AUDIO, 60)]);
    let missing = r#"{"error_msg":"project not exist"}"#;
    setup.api.answer_when(|asked| asked.project() == "B", 404, missing);
    let marked = ["B ", "not found, status 404, message \"project not exist\""];
    setup.backfill("2031-03-01", "2031-03-01").exits(3).says(&marked);
    assert_eq!(setup.audio().await, audio_rows("A", "2031-03", &[(1, 60)]));
    // A repeat would not help, so it was asked once.
    assert_eq!(setup.api.asked_seconds().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn c24_refused_credentials_end_the_run_without_a_repeat() {
    let setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["P1"]);
    setup.api.answer_when(Asked::is_v3, 401, r#"{"message":"Invalid authentication"}"#);
    setup.backfill("2031-03-01", "2031-03-01").exits(1).says(&[
        "error: GET usage v3: the credentials were refused, status 401",
        "hint: check AGORA_CUSTOMER_ID and AGORA_CUSTOMER_SECRET",
        "unknown App ID",
    ]);
    assert_eq!(setup.api.asked_seconds().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_would_be_asked_and_asks_no_usage() {
    let mut setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["P1", "P2"]);
    let range = ["backfill", "--from", "2031-03-30", "--to", "2031-04-02"];
    let said = "2031-03-30..2031-04-02: 4 requests for 8 days of a project and service";
    setup.run(&[&range[..], &["--dry-run"]].concat()).exits(0).says(&[said]);
    assert!(setup.api.asked().iter().all(|asked| asked.path == "/dev/v1/projects"));
    assert_eq!(setup.database.filled_tables().await, ["account: 1", "project: 2"]);
    setup.program.set("AGORA_USAGE_REQUESTS_PER_SECOND", "3");
    let said = "would be made, in 2 s at the least";
    setup.run(&[&range[..], &["--dry-run"]].concat()).exits(0).says(&[said]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_chosen_projects_and_services_are_asked_for() {
    let mut setup = Setup::at(LONG_AFTER).await;
    setup.program.unset("AGORA_USAGE_SERVICES");
    setup.api.list(&["P1", "P2", "P3"]);
    let range = ["backfill", "--from", "2031-03-01", "--to", "2031-03-01"];
    let businesses = |setup: &Setup| {
        let asked = setup.api.asked().into_iter().filter(Asked::is_v3);
        let mut lines: Vec<_> =
            asked.map(|a| format!("{} {}", a.project(), a.parameter("business"))).collect();
        lines.sort();
        lines
    };
    let chosen = ["--project", "P1", "--project", "P3", "--service", "transcoding"];
    setup.run(&[&range[..], &chosen].concat()).exits(0);
    assert_eq!(businesses(&setup), ["P1 transcodeDuration", "P3 transcodeDuration"]);

    // Recording beside rtc may count twice, so nobody gets it without asking.
    setup.run(&[&range[..], &["--project", "P2"]].concat()).exits(0);
    assert_eq!(businesses(&setup), ["P2 cloudRecording", "P2 default", "P2 miniapp"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_project_is_refused_with_the_way_out() {
    let setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["P1"]);
    let range = ["backfill", "--from", "2031-03-01", "--to", "2031-03-01"];
    let unknown = ["project P9 is not known in this account", "hint: give the project id"];
    setup.run(&[&range[..], &["--project", "P9"]].concat()).exits(1).says(&unknown);
    let service = ["the services are rtc, recording, cloud_recording, transcoding, miniapp"];
    setup.run(&[&range[..], &["--service", "fax"]].concat()).exits(2).says(&service);
    setup.run(&[&range[..], &["--workers", "0"]].concat()).exits(2);
    assert!(setup.api.asked_seconds().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn final_days_are_asked_for_again_only_on_request() {
    let setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["P1"]);
    setup.backfill("2031-03-01", "2031-03-02").exits(0);
    setup.api.asked();
    setup.backfill("2031-03-01", "2031-03-02").exits(0).says(&["0 requests answered"]);
    assert!(setup.api.asked_seconds().is_empty());
    let again = ["backfill", "--from", "2031-03-01", "--to", "2031-03-02", "--again"];
    setup.run(&again).exits(0);
    assert_eq!(setup.api.asked_seconds(), ["P1 2031-03-01..2031-03-02"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_fails_does_not_stop_the_others() {
    let mut setup = Setup::at(LONG_AFTER).await;
    let east = FakeApi::start().await;
    east.answer_when(|_| true, 403, r#"{"message":"not yours"}"#);
    setup.api.list(&["P1"]);
    setup.api.use_seconds("P1", "2031-03-01", &[(AUDIO, 60)]);
    let table = |name: &str, api: &FakeApi| {
        let url = api.base_url();
        format!(
            "[[account]]\nname = \"{name}\"\nbase_url = \"{url}\"\n\
             customer_id = \"id\"\ncustomer_secret = \"secret\"\n"
        )
    };
    let settings = [table("east", &east), table("west", &setup.api)].concat();
    let file = setup.program.folder().join("agora-usage.toml");
    fs::write(file, settings).expect("written");
    for name in ["AGORA_CUSTOMER_ID", "AGORA_CUSTOMER_SECRET", "AGORA_BASE_URL"] {
        setup.program.unset(name);
    }
    let said = ["error: GET projects", "status 403", "account west, 2031-03-01..2031-03-01"];
    setup.backfill("2031-03-01", "2031-03-01").exits(1).says(&said);
    let stored = "select account_id, project_id, audio_seconds from agora.usage_daily";
    assert_eq!(setup.database.rows(stored).await, ["(west,P1,60)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_host_is_tried_when_the_first_one_is_down() {
    let mut setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["P1"]);
    setup.api.use_body("P1", RTC, "2031-03-01", serde_json::json!({ "durationAudioAll": 60 }));
    let hosts = format!("http://127.0.0.1:1,{}", setup.api.base_url());
    setup.program.set("AGORA_BASE_URL", hosts).set("AGORA_USAGE_ATTEMPTS_PER_HOST", "1");
    setup.backfill("2031-03-01", "2031-03-01").says(&["1 row new"]);
    assert_eq!(setup.audio().await, audio_rows("P1", "2031-03", &[(1, 60)]));
}
