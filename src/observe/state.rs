//! What the parts of [`super`] share: where to look, and what was last seen.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use metrics_exporter_prometheus::PrometheusHandle;
use sqlx::postgres::PgPool;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::error::ObserveError;
use super::facts::{HoleFacts, Live};
use super::metrics;
use crate::collect::CollectSettings;
use crate::domain::AccountId;
use crate::schedule::runner::Workplace;
use crate::schedule::slots::Schedule;
use crate::store::StoreError;
use crate::store::health::observer_pool;

/// Answers that come within this time of each other share one look at the database.
const LIVE_FOR: Duration = Duration::from_secs(2);

/// What was read last, and when.
type KeptLive = (Instant, Arc<Live>);

/// An account that is watched.
#[derive(Debug, Clone)]
pub struct WatchedAccount {
    /// Its name.
    pub account: AccountId,
    /// What is asked for it, which tells what is a hole.
    pub collect: CollectSettings,
}

/// A job that is watched.
#[derive(Debug, Clone)]
pub struct WatchedJob {
    /// Its name.
    pub name: &'static str,
    /// Its scheduled times.
    pub schedule: Schedule,
}

/// What is shared by the server, the watch and the metrics.
#[derive(Debug)]
pub struct ObserveState {
    pub(super) workplace: Arc<Workplace>,
    /// Connections of its own, so that busy jobs do not look like a lost database.
    pub(super) observer: PgPool,
    pub(super) metrics: PrometheusHandle,
    pub(super) jobs: Vec<WatchedJob>,
    pub(super) started_at: DateTime<Utc>,
    /// Folder that reports are written into, and served from.
    pub(super) report_folder: PathBuf,
    /// Cancelled when the daemon begins to end.
    pub(super) stopping: CancellationToken,
    accounts: RwLock<Vec<WatchedAccount>>,
    holes: RwLock<BTreeMap<AccountId, Arc<HoleFacts>>>,
    live: Mutex<Option<KeptLive>>,
}

impl ObserveState {
    /// Begins to collect metrics; looks at nothing yet. Must be called within a
    /// tokio runtime.
    ///
    /// # Errors
    /// [`ObserveError::Metrics`] when something else collects them.
    pub fn new(
        workplace: Arc<Workplace>,
        accounts: Vec<WatchedAccount>,
        jobs: Vec<WatchedJob>,
        report_folder: PathBuf,
        stopping: CancellationToken,
    ) -> Result<Arc<Self>, ObserveError> {
        Ok(Arc::new(Self {
            observer: observer_pool(workplace.store.pool()),
            metrics: metrics::install()?,
            started_at: workplace.clock.now(),
            workplace,
            jobs,
            report_folder,
            stopping,
            accounts: RwLock::new(accounts),
            holes: RwLock::new(BTreeMap::new()),
            live: Mutex::new(None),
        }))
    }

    /// Replaces the watched accounts, as after new settings.
    pub fn reassign(&self, accounts: Vec<WatchedAccount>) {
        *self.accounts.write().unwrap_or_else(PoisonError::into_inner) = accounts;
    }

    /// Closes the connections that were used for looking.
    pub async fn close(&self) {
        self.observer.close().await;
    }

    pub(super) fn accounts(&self) -> Vec<WatchedAccount> {
        self.accounts.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.workplace.clock.now()
    }

    /// Holes as they were last read; none before the first reading.
    pub(super) fn holes_of(&self, account: &AccountId) -> Option<Arc<HoleFacts>> {
        self.holes.read().unwrap_or_else(PoisonError::into_inner).get(account).cloned()
    }

    pub(super) fn keep_holes(&self, account: &AccountId, holes: HoleFacts) -> Arc<HoleFacts> {
        let holes = Arc::new(holes);
        let mut all = self.holes.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(account.clone(), Arc::clone(&holes));
        holes
    }

    /// What the database says of jobs, leases and occupancy, at most two seconds old.
    pub(super) async fn live(&self) -> Result<Arc<Live>, StoreError> {
        let mut kept = self.live.lock().await;
        if let Some((read_at, live)) = &*kept
            && read_at.elapsed() < LIVE_FOR
        {
            return Ok(Arc::clone(live));
        }
        self.read_into(&mut kept).await
    }

    /// Like [`ObserveState::live`], read now.
    pub(super) async fn live_now(&self) -> Result<Arc<Live>, StoreError> {
        self.read_into(&mut *self.live.lock().await).await
    }

    async fn read_into(&self, kept: &mut Option<KeptLive>) -> Result<Arc<Live>, StoreError> {
        let live = Arc::new(Live::read(self).await?);
        *kept = Some((Instant::now(), Arc::clone(&live)));
        Ok(live)
    }
}
