//! Days on which the platform, the database and the program itself fail, drawn from a
//! seed. After each of them nothing is lost, doubled or invented; when all is well
//! again, tables, bills and files are what they would have been.
//!
//! An ordinary run takes two seeds, a fixed one and a fresh one; `make soak` takes many.

mod disturbance;
#[path = "../independent/bill.rs"]
mod independent;
mod invariants;
mod schedule;
mod tally;
mod truth;

use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};

use chrono::{Days, NaiveDate};
use futures_util::FutureExt;
use serde_json::json;

use self::disturbance::disturbed_run;
use self::invariants::{
    Stored, assert_every_value_has_its_request, assert_no_leftovers, assert_report,
};
use self::schedule::Step;
use self::tally::Tally;
use self::truth::Truth;
use crate::support::dice::Dice;
use crate::support::own_server::OwnServer;
use crate::support::program::Program;
use crate::support::world::World;

/// How many seeds, and the first of them; without the first variable the usual two.
const SEEDS_VARIABLE: &str = "AGORA_TEST_SOAK_SEEDS";
const FIRST_VARIABLE: &str = "AGORA_TEST_SOAK_FIRST";
const FIXED_SEED: u64 = 1;

/// Days with something wrong; around the end of a month, so that two bills are at stake.
const DAYS: u64 = 4;
const FIRST_MORNING: &str = "2031-04-29";
/// Days that the platform knows before the first morning.
const HISTORY: u32 = 5;
/// After a day's end its value may still move for so long: the program's default.
const LOOK_BACK_DAYS: u64 = 7;
/// After the last day, so that every day of trouble is final.
const DAYS_UNTIL_FINAL: u64 = 9;
const MONTHS: [&str; 2] = ["2031-04", "2031-05"];

fn seeds() -> Vec<u64> {
    let number = |variable: &str| {
        let text = std::env::var(variable).ok().filter(|text| !text.is_empty())?;
        Some(text.parse::<u64>().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
    };
    let first = number(FIRST_VARIABLE).unwrap_or(FIXED_SEED);
    match number(SEEDS_VARIABLE) {
        Some(seeds) => (first..first.saturating_add(seeds)).collect(),
        // Short enough to be typed again.
        None => vec![FIXED_SEED, RandomState::new().hash_one(0) % 1_000_000_000],
    }
}

/// Past the capture of tests that pass: a fresh seed must be found in the log.
fn tell(line: &str) {
    writeln!(std::io::stderr(), "{line}").expect("written");
}

/// Kept when a seed fails.
fn log_of(seed: u64) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("soak");
    std::fs::create_dir_all(&folder).expect("a folder");
    folder.join(format!("seed-{seed}.log"))
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_any_schedule_lose_and_double_nothing() {
    let folder = tempfile::Builder::new().permissions(open_to_all()).tempdir().expect("a folder");
    let mut server = OwnServer::start(folder.path().join("data"));
    let (seeds, mut tally) = (seeds(), Tally::default());
    for (done, seed) in seeds.iter().enumerate() {
        let log = log_of(*seed);
        let lived = AssertUnwindSafe(live_through(*seed, &mut server, &log, &mut tally))
            .catch_unwind()
            .await;
        if let Err(cause) = lived {
            tell(&format!(
                "sweep: seed {seed} broke an invariant after {done} good ones; repeat it with \
                 `make soak SEEDS=1 FIRST={seed}`; log: {}",
                log.display()
            ));
            std::panic::resume_unwind(cause);
        }
        tell(&format!("sweep: seed {seed} is good, {} of {}", done + 1, seeds.len()));
        std::fs::remove_file(&log).expect("removed");
    }
    tell(&format!("sweep: {tally}"));
}

/// The server may run as another user, to whom the folder of a test is closed.
fn open_to_all() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o755)
}

fn morning_after(days: u64) -> NaiveDate {
    let first: NaiveDate = FIRST_MORNING.parse().expect("a day");
    first + Days::new(days)
}

fn nine_o_clock(day: NaiveDate) -> String {
    format!("{day}T09:00:00Z")
}

async fn live_through(seed: u64, server: &mut OwnServer, log: &Path, tally: &mut Tally) {
    let database = format!("sweep_{seed}");
    server.execute("postgres", &format!("create database {database}")).await;
    let mut dice = Dice(seed);
    let mut world = new_world(seed, server.url(&database), log);
    let reports = world.program.folder().join("reports/default");
    let (mut truth, mut before) = (Truth::default(), Stored::default());
    for day in 0..DAYS {
        let step = Step::draw(&mut dice);
        world.note(&format!("{}: {step:?}", morning_after(day)));
        begin_day(&mut world, &mut truth, day, &step);
        world.set_faults(&step.platform);
        tally.add_step(&step);
        disturbed_run(&mut world, server, &database, &step, tally).await;
        world.heal();
        world.note("checks");
        let stored = Stored::read_if_any(&world).await;
        stored.assert_follows(&before, &truth);
        check_reports(&world, &reports, &stored).await;
        before = stored;
    }
    recover(&mut world, &mut truth, &before, &reports).await;
    drop(world);
    server.execute("postgres", &format!("drop database {database} with (force)")).await;
}

