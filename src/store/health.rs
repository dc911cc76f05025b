//! What operators ask of the database: whether it works, and how the jobs get on.
//!
//! Reads `job_run`, `job_lease`, `account` and the newest snapshots; changes nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::types::Json;

use super::error::StoreError;
use super::migrate::{applied_version, newest_version};
use crate::store::statement::{alone, query_as, query_scalar};

/// Longest wait for one of the connections of [`observer_pool`].
const OBSERVER_WAIT: Duration = Duration::from_secs(2);

/// A few connections to the same database for those who only look, so that
/// jobs that use all of theirs do not look like a database that is gone.
#[must_use]
pub fn observer_pool(pool: &PgPool) -> PgPool {
    let options = pool.connect_options().as_ref().clone();
    PgPoolOptions::new()
        .max_connections(2)
        .acquire_timeout(OBSERVER_WAIT)
        .connect_lazy_with(options)
}

/// Whether jobs could use the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatabaseHealth {
    /// Newest migration that was applied; 0 without any.
    pub migration: i64,
    /// Whether it takes writes, without which no lease can be had.
    pub takes_writes: bool,
}

impl DatabaseHealth {
    /// Whether the schema is the one that this program knows.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.migration == newest_version()
    }
}

/// Asks the database how it is.
///
/// # Errors
/// [`StoreError`] when it does not answer.
pub async fn database_health(pool: &PgPool) -> Result<DatabaseHealth, StoreError> {
    let takes_writes: bool = query_scalar(
        "select not pg_is_in_recovery() \
         and current_setting('default_transaction_read_only') = 'off'",
    )
    .fetch_one(alone(pool))
    .await
    .map_err(StoreError::during("asking the database how it is"))?;
    Ok(DatabaseHealth { migration: applied_version(pool).await?, takes_writes })
}

/// One row of `job_run`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRun {
    /// Scheduled time.
    pub slot: DateTime<Utc>,
    /// `running`, `done`, `partial`, `failed` or `skipped`.
    pub state: String,
    /// Process that ran it.
    pub holder: String,
    /// Rises by one when a dead run is taken over.
    pub attempt: i32,
    /// When the newest attempt began.
    pub started_at: DateTime<Utc>,
    /// When it ended; none while running.
    pub finished_at: Option<DateTime<Utc>>,
    /// What it did, numbers by name.
    pub figures: BTreeMap<String, i64>,
    /// Why it failed or is partial.
    pub message: Option<String>,
}

/// How a job of an account gets on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFacts {
    /// Newest run in any state.
    pub newest: Option<JobRun>,
    /// Newest run that ended: done, partial or failed.
    pub ended: Option<JobRun>,
    /// Newest run that got to its end: done or partial.
    pub finished: Option<JobRun>,
    /// Newest run that counts as a success: done, or partial unless nothing got through.
    pub good: Option<JobRun>,
}

#[derive(sqlx::FromRow)]
struct JobFactsRow {
    account_id: String,
    job: String,
    newest: Option<Json<JobRun>>,
    ended: Option<Json<JobRun>>,
    finished: Option<Json<JobRun>>,
    good: Option<Json<JobRun>>,
}

/// How jobs get on, by account and job; each asked for is in the answer.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn job_facts(
    pool: &PgPool,
    accounts: &[&str],
    jobs: &[&str],
) -> Result<BTreeMap<(String, String), JobFacts>, StoreError> {
    let rows: Vec<JobFactsRow> = query_as(include_str!("sql/job_facts.sql"))
        .bind(accounts)
        .bind(jobs)
        .fetch_all(alone(pool))
        .await
        .map_err(StoreError::during("reading job_run"))?;
    let of_row = |row: JobFactsRow| {
        let run = |json: Option<Json<JobRun>>| json.map(|json| json.0);
        let (newest, ended) = (run(row.newest), run(row.ended));
        let facts = JobFacts { newest, ended, finished: run(row.finished), good: run(row.good) };
        ((row.account_id, row.job), facts)
    };
    Ok(rows.into_iter().map(of_row).collect())
}

/// One row of `job_lease`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct LeaseFact {
    /// Account that is worked on.
    #[serde(skip)]
    pub account_id: String,
    /// Kind of work.
    pub name: String,
    /// Process that holds it, or held it last.
    pub holder: String,
    /// Rises by one each time it changes hands.
    pub epoch: i64,
    /// When it is free unless it is renewed, by the database's clock.
    pub expires_at: DateTime<Utc>,
    /// Whether it is held now.
    pub is_held: bool,
}

/// Every lease of the accounts, by account and name.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn leases(pool: &PgPool, accounts: &[&str]) -> Result<Vec<LeaseFact>, StoreError> {
    query_as(
        "select account_id, name, holder, epoch, expires_at, \
         expires_at > clock_timestamp() as is_held \
         from agora.job_lease where account_id = any($1) order by account_id, name",
    )
    .bind(accounts)
    .fetch_all(alone(pool))
    .await
    .map_err(StoreError::during("reading job_lease"))
}

/// When the first job ran for each of the accounts; without those that never had one.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn first_seen(
    pool: &PgPool,
    accounts: &[&str],
) -> Result<BTreeMap<String, DateTime<Utc>>, StoreError> {
    let rows: Vec<(String, DateTime<Utc>)> =
        query_as("select account_id, first_seen_at from agora.account where account_id = any($1)")
            .bind(accounts)
            .fetch_all(alone(pool))
            .await
            .map_err(StoreError::during("reading account"))?;
    Ok(rows.into_iter().collect())
}

/// What a project's newest snapshot saw.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct OccupancyFact {
    /// Account of the project.
    pub account_id: String,
    /// The project.
    pub project_id: String,
    /// Users in its channels.
    pub users: i64,
    /// Its live channels.
    pub channels: i64,
}

/// The newest snapshot of each project that has one since `since`, most users first.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn occupancy_now(
    pool: &PgPool,
    accounts: &[&str],
    since: DateTime<Utc>,
) -> Result<Vec<OccupancyFact>, StoreError> {
    query_as(include_str!("sql/occupancy_now.sql"))
        .bind(accounts)
        .bind(since)
        .fetch_all(alone(pool))
        .await
        .map_err(StoreError::during("reading occupancy_snapshot"))
}
