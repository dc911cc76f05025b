//! CSV: UTF-8, `\n` line ends, a header, decimals with all their places.
//!
//! An empty field is a value that does not apply or is not known.

use std::borrow::Cow;

use polars::prelude::DataFrame;
use polars_io::SerWriter;
use polars_io::csv::write::CsvWriter;

use super::format::{MonthContent, RangeContent, ReportFile, ReportFormat};
use super::table::{self, Table};
use super::{ReportError, ReportOptions, file_names};

/// ISO 8601 in UTC, as FOCUS wants it.
const DATETIME_FORMAT: &str = "%Y-%m-%dT%H:%M:%SZ";

/// The format `csv`.
pub(super) struct Csv;

impl ReportFormat for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn first_file(&self) -> &'static str {
        "summary.csv"
    }

    fn month_files(
        &self,
        month: &MonthContent<'_>,
        options: &ReportOptions,
    ) -> Result<Vec<ReportFile>, ReportError> {
        let tables = [(file_names::SUMMARY, &month.summary), (file_names::BILL, &month.bill)];
        tables
            .into_iter()
            .map(|(stem, table)| file(format!("{stem}.csv"), table, options))
            .collect()
    }

    fn range_files(
        &self,
        range: &RangeContent<'_>,
        options: &ReportOptions,
    ) -> Result<Vec<ReportFile>, ReportError> {
        let path = format!("{}.csv", file_names::SUMMARY);
        Ok(vec![file(path, &range.summary, options)?])
    }

    fn has_project_files(&self) -> bool {
        true
    }

    fn project_file(
        &self,
        file_stem: &str,
        days: &Table,
        options: &ReportOptions,
    ) -> Result<Option<ReportFile>, ReportError> {
        let path = format!("{}/{file_stem}.csv", file_names::PROJECTS_FOLDER);
        file(path, days, options).map(Some)
    }
}

/// The CSV file of a table.
pub(super) fn file(
    path: String,
    table: &Table,
    options: &ReportOptions,
) -> Result<ReportFile, ReportError> {
    let mut frame = table.frame.clone();
    if !options.raw {
        protect_from_spreadsheets(&mut frame, table.free_text)?;
    }
    let mut bytes = Vec::new();
    // One thread: the files are small, and projects are written side by side.
    CsvWriter::new(&mut bytes)
        .include_bom(options.byte_order_mark)
        .with_datetime_format(Some(DATETIME_FORMAT.into()))
        .n_threads(1)
        .finish(&mut frame)?;
    Ok(ReportFile::of_table(path, table, bytes))
}

/// Puts an apostrophe before text that a spreadsheet would run as a formula.
///
/// Only columns of free text are looked at: an id or a number that begins with
/// a minus must stay what it is.
fn protect_from_spreadsheets(frame: &mut DataFrame, columns: &[&str]) -> Result<(), ReportError> {
    for name in columns {
        let values = frame.column(name)?.str()?;
        if !values.iter().flatten().any(runs_as_formula) {
            continue;
        }
        let protected: Vec<Option<Cow<'_, str>>> =
            values.iter().map(|value| value.map(protected)).collect();
        let protected: Vec<_> = protected.iter().map(Option::as_deref).collect();
        let column = table::text(name, &protected);
        frame.with_column(column)?;
    }
    Ok(())
}

fn protected(text: &str) -> Cow<'_, str> {
    if runs_as_formula(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// The first characters that OWASP's page "CSV Injection" warns of, the full-width forms among them.
fn runs_as_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c42_only_text_that_would_run_gets_an_apostrophe() {
        for text in ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "＝1"] {
            assert_eq!(protected(text), format!("'{text}"));
        }
        for text in ["", "a=1", "'=1", " a", "1-1", "日本"] {
            assert_eq!(protected(text), text);
        }
    }
}
