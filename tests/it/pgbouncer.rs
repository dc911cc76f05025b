//! Everything through a pooler in transaction mode: each transaction may meet
//! another connection to the server, and what one leaves there meets others.

use std::process::Stdio;
use std::time::Duration;

use crate::support::database::TestDatabase;
use crate::support::fake_api::{AUDIO, Asked};
use crate::support::pooler::Pooler;
use crate::support::setup::{Setup, audio_rows};

const NOW: &str = "2031-03-12T09:00:00Z";

/// An account with eleven days of usage in each of some projects.
async fn account(projects: &[&str]) -> Setup {
    let setup = Setup::at(NOW).await;
    setup.api.list(projects);
    for project in projects {
        for day in 1..=11 {
            let seconds = [(AUDIO, 60 * day)];
            setup.api.use_seconds(project, &format!("2031-03-{day:02}"), &seconds);
        }
    }
    setup
}

fn expected(project: &str) -> Vec<String> {
    let days: Vec<(u32, u64)> = (1..=11).map(|day| (day, 60 * u64::from(day))).collect();
    audio_rows(project, "2031-03", &days)
}

/// Session locks and prepared statements, which would stay with a pooled connection.
/// The server lists the locks of all databases, and other tests hold some.
const LEFT_OVERS: &str = "select \
    (select count(*) from pg_locks as l join pg_database as d on d.oid = l.database \
        where l.locktype = 'advisory' and d.datname = current_database()), \
    (select count(*) from pg_prepared_statements)";

#[tokio::test(flavor = "multi_thread")]
async fn c38_a_backfill_runs_twice_and_a_query_answers_through_a_pooler() {
    let mut setup = account(&["P1"]).await;
    let empty = TestDatabase::empty();
    // One connection, so that every statement meets what the others left.
    let Some(pooler) = Pooler::start(&empty.url(), 1) else { return };
    let address = pooler.url(&empty.url());
    setup.program.set("DATABASE_URL", &address);
    setup.run(&["migrate"]).exits(0);
    setup.backfill("2031-03-01", "2031-03-11").exits(0);
    let before = empty.written("usage_daily").await;
    setup.backfill("2031-03-01", "2031-03-11").exits(0);
    assert_eq!(empty.written("usage_daily").await, before);
    assert_eq!(before.len(), 11);
    setup.report("2031-03").exits(0);
    setup.run(&["query", "projects"]).exits(0).says(&["Project P1"]);
    setup.run(&["query", "gaps", "-p", "from=2031-03-01"]).exits(0).says(&["account_id"]);
    setup.run(&["coverage"]).exits(0);
    setup.run(&["daemon", "--once"]).exits(0);
    assert_eq!(TestDatabase::rows_at(&address, LEFT_OVERS).await, ["(0,0)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c38_runs_at_once_that_share_few_connections_do_not_meet_each_others_statements() {
    let mut setup = account(&["P1", "P2", "P3"]).await;
    let direct = setup.database.url();
    let Some(pooler) = Pooler::start(&direct, 3) else { return };
    setup.program.set("DATABASE_URL", pooler.url(&direct));
    setup.run(&["sync", "usage"]).exits(0);
    let range = ["backfill", "--from", "2031-03-01", "--to", "2031-03-11"];
    let commands: [&[&str]; 8] = [
        &range,
        &["query", "projects"],
        &["sync", "projects"],
        &["coverage"],
        &range,
        &["query", "gaps"],
        &["daemon", "--once"],
        &["query", "cost_by_project_and_month"],
    ];
    for _ in 0..3 {
        let started: Vec<_> = commands
            .iter()
            .map(|arguments| {
                let mut command = setup.program.command(arguments);
                command.stdout(Stdio::piped()).stderr(Stdio::piped());
                (arguments, command.spawn().expect("started"))
            })
            .collect();
        for (arguments, child) in started {
            let output = child.wait_with_output().expect("ended");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let unexpected = output.status.code().is_none_or(|code| code != 0 && code != 3);
            assert!(!unexpected, "{arguments:?}: {:?}\n{said}", output.status);
            assert!(!said.contains("prepared statement"), "{arguments:?}: {said}");
        }
    }
    let cells = ["P1", "P2", "P3"].map(expected).concat();
    assert_eq!(setup.audio().await, cells);
}

#[tokio::test(flavor = "multi_thread")]
async fn c38_a_killed_daemon_is_followed_by_the_other_and_leaves_no_lock() {
    let mut setup = account(&["P1"]).await;
    let direct = setup.database.url();
    let Some(pooler) = Pooler::start(&direct, 4) else { return };
    setup.program.set("DATABASE_URL", pooler.url(&direct));
    // The first one waits for its second attempt for as long as the test runs.
    setup.api.answer_when(Asked::is_v3, 500, "");
    setup.program.set("AGORA_USAGE_FIRST_RETRY_WAIT_MS", "600000");
    let start = |setup: &Setup| {
        let mut command = setup.program.command(&["daemon", "--once"]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("started")
    };
    let mut first = start(&setup);
    while !setup.api.asked().iter().any(Asked::is_v3) {
        assert!(first.try_wait().expect("asked").is_none(), "the daemon ended by itself");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    setup.program.set("AGORA_USAGE_FIRST_RETRY_WAIT_MS", "1");
    let mut second = start(&setup);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(setup.audio().await, [""; 0], "it waits for the first one");
    // Not before: a request that the first one is yet to make must fail as well.
    setup.api.heal();
    first.kill().expect("killed");
    first.wait().expect("ended");
    assert_eq!(second.wait().expect("ended").code(), Some(0));
    assert_eq!(setup.audio().await, expected("P1"));
    let attempts = "select state, attempt from agora.job_run where job = 'usage'";
    assert_eq!(setup.database.rows(attempts).await, ["(done,2)"]);
    // Of this database alone: others of the server belong to other tests.
    let locks = "select count(*) from pg_locks join pg_database as d on d.oid = database \
                 where d.datname = current_database() and (locktype = 'advisory' or not granted)";
    assert_eq!(setup.database.value(locks).await, "0");
}
