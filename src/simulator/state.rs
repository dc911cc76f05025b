//! The simulated account: what exists, what is visible at a time, who may ask.
//!
//! Owns the credentials and the clock, and holds together what changes while
//! the simulator runs: projects, rules, corrections, faults and the log of
//! requests. Does not know paths or bodies.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Days, Months, NaiveDate, Utc};

use super::cast::{History, SimulatedProject, cast};
use super::channels::{LiveChannel, live_channels, minute_of};
use super::corrections::Corrections;
use super::draw::{Topic, hex_32};
use super::faults::Faults;
use super::limits::Limits;
use super::registry::Registry;
use super::request_log::RequestLog;
use super::rules::Rules;
use super::usage::{Business, DaySeconds, reported_seconds};
use super::years::Shapes;
use super::{SimulatorError, SimulatorSettings};
use crate::clock::Clock;
use crate::domain::DateRange;

/// How far usage looks back (Agora's documentation, 2026: one year).
const LOOK_BACK: Months = Months::new(12);

/// Live channels of a project in one minute.
type ChannelLists = HashMap<u64, (u64, Arc<Vec<LiveChannel>>)>;

/// Everything that the endpoints answer from.
pub(super) struct Account {
    pub(super) seed: u64,
    pub(super) customer_id: String,
    pub(super) customer_secret: String,
    pub(super) shapes: &'static Shapes,
    pub(super) limits: Limits,
    pub(super) faults: Faults,
    pub(super) corrections: Corrections,
    pub(super) request_log: RequestLog,
    registry: RwLock<Registry>,
    rules: Mutex<Rules>,
    clock: RwLock<Clock>,
    first_project_channels: Option<u32>,
    channel_lists: Mutex<ChannelLists>,
    history: History,
    authorization: String,
    requests: AtomicU64,
    started_at_ns: u64,
}

impl Account {
    /// The account of a seed, with its history up to the present day.
    pub(super) fn new(settings: &SimulatorSettings) -> Result<Self, SimulatorError> {
        let days = settings.days;
        let start = settings.clock.now();
        let start_day = start.date_naive();
        let first_day = start_day
            .checked_sub_days(Days::new(u64::from(days)))
            .ok_or(SimulatorError::History { days })?;
        let history = History { first_day, start_day };
        let projects = cast(settings.seed, settings.projects, history);
        let customer_id = hex_32(settings.seed, Topic::CustomerId, 0);
        let customer_secret = hex_32(settings.seed, Topic::CustomerSecret, 0);
        Ok(Self {
            seed: settings.seed,
            authorization: STANDARD.encode(format!("{customer_id}:{customer_secret}")),
            customer_id,
            customer_secret,
            shapes: settings.api_year.shapes(),
            limits: Limits::new(settings),
            faults: Faults::new(settings.seed, settings.faults.clone()),
            corrections: Corrections::new(settings.seed, settings.late_days),
            request_log: RequestLog::default(),
            registry: RwLock::new(Registry::new(settings.seed, projects)),
            rules: Mutex::default(),
            clock: RwLock::new(settings.clock),
            first_project_channels: settings.channels,
            channel_lists: Mutex::default(),
            history,
            requests: AtomicU64::new(0),
            started_at_ns: start.timestamp_nanos_opt().unwrap_or(0).unsigned_abs(),
        })
    }

