//! From due days to requests: none crosses a calendar month, oldest month first.

use std::pin::pin;

use chrono::{DateTime, NaiveDate, Utc};
use futures_util::stream::{self, Stream, StreamExt, TryStreamExt};

use super::due::{MonthLedger, is_due};
use super::{CollectError, CollectSettings, Records};
use crate::domain::{DateRange, Month, ProjectId, Service, UsageSource};
use crate::store::projects::{self, StoredProject};
use crate::store::requests;
use crate::store::usage::{self, KnownBy, KnownUsage};

/// Months that are read from the database ahead of the work on them.
const LEDGERS_AT_ONCE: usize = 2;

/// A usage request to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedRequest {
    /// Endpoint.
    pub source: UsageSource,
    /// Project; none: all of the account (v1).
    pub project_id: Option<ProjectId>,
    /// Service.
    pub service: Service,
    /// Days, within one month: from the first to the last that is due.
    pub range: DateRange,
}

impl Records<'_> {
    /// The requests that the days of `range` need now. Asks the database alone.
    ///
    /// # Errors
    /// [`CollectError`] when the database fails or a chosen project is unknown.
    pub async fn plan(&self, range: DateRange) -> Result<Vec<PlannedRequest>, CollectError> {
        let projects = self.chosen_projects().await?;
        let mut planned = Vec::new();
        // A day that is asked for anyway need not be known as incomplete.
        let wants_incomplete = !self.settings.policy.again;
        let mut ledgers = pin!(self.ledgers(range, wants_incomplete));
        while let Some((days, ledger)) = ledgers.try_next().await? {
            planned.extend(plan_month(&ledger, days, &projects, self.settings, self.clock.now()));
        }
        Ok(planned)
    }

    /// The days that a scheduled run looks at: from the first day ever asked
    /// for, at least the whole previous month, to yesterday, as far as the
    /// platform still answers. None where that leaves no day.
    ///
    /// # Errors
    /// [`CollectError`] when the database fails.
    pub async fn due_range(&self) -> Result<Option<DateRange>, CollectError> {
        let asked = requests::first_day_asked(self.store.pool(), self.account).await?;
        let now = self.clock.now();
        let today = now.date_naive();
        let previous_month = Month::of(today).previous().first_day();
        let first = asked.map_or(previous_month, |asked| asked.min(previous_month));
        let available = self.settings.policy.first_available_day(now);
        let first = available.map_or(first, |available| first.max(available));
        Ok(today.pred_opt().and_then(|yesterday| DateRange::new(first, yesterday).ok()))
    }

    /// Projects once seen, deleted ones included, as far as they are asked for.
    pub(crate) async fn chosen_projects(&self) -> Result<Vec<StoredProject>, CollectError> {
        let mut all = projects::read_all(self.store.pool(), self.account).await?;
        if let Some(time) = self.clock.known_by() {
            all = all.into_iter().filter_map(|stored| stored.as_known_by(time)).collect();
        }
        let only = &self.settings.only_projects;
        let known = |id: &ProjectId| all.iter().any(|stored| stored.project.project_id == *id);
        if let Some(unknown) = only.iter().find(|id| !known(id)) {
            return Err(CollectError::UnknownProject(unknown.clone()));
        }
        if !only.is_empty() {
            all.retain(|stored| only.contains(&stored.project.project_id));
        }
        Ok(all)
    }

    /// What is known of each month of `range`, in order; the next is read while
    /// one is worked on. Telling incomplete values reads every row of the months.
    pub(super) fn ledgers(
        &self,
        range: DateRange,
        wants_incomplete: bool,
    ) -> impl Stream<Item = Result<(DateRange, MonthLedger), CollectError>> {
        let read =
            move |days| async move { Ok((days, self.read_ledger(days, wants_incomplete).await?)) };
        stream::iter(range.by_month()).map(read).buffered(LEDGERS_AT_ONCE)
    }

    /// Values of the days of `range`; those that were known then where the clock stands.
    ///
    /// # Errors
    /// [`CollectError`] when the database fails.
    pub async fn usage(&self, range: DateRange) -> Result<KnownUsage, CollectError> {
        let pool = self.store.pool();
        Ok(match self.clock.known_by() {
            None => usage::read(pool, self.account, range).await?,
            Some(time) => usage::read_known(pool, self.account, range, KnownBy::Time(time)).await?,
        })
    }

    /// What is known of the days of one month.
    pub(super) async fn ledger(&self, days: DateRange) -> Result<MonthLedger, CollectError> {
        self.read_ledger(days, true).await
    }

    async fn read_ledger(
        &self,
        days: DateRange,
        wants_incomplete: bool,
    ) -> Result<MonthLedger, CollectError> {
        let pool = self.store.pool();
        let known_by = self.clock.known_by();
        let log = requests::facts(pool, self.account, days, known_by).await?;
        let incomplete = match known_by {
            _ if !wants_incomplete => Vec::new(),
            None => usage::incomplete_cells(pool, self.account, days).await?,
            Some(_) => self.usage(days).await?.incomplete_cells(),
        };
        Ok(MonthLedger::new(days, self.settings.source, &log, &incomplete))
    }
}

/// Whether a project can have usage on a day: not after the list first lacked it.
pub(super) fn can_be_used(stored: &StoredProject, day: NaiveDate) -> bool {
    stored.deleted_at.is_none_or(|deleted_at| day <= deleted_at.date_naive())
}

/// The requests that the days of one month need.
fn plan_month(
    ledger: &MonthLedger,
    days: DateRange,
    projects: &[StoredProject],
    settings: &CollectSettings,
    now: DateTime<Utc>,
) -> Vec<PlannedRequest> {
    let source = settings.source;
    let mut planned = Vec::new();
    let mut add = |project_id: Option<&ProjectId>, service, range: Option<DateRange>| {
        let project_id = project_id.cloned();
        planned.extend(range.map(|range| PlannedRequest { source, project_id, service, range }));
    };
    let due_of = |stored: &StoredProject, service| {
        let known = ledger.of(&stored.project.project_id, service);
        span(days.days().filter(|day| {
            can_be_used(stored, *day) && is_due(*day, known.cell(*day), now, settings.policy)
        }))
    };
    for service in settings.askable_services() {
        match source {
            UsageSource::V1 if settings.only_projects.is_empty() => {
                // An account whose list is empty may still have usage of deleted projects.
                let of_all = span(days.days().filter(|day| {
                    let cell = ledger.cell_of_all_projects(service, *day);
                    projects.is_empty() && is_due(*day, cell, now, settings.policy)
                }));
                let of_each = projects.iter().filter_map(|stored| due_of(stored, service));
                add(None, service, of_each.chain(of_all).reduce(DateRange::hull));
            }
            _ => {
                for stored in projects {
                    add(Some(&stored.project.project_id), service, due_of(stored, service));
                }
            }
        }
    }
    planned
}

/// From the first to the last of some days in order.
fn span(days: impl Iterator<Item = NaiveDate>) -> Option<DateRange> {
    let single = |day| DateRange::new(day, day).ok();
    days.filter_map(single).reduce(DateRange::hull)
}
