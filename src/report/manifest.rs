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
    /// Least and greatest total over all readings of the assumptions.
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
struct BookEntry<'a> {
    name: &'a str,
    sha256: &'a str,
}

#[derive(Serialize)]
struct AdjustmentEntry<'a> {
    id: i64,
    amount: String,
    reason: &'a str,
    project_id: Option<&'a str>,
    cost_centre: Option<&'a str>,
}

#[derive(Serialize)]
struct ClosedEntry<'a> {
    revision: i32,
    closed_at: String,
    forced: bool,
    reservations: &'a [String],
}

#[derive(Serialize)]
struct AssumptionEntry<'a> {
    key: &'a str,
    value: &'a str,
    text: &'a str,
    /// Least and greatest total when this point alone is read otherwise.
    low: String,
    high: String,
}

#[derive(Serialize)]
struct UnpricedEntry<'a> {
    service: &'static str,
    field: &'a str,
    seconds: u128,
}

#[derive(Serialize)]
struct CoverageEntry<'a> {
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
        total_low: bill.range.low.to_string(),
        total_high: bill.range.high.to_string(),
        rated_total: (!report.adjustments.is_empty()).then(|| bill.total.to_string()),
        adjustments: adjustments(report.adjustments),
        closed: report.closed.map(|closed| ClosedEntry {
            revision: closed.revision,
            closed_at: time(closed.closed_at),
            forced: closed.forced,
            reservations: &closed.reservations,
        }),
        book: BookEntry { name: &bill.book_name, sha256: &bill.book_sha256 },
        assumptions: assumptions(bill),
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

fn adjustments(applied: &[AppliedAdjustment]) -> Vec<AdjustmentEntry<'_>> {
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

fn assumptions(bill: &Bill) -> Vec<AssumptionEntry<'_>> {
    bill.assumptions
        .iter()
        .map(|Assumption { key, value, text, range }| AssumptionEntry {
            key,
            value,
            text,
            low: range.low.to_string(),
            high: range.high.to_string(),
        })
        .collect()
}

fn unpriced(bill: &Bill) -> Vec<UnpricedEntry<'_>> {
    bill.unpriced
        .iter()
        .map(|usage| UnpricedEntry {
            service: usage.service.name(),
            field: &usage.field,
            seconds: usage.seconds,
        })
        .collect()
}

fn coverage(coverage: &Coverage) -> CoverageEntry<'_> {
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
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::super::sample::{Sample, options};
    use super::super::{Format, Published, write_month};
    use super::*;

    fn manifest_text(published: &Published) -> String {
        fs::read_to_string(published.folder.join(FILE_NAME)).expect("manifest")
    }

    #[test]
    fn the_manifest_says_what_the_files_are_and_were_made_from() {
        let out = TempDir::new().expect("folder");
        let sample = Sample::incomplete();
        let mut options = options(out.path());
        options.formats = vec![Format::from_name("csv").expect("known")];
        let published = write_month(&sample.report(), &options).expect("written");
        let text = manifest_text(&published).replace(env!("CARGO_PKG_VERSION"), "[version]");
        insta::assert_snapshot!(text, @r#"
        {
          "layout_version": 1,
          "program_version": "[version]",
          "generated_at": "1970-01-01T00:00:00Z",
          "account": "default",
          "month": "2031-03",
          "status": "incomplete",
          "currency": "USD",
          "bill_total": "0.10",
          "projects_total": "0.10",
          "unallocated": "0.00",
          "exact_total": "0.100000000000",
          "total_low": "0.10",
          "total_high": "0.12",
          "book": {
            "name": "list-2021",
            "sha256": "00ff"
          },
          "assumptions": [
            {
              "key": "tier_fill",
              "value": "cheapest_first",
              "text": "Audio fills the discount tiers first.",
              "low": "0.10",
              "high": "0.12"
            }
          ],
          "unpriced": [
            {
              "service": "rtc",
              "field": "durationVideo8K",
              "seconds": 60
            }
          ],
          "coverage": {
            "complete": false,
            "month_in_progress": false,
            "covered_to": "2031-03-02",
            "absent_cells": 28,
            "incomplete_cells": 0,
            "missing_days": [
              {
                "project_id": "a/b",
                "service": "rtc",
                "days": [
                  {
                    "first": "2031-03-03",
                    "last": "2031-03-04"
                  }
                ],
                "reason": "answered 500"
              }
            ]
          },
          "escaped_file_names": {
            "a/b": "a_b~c14cddc033f64b9d"
          },
          "files": [
            {
              "path": "summary.csv",
              "rows": 1,
              "bytes": 197,
              "sha256": "ff06cf23abfa06343a0197f33daa6b7086a626d3022c7daae978ac07fe761771",
              "sums": {
                "cost": "0.10"
              }
            },
            {
              "path": "bill.csv",
              "rows": 3,
              "bytes": 194,
              "sha256": "37c5adfdbc43af53ea43689238c2accf0e83cc5f2ecd01e7af0e6c3ddb69c901",
              "sums": {
                "amount": "0.100000000000"
              }
            },
            {
              "path": "projects/a_b~c14cddc033f64b9d.csv",
              "rows": 1,
              "bytes": 143,
              "sha256": "5402428f7ce0c11286e71f020902d300799604519c71b4f3d79055254c6545b2",
              "sums": {
                "cost": "0.100000"
              }
            }
          ]
        }
        "#);
    }

    #[test]
    fn the_status_is_complete_only_when_the_total_will_not_change() {
        let status = |change: &dyn Fn(&mut Sample)| {
            let out = TempDir::new().expect("folder");
            let mut sample = Sample::c33();
            change(&mut sample);
            let published = write_month(&sample.report(), &options(out.path())).expect("written");
            let manifest: serde_json::Value =
                serde_json::from_str(&manifest_text(&published)).expect("JSON");
            manifest["status"].as_str().expect("text").to_owned()
        };
        assert_eq!(status(&|_| ()), "complete");
        assert_eq!(status(&|sample| sample.coverage.absent_cells = 9), "complete");
        assert_eq!(status(&|sample| sample.coverage.incomplete_cells = 1), "incomplete");
        assert_eq!(status(&|sample| sample.coverage.complete = false), "incomplete");
        assert_eq!(status(&|sample| sample.coverage.month_in_progress = true), "in_progress");
    }

    #[test]
    fn a_manifest_lists_itself_and_other_text_lists_nothing() {
        let text = br#"{"files": [{"path": "bill.csv", "rows": 2}], "account": "x"}"#;
        assert_eq!(listed_paths(text).expect("manifest"), ["bill.csv", FILE_NAME]);
        assert_eq!(listed_paths(b""), None);
    }
}
