//! `bill`: how the total was made, line by line.

use num_rational::BigRational;
use polars::prelude::{Column, DataFrame};

use crate::rating::bill::exact_decimal_units;
use crate::rating::{Bill, BillLine, LINE_SCALE};

use super::table::{self, Table};
use super::{ReportError, file_names};

/// Decimal places of a price, which is for 1,000 minutes: three fewer than an amount has.
const UNIT_PRICE_SCALE: u32 = LINE_SCALE - 3;

/// First column of the row that holds what the rounding of the total added.
const ROUNDING: &str = "rounding";

/// First column of the last row, which holds the total.
const TOTAL: &str = "total";

/// The lines, then `rounding`, then `total`; the last two have no media.
///
/// # Errors
/// [`ReportError::Disagreement`] unless lines and rounding add up to the total.
pub(super) fn table(bill: &Bill) -> Result<Table, ReportError> {
    let lines = &bill.lines;
    let height = lines.len() + 2;
    let mut services: Vec<_> = lines.iter().map(|line| Some(line.service.name())).collect();
    services.extend([Some(ROUNDING), Some(TOTAL)]);
    let mut media: Vec<_> = lines.iter().map(|line| Some(line.media.name())).collect();
    media.resize(height, None);
    let prices = amounts(lines, UNIT_PRICE_SCALE, |line| &line.unit_price_per_1000)?;
    let prices = prices.into_iter().map(Some).chain([None, None]);

    let scale = LINE_SCALE;
    let total = table::money_units(bill.total, scale)?;
    let mut units = amounts(lines, scale, |line| &line.amount)?;
    units.extend([exact_decimal_units(&bill.rounding(), scale)?, total]);
    let amount = table::decimals("amount", units.into_iter().map(Some), scale)?;
    let sum = table::checked_sum(file_names::BILL, &amount, height - 1, total, scale)?;

    let columns = vec![
        table::text("service", &services),
        table::text("media", &media),
        counts("tier", lines, |line| Some(u128::from(line.tier)))?,
        counts("seconds", lines, |line| line.seconds)?,
        counts("minutes", lines, |line| Some(line.minutes))?,
        counts("free_minutes", lines, |line| Some(line.free_minutes))?,
        counts("billable_minutes", lines, |line| Some(line.billable_minutes))?,
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

/// A column of whole numbers that the two last rows leave empty.
fn counts(
    name: &str,
    lines: &[BillLine],
    count: impl Fn(&BillLine) -> Option<u128>,
) -> Result<Column, ReportError> {
    let mut values = Vec::with_capacity(lines.len() + 2);
    for line in lines {
        let value = count(line).map(|value| {
            i64::try_from(value).map_err(|_| ReportError::TooLarge {
                what: format!("{name} of {} {}", line.service, line.media),
                value: value.to_string(),
            })
        });
        values.push(value.transpose()?);
    }
    values.extend([None, None]);
    Ok(table::whole(name, values))
}