fn new_world(seed: u64, database_url: String, log: &Path) -> World {
    let (seed, history) = (seed.to_string(), HISTORY.to_string());
    let flags = ["--seed", &seed, "--projects", "3", "--days", &history, "--late-days"];
    let mut program = Program::new();
    let temporary = program.folder().join("temporary");
    std::fs::create_dir(&temporary).expect("created");
    program.set("TMPDIR", temporary.display().to_string());
    let now = nine_o_clock(morning_after(0));
    World::start(database_url, program, &now, &flags, log.to_owned())
}

/// Moves the clock, restates days, and asks the platform what it tells today.
fn begin_day(world: &mut World, truth: &mut Truth, day: u64, step: &Step) {
    let today = morning_after(day);
    world.set_clock(&nine_o_clock(today));
    let (_, listed) = world.platform.call("GET", "/dev/v1/projects/", None);
    let listed = listed["projects"].as_array().expect("projects").clone();
    for (project, days_ago, percent) in &step.restatements {
        let project = &listed[project % listed.len()]["id"];
        let day = today - Days::new(u64::from(*days_ago));
        let restated = json!({ "project": project, "day": day.to_string(), "percent": percent });
        let (status, answer) =
            world.platform.call("POST", "/simulator/restatements", Some(&restated));
        assert_eq!(status, 200, "{answer}");
    }
    ask(world, truth, today);
}

fn ask(world: &World, truth: &mut Truth, today: NaiveDate) {
    let first = morning_after(0) - Days::new(u64::from(HISTORY));
    let yesterday = today - Days::new(1);
    truth.ask(&world.platform, &first.to_string(), &yesterday.to_string());
}

/// Reports made now, without the platform, say what is stored.
async fn check_reports(world: &World, reports: &Path, stored: &Stored) {
    if stored.current.is_empty() {
        return;
    }
    assert_every_value_has_its_request(world).await;
    let today = world.program.variable("AGORA_USAGE_NOW");
    for month in MONTHS.into_iter().filter(|month| *month <= &today[..7]) {
        let code = world.begin(&["report", "--month", month]).end().code();
        assert!(matches!(code, Some(0 | 3)), "report of {month}: {code:?}");
        assert_report(reports, month, &stored.current);
    }
    assert_no_leftovers(reports);
}

/// All is well again: one scheduled run makes up for all that was not final meanwhile,
/// and closing the month for the rest.
async fn recover(world: &mut World, truth: &mut Truth, before: &Stored, reports: &Path) {
    let today = morning_after(DAYS + DAYS_UNTIL_FINAL);
    world.note(&format!("{today}: all is well"));
    world.set_clock(&nine_o_clock(today));
    ask(world, truth, today);
    run_well(world, &["sync", "usage", "--no-wait"]);
    run_well(world, &["daemon", "--once", "-v"]);
    let stored = Stored::read_if_any(world).await;
    stored.assert_follows(before, truth);
    // A row that is left out of the first answer about a final day is an idle day.
    let never_final = morning_after(DAYS - 1) - Days::new(LOOK_BACK_DAYS);
    stored.assert_is_told(truth, &never_final.to_string());
    check_reports(world, reports, &stored).await;
    assert_at_rest(world).await;
    run_well(world, &["bill", "close", "--month", MONTHS[0]]);
    let closed = Stored::read_if_any(world).await;
    closed.assert_follows(&stored, truth);
    closed.assert_is_told(truth, "");
    run_well(world, &["bill", "verify"]);
    assert_at_rest(world).await;
    let left = std::fs::read_dir(world.program.folder().join("temporary")).expect("a folder");
    let left: Vec<_> = left.map(|entry| entry.expect("an entry").file_name()).collect();
    assert!(left.is_empty(), "temporary files: {left:?}");
}

fn run_well(world: &World, command: &[&str]) {
    let code = world.begin(command).end().code();
    assert_eq!(code, Some(0), "{}, when all is well", command.join(" "));
}

async fn assert_at_rest(world: &World) {
    for (what, query) in [
        ("holes", "select count(*) from agora.coverage_gaps"),
        ("runs that never ended", "select count(*) from agora.job_run where state = 'running'"),
        (
            "leases that nobody gave back",
            "select count(*) from agora.job_lease where expires_at > clock_timestamp()",
        ),
    ] {
        assert_eq!(world.value(query).await, "0", "{what}");
    }
}
