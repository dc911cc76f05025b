//! Two daemons on one database, one of them killed while both collect: no day is
//! missing, none is there twice, and all is as one undisturbed daemon leaves it.

use std::process::ExitStatus;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::daemon::LONGEST_WAIT;
use crate::support::database::TestDatabase;
use crate::support::program::Program;
use crate::support::world::World;

const NOW: &str = "2031-05-10T09:00:00Z";
const ACCOUNTS: &str = "6";

const VALUES: &str = "select md5(string_agg(row(account_id, project_id, service, day, source, \
    audio_seconds, hd_seconds, hdp_seconds, full_hd_seconds, video_2k_seconds, \
    video_2k_plus_seconds, extra_seconds, missing_media)::text, ';' \
    order by account_id, project_id, service, day)) from agora.usage_daily";

/// Processes that hold the right to ask for usage.
const COLLECTORS: &str = "select count(distinct split_part(holder, '/', 3)) from agora.job_lease \
    where name = 'usage' and expires_at > clock_timestamp()";

/// Six accounts, of which a daemon takes two at once, and a platform that takes its time
/// for usage: so the second daemon finds some left, however late it begins.
fn world(database: &TestDatabase) -> World {
    let mut program = Program::new();
    let accounts = program.folder().join("accounts.csv").display().to_string();
    program
        .set("AGORA_USAGE_ACCOUNTS_FILE", accounts.as_str())
        .set("AGORA_USAGE_ACCOUNTS_AT_ONCE", "2")
        .set("AGORA_USAGE_API_HISTORY_MONTHS", "3")
        .set("AGORA_USAGE_LISTEN_ADDRESS", "127.0.0.1:0");
    let log = program.folder().join("log");
    let flags = [
        &["--accounts", ACCOUNTS, "--accounts-file", &accounts, "--projects", "4"][..],
        &["--days", "120", "--fault", "latency-ms=200@usage"],
    ];
    let mut world = World::start(database.url(), program, NOW, &flags.concat(), log);
    world.program.unset("AGORA_CUSTOMER_ID").unset("AGORA_CUSTOMER_SECRET");
    world
}

async fn until(world: &World, query: &str, wanted: impl Fn(i64) -> bool) {
    let started = Instant::now();
    while !wanted(world.value(query).await.parse().expect("number")) {
        assert!(started.elapsed() < LONGEST_WAIT, "{query}\n{}", world.said());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c38_of_two_daemons_one_is_killed_and_the_other_leaves_no_duplicate_and_no_hole() {
    let database = TestDatabase::new();
    let quiet = world(&database);
    quiet.run_to_the_end(&["daemon", "--once"]);
    let undisturbed = database;

    let database = TestDatabase::new();
    let world = world(&database);
    let (mut killed, survivor) = (world.begin(&["daemon", "-v"]), world.begin(&["daemon", "-v"]));
    until(&world, COLLECTORS, |processes| processes == 2).await;
    let requests = "select count(*) from agora.sync_request where endpoint = 'usage_v3'";
    until(&world, requests, |requests| requests > 20).await;
    killed.child.kill().expect("killed");
    let status: ExitStatus = killed.end();
    assert_eq!(status.code(), None, "it was at work");
    assert!(world.value(COLLECTORS).await != "0", "the other one is");

    let done = format!(
        "select count(distinct account_id) from agora.job_run where job = 'usage' \
         and state = 'done' and slot < timestamptz '{NOW}'"
    );
    until(&world, &done, |accounts| accounts.to_string() == ACCOUNTS).await;
    kill_process(Pid::from_child(&survivor.child), Signal::TERM).expect("signalled");
    assert_eq!(survivor.end().code(), Some(0), "{}", world.said());

    let (expected, found) = (undisturbed.value(VALUES).await, world.value(VALUES).await);
    assert_eq!(found, expected, "{}", world.said());
    for nothing in [
        "agora.coverage_gaps",
        "agora.usage_revision",
        "(select from agora.usage_daily group by account_id, project_id, service, day \
          having count(*) > 1) as doubled",
        "agora.usage_daily as u where not exists ( \
         select from agora.sync_request as r where r.request_id = u.request_id)",
        "agora.job_run where job in ('projects', 'usage') and state = 'running'",
    ] {
        let count = world.value(&format!("select count(*) from {nothing}")).await;
        assert_eq!(count, "0", "{nothing}\n{}", world.said());
    }
    // That of the killed one runs out by itself, if its job was as good as done.
    until(&world, COLLECTORS, |processes| processes == 0).await;
}
