//! A range of days as JSON.

use serde_json::{Value, json};

use super::super::ReportError;
use super::super::format::RangeContent;
use super::super::manifest;
use super::super::month::ProjectMonth;
use super::super::overview::{GroupFigures, Grouping};
use super::super::range::manifest::months;
use super::{LAYOUT_VERSION, micro, project_days, seconds};
use crate::domain::{Media, ProjectStatus};

/// Money of six places throughout; the months tell which of them are in part.
pub(super) fn document(range: &RangeContent<'_>) -> Result<Value, ReportError> {
    let report = range.report;
    let projects = range.projects.iter().zip(&range.costs);
    let coverage = |month: &super::super::MonthReport<'_>| {
        let (coverage, unpriced) =
            (manifest::coverage(&month.coverage), manifest::unpriced(month.bill));
        json!({ "month": month.bill.month.to_string(), "coverage": coverage, "unpriced": unpriced })
    };
    let adjusted =
        report.months.iter().filter(|month| report.range.contains(month.bill.month.last_day()));
    Ok(json!({
        "layout_version": LAYOUT_VERSION,
        "account": report.account.as_str(),
        "from": report.range.first(),
        "to": report.range.last(),
        "status": report.status().name(),
        "currency": report.currency.code(),
        "total": micro(range.total),
        "unallocated": micro(range.unallocated),
        "months": months(report),
        "adjustments": adjusted.flat_map(|month| manifest::adjustments(month.adjustments)).collect::<Vec<_>>(),
        "projects": projects.map(|(one, cost)| project(range, one, *cost)).collect::<Vec<_>>(),
        "by_cost_centre": groups(&range.by(Grouping::CostCentre)?),
        "by_media": groups(&range.by(Grouping::Media)?),
        "by_service": groups(&range.by(Grouping::Service)?),
        "days": range.days().iter().map(super::day).collect::<Vec<Value>>(),
        "coverage": report.months.iter().map(coverage).collect::<Vec<_>>(),
    }))
}

fn groups(groups: &[GroupFigures]) -> Vec<Value> {
    let group = |group: &GroupFigures| {
        let seconds = i64::try_from(group.seconds).ok();
        json!({ "key": group.key, "seconds": seconds, "cost": micro(group.cost_micro_units) })
    };
    groups.iter().map(group).collect()
}

fn project(range: &RangeContent<'_>, one: &ProjectMonth<'_>, cost: i128) -> Value {
    let listed = one.project;
    let minor_units = one.adjustment_minor_units;
    let adjustment = crate::domain::Money { minor_units, currency: range.report.currency };
    json!({
        "project_id": one.id.as_str(),
        "project_name": listed.map_or("", |listed| listed.name.as_str()),
        "status": listed.map_or(ProjectStatus::Unknown, |listed| listed.status).name(),
        "cost_centre": range.cost_centre(one),
        "cost": micro(cost),
        "adjustment": adjustment.to_string(),
        "seconds": seconds(Media::ALL.map(|media| one.seconds(media))),
        "days": project_days(one),
    })
}
