//! A month of a daemon that is killed, doubled and lied to, and whose database
//! crashes beneath it, on a schedule fixed by a seed: afterwards the tables hold
//! what an undisturbed month leaves.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use agora_usage::store::cluster::{ClusterSettings, PrivateCluster};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::support::database::TestDatabase;
use crate::support::program::Program;
use crate::support::simulated::Running;

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

const VALUES: &str = "select md5(string_agg(row(project_id, service, day, source, audio_seconds, \
    hd_seconds, hdp_seconds, full_hd_seconds, video_2k_seconds, video_2k_plus_seconds, \
    extra_seconds, missing_media)::text, ';' order by project_id, service, day)) \
    from agora.usage_daily";
const BILLS: &str = "select md5(string_agg(row(month, status, total, exact_total)::text, ';' \
    order by month)) from agora.bill";

/// Numbers that look random and follow from the seed alone (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// A server that no other test uses, so that it can be made to crash.
struct OwnServer {
    cluster: PrivateCluster,
    data_folder: PathBuf,
}

impl OwnServer {
    fn start(data_folder: PathBuf) -> Self {
        let settings = ClusterSettings { data_folder: data_folder.clone(), durable: true };
        let cluster = PrivateCluster::acquire(&settings).expect("a server");
        Self { cluster, data_folder }
    }

    /// One of its processes dies, so that it ends every connection without a
    /// word, recovers from its log and takes connections again.
    fn crash(&self) {
        let file = self.data_folder.join("postgres/postmaster.pid");
        let server = fs::read_to_string(file).expect("running");
        let server = server.lines().next().expect("a process").to_owned();
        let children = format!("/proc/{server}/task/{server}/children");
        let children = fs::read_to_string(children).expect("listed");
        let child = children.split_whitespace().next().and_then(|child| child.parse().ok());
        let child = child.and_then(Pid::from_raw).expect("a process of the server");
        kill_process(child, Signal::KILL).expect("killed");
    }
}

/// A daemon's world: its database, its platform, and what it said.
struct World {
    database_url: String,
    program: Program,
    platform: Running,
    log: File,
}

impl World {
    fn new(database_url: String, mut program: Program, faults: &[&str]) -> Self {
        program
            .set("DATABASE_URL", database_url.as_str())
            .set("AGORA_USAGE_NOW", "2031-05-01T09:00:00Z")
            .set("AGORA_USAGE_FIRST_RETRY_WAIT_MS", "1")
            .set("AGORA_USAGE_ATTEMPTS_PER_HOST", "6")
            .set("AGORA_USAGE_REQUESTS_PER_SECOND", "0")
            .set("AGORA_USAGE_STATISTICS_REQUESTS_PER_SECOND", "0");
        let faults = faults.iter().flat_map(|fault| ["--fault", fault]);
        let mut arguments = vec!["--projects", "3", "--late-days", "--requests-per-second", "0"];
        arguments.extend(["--statistics-requests-per-second", "0"]);
        arguments.extend(faults);
        let platform = Running::start(&program, &arguments);
        platform.set_up(&mut program);
        let log = File::create(program.folder().join("log")).expect("created");
        Self { database_url, program, platform, log }
    }

    /// Moves both clocks.
    fn begin_day(&mut self, day: u32) {
        let now = format!("2031-05-{day:02}T09:00:00Z");
        self.program.set("AGORA_USAGE_NOW", now.as_str());
        let (status, answer) =
            self.platform.call("POST", "/simulator/clock", Some(&json!({ "now": now })));
        assert_eq!(status, 200, "{answer}");
    }

    fn daemon(&self) -> Child {
        let mut command = self.program.command(&["daemon", "--once", "-v"]);
        let log = self.log.try_clone().expect("open");
        command.stdout(Stdio::null()).stderr(log).spawn().expect("started")
    }

    /// Runs to its end; what it met does not matter, only that it ends by itself.
    fn run_to_the_end(&self) {
        let code = self.daemon().wait().expect("ended").code();
        assert!(code.is_some_and(|code| code != 101), "{code:?}\n{}", self.said());
    }

    /// The only value of a query.
    async fn value(&self, query: &str) -> String {
        let row = TestDatabase::rows_at(&self.database_url, query).await.concat();
        row.trim_matches(['(', ')', '"']).to_owned()
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.program.folder().join("log")).unwrap_or_default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_days_of_trouble_end_as_thirty_quiet_ones() {
    let seed = std::env::var(SEED_VARIABLE).ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or(DEFAULT_SEED);
    let mut dice = Dice(seed);
    let database = TestDatabase::new();
    let mut quiet = World::new(database.url(), Program::new(), &[]);
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
    let mut troubled = World::new(server.cluster.connection_url("postgres"), program, &faults);
    for day in 1..=days() {
        quiet.begin_day(day);
        quiet.run_to_the_end();
        troubled.begin_day(day);
        match dice.roll(5) {
            0 => {
                let mut killed = troubled.daemon();
                std::thread::sleep(Duration::from_millis(dice.roll(400)));
                killed.kill().expect("killed");
                killed.wait().expect("ended");
            }
            1 => {
                let mut second = troubled.daemon();
                troubled.run_to_the_end();
                second.wait().expect("ended");
            }
            2 => {}
            3 => {
                let mut disturbed = troubled.daemon();
                std::thread::sleep(Duration::from_millis(dice.roll(400)));
                server.crash();
                disturbed.wait().expect("ended");
            }
            _ => troubled.run_to_the_end(),
        }
    }
    // The platform is well again; the next scheduled runs make up for the rest.
    let (status, _) =
        troubled.platform.call("POST", "/simulator/faults", Some(&json!({ "faults": [] })));
    assert_eq!(status, 200);
    for world in [&mut quiet, &mut troubled] {
        world.begin_day(31);
        world.run_to_the_end();
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
