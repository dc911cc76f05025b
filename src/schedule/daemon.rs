//! The daemon: ticks, slots, overlap, catch-up and shutdown.
//!
//! The scheduler crate only ticks: it neither stops overlap, nor waits at
//! shutdown, nor makes up for missed runs. All of that is here.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::Semaphore;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::jobs::{JOBS, JobDefinition, LAKE_JOB, LakeWork};
use super::runner::{AccountAtWork, PlannedRun, Workplace, run};
use super::slots::Schedule;
use crate::domain::AccountId;
use crate::observe::metrics;
use crate::store::StoreError;
use crate::store::job_runs::{self, RunState, Slot};

/// What can be reloaded while the daemon runs.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// Accounts to work on.
    pub accounts: Vec<Arc<AccountAtWork>>,
    /// Folder that reports are written into.
    pub report_folder: Arc<Path>,
    /// Where history goes, if anywhere.
    pub lake: Option<Arc<LakeWork>>,
    /// Accounts on which jobs of one lease run at once.
    pub accounts_at_once: usize,
}

/// A daemon at work.
pub struct Daemon {
    workplace: Arc<Workplace>,
    assignment: RwLock<Assignment>,
    schedules: BTreeMap<&'static str, Schedule>,
    /// Runs of this process that are under way.
    running: Mutex<BTreeSet<(&'static str, AccountId)>>,
    tracker: TaskTracker,
    /// By lease, so that long fetches of usage do not hold up the minute's snapshots.
    places: BTreeMap<&'static str, Semaphore>,
    stop: CancellationToken,
}

/// The schedule of every job, in place of its own the one of the settings.
///
/// # Errors
/// A text naming a job that there is not, or a schedule that is none or never comes.
pub fn schedules_of(
    settings: &BTreeMap<String, String>,
) -> Result<BTreeMap<&'static str, Schedule>, String> {
    if let Some(unknown) = settings.keys().find(|name| JOBS.iter().all(|j| j.name != **name)) {
        let known: Vec<&str> = JOBS.iter().map(|job| job.name).collect();
        return Err(format!("there is no job '{unknown}'; the jobs are {}", known.join(", ")));
    }
    let schedule = |job: &JobDefinition| {
        let text = settings.get(job.name).map_or(job.schedule, String::as_str);
        let schedule: Schedule =
            text.parse().map_err(|error| format!("schedule of job '{}': {error}", job.name))?;
        if schedule.next_slot(DateTime::UNIX_EPOCH).is_none() {
            return Err(format!("schedule of job '{}': '{text}' never comes", job.name));
        }
        Ok((job.name, schedule))
    };
    JOBS.iter().map(schedule).collect()
}

impl Daemon {
    /// A daemon that has not begun. `schedules` replaces the default schedule of jobs by name.
    ///
    /// # Errors
    /// A text for a job that does not exist or whose schedule is wrong.
    pub fn new(
        workplace: Workplace,
        assignment: Assignment,
        schedules: &BTreeMap<String, String>,
    ) -> Result<Arc<Self>, String> {
        let mut all = schedules_of(schedules)?;
        let has_lake = assignment.lake.is_some();
        let jobs = || JOBS.iter().filter(|job| has_lake || job.name != LAKE_JOB);
        let places = jobs().map(|job| (job.lease, Semaphore::new(assignment.accounts_at_once)));
        Ok(Arc::new(Self {
            places: places.collect(),
            workplace: Arc::new(workplace),
            assignment: RwLock::new(assignment),
            schedules: jobs().filter_map(|job| Some((job.name, all.remove(job.name)?))).collect(),
            running: Mutex::new(BTreeSet::new()),
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
        }))
    }

    /// Replaces accounts and folders for all later runs.
    pub fn reassign(&self, assignment: Assignment) {
        *self.assignment.write().unwrap_or_else(PoisonError::into_inner) = assignment;
    }

    /// Makes up for every slot that was missed, once, and waits for those runs.
    pub async fn run_what_is_due(self: &Arc<Self>) {
        self.catch_up();
        self.tracker.close();
        self.tracker.wait().await;
        self.tracker.reopen();
    }

    /// Starts the newest slot of every job, one after another in the order of
    /// the list, so that reports come after the usage that they are made of.
    fn catch_up(self: &Arc<Self>) {
        let assignment = Arc::new(self.assignment());
        for account in &assignment.accounts {
            let (daemon, account) = (Arc::clone(self), Arc::clone(account));
            let assignment = Arc::clone(&assignment);
            self.tracker.spawn(async move {
                for job in JOBS {
                    if daemon.stop.is_cancelled() {
                        return;
                    }
                    if let Some(planned) = daemon.planned(*job, &account, &assignment) {
                        daemon.run_once(&planned).await;
                    }
                }
            });
        }
    }

