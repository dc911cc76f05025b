//! A range of days: slices of the allocations of its months.
//!
//! Free minutes and tiers belong to whole months, so a range is never rated by
//! itself: each month comes as a whole, by its closed bill where it has one, and the
//! days of the range keep the part of its bill that they have there. What of a month
//! has no day (adjustments, and fees that no usage caused) belongs to its last day.
//! So two ranges that meet add up, and a range of whole months costs what is due for
//! them. Amounts have six places.

pub(super) mod manifest;

use std::collections::BTreeMap;

use crate::domain::{
    AccountId, AppliedAdjustment, BillStatus, Currency, DateRange, DayUsage, Money, Project,
    ProjectId,
};
use crate::rating::{ALLOCATION_SCALE, ProjectAllocation};

use super::breakdown_table;
use super::model::{COST_CENTRE_TAG, UNTAGGED};
use super::month::{self, ProjectMonth};
use super::overview::{DayFigures, GroupFigures, Grouped, Grouping, costs, days};
use super::publish::Staging;
use super::summary::{self, SummaryCosts};
use super::table::Table;
use super::{MonthReport, Published, ReportError, ReportOptions, csv, distinct, table};

/// Everything that a range's files are made from.
#[derive(Debug, Clone)]
pub struct RangeReport<'a> {
    /// Whose usage.
    pub account: &'a AccountId,
    /// Which days.
    pub range: DateRange,
    /// Of every month.
    pub currency: Currency,
    /// Every month that the range touches, as a whole and in order.
    pub months: &'a [MonthReport<'a>],
    /// Every known project of the account.
    pub projects: &'a [Project],
    /// Tags of projects.
    pub tags: &'a BTreeMap<ProjectId, BTreeMap<String, String>>,
}

impl RangeReport<'_> {
    /// In progress while one of its months is, incomplete while days or prices are
    /// missing in one, else complete.
    #[must_use]
    pub fn status(&self) -> BillStatus {
        let is = |status| self.months.iter().any(|month| month.status() == status);
        let of_some =
            [BillStatus::InProgress, BillStatus::Incomplete].into_iter().find(|it| is(*it));
        of_some.unwrap_or(BillStatus::Complete)
    }

    /// Whether days or prices are missing in one of its months.
    #[must_use]
    pub fn has_gaps(&self) -> bool {
        self.months.iter().any(MonthReport::has_gaps)
    }

    /// The month's days inside the range.
    fn days_of(&self, month: &MonthReport<'_>) -> Option<DateRange> {
        month.bill.month.days().intersection(self.range)
    }

    /// Whether the range has every day of the month.
    fn is_whole(&self, month: &MonthReport<'_>) -> bool {
        self.days_of(month) == Some(month.bill.month.days())
    }

    /// Whether the range has what of the month has no day.
    fn has_rest_of(&self, month: &MonthReport<'_>) -> bool {
        self.range.contains(month.bill.month.last_day())
    }
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

/// The figures of a range that formats show.
pub(super) struct RangeContent<'a> {
    /// What it is made from.
    pub(super) report: &'a RangeReport<'a>,
    /// Every project with its days and adjustments in the range, by the bytes of its id.
    pub(super) projects: Vec<ProjectMonth<'a>>,
    /// What each project costs, in 1e-6 of the currency.
    pub(super) costs: Vec<i128>,
    /// What belongs to no project, in 1e-6 of the currency.
    pub(super) unallocated: i128,
    /// All together, in 1e-6 of the currency.
    pub(super) total: i128,
    /// One row a project.
    pub(super) summary: Table,
    allocations: &'a [ProjectAllocation],
    adjustments: &'a [AppliedAdjustment],
    usage: Vec<&'a DayUsage>,
}

impl<'a> RangeContent<'a> {
    fn new(
        report: &'a RangeReport<'a>,
        allocations: &'a [ProjectAllocation],
        adjustments: &'a [AppliedAdjustment],
    ) -> Result<Self, ReportError> {
        let in_range = |row: &&DayUsage| report.range.contains(row.day);
        let usage: Vec<_> =
            report.months.iter().flat_map(|month| month.usage).filter(in_range).collect();
        let projects =
            month::gather(report.projects, allocations, usage.iter().copied(), adjustments);
        let cost = |project: &ProjectMonth<'_>| cost(project, report.currency);
        let costs = projects.iter().map(cost).collect::<Result<Vec<_>, _>>()?;
        let unallocated = unallocated(report)?;
        let total = costs.iter().sum::<i128>() + unallocated;
        let summary_costs =
            SummaryCosts { projects: costs.clone(), unallocated, total, scale: ALLOCATION_SCALE };
        let summary = summary::table(report.account, report.currency, &projects, &summary_costs)?;
        Ok(Self {
            report,
            projects,
            costs,
            unallocated,
            total,
            summary,
            allocations,
            adjustments,
            usage,
        })
    }

