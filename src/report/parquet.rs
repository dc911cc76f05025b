//! Parquet: typed columns, raw text, statistics for a reader's filters.

use polars::prelude::{ArrowDataType, CompatLevel, PolarsError, PolarsResult, SchemaExt};
use polars_parquet::read::ParquetError;
use polars_parquet::write::{
    CompressedPage, CompressionOptions, Compressor, DynIter, DynStreamingIterator, Encoding,
    FallibleStreamingIterator, FileWriter, Page, StatisticsOptions, Version, WriteOptions,
    array_to_columns, get_dtype_encoding,
};

use super::format::{MonthContent, RangeContent, ReportFile, ReportFormat};
use super::table::Table;
use super::{ReportError, ReportOptions, file_names};

/// The format `parquet`.
pub(super) struct Parquet;

impl ReportFormat for Parquet {
    fn name(&self) -> &'static str {
        "parquet"
    }

    fn first_file(&self) -> &'static str {
        "summary.parquet"
    }

    fn month_files(
        &self,
        month: &MonthContent<'_>,
        _options: &ReportOptions,
    ) -> Result<Vec<ReportFile>, ReportError> {
        let tables = [(file_names::SUMMARY, &month.summary), (file_names::BILL, &month.bill)];
        tables.into_iter().map(|(stem, table)| file(format!("{stem}.parquet"), table)).collect()
    }

    fn range_files(
        &self,
        range: &RangeContent<'_>,
        _options: &ReportOptions,
    ) -> Result<Vec<ReportFile>, ReportError> {
        let path = format!("{}.parquet", file_names::SUMMARY);
        Ok(vec![file(path, &range.summary)?])
    }

    fn has_project_files(&self) -> bool {
        true
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

/// Rows from which on a column may get a dictionary. Below it, finding out
/// whether one is worth it costs more than the rest of the file.
const DICTIONARY_FROM_ROWS: usize = 1_000;

/// Not compressed: on files of some rows compression costs time and saves nothing.
fn options() -> WriteOptions {
    WriteOptions {
        statistics: StatisticsOptions::default(),
        compression: CompressionOptions::Uncompressed,
        version: Version::V1,
        data_page_size: None,
    }
}

/// One row group, without Arrow's own copy of the schema beside Parquet's.
pub(super) fn file(path: String, table: &Table) -> Result<ReportFile, ReportError> {
    let frame = &table.frame;
    let mut schema = frame.schema().to_arrow(CompatLevel::newest());
    for field in schema.iter_values_mut() {
        in_utc(&mut field.dtype);
    }
    let encodings: Vec<_> = schema
        .iter_values()
        .map(|field| match get_dtype_encoding(&field.dtype) {
            encodings if frame.height() >= DICTIONARY_FROM_ROWS => encodings,
            encodings => vec![Encoding::Plain; encodings.len()],
        })
        .collect();
    let mut bytes = Vec::new();
    let mut writer = FileWriter::try_new(&mut bytes, schema, options())?;
    let types = writer.parquet_schema().fields().to_vec();
    for batch in frame.iter_chunks(CompatLevel::newest(), false).filter(|b| !b.is_empty()) {
        let mut columns = Vec::with_capacity(types.len());
        for ((values, type_), encoding) in batch.columns().iter().zip(&types).zip(&encodings) {
            for pages in array_to_columns(values, type_.clone(), options(), encoding)? {
                columns.push(Ok(compressed(pages)));
            }
        }
        writer.write(batch.len() as u64, DynIter::new(columns.into_iter()))?;
    }
    writer.end(Some(Vec::new()))?;
    Ok(ReportFile::of_table(path, table, bytes))
}

/// Says of moments that they are in UTC, as all of them are: a reader else takes
/// them for those of its own clock.
fn in_utc(dtype: &mut ArrowDataType) {
    if let ArrowDataType::Timestamp(_, zone) = dtype {
        *zone = Some("UTC".into());
    }
}

/// Pages as a file takes them.
fn compressed(
    pages: DynIter<'static, PolarsResult<Page>>,
) -> DynStreamingIterator<'static, CompressedPage, PolarsError> {
    let pages = pages
        .map(|page| page.map_err(|error| ParquetError::FeatureNotSupported(error.to_string())));
    let pages = Compressor::new_from_vec(pages, options().compression, Vec::new());
    DynStreamingIterator::new(pages.map_err(PolarsError::from))
}
