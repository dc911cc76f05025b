//! `projects/<project_id>`: one row a day and service, with its cost.
//!
//! A day without a row was idle, or is unknown; the manifest tells which. What
//! the project has of the month's adjustments is a last row without a day.

use std::collections::HashMap;

use chrono::NaiveDate;
use polars::prelude::DataFrame;

use crate::domain::{Currency, Media, Money, Service};
use crate::rating::ALLOCATION_SCALE;

use super::month::ProjectMonth;
use super::table::{self, Table};
use super::{ReportError, file_names};

/// In place of a service in the row of adjustments.
const ADJUSTMENT: &str = "adjustment";

/// The project's usage by day, then service; no row for a project without usage.
///
/// # Errors
/// [`ReportError::Disagreement`] unless the costs add up to what is expected.
pub(super) fn table(
    project: &ProjectMonth<'_>,
    currency: Currency,
    expected_micro_units: i128,
) -> Result<Table, ReportError> {
    let rows = &project.usage;
    let extra_rows = usize::from(project.is_adjusted);
    let height = rows.len() + extra_rows;
    let mut columns = Vec::with_capacity(Media::COUNT + 3);
    let days = rows.iter().map(|row| Some(row.day));
    columns.push(table::days("day", days.chain(std::iter::repeat_n(None, extra_rows))));
    let mut services: Vec<_> = rows.iter().map(|row| Some(row.service.name())).collect();
    services.resize(height, Some(ADJUSTMENT));
    columns.push(table::text("service", &services));
    for media in Media::ALL {
        let mut seconds: Vec<_> = rows.iter().map(|row| row.seconds[media.index()]).collect();
        seconds.resize(height, None);
        columns.push(table::whole(&format!("{}_seconds", media.name()), seconds));
    }

    let adjusted = table::money_units(
        Money { minor_units: project.adjustment_minor_units, currency },
        ALLOCATION_SCALE,
    )?;
    let mut costs = costs(project);
    let units = rows.iter().map(|row| Some(costs.remove(&(row.day, row.service)).unwrap_or(0)));
    let units = units.chain(std::iter::repeat_n(Some(adjusted), extra_rows));
    let cost = table::decimals("cost", units, ALLOCATION_SCALE)?;
    let name = format!("{}/{}", file_names::PROJECTS_FOLDER, project.id);
    let sum = table::checked_sum(&name, &cost, height, expected_micro_units, ALLOCATION_SCALE)?;
    columns.push(cost);

    let frame = DataFrame::new(height, columns)?;
    Ok(Table { frame, free_text: &[], sums: vec![("cost", sum)] })
}

/// The project's cost by day and service, in units of 10^-[`ALLOCATION_SCALE`].
fn costs(project: &ProjectMonth<'_>) -> HashMap<(NaiveDate, Service), i128> {
    let mut costs = HashMap::with_capacity(project.usage.len());
    for day in project.allocation.iter().flat_map(|allocation| &allocation.days) {
        for line in &day.lines {
            *costs.entry((day.day, line.service)).or_default() += line.cost_micro_units;
        }
    }
    costs
}
