//! `bill`: how the total was made, line by line.

use std::borrow::Cow;

use num_rational::BigRational;
use polars::prelude::{Column, DataFrame};

use crate::rating::{Bill, BillLine, Charge, LINE_SCALE, decimal_units, exact_decimal_units};

use super::table::{self, Table};
use super::{MonthReport, ReportError, file_names};

/// Decimal places of a price, which is for 1,000 minutes: three fewer than an amount has.
pub(super) const UNIT_PRICE_SCALE: u32 = LINE_SCALE - 3;

/// First column of the row that holds what the rounding of the total added.
const ROUNDING: &str = "rounding";

/// First column of the row of an adjustment; its number stands in the second.
const ADJUSTMENT: &str = "adjustment";

/// First column of the last row, which holds the total.
const TOTAL: &str = "total";

/// One row before it becomes part of a column.
pub(super) struct Row {
    /// Service, or what the row is.
    pub(super) service: &'static str,
    /// Of an adjustment its number.
    pub(super) media: Option<Cow<'static, str>>,
    /// From 1; none for a row that is no usage.
    pub(super) tier: Option<u128>,
    pub(super) seconds: Option<u128>,
    pub(super) minutes: Option<u128>,
    pub(super) free_minutes: Option<u128>,
    pub(super) billable_minutes: Option<u128>,
    /// For 1,000 minutes, in units of 10^-[`UNIT_PRICE_SCALE`].
    pub(super) unit_price: Option<i128>,
    /// In units of 10^-[`LINE_SCALE`].
    pub(super) amount: i128,
}

/// The lines, the charges, then `rounding`, then a row an adjustment, then `total`;
/// these have no tier.
///
/// # Errors
/// [`ReportError`] for an amount outside 128-bit integers.
pub(super) fn rows(report: &MonthReport<'_>) -> Result<Vec<Row>, ReportError> {
    let (bill, scale) = (report.bill, LINE_SCALE);
    let rated = table::money_units(bill.total, scale)?;
    let total = table::money_units(report.amount_due(), scale)?;
    let lines = bill.lines.iter().map(of_line);
    let charges = bill.charges.iter().map(of_charge);
    let mut rows = lines.chain(charges).collect::<Result<Vec<_>, _>>()?;
    let shown = rows.iter().try_fold(0_i128, |sum, row| sum.checked_add(row.amount));
    rows.push(last(ROUNDING, rounding(bill, shown.map_or(0, |shown| rated - shown))?));
    for applied in report.adjustments {
        let amount = table::money_units(applied.adjustment.amount, scale)?;
        let number = applied.adjustment.adjustment_id.to_string();
        rows.push(Row { media: Some(number.into()), ..last(ADJUSTMENT, amount) });
    }
    rows.push(last(TOTAL, total));
    Ok(rows)
}

/// The table of these rows.
///
/// # Errors
/// [`ReportError::Disagreement`] unless all rows before the total add up to it.
pub(super) fn table(report: &MonthReport<'_>) -> Result<Table, ReportError> {
    let (rows, scale) = (rows(report)?, LINE_SCALE);
    let total = table::money_units(report.amount_due(), scale)?;
    let amount = table::decimals("amount", rows.iter().map(|row| Some(row.amount)), scale)?;
    let sum = table::checked_sum(file_names::BILL, &amount, rows.len() - 1, total, scale)?;
    let services: Vec<_> = rows.iter().map(|row| Some(row.service)).collect();
    let media: Vec<_> = rows.iter().map(|row| row.media.as_deref()).collect();
    let prices = rows.iter().map(|row| row.unit_price);
    let columns = vec![
        table::text("service", &services),
        table::text("media", &media),
        counts("tier", &rows, |row| row.tier)?,
        counts("seconds", &rows, |row| row.seconds)?,
        counts("minutes", &rows, |row| row.minutes)?,
        counts("free_minutes", &rows, |row| row.free_minutes)?,
        counts("billable_minutes", &rows, |row| row.billable_minutes)?,
        table::decimals("unit_price_per_1000", prices, UNIT_PRICE_SCALE)?,
        amount,
    ];
    let frame = DataFrame::new(rows.len(), columns)?;
    Ok(Table { frame, free_text: &[], sums: vec![("amount", sum)] })
}

/// What the rounding row holds: the bill's rounding, and what the amounts of a
/// discount or a tax lose beyond the last decimal place, less than one unit each.
fn rounding(bill: &Bill, missing_to_total: i128) -> Result<i128, ReportError> {
    if bill.charges.is_empty() {
        return Ok(exact_decimal_units(&bill.rounding(), LINE_SCALE)?);
    }
    let exact = decimal_units(&bill.rounding(), LINE_SCALE)?;
    let lost = exact.abs_diff(missing_to_total);
    Ok(if lost <= bill.charges.len() as u128 { missing_to_total } else { exact })
}

/// Under standard minutes a line is not paid by the minute, so it says no price.
fn of_line(line: &BillLine) -> Result<Row, ReportError> {
    let by_the_minute = line.coefficient.is_none();
    Ok(Row {
        service: line.label(),
        media: Some(line.media.name().into()),
        tier: Some(line.tier.into()),
        seconds: line.seconds,
        minutes: Some(line.minutes),
        free_minutes: by_the_minute.then_some(line.free_minutes),
        billable_minutes: by_the_minute.then_some(line.billable_minutes),
        unit_price: by_the_minute
            .then_some(&line.unit_price_per_1000)
            .map(unit_price)
            .transpose()?,
        amount: exact_decimal_units(&line.amount, LINE_SCALE)?,
    })
}

fn of_charge(charge: &Charge) -> Result<Row, ReportError> {
    Ok(Row {
        billable_minutes: charge.minutes,
        unit_price: charge.unit_price_per_1000.as_ref().map(unit_price).transpose()?,
        ..last(charge.kind.name(), decimal_units(&charge.amount, LINE_SCALE)?)
    })
}

fn unit_price(price: &BigRational) -> Result<i128, ReportError> {
    Ok(exact_decimal_units(price, UNIT_PRICE_SCALE)?)
}

/// A row with an amount alone.
const fn last(service: &'static str, amount: i128) -> Row {
    Row {
        service,
        media: None,
        tier: None,
        seconds: None,
        minutes: None,
        free_minutes: None,
        billable_minutes: None,
        unit_price: None,
        amount,
    }
}

/// A column of whole numbers.
fn counts(
    name: &str,
    rows: &[Row],
    count: impl Fn(&Row) -> Option<u128>,
) -> Result<Column, ReportError> {
    let mut values = Vec::with_capacity(rows.len());
    for row in rows {
        let value = count(row).map(|value| {
            i64::try_from(value).map_err(|_| ReportError::TooLarge {
                what: format!(
                    "{name} of {} {}",
                    row.service,
                    row.media.as_deref().unwrap_or_default()
                ),
                value: value.to_string(),
            })
        });
        values.push(value.transpose()?);
    }
    Ok(table::whole(name, values))
}
