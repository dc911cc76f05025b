//! `sync projects`, `sync usage`: each job once.

use agora_usage::clock::Clock;
use agora_usage::simulator::{Simulator, SimulatorSettings};
use serde_json::json;

use crate::support::fake_api::{AUDIO, Asked, project};
use crate::support::setup::{Setup, audio_rows};

#[tokio::test(flavor = "multi_thread")]
async fn c03_a_late_day_arrives_with_the_next_run() {
    let mut setup = Setup::at("2031-03-11T06:00:00Z").await;
    setup.api.list(&["P2"]);
    setup.api.use_seconds("P2", "2031-03-10", &[(AUDIO, 10)]);
    setup.run(&["sync", "usage"]).exits(0);
    // The previous month comes along whole.
    let asked = ["P2 2031-02-01..2031-02-28", "P2 2031-03-01..2031-03-10"];
    assert_eq!(setup.api.asked_seconds(), asked);

    setup.api.use_seconds("P2", "2031-03-05", &[(AUDIO, 600)]);
    setup.now("2031-03-12T06:00:00Z");
    setup.run(&["sync", "usage"]).exits(0).says(&["1 row new, 0 changed"]);
    // From the first day that can still move to yesterday.
    assert_eq!(setup.api.asked_seconds(), ["P2 2031-03-04..2031-03-11"]);
    assert_eq!(setup.audio().await, audio_rows("P2", "2031-03", &[(5, 600), (10, 10)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn c08_the_job_ends_with_yesterday() {
    let setup = Setup::at("2031-05-08T00:30:00Z").await;
    setup.api.list(&["P1"]);
    setup.run(&["sync", "usage"]).exits(0).says(&["7 days may still change"]);
    let asked = ["P1 2031-04-01..2031-04-30", "P1 2031-05-01..2031-05-07"];
    assert_eq!(setup.api.asked_seconds(), asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn c26_creation_times_in_seconds_and_in_milliseconds_are_told_apart() {
    let setup = Setup::at("2031-03-11T06:00:00Z").await;
    let created = |id: &str, created: i64| {
        let mut body = project(id, id);
        body["created"] = json!(created);
        body
    };
    let seconds = created("Seconds", 1_893_456_000);
    let milliseconds = created("Millis", 1_893_456_000_123);
    setup.api.list_bodies(vec![seconds, milliseconds]);
    setup.run(&["sync", "projects"]).exits(0).says(&["2 projects listed"]);
    let stored = "select project_id, to_char(created_at at time zone 'UTC', \
                  'YYYY-MM-DD\"T\"HH24:MI:SS.MS') from agora.project order by project_id";
    let expected = ["(Millis,2030-01-01T00:00:00.123)", "(Seconds,2030-01-01T00:00:00.000)"];
    assert_eq!(setup.database.rows(stored).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_projects_is_kept_with_what_left_it() {
    let mut setup = Setup::at("2031-03-11T06:00:00Z").await;
    let mut disabled = project("Off", "Switched off");
    disabled["status"] = json!(0);
    setup.api.list_bodies(vec![project("P1", "First"), disabled]);
    setup.run(&["sync", "projects"]).exits(0);
    setup.api.list_bodies(vec![project("P1", "Renamed")]);
    setup.now("2031-03-12T06:00:00Z");
    setup.run(&["sync", "projects"]).exits(0).says(&["1 project listed, 1 newly found deleted"]);
    let stored = "select project_id, project_name, status, deleted_at::date, has_certificate \
                  from agora.project order by project_id";
    let gone = r#"(Off,"Switched off",deleted,2031-03-12,f)"#;
    assert_eq!(setup.database.rows(stored).await, [gone, "(P1,Renamed,active,,f)"]);

    setup.api.list(&["P1", "Off"]);
    setup.run(&["sync", "projects"]).exits(0).says(&["0 newly found deleted"]);
    let back = r#"(Off,"Project Off",active,,f)"#;
    assert_eq!(setup.database.rows(stored).await[0], back);
}

#[tokio::test(flavor = "multi_thread")]
async fn c47_secrets_are_nowhere_even_when_everything_is_said() {
    let certificate = "b1420000000000000000000000003416";
    let setup = Setup::at("2031-03-11T06:00:00Z").await;
    let mut body = project("P1", "First");
    body["sign_key"] = json!(certificate);
    setup.api.list_bodies(vec![body]);
    setup.api.answer_when(Asked::is_v3, 500, &format!("{{\"message\":\"{certificate}\"}}"));
    let outcome = setup.run(&["-vv", "sync", "projects"]).exits(0);
    let base64 = "ZmFrZS1jdXN0b21lcjpmYWtlLXNlY3JldA";
    for secret in [certificate, "fake-secret", base64] {
        assert!(!outcome.stdout.contains(secret) && !outcome.stderr.contains(secret), "{secret}");
        let found = format!("select * from agora.project as p where p::text like '%{secret}%'");
        assert!(setup.database.rows(&found).await.is_empty());
    }
    let stored = "select has_certificate from agora.project";
    assert_eq!(setup.database.value(stored).await, "t");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_job_works_with_the_simulator() {
    let mut setup = Setup::at("2031-05-08T18:00:00Z").await;
    let simulator = Simulator::start(SimulatorSettings {
        clock: Clock::from_setting(Some("2031-05-08T18:00:00Z")).expect("time"),
        requests_per_second: 0,
        statistics_requests_per_second: 0,
        ..SimulatorSettings::default()
    });
    let simulator = simulator.await.expect("started");
    setup
        .program
        .set("AGORA_BASE_URL", simulator.base_url())
        .set("AGORA_CUSTOMER_ID", simulator.customer_id())
        .set("AGORA_CUSTOMER_SECRET", simulator.customer_secret())
        .unset("AGORA_USAGE_SERVICES");
    setup.run(&["sync", "projects"]).exits(0).says(&["7 projects listed"]);
    setup.run(&["sync", "usage"]).exits(0).says(&["every day is known"]);
    setup.run(&["sync", "occupancy"]).exits(0).says(&["6 snapshots", "0 incomplete, 0 failed"]);
    let filled = setup.database.filled_tables().await;
    let tables: Vec<_> = filled.iter().filter_map(|line| line.split(':').next()).collect();
    let expected = [
        "account",
        "project",
        "sync_request",
        "usage_daily",
        "occupancy_snapshot",
        "occupancy_channel",
    ];
    assert_eq!(tables, expected);
    simulator.stop().await;
}
