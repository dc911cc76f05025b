//! `migrate --grant-reader`: what a role may read, and what it may not.

use std::str::FromStr;

use agora_usage::store::migrate::MIGRATIONS;
use agora_usage::store::occupancy::partitions;
use chrono::NaiveDate;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::support::database::TestDatabase;
use crate::support::program::Program;

/// The migration that brought row security.
const ROW_SECURITY: i64 = 22;

/// Tables and views in which the rows below are seen, of each account.
const RELATIONS_WITH_ROWS: usize = 31;

const TWO_ACCOUNTS: &str = "
insert into agora.account values ('east', '2031-01-01Z'), ('west', '2031-01-01Z');
insert into agora.project (account_id, project_id, project_name, status, has_certificate, first_seen_at)
select a.account_id, 'P_' || a.account_id, a.account_id || '''); DROP TABLE agora.usage_daily;--',
    'active', false, '2031-01-01Z'
from agora.account as a;
insert into agora.sync_request (
    account_id, request_id, endpoint, project_id, service, from_day, to_day, started_at,
    finished_at, outcome, attempts, rows_received, message
)
select p.account_id, n, 'usage_v3', p.project_id, 'rtc', '2031-01-01', '2031-01-31',
    '2031-02-01Z', '2031-02-01Z', 'ok', 1, 1, null
from agora.project as p cross join generate_series(1, 2) as n;
insert into agora.usage_daily (
    account_id, project_id, service, day, source, audio_seconds, observed_at, request_id,
    missing_media
)
select p.account_id, p.project_id, 'rtc', '2031-01-02', 'v3', 60, '2031-02-01Z', 1, '{hd}'
from agora.project as p;
update agora.usage_daily set audio_seconds = 600, request_id = 2;
insert into agora.occupancy_snapshot
select p.account_id, p.project_id, m, 1, 1, 1, true, null
from agora.project as p
cross join generate_series(timestamptz '2031-01-02Z', '2031-01-02T04:00Z', '1 minute') as m;
insert into agora.occupancy_channel
select p.account_id, p.project_id, 'c', '2031-01-02Z', null, 1 from agora.project as p;
insert into agora.occupancy_hourly (
    account_id, project_id, hour, snapshots, incomplete_snapshots, observed_seconds,
    incomplete_seconds, user_seconds, channel_seconds, peak_users, peak_users_at,
    peak_channels, peak_channels_at
)
select p.account_id, p.project_id, '2031-01-02Z', 60, 0, 3600, 0, 3600, 3600, 1, '2031-01-02Z',
    1, '2031-01-02Z'
from agora.project as p;
insert into agora.occupancy_hour_due
select p.account_id, p.project_id, '2031-01-02Z', '2031-01-02Z' from agora.project as p;
insert into agora.bill
select a.account_id, '2031-01-01', 0, 'complete', 'USD', 2, 1, 1, 0, 'book', '', '2031-02-01Z'
from agora.account as a;
insert into agora.bill_line
select a.account_id, '2031-01-01', 0, 'rtc', 'audio', 1, 600, 10, 0, 10, 0.99, 0.0099
from agora.account as a;
insert into agora.bill_allocation
select p.account_id, '2031-01-01', 0, p.project_id, '2031-01-02', 'rtc', 1, 0, 0, 0, 0, 0, 0, 1
from agora.project as p;
insert into agora.job_lease
select a.account_id, 'usage', 'host', 1, '2031-01-01Z' from agora.account as a;
insert into agora.job_run (account_id, job, slot, state, holder, attempt, started_at, finished_at)
select a.account_id, 'usage', '2031-01-01Z', 'done', 'host', 1, '2031-01-01Z', '2031-01-01Z'
from agora.account as a;
insert into agora.alert (account_id, kind, subject, state, message, raised_at, next_attempt_at)
select a.account_id, 'hole', 's', 'pending', 'm', '2031-01-01Z', '2031-01-01Z'
from agora.account as a;
";

/// A database with two accounts, and the program on it.
async fn two_accounts() -> (TestDatabase, Program) {
    let database = TestDatabase::new();
    let store = database.store().await;
    let day = NaiveDate::from_ymd_opt(2031, 1, 2).expect("day");
    partitions::ensure(store.pool(), day, 1).await.expect("partition");
    store.close().await;
    database.execute(TWO_ACCOUNTS).await;
    let mut program = Program::new();
    program.set("DATABASE_URL", database.url());
    (database, program)
}

async fn connect(url: &str) -> PgConnection {
    let options = PgConnectOptions::from_str(url).expect("address");
    PgConnection::connect_with(&options).await.expect("connected")
}

async fn ask(connection: &mut PgConnection, question: &str) -> Result<Vec<String>, String> {
    let as_text = format!("select r::text from ({question}) as r");
    let rows = sqlx::query_scalar(AssertSqlSafe(as_text)).fetch_all(connection).await;
    rows.map_err(|error| error.to_string())
}

async fn run(connection: &mut PgConnection, statement: &str) -> Result<(), String> {
    let run = sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(connection).await;
    run.map(drop).map_err(|error| error.to_string())
}

/// Relations of the schema without partitions: `(name, kind, whether rows are by account)`.
const RELATIONS: &str = "select c.relname, c.relkind, exists ( \
        select from pg_attribute as a where a.attrelid = c.oid and a.attname = 'account_id' \
    ) as by_account \
    from pg_class as c \
    where c.relnamespace = 'agora'::regnamespace and c.relkind in ('r', 'p', 'v') \
        and not c.relispartition and c.relname <> 'account_reader' \
    order by c.relname";

/// Names of those relations of a kind (`v`, or `rp`) that have an account.
async fn names(database: &TestDatabase, kinds: &str) -> Vec<String> {
    let quoted: Vec<String> = kinds.chars().map(|kind| format!("'{kind}'")).collect();
    let question = format!(
        "select relname from ({RELATIONS}) as r where by_account and relkind in ({})",
        quoted.join(", ")
    );
    let rows = database.rows(&question).await;
    rows.iter().map(|row| row.trim_matches(['(', ')']).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn c48_a_reader_reads_everything_and_changes_nothing() {
    let (database, program) = two_accounts().await;
    let url = database.url_of_a_role("it_reader_of_all").await;
    let said = ["the role 'it_reader_of_all' may read", "and sees every account"];
    for _ in 0..2 {
        program.run(&["migrate", "--grant-reader", "it_reader_of_all"]).exits(0).says(&said);
    }
    let mut reader = connect(&url).await;
    for name in [names(&database, "v").await, names(&database, "rp").await].concat() {
        let question = format!("select * from agora.{name}");
        let rows = ask(&mut reader, &question).await.expect("answered");
        assert_eq!(rows.len(), database.rows(&question).await.len(), "{name}");
    }
    for name in names(&database, "rp").await {
        for statement in [
            format!("insert into agora.{name} default values"),
            format!("update agora.{name} set account_id = 'mine'"),
            format!("delete from agora.{name}"),
            format!("truncate agora.{name}"),
            format!("create table agora.mine_{name} (a integer)"),
            format!("alter table agora.{name} disable row level security"),
        ] {
            let error = run(&mut reader, &statement).await.expect_err(&statement);
            let is_refused = error.contains("permission denied") || error.contains("must be owner");
            assert!(is_refused, "{statement}: {error}");
        }
    }
    for statement in [
        "create schema mine",
        "select agora.secure_rows()",
        "insert into agora.account_reader values ('*', 'it_reader_of_all')",
        "select * from agora.account_reader",
    ] {
        let error = run(&mut reader, statement).await.expect_err(statement);
        assert!(error.contains("permission denied"), "{statement}: {error}");
    }
    reader.close().await.expect("closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn c48_a_tenant_sees_only_its_rows_through_every_table_and_view() {
    let (database, program) = two_accounts().await;
    let url = database.url_of_a_role("it_tenant_of_east").await;
    let arguments = ["migrate", "--grant-reader", "it_tenant_of_east", "--tenant", "east"];
    program.run(&arguments).exits(0).says(&["and sees of accounts east alone"]);
    let mut tenant = connect(&url).await;
    let mut told = 0;
    for name in [names(&database, "v").await, names(&database, "rp").await].concat() {
        let accounts = format!("select distinct account_id from agora.{name} order by 1");
        let mut expected = database.rows(&accounts).await;
        // Only where there are rows of both does the tenant's part tell anything.
        told += usize::from(expected == ["(east)", "(west)"]);
        expected.retain(|row| row == "(east)");
        let own = ask(&mut tenant, &accounts).await.expect("answered");
        assert_eq!(own, expected, "{name}");
    }
    assert!(told >= RELATIONS_WITH_ROWS, "only {told} relations have rows of both accounts");
    tenant.close().await.expect("closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_sees_what_its_bills_were_made_with_and_not_the_terms_of_others() {
    let (database, program) = two_accounts().await;
    database
        .execute(
            "insert into agora.price_book \
             values (repeat('a', 64), 'book', 'accounts = [''west'']', '2031-02-01Z'); \
             insert into agora.price_book_use \
             select a.account_id, '2031-01-01', '2031-02-01Z', repeat('a', 64) \
             from agora.account as a",
        )
        .await;
    let url = database.url_of_a_role("it_tenant_of_books").await;
    let wide = database.url_of_a_role("it_reader_of_books").await;
    let arguments = ["migrate", "--grant-reader", "it_tenant_of_books", "--tenant", "east"];
    program.run(&arguments).exits(0);
    program.run(&["migrate", "--grant-reader", "it_reader_of_books"]).exits(0);
    let (mut tenant, mut reader) = (connect(&url).await, connect(&wide).await);
    for (question, own, all) in [
        ("select book_text from agora.price_book", &[][..], 1),
        ("select account_id from agora.price_book_use", &["(east)"], 2),
        ("select account_id, book_name from agora.bill_in_force", &["(east,book)"], 2),
        (
            "select account_id, unit_price_per_1000 from agora.bill_line",
            &["(east,0.990000000000)"],
            2,
        ),
    ] {
        assert_eq!(ask(&mut tenant, question).await.expect("answered"), own, "{question}");
        let rows = ask(&mut reader, question).await.expect("answered");
        assert_eq!(rows.len(), all, "{question}");
    }
    tenant.close().await.expect("closed");
    reader.close().await.expect("closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn c48_a_tenant_that_tries_sees_no_more() {
    let (database, program) = two_accounts().await;
    let url = database.url_of_a_role("it_tenant_who_tries").await;
    let arguments = ["migrate", "--grant-reader", "it_tenant_who_tries", "--tenant", "east"];
    program.run(&arguments).exits(0);
    let mut tenant = connect(&url).await;
    let owner = database.value("select current_user").await;
    for statement in [
        format!("set role {owner}"),
        format!("set session authorization {owner}"),
        "set row_security = off; select * from agora.usage_daily".to_owned(),
        "alter role it_tenant_who_tries bypassrls".to_owned(),
        "drop policy by_account on agora.usage_daily".to_owned(),
        "alter view agora.usage_minutes set (security_invoker = false)".to_owned(),
        "insert into agora.account_reader values ('west', 'it_tenant_who_tries')".to_owned(),
        format!("grant {owner} to it_tenant_who_tries"),
    ] {
        assert!(run(&mut tenant, &statement).await.is_err(), "{statement}");
        run(&mut tenant, "reset row_security").await.expect("reset");
    }
    // A partition by its own name, under which no policy lets anybody in.
    let grant = "grant select on all tables in schema agora to it_tenant_who_tries";
    database.execute(grant).await;
    let partition = "select * from agora.occupancy_channel_20310102";
    assert_eq!(ask(&mut tenant, partition).await.expect("answered"), [""; 0]);
    let who = "select * from agora.account_reader";
    assert_eq!(ask(&mut tenant, who).await.expect("answered"), ["(east,it_tenant_who_tries)"]);
    // A cheap function of its own, which would be asked about every row if it could.
    let spy = "create function pg_temp.spy(text) returns boolean language plpgsql cost 0.0000001 \
               as 'begin if $1 <> ''east'' then raise exception ''saw %'', $1; end if; return true; end'";
    run(&mut tenant, spy).await.expect("created");
    for name in [names(&database, "v").await, names(&database, "rp").await].concat() {
        let question = format!("select 1 from agora.{name} where pg_temp.spy(account_id)");
        let seen = ask(&mut tenant, &question).await;
        assert!(seen.is_ok(), "{name}: {seen:?}");
    }
    let statistics = "select * from pg_stats where schemaname = 'agora'";
    database.execute("analyze").await;
    assert_eq!(ask(&mut tenant, statistics).await.expect("answered"), [""; 0]);
    tenant.close().await.expect("closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_role_sees_is_replaced_and_a_stranger_sees_nothing() {
    let (database, program) = two_accounts().await;
    let url = database.url_of_a_role("it_reader_who_changes").await;
    let grant = |tenants: &[&str]| {
        let mut arguments = vec!["migrate", "--grant-reader", "it_reader_who_changes"];
        for tenant in tenants {
            arguments.extend(["--tenant", tenant]);
        }
        program.run(&arguments).exits(0);
    };
    let mut reader = connect(&url).await;
    let accounts = "select account_id from agora.usage_minutes order by account_id";
    assert!(ask(&mut reader, accounts).await.is_err_and(|error| error.contains("permission")));
    for (tenants, seen) in [
        (&["west"][..], &["(west)"][..]),
        (&["east", "west", "east"], &["(east)", "(west)"]),
        (&[], &["(east)", "(west)"]),
        (&["east"], &["(east)"]),
    ] {
        grant(tenants);
        assert_eq!(ask(&mut reader, accounts).await.expect("answered"), seen, "{tenants:?}");
    }
    // With the grants alone, a role that is not listed sees no row.
    database.execute("delete from agora.account_reader").await;
    assert_eq!(ask(&mut reader, accounts).await.expect("answered"), [""; 0]);
    reader.close().await.expect("closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_table_or_view_is_read_under_the_same_rules() {
    let (database, program) = two_accounts().await;
    let url = database.url_of_a_role("it_tenant_of_later").await;
    let wide = database.url_of_a_role("it_reader_of_later").await;
    let arguments = ["migrate", "--grant-reader", "it_tenant_of_later", "--tenant", "east"];
    program.run(&arguments).exits(0);
    program.run(&["migrate", "--grant-reader", "it_reader_of_later"]).exits(0);
    database
        .execute(
            "create table agora.later as select account_id from agora.account; \
             create view agora.later_view as select account_id from agora.later; \
             create table agora.of_nobody as select 1 as price; \
             select agora.secure_rows()",
        )
        .await;
    let (mut tenant, mut reader) = (connect(&url).await, connect(&wide).await);
    for (relation, own, all) in [("later", 1, 2), ("later_view", 1, 2), ("of_nobody", 0, 1)] {
        let question = format!("select * from agora.{relation}");
        assert_eq!(ask(&mut tenant, &question).await.expect("answered").len(), own, "{relation}");
        assert_eq!(ask(&mut reader, &question).await.expect("answered").len(), all, "{relation}");
    }
    tenant.close().await.expect("closed");
    reader.close().await.expect("closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_could_do_more_is_refused() {
    let (database, program) = two_accounts().await;
    let granted = "select relname from pg_class \
                   where relnamespace = 'agora'::regnamespace and relacl::text like '%it_odd_%'";
    for (role, make, arguments, said) in [
        ("it_odd_super", "alter role it_odd_super superuser", &[][..], "superuser"),
        ("it_odd_bypass", "alter role it_odd_bypass bypassrls", &[], "bypasses row security"),
        ("it_odd_owner", "grant create on schema agora to it_odd_owner", &[], "may create some"),
        (
            "it_odd_member",
            "grant pg_read_all_data to it_odd_member",
            &["--tenant", "east"],
            "a member of 'pg_read_all_data'",
        ),
        ("it_odd_stray", "", &["--tenant", "north"], "no account 'north'"),
    ] {
        database.url_of_a_role(role).await;
        database.execute(make).await;
        let arguments = [&["migrate", "--grant-reader", role][..], arguments].concat();
        program.run(&arguments).exits(1).says(&[said, "hint: "]);
    }
    assert_eq!(database.rows(granted).await, ["(it_odd)"; 0]);
    database.url_of_a_role("it_odd_writer").await;
    database.execute("grant update on agora.project to it_odd_writer").await;
    let arguments = ["migrate", "--grant-reader", "it_odd_writer"];
    program.run(&arguments).exits(1).says(&["it may write to agora.project", "hint: "]);
    for (name, exit) in [("pg_monitor", 2), ("public", 2), ("it_odd_nobody", 1)] {
        program.run(&["migrate", "--grant-reader", name]).exits(exit).says(&["error: ", "hint: "]);
    }
    program.run(&["migrate", "--tenant", "east"]).exits(2);
    database.execute("alter role it_odd_super nosuperuser").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_runs_what_writes_is_told_which_role_may() {
    let (database, mut program) = two_accounts().await;
    let url = database.url_of_a_role("it_reader_who_writes").await;
    let owner = database.value("select current_user").await;
    program.run(&["migrate", "--grant-reader", "it_reader_who_writes"]).exits(0);
    let told = format!("name the role that owns the tables, '{owner}', in DATABASE_URL");
    program
        .set("DATABASE_URL", &url)
        .set("AGORA_CUSTOMER_ID", "c")
        .set("AGORA_CUSTOMER_SECRET", "s")
        .set("AGORA_USAGE_NOW", "2031-03-01T00:00:00Z");
    for arguments in [
        &["report", "--month", "2031-01"][..],
        &["bill", "close", "--month", "2031-01"],
        &["backfill", "--from", "2031-01-01", "--to", "2031-01-02"],
        &["tag", "set", "P_east", "team=live"],
        &["migrate"],
    ] {
        let outcome = program.run(arguments).exits(1);
        let refused = "error: the role 'it_reader_who_writes' may not write to this database\n";
        outcome.says(&[refused, "hint: a role that only reads may run `query`", &told]);
    }
    program.run(&["query", "projects"]).exits(0);
    // A role that was granted nothing, for which there is no schema to be seen.
    let url = database.url_of_a_role("it_stranger_who_writes").await;
    program.set("DATABASE_URL", &url);
    let refused = "error: the role 'it_stranger_who_writes' may not write to this database\n";
    program.run(&["report", "--month", "2031-01"]).exits(1).says(&[refused, &told]);
    let said = ["permission denied", "migrate --grant-reader ROLE"];
    program.run(&["query", "projects"]).exits(1).says(&said);
    // Nor can one that may create nothing begin an empty database.
    let empty = TestDatabase::empty();
    empty.execute("revoke create on schema public from public").await;
    program.set("DATABASE_URL", empty.url_of_a_role("it_stranger_who_writes").await);
    let refused = "the role 'it_stranger_who_writes' may not create tables in this database";
    program.run(&["migrate"]).exits(1).says(&[refused, "hint: as an administrator: grant create"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_created_on_request_whatever_its_name() {
    let (database, program) = two_accounts().await;
    let name = format!("it'\"; drop table agora.bill; -- {}", std::process::id());
    let said = ["has no role", "add --create"];
    program.run(&["migrate", "--grant-reader", &name]).exits(1).says(&said);
    let said = ["was created without a password", "may read"];
    program.run(&["migrate", "--grant-reader", &name, "--create"]).exits(0).says(&said);
    let quoted = name.replace('\'', "''");
    let role = format!(
        "select rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, rolbypassrls, \
         has_table_privilege(oid, 'agora.bill', 'select') from pg_roles where rolname = '{quoted}'"
    );
    assert_eq!(database.rows(&role).await, ["(t,f,f,f,f,t)"]);
    let identifier = name.replace('"', "\"\"");
    database.execute(&format!("drop owned by \"{identifier}\"; drop role \"{identifier}\"")).await;
    // The entry that it leaves lets nobody in, and stops nothing.
    program.run(&["migrate"]).exits(0);
    database.execute("select agora.secure_rows()").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_has_its_policies_and_every_view_the_rights_of_who_asks() {
    let database = TestDatabase::new();
    let open = "select c.relname from pg_class as c \
                where c.relnamespace = 'agora'::regnamespace and ( \
                    c.relkind in ('r', 'p') and not c.relrowsecurity \
                    or c.relkind in ('r', 'p') and c.relforcerowsecurity \
                    or c.relkind in ('r', 'p') and not c.relispartition and not exists ( \
                        select from pg_policy as p \
                        where p.polrelid = c.oid and p.polname = 'every_account' \
                    ) \
                    or c.relkind = 'v' and not case c.relname \
                        when 'readable_account' then 'security_barrier=true' \
                        else 'security_invoker=true' \
                    end = any(coalesce(c.reloptions, '{}')) \
                )";
    assert_eq!(database.rows(open).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_could_read_before_row_security_reads_as_before() {
    let database = TestDatabase::empty();
    let (before, since): (Vec<_>, Vec<_>) =
        MIGRATIONS.iter().partition(|migration| migration.version < ROW_SECURITY);
    for migration in before {
        database.execute(migration.sql.as_str()).await;
    }
    let url = database.url_of_a_role("it_reader_of_before").await;
    let grant = "grant usage on schema agora to it_reader_of_before; \
                 grant select on all tables in schema agora to it_reader_of_before; \
                 insert into agora.account values ('east', '2031-01-01Z')";
    database.execute(grant).await;
    for migration in since {
        database.execute(migration.sql.as_str()).await;
    }
    let mut reader = connect(&url).await;
    let accounts = ask(&mut reader, "select account_id from agora.account").await;
    assert_eq!(accounts.expect("answered"), ["(east)"]);
    reader.close().await.expect("closed");
}
