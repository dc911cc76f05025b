//! One run of one job for one account: lease, slot, work, outcome.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::held_lease::HeldLease;
use super::jobs::{JobContext, JobDefinition, JobError, JobOutcome, LakeWork};
use crate::agora_api::AgoraApi;
use crate::clock::Clock;
use crate::collect::{Collector, Records};
use crate::config::AccountSettings;
use crate::observe::metrics;
use crate::rating::PriceBooks;
use crate::store::job_runs::{self, RunOutcome, RunState, Slot, UNAUTHORIZED_FIGURE};
use crate::store::{Store, StoreError, projects};

/// Wait between two looks at a lease that another process holds.
const LEASE_POLL: Duration = Duration::from_secs(1);

/// One account as the daemon works on it.
#[derive(Debug)]
pub struct AccountAtWork {
    /// What the settings say.
    pub settings: AccountSettings,
    /// Client of the account; paces all its jobs together.
    pub api: AgoraApi,
    /// Price books of the account.
    pub books: PriceBooks,
}

/// What every run shares.
#[derive(Debug)]
pub struct Workplace {
    /// The database.
    pub store: Store,
    /// The time of day.
    pub clock: Clock,
    /// Name of this process as a holder of leases.
    pub holder: String,
}

/// A run that is to be made.
#[derive(Clone)]
pub struct PlannedRun {
    /// Which job.
    pub job: JobDefinition,
    /// For which account.
    pub account: Arc<AccountAtWork>,
    /// Scheduled time.
    pub slot: DateTime<Utc>,
    /// Folder that reports are written into.
    pub report_folder: Arc<std::path::Path>,
    /// Where history goes, if anywhere.
    pub lake: Option<Arc<LakeWork>>,
}

/// Runs a job unless its slot was run already, by this process or another.
///
/// Waits while another process holds the lease, and gives up when the slot has
/// ended meanwhile, so that a stand-by takes over within a lease's life.
///
/// # Errors
/// [`StoreError`] when the database does not answer. What the job itself met
/// is written into `job_run` and logged.
pub async fn run(
    workplace: &Workplace,
    planned: &PlannedRun,
    stop: &CancellationToken,
) -> Result<Option<RunState>, StoreError> {
    let pool = workplace.store.pool();
    let account = &planned.account.settings.account;
    let slot = Slot { job: planned.job.name, at: planned.slot };
    projects::ensure_account(pool, account, workplace.clock.now()).await?;
    let held = loop {
        if stop.is_cancelled() || job_runs::has_ended(pool, account, slot).await? {
            return Ok(None);
        }
        let taken = HeldLease::take(pool, account, planned.job.lease, &workplace.holder).await?;
        if let Some(held) = taken {
            break held;
        }
        tokio::select! {
            () = tokio::time::sleep(LEASE_POLL) => {}
            () = stop.cancelled() => {}
        }
    };
    let ended = run_with_lease(workplace, planned, &held, stop).await;
    if let Err(error) = held.release().await {
        tracing::warn!(%error, "a lease could not be freed and will expire");
    }
    ended
}

async fn run_with_lease(
    workplace: &Workplace,
    planned: &PlannedRun,
    held: &HeldLease,
    stop: &CancellationToken,
) -> Result<Option<RunState>, StoreError> {
    let pool = workplace.store.pool();
    let slot = Slot { job: planned.job.name, at: planned.slot };
    if !job_runs::begin(pool, held.lease(), slot, workplace.clock.now()).await? {
        return Ok(None);
    }
    let account = &planned.account;
    let records = Records {
        store: &workplace.store,
        account: &account.settings.account,
        clock: workplace.clock,
        settings: &account.settings.collect,
    };
    let collector = Collector { api: &account.api, records, lease: held.lease(), stop };
    let context = JobContext {
        collector,
        outlook: &account.settings.outlook,
        books: &account.books,
        report_folder: &planned.report_folder,
        channel_retention_days: account.settings.channel_retention_days,
        occupancy_archive: account.settings.occupancy_archive,
        lake: planned.lake.as_deref(),
        slot: planned.slot,
    };
    let started = Instant::now();
    let result = (planned.job.run)(&context).await;
    if stop.is_cancelled() {
        // The slot stays open: the next start makes it up.
        tracing::info!(job = slot.job, account = %records.account, "job stopped, to be made up");
        return Ok(None);
    }
    let outcome = outcome(result);
    let took = started.elapsed();
    log(planned, &outcome, took);
    metrics::record_job_run(records.account, slot.job, outcome.state, took, &outcome.figures);
    job_runs::end(pool, held.lease(), slot, &outcome, workplace.clock.now()).await?;
    Ok(Some(outcome.state))
}

fn outcome(result: Result<JobOutcome, JobError>) -> RunOutcome {
    match result {
        Ok(JobOutcome { figures, partial: None }) => {
            RunOutcome { state: RunState::Done, figures, message: None }
        }
        Ok(JobOutcome { figures, partial }) => {
            RunOutcome { state: RunState::Partial, figures, message: partial }
        }
        Err(error) => RunOutcome {
            state: RunState::Failed,
            figures: error
                .is_unauthorized()
                .then_some((UNAUTHORIZED_FIGURE, 1))
                .into_iter()
                .collect(),
            message: Some(error.to_string()),
        },
    }
}

/// One line a job, with its figures; a failure is logged here and nowhere else.
fn log(planned: &PlannedRun, outcome: &RunOutcome, took: Duration) {
    let figures: Vec<String> =
        outcome.figures.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let figures = figures.join(" ");
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let (job, account, slot) = (planned.job.name, &planned.account.settings.account, planned.slot);
    let state = outcome.state.name();
    let message = outcome.message.as_deref().unwrap_or_default();
    match outcome.state {
        RunState::Done | RunState::Skipped => {
            tracing::info!(job, %account, %slot, state, duration_ms, figures, "job ended");
        }
        RunState::Partial => {
            tracing::warn!(job, %account, %slot, state, duration_ms, figures, message, "job ended");
        }
        RunState::Failed => {
            tracing::error!(job, %account, %slot, state, duration_ms, message, "job ended");
        }
    }
}
