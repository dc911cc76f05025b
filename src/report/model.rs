//! What a report is told beside the bill and the usage.
//!
//! Owns the words for what is known of the month and for what surrounds it:
//! earlier months, occupancy, cost centres, corrections. All of it is optional,
//! and a report says in words what it was not told.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use num_rational::BigRational;

use crate::domain::{
    AppliedAdjustment, BillStatus, DateRange, HourOfWeek, Media, Money, Month, Peak, ProjectId,
    Service,
};
use crate::outlook::compare::BreakEven;
use crate::rating::Bill;

/// Tag that names the cost centre of a project.
pub const COST_CENTRE_TAG: &str = "cost_centre";

/// Cost centre of projects without that tag.
pub const UNTAGGED: &str = "(untagged)";

/// When and how a bill was closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedNote {
    /// Its revision, from 1.
    pub revision: i32,
    /// When it was closed, which is also the time that its files give.
    pub closed_at: DateTime<Utc>,
    /// Whether it was closed in spite of what follows.
    pub forced: bool,
    /// What stood against it, a sentence each.
    pub reservations: Vec<String>,
}

/// How much of the month the usage covers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    /// Whether every day that should be known is known.
    pub complete: bool,
    /// Whether the month had not ended when the report was made.
    pub month_in_progress: bool,
    /// Last day of the month that was over when the report was made; none on its first day.
    pub past_to: Option<NaiveDate>,
    /// Last day up to which everything is known; none when not even the first day is.
    pub covered_to: Option<NaiveDate>,
    /// Days that should be known and are not.
    pub missing_days: Vec<MissingDays>,
    /// Cells (project, service, day) without a row: idle days, billed as 0.
    pub absent_cells: u64,
    /// Cells with a value that the platform should have sent and did not.
    pub incomplete_cells: u64,
}

/// Days of one service that are not known, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingDays {
    /// Whose days; none when they are missing for the whole account.
    pub project_id: Option<ProjectId>,
    /// Of which service.
    pub service: Service,
    /// Ranges of days, in order.
    pub days: Vec<DateRange>,
    /// Cause in words, such as the last failure.
    pub reason: String,
}

/// Prices of 1,000 minutes of a service and media, before free minutes, volume
/// discounts and tax; under standard minutes, of minutes beyond those that are paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitPrices {
    /// As Agora publishes it; that of the contract where nothing is published.
    pub list: BigRational,
    /// By the price book of the bill, less its discount on all usage.
    pub contracted: BigRational,
}

/// What surrounds the month. Empty where nothing is known.
#[derive(Debug, Clone, Default)]
pub struct Background {
    /// Months before it that have usage, the oldest first; eleven at the most.
    pub past_months: Vec<PastMonth>,
    /// The month before it; none where it has no usage.
    pub previous: Option<PreviousMonth>,
    /// Unit prices of what was used.
    pub unit_prices: BTreeMap<(Service, Media), UnitPrices>,
    /// Tags of projects, such as [`COST_CENTRE_TAG`].
    pub tags: BTreeMap<ProjectId, BTreeMap<String, String>>,
    /// Values that changed since the revision before, by project, service and day.
    pub corrections: Vec<Correction>,
    /// What the month was planned to cost.
    pub budget: Option<Money>,
    /// The newest invoice of the month, split over its projects (empty id: none);
    /// none where none was imported, or in another currency.
    pub invoice: Option<BTreeMap<String, Money>>,
    /// What lies ahead; empty for a month that is over.
    pub ahead: Ahead,
    /// Users by hour, and peaks.
    pub occupancy: Occupancy,
    /// Whether a customer reads it, to whom how the operator collects means nothing.
    pub is_for_customer: bool,
}

impl Background {
    /// What a month under way is expected to cost.
    #[must_use]
    pub fn forecast(&self) -> Option<Money> {
        self.ahead.month_end.map(|end| end.expected)
    }
}

/// What is expected, what is odd, and what other plans would have cost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ahead {
    /// Newest day that was known when the month was looked ahead; none where it was not.
    pub last_day: Option<NaiveDate>,
    /// The month's expected end; none where too little is known of the weeks before.
    pub month_end: Option<MonthEnd>,
    /// First day with billed minutes; none when the included ones last.
    pub first_billed_day: Option<NaiveDate>,
    /// What each project costs and sells for, the least margin first; only of an
    /// account that is resold.
    pub margins: Vec<ProjectMarginAhead>,
    /// Every budget with how it stands.
    pub budgets: Vec<BudgetAhead>,
    /// Projects whose newest day is not like its weekday, the oddest first.
    pub odd_days: Vec<OddDay>,
    /// Plans of the newest comparison, cheapest first.
    pub plans: Vec<PlanAhead>,
    /// Months that were compared, such as `2025-11 to 2026-10`.
    pub plan_months: String,
}

