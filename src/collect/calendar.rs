//! Where each single day stands, project by project: [`super::holes`] at full length.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::due::{CellState, DuePolicy, state_of};
use super::plan::can_be_used;
use super::{CollectError, Records};
use crate::domain::{DateRange, Project, ProjectId, Service};

/// How long before the platform forgets a day people are told, in days.
pub const EXPIRY_WARNING_DAYS: i64 = 30;

/// The days of one project and service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// Whose days.
    pub project: Project,
    /// Of which service.
    pub service: Service,
    /// Past days on which the project could be used, in order.
    pub days: Vec<CalendarDay>,
}

/// Where one day stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CalendarDay {
    /// UTC day.
    pub day: NaiveDate,
    /// What is known of it.
    pub state: CellState,
    /// Whether there is a value; an answered day without one had no usage.
    pub is_stored: bool,
    /// Whether it is not known, and can be asked for only within the next
    /// [`EXPIRY_WARNING_DAYS`].
    pub expires_soon: bool,
}

impl Records<'_> {
    /// Where the past days of `range` stand, by project id and service. Asks the database alone.
    ///
    /// # Errors
    /// [`CollectError`] when the database fails or a chosen project is unknown.
    pub async fn calendars(&self, range: DateRange) -> Result<Vec<Calendar>, CollectError> {
        let projects = self.chosen_projects().await?;
        let (now, policy) = (self.clock.now(), self.settings.policy);
        let mut calendars: BTreeMap<(ProjectId, Service), Calendar> = BTreeMap::new();
        for days in range.by_month() {
            let ledger = self.ledger(days).await?;
            let stored = self.stored_cells(days).await?;
            for known in &projects {
                let project_id = &known.project.project_id;
                for service in self.settings.askable_services() {
                    let facts = ledger.of(project_id, service);
                    let of_day = |day| {
                        let state = state_of(day, facts.cell(day), now, policy);
                        let is_stored = stored.contains(&(project_id.clone(), service, day));
                        let expires_soon = state.is_hole() && expires_soon(day, now, policy);
                        CalendarDay { day, state, is_stored, expires_soon }
                    };
                    let past = days.days().filter(|day| *day < now.date_naive());
                    let used = past.filter(|day| can_be_used(known, *day)).map(of_day);
                    let project = &known.project;
                    calendars
                        .entry((project_id.clone(), service))
                        .or_insert_with(|| Calendar::new(project.clone(), service))
                        .days
                        .extend(used);
                }
            }
        }
        calendars.retain(|_, calendar| !calendar.days.is_empty());
        Ok(calendars.into_values().collect())
    }

    async fn stored_cells(
        &self,
        days: DateRange,
    ) -> Result<BTreeSet<(ProjectId, Service, NaiveDate)>, CollectError> {
        let rows = self.usage(days).await?.days;
        Ok(rows.into_iter().map(|row| (row.project_id, row.service, row.day)).collect())
    }
}

impl Calendar {
    const fn new(project: Project, service: Service) -> Self {
        Self { project, service, days: Vec::new() }
    }
}

/// Whether the platform answers for the day now, and will not in [`EXPIRY_WARNING_DAYS`].
fn expires_soon(day: NaiveDate, now: DateTime<Utc>, policy: DuePolicy) -> bool {
    let is_out_of_reach =
        |at| policy.first_available_day(at).is_some_and(|first_available| day < first_available);
    !is_out_of_reach(now) && is_out_of_reach(now + TimeDelta::days(EXPIRY_WARNING_DAYS))
}

#[cfg(test)]
mod tests;
