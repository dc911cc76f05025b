//! `summary`: one row a project, and what it costs.

use polars::prelude::{Column, DataFrame};

use crate::domain::{AccountId, Currency, Media, Project, ProjectStatus};

use super::month::ProjectMonth;
use super::table::{self, Table};
use super::{MonthReport, ReportError, file_names};

/// Decimal places of minutes. A third of a minute has no end in decimals, so the
/// last place is rounded (half to even); the exact seconds are in the projects' files.
pub(super) const MINUTES_SCALE: u32 = 6;

const SECONDS_PER_MINUTE: i128 = 60;

/// Money of a summary, in units of 10^-`scale`.
pub(super) struct SummaryCosts {
    /// By project, in their order.
    pub(super) projects: Vec<i128>,
    /// What belongs to no project.
    pub(super) unallocated: i128,
    /// What all rows must sum to.
    pub(super) total: i128,
    /// Decimal places.
    pub(super) scale: u32,
}

/// The summary of a month, in whole minor units, adjustments included.
///
/// # Errors
/// [`ReportError::Disagreement`] unless the costs add up to what is due.
pub(super) fn of_month(
    report: &MonthReport<'_>,
    projects: &[ProjectMonth<'_>],
) -> Result<Table, ReportError> {
    let bill = report.bill;
    let costs = SummaryCosts {
        projects: projects.iter().map(ProjectMonth::cost_minor_units).collect(),
        unallocated: report.unallocated().minor_units,
        total: report.amount_due().minor_units,
        scale: bill.currency.minor_unit_digits(),
    };
    table(&bill.account, bill.currency, projects, &costs)
}

/// Every project sorted by id, then a row without an id for money that belongs to none.
///
/// # Errors
/// [`ReportError::Disagreement`] unless the costs add up to the total.
pub(super) fn table(
    account: &AccountId,
    currency: Currency,
    projects: &[ProjectMonth<'_>],
    costs: &SummaryCosts,
) -> Result<Table, ReportError> {
    let extra_rows = usize::from(costs.unallocated != 0);
    let height = projects.len() + extra_rows;
    let mut columns = names(account, projects, height);
    for media in Media::ALL {
        let units = projects.iter().map(|project| project.seconds(media).map(minute_units));
        let units = units.chain(std::iter::repeat_n(None, extra_rows));
        let name = format!("{}_minutes", media.name());
        columns.push(table::decimals(&name, units, MINUTES_SCALE)?);
    }
    let unallocated = (extra_rows > 0).then_some(costs.unallocated);
    let units = costs.projects.iter().copied().chain(unallocated).map(Some);
    let cost = table::decimals("cost", units, costs.scale)?;
    let sum = table::checked_sum(file_names::SUMMARY, &cost, height, costs.total, costs.scale)?;
    columns.push(cost);
    columns.push(table::text("currency", &vec![Some(currency.code()); height]));
    let frame = DataFrame::new(height, columns)?;
    Ok(Table { frame, free_text: &["project_name"], sums: vec![("cost", sum)] })
}

/// The columns that say whose row it is.
fn names(account: &AccountId, projects: &[ProjectMonth<'_>], height: usize) -> Vec<Column> {
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
        table::text("account", &vec![Some(account.as_str()); height]),
        table::text("project_id", &ids),
        table::text("project_name", &project_names),
        table::text("status", &statuses),
    ]
}

/// Seconds as minutes in units of 10^-[`MINUTES_SCALE`], the last place rounded half to even.
pub(super) fn minute_units(seconds: i128) -> i128 {
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
