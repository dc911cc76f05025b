//! What is known of the accounts at a moment, read from the database.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, Months, NaiveDate, TimeDelta, Utc};

use super::state::{ObserveState, WatchedAccount};
use crate::collect::calendar::EXPIRY_WARNING_DAYS;
use crate::collect::due::DuePolicy;
use crate::collect::holes::Hole;
use crate::collect::{CollectError, Records};
use crate::domain::{AccountId, DateRange, Month};
use crate::store::forecasts::{self, OutlookFacts};
use crate::store::health::{self, JobFacts, LeaseFact, OccupancyFact};
use crate::store::{StoreError, requests};

/// An older snapshot says nothing about now: it is five times as old as the newest should be.
const FRESH_OCCUPANCY_MINUTES: i64 = 5;

/// What can be asked for at any time.
#[derive(Debug)]
pub struct Live {
    /// When the accounts were first worked on.
    pub first_seen: BTreeMap<String, DateTime<Utc>>,
    /// How jobs get on, by account and job.
    pub jobs: BTreeMap<(String, String), JobFacts>,
    /// Leases, by account and name.
    pub leases: Vec<LeaseFact>,
    /// Fresh occupancy of projects, most users first.
    pub occupancy: Vec<OccupancyFact>,
    /// The newest look ahead of each account.
    pub outlook: OutlookFacts,
}

impl Live {
    pub(super) async fn read(state: &ObserveState) -> Result<Self, StoreError> {
        let accounts = state.accounts();
        let accounts: Vec<&str> = accounts.iter().map(|watched| watched.account.as_str()).collect();
        let jobs: Vec<&str> = state.jobs.iter().map(|job| job.name).collect();
        let pool = &state.observer;
        let fresh_since = state.now() - TimeDelta::minutes(FRESH_OCCUPANCY_MINUTES);
        Ok(Self {
            first_seen: health::first_seen(pool, &accounts).await?,
            jobs: health::job_facts(pool, &accounts, &jobs).await?,
            leases: health::leases(pool, &accounts).await?,
            occupancy: health::occupancy_now(pool, &accounts, fresh_since).await?,
            outlook: forecasts::newest(pool, &accounts).await?,
        })
    }

    /// How a job of an account gets on, where it was asked for.
    #[must_use]
    pub fn job(&self, account: &AccountId, job: &str) -> Option<&JobFacts> {
        self.jobs.get(&(account.to_string(), job.to_owned()))
    }

    /// When a run last got to its end that changes what is known of usage.
    pub(super) fn newest_usage_run(&self, account: &AccountId) -> Option<DateTime<Utc>> {
        let jobs = ["usage", "audit", "month_end"].into_iter();
        let finished = |job| self.job(account, job)?.finished.as_ref()?.finished_at;
        jobs.filter_map(finished).max()
    }
}

/// Days of an account that are not known, as a reading found them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoleFacts {
    /// When they were read.
    pub read_at: DateTime<Utc>,
    /// Days that were looked at; none when no run has asked for any.
    pub range: Option<DateRange>,
    /// Days that are not known.
    pub holes: Vec<Hole>,
    /// Those among them that the platform will soon forget.
    pub expiring: Vec<ExpiringDays>,
}

/// Days that are not known and can be asked for only for a short time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpiringDays {
    /// The days, with whose they are.
    pub hole: Hole,
    /// First UTC day on which the platform no longer answers for the first of them.
    pub forgotten_on: NaiveDate,
}

impl HoleFacts {
    /// Days over all holes.
    #[must_use]
    pub fn hole_days(&self) -> i64 {
        self.holes.iter().map(|hole| hole.range.day_count()).sum()
    }

    /// Reads the holes of an account among the days that a run had the chance
    /// to ask for: those before the newest usage run that got to its end. Else
    /// yesterday would be a hole each night until the morning's run.
    pub(super) async fn read(
        state: &ObserveState,
        watched: &WatchedAccount,
        live: &Live,
    ) -> Result<Self, CollectError> {
        let now = state.now();
        let records = Records {
            store: &state.workplace.store,
            account: &watched.account,
            clock: state.workplace.clock,
            settings: &watched.collect,
        };
        let run = live.job(&watched.account, "usage").and_then(|job| job.finished.as_ref());
        let asked_until = run.and_then(|run| run.slot.date_naive().pred_opt());
        let due = records.due_range().await?;
        let pool = state.workplace.store.pool();
        let first_asked = requests::first_day_asked(pool, &watched.account).await?;
        let policy = watched.collect.policy;
        let range = asked_until
            .zip(due)
            .and_then(|(last, due)| looked_at(due, last, first_asked, policy, now));
        let Some(range) = range else {
            return Ok(Self { read_at: now, range, holes: Vec::new(), expiring: Vec::new() });
        };
        let holes = records.coverage(range).await?.holes;
        let expiring = holes.iter().filter_map(|hole| expiring(hole, now, policy)).collect();
        Ok(Self { read_at: now, range: Some(range), holes, expiring })
    }
}