    fn assignment(&self) -> Assignment {
        self.assignment.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The run of a job's newest slot.
    fn planned(
        &self,
        job: JobDefinition,
        account: &Arc<AccountAtWork>,
        assignment: &Assignment,
    ) -> Option<PlannedRun> {
        let slot = self.schedules.get(job.name)?.newest_slot(self.workplace.clock.now())?;
        Some(PlannedRun {
            job,
            account: Arc::clone(account),
            slot,
            report_folder: Arc::clone(&assignment.report_folder),
            lake: assignment.lake.clone(),
        })
    }

    /// Runs jobs at their times until [`Daemon::shut_down`], the newest missed slot of each first.
    ///
    /// # Errors
    /// [`JobSchedulerError`] when the ticker cannot start.
    pub async fn start(self: &Arc<Self>) -> Result<JobScheduler, JobSchedulerError> {
        let ticker = JobScheduler::new().await?;
        for job in JOBS {
            let Some(schedule) = self.schedules.get(job.name) else { continue };
            let daemon = Arc::clone(self);
            let tick = Job::new_async(schedule.text(), move |_, _| {
                let daemon = Arc::clone(&daemon);
                Box::pin(async move {
                    daemon.start_runs(*job, Duration::from_secs(job.jitter_seconds));
                })
            })?;
            ticker.add(tick).await?;
        }
        self.catch_up();
        ticker.start().await?;
        Ok(ticker)
    }

    /// Starts the run of a job's newest slot for every account, each in a task of its own.
    fn start_runs(self: &Arc<Self>, job: JobDefinition, longest_delay: Duration) {
        let assignment = self.assignment();
        for account in &assignment.accounts {
            let Some(planned) = self.planned(job, account, &assignment) else { continue };
            let daemon = Arc::clone(self);
            let delay = delay(&planned, longest_delay);
            self.tracker.spawn(async move {
                tokio::select! {
                    () = tokio::time::sleep(delay) => daemon.run_once(&planned).await,
                    () = daemon.stop.cancelled() => {}
                }
            });
        }
    }

    /// Runs a slot unless the run before it is still going on in this process.
    async fn run_once(&self, planned: &PlannedRun) {
        let key = (planned.job.name, planned.account.settings.account.clone());
        let is_free = self.lock_running().insert(key.clone());
        let outcome = if is_free {
            let outcome = self.run_in_turn(planned).await;
            self.lock_running().remove(&key);
            outcome
        } else {
            self.skip(planned).await
        };
        if let Err(error) = outcome {
            tracing::error!(job = key.0, account = %key.1, %error, "job could not be run");
        }
    }

    /// Runs a slot when one of the places of its lease is free: a thousand accounts
    /// are not worked on all at once.
    async fn run_in_turn(&self, planned: &PlannedRun) -> Result<(), StoreError> {
        let Some(places) = self.places.get(planned.job.lease) else { return Ok(()) };
        let place = tokio::select! {
            place = places.acquire() => place.ok(),
            () = self.stop.cancelled() => None,
        };
        if place.is_some() {
            run(&self.workplace, planned, &self.stop).await?;
        }
        Ok(())
    }

    fn lock_running(&self) -> std::sync::MutexGuard<'_, BTreeSet<(&'static str, AccountId)>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn skip(&self, planned: &PlannedRun) -> Result<(), StoreError> {
        let account = &planned.account.settings.account;
        let slot = Slot { job: planned.job.name, at: planned.slot };
        tracing::warn!(job = slot.job, %account, slot = %slot.at, "skipped: the run before it is still going on");
        let Workplace { store, clock, holder } = &*self.workplace;
        let (state, figures) = (RunState::Skipped, BTreeMap::new());
        metrics::record_job_run(account, slot.job, state, Duration::ZERO, &figures);
        job_runs::skip(store.pool(), account, slot, holder, clock.now()).await
    }

    /// Ends: no new runs, those under way finish or roll back within `grace`.
    /// Returns whether all of them did.
    pub async fn shut_down(&self, grace: Duration) -> bool {
        self.stop.cancel();
        self.tracker.close();
        tokio::time::timeout(grace, self.tracker.wait()).await.is_ok()
    }

    /// The scheduled times after `now`, by job.
    #[must_use]
    pub fn next_slots(&self, now: DateTime<Utc>) -> BTreeMap<&'static str, DateTime<Utc>> {
        let next =
            |(name, schedule): (&&'static str, &Schedule)| Some((*name, schedule.next_slot(now)?));
        self.schedules.iter().filter_map(next).collect()
    }

    /// Schedules in force, by job.
    pub fn schedules(&self) -> impl Iterator<Item = (&'static str, &Schedule)> {
        self.schedules.iter().map(|(name, schedule)| (*name, schedule))
    }

    /// Cancelled when the daemon begins to end.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// What every run shares.
    #[must_use]
    pub fn workplace(&self) -> &Arc<Workplace> {
        &self.workplace
    }
}

/// A delay that differs by account and job, and stays the same for a slot.
fn delay(planned: &PlannedRun, longest: Duration) -> Duration {
    let mut hasher = DefaultHasher::new();
    (planned.job.name, &planned.account.settings.account, planned.slot).hash(&mut hasher);
    let longest_ms = u64::try_from(longest.as_millis()).unwrap_or(0);
    Duration::from_millis(hasher.finish() % (longest_ms + 1))
}
