//! What is known of each project in the month, brought together.
//!
//! Projects come from four places that need not agree: the list of projects,
//! the bill, the usage and the adjustments. A project in any of them has its row and its file.

use std::collections::BTreeMap;

use crate::domain::{AppliedAdjustment, DayUsage, Media, Project, ProjectId};
use crate::rating::ProjectAllocation;

use super::{MonthReport, file_names};

/// One project's month.
#[derive(Debug)]
pub(super) struct ProjectMonth<'a> {
    /// Its id.
    pub(super) id: &'a ProjectId,
    /// Name of its files, without folder and extension.
    pub(super) file_stem: String,
    /// As listed; none when only its usage is known.
    pub(super) project: Option<&'a Project>,
    /// Its share of the bill; none without usage.
    pub(super) allocation: Option<&'a ProjectAllocation>,
    /// Its usage, by day, then by service.
    pub(super) usage: Vec<&'a DayUsage>,
    /// What it has of the month's adjustments, in minor units.
    pub(super) adjustment_minor_units: i128,
    /// Whether it takes part in an adjustment, be it with 0.
    pub(super) is_adjusted: bool,
}

impl<'a> ProjectMonth<'a> {
    fn new(id: &'a ProjectId) -> Self {
        Self {
            id,
            file_stem: String::new(),
            project: None,
            allocation: None,
            usage: Vec::new(),
            adjustment_minor_units: 0,
            is_adjusted: false,
        }
    }

    /// Its share of what is due in minor units, adjustments included.
    pub(super) fn cost_minor_units(&self) -> i128 {
        let rated = self.allocation.map_or(0, |allocation| allocation.cost_minor_units);
        rated + self.adjustment_minor_units
    }

    /// Seconds of a media over all services; none when no row has a value for it.
    pub(super) fn seconds(&self, media: Media) -> Option<i128> {
        let values = self.usage.iter().filter_map(|row| row.seconds[media.index()]);
        values.map(i128::from).reduce(|sum, value| sum + value)
    }
}

/// Every project of the report, sorted by the bytes of its id.
pub(super) fn projects<'a>(report: &MonthReport<'a>) -> Vec<ProjectMonth<'a>> {
    gather(report.projects, &report.bill.projects, report.usage, report.adjustments)
}

/// Every project in any of these, sorted by the bytes of its id.
pub(super) fn gather<'a>(
    listed: &'a [Project],
    allocations: &'a [ProjectAllocation],
    usage: impl IntoIterator<Item = &'a DayUsage>,
    adjustments: &'a [AppliedAdjustment],
) -> Vec<ProjectMonth<'a>> {
    let mut by_id: BTreeMap<&ProjectId, ProjectMonth<'a>> = BTreeMap::new();
    for project in listed {
        let id = &project.project_id;
        by_id.entry(id).or_insert_with(|| ProjectMonth::new(id)).project = Some(project);
    }
    for allocation in allocations {
        let id = &allocation.project_id;
        by_id.entry(id).or_insert_with(|| ProjectMonth::new(id)).allocation = Some(allocation);
    }
    for row in usage {
        let id = &row.project_id;
        by_id.entry(id).or_insert_with(|| ProjectMonth::new(id)).usage.push(row);
    }
    for (id, share) in adjustments.iter().flat_map(|applied| &applied.shares) {
        let project = by_id.entry(id).or_insert_with(|| ProjectMonth::new(id));
        project.adjustment_minor_units += share;
        project.is_adjusted = true;
    }
    let mut projects: Vec<_> = by_id.into_values().collect();
    let stems = file_names::stems(projects.iter().map(|project| project.id.as_str()));
    for (project, stem) in projects.iter_mut().zip(stems) {
        project.file_stem = stem;
        project.usage.sort_unstable_by_key(|row| (row.day, row.service));
    }
    projects
}