    /// The account's time.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.read().unwrap_or_else(PoisonError::into_inner).now()
    }

    /// Moves the account to another time; it runs on from there.
    pub(super) fn set_clock(&self, clock: Clock) {
        *self.clock.write().unwrap_or_else(PoisonError::into_inner) = clock;
    }

    /// Whether the value of an Authorization header holds the account's credentials.
    pub(super) fn authorizes(&self, authorization: &str) -> bool {
        authorization.split_once(' ').is_some_and(|(scheme, credentials)| {
            scheme.eq_ignore_ascii_case("basic") && credentials.trim() == self.authorization
        })
    }

    /// What follows the scheme in the Authorization header of the account.
    pub(super) fn authorization(&self) -> &str {
        &self.authorization
    }

    /// Every project, deleted ones included.
    pub(super) fn projects(&self) -> Vec<Arc<SimulatedProject>> {
        self.registry.read().unwrap_or_else(PoisonError::into_inner).all()
    }

    /// The project of a project id, deleted ones included.
    pub(super) fn project(&self, project_id: &str) -> Option<Arc<SimulatedProject>> {
        self.registry.read().unwrap_or_else(PoisonError::into_inner).project(project_id)
    }

    /// The project of an App ID that is not deleted.
    pub(super) fn project_of_app(&self, app_id: &str) -> Option<Arc<SimulatedProject>> {
        let registry = self.registry.read().unwrap_or_else(PoisonError::into_inner);
        registry.project_of_app(app_id).filter(|project| project.exists())
    }

    /// Changes projects.
    pub(super) fn change_projects<T>(&self, change: impl FnOnce(&mut Registry) -> T) -> T {
        change(&mut self.registry.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// The kicking rules.
    pub(super) fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is told at `now` about a project's day; nothing where there is no row.
    pub(super) fn told_seconds(
        &self,
        project: &SimulatedProject,
        business: Business,
        day: NaiveDate,
        now: DateTime<Utc>,
    ) -> Option<DaySeconds> {
        let seconds = reported_seconds(self.seed, project, business, day, now);
        self.corrections.told(project.number, day, now.date_naive(), seconds)
    }

    /// The live channels of a project, made once a minute, as the platform's own cache does.
    pub(super) fn live_channels(
        &self,
        project: &SimulatedProject,
        now: DateTime<Utc>,
    ) -> Arc<Vec<LiveChannel>> {
        if !project.is_active() {
            return Arc::default();
        }
        let minute = minute_of(now);
        let mut lists = self.channel_lists.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of_minute, list)) = lists.get(&project.number)
            && *of_minute == minute
        {
            return Arc::clone(list);
        }
        let wanted = self.first_project_channels.filter(|_| project.number == 0);
        let list = Arc::new(live_channels(self.seed, project, wanted, now));
        lists.insert(project.number, (minute, Arc::clone(&list)));
        list
    }

    /// The days of a request that the platform answers at `now`: older and later ones are dropped.
    pub(super) fn answered_days(&self, asked: DateRange, now: DateTime<Utc>) -> Option<DateRange> {
        let today = now.date_naive();
        let oldest = today.checked_sub_months(LOOK_BACK)?.max(self.history.first_day);
        DateRange::new(oldest, today).ok()?.intersection(asked)
    }

    /// A new id for the answer to a request; differs between runs too.
    pub(super) fn next_request_id(&self) -> String {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        hex_32(self.seed ^ self.started_at_ns, Topic::RequestId, number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::period::parse_day;

    fn account(days: u32) -> Account {
        let clock = Clock::from_setting(Some("2031-05-08T12:00:00Z")).expect("time");
        Account::new(&SimulatorSettings { days, clock, ..SimulatorSettings::default() })
            .expect("account")
    }

    fn answered(account: &Account, first: &str, last: &str) -> Option<String> {
        let day = |text| parse_day(text).expect("day");
        let asked = DateRange::new(day(first), day(last)).expect("range");
        account.answered_days(asked, account.now()).map(|days| days.to_string())
    }

    #[test]
    fn days_beyond_the_look_back_and_days_to_come_are_left_out() {
        let account = account(400);
        let days = answered(&account, "2029-01-01", "2032-01-01");
        assert_eq!(days.as_deref(), Some("2030-05-08..2031-05-08"));
        assert_eq!(answered(&account, "2031-05-09", "2031-05-31"), None);
        assert_eq!(answered(&account, "2029-01-01", "2029-12-31"), None);
    }

    #[test]
    fn nothing_comes_before_the_history() {
        let days = answered(&account(30), "2030-06-01", "2031-04-30");
        assert_eq!(days.as_deref(), Some("2031-04-08..2031-04-30"));
    }

    #[test]
    fn credentials_look_real_and_follow_the_seed() {
        let first = account(400);
        assert_eq!(first.customer_id.len(), 32);
        assert_ne!(first.customer_id, first.customer_secret);
        assert_eq!(first.customer_secret, account(400).customer_secret);
        assert_ne!(first.next_request_id(), first.next_request_id());
    }

    #[test]
    fn a_history_before_the_calendar_is_refused() {
        let settings = SimulatorSettings { days: u32::MAX, ..SimulatorSettings::default() };
        assert!(matches!(Account::new(&settings), Err(SimulatorError::History { .. })));
    }
}
