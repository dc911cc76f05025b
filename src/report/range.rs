//! A range of days: slices of the allocations of its months.
//!
//! Free minutes and tiers belong to whole months, so a range is never rated by
//! itself: each month is rated as a whole, and the days of the range keep the
//! part of its bill that they have there. So two ranges that meet add up, and a
//! range of whole months costs what their bills cost. Amounts have six places.

use std::collections::BTreeMap;

use chrono::SecondsFormat;
use serde::Serialize;

use crate::domain::money::decimal_text;
use crate::domain::{AccountId, BillStatus, DateRange, DayUsage, Project, ProjectId};
use crate::rating::{ALLOCATION_SCALE, Bill, ProjectAllocation};

use super::file_names;
use super::manifest::{self, FileEntry};
use super::model::{COST_CENTRE_TAG, UNTAGGED};
use super::month::{self, ProjectMonth};
use super::overview::{GroupFigures, Grouped, Grouping, costs};
use super::publish::Staging;
use super::summary::{self, SummaryCosts};
use super::{Published, ReportError, ReportOptions, breakdown_table, csv, distinct, table};

/// Raised when a reader of the manifest would have to change.
const LAYOUT_VERSION: u32 = 1;

/// A month of a range, rated as a whole.
#[derive(Debug, Clone)]
pub struct MonthSlice {
    /// Bill of the whole month.
    pub bill: Bill,
    /// Usage of the whole month.
    pub usage: Vec<DayUsage>,
    /// Whether the month's bill can be relied on.
    pub status: BillStatus,
    /// Whether days or prices are missing in the month.
    pub has_gaps: bool,
}

impl MonthSlice {
    /// The month's days inside the range.
    fn days(&self, range: DateRange) -> Option<DateRange> {
        self.bill.month.days().intersection(range)
    }

    /// Whether the range has every day of it.
    fn is_whole(&self, range: DateRange) -> bool {
        self.days(range) == Some(self.bill.month.days())
    }
}

/// One month or more.
#[derive(Debug, Clone)]
pub struct Months {
    first: MonthSlice,
    later: Vec<MonthSlice>,
}

impl Months {
    /// In this order.
    #[must_use]
    pub const fn new(first: MonthSlice, later: Vec<MonthSlice>) -> Self {
        Self { first, later }
    }

    /// The first month.
    #[must_use]
    pub const fn first(&self) -> &MonthSlice {
        &self.first
    }

    /// Every month.
    pub fn iter(&self) -> impl Iterator<Item = &MonthSlice> {
        std::iter::once(&self.first).chain(&self.later)
    }
}

/// Everything that a range's files are made from.
#[derive(Debug, Clone)]
pub struct RangeReport<'a> {
    /// Whose usage.
    pub account: &'a AccountId,
    /// Which days.
    pub range: DateRange,
    /// Every month that the range touches, in order, in one currency.
    pub months: &'a Months,
    /// Every known project of the account.
    pub projects: &'a [Project],
    /// Tags of projects.
    pub tags: &'a BTreeMap<ProjectId, BTreeMap<String, String>>,
}

/// A range that is in place.
#[derive(Debug)]
pub struct PublishedRange {
    /// Where it is.
    pub published: Published,
    /// What the range costs, in 1e-6 of the currency.
    pub total_micro_units: i128,
    /// The breakdowns that were asked for.
    pub breakdowns: Vec<(Grouping, Vec<GroupFigures>)>,
}

#[derive(Serialize)]
struct RangeManifest<'a> {
    layout_version: u32,
    program_version: &'static str,
    generated_at: String,
    account: &'a str,
    from: chrono::NaiveDate,
    to: chrono::NaiveDate,
    currency: &'static str,
    total: String,
    unallocated: String,
    months: Vec<MonthEntry<'a>>,
    /// Names of files by project id, only where the name is not the id.
    escaped_file_names: BTreeMap<&'a str, &'a str>,
    files: Vec<FileEntry>,
}

#[derive(Serialize)]
struct MonthEntry<'a> {
    month: String,
    /// Days of the range that lie in it.
    from: Option<chrono::NaiveDate>,
    to: Option<chrono::NaiveDate>,
    /// Whether the range has every day of the month.
    whole: bool,
    status: &'static str,
    bill_total: String,
    book: &'a str,
}

