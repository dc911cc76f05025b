//! From a rated bill to files, published whole.
//!
//! Owns the layout of a month's folder (`OUT/<account>/<YYYY-MM>/`), the
//! columns of every file in it, the file names, the check that the files add
//! up to the bill, and the way in which a folder replaces the one before it.
//! Does not rate, query or know a pool: it gets a [`Bill`] and the usage that
//! the bill was made from. Money comes in as whole units and goes out as
//! decimal columns; no float and no sum of the data-frame library touches it.
//!
//! The steps: `month` gathers what is known of each project, `summary`,
//! `bill_table` and `project_days` make tables of it, each `format` turns
//! tables into files, `publish` puts them in place, with the `manifest` last.

mod bill_table;
mod breakdown_table;
mod colours;
mod csv;
mod error;
mod file_names;
mod focus;
mod format;
mod html;
mod json;
mod manifest;
mod model;
mod month;
mod overview;
mod parquet;
mod project_days;
mod publish;
mod range;
#[cfg(test)]
mod sample;
mod summary;
mod table;
#[cfg(test)]
mod tests;
mod wording;
mod xlsx;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use chrono::{DateTime, Utc};

use crate::domain::{
    AccountId, AppliedAdjustment, BillStatus, Currency, DayUsage, Money, Month, Project,
};
use crate::rating::{ALLOCATION_SCALE, Bill, TotalRange};

pub use error::ReportError;
pub use format::Format;
pub use html::{served_policy, unscripted_policy};
pub use model::{
    Ahead, Background, BudgetAhead, COST_CENTRE_TAG, ClosedNote, Correction, Coverage, MissingDays,
    MonthEnd, Occupancy, OddDay, PastMonth, PlanAhead, PreviousMonth, ProjectMarginAhead, UNTAGGED,
    UnitPrices,
};
pub use overview::{GroupFigures, Grouping};
pub use publish::check_writable;
pub use range::{PublishedRange, RangeReport, write_range};
pub use wording::shown as shown_decimal;

use breakdown_table::PREVIOUS_MONTH;
use format::MonthContent;
use manifest::FileEntry;
use month::ProjectMonth;
use overview::Overview;
use publish::{StagedFolder, Staging};

/// Everything that a month's files are made from.
#[derive(Debug, Clone)]
pub struct MonthReport<'a> {
    /// The rated bill, with its split over projects and days.
    pub bill: &'a Bill,
    /// All usage of the month, in any order; one row a project, service and day.
    pub usage: &'a [DayUsage],
    /// Every known project of the account, also those without usage.
    pub projects: &'a [Project],
    /// What of the month is known.
    pub coverage: Coverage,
    /// Credits and charges beside the rated bill.
    pub adjustments: &'a [AppliedAdjustment],
    /// When and how it was closed; none for a draft.
    pub closed: Option<&'a ClosedNote>,
    /// What surrounds the month.
    pub background: &'a Background,
}

impl MonthReport<'_> {
    /// The rated total with its adjustments: what every file adds up to.
    #[must_use]
    pub fn amount_due(&self) -> Money {
        let adjusted = self.adjustments.iter().map(|a| a.adjustment.amount.minor_units);
        let total = self.bill.total;
        Money { minor_units: total.minor_units + adjusted.sum::<i128>(), ..total }
    }

    /// Credits and charges together.
    #[must_use]
    pub fn adjusted(&self) -> Money {
        let total = self.bill.total;
        Money { minor_units: self.amount_due().minor_units - total.minor_units, ..total }
    }

    /// A range of rated totals as one of amounts due, beside which it stands.
    #[must_use]
    pub fn range_due(&self, rated: &TotalRange) -> TotalRange {
        let adjusted = self.adjusted().minor_units;
        let due = |money: Money| Money { minor_units: money.minor_units + adjusted, ..money };
        TotalRange { low: due(rated.low), high: due(rated.high) }
    }

    /// What of the amount due belongs to no project.
    #[must_use]
    pub fn unallocated(&self) -> Money {
        let unallocated = self.bill.unallocated;
        let adjusted = self.adjustments.iter().map(|applied| applied.unallocated);
        Money { minor_units: unallocated.minor_units + adjusted.sum::<i128>(), ..unallocated }
    }

    /// In progress until the month has ended; then incomplete while usage or a
    /// price is unknown, so that the total may still change; else complete.
    #[must_use]
    pub fn status(&self) -> BillStatus {
        if self.coverage.month_in_progress {
            BillStatus::InProgress
        } else if self.has_gaps() {
            BillStatus::Incomplete
        } else {
            BillStatus::Complete
        }
    }

    /// Whether usage that should be known, or a price, is missing.
    #[must_use]
    pub fn has_gaps(&self) -> bool {
        let coverage = &self.coverage;
        let holes = !coverage.missing_days.is_empty() || coverage.incomplete_cells > 0;
        holes || !coverage.complete || !self.bill.unpriced.is_empty()
    }
}

