//! The database under several writers, and the schema from any state to the newest.

use std::process::Stdio;
use std::time::Duration;

use agora_usage::domain::{
    AccountId, DateRange, DayUsage, Media, MediaSet, Month, ProjectId, Service, UsageSource,
};
use agora_usage::store::migrate::{MIGRATIONS, newest_version};
use agora_usage::store::projects::ensure_account;
use agora_usage::store::requests::RequestRecord;
use agora_usage::store::usage::{UsageAnswer, write_answers};
use agora_usage::store::{Store, leases};
use chrono::{DateTime, Utc};

use crate::support::database::{TABLES, TABLES_OF_WORK, TestDatabase};
use crate::support::program::Program;

const ROUNDS: i64 = 24;
const CELLS: usize = 500;

fn account() -> AccountId {
    AccountId::new("default").expect("name")
}

fn moment() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2031-04-20T12:00:00Z").expect("time").to_utc()
}

/// An answer for a month of 500 cells in the order given, all with these audio seconds.
fn answer(seconds: i64, backwards: bool) -> UsageAnswer {
    let range: DateRange = Month::parse("2031-03").expect("month").days();
    let days: Vec<_> = range.days().collect();
    let cell = |number: usize| DayUsage {
        project_id: ProjectId::new(&format!("P{:02}", number / days.len())).expect("id"),
        service: Service::Rtc,
        day: days[number % days.len()],
        source: UsageSource::V3,
        seconds: std::array::from_fn(|at| (at == Media::Audio.index()).then_some(seconds)),
        extra_seconds: [].into(),
        missing: MediaSet::EMPTY,
    };
    let mut cells: Vec<_> = (0..CELLS).map(cell).collect();
    if backwards {
        cells.reverse();
    }
    let request = RequestRecord {
        source: UsageSource::V3,
        project_id: None,
        service: Service::Rtc,
        range,
        started_at: moment(),
        finished_at: moment(),
        answered: true,
        http_status: Some(200),
        attempts: 1,
        platform_request_id: None,
        message: None,
    };
    UsageAnswer { request, days: cells }
}

/// Two writers need a lease each; in the program one would wait for the other.
async fn write_rounds(store: &Store, first_seconds: i64, backwards: bool) {
    let name = format!("writer of {first_seconds}");
    let account = account();
    let lease = leases::acquire(store.pool(), &account, &name, "test", Duration::from_mins(5));
    let lease = lease.await.expect("answered").expect("free");
    for round in 0..ROUNDS {
        let answers = [answer(first_seconds + round, backwards)];
        let written = write_answers(store.pool(), &lease, &answers).await;
        written.unwrap_or_else(|error| panic!("round {round}: {error}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c36_two_writers_of_the_same_rows_in_opposite_order_end_right() {
    let database = TestDatabase::new();
    let (one, other) = (database.store().await, database.store().await);
    ensure_account(one.pool(), &account(), moment()).await.expect("account");
    // No bound on time is tested: a deadlock would be an error of the database.
    tokio::join!(write_rounds(&one, 0, false), write_rounds(&other, 1_000, true));

    let cells = "select count(*), count(distinct (project_id, day)) from agora.usage_daily";
    assert_eq!(database.rows(cells).await, [format!("({CELLS},{CELLS})")]);
    // Every cell holds what the newest request said.
    let newest = "select bool_and(request_id = (select max(request_id) from agora.sync_request)) \
                  from agora.usage_daily";
    assert_eq!(database.value(newest).await, "t");
    let values = "select count(distinct audio_seconds), max(audio_seconds) in (23, 1023) \
                  from agora.usage_daily";
    assert_eq!(database.rows(values).await, ["(1,t)"]);
    let requests = "select count(*) from agora.sync_request";
    assert_eq!(database.value(requests).await, (2 * ROUNDS).to_string());
    // What was replaced is kept, once each, and is never the value that replaced it.
    let history = "select count(*) from agora.usage_revision where request_id >= superseded_by";
    assert_eq!(database.value(history).await, "0");
    one.close().await;
    other.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c40_migrations_run_twice_and_by_two_processes_at_once() {
    let database = TestDatabase::empty();
    let mut program = Program::new();
    program.set("DATABASE_URL", database.url());
    let started: Vec<_> = (0..2)
        .map(|_| {
            let mut command = program.command(&["migrate"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started")
        })
        .collect();
    for child in started {
        let output = child.wait_with_output().expect("ended");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let said = format!("the database is at migration {}", newest_version());
    program.run(&["migrate"]).exits(0).says(&[&said]);
    let applied = "select count(*), bool_and(success) from _sqlx_migrations";
    let known = MIGRATIONS.iter().count();
    assert_eq!(database.rows(applied).await, [format!("({known},t)")]);
    assert_eq!(database.filled_tables().await, [""; 0]);
    let names = "select count(*) from pg_tables where schemaname = 'agora'";
    assert_eq!(database.value(names).await, (TABLES.len() + TABLES_OF_WORK.len()).to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn c40_a_migration_that_fails_leaves_the_one_before_and_is_named() {
    let database = TestDatabase::empty();
    database.execute("create schema agora; create table agora.bill_line (mine integer)").await;
    let mut program = Program::new();
    program.set("DATABASE_URL", database.url());
    for _ in 0..2 {
        let said = ["error: migration 4 failed", "already exists", "hint: the schema is as"];
        program.run(&["migrate"]).exits(1).says(&said);
        let applied = "select max(version), bool_and(success) from _sqlx_migrations";
        assert_eq!(database.rows(applied).await, ["(3,t)"]);
        let halves = "select to_regclass('agora.bill') is null";
        assert_eq!(database.value(halves).await, "t");
    }
    database.execute("drop table agora.bill_line").await;
    program.run(&["migrate"]).exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_of_a_newer_program_is_left_alone() {
    let database = TestDatabase::new();
    let future = "insert into _sqlx_migrations \
                  (version, description, success, checksum, execution_time) \
                  values (9999, 'of tomorrow', true, '', 0)";
    database.execute(future).await;
    let mut program = Program::new();
    program.set("DATABASE_URL", database.url());
    let said = ["the database has migration 9999", "hint: a newer agora-usage made it"];
    program.run(&["migrate"]).exits(1).says(&said);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_column_and_view_says_what_it_holds() {
    let database = TestDatabase::new();
    let silent = "select c.relname, a.attname from pg_class as c \
                  join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 \
                  where c.relnamespace = 'agora'::regnamespace and c.relkind in ('r', 'p', 'v') \
                  and not c.relispartition and not a.attisdropped \
                  and col_description(c.oid, a.attnum) is null";
    assert_eq!(database.rows(silent).await, [""; 0]);
    let silent = "select relname from pg_class where relnamespace = 'agora'::regnamespace \
                  and relkind in ('r', 'p', 'v') and not relispartition \
                  and obj_description(oid, 'pg_class') is null";
    assert_eq!(database.rows(silent).await, [""; 0]);
}
