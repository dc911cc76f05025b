//! `manifest.json` of a range.

use std::collections::BTreeMap;

use chrono::{NaiveDate, SecondsFormat};
use serde::Serialize;

use crate::domain::DateRange;
use crate::domain::money::decimal_text;
use crate::rating::ALLOCATION_SCALE;

use super::super::manifest::FileEntry;
use super::super::{ReportError, ReportOptions};
use super::{RangeContent, RangeReport};

/// Raised when a reader of the manifest would have to change.
const LAYOUT_VERSION: u32 = 2;

#[derive(Serialize)]
struct RangeManifest<'a> {
    layout_version: u32,
    program_version: &'static str,
    generated_at: String,
    account: &'a str,
    from: NaiveDate,
    to: NaiveDate,
    status: &'static str,
    currency: &'static str,
    total: String,
    unallocated: String,
    months: Vec<MonthEntry<'a>>,
    /// Names of files by project id, only where the name is not the id.
    escaped_file_names: BTreeMap<&'a str, &'a str>,
    files: Vec<FileEntry>,
}

/// A month of a range, as manifest and JSON tell it.
#[derive(Serialize)]
pub(in crate::report) struct MonthEntry<'a> {
    month: String,
    /// Days of the range that lie in it.
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    /// Whether the range has every day of the month.
    whole: bool,
    /// Whether the range has its adjustments and what no usage caused.
    with_adjustments: bool,
    status: &'static str,
    /// Closed revision that it is taken from; none for a draft.
    revision: Option<i32>,
    /// Of the whole month, adjustments included.
    bill_total: String,
    book: &'a str,
}

/// The months of a range.
pub(in crate::report) fn months<'a>(report: &'a RangeReport<'a>) -> Vec<MonthEntry<'a>> {
    let entry = |month: &'a super::MonthReport<'a>| {
        let days = report.days_of(month);
        MonthEntry {
            month: month.bill.month.to_string(),
            from: days.map(DateRange::first),
            to: days.map(DateRange::last),
            whole: report.is_whole(month),
            with_adjustments: report.has_rest_of(month),
            status: month.status().name(),
            revision: month.closed.map(|closed| closed.revision),
            bill_total: month.amount_due().to_string(),
            book: &month.bill.book_name,
        }
    };
    report.months.iter().map(entry).collect()
}

/// The manifest of a range whose other files are `files`.
///
/// # Errors
/// [`ReportError::Manifest`] where it cannot be encoded.
pub(super) fn text(
    content: &RangeContent<'_>,
    options: &ReportOptions,
    files: Vec<FileEntry>,
) -> Result<Vec<u8>, ReportError> {
    let report = content.report;
    let escaped =
        content.projects.iter().filter(|project| project.file_stem != project.id.as_str());
    let manifest = RangeManifest {
        layout_version: LAYOUT_VERSION,
        program_version: env!("CARGO_PKG_VERSION"),
        generated_at: options.generated_at.to_rfc3339_opts(SecondsFormat::Secs, true),
        account: report.account.as_str(),
        from: report.range.first(),
        to: report.range.last(),
        status: report.status().name(),
        currency: report.currency.code(),
        total: decimal_text(content.total, ALLOCATION_SCALE),
        unallocated: decimal_text(content.unallocated, ALLOCATION_SCALE),
        months: months(report),
        escaped_file_names: escaped.map(|one| (one.id.as_str(), one.file_stem.as_str())).collect(),
        files,
    };
    let mut text = serde_json::to_vec_pretty(&manifest)?;
    text.push(b'\n');
    Ok(text)
}
