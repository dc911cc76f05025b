//! `manifest.json`: what the files of a month are, and what they were made from.
//!
//! Written last: a folder with a manifest is whole. Amounts are strings, so that
//! no reader turns them into floats; text is raw.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::money::decimal_text;
use crate::domain::{Adjustment, AdjustmentScope, AppliedAdjustment, DateRange, Money, ProjectId};
use crate::rating::{Assumption, Bill, LINE_SCALE, decimal_units};

use super::month::ProjectMonth;
use super::{Coverage, MonthReport, ReportError};

/// Name of the manifest in a month's folder.
pub(super) const FILE_NAME: &str = "manifest.json";

/// Raised when a reader of the manifest would have to change.
const LAYOUT_VERSION: u32 = 1;

/// Columns of money and what their rows add up to.
pub(super) type Sums = BTreeMap<&'static str, String>;

/// One file of the month.
#[derive(Debug, Serialize)]
pub(super) struct FileEntry {
    /// Path below the month's folder, with `/` between its parts.
    pub(super) path: String,
    /// Rows of data.
    pub(super) rows: usize,
    /// Size.
    pub(super) bytes: u64,
    /// SHA-256 of the content, in hexadecimal digits.
    pub(super) sha256: String,
    /// Columns of money and what their rows add up to, the total row of the bill left out.
    pub(super) sums: Sums,
}

#[derive(Serialize)]
struct Manifest<'a> {
    layout_version: u32,
    program_version: &'static str,
    generated_at: String,
    account: &'a str,
    month: String,
    status: &'static str,
    currency: &'static str,
    bill_total: String,
    projects_total: String,
    unallocated: String,
    exact_total: String,
    /// Least and greatest total over all readings of the assumptions, adjustments included.
    total_low: String,
    total_high: String,
    /// The total before adjustments, only where there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    rated_total: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    adjustments: Vec<AdjustmentEntry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed: Option<ClosedEntry<'a>>,
    book: BookEntry<'a>,
    assumptions: Vec<AssumptionEntry<'a>>,
    unpriced: Vec<UnpricedEntry<'a>>,
    coverage: CoverageEntry<'a>,
    /// Names of files by project id, only where the name is not the id.
    escaped_file_names: BTreeMap<&'a str, &'a str>,
    files: Vec<FileEntry>,
}

#[derive(Serialize)]
pub(super) struct BookEntry<'a> {
    name: &'a str,
    sha256: &'a str,
}

#[derive(Serialize)]
pub(super) struct AdjustmentEntry<'a> {
    id: i64,
    amount: String,
    reason: &'a str,
    project_id: Option<&'a str>,
    cost_centre: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct ClosedEntry<'a> {
    revision: i32,
    closed_at: String,
    forced: bool,
    reservations: &'a [String],
}

#[derive(Serialize)]
pub(super) struct AssumptionEntry<'a> {
    key: &'a str,
    value: &'a str,
    text: &'a str,
    /// Least and greatest total when this point alone is read otherwise.
    low: String,
    high: String,
}

#[derive(Serialize)]
pub(super) struct UnpricedEntry<'a> {
    service: &'static str,
    field: &'a str,
    seconds: u128,
}

#[derive(Serialize)]
pub(super) struct CoverageEntry<'a> {
    complete: bool,
    month_in_progress: bool,
    covered_to: Option<NaiveDate>,
    absent_cells: u64,
    incomplete_cells: u64,
    missing_days: Vec<MissingEntry<'a>>,
}

#[derive(Serialize)]
struct MissingEntry<'a> {
    project_id: Option<&'a str>,
    service: &'static str,
    days: Vec<RangeEntry>,
    reason: &'a str,
}

#[derive(Serialize)]
struct RangeEntry {
    first: NaiveDate,
    last: NaiveDate,
}

