//! Rows on their way into a file: typed columns, exact sums, and a hash of what they say.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use polars::prelude::{
    BooleanChunked, DataFrame, Field, Int32Chunked, Int64Chunked, Int128Chunked, IntoColumn,
    NamedFrom, NewChunkedArray, PolarsResult, Schema, Series, TimeUnit, TimeZone,
};
use polars::prelude::{Column as FrameColumn, DataType};
use sha2::{Digest, Sha256};

use super::LakeError;
use super::dataset::{Column, Dataset};
use crate::domain::money::decimal_text;
use crate::store::lake::{Cell, CellKind, DECIMAL_SCALE};

/// Digits of a decimal: as many as Spark can still sum up (it adds ten).
const DECIMAL_PRECISION: usize = 28;

/// Rows that were not yet written, column by column.
#[derive(Debug)]
pub(super) struct Batch {
    dataset: Dataset,
    columns: Vec<Vec<Option<Cell>>>,
    rows: usize,
}

impl Batch {
    pub(super) fn new(dataset: Dataset) -> Self {
        Self { dataset, columns: vec![Vec::new(); dataset.columns().len()], rows: 0 }
    }

    pub(super) const fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn push(&mut self, row: Vec<Option<Cell>>) {
        for (column, cell) in self.columns.iter_mut().zip(row) {
            column.push(cell);
        }
        self.rows += 1;
    }

    /// Takes all rows out.
    pub(super) fn take_frame(&mut self) -> PolarsResult<DataFrame> {
        let columns = self.dataset.columns().iter().zip(&mut self.columns);
        let columns = columns.map(|(column, cells)| frame_column(column, std::mem::take(cells)));
        let columns = columns.collect::<PolarsResult<Vec<_>>>()?;
        DataFrame::new(std::mem::take(&mut self.rows), columns)
    }
}

/// The columns of a dataset's files.
pub(super) fn schema(dataset: Dataset) -> Schema {
    let data_type = |kind| match kind {
        CellKind::Text => DataType::String,
        CellKind::Whole => DataType::Int64,
        CellKind::Decimal => DataType::Decimal(DECIMAL_PRECISION, DECIMAL_SCALE as usize),
        CellKind::Day => DataType::Date,
        CellKind::Time => DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC)),
        CellKind::Flag => DataType::Boolean,
    };
    let field = |column: &Column| Field::new(column.name.into(), data_type(column.kind));
    dataset.columns().iter().map(field).collect()
}

fn frame_column(column: &Column, cells: Vec<Option<Cell>>) -> PolarsResult<FrameColumn> {
    let name = column.name.into();
    let whole = |cells: &[Option<Cell>]| {
        Int64Chunked::from_iter_options(
            column.name.into(),
            cells.iter().map(|cell| whole_of(cell.as_ref())),
        )
    };
    Ok(match column.kind {
        CellKind::Text => {
            let texts: Vec<Option<String>> = cells.into_iter().map(text_of).collect();
            Series::new(name, texts).into_column()
        }
        CellKind::Whole => whole(&cells).into_column(),
        CellKind::Time => {
            let times = whole(&cells).into_datetime(TimeUnit::Microseconds, Some(TimeZone::UTC));
            times.into_column()
        }
        CellKind::Decimal => {
            let units = cells.into_iter().map(|cell| match cell {
                Some(Cell::Decimal(units)) => Some(units),
                _ => None,
            });
            let units = Int128Chunked::from_iter_options(name, units);
            units.into_decimal(DECIMAL_PRECISION, DECIMAL_SCALE as usize)?.into_column()
        }
        CellKind::Day => {
            let days = cells.into_iter().map(|cell| match cell {
                Some(Cell::Day(day)) => Some(days_since_epoch(day)),
                _ => None,
            });
            Int32Chunked::from_iter_options(name, days).into_date().into_column()
        }
        CellKind::Flag => {
            let flags = cells.into_iter().map(|cell| match cell {
                Some(Cell::Flag(flag)) => Some(flag),
                _ => None,
            });
            BooleanChunked::from_iter_options(name, flags).into_column()
        }
    })
}

fn text_of(cell: Option<Cell>) -> Option<String> {
    match cell {
        Some(Cell::Text(text)) => Some(text),
        _ => None,
    }
}

fn whole_of(cell: Option<&Cell>) -> Option<i64> {
    match cell {
        Some(Cell::Whole(number)) => Some(*number),
        Some(Cell::Time(time)) => Some(time.timestamp_micros()),
        _ => None,
    }
}

fn days_since_epoch(day: NaiveDate) -> i32 {
    i32::try_from(day.signed_duration_since(NaiveDate::default()).num_days()).unwrap_or(i32::MAX)
}

