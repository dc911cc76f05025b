//! `migrate --grant-reader`: what a role may read, and what it may not.

use std::str::FromStr;

use agora_usage::store::migrate::MIGRATIONS;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::support::database::TestDatabase;
use crate::support::two_accounts::two_accounts;

/// The migration that brought row security.
const ROW_SECURITY: i64 = 22;

/// Tables and views in which the rows below are seen, of each account.
const RELATIONS_WITH_ROWS: usize = 31;

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