/// The manifest of a month whose other files are `files`.
///
/// # Errors
/// [`ReportError::Amount`] for an exact total with too many decimal places.
pub(super) fn text(
    report: &MonthReport<'_>,
    projects: &[ProjectMonth<'_>],
    files: Vec<FileEntry>,
    generated_at: DateTime<Utc>,
) -> Result<Vec<u8>, ReportError> {
    let bill = report.bill;
    let projects_total = Money {
        minor_units: projects.iter().map(ProjectMonth::cost_minor_units).sum(),
        currency: bill.currency,
    };
    let escaped = projects.iter().filter(|project| project.file_stem != project.id.as_str());
    let range = report.range_due(&bill.range);
    let manifest = Manifest {
        layout_version: LAYOUT_VERSION,
        program_version: env!("CARGO_PKG_VERSION"),
        generated_at: time(generated_at),
        account: bill.account.as_str(),
        month: bill.month.to_string(),
        status: report.status().name(),
        currency: bill.currency.code(),
        bill_total: report.amount_due().to_string(),
        projects_total: projects_total.to_string(),
        unallocated: report.unallocated().to_string(),
        exact_total: decimal_text(decimal_units(&bill.exact_total, LINE_SCALE)?, LINE_SCALE),
        total_low: range.low.to_string(),
        total_high: range.high.to_string(),
        rated_total: (!report.adjustments.is_empty()).then(|| bill.total.to_string()),
        adjustments: adjustments(report.adjustments),
        closed: report.closed.map(closed),
        book: BookEntry { name: &bill.book_name, sha256: &bill.book_sha256 },
        assumptions: assumptions(report),
        unpriced: unpriced(bill),
        coverage: coverage(&report.coverage),
        escaped_file_names: escaped.map(|one| (one.id.as_str(), one.file_stem.as_str())).collect(),
        files,
    };
    let mut text = serde_json::to_vec_pretty(&manifest)?;
    text.push(b'\n');
    Ok(text)
}

fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

pub(super) fn closed(closed: &super::ClosedNote) -> ClosedEntry<'_> {
    ClosedEntry {
        revision: closed.revision,
        closed_at: time(closed.closed_at),
        forced: closed.forced,
        reservations: &closed.reservations,
    }
}

pub(super) fn adjustments(applied: &[AppliedAdjustment]) -> Vec<AdjustmentEntry<'_>> {
    applied.iter().map(|applied| adjustment_entry(&applied.adjustment)).collect()
}

fn adjustment_entry(adjustment: &Adjustment) -> AdjustmentEntry<'_> {
    let (project_id, cost_centre) = match &adjustment.scope {
        AdjustmentScope::Account => (None, None),
        AdjustmentScope::Project(project_id) => (Some(project_id.as_str()), None),
        AdjustmentScope::CostCentre(cost_centre) => (None, Some(cost_centre.as_str())),
    };
    AdjustmentEntry {
        id: adjustment.adjustment_id,
        amount: adjustment.amount.to_string(),
        reason: &adjustment.reason,
        project_id,
        cost_centre,
    }
}

pub(super) fn assumptions<'a>(report: &MonthReport<'a>) -> Vec<AssumptionEntry<'a>> {
    let entry = |assumption: &'a Assumption| {
        let range = report.range_due(&assumption.range);
        AssumptionEntry {
            key: assumption.key,
            value: &assumption.value,
            text: &assumption.text,
            low: range.low.to_string(),
            high: range.high.to_string(),
        }
    };
    report.bill.assumptions.iter().map(entry).collect()
}

pub(super) fn unpriced(bill: &Bill) -> Vec<UnpricedEntry<'_>> {
    bill.unpriced
        .iter()
        .map(|usage| UnpricedEntry {
            service: usage.service.name(),
            field: &usage.field,
            seconds: usage.seconds,
        })
        .collect()
}

pub(super) fn coverage(coverage: &Coverage) -> CoverageEntry<'_> {
    let range = |days: &DateRange| RangeEntry { first: days.first(), last: days.last() };
    let missing = coverage.missing_days.iter().map(|missing| MissingEntry {
        project_id: missing.project_id.as_ref().map(ProjectId::as_str),
        service: missing.service.name(),
        days: missing.days.iter().map(range).collect(),
        reason: &missing.reason,
    });
    CoverageEntry {
        complete: coverage.complete,
        month_in_progress: coverage.month_in_progress,
        covered_to: coverage.covered_to,
        absent_cells: coverage.absent_cells,
        incomplete_cells: coverage.incomplete_cells,
        missing_days: missing.collect(),
    }
}

/// The paths that a manifest lists, itself included; none for a text that is no manifest.
pub(super) fn listed_paths(text: &[u8]) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    struct Listing {
        files: Vec<Listed>,
    }
    #[derive(Deserialize)]
    struct Listed {
        path: String,
    }
    let listing: Listing = serde_json::from_slice(text).ok()?;
    let paths = listing.files.into_iter().map(|file| file.path);
    Some(paths.chain([FILE_NAME.to_owned()]).collect())
}

#[cfg(test)]
mod tests;