/// The days of a scheduled run up to `last`, and with the platform's oldest day
/// the rest of its month, so that days that are lost stay in sight for a while.
fn looked_at(
    due: DateRange,
    last: NaiveDate,
    first_asked: Option<NaiveDate>,
    policy: DuePolicy,
    now: DateTime<Utc>,
) -> Option<DateRange> {
    let is_oldest = policy.first_available_day(now) == Some(due.first());
    let of_month = Month::of(due.first()).first_day();
    let first = match first_asked {
        Some(first_asked) if is_oldest => due.first().min(first_asked.max(of_month)),
        _ => due.first(),
    };
    DateRange::new(first, last.min(due.last())).ok()
}

/// The part of a hole that the platform forgets within the time of warning.
fn expiring(hole: &Hole, now: DateTime<Utc>, policy: DuePolicy) -> Option<ExpiringDays> {
    let first_available = policy.first_available_day(now)?;
    let first_safe = policy.first_available_day(now + TimeDelta::days(EXPIRY_WARNING_DAYS))?;
    let soon = DateRange::new(first_available, first_safe.pred_opt()?).ok()?;
    let range = hole.range.intersection(soon)?;
    let last_answered = range.first().checked_add_months(Months::new(policy.api_history_months))?;
    let forgotten_on = last_answered.checked_add_days(Days::new(1))?;
    Some(ExpiringDays { hole: Hole { range, ..hole.clone() }, forgotten_on })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::due::CellState;
    use crate::domain::{ProjectId, Service};

    const POLICY: DuePolicy = DuePolicy { look_back_days: 7, api_history_months: 12, again: false };

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("day")
    }

    fn range(first: &str, last: &str) -> DateRange {
        DateRange::new(day(first), day(last)).expect("range")
    }

    fn now() -> DateTime<Utc> {
        "2031-05-08T09:00:00Z".parse().expect("time")
    }

    #[test]
    fn days_of_the_next_thirty_to_be_forgotten_are_told_with_their_date() {
        let hole = |range| Hole {
            project_id: ProjectId::new("P1").expect("id"),
            service: Service::Rtc,
            range,
            state: CellState::Failed,
            message: None,
        };
        let found = expiring(&hole(range("2030-05-01", "2031-01-01")), now(), POLICY);
        let found = found.expect("some of its days");
        assert_eq!(found.hole.range, range("2030-05-08", "2030-06-06"));
        assert_eq!(found.forgotten_on, day("2031-05-09"));
        assert_eq!(expiring(&hole(range("2030-06-07", "2030-06-08")), now(), POLICY), None);
        assert_eq!(expiring(&hole(range("2030-05-07", "2030-05-07")), now(), POLICY), None);
        let without_limit = DuePolicy { api_history_months: 0, ..POLICY };
        assert_eq!(expiring(&hole(range("2030-05-08", "2030-05-08")), now(), without_limit), None);
    }

    #[test]
    fn only_days_that_a_run_could_ask_for_are_looked_at() {
        let due = range("2031-04-01", "2031-05-07");
        let looked_at = |due, last: &str, first_asked: &str| {
            looked_at(due, day(last), Some(day(first_asked)), POLICY, now())
        };
        let expected = Some(range("2031-04-01", "2031-05-06"));
        assert_eq!(looked_at(due, "2031-05-06", "2031-04-01"), expected);
        // The platform's oldest day: what is lost of its month stays in sight.
        let due = range("2030-05-08", "2031-05-07");
        let expected = Some(range("2030-05-01", "2031-05-06"));
        assert_eq!(looked_at(due, "2031-05-06", "2030-01-01"), expected);
        let expected = Some(range("2030-05-03", "2031-05-06"));
        assert_eq!(looked_at(due, "2031-05-06", "2030-05-03"), expected);
        assert_eq!(looked_at(due, "2030-01-01", "2030-01-01"), None);
    }
}
