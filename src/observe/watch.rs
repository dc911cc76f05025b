//! The loop that looks at the facts and tells operators what they must know.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::alerts::{Changes, DeliveryRules, Outlet, deliver, evaluate, reconcile};
use super::facts::{HoleFacts, Live};
use super::ping::ping;
use super::state::{ObserveState, WatchedAccount, WatchedJob};
use crate::agora_api::webhook::{HookClient, HookUrl};
use crate::collect::CollectError;
use crate::config::ObserveSettings;
use crate::domain::{AccountId, Month};
use crate::store::alerts;

/// Longest time that a webhook may take to answer.
const MESSAGE_TIME: Duration = Duration::from_secs(10);

/// Time from one look to the next.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// Holes are read again when a usage run has ended, and at least this often:
/// a backfill from the command line fills some too.
const READ_HOLES_EVERY_MINUTES: i64 = 15;

/// What the watch goes by.
#[derive(Debug, Clone)]
pub struct WatchRules {
    /// Hours after a scheduled time within which a run must have succeeded.
    pub no_success_hours: u32,
    /// Where messages go.
    pub outlet: Outlet,
    /// How often messages are tried.
    pub delivery: DeliveryRules,
    /// What is pinged after each usage run of this process that succeeded.
    pub dead_man_ping: Option<HookUrl>,
}

impl WatchRules {
    /// The rules of the settings. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// A text that says why the TLS set-up cannot be used.
    pub fn new(settings: &ObserveSettings) -> Result<Self, String> {
        let client = HookClient::new(MESSAGE_TIME, &settings.authorities)?;
        Ok(Self {
            no_success_hours: settings.no_success_hours,
            outlet: Outlet { client, webhook: settings.alert_webhook.clone() },
            delivery: DeliveryRules::default(),
            dead_man_ping: settings.dead_man_ping.clone(),
        })
    }
}

/// The watch over all accounts.
#[derive(Debug)]
pub struct Watch {
    state: Arc<ObserveState>,
    rules: WatchRules,
    /// End of the newest good usage run of this process, by account.
    seen_successes: BTreeMap<AccountId, DateTime<Utc>>,
}

impl Watch {
    /// A watch that has not looked yet.
    #[must_use]
    pub const fn new(state: Arc<ObserveState>, rules: WatchRules) -> Self {
        Self { state, rules, seen_successes: BTreeMap::new() }
    }

    /// Replaces the rules, as after new settings.
    pub fn set_rules(&mut self, rules: WatchRules) {
        self.rules = rules;
    }

    /// Looks every 15 seconds until `stop` is cancelled, with the rules that came last.
    ///
    /// A database that does not answer is logged once and looked at again.
    pub async fn run(mut self, mut rules: watch::Receiver<WatchRules>, stop: CancellationToken) {
        let mut is_failing = false;
        loop {
            self.set_rules(rules.borrow_and_update().clone());
            match self.look().await {
                Ok(()) => is_failing = false,
                Err(error) if !is_failing => {
                    tracing::warn!(%error, "holes and alerts cannot be looked at");
                    is_failing = true;
                }
                Err(_) => {}
            }
            self.state.metrics.run_upkeep();
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Looks once: reads, raises, resolves and tells.
    ///
    /// # Errors
    /// [`CollectError`] when the database does not answer.
    pub async fn look(&mut self) -> Result<(), CollectError> {
        let state = Arc::clone(&self.state);
        let live = state.live_now().await?;
        let overdue = overdue(&state, self.rules.no_success_hours);
        let mut has_new_success = false;
        for watched in state.accounts() {
            has_new_success |= self.is_new_success(&watched.account, &live);
            // Before its first job there is nothing to tell, nor a row to tell it of.
            if live.first_seen.contains_key(watched.account.as_str()) {
                look_at(&state, &watched, &live, &overdue).await?;
            }
        }
        deliver(&state.observer, &self.rules.outlet, self.rules.delivery, state.now()).await?;
        if let Some(url) = self.rules.dead_man_ping.as_ref().filter(|_| has_new_success) {
            ping(&self.rules.outlet.client, url).await;
        }
        Ok(())
    }

    /// Whether this process ended a good usage run since the last look.
    fn is_new_success(&mut self, account: &AccountId, live: &Live) -> bool {
        let good = live.job(account, "usage").and_then(|job| job.good.as_ref());
        let own = good.filter(|run| run.holder == self.state.workplace.holder);
        let Some(ended) = own.and_then(|run| run.finished_at) else { return false };
        self.seen_successes.insert(account.clone(), ended).is_none_or(|seen| seen < ended)
    }
}

/// Each job's newest slot that should have led to a success by now.
fn overdue(state: &ObserveState, hours: u32) -> BTreeMap<&'static str, DateTime<Utc>> {
    let latest = state.now().checked_sub_signed(TimeDelta::hours(i64::from(hours)));
    let Some(latest) = latest else { return BTreeMap::new() };
    let slot = |job: &WatchedJob| Some((job.name, job.schedule.newest_slot(latest)?));
    state.jobs.iter().filter_map(slot).collect()
}

async fn look_at(
    state: &ObserveState,
    watched: &WatchedAccount,
    live: &Live,
    overdue: &BTreeMap<&'static str, DateTime<Utc>>,
) -> Result<(), CollectError> {
    let account = &watched.account;
    // Only holes that were read just now say anything new: older ones could
    // raise again what another process has found to be over.
    let mut fresh_holes = None;
    if holes_are_stale(state, watched, live) {
        let holes = HoleFacts::read(state, watched, live).await?;
        fresh_holes = Some(state.keep_holes(account, holes));
    }
    let events = evaluate(account, live, fresh_holes.as_deref(), overdue);
    let open = alerts::open(&state.observer, account).await?;
    let looked_at = fresh_holes.and_then(|holes| holes.range);
    let own = live.outlook.forecasts.iter().filter(|fact| fact.account_id == account.as_str());
    let months: Vec<Month> = own.map(|fact| Month::of(fact.month)).collect();
    let changes = reconcile(&open, events, looked_at, &months);
    if !changes.raise.is_empty() {
        let raised = alerts::raise(&state.observer, account, &changes.raise, state.now()).await?;
        for alert in raised {
            let (kind, message) = (alert.kind, alert.message);
            tracing::warn!(%account, kind, message, "alert");
        }
    }
    let Changes { resolve, lapse, .. } = changes;
    if !resolve.is_empty() || !lapse.is_empty() {
        let ended =
            alerts::resolve(&state.observer, account, &resolve, &lapse, state.now()).await?;
        for alert in ended {
            let (kind, message) = (alert.kind, alert.message);
            tracing::info!(%account, kind, message, "alert is over");
        }
    }
    Ok(())
}

fn holes_are_stale(state: &ObserveState, watched: &WatchedAccount, live: &Live) -> bool {
    let Some(holes) = state.holes_of(&watched.account) else { return true };
    let age = state.now() - holes.read_at;
    live.newest_usage_run(&watched.account).is_some_and(|ended| ended > holes.read_at)
        || age >= TimeDelta::minutes(READ_HOLES_EVERY_MINUTES)
        || age < TimeDelta::zero()
}