    /// Cost centre of a project.
    pub(super) fn cost_centre(&self, project: &ProjectMonth<'_>) -> &'a str {
        let tags = self.report.tags.get(project.id);
        tags.and_then(|tags| tags.get(COST_CENTRE_TAG)).map_or(UNTAGGED, String::as_str)
    }

    /// Every day of the range, in order.
    pub(super) fn days(&self) -> Vec<DayFigures> {
        let range = self.report.range;
        let all = self.report.months.iter().flat_map(days);
        all.filter(|day| range.contains(day.day)).collect()
    }

    /// Groups with the highest cost first, ties by key; then what belongs to none.
    ///
    /// # Errors
    /// [`ReportError::TooLarge`] outside 128-bit integers.
    pub(super) fn by(&self, grouping: Grouping) -> Result<Vec<GroupFigures>, ReportError> {
        let names = self.projects.iter().map(|project| {
            let name = project.project.map_or("", |listed| listed.name.as_str());
            (project.id.as_str(), (name, self.cost_centre(project)))
        });
        let grouped = Grouped {
            projects: names.collect(),
            usage: self.usage.clone(),
            costs: costs(self.allocations),
            previous: None,
        };
        let mut groups = grouped.by(grouping);
        grouped.add_adjustments(grouping, (self.adjustments, &[]), &mut groups)?;
        if self.unallocated != 0 {
            groups.push(GroupFigures {
                key: String::new(),
                name: String::new(),
                seconds: 0,
                cost_micro_units: self.unallocated,
                previous_micro_units: None,
            });
        }
        Ok(groups)
    }
}

/// Writes `OUT/<account>/<from>_<to>/`.
///
/// # Errors
/// [`ReportError`]; whatever it is, the earlier files are as they were.
pub fn write_range(
    report: &RangeReport<'_>,
    options: &ReportOptions,
) -> Result<PublishedRange, ReportError> {
    let allocations = sliced(report);
    let months = report.months.iter().filter(|month| report.has_rest_of(month));
    let adjustments: Vec<_> = months.flat_map(|month| month.adjustments).cloned().collect();
    let content = RangeContent::new(report, &allocations, &adjustments)?;

    let parent = options.out.join(report.account.as_str());
    let name = format!("{}_{}", report.range.first(), report.range.last());
    let staging = Staging::begin(&parent, &name)?;
    let folder = staging.below("")?;
    let formats = distinct(&options.formats);
    let mut files = Vec::new();
    for format in &formats {
        for file in format.range_files(&content, options)? {
            files.push(folder.write(file)?);
        }
    }
    let groups = |grouping: &Grouping| Ok((*grouping, content.by(*grouping)?));
    let breakdowns =
        options.breakdowns.iter().map(groups).collect::<Result<Vec<_>, ReportError>>()?;
    let money = (report.currency, content.total);
    for (grouping, groups) in &breakdowns {
        let table = breakdown_table::table(money, *grouping, groups, None)?;
        let file = csv::file(format!("by_{}.csv", grouping.name()), &table, options)?;
        files.push(folder.write(file)?);
    }
    if formats.iter().any(|format| format.has_project_files()) {
        let cost = |project: &ProjectMonth<'_>| cost(project, report.currency);
        files.extend(super::write_projects(
            (report.currency, cost),
            &content.projects,
            &formats,
            options,
            &folder,
        )?);
    }

    let bytes: u64 = files.iter().map(|file| file.bytes).sum();
    let count = files.len() + 1;
    let text = manifest::text(&content, options, files)?;
    folder.write_bytes(super::manifest::FILE_NAME, &text)?;
    let folder = staging.publish()?;
    let published = Published { folder, files: count, bytes: bytes + text.len() as u64 };
    Ok(PublishedRange { published, total_micro_units: content.total, breakdowns })
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

/// What a project costs with its adjustments, in 1e-6 of the currency.
fn cost(project: &ProjectMonth<'_>, currency: Currency) -> Result<i128, ReportError> {
    let days = project.allocation.iter().flat_map(|allocation| &allocation.days);
    let adjusted = Money { minor_units: project.adjustment_minor_units, currency };
    let of_days: i128 = days.map(|day| day.cost_micro_units).sum();
    Ok(of_days + table::money_units(adjusted, ALLOCATION_SCALE)?)
}

fn unallocated(report: &RangeReport<'_>) -> Result<i128, ReportError> {
    let months = report.months.iter().filter(|month| report.has_rest_of(month));
    months.map(|month| table::money_units(month.unallocated(), ALLOCATION_SCALE)).sum()
}
