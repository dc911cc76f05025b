//! `summary`: one row a project, and what it costs.

use polars::prelude::{Column, DataFrame};

use crate::domain::{Media, Project, ProjectStatus};
use crate::rating::Bill;

use super::month::ProjectMonth;
use super::table::{self, Table};
use super::{MonthReport, ReportError, file_names};

/// Decimal places of minutes. A third of a minute has no end in decimals, so the
/// last place is rounded (half to even); the exact seconds are in the projects' files.
const MINUTES_SCALE: u32 = 6;

const SECONDS_PER_MINUTE: i128 = 60;

/// Every project sorted by id, then a row without an id for money that belongs to none.
///
/// # Errors
/// [`ReportError::Disagreement`] unless the costs add up to the bill.
pub(super) fn table(
    report: &MonthReport<'_>,
    projects: &[ProjectMonth<'_>],
) -> Result<Table, ReportError> {
    let (bill, unallocated) = (report.bill, report.unallocated());
    let extra_rows = usize::from(unallocated.minor_units != 0);
    let height = projects.len() + extra_rows;
    let padded = |value: &dyn Fn(&ProjectMonth<'_>) -> Option<i128>| -> Vec<Option<i128>> {
        projects.iter().map(value).chain(std::iter::repeat_n(None, extra_rows)).collect()
    };

    let mut columns = names(bill, projects, height);
    for media in Media::ALL {
        let units = padded(&|project| project.seconds(media).map(minute_units));
        let name = format!("{}_minutes", media.name());
        columns.push(table::decimals(&name, units.into_iter(), MINUTES_SCALE)?);
    }
    let digits = bill.currency.minor_unit_digits();
    let mut costs = padded(&|project| Some(project.cost_minor_units()));
    if let Some(cost) = costs.last_mut().filter(|_| extra_rows > 0) {
        *cost = Some(unallocated.minor_units);
    }
    let cost = table::decimals("cost", costs.into_iter(), digits)?;
    let name = file_names::SUMMARY;
    let expected = report.amount_due().minor_units;
    let sum = table::checked_sum(name, &cost, height, expected, digits)?;
    columns.push(cost);
    columns.push(table::text("currency", &vec![Some(bill.currency.code()); height]));

    let frame = DataFrame::new(height, columns)?;
    Ok(Table { frame, free_text: &["project_name"], sums: vec![("cost", sum)] })
}

/// The columns that say whose row it is.
fn names(bill: &Bill, projects: &[ProjectMonth<'_>], height: usize) -> Vec<Column> {
    fn status(project: &Project) -> ProjectStatus {
        project.status
    }
    let mut ids: Vec<_> = projects.iter().map(|project| Some(project.id.as_str())).collect();
    let mut project_names: Vec<_> =
        projects.iter().map(|row| row.project.map(|project| project.name.as_str())).collect();
    let mut statuses: Vec<_> = projects
        .iter()
        .map(|row| Some(row.project.map_or(ProjectStatus::Unknown, status).name()))
        .collect();
    for column in [&mut ids, &mut project_names, &mut statuses] {
        column.resize(height, None);
    }
    vec![
        table::text("account", &vec![Some(bill.account.as_str()); height]),
        table::text("project_id", &ids),
        table::text("project_name", &project_names),
        table::text("status", &statuses),
    ]
}

/// Seconds as minutes in units of 10^-[`MINUTES_SCALE`], the last place rounded half to even.
fn minute_units(seconds: i128) -> i128 {
    let scaled = seconds * 10_i128.pow(MINUTES_SCALE);
    let (quotient, rest) =
        (scaled.div_euclid(SECONDS_PER_MINUTE), scaled.rem_euclid(SECONDS_PER_MINUTE));
    let half = SECONDS_PER_MINUTE / 2;
    let up = rest > half || (rest == half && quotient % 2 != 0);
    quotient + i128::from(up)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_exact_where_decimals_can_be() {
        assert_eq!(minute_units(0), 0);
        assert_eq!(minute_units(60), 1_000_000);
        assert_eq!(minute_units(3), 50_000);
        assert_eq!(minute_units(520), 8_666_667);
        assert_eq!(minute_units(1), 16_667);
        assert_eq!(minute_units(i128::from(i64::MAX)), 153_722_867_280_912_930_116_667);
    }
}