impl Ahead {
    /// Whether there is nothing to tell.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.month_end.is_none()
            && self.first_billed_day.is_none()
            && self.budgets.is_empty()
            && self.odd_days.is_empty()
            && self.plans.is_empty()
            && self.margins.is_empty()
    }
}

/// The expected end of a month under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MonthEnd {
    /// The total.
    pub expected: Money,
    /// Lower end of the range.
    pub low: Money,
    /// Upper end of the range.
    pub high: Money,
}

/// What a project costs and sells for in the month, before tax.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectMarginAhead {
    /// Its id; empty for what belongs to no project.
    pub project_id: String,
    /// Adjustments included.
    pub cost: Money,
    /// By the sell price book.
    pub sell: Money,
}

/// A budget of the month under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetAhead {
    /// Such as `account`, or `project P1`.
    pub of: String,
    /// For the month.
    pub amount: Money,
    /// Spent so far.
    pub to_date: Money,
    /// Expected at the end of the month, where it can be foretold.
    pub expected: Option<Money>,
    /// Day on which it is or will be used up.
    pub used_up_on: Option<NaiveDate>,
}

/// A project's day that is not like its weekday.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OddDay {
    /// Which day.
    pub day: NaiveDate,
    /// Whose.
    pub project_id: String,
    /// Service and media that strayed most.
    pub cause: String,
    /// Worth at list price.
    pub worth: Money,
    /// What is usual for the weekday.
    pub usual: Money,
}

/// What the compared months would have cost under a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanAhead {
    /// Price book, and package where there is a choice.
    pub plan: String,
    /// Of all the months.
    pub total: Money,
    /// Less than the books in force.
    pub saved: Option<Money>,
    /// Whether it held in all the months.
    pub is_in_force: bool,
    /// Where it becomes cheaper than the first.
    pub break_even: Option<BreakEven>,
}

/// The month before the one that is reported, with its projects' costs.
#[derive(Debug, Clone)]
pub struct PreviousMonth {
    /// Its newest closed bill, else one by the price book of that month.
    pub bill: Bill,
    /// Credits and charges beside it.
    pub adjustments: Vec<AppliedAdjustment>,
}

impl PreviousMonth {
    /// Credits and charges together, in minor units.
    #[must_use]
    pub fn adjusted(&self) -> i128 {
        self.adjustments.iter().map(|applied| applied.adjustment.amount.minor_units).sum()
    }

    /// What of its amount due belongs to no project.
    #[must_use]
    pub fn unallocated(&self) -> Money {
        let adjusted = self.adjustments.iter().map(|applied| applied.unallocated).sum::<i128>();
        let unallocated = self.bill.unallocated;
        Money { minor_units: unallocated.minor_units + adjusted, ..unallocated }
    }

    /// Each project's part of its amount due, in minor units.
    #[must_use]
    pub fn costs_of_projects(&self) -> BTreeMap<&str, i128> {
        let mut costs = BTreeMap::new();
        for one in &self.bill.projects {
            *costs.entry(one.project_id.as_str()).or_default() += one.cost_minor_units;
        }
        for (id, share) in self.adjustments.iter().flat_map(|applied| &applied.shares) {
            *costs.entry(id.as_str()).or_default() += share;
        }
        costs
    }
}

/// A month before the one that is reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastMonth {
    /// Which month.
    pub month: Month,
    /// Rounded total of its bill with its adjustments.
    pub total: Money,
    /// Allocated cost by [`Media::index`], in 1e-6 of the currency; adjustments and
    /// what belongs to no project are no part of it.
    pub cost_micro_units: [i128; Media::COUNT],
    /// As its closed bill or its draft has it; none where that is not known.
    pub status: Option<BillStatus>,
}

/// A value of usage that is another one than in the revision before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// Whose usage.
    pub project_id: ProjectId,
    /// Of which service.
    pub service: Service,
    /// UTC day.
    pub day: NaiveDate,
    /// Which media.
    pub media: Media,
    /// Seconds of the revision before; none where there was no value.
    pub before_seconds: Option<i64>,
    /// Seconds of this one; none where the value was taken back.
    pub after_seconds: Option<i64>,
    /// When this one was closed.
    pub observed_at: DateTime<Utc>,
}

/// Users in live channels over the month, as far as snapshots saw them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Occupancy {
    /// Sums by weekday and hour of day (UTC) over all projects; only those that were observed.
    pub hours: Vec<HourOfWeek>,
    /// The fullest moment of each project that was observed, by project id.
    pub peaks: Vec<Peak>,
}
