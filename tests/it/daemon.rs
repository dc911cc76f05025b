//! `agora-usage daemon`: jobs at their times, alone, and made up for when missed.

use std::process::Stdio;
use std::time::Duration;

use agora_usage::domain::AccountId;
use agora_usage::store::leases;
use agora_usage::store::projects::ensure_account;
use rustix::process::{Pid, Signal, kill_process};

use crate::support::fake_api::{AUDIO, Asked};
use crate::support::setup::{Setup, audio_rows};

const NOW: &str = "2031-03-12T09:00:00Z";

const RUNS: &str = "select job, slot at time zone 'UTC', state, attempt from agora.job_run \
                    order by started_at, job";

async fn account() -> Setup {
    let setup = Setup::at(NOW).await;
    setup.api.list(&["P1"]);
    for day in 1..=11 {
        setup.api.use_seconds("P1", &format!("2031-03-{day:02}"), &[(AUDIO, 60 * day)]);
    }
    setup
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_is_made_up_once_and_in_order() {
    let mut setup = account().await;
    setup.run(&["daemon", "--once"]).exits(0);
    let days: Vec<(u32, u64)> = (1..=11).map(|day| (day, 60 * u64::from(day))).collect();
    assert_eq!(setup.audio().await, audio_rows("P1", "2031-03", &days));
    let runs = setup.database.rows(RUNS).await;
    let jobs: Vec<&str> =
        runs.iter().filter_map(|run| run.trim_start_matches('(').split(',').next()).collect();
    let position = |job| jobs.iter().position(|name| *name == job).expect(job);
    assert!(position("usage") < position("month_to_date"), "{jobs:?}");
    // The scripted platform has no channels.
    let mut others = runs.iter().filter(|run| !run.contains("occupancy"));
    assert!(others.all(|run| run.contains(",done,1)")), "{runs:?}");
    assert!(setup.reports().join("default/2031-03/manifest.json").is_file());

    setup.api.asked();
    setup.run(&["daemon", "--once"]).exits(0);
    let asked = setup.api.asked();
    assert!(
        asked
            .iter()
            .all(|asked| asked.path.contains("/channel/") || asked.path.ends_with("projects")),
        "{asked:?}"
    );

    // A day later each daily job has one slot more, however many were missed in between.
    setup.now("2031-03-13T09:00:00Z");
    setup.run(&["daemon", "--once"]).exits(0);
    let of_usage = "select count(*) from agora.job_run where job = 'usage'";
    assert_eq!(setup.database.value(of_usage).await, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_job_is_recorded_and_stops_no_other() {
    let setup = account().await;
    setup.api.answer_when(Asked::is_v3, 500, "");
    setup.run(&["daemon", "--once"]).exits(0);
    let states = "select job, state, message is not null from agora.job_run \
                  where job in ('projects', 'usage', 'month_to_date') order by job";
    let expected = ["(month_to_date,partial,t)", "(projects,done,f)", "(usage,partial,t)"];
    assert_eq!(setup.database.rows(states).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_died_has_failed_once_the_next_one_begins() {
    let mut setup = account().await;
    setup.run(&["daemon", "--once"]).exits(0);
    // As a process that is killed leaves it.
    let died = "update agora.job_run set state = 'running', finished_at = null where job = 'usage'";
    setup.database.execute(died).await;
    setup.now("2031-03-13T09:00:00Z");
    setup.run(&["daemon", "--once"]).exits(0);
    let states = "select state, coalesce(message, '-') from agora.job_run \
                  where job = 'usage' order by slot";
    let expected = ["(failed,\"the process ended before the run did\")", "(done,-)"];
    assert_eq!(setup.database.rows(states).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn c38_a_run_waits_for_another_or_refuses_and_a_dead_one_holds_nobody_up() {
    let setup = account().await;
    let store = setup.database.store().await;
    let account = AccountId::new("default").expect("name");
    ensure_account(store.pool(), &account, chrono::DateTime::UNIX_EPOCH).await.expect("account");
    let take = |holder: &'static str, seconds| {
        leases::acquire(store.pool(), &account, "usage", holder, Duration::from_secs(seconds))
    };
    let held = take("elsewhere/pid:[1]/7/0", 600).await.expect("answered").expect("free");
    let range = ["backfill", "--from", "2031-03-01", "--to", "2031-03-11"];
    let refused = setup.run(&[&range[..], &["--no-wait"]].concat()).exits(4);
    refused.says(&["another run works on account 'default'", "--no-wait"]);
    assert!(setup.audio().await.is_empty());

    let mut command = setup.program.command(&range);
    let waiting = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
    leases::release(store.pool(), &held).await.expect("released");
    let output = waiting.wait_with_output().expect("ended");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(setup.audio().await.len(), 11);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_holder_that_lost_its_lease_writes_nothing() {
    let setup = account().await;
    let store = setup.database.store().await;
    let account = AccountId::new("default").expect("name");
    ensure_account(store.pool(), &account, chrono::DateTime::UNIX_EPOCH).await.expect("account");
    let brief = Duration::from_millis(1);
    let paused = leases::acquire(store.pool(), &account, "usage", "paused", brief).await;
    let paused = paused.expect("answered").expect("free");
    let next = loop {
        let long = Duration::from_mins(10);
        let taken = leases::acquire(store.pool(), &account, "usage", "next", long).await;
        if let Some(taken) = taken.expect("answered") {
            break taken;
        }
    };
    assert!(!leases::renew(store.pool(), &paused, brief).await.expect("answered"));
    let late = agora_usage::store::usage::write_answers(store.pool(), &paused, &[]).await;
    assert!(late.expect_err("refused").to_string().contains("lost to another process"));
    // What it releases late is not the new holder's.
    leases::release(store.pool(), &paused).await.expect("answered");
    assert!(leases::renew(store.pool(), &next, Duration::from_secs(1)).await.expect("answered"));
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_on_a_signal_with_its_leases_freed() {
    let setup = account().await;
    let mut command = setup.program.command(&["daemon", "-v"]);
    let mut daemon = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("started");
    let done = "select count(*) from agora.job_run where job = 'previous_month' and state = 'done'";
    while setup.database.value(done).await != "1" {
        assert!(daemon.try_wait().expect("asked").is_none(), "the daemon ended by itself");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    kill_process(Pid::from_child(&daemon), Signal::TERM).expect("signalled");
    assert_eq!(daemon.wait().expect("ended").code(), Some(0));
    let held = "select count(*) from agora.job_lease where expires_at > clock_timestamp()";
    assert_eq!(setup.database.value(held).await, "0");
    let running = "select count(*) from agora.job_run where state = 'running'";
    assert_eq!(setup.database.value(running).await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_or_job_that_does_not_exist_is_refused() {
    let setup = account().await;
    let file = setup.program.folder().join("agora-usage.toml");
    std::fs::write(&file, "[schedule]\nusage = \"at noon\"\n").expect("written");
    setup.run(&["daemon", "--once"]).exits(78).says(&["schedule of job 'usage'", "second minute"]);
    std::fs::write(&file, "[schedule]\nuse = \"0 0 * * * *\"\n").expect("written");
    setup.run(&["daemon", "--once"]).exits(78).says(&["there is no job 'use'", "projects, usage"]);
}

/// Waits until a query gives this value, for as long as the test harness lets it.
async fn until(setup: &Setup, query: &'static str, value: &str) {
    while setup.database.value(query).await != value {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c38_a_stand_by_takes_over_from_a_leader_that_was_killed() {
    let setup = account().await;
    // The leader hangs in its usage job: the platform never answers it.
    let hanging = crate::support::raw_server::RawServer::start(vec![]);
    let mut leader = setup.program.command(&["daemon"]);
    leader.env("AGORA_BASE_URL", hanging.base_url()).env("AGORA_USAGE_ATTEMPTS_PER_HOST", "50");
    leader
        .env("AGORA_USAGE_FIRST_RETRY_WAIT_MS", "60000")
        .env("AGORA_USAGE_LISTEN_ADDRESS", "127.0.0.1:0");
    let mut leader = leader.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("started");
    let held = "select count(*) from agora.job_lease where name = 'usage'";
    until(&setup, held, "1").await;

    let mut stand_by = setup.program.command(&["daemon", "--once"]);
    let stand_by = stand_by.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
    leader.kill().expect("killed");
    leader.wait().expect("ended");
    let output = stand_by.wait_with_output().expect("ended");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(setup.audio().await.len(), 11);
    let epochs = "select epoch > 1 from agora.job_lease where name = 'usage'";
    assert_eq!(setup.database.value(epochs).await, "t");
    let running = "select count(*) from agora.job_run where state = 'running'";
    assert_eq!(setup.database.value(running).await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn c39_a_job_that_is_still_going_on_is_not_started_again() {
    let setup = account().await;
    let file = setup.program.folder().join("agora-usage.toml");
    std::fs::write(&file, "[schedule]\nprojects = \"* * * * * *\"\n").expect("written");
    let slow = crate::support::raw_server::RawServer::start(vec![]);
    let mut command = setup.program.command(&["daemon"]);
    command.env("AGORA_BASE_URL", slow.base_url()).env("AGORA_USAGE_ATTEMPTS_PER_HOST", "50");
    command
        .env("AGORA_USAGE_FIRST_RETRY_WAIT_MS", "60000")
        .env("AGORA_USAGE_LISTEN_ADDRESS", "127.0.0.1:0");
    let mut daemon = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("started");
    let skipped =
        "select count(*) >= 2 from agora.job_run where job = 'projects' and state = 'skipped'";
    until(&setup, skipped, "t").await;
    let running = "select count(*) from agora.job_run where job = 'projects' and state = 'running'";
    assert_eq!(setup.database.value(running).await, "1");
    daemon.kill().expect("killed");
    daemon.wait().expect("ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_read_again_and_the_last_good_ones_stay() {
    let setup = account().await;
    let file = setup.program.folder().join("agora-usage.toml");
    std::fs::write(&file, "report_folder = \"first\"\n").expect("written");
    let mut command = setup.program.command(&["daemon"]);
    let log = setup.program.folder().join("log");
    let stderr = std::fs::File::create(&log).expect("created");
    let mut daemon = command.stdout(Stdio::null()).stderr(stderr).spawn().expect("started");
    let said = async |text: &str| {
        while !std::fs::read_to_string(&log).expect("read").contains(text) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    said("daemon started").await;
    for (settings, text) in [
        ("report_folder = \"second\"\n", "settings read again"),
        ("workers = \"many\"\n", "the last good ones stay"),
    ] {
        std::fs::write(&file, settings).expect("written");
        kill_process(Pid::from_child(&daemon), Signal::HUP).expect("signalled");
        said(text).await;
    }
    assert!(daemon.try_wait().expect("asked").is_none(), "it goes on");
    kill_process(Pid::from_child(&daemon), Signal::TERM).expect("signalled");
    assert_eq!(daemon.wait().expect("ended").code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_for_programs_when_that_is_asked_for() {
    let mut setup = account().await;
    setup.program.set("AGORA_USAGE_LOG_FORMAT", "json");
    let stderr = setup.run(&["daemon", "--once"]).exits(0).stderr;
    let lines: Vec<serde_json::Value> =
        stderr.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    let ended = lines.iter().find(|line| line["message"] == "job ended" && line["job"] == "usage");
    let ended = ended.expect("one line a job");
    assert_eq!((&ended["account"], &ended["state"]), (&"default".into(), &"done".into()));
    assert!(ended["duration_ms"].is_u64() && ended["figures"].as_str().is_some());
}
