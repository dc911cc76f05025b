//! Every day of the month, with what is known of it.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::domain::Media;

use super::super::MonthReport;
use super::{MediaCosts, MediaSeconds, add_seconds};

/// What is known of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::report) enum DayState {
    /// Everything.
    Known,
    /// Some projects or services are missing.
    InPart,
    /// Something is missing, and nothing was received.
    Missing,
    /// The day was not over when the report was made.
    NotYet,
}

impl DayState {
    /// Word used in reports.
    pub(in crate::report) const fn name(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::InPart => "in part",
            Self::Missing => "missing",
            Self::NotYet => "not yet",
        }
    }
}

/// A day over all projects and services.
#[derive(Debug)]
pub(in crate::report) struct DayFigures {
    /// UTC day.
    pub(in crate::report) day: NaiveDate,
    /// What is known of it.
    pub(in crate::report) state: DayState,
    /// By media.
    pub(in crate::report) seconds: MediaSeconds,
    /// By media.
    pub(in crate::report) costs: MediaCosts,
}

impl DayFigures {
    /// Over all media, in 1e-6 of the currency.
    pub(in crate::report) fn cost(&self) -> i128 {
        self.costs.iter().sum()
    }
}

/// Every day of the month, in order.
pub(in crate::report) fn days(report: &MonthReport<'_>) -> Vec<DayFigures> {
    let mut days: BTreeMap<NaiveDate, DayFigures> = report
        .bill
        .month
        .days()
        .days()
        .map(|day| {
            let (seconds, costs) = ([None; Media::COUNT], [0; Media::COUNT]);
            (day, DayFigures { day, state: DayState::Known, seconds, costs })
        })
        .collect();
    for row in report.usage {
        if let Some(day) = days.get_mut(&row.day) {
            add_seconds(&mut day.seconds, row.seconds.map(|seconds| seconds.map(i128::from)));
        }
    }
    for allocation in report.bill.projects.iter().flat_map(|project| &project.days) {
        if let Some(day) = days.get_mut(&allocation.day) {
            for line in &allocation.lines {
                day.costs[line.media.index()] += line.cost_micro_units;
            }
        }
    }
    let coverage = &report.coverage;
    let missing = |day: NaiveDate| {
        let ranges = coverage.missing_days.iter().flat_map(|missing| &missing.days);
        ranges.into_iter().any(|range| range.contains(day))
    };
    let is_over =
        |day| !coverage.month_in_progress || coverage.past_to.is_some_and(|last| day <= last);
    for day in days.values_mut() {
        let has_usage = day.seconds.iter().any(Option::is_some);
        day.state = match (is_over(day.day), missing(day.day)) {
            (false, _) if !has_usage => DayState::NotYet,
            (_, false) => DayState::Known,
            (_, true) if has_usage => DayState::InPart,
            (_, true) => DayState::Missing,
        };
    }
    days.into_values().collect()
}
