//! What a closed bill says beside its amounts, as it is stored.
//!
//! Names and coverage of the day of closing: later ones would change a report
//! that must not change.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::RatedMonth;
use crate::domain::{DateRange, Project, ProjectId, ProjectStatus, Service};
use crate::report::{self, MissingDays};

/// The note, in the form of the column `bill.closing`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosingNote {
    /// Whether it was closed in spite of what follows.
    pub forced: bool,
    /// What stood against it, a sentence each.
    pub reservations: Vec<String>,
    projects: Vec<NotedProject>,
    coverage: NotedCoverage,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct NotedProject {
    id: String,
    name: String,
    status: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct NotedCoverage {
    complete: bool,
    month_in_progress: bool,
    covered_to: Option<NaiveDate>,
    absent_cells: u64,
    incomplete_cells: u64,
    missing_days: Vec<NotedDays>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct NotedDays {
    project_id: Option<String>,
    service: String,
    days: Vec<(NaiveDate, NaiveDate)>,
    reason: String,
}

impl ClosingNote {
    /// The note of a month that is being closed.
    #[must_use]
    pub fn new(month: &RatedMonth, reservations: Vec<String>) -> Self {
        let project = |project: &Project| NotedProject {
            id: project.project_id.to_string(),
            name: project.name.clone(),
            status: project.status.name().to_owned(),
        };
        let days = |missing: &MissingDays| NotedDays {
            project_id: missing.project_id.as_ref().map(ToString::to_string),
            service: missing.service.name().to_owned(),
            days: missing.days.iter().map(|days| (days.first(), days.last())).collect(),
            reason: missing.reason.clone(),
        };
        let coverage = &month.coverage;
        Self {
            forced: !reservations.is_empty(),
            reservations,
            projects: month.projects.iter().map(project).collect(),
            coverage: NotedCoverage {
                complete: coverage.complete,
                month_in_progress: coverage.month_in_progress,
                covered_to: coverage.covered_to,
                absent_cells: coverage.absent_cells,
                incomplete_cells: coverage.incomplete_cells,
                missing_days: coverage.missing_days.iter().map(days).collect(),
            },
        }
    }

    /// The projects as they were; none for a value that this program did not write.
    #[must_use]
    pub fn projects(&self) -> Option<Vec<Project>> {
        let project = |noted: &NotedProject| {
            Some(Project {
                project_id: ProjectId::new(&noted.id).ok()?,
                name: noted.name.clone(),
                app_id: None,
                status: ProjectStatus::from_name(&noted.status)?,
                created_at: None,
                has_certificate: false,
                recording_server: None,
            })
        };
        self.projects.iter().map(project).collect()
    }

    /// The coverage as it was; none for a value that this program did not write.
    #[must_use]
    pub fn coverage(&self) -> Option<report::Coverage> {
        let missing = |noted: &NotedDays| {
            let range = |(first, last): &(NaiveDate, NaiveDate)| DateRange::new(*first, *last).ok();
            Some(MissingDays {
                project_id: match &noted.project_id {
                    Some(id) => Some(ProjectId::new(id).ok()?),
                    None => None,
                },
                service: Service::from_name(&noted.service)?,
                days: noted.days.iter().map(range).collect::<Option<_>>()?,
                reason: noted.reason.clone(),
            })
        };
        let coverage = &self.coverage;
        Some(report::Coverage {
            complete: coverage.complete,
            month_in_progress: coverage.month_in_progress,
            // Only a month under way tells it, and none of those is closed.
            past_to: None,
            covered_to: coverage.covered_to,
            missing_days: coverage.missing_days.iter().map(missing).collect::<Option<_>>()?,
            absent_cells: coverage.absent_cells,
            incomplete_cells: coverage.incomplete_cells,
        })
    }
}
