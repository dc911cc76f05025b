//! The figures of a report, gathered once for every format that shows them.
//!
//! Owns the sums by project, cost centre, media and day, and their comparison
//! with earlier months. Money is whole units, rounded nowhere: what a format
//! shows with fewer places it rounds itself. Knows no format.

mod change;
mod days;
mod groups;
mod invoice;

use crate::domain::{BillStatus, Media, Money, ProjectStatus};
use crate::rating::{ALLOCATION_SCALE, Bill};

use super::model::{COST_CENTRE_TAG, PreviousMonth, UNTAGGED};
use super::month::ProjectMonth;
use super::{MonthReport, ReportError, table};

pub(super) use change::{Change, EFFECTS};
pub(super) use days::{DayFigures, DayState, days};
pub use groups::{GroupFigures, Grouping};
pub(super) use groups::{Grouped, costs};
pub(super) use invoice::InvoiceRow;

/// Cost in 1e-6 of the currency by [`Media::index`], as the API counts media.
pub(super) type MediaCosts = [i128; Media::COUNT];

/// Seconds by [`Media::index`]; none where no value is known.
pub(super) type MediaSeconds = [Option<i128>; Media::COUNT];

/// Everything that a report shows.
#[derive(Debug)]
pub(super) struct Overview<'a> {
    /// What it is made from.
    pub(super) report: &'a MonthReport<'a>,
    /// Whether the total can be relied on.
    pub(super) status: BillStatus,
    /// Every project, by the bytes of its id.
    pub(super) projects: Vec<ProjectFigures<'a>>,
    /// Every day of the month, in order.
    pub(super) days: Vec<DayFigures>,
    /// Twelve months at the most, the reported one last.
    pub(super) trend: Vec<TrendMonth>,
    /// Against the month before; none where nothing is known of it.
    pub(super) change: Option<Change>,
    /// The month before; none where nothing is known of it in this currency.
    previous: Option<&'a PreviousMonth>,
}

/// A project's month.
#[derive(Debug)]
pub(super) struct ProjectFigures<'a> {
    /// Its id.
    pub(super) id: &'a str,
    /// As last listed; empty where only its usage is known.
    pub(super) name: &'a str,
    /// Whether it is still there.
    pub(super) status: ProjectStatus,
    /// Who pays for it.
    pub(super) cost_centre: &'a str,
    /// Its share of what is due, adjustments included.
    pub(super) cost: Money,
    /// What it has of the adjustments.
    pub(super) adjustment: Money,
    /// Its share of the amount due before; none where nothing is known of that month.
    pub(super) previous: Option<Money>,
    /// Over all services and days.
    pub(super) seconds: MediaSeconds,
    /// Sums to `cost` less `adjustment`.
    pub(super) media_costs: MediaCosts,
}

/// A month of the trend.
#[derive(Debug)]
pub(super) struct TrendMonth {
    /// `YYYY-MM`.
    pub(super) month: crate::domain::Month,
    /// Rounded total with its adjustments.
    pub(super) total: Money,
    /// By media: the total without its adjustments and what belongs to no project.
    pub(super) media_costs: MediaCosts,
    /// None where it is not known.
    pub(super) status: Option<BillStatus>,
}