/// How and where to write a report.
#[derive(Debug, Clone)]
pub struct ReportOptions {
    /// Formats to write; one that is named twice is written once.
    pub formats: Vec<Format>,
    /// Breakdowns to write as `by_<name>.csv`.
    pub breakdowns: Vec<Grouping>,
    /// Folder above the accounts' folders.
    pub out: PathBuf,
    /// Whether CSV files begin with a byte order mark.
    pub byte_order_mark: bool,
    /// Whether CSV leaves names as they are that a spreadsheet would run as a formula.
    pub raw: bool,
    /// Time that the manifest of a draft gives; nothing else depends on it.
    pub generated_at: DateTime<Utc>,
}

impl ReportOptions {
    /// The same with the formats in which a closed month is there already: its
    /// files never change, and none of them goes because it is not asked for again.
    #[must_use]
    pub fn keeping_formats_of(&self, account: &AccountId, month: Month) -> Self {
        let folder = self.out.join(account.as_str()).join(month.to_string());
        let below = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        let folders = std::iter::once(folder.clone()).chain(below.map(|entry| entry.path()));
        let listed = folders.filter_map(|folder| {
            manifest::listed_paths(&std::fs::read(folder.join(manifest::FILE_NAME)).ok()?)
        });
        let paths: Vec<String> = listed.flatten().collect();
        let mut options = self.clone();
        options.formats.extend(Format::all().filter(|format| format.is_among(&paths)));
        options
    }
}

/// A month that is in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// `OUT/<account>/<YYYY-MM>`.
    pub folder: PathBuf,
    /// Files written, the manifest among them.
    pub files: usize,
    /// Bytes of all of them.
    pub bytes: u64,
}

/// Writes the files of one month and puts them in place of the month's earlier files.
///
/// Two runs over the same data write the same bytes, but for `generated_at` in
/// the manifest. Files in the folder that no report wrote stay in it.
///
/// # Errors
/// [`ReportError`]; whatever it is, the earlier files are as they were.
pub fn write_month(
    report: &MonthReport<'_>,
    options: &ReportOptions,
) -> Result<Published, ReportError> {
    let parent = options.out.join(report.bill.account.as_str());
    let staging = Staging::begin(&parent, &report.bill.month.to_string())?;
    let (files, bytes) = write_files(report, options, &staging, "")?;
    let folder = staging.publish()?;
    Ok(Published { folder, files, bytes })
}

