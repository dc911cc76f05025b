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

fn project_label(project: &ProjectFigures<'_>) -> String {
    if project.name.trim().is_empty() { project.id.to_owned() } else { project.name.to_owned() }
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
        .map(|one| bar(project_label(one), one.id.to_owned(), one.cost.minor_units))
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
    let change = project.previous.map(|previous| Money {
        minor_units: project.cost.minor_units - previous.minor_units,
        ..previous
    });
    ProjectRow {
        id: project.id.to_owned(),
        name: project.name.to_owned(),
        status: if project.status == ProjectStatus::Active { "" } else { project.status.name() },
        cost_centre: project.cost_centre.to_owned(),
        minutes: Number::minutes(project.seconds.iter().flatten().sum()),
        cost: Number::money(project.cost),
        share: share(project.cost.minor_units, total),
        length: length(project.cost.minor_units, longest),
        previous: project.previous.map(Number::money),
        change: change.map(Number::money),
    }
}
