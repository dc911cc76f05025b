//! Runs that are killed, and runs side by side: the tables end as after one undisturbed run.

use std::process::Stdio;

use crate::support::fake_api::AUDIO;
use crate::support::setup::Setup;

const LONG_AFTER: &str = "2031-04-20T12:00:00Z";
const BACKFILL: [&str; 5] = ["backfill", "--from", "2031-01-01", "--to", "2031-03-31"];

const CURRENT: &str = "select project_id, day, source, audio_seconds, extra_seconds, missing_media \
                       from agora.usage_daily order by project_id, day";

/// Five projects with usage on each of 90 days.
async fn account() -> Setup {
    let setup = Setup::at(LONG_AFTER).await;
    let ids = ["P1", "P2", "P3", "P4", "P5"];
    setup.api.list(&ids);
    for (number, id) in (1..).zip(ids) {
        for (month, days) in [(1, 31), (2, 28), (3, 31)] {
            for day in 1..=days {
                let seconds = number * 1_000 + month * 100 + day;
                let day = format!("2031-{month:02}-{day:02}");
                setup.api.use_seconds(id, &day, &[(AUDIO, seconds)]);
            }
        }
    }
    setup
}

#[tokio::test(flavor = "multi_thread")]
async fn c06_a_killed_run_loses_nothing_that_the_next_one_does_not_fetch() {
    let undisturbed = account().await;
    undisturbed.run(&BACKFILL).exits(0);
    let expected = undisturbed.database.rows(CURRENT).await;
    assert_eq!(expected.len(), 5 * 90);

    let mut setup = account().await;
    // One at a time, so that the moments differ.
    setup.program.set("AGORA_USAGE_WORKERS", "1");
    for moment in 1..=10 {
        let mut command = setup.program.command(&BACKFILL);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("started");
        setup.api.asked();
        let mut asked = 0;
        while asked < moment && child.try_wait().expect("asked").is_none() {
            asked += setup.api.asked_seconds().len();
            tokio::task::yield_now().await;
        }
        child.kill().expect("killed");
        child.wait().expect("ended");
        // Every value has its request: a batch is there whole or not at all.
        let orphans = "select count(*) from agora.usage_daily as u where not exists ( \
                       select from agora.sync_request as r where r.request_id = u.request_id)";
        assert_eq!(setup.database.value(orphans).await, "0");
    }
    setup.run(&BACKFILL).exits(0).says(&["every day is known"]);
    assert_eq!(setup.database.rows(CURRENT).await, expected);
    assert!(setup.database.written("usage_revision").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_side_by_side_store_each_day_once() {
    let setup = account().await;
    let started: Vec<_> = (0..2)
        .map(|_| {
            let mut command = setup.program.command(&BACKFILL);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started")
        })
        .collect();
    for child in started {
        let output = child.wait_with_output().expect("ended");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(setup.database.rows(CURRENT).await.len(), 5 * 90);
    let wrong = "select count(*) from agora.usage_daily where audio_seconds <> \
                 substr(project_id, 2)::integer * 1000 \
                 + extract(month from day) * 100 + extract(day from day)";
    assert_eq!(setup.database.value(wrong).await, "0");
}
