//! Which days a bill would need and does not have, and why.

use std::pin::pin;

use futures_util::TryStreamExt;

use super::due::{CellState, state_of};
use super::plan::can_be_used;
use super::{CollectError, Records};
use crate::domain::{DateRange, Month, ProjectId, Service};
use crate::store::requests;

/// Days in a row of one project and service that are not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hole {
    /// Whose days.
    pub project_id: ProjectId,
    /// Of which service.
    pub service: Service,
    /// Which days.
    pub range: DateRange,
    /// Why they are not known.
    pub state: CellState,
    /// What the platform or the network said, where a request failed.
    pub message: Option<String>,
}

/// Where the days of a range stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Days that are not known, by project, service and day.
    pub holes: Vec<Hole>,
    /// Days that are known but may still move.
    pub open_days: u64,
    /// Days with an answer, with or without usage.
    pub answered_days: u64,
}

impl Coverage {
    /// Days over all holes.
    #[must_use]
    pub fn hole_days(&self) -> u64 {
        self.holes.iter().map(|hole| u64::try_from(hole.range.day_count()).unwrap_or(0)).sum()
    }
}

impl Records<'_> {
    /// Where the past days of `range` stand, for every chosen project and service.
    ///
    /// # Errors
    /// [`CollectError`] when the database fails.
    pub async fn coverage(&self, range: DateRange) -> Result<Coverage, CollectError> {
        let projects = self.chosen_projects().await?;
        let now = self.clock.now();
        let mut coverage = Coverage::default();
        let mut ledgers = pin!(self.ledgers(range, true));
        while let Some((days, ledger)) = ledgers.try_next().await? {
            for stored in &projects {
                let project_id = &stored.project.project_id;
                for service in self.settings.askable_services() {
                    let known = ledger.of(project_id, service);
                    for day in days.days().filter(|day| can_be_used(stored, *day)) {
                        let state = state_of(day, known.cell(day), now, self.settings.policy);
                        coverage.open_days += u64::from(state == CellState::Open);
                        let answered = matches!(state, CellState::Open | CellState::Final);
                        coverage.answered_days += u64::from(answered);
                        if let (true, Ok(range)) = (state.is_hole(), DateRange::new(day, day)) {
                            let (project_id, message) = (project_id.clone(), None);
                            add(
                                &mut coverage.holes,
                                Hole { project_id, service, range, state, message },
                            );
                        }
                    }
                }
            }
        }
        self.explain(&mut coverage.holes).await?;
        coverage.holes.sort_by(|a, b| {
            (&a.project_id, a.service, a.range).cmp(&(&b.project_id, b.service, b.range))
        });
        Ok(coverage)
    }

    /// Adds what the log says to holes left by failed requests.
    async fn explain(&self, holes: &mut [Hole]) -> Result<(), CollectError> {
        let months: std::collections::BTreeSet<Month> = holes
            .iter()
            .filter(|hole| hole.state == CellState::Failed)
            .map(|hole| Month::of(hole.range.first()))
            .collect();
        for month in months {
            let facts = requests::facts(
                self.store.pool(),
                self.account,
                month.days(),
                self.clock.known_by(),
            )
            .await?;
            for hole in holes.iter_mut().filter(|hole| hole.state == CellState::Failed) {
                let fact = facts.iter().rev().find(|fact| {
                    fact.message.is_some()
                        && fact.service == hole.service
                        && fact.range.contains(hole.range.first())
                        && fact.project_id.as_ref().is_none_or(|id| *id == hole.project_id)
                });
                if let Some(fact) = fact {
                    hole.message.clone_from(&fact.message);
                }
            }
        }
        Ok(())
    }
}

/// Lengthens the last hole where the day follows it and has the same cause.
fn add(holes: &mut Vec<Hole>, hole: Hole) {
    if let Some(last) = holes.last_mut()
        && (&last.project_id, last.service, last.state)
            == (&hole.project_id, hole.service, hole.state)
        && last.range.last().succ_opt() == Some(hole.range.first())
        && let Ok(range) = DateRange::new(last.range.first(), hole.range.last())
    {
        last.range = range;
    } else {
        holes.push(hole);
    }
}
