//! Parquet: typed columns, raw text, statistics for a reader's filters.

use polars_io::parquet::write::{ParquetCompression, ParquetWriter, StatisticsOptions};

use super::format::{MonthContent, ReportFile, ReportFormat};
use super::table::Table;
use super::{ReportError, ReportOptions, file_names};

/// The format `parquet`.
pub(super) struct Parquet;

impl ReportFormat for Parquet {
    fn name(&self) -> &'static str {
        "parquet"
    }

    fn month_files(
        &self,
        month: &MonthContent<'_>,
        _options: &ReportOptions,
    ) -> Result<Vec<ReportFile>, ReportError> {
        let tables = [(file_names::SUMMARY, &month.summary), (file_names::BILL, &month.bill)];
        tables.into_iter().map(|(stem, table)| file(format!("{stem}.parquet"), table)).collect()
    }

    fn has_project_files(&self) -> bool {
        true
    }

    fn table_file(
        &self,
        file_stem: &str,
        table: &Table,
        _options: &ReportOptions,
    ) -> Result<Option<ReportFile>, ReportError> {
        file(format!("{file_stem}.parquet"), table).map(Some)
    }

    fn project_file(
        &self,
        file_stem: &str,
        days: &Table,
        _options: &ReportOptions,
    ) -> Result<Option<ReportFile>, ReportError> {
        let path = format!("{}/{file_stem}.parquet", file_names::PROJECTS_FOLDER);
        file(path, days).map(Some)
    }
}

/// The Parquet file of a table.
pub(super) fn file(path: String, table: &Table) -> Result<ReportFile, ReportError> {
    let mut bytes = Vec::new();
    // Not compressed: on files of some rows compression costs time and saves nothing.
    ParquetWriter::new(&mut bytes)
        .with_compression(ParquetCompression::Uncompressed)
        .with_statistics(StatisticsOptions::default())
        .set_parallel(false)
        .finish(&mut table.frame.clone())?;
    Ok(ReportFile::of_table(path, table, bytes))
}
