//! The page of a range of days: its total, the months that it is taken from, projects,
//! media and days.

use serde::Serialize;

use crate::domain::money::decimal_text;
use crate::domain::{BillStatus, Media};
use crate::rating::ALLOCATION_SCALE;

use super::super::format::RangeContent;
use super::super::overview::{DayFigures, DayState, GroupFigures, Grouping};
use super::super::{MonthReport, ReportError};
use super::charts::length;
use super::page::{Bar, LISTED_PROJECTS, Number, media_label, share};

/// Everything that the template shows.
#[derive(Debug, Serialize)]
pub(super) struct RangePage {
    account: String,
    from: String,
    to: String,
    currency: &'static str,
    status: String,
    status_class: &'static str,
    total: Number,
    months: Vec<MonthRow>,
    projects: Vec<ProjectRow>,
    other_projects: Option<(usize, Number)>,
    unallocated: Option<Number>,
    cost_centres: Vec<Bar>,
    media: Vec<Bar>,
    services: Vec<Bar>,
    days: Vec<DayRow>,
    /// What no day has; none where that is nothing.
    no_day: Option<Number>,
}

#[derive(Debug, Serialize)]
struct MonthRow {
    month: String,
    days: String,
    bill: String,
    status: String,
    total: Number,
}

#[derive(Debug, Serialize)]
struct ProjectRow {
    id: String,
    name: String,
    cost_centre: String,
    minutes: Number,
    cost: Number,
    share: String,
    length: i128,
}

#[derive(Debug, Serialize)]
struct DayRow {
    day: String,
    weekday: String,
    minutes: Number,
    cost: Number,
    state: &'static str,
    is_gap: bool,
    length: i128,
}

/// Gathers what the page says.
///
/// # Errors
/// [`ReportError::TooLarge`] outside 128-bit integers.
pub(super) fn page(range: &RangeContent<'_>) -> Result<RangePage, ReportError> {
    let report = range.report;
    let money = |units| Number::micro(units, report.currency);
    let optional = |units: i128| (units != 0).then(|| money(units));
    let status = report.status();
    let projects = projects(range);
    let rest = projects.get(LISTED_PROJECTS..).unwrap_or_default();
    let rest = (!rest.is_empty()).then(|| {
        let cost = rest.iter().map(|(_, cost)| cost).sum();
        (rest.len(), money(cost))
    });
    let days = range.days();
    let of_days: i128 = days.iter().map(DayFigures::cost).sum();
    Ok(RangePage {
        account: report.account.to_string(),
        from: report.range.first().to_string(),
        to: report.range.last().to_string(),
        currency: report.currency.code(),
        status: match status {
            BillStatus::InProgress => "a month of it is under way".to_owned(),
            BillStatus::Complete | BillStatus::Incomplete => status.name().to_owned(),
        },
        status_class: match status {
            BillStatus::Complete => "good",
            BillStatus::Incomplete => "bad",
            BillStatus::InProgress => "open",
        },
        total: money(range.total),
        months: report.months.iter().map(|month| month_row(range, month)).collect(),
        projects: projects.into_iter().take(LISTED_PROJECTS).map(|(row, _)| row).collect(),
        other_projects: rest,
        unallocated: optional(range.unallocated),
        cost_centres: bars(range, Grouping::CostCentre)?,
        media: bars(range, Grouping::Media)?,
        services: bars(range, Grouping::Service)?,
        days: day_rows(range, &days),
        no_day: optional(range.total - of_days),
    })
}

fn month_row(range: &RangeContent<'_>, month: &MonthReport<'_>) -> MonthRow {
    let whole = month.bill.month.days();
    let days = whole.intersection(range.report.range);
    MonthRow {
        month: month.bill.month.to_string(),
        days: match days {
            Some(days) if days != whole => days.to_string(),
            _ => "all".to_owned(),
        },
        bill: month
            .closed
            .map_or_else(|| "draft".to_owned(), |it| format!("closed r{}", it.revision)),
        status: month.status().name().replace('_', " "),
        total: Number::money(month.amount_due()),
    }
}

/// The dearest first, each with its cost.
fn projects(range: &RangeContent<'_>) -> Vec<(ProjectRow, i128)> {
    let longest = range.costs.iter().copied().max().unwrap_or(0);
    let row = |(project, cost): (&super::super::month::ProjectMonth<'_>, &i128)| {
        let seconds = Media::ALL.iter().filter_map(|media| project.seconds(*media)).sum();
        let row = ProjectRow {
            id: project.id.to_string(),
            name: match project.project.map_or("", |listed| listed.name.trim()) {
                "" => project.id.to_string(),
                name => name.to_owned(),
            },
            cost_centre: range.cost_centre(project).to_owned(),
            minutes: Number::minutes(seconds),
            cost: Number::micro(*cost, range.report.currency),
            share: share(*cost, range.total),
            length: length(*cost, longest),
        };
        (row, *cost)
    };
    let mut rows: Vec<_> = range.projects.iter().zip(&range.costs).map(row).collect();
    rows.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.id.cmp(&other.0.id)));
    rows
}

fn bars(range: &RangeContent<'_>, grouping: Grouping) -> Result<Vec<Bar>, ReportError> {
    let groups = range.by(grouping)?;
    let longest = groups.iter().map(|group| group.cost_micro_units).max().unwrap_or(0);
    let bar = |group: &GroupFigures| {
        let media = Media::from_name(&group.key).filter(|_| grouping == Grouping::Media);
        Bar {
            label: match media {
                Some(media) => media_label(media).to_owned(),
                None if group.key.is_empty() => "(no project)".to_owned(),
                None => group.key.clone(),
            },
            detail: group.key.clone(),
            media: media.map_or("", Media::name),
            length: length(group.cost_micro_units, longest),
            amount: Number::micro(group.cost_micro_units, range.report.currency),
            share: share(group.cost_micro_units, range.total),
            minutes: None,
        }
    };
    Ok(groups.iter().map(bar).collect())
}

fn day_rows(range: &RangeContent<'_>, days: &[DayFigures]) -> Vec<DayRow> {
    let longest = days.iter().map(DayFigures::cost).max().unwrap_or(0);
    let row = |day: &DayFigures| DayRow {
        day: day.day.to_string(),
        weekday: day.day.format("%A").to_string(),
        minutes: Number::minutes(day.seconds.iter().flatten().sum()),
        cost: Number::micro(day.cost(), range.report.currency),
        state: day.state.name(),
        is_gap: matches!(day.state, DayState::Missing | DayState::NotYet),
        length: length(day.cost(), longest),
    };
    days.iter().map(row).collect()
}

/// The total as the manifest gives it.
pub(super) fn total_text(range: &RangeContent<'_>) -> String {
    decimal_text(range.total, ALLOCATION_SCALE)
}
