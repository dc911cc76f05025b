//! How each account gets on (`/status`), as JSON.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::facts::{HoleFacts, Live};
use super::state::ObserveState;
use crate::collect::holes::Hole;
use crate::domain::AccountId;
use crate::store::StoreError;
use crate::store::alerts;
use crate::store::health::{JobFacts, JobRun, LeaseFact};

/// Holes that are listed, and alerts; the counts tell of all.
const MOST_LISTED: usize = 100;

/// The document.
#[derive(Debug, Serialize)]
pub struct Status {
    version: &'static str,
    now: DateTime<Utc>,
    started_at: DateTime<Utc>,
    /// Name of this process in leases and runs.
    holder: String,
    accounts: Vec<AccountStatus>,
}

#[derive(Debug, Serialize)]
struct AccountStatus {
    account: String,
    jobs: Vec<JobStatus>,
    /// Null until they were read for the first time.
    holes: Option<HoleStatus>,
    leases: Vec<LeaseFact>,
    alerts: Vec<AlertStatus>,
}

#[derive(Debug, Serialize)]
struct JobStatus {
    job: &'static str,
    newest_run: Option<JobRun>,
    newest_good_run: Option<JobRun>,
    /// Seconds since the newest good run ended; null without one.
    lag_seconds: Option<i64>,
    next_slot: Option<DateTime<Utc>>,
    /// What the newest run that ended said.
    last_message: Option<String>,
}

#[derive(Debug, Serialize)]
struct HoleStatus {
    read_at: DateTime<Utc>,
    days: i64,
    expiring_days: i64,
    holes: Vec<HoleLine>,
    /// Holes beyond those that are listed.
    more: usize,
}

#[derive(Debug, Serialize)]
struct HoleLine {
    project_id: String,
    service: &'static str,
    from: chrono::NaiveDate,
    to: chrono::NaiveDate,
    state: &'static str,
    message: Option<String>,
}

#[derive(Debug, Serialize)]
struct AlertStatus {
    kind: String,
    subject: String,
    /// `pending`: nobody could be told yet; `sent`.
    state: String,
    message: String,
    raised_at: DateTime<Utc>,
}

/// Reads the status of every account, or of one.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn status(state: &ObserveState, only: Option<&str>) -> Result<Status, StoreError> {
    let live = state.live().await?;
    let mut accounts = Vec::new();
    for watched in state.accounts() {
        let account = &watched.account;
        if only.is_none_or(|only| only == account.as_str()) {
            accounts.push(of_account(state, account, &live).await?);
        }
    }
    Ok(Status {
        version: env!("CARGO_PKG_VERSION"),
        now: state.now(),
        started_at: state.started_at,
        holder: state.workplace.holder.clone(),
        accounts,
    })
}

async fn of_account(
    state: &ObserveState,
    account: &AccountId,
    live: &Live,
) -> Result<AccountStatus, StoreError> {
    let now = state.now();
    let job = |watched: &super::state::WatchedJob| {
        let facts = live.job(account, watched.name).cloned().unwrap_or_default();
        of_job(watched.name, facts, watched.schedule.next_slot(now), now)
    };
    let open = alerts::open(&state.observer, account).await?;
    let alerts = open.into_iter().take(MOST_LISTED).map(|alert| AlertStatus {
        kind: alert.kind,
        subject: alert.subject,
        state: alert.state,
        message: alert.message,
        raised_at: alert.raised_at,
    });
    let own = |lease: &&LeaseFact| lease.account_id == account.as_str();
    Ok(AccountStatus {
        account: account.to_string(),
        jobs: state.jobs.iter().map(job).collect(),
        holes: state.holes_of(account).map(|holes| of_holes(&holes)),
        leases: live.leases.iter().filter(own).cloned().collect(),
        alerts: alerts.collect(),
    })
}

fn of_job(
    job: &'static str,
    facts: JobFacts,
    next_slot: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> JobStatus {
    let lag = facts.good.as_ref().and_then(|run| run.finished_at).map(|ended| now - ended);
    JobStatus {
        job,
        lag_seconds: lag.map(|lag| lag.num_seconds()),
        next_slot,
        last_message: facts.ended.and_then(|run| run.message),
        newest_run: facts.newest,
        newest_good_run: facts.good,
    }
}

fn of_holes(facts: &HoleFacts) -> HoleStatus {
    let line = |hole: &Hole| HoleLine {
        project_id: hole.project_id.to_string(),
        service: hole.service.name(),
        from: hole.range.first(),
        to: hole.range.last(),
        state: hole.state.name(),
        message: hole.message.clone(),
    };
    HoleStatus {
        read_at: facts.read_at,
        days: facts.hole_days(),
        expiring_days: facts.expiring.iter().map(|days| days.hole.range.day_count()).sum(),
        holes: facts.holes.iter().take(MOST_LISTED).map(line).collect(),
        more: facts.holes.len().saturating_sub(MOST_LISTED),
    }
}

/// `?account=` of a request.
#[must_use]
pub(super) fn account_of(query: &BTreeMap<String, String>) -> Option<&str> {
    query.get("account").map(String::as_str).filter(|account| !account.is_empty())
}
