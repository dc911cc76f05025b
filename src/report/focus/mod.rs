//! FOCUS 1.2 (`FinOps` Open Cost and Usage Specification): `focus.csv` and `focus.parquet`.
//!
//! One row a project, day, service and media with usage, and beside it what a
//! project has of a package, of a commitment's unused part and of tax; then one
//! for money that belongs to no project, and adjustments. `BilledCost` sums to what
//! is due. `ListCost` is the usage at published prices and `ContractedCost` at those
//! of the contract, both without tax, so what free minutes and volume discounts
//! saved is what `EffectiveCost` is below them. `EffectiveCost` is that of usage with
//! its part of the package; of the package and of an unused commitment it is 0, as
//! FOCUS wants it of purchases. Usage without a price is a row too: its costs are 0,
//! and its tag and its description say that they are not known.

mod charges;
mod columns;
mod prices;
mod split;

use polars::prelude::DataFrame;

use crate::domain::DateRange;
use crate::rating::ALLOCATION_SCALE;

use super::format::{MonthContent, RangeContent, ReportFile, ReportFormat};
use super::month::{self, ProjectMonth};
use super::table::{self, Table};
use super::{MonthReport, ReportError, ReportOptions, csv, parquet};

/// The format `focus`.
pub(super) struct Focus;

impl ReportFormat for Focus {
    fn name(&self) -> &'static str {
        "focus"
    }

    fn first_file(&self) -> &'static str {
        "focus.csv"
    }

    fn month_files(
        &self,
        month: &MonthContent<'_>,
        options: &ReportOptions,
    ) -> Result<Vec<ReportFile>, ReportError> {
        let report = month.report;
        let frame = frame(report, month.projects, report.bill.month.days())?;
        let total = table::money_units(report.amount_due(), ALLOCATION_SCALE)?;
        files(frame, total, options)
    }

    fn range_files(
        &self,
        range: &RangeContent<'_>,
        options: &ReportOptions,
    ) -> Result<Vec<ReportFile>, ReportError> {
        let mut all: Option<DataFrame> = None;
        for report in range.report.months {
            let days = report.bill.month.days().intersection(range.report.range);
            let Some(days) = days else { continue };
            let of_month = frame(report, &month::projects(report), days)?;
            match &mut all {
                Some(all) => drop(all.vstack_mut(&of_month)?),
                None => all = Some(of_month),
            }
        }
        files(all.unwrap_or_default(), range.total, options)
    }
}

/// The charges of some days of a month; columns are in the order of their names.
fn frame(
    report: &MonthReport<'_>,
    projects: &[ProjectMonth<'_>],
    days: DateRange,
) -> Result<DataFrame, ReportError> {
    let charges = charges::charges(report, projects, days)?;
    let priced = charges.iter().map(prices::priced).collect::<Result<Vec<_>, ReportError>>()?;
    let mut columns = columns::of(report, &charges, &priced)?;
    columns.sort_by(|one, other| one.name().cmp(other.name()));
    Ok(DataFrame::new(charges.len(), columns)?)
}

fn files(
    frame: DataFrame,
    total_micro_units: i128,
    options: &ReportOptions,
) -> Result<Vec<ReportFile>, ReportError> {
    let billed = frame.column(columns::BILLED_COST)?;
    let rows = frame.height();
    let sum = table::checked_sum("focus", billed, rows, total_micro_units, ALLOCATION_SCALE)?;
    let table = Table {
        frame,
        free_text: &["ChargeDescription", "SubAccountName"],
        sums: vec![(columns::BILLED_COST, sum)],
    };
    Ok(vec![
        csv::file("focus.csv".to_owned(), &table, options)?,
        parquet::file("focus.parquet".to_owned(), &table)?,
    ])
}