/// Writes `OUT/<account>/<from>_<to>/` with `summary` and one file a project.
///
/// Money of a month that belongs to no project is part of a range that has the
/// whole month, since no day caused it.
///
/// # Errors
/// [`ReportError`]; whatever it is, the earlier files are as they were.
pub fn write_range(
    report: &RangeReport<'_>,
    options: &ReportOptions,
) -> Result<PublishedRange, ReportError> {
    let currency = report.months.first().bill.currency;
    let allocations = sliced(report);
    let in_range = |row: &&DayUsage| report.range.contains(row.day);
    let usage: Vec<_> =
        report.months.iter().flat_map(|month| &month.usage).filter(in_range).collect();
    let projects = month::gather(report.projects, &allocations, usage.iter().copied(), &[]);
    let unallocated = unallocated(report)?;
    let costs_of_projects: Vec<_> = projects.iter().map(cost).collect();
    let total = costs_of_projects.iter().sum::<i128>() + unallocated;
    let summary_costs =
        SummaryCosts { projects: costs_of_projects, unallocated, total, scale: ALLOCATION_SCALE };
    let summary = summary::table(report.account, currency, &projects, &summary_costs)?;

    let parent = options.out.join(report.account.as_str());
    let name = format!("{}_{}", report.range.first(), report.range.last());
    let staging = Staging::begin(&parent, &name)?;
    let folder = staging.below("")?;
    let formats = distinct(&options.formats);
    let mut files = Vec::new();
    for format in &formats {
        let file = format.table_file(file_names::SUMMARY, &summary, options)?;
        files.extend(file.map(|file| folder.write(file)).transpose()?);
    }
    let breakdowns = breakdowns(report, options, (&allocations, usage, &projects), unallocated);
    for (grouping, groups) in &breakdowns {
        let table = breakdown_table::table(currency, total, *grouping, groups)?;
        let file = csv::file(format!("by_{}.csv", grouping.name()), &table, options)?;
        files.push(folder.write(file)?);
    }
    let expected = |project: &ProjectMonth<'_>| Ok(cost(project));
    files.extend(super::write_projects(
        (currency, expected),
        &projects,
        &formats,
        options,
        &folder,
    )?);

    let bytes: u64 = files.iter().map(|file| file.bytes).sum();
    let count = files.len() + 1;
    let text = manifest_text(report, options, &projects, (total, unallocated), files)?;
    folder.write_bytes(manifest::FILE_NAME, &text)?;
    let folder = staging.publish()?;
    let published = Published { folder, files: count, bytes: bytes + text.len() as u64 };
    Ok(PublishedRange { published, total_micro_units: total, breakdowns })
}

/// The allocations of all months, cut to the days of the range.
fn sliced(report: &RangeReport<'_>) -> Vec<ProjectAllocation> {
    let mut by_id: BTreeMap<&ProjectId, ProjectAllocation> = BTreeMap::new();
    for project in report.months.iter().flat_map(|month| &month.bill.projects) {
        let slice = by_id.entry(&project.project_id).or_insert_with(|| ProjectAllocation {
            project_id: project.project_id.clone(),
            cost_minor_units: 0,
            days: Vec::new(),
        });
        let days = project.days.iter().filter(|day| report.range.contains(day.day));
        slice.days.extend(days.cloned());
    }
    by_id.into_values().collect()
}

/// What a project costs, in 1e-6 of the currency.
fn cost(project: &ProjectMonth<'_>) -> i128 {
    let days = project.allocation.iter().flat_map(|allocation| &allocation.days);
    days.map(|day| day.cost_micro_units).sum()
}

fn unallocated(report: &RangeReport<'_>) -> Result<i128, ReportError> {
    let whole = report.months.iter().filter(|month| month.is_whole(report.range));
    whole.map(|month| table::money_units(month.bill.unallocated, ALLOCATION_SCALE)).sum()
}

fn breakdowns(
    report: &RangeReport<'_>,
    options: &ReportOptions,
    (allocations, usage, projects): (&[ProjectAllocation], Vec<&DayUsage>, &[ProjectMonth<'_>]),
    unallocated: i128,
) -> Vec<(Grouping, Vec<GroupFigures>)> {
    let names = projects.iter().map(|project| {
        let tags = report.tags.get(project.id);
        let cost_centre = tags.and_then(|tags| tags.get(COST_CENTRE_TAG));
        let name = project.project.map_or("", |listed| listed.name.as_str());
        (project.id.as_str(), (name, cost_centre.map_or(UNTAGGED, String::as_str)))
    });
    let grouped =
        Grouped { projects: names.collect(), usage, costs: costs(allocations), previous: None };
    let groups = |grouping: &Grouping| {
        let mut groups = grouped.by(*grouping);
        if unallocated != 0 {
            groups.push(GroupFigures {
                key: String::new(),
                name: String::new(),
                seconds: 0,
                cost_micro_units: unallocated,
                previous_micro_units: None,
            });
        }
        (*grouping, groups)
    };
    options.breakdowns.iter().map(groups).collect()
}

fn manifest_text(
    report: &RangeReport<'_>,
    options: &ReportOptions,
    projects: &[ProjectMonth<'_>],
    (total, unallocated): (i128, i128),
    files: Vec<FileEntry>,
) -> Result<Vec<u8>, ReportError> {
    let months = report.months.iter().map(|slice| {
        let days = slice.days(report.range);
        MonthEntry {
            month: slice.bill.month.to_string(),
            from: days.map(DateRange::first),
            to: days.map(DateRange::last),
            whole: slice.is_whole(report.range),
            status: slice.status.name(),
            bill_total: slice.bill.total.to_string(),
            book: &slice.bill.book_name,
        }
    });
    let escaped = projects.iter().filter(|project| project.file_stem != project.id.as_str());
    let manifest = RangeManifest {
        layout_version: LAYOUT_VERSION,
        program_version: env!("CARGO_PKG_VERSION"),
        generated_at: options.generated_at.to_rfc3339_opts(SecondsFormat::Secs, true),
        account: report.account.as_str(),
        from: report.range.first(),
        to: report.range.last(),
        currency: report.months.first().bill.currency.code(),
        total: decimal_text(total, ALLOCATION_SCALE),
        unallocated: decimal_text(unallocated, ALLOCATION_SCALE),
        months: months.collect(),
        escaped_file_names: escaped.map(|one| (one.id.as_str(), one.file_stem.as_str())).collect(),
        files,
    };
    let mut text = serde_json::to_vec_pretty(&manifest)?;
    text.push(b'\n');
    Ok(text)
}