impl<'a> Overview<'a> {
    /// Gathers the figures.
    ///
    /// # Errors
    /// [`ReportError`] for an amount outside 128-bit integers, and where the
    /// days do not add up to the bill.
    pub(super) fn new(
        report: &'a MonthReport<'a>,
        projects: &[ProjectMonth<'a>],
    ) -> Result<Self, ReportError> {
        let bill = report.bill;
        let status = report.status();
        let days = days::days(report);
        let media_costs = sum_costs(days.iter().map(|day| &day.costs));
        let total = table::money_units(bill.total, ALLOCATION_SCALE)?;
        let unallocated = table::money_units(bill.unallocated, ALLOCATION_SCALE)?;
        let found = media_costs.iter().sum::<i128>() + unallocated;
        if found != total {
            let text = |units| crate::domain::money::decimal_text(units, ALLOCATION_SCALE);
            return Err(ReportError::Disagreement {
                table: "all days".to_owned(),
                found: text(found),
                expected: text(total),
            });
        }
        let background = report.background;
        let previous =
            background.previous.as_ref().filter(|one| one.bill.currency == bill.currency);
        let this = TrendMonth {
            month: bill.month,
            total: report.amount_due(),
            media_costs,
            status: Some(status),
        };
        let past =
            background.past_months.iter().filter(|past| past.total.currency == bill.currency);
        let past = past.map(|past| TrendMonth {
            month: past.month,
            total: past.total,
            media_costs: past.cost_micro_units,
            status: past.status,
        });
        Ok(Self {
            report,
            status,
            projects: project_figures(report, projects, previous),
            days,
            trend: past.chain([this]).collect(),
            change: previous.and_then(|previous| {
                let now = (bill, report.adjusted().minor_units);
                Change::between((&previous.bill, previous.adjusted()), now)
            }),
            previous,
        })
    }

    /// What is due: the bill's total with its adjustments.
    pub(super) fn total(&self) -> Money {
        self.report.amount_due()
    }

    /// What was due of the month before; none where nothing is known of it.
    pub(super) fn total_before(&self) -> Option<Money> {
        let previous = self.previous?;
        let total = previous.bill.total;
        Some(Money { minor_units: total.minor_units + previous.adjusted(), ..total })
    }

    /// What of it belonged to no project.
    pub(super) fn unallocated_before(&self) -> Option<Money> {
        self.previous.map(PreviousMonth::unallocated)
    }

    /// The bill.
    pub(super) fn bill(&self) -> &'a Bill {
        self.report.bill
    }

    /// Media that were used or have a cost, in column order.
    pub(super) fn used_media(&self) -> Vec<Media> {
        let is_used = |media: &Media| {
            let at = media.index();
            self.projects.iter().any(|project| {
                project.seconds[at].is_some_and(|seconds| seconds != 0)
                    || project.media_costs[at] != 0
            })
        };
        Media::ALL.into_iter().filter(is_used).collect()
    }

    /// The projects with the highest cost first, ties by id.
    pub(super) fn projects_by_cost(&self) -> Vec<&ProjectFigures<'a>> {
        let mut projects: Vec<_> = self.projects.iter().collect();
        projects.sort_by(|one, other| {
            other.cost.minor_units.cmp(&one.cost.minor_units).then(one.id.cmp(other.id))
        });
        projects
    }
}

fn project_figures<'a>(
    report: &'a MonthReport<'a>,
    projects: &[ProjectMonth<'a>],
    previous: Option<&PreviousMonth>,
) -> Vec<ProjectFigures<'a>> {
    let currency = report.bill.currency;
    let costs_before = previous.map(PreviousMonth::costs_of_projects);
    let figures = |month: &ProjectMonth<'a>| {
        let id = month.id.as_str();
        let tag = report.background.tags.get(month.id).and_then(|tags| tags.get(COST_CENTRE_TAG));
        let before = costs_before.as_ref().map(|costs| costs.get(id).copied().unwrap_or(0));
        ProjectFigures {
            id,
            name: month.project.map_or("", |project| project.name.as_str()),
            status: month.project.map_or(ProjectStatus::Unknown, |project| project.status),
            cost_centre: tag.map_or(UNTAGGED, String::as_str),
            cost: Money { minor_units: month.cost_minor_units(), currency },
            adjustment: Money { minor_units: month.adjustment_minor_units, currency },
            previous: before.map(|minor_units| Money { minor_units, currency }),
            seconds: Media::ALL.map(|media| month.seconds(media)),
            media_costs: month.allocation.map_or([0; Media::COUNT], |allocation| {
                let lines = allocation.days.iter().flat_map(|day| &day.lines);
                let mut costs = [0; Media::COUNT];
                lines.for_each(|line| costs[line.media.index()] += line.cost_micro_units);
                costs
            }),
        }
    };
    projects.iter().map(figures).collect()
}

/// Sums of costs by media.
fn sum_costs<'c>(costs: impl Iterator<Item = &'c MediaCosts>) -> MediaCosts {
    costs.fold([0; Media::COUNT], |mut sum, costs| {
        sum.iter_mut().zip(costs).for_each(|(sum, cost)| *sum += cost);
        sum
    })
}

/// Adds seconds to a sum in which unknown values count for nothing.
fn add_seconds(sum: &mut MediaSeconds, seconds: impl IntoIterator<Item = Option<i128>>) {
    for (sum, seconds) in sum.iter_mut().zip(seconds) {
        *sum = match (*sum, seconds) {
            (Some(one), Some(other)) => Some(one + other),
            (one, other) => one.or(other),
        };
    }
}
