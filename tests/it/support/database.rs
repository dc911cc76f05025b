//! The database of one test, cloned from the template and dropped at the end.

use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};

use agora_usage::store::{DatabaseAddress, Store};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use super::server::{Place, Server, Share, wait_for};

/// Tables of the schema, in the order of their foreign keys.
pub(crate) const TABLES: [&str; 18] = [
    "account",
    "project",
    "sync_request",
    "usage_daily",
    "usage_revision",
    "occupancy_snapshot",
    "occupancy_channel",
    "bill",
    "bill_line",
    "bill_allocation",
    "price_book",
    "price_book_use",
    "project_tag",
    "adjustment",
    "bill_adjustment",
    "invoice",
    "invoice_line",
    "invoice_allocation",
];

/// Tables that tell who works on what and who was told, or are computed from others.
pub(crate) const TABLES_OF_WORK: &[&str] = &[
    "account_reader",
    "alert",
    "budget",
    "budget_state",
    "cost_anomaly",
    "job_lease",
    "job_run",
    "lake_day",
    "month_forecast",
    "occupancy_hour_due",
    "occupancy_hourly",
    "plan_comparison",
    "project_forecast",
    "sell_allocation",
];

/// A database that no other test sees.
pub(crate) struct TestDatabase {
    name: String,
    share: Share,
    _place: Place,
}

impl TestDatabase {
    /// With the program's tables, without rows.
    pub(crate) fn new() -> Self {
        Self::create(|server| format!(" template {}", server.template()))
    }

    /// Without anything.
    pub(crate) fn empty() -> Self {
        Self::create(|_| String::new())
    }

    fn create(source: impl Fn(&Server) -> String) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let place = Place::wait();
        let share = Share::take();
        let server = share.server();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("it_{}_{number}", std::process::id());
        wait_for(server.administer(&format!("create database {name}{}", source(server))));
        Self { name, share, _place: place }
    }

    /// Address, as `DATABASE_URL` has it.
    pub(crate) fn url(&self) -> String {
        self.share.server().url(&self.name)
    }

    /// Address for a role that may log in, and nothing else yet. Roles are the
    /// server's: two tests must not grant the same one different things.
    pub(crate) async fn url_of_a_role(&self, role: &str) -> String {
        self.execute(&format!(
            "do $$ begin \
                 create role {role} login password 'reader'; \
             exception when duplicate_object or unique_violation then null; \
             end $$;"
        ))
        .await;
        let url = self.url();
        let (_, address) = url.split_once('@').expect("an address with a user");
        format!("postgres://{role}:reader@{address}")
    }

    /// The database as the program opens it.
    pub(crate) async fn store(&self) -> Store {
        let address = DatabaseAddress::Given(self.url().into());
        Store::open(&address, 4).await.expect("opened")
    }

    async fn connect(&self) -> PgConnection {
        let options = PgConnectOptions::from_str(&self.url()).expect("address");
        PgConnection::connect_with(&options).await.expect("connected")
    }

    /// The rows of a query at another address, by the simple protocol.
    pub(crate) async fn rows_at(url: &str, query: &str) -> Vec<String> {
        let options = PgConnectOptions::from_str(url).expect("address").extra_float_digits(None);
        let mut connection = PgConnection::connect_with(&options).await.expect("connected");
        let as_text = format!("select r::text from ({query}) as r");
        let rows = sqlx::raw_sql(AssertSqlSafe(as_text)).fetch_all(&mut connection).await;
        connection.close().await.expect("closed");
        rows.expect("answered").iter().map(|row| row.get::<String, _>(0)).collect()
    }

    /// The rows of a query, each as PostgreSQL writes a row: `(P1,2031-03-01,12)`, null as nothing.
    pub(crate) async fn rows(&self, query: &str) -> Vec<String> {
        let mut connection = self.connect().await;
        let as_text = format!("select r::text from ({query}) as r");
        let rows = sqlx::query_scalar(AssertSqlSafe(as_text)).fetch_all(&mut connection).await;
        connection.close().await.expect("closed");
        rows.unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// The one value of a query, as text; null as an empty text.
    pub(crate) async fn value(&self, query: &str) -> String {
        let rows = self.rows(query).await;
        assert_eq!(rows.len(), 1, "{query}: {rows:?}");
        rows[0].trim_matches(['(', ')', '"']).to_owned()
    }

    /// Runs statements.
    pub(crate) async fn execute(&self, statements: &str) {
        let mut connection = self.connect().await;
        let executed = sqlx::raw_sql(AssertSqlSafe(statements.to_owned()));
        let executed = executed.execute(&mut connection).await;
        executed.unwrap_or_else(|error| panic!("{statements}: {error}"));
        connection.close().await.expect("closed");
    }

    /// What the database says against a statement, which must fail.
    pub(crate) async fn refusal(&self, statement: &str) -> String {
        let mut connection = self.connect().await;
        let executed = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
        let executed = executed.execute(&mut connection).await;
        connection.close().await.expect("closed");
        executed.expect_err("refused").to_string()
    }

    /// Every row of a table with the transaction that wrote it: equal before and
    /// after means that nothing was written, not even the same value again.
    pub(crate) async fn written(&self, table: &str) -> Vec<String> {
        self.rows(&format!("select xmin, ctid, t.* from agora.{table} as t order by ctid")).await
    }

    /// `table: rows` of every table that has rows.
    pub(crate) async fn filled_tables(&self) -> Vec<String> {
        let mut filled = Vec::new();
        for table in TABLES {
            let count = self.value(&format!("select count(*) from agora.{table}")).await;
            if count != "0" {
                filled.push(format!("{table}: {count}"));
            }
        }
        filled
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        wait_for(
            self.share.server().administer(&format!("drop database {} with (force)", self.name)),
        );
    }
}
