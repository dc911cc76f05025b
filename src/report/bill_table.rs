//! `bill`: how the total was made, line by line.

use num_rational::BigRational;
use polars::prelude::{Column, DataFrame};

use crate::rating::bill::exact_decimal_units;
use crate::rating::{BillLine, LINE_SCALE};

use super::table::{self, Table};
use super::{MonthReport, ReportError, file_names};

/// Decimal places of a price, which is for 1,000 minutes: three fewer than an amount has.
const UNIT_PRICE_SCALE: u32 = LINE_SCALE - 3;

/// First column of the row that holds what the rounding of the total added.
const ROUNDING: &str = "rounding";

/// First column of the row of an adjustment; its number stands in the second.
const ADJUSTMENT: &str = "adjustment";

/// First column of the last row, which holds the total.
const TOTAL: &str = "total";

/// The lines, then `rounding`, then a row an adjustment, then `total`; these have no tier.
///
/// # Errors
/// [`ReportError::Disagreement`] unless all rows before the total add up to it.
pub(super) fn table(report: &MonthReport<'_>) -> Result<Table, ReportError> {
    let (bill, adjustments) = (report.bill, report.adjustments);
    let lines = &bill.lines;
    let below = adjustments.len() + 2;
    let height = lines.len() + below;
    let mut services: Vec<_> = lines.iter().map(|line| Some(line.service.name())).collect();
    services.push(Some(ROUNDING));
    services.extend(adjustments.iter().map(|_| Some(ADJUSTMENT)));
    services.push(Some(TOTAL));
    let numbers: Vec<String> =
        adjustments.iter().map(|applied| applied.adjustment.adjustment_id.to_string()).collect();
    let mut media: Vec<_> = lines.iter().map(|line| Some(line.media.name())).collect();
    media.push(None);
    media.extend(numbers.iter().map(|number| Some(number.as_str())));
    media.push(None);
    let prices = amounts(lines, UNIT_PRICE_SCALE, |line| &line.unit_price_per_1000)?;
    let prices = prices.into_iter().map(Some).chain(std::iter::repeat_n(None, below));

    let scale = LINE_SCALE;
    let total = table::money_units(report.amount_due(), scale)?;
    let mut units = amounts(lines, scale, |line| &line.amount)?;
    units.push(exact_decimal_units(&bill.rounding(), scale)?);
    for applied in adjustments {
        units.push(table::money_units(applied.adjustment.amount, scale)?);
    }
    units.push(total);
    let amount = table::decimals("amount", units.into_iter().map(Some), scale)?;
    let sum = table::checked_sum(file_names::BILL, &amount, height - 1, total, scale)?;

    let counts =
        |name: &str, count: &dyn Fn(&BillLine) -> Option<u128>| counts(name, lines, below, count);
    let columns = vec![
        table::text("service", &services),
        table::text("media", &media),
        counts("tier", &|line| Some(u128::from(line.tier)))?,
        counts("seconds", &|line| line.seconds)?,
        counts("minutes", &|line| Some(line.minutes))?,
        counts("free_minutes", &|line| Some(line.free_minutes))?,
        counts("billable_minutes", &|line| Some(line.billable_minutes))?,
        table::decimals("unit_price_per_1000", prices, UNIT_PRICE_SCALE)?,
        amount,
    ];
    let frame = DataFrame::new(height, columns)?;
    Ok(Table { frame, free_text: &[], sums: vec![("amount", sum)] })
}

/// Amounts of the lines in units of 10^-`scale`.
fn amounts(
    lines: &[BillLine],
    scale: u32,
    amount: impl Fn(&BillLine) -> &BigRational,
) -> Result<Vec<i128>, ReportError> {
    let units = lines.iter().map(|line| exact_decimal_units(amount(line), scale));
    Ok(units.collect::<Result<_, _>>()?)
}

/// A column of whole numbers that the rows below the lines leave empty.
fn counts(
    name: &str,
    lines: &[BillLine],
    rows_below: usize,
    count: &dyn Fn(&BillLine) -> Option<u128>,
) -> Result<Column, ReportError> {
    let mut values = Vec::with_capacity(lines.len() + rows_below);
    for line in lines {
        let value = count(line).map(|value| {
            i64::try_from(value).map_err(|_| ReportError::TooLarge {
                what: format!("{name} of {} {}", line.service, line.media),
                value: value.to_string(),
            })
        });
        values.push(value.transpose()?);
    }
    values.extend(std::iter::repeat_n(None, rows_below));
    Ok(table::whole(name, values))
}