/// Exact sums of the summed columns, in the order of the dataset's columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sums {
    columns: Vec<(Column, i128)>,
}

impl PartialEq for Column {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Column {}

impl Sums {
    pub(super) fn new(dataset: Dataset) -> Self {
        let summed = dataset.columns().iter().filter(|column| column.is_summed);
        Self { columns: summed.map(|column| (*column, 0)).collect() }
    }

    /// Adds a row of all columns.
    pub(super) fn add_row(
        &mut self,
        dataset: Dataset,
        row: &[Option<Cell>],
    ) -> Result<(), LakeError> {
        let cells = dataset.columns().iter().zip(row).filter(|(column, _)| column.is_summed);
        for ((column, sum), (_, cell)) in self.columns.iter_mut().zip(cells) {
            let value = match cell {
                Some(Cell::Whole(number)) => i128::from(*number),
                Some(Cell::Decimal(units)) => *units,
                _ => 0,
            };
            *sum = plus(column, *sum, value)?;
        }
        Ok(())
    }

    /// Adds the sums of other rows.
    pub(super) fn add(&mut self, other: &Self) -> Result<(), LakeError> {
        for ((column, sum), (_, value)) in self.columns.iter_mut().zip(&other.columns) {
            *sum = plus(column, *sum, *value)?;
        }
        Ok(())
    }

    /// Sets the sum of one column.
    pub(super) fn set(&mut self, name: &str, value: i128) {
        for (column, sum) in &mut self.columns {
            if column.name == name {
                *sum = value;
            }
        }
    }

    /// The sums as exact texts by column.
    pub(super) fn texts(&self) -> BTreeMap<String, String> {
        let text = |(column, sum): &(Column, i128)| {
            let text = match column.kind {
                CellKind::Decimal => decimal_text(*sum, DECIMAL_SCALE),
                _ => sum.to_string(),
            };
            (column.name.to_owned(), text)
        };
        self.columns.iter().map(text).collect()
    }
}

pub(super) fn plus(column: &Column, sum: i128, value: i128) -> Result<i128, LakeError> {
    sum.checked_add(value).ok_or(LakeError::TooLarge { column: column.name })
}

/// A hash of rows that does not depend on their encoding.
#[derive(Debug, Default, Clone)]
pub(super) struct ContentHash(Sha256);

impl ContentHash {
    pub(super) fn add(&mut self, row: &[Option<Cell>]) {
        for cell in row {
            // Each with its length or an end in front, so that no two rows say the same.
            match cell {
                None => self.0.update(b"n"),
                Some(Cell::Text(text)) => {
                    self.0.update(format!("t{}:", text.len()));
                    self.0.update(text);
                }
                Some(Cell::Whole(number)) => self.0.update(format!("w{number};")),
                Some(Cell::Decimal(units)) => self.0.update(format!("d{units};")),
                Some(Cell::Day(day)) => self.0.update(format!("y{day};")),
                Some(Cell::Time(time)) => {
                    self.0.update(format!("z{};", time.timestamp_micros()));
                }
                Some(Cell::Flag(flag)) => self.0.update(if *flag { b"1" } else { b"0" }),
            }
        }
        self.0.update(b"\n");
    }

    pub(super) fn text(self) -> String {
        format!("{:x}", self.0.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_differ_hash_differently() {
        let text = |text: &str| Some(Cell::Text(text.to_owned()));
        let rows = [
            vec![text("a"), text("b")],
            vec![text("ab"), text("")],
            vec![text(""), text("ab")],
            vec![None, text("ab")],
            vec![Some(Cell::Whole(1)), Some(Cell::Whole(23))],
            vec![Some(Cell::Whole(12)), Some(Cell::Whole(3))],
        ];
        let hash = |row: &Vec<Option<Cell>>| {
            let mut hash = ContentHash::default();
            hash.add(row);
            hash.text()
        };
        let hashes: std::collections::BTreeSet<_> = rows.iter().map(hash).collect();
        assert_eq!(hashes.len(), rows.len());
    }

    #[test]
    fn sums_are_exact_and_take_nothing_from_a_null() {
        let dataset = Dataset::CostDaily;
        let mut sums = Sums::new(dataset);
        let mut row: Vec<Option<Cell>> = vec![None; dataset.columns().len()];
        let cost = dataset.columns().iter().position(|column| column.name == "cost").expect("cost");
        for units in [1, -3] {
            row[cost] = Some(Cell::Decimal(units));
            sums.add_row(dataset, &row).expect("added");
        }
        assert_eq!(sums.texts()["cost"], "-0.000000000002");
        assert_eq!(sums.texts()["audio_cost"], "0.000000000000");
    }
}
