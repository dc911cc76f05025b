//! Tables of typed columns, with the sums of their money.
//!
//! Amounts are whole units (10^-scale) until they become a decimal column, and
//! sums are taken from the finished column in whole units again, so that what
//! is checked is what is written.

use chrono::{NaiveDate, NaiveDateTime};
use polars::prelude::{
    Column, DataFrame, DateChunked, DatetimeChunked, Int64Chunked, Int128Chunked, IntoColumn,
    NamedFrom, NewChunkedArray, Series, TimeUnit,
};

use crate::domain::Money;
use crate::domain::money::decimal_text;

use super::ReportError;

/// Digits of every decimal column, the most that a 128-bit decimal holds.
const DECIMAL_PRECISION: usize = 38;

/// One file's rows, before a format is chosen.
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// The rows.
    pub(super) frame: DataFrame,
    /// Columns of text that users chose, such as names.
    pub(super) free_text: &'static [&'static str],
    /// Columns of money and what their rows add up to.
    pub(super) sums: Vec<(&'static str, String)>,
}

/// A column of text.
pub(super) fn text(name: &str, values: &[Option<&str>]) -> Column {
    Series::new(name.into(), values).into_column()
}

/// A column of 64-bit whole numbers.
pub(super) fn whole(name: &str, values: Vec<Option<i64>>) -> Column {
    Int64Chunked::from_iter_options(name.into(), values.into_iter()).into_column()
}

/// A column of days.
pub(super) fn days(name: &str, values: impl Iterator<Item = Option<NaiveDate>>) -> Column {
    DateChunked::from_naive_date_options(name.into(), values).into_column()
}

/// A column of moments in UTC.
pub(super) fn moments(name: &str, values: impl Iterator<Item = NaiveDateTime>) -> Column {
    DatetimeChunked::from_naive_datetime(name.into(), values, TimeUnit::Milliseconds).into_column()
}

/// A column of exact decimals from whole units of 10^-`scale`.
///
/// # Errors
/// [`ReportError::Encoding`] for a value of more than 38 digits.
pub(super) fn decimals(
    name: &str,
    units: impl Iterator<Item = Option<i128>>,
    scale: u32,
) -> Result<Column, ReportError> {
    let units = Int128Chunked::from_iter_options(name.into(), units);
    Ok(units.into_decimal(DECIMAL_PRECISION, scale as usize)?.into_column())
}

/// An amount of money in units of 10^-`scale`.
///
/// # Errors
/// [`ReportError::TooLarge`] outside 128-bit integers.
pub(super) fn money_units(money: Money, scale: u32) -> Result<i128, ReportError> {
    let places = scale.saturating_sub(money.currency.minor_unit_digits());
    let units = 10_i128.checked_pow(places).and_then(|unit| money.minor_units.checked_mul(unit));
    units.ok_or_else(|| ReportError::TooLarge {
        what: "an amount".to_owned(),
        value: money.to_string(),
    })
}

/// Checks that the first `rows` rows of a decimal column add up to `expected_units`
/// of 10^-`scale`, and gives the sum as text.
///
/// # Errors
/// [`ReportError::Disagreement`] where they do not.
pub(super) fn checked_sum(
    table_name: &str,
    column: &Column,
    rows: usize,
    expected_units: i128,
    scale: u32,
) -> Result<String, ReportError> {
    let values = column.decimal()?;
    let expected = decimal_text(expected_units, scale);
    let units = values.physical().iter().take(rows).flatten();
    let sum = units.into_iter().try_fold(0_i128, i128::checked_add);
    match sum.filter(|_| values.scale() == scale as usize) {
        Some(sum) if sum == expected_units => Ok(expected),
        sum => Err(ReportError::Disagreement {
            table: table_name.to_owned(),
            found: sum.map_or_else(|| "too much".to_owned(), |sum| decimal_text(sum, scale)),
            expected,
        }),
    }
}
