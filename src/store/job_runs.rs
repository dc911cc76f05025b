//! Table `job_run`: what was run when, one row a slot.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::postgres::PgPool;
use sqlx::types::Json;

use super::error::StoreError;
use super::leases::{self, Lease};
use crate::store::statement::{alone, begin_transaction, query, query_scalar};

/// Figure of a failed run whose credentials the platform refused.
pub const UNAUTHORIZED_FIGURE: &str = "unauthorized";

/// How a run of a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// Everything is done.
    Done,
    /// Done, with holes.
    Partial,
    /// It failed.
    Failed,
    /// The run before it was still going on.
    Skipped,
}

impl RunState {
    /// Word used in tables, logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// A job's scheduled time for an account.
#[derive(Debug, Clone, Copy)]
pub struct Slot<'a> {
    /// Name of the job.
    pub job: &'a str,
    /// Scheduled time.
    pub at: DateTime<Utc>,
}

/// How a run ended, with what it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunOutcome {
    /// How it ended.
    pub state: RunState,
    /// What it did, numbers by name.
    pub figures: BTreeMap<&'static str, i64>,
    /// Why it failed or is partial.
    pub message: Option<String>,
}

/// Claims a slot for the holder of the lease; false when it was run already.
///
/// A row that is still `running` belongs to a dead run, since its lease would
/// have been held otherwise: that of this slot is taken over, that of an
/// earlier one has failed.
///
/// # Errors
/// [`StoreError`] when the database does not answer or the lease was lost.
pub async fn begin(
    pool: &PgPool,
    lease: &Lease,
    slot: Slot<'_>,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let failed = || StoreError::during("writing job_run");
    let mut transaction = begin_transaction(pool).await.map_err(failed())?;
    leases::fence(&mut transaction, lease).await?;
    let claimed = query(include_str!("sql/begin_job_run.sql"))
        .bind(lease.account().as_str())
        .bind(slot.job)
        .bind(slot.at)
        .bind(lease.holder())
        .bind(now)
        .execute(&mut *transaction)
        .await
        .map_err(failed())?;
    query(include_str!("sql/end_dead_job_run.sql"))
        .bind(lease.account().as_str())
        .bind(slot.job)
        .bind(slot.at)
        .bind(now)
        .execute(&mut *transaction)
        .await
        .map_err(failed())?;
    transaction.commit().await.map_err(failed())?;
    Ok(claimed.rows_affected() > 0)
}

/// Writes how the run of a slot ended.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn end(
    pool: &PgPool,
    lease: &Lease,
    slot: Slot<'_>,
    outcome: &RunOutcome,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    query(
        "update agora.job_run set state = $5, finished_at = $6, figures = $7, message = $8 \
         where account_id = $1 and job = $2 and slot = $3 and holder = $4 and state = 'running'",
    )
    .bind(lease.account().as_str())
    .bind(slot.job)
    .bind(slot.at)
    .bind(lease.holder())
    .bind(outcome.state.name())
    .bind(now)
    .bind(Json(&outcome.figures))
    .bind(&outcome.message)
    .execute(alone(pool))
    .await
    .map_err(StoreError::during("writing job_run"))?;
    Ok(())
}

/// Notes that a slot was left out, since the run before it was still going on.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn skip(
    pool: &PgPool,
    account: &crate::domain::AccountId,
    slot: Slot<'_>,
    holder: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    query(
        "insert into agora.job_run \
         (account_id, job, slot, state, holder, attempt, started_at, finished_at, message) \
         values ($1, $2, $3, 'skipped', $4, 1, $5, $5, 'the run before it was still going on') \
         on conflict (account_id, job, slot) do nothing",
    )
    .bind(account.as_str())
    .bind(slot.job)
    .bind(slot.at)
    .bind(holder)
    .bind(now)
    .execute(alone(pool))
    .await
    .map_err(StoreError::during("writing job_run"))?;
    Ok(())
}

/// Whether a slot was run to its end, in whatever state.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn has_ended(
    pool: &PgPool,
    account: &crate::domain::AccountId,
    slot: Slot<'_>,
) -> Result<bool, StoreError> {
    query_scalar(
        "select exists (select from agora.job_run where account_id = $1 and job = $2 \
         and slot = $3 and state <> 'running')",
    )
    .bind(account.as_str())
    .bind(slot.job)
    .bind(slot.at)
    .fetch_one(alone(pool))
    .await
    .map_err(StoreError::during("reading job_run"))
}
