//! `by_<grouping>`: one row a project, cost centre, media or service.

use polars::prelude::DataFrame;

use crate::domain::Currency;
use crate::rating::ALLOCATION_SCALE;

use super::ReportError;
use super::overview::{GroupFigures, Grouping};
use super::table::{self, Table};

/// Column of what the month before cost.
pub(super) const PREVIOUS_MONTH: &str = "cost_of_month_before";

/// Groups in their order; an empty key holds money that belongs to none.
///
/// `previous` names the column of what they cost before, where that is told.
///
/// # Errors
/// [`ReportError::Disagreement`] unless the costs add up to the total.
pub(super) fn table(
    (currency, total_micro_units): (Currency, i128),
    grouping: Grouping,
    groups: &[GroupFigures],
    previous: Option<&str>,
) -> Result<Table, ReportError> {
    let scale = ALLOCATION_SCALE;
    let keys: Vec<_> = groups.iter().map(|group| Some(group.key.as_str())).collect();
    let names: Vec<_> = groups.iter().map(|group| Some(group.name.as_str())).collect();
    let seconds = groups.iter().map(|group| {
        i64::try_from(group.seconds).map_err(|_| ReportError::TooLarge {
            what: format!("seconds of {}", group.key),
            value: group.seconds.to_string(),
        })
    });
    let seconds: Result<Vec<_>, _> = seconds.map(|value| value.map(Some)).collect();
    let cost = groups.iter().map(|group| Some(group.cost_micro_units));
    let cost = table::decimals("cost", cost, scale)?;
    let name = format!("by_{}", grouping.name());
    let sum = table::checked_sum(&name, &cost, groups.len(), total_micro_units, scale)?;
    let mut columns = vec![table::text(grouping.name(), &keys)];
    if grouping == Grouping::Project {
        columns.push(table::text("project_name", &names));
    }
    columns.extend([table::whole("seconds", seconds?), cost]);
    if let Some(name) = previous {
        let units = groups.iter().map(|group| group.previous_micro_units);
        columns.push(table::decimals(name, units, scale)?);
    }
    columns.push(table::text("currency", &vec![Some(currency.code()); groups.len()]));
    // Ids, media and services never change; names and tags are what users typed.
    let free_text: &[&str] = match grouping {
        Grouping::Project => &["project_name"],
        Grouping::CostCentre => &["cost_centre"],
        Grouping::Media | Grouping::Service => &[],
    };
    let frame = DataFrame::new(groups.len(), columns)?;
    Ok(Table { frame, free_text, sums: vec![("cost", sum)] })
}
