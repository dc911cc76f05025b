//! A month of a daemon that is killed, doubled and lied to, and whose database
//! crashes beneath it, on a schedule fixed by a seed: afterwards the tables hold
//! what an undisturbed month leaves.

use std::time::Duration;

use crate::support::database::TestDatabase;
use crate::support::dice::Dice;
use crate::support::own_server::OwnServer;
use crate::support::program::Program;
use crate::support::world::World;

/// Another month by `AGORA_TEST_CHAOS_SEED`; the figure is told when the test fails.
const SEED_VARIABLE: &str = "AGORA_TEST_CHAOS_SEED";
const DEFAULT_SEED: u64 = 20_310_501;
/// Another length by `AGORA_TEST_CHAOS_DAYS`: short months for many seeds.
const DAYS_VARIABLE: &str = "AGORA_TEST_CHAOS_DAYS";
const DEFAULT_DAYS: u32 = 30;

fn days() -> u32 {
    let days = std::env::var(DAYS_VARIABLE).ok().and_then(|days| days.parse().ok());
    days.unwrap_or(DEFAULT_DAYS).clamp(1, DEFAULT_DAYS)
}

const DAEMON: [&str; 3] = ["daemon", "--once", "-v"];

const VALUES: &str = "select md5(string_agg(row(project_id, service, day, source, audio_seconds, \
    hd_seconds, hdp_seconds, full_hd_seconds, video_2k_seconds, video_2k_plus_seconds, \
    extra_seconds, missing_media)::text, ';' order by project_id, service, day)) \
    from agora.usage_daily";
const BILLS: &str = "select md5(string_agg(row(month, status, total, exact_total)::text, ';' \
    order by month)) from agora.bill";

/// An account of late days, whose platform has these faults.
fn world(database_url: String, program: Program, faults: &[&str]) -> World {
    let faults = faults.iter().flat_map(|fault| ["--fault", fault]);
    let flags: Vec<_> = ["--projects", "3", "--late-days"].into_iter().chain(faults).collect();
    let log = program.folder().join("log");
    World::start(database_url, program, &morning_of(1), &flags, log)
}

fn morning_of(day: u32) -> String {
    format!("2031-05-{day:02}T09:00:00Z")
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_days_of_trouble_end_as_thirty_quiet_ones() {
    let seed = std::env::var(SEED_VARIABLE).ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or(DEFAULT_SEED);
    let mut dice = Dice(seed);
    let database = TestDatabase::new();
    let mut quiet = world(database.url(), Program::new(), &[]);
    let program = Program::new();
    let server = OwnServer::start(program.folder().join("data"));
    let faults = [
        "status=500@usage%8",
        "status=429@usage%8",
        "cut-body@usage%4",
        "html@projects%10",
        "refuse@usage%4",
        "numbers-as-strings@usage%10",
        "duplicate-rows@usage%10",
    ];
    let mut troubled = world(server.url("postgres"), program, &faults);
    for day in 1..=days() {
        quiet.set_clock(&morning_of(day));
        quiet.run_to_the_end(&DAEMON);
        troubled.set_clock(&morning_of(day));
        match dice.roll(5) {
            0 => {
                let mut killed = troubled.begin(&DAEMON);
                std::thread::sleep(Duration::from_millis(dice.roll(400)));
                killed.child.kill().expect("killed");
                killed.end();
            }
            1 => {
                let second = troubled.begin(&DAEMON);
                troubled.run_to_the_end(&DAEMON);
                second.end();
            }
            2 => {}
            3 => {
                let disturbed = troubled.begin(&DAEMON);
                std::thread::sleep(Duration::from_millis(dice.roll(400)));
                server.crash();
                disturbed.end();
            }
            _ => troubled.run_to_the_end(&DAEMON),
        }
    }
    // The platform is well again; the next scheduled runs make up for the rest.
    troubled.heal();
    for world in [&mut quiet, &mut troubled] {
        world.set_clock(&morning_of(31));
        world.run_to_the_end(&DAEMON);
    }
    for query in [VALUES, BILLS] {
        let (expected, found) = (quiet.value(query).await, troubled.value(query).await);
        assert_eq!(found, expected, "{SEED_VARIABLE}={seed}\n{}", troubled.said());
    }
    let gaps = "select count(*) from agora.coverage_gaps";
    assert_eq!(troubled.value(gaps).await, "0", "{SEED_VARIABLE}={seed}\n{}", troubled.said());
    let orphans = "select count(*) from agora.usage_daily as u where not exists ( \
                   select from agora.sync_request as r where r.request_id = u.request_id)";
    assert_eq!(troubled.value(orphans).await, "0");
    let stuck = "select count(*) from agora.job_run where state = 'running'";
    assert_eq!(quiet.value(stuck).await, "0");
}