/// Writes the files of a closed month: those of its newest revision, and below
/// them a folder `r<N>` for each revision. `revisions` come oldest first.
///
/// The time that the files give is that of closing, so that they are the same
/// whenever they are written. A folder of an earlier revision that is there
/// stays as it is.
///
/// # Errors
/// [`ReportError`]; whatever it is, the earlier files are as they were.
pub fn write_closed_month(
    revisions: &[MonthReport<'_>],
    options: &ReportOptions,
) -> Result<Option<Published>, ReportError> {
    let Some((newest, earlier)) = revisions.split_last() else { return Ok(None) };
    let parent = options.out.join(newest.bill.account.as_str());
    let month = newest.bill.month.to_string();
    let staging = Staging::begin(&parent, &month)?;
    let missing = |folder: &String| !parent.join(&month).join(folder).exists();
    let earlier = earlier.iter().map(|report| (report, revision_folder(report)));
    let earlier = earlier.filter(|(_, folder)| missing(folder));
    let all = [(newest, String::new()), (newest, revision_folder(newest))];
    let (mut files, mut bytes) = (0, 0);
    for (report, folder) in all.into_iter().chain(earlier) {
        let written = write_files(report, options, &staging, &folder)?;
        files += written.0;
        bytes += written.1;
    }
    let folder = staging.publish()?;
    Ok(Some(Published { folder, files, bytes }))
}

/// `r<N>` of a closed revision.
fn revision_folder(report: &MonthReport<'_>) -> String {
    format!("r{}", report.closed.map_or(0, |closed| closed.revision))
}

/// Writes every file below `folder` of the staged month; gives their number and bytes.
fn write_files(
    report: &MonthReport<'_>,
    options: &ReportOptions,
    staging: &Staging,
    folder: &str,
) -> Result<(usize, u64), ReportError> {
    let staging = staging.below(folder)?;
    let projects = month::projects(report);
    let content = MonthContent {
        report,
        projects: &projects,
        summary: summary::of_month(report, &projects)?,
        bill: bill_table::table(report)?,
    };
    let formats = distinct(&options.formats);
    let mut files = Vec::new();
    for format in &formats {
        for file in format.month_files(&content, options)? {
            files.push(staging.write(file)?);
        }
    }
    files.extend(write_breakdowns(&content, options, &staging)?);
    if formats.iter().any(|format| format.has_project_files()) {
        let cost = |project: &ProjectMonth<'_>| project_cost(report.bill, project);
        files.extend(write_projects(
            (report.bill.currency, cost),
            &projects,
            &formats,
            options,
            &staging,
        )?);
    }

    let bytes: u64 = files.iter().map(|file| file.bytes).sum();
    let count = files.len();
    let generated_at = report.closed.map_or(options.generated_at, |closed| closed.closed_at);
    let text = manifest::text(report, &projects, files, generated_at)?;
    staging.write_bytes(manifest::FILE_NAME, &text)?;
    Ok((count + 1, bytes + text.len() as u64))
}

/// The month by project, cost centre, media or service, highest cost first.
///
/// # Errors
/// [`ReportError`] for an amount outside 128-bit integers, and where the days
/// do not add up to the bill.
pub fn breakdown(
    report: &MonthReport<'_>,
    grouping: Grouping,
) -> Result<Vec<GroupFigures>, ReportError> {
    Overview::new(report, &month::projects(report))?.by(grouping)
}

fn write_breakdowns(
    content: &MonthContent<'_>,
    options: &ReportOptions,
    staging: &StagedFolder<'_>,
) -> Result<Vec<FileEntry>, ReportError> {
    let mut written = Vec::new();
    for grouping in Grouping::ALL.into_iter().filter(|one| options.breakdowns.contains(one)) {
        let groups = content.overview()?.by(grouping)?;
        let total = content.report.amount_due();
        let units = table::money_units(total, ALLOCATION_SCALE)?;
        let previous = Some(PREVIOUS_MONTH);
        let table = breakdown_table::table((total.currency, units), grouping, &groups, previous)?;
        let file = csv::file(format!("by_{}.csv", grouping.name()), &table, options)?;
        written.push(staging.write(file)?);
    }
    Ok(written)
}

/// What the days of a project's file must sum to, in 1e-6 of the currency.
fn project_cost(bill: &Bill, project: &ProjectMonth<'_>) -> Result<i128, ReportError> {
    let cost = Money { minor_units: project.cost_minor_units(), currency: bill.currency };
    table::money_units(cost, ALLOCATION_SCALE)
}

/// Each format once, in the order asked for.
fn distinct(formats: &[Format]) -> Vec<Format> {
    let mut once: Vec<Format> = Vec::new();
    for format in formats {
        if !once.contains(format) {
            once.push(*format);
        }
    }
    once
}

/// Months whose project files are being written, in this process.
static MONTHS_UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

/// Counts a month for as long as it lives.
struct MonthsUnderWay {
    /// How many there are, this one included.
    count: usize,
}

impl MonthsUnderWay {
    fn begin() -> Self {
        Self { count: MONTHS_UNDER_WAY.fetch_add(1, Ordering::Relaxed) + 1 }
    }
}

impl Drop for MonthsUnderWay {
    fn drop(&mut self) {
        MONTHS_UNDER_WAY.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Writes one file a project and format, on every core: thousands of small
/// files cost more in encoding and in system calls than in bytes.
fn write_projects(
    (currency, cost): (Currency, impl Fn(&ProjectMonth<'_>) -> Result<i128, ReportError> + Sync),
    projects: &[ProjectMonth<'_>],
    formats: &[Format],
    options: &ReportOptions,
    staging: &StagedFolder<'_>,
) -> Result<Vec<FileEntry>, ReportError> {
    staging.create_folder(file_names::PROJECTS_FOLDER)?;
    let months = MonthsUnderWay::begin();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    // Threads that make files in one folder wait for each other, and those of
    // different folders do not: so a month has the cores that the others leave.
    let threads = (cores / months.count).max(1);
    let part_length = projects.len().div_ceil(threads).max(1);
    let write_part = |part: &[ProjectMonth<'_>]| {
        let mut written = Vec::with_capacity(part.len() * formats.len());
        for project in part {
            let days = project_days::table(project, currency, cost(project)?)?;
            for format in formats {
                if let Some(file) = format.project_file(&project.file_stem, &days, options)? {
                    written.push(staging.write(file)?);
                }
            }
        }
        Ok(written)
    };
    let parts: Result<Vec<Vec<FileEntry>>, ReportError> = thread::scope(|scope| {
        let workers: Vec<_> = projects
            .chunks(part_length)
            .map(|part| scope.spawn(move || write_part(part)))
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    Ok(parts?.into_iter().flatten().collect())
}
