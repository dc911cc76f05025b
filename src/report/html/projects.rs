//! Projects on the page: the dearest, what they show, and their table.

use serde::Serialize;

use crate::domain::{Money, ProjectStatus};

use super::super::overview::{Overview, ProjectFigures};
use super::charts::length;
use super::page::{Bar, Number, share};

/// Projects on the first screen.
const TOP_PROJECTS: usize = 5;

/// A row of the table of projects.
#[derive(Debug, Serialize)]
pub(super) struct ProjectRow {
    id: String,
    name: String,
    status: &'static str,
    cost_centre: String,
    minutes: Number,
    cost: Number,
    share: String,
    length: i128,
    previous: Option<Number>,
    change: Option<Number>,
}

/// A row below those of the projects.
#[derive(Debug, Serialize)]
pub(super) struct SumRow {
    label: String,
    /// Whether it stands for money of no project, which files have as a row of their own.
    is_project: bool,
    cost: Number,
    share: String,
    previous: Option<Number>,
    change: Option<Number>,
}

/// What people know a project by: its name, or its id where it has none.
pub(super) fn label<'a>(name: &'a str, id: &'a str) -> &'a str {
    if name.trim().is_empty() { id } else { name }
}

/// The dearest ones, and the rest as one.
pub(super) fn top_projects(overview: &Overview<'_>, by_cost: &[&ProjectFigures<'_>]) -> Vec<Bar> {
    let total = overview.total();
    // A rest of one project is listed like the others.
    let shown = if by_cost.len() == TOP_PROJECTS + 1 { by_cost.len() } else { TOP_PROJECTS };
    let shown = shown.min(by_cost.len());
    let rest: i128 = by_cost[shown..].iter().map(|project| project.cost.minor_units).sum();
    let longest =
        by_cost.iter().map(|project| project.cost.minor_units).max().unwrap_or(0).max(rest);
    let bar = |label, detail, units| Bar {
        label,
        detail,
        media: "",
        length: length(units, longest),
        amount: Number::money(Money { minor_units: units, ..total }),
        share: share(units, total.minor_units),
        minutes: None,
    };
    let mut bars: Vec<_> = by_cost[..shown]
        .iter()
        .map(|one| bar(label(one.name, one.id).to_owned(), one.id.to_owned(), one.cost.minor_units))
        .collect();
    if by_cost.len() > shown {
        let others = by_cost.len() - shown;
        bars.push(bar(format!("{others} other projects"), String::new(), rest));
    }
    bars
}

/// What the table of projects shows, in a sentence.
pub(super) fn projects_finding(overview: &Overview<'_>, by_cost: &[&ProjectFigures<'_>]) -> String {
    let total = overview.total().minor_units;
    let costs = || by_cost.iter().map(|project| project.cost.minor_units);
    let with_cost = costs().filter(|cost| *cost != 0).count();
    let of_projects: i128 = costs().sum();
    if with_cost == 0 {
        let is_nothing = total == 0;
        return if is_nothing { "No project has a cost" } else { "The cost belongs to no project" }
            .to_owned();
    }
    // Credits, and what no project has, leave parts that are no shares of a whole.
    if of_projects > total || costs().any(|cost| cost < 0) {
        let plural = if with_cost == 1 {
            "project has a cost or credit"
        } else {
            "projects have costs or credits"
        };
        let sum = Number::money(Money { minor_units: of_projects, ..overview.total() });
        let currency = overview.total().currency.code();
        return format!("{with_cost} {plural}: {} {currency} in all", sum.shown);
    }
    let mut sum = 0;
    let enough = by_cost.iter().position(|project| {
        sum += project.cost.minor_units;
        sum.saturating_mul(10) >= total.saturating_mul(8)
    });
    match enough {
        _ if with_cost == 1 && of_projects == total => {
            "One project makes the whole cost".to_owned()
        }
        Some(at) => {
            let plural = if at == 0 { "project makes" } else { "projects make" };
            format!("{} of {with_cost} {plural} {} of the cost", at + 1, share(sum, total))
        }
        None => format!("{} of the cost belongs to no project", share(total - of_projects, total)),
    }
}

pub(super) fn project_row(
    overview: &Overview<'_>,
    project: &ProjectFigures<'_>,
    longest: i128,
) -> ProjectRow {
    let total = overview.total().minor_units;
    ProjectRow {
        id: project.id.to_owned(),
        name: label(project.name, project.id).to_owned(),
        status: if project.status == ProjectStatus::Active { "" } else { project.status.name() },
        cost_centre: project.cost_centre.to_owned(),
        minutes: Number::minutes(project.seconds.iter().flatten().sum()),
        cost: Number::money(project.cost),
        share: share(project.cost.minor_units, total),
        length: length(project.cost.minor_units, longest),
        previous: project.previous.map(Number::money),
        change: change(project.cost, project.previous),
    }
}

fn change(cost: Money, previous: Option<Money>) -> Option<Number> {
    let minor_units = cost.minor_units - previous?.minor_units;
    Some(Number::signed(Money { minor_units, ..cost }))
}

/// The projects that are not listed, as one; what belongs to no project, where there is
/// or was such money; the total.
pub(super) fn below_projects(
    overview: &Overview<'_>,
    others: &[&ProjectFigures<'_>],
) -> Vec<SumRow> {
    let total = overview.total();
    let row = |label: String, is_project, cost: Money, previous: Option<Money>| SumRow {
        label,
        is_project,
        cost: Number::money(cost),
        share: share(cost.minor_units, total.minor_units),
        previous: previous.map(Number::money),
        change: change(cost, previous),
    };
    let mut rows = Vec::new();
    if !others.is_empty() {
        let sum = |units: &dyn Fn(&ProjectFigures<'_>) -> Option<i128>| {
            let minor_units = others.iter().map(|one| units(one)).sum::<Option<i128>>()?;
            Some(Money { minor_units, ..total })
        };
        let cost = sum(&|one| Some(one.cost.minor_units)).unwrap_or(total);
        let previous = sum(&|one| one.previous.map(|money| money.minor_units));
        rows.push(row(format!("{} more, in summary.csv", others.len()), false, cost, previous));
    }
    let (unallocated, before) = (overview.report.unallocated(), overview.unallocated_before());
    if unallocated.minor_units != 0 || before.is_some_and(|money| money.minor_units != 0) {
        let is_project = unallocated.minor_units != 0;
        rows.push(row("(no project)".to_owned(), is_project, unallocated, before));
    }
    rows.push(SumRow {
        share: String::new(),
        ..row("total".to_owned(), false, total, overview.total_before())
    });
    rows
}
