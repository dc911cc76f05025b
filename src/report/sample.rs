//! A month made by hand for the tests of this module.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, NaiveDate};
use num_bigint::BigInt;
use num_rational::BigRational;

use crate::domain::period::parse_day;
use crate::domain::{
    AccountId, Adjustment, AdjustmentScope, AppliedAdjustment, BillStatus, Currency, DateRange,
    DayUsage, HourOfWeek, Media, MediaSet, Money, Month, Peak, Project, ProjectId, ProjectStatus,
    Service, UsageSource,
};
use crate::rating::{
    Assumption, Bill, BillLine, DayAllocation, LineAllocation, LineKind, Plan, ProjectAllocation,
    TotalRange, UnpricedUsage,
};

use super::{
    Background, COST_CENTRE_TAG, Correction, Coverage, Format, MissingDays, MonthReport, PastMonth,
    PreviousMonth, ReportOptions, UnitPrices,
};

pub(super) struct Sample {
    pub(super) bill: Bill,
    pub(super) usage: Vec<DayUsage>,
    pub(super) projects: Vec<Project>,
    pub(super) coverage: Coverage,
    pub(super) background: Background,
    pub(super) adjustments: Vec<AppliedAdjustment>,
}

impl Sample {
    /// A bill without lines, projects or usage.
    pub(super) fn empty() -> Self {
        let currency = Currency::from_code("USD").expect("known");
        let nothing = Money { minor_units: 0, currency };
        let bill = Bill {
            account: AccountId::new("default").expect("valid"),
            month: Month::parse("2031-03").expect("valid"),
            currency,
            plan: Plan::Tiered,
            book_name: "list-2021".to_owned(),
            book_sha256: "00ff".to_owned(),
            lines: Vec::new(),
            charges: Vec::new(),
            exact_total: ratio(0, 1),
            total: nothing,
            range: TotalRange::only(nothing),
            unpriced: Vec::new(),
            assumptions: Vec::new(),
            projects: Vec::new(),
            unallocated: nothing,
        };
        let coverage = Coverage { complete: true, ..Coverage::default() };
        let background = Background::default();
        let (usage, projects, adjustments) = (Vec::new(), Vec::new(), Vec::new());
        Self { bill, usage, projects, coverage, background, adjustments }
    }

    /// 26 minutes of HD for 0.10374, split over B, a (which costs less) and one unlisted project.
    pub(super) fn c33() -> Self {
        let mut sample = Self::empty();
        sample.bill.lines.push(BillLine {
            service: Service::Rtc,
            kind: LineKind::Usage,
            media: Media::Hd,
            tier: 1,
            seconds: Some(1_560),
            minutes: 26,
            free_minutes: 0,
            billable_minutes: 26,
            coefficient: None,
            unit_price_per_1000: ratio(399, 100),
            amount: ratio(10_374, 100_000),
        });
        sample.bill.exact_total = ratio(10_374, 100_000);
        for (id, cents) in [("a", 3), ("B", 4), ("unlisted", 3)] {
            sample.use_hd(id, "2031-03-02", 520, cents);
        }
        sample.list("a", "Talk", ProjectStatus::Active);
        sample.list("B", "Talk", ProjectStatus::Deleted);
        sample.list("idle", "", ProjectStatus::Disabled);
        sample
    }

    /// [`Sample::c33`] with a past, prices, a cost centre, corrections and occupancy.
    pub(super) fn surrounded() -> Self {
        let mut sample = Self::c33();
        let mut previous = Self::empty();
        previous.bill.month = Month::parse("2031-02").expect("valid");
        previous.use_hd("a", "2031-02-03", 1_560, 10);
        previous.bill.lines.clone_from(&sample.bill.lines);
        previous.bill.lines[0].minutes = 20;
        previous.bill.lines[0].billable_minutes = 20;
        previous.bill.lines[0].amount = ratio(798, 10_000);
        previous.bill.exact_total = ratio(798, 10_000);
        previous.bill.total.minor_units = 8;
        previous.bill.projects[0].cost_minor_units = 8;
        previous.bill.projects[0].days[0].lines[0].cost_micro_units = 80_000;
        let mut cost_micro_units = [0; Media::COUNT];
        cost_micro_units[Media::Hd.index()] = 80_000;
        let background = &mut sample.background;
        background.past_months.push(PastMonth {
            month: previous.bill.month,
            total: previous.bill.total,
            cost_micro_units,
            status: Some(BillStatus::Complete),
        });
        background.previous = Some(PreviousMonth { bill: previous.bill, adjustments: Vec::new() });
        let prices = UnitPrices { list: ratio(399, 100), contracted: ratio(399, 100) };
        background.unit_prices.insert((Service::Rtc, Media::Hd), prices);
        let a = ProjectId::new("a").expect("valid");
        let tag = (COST_CENTRE_TAG.to_owned(), "R&D".to_owned());
        background.tags.insert(a.clone(), [tag].into());
        background.budget = Some(Money { minor_units: 12, ..sample.bill.total });
        background.corrections.push(Correction {
            project_id: a.clone(),
            service: Service::Rtc,
            day: day("2031-03-02"),
            media: Media::Hd,
            before_seconds: Some(500),
            after_seconds: Some(520),
            observed_at: DateTime::UNIX_EPOCH,
        });
        background.occupancy.hours.push(HourOfWeek {
            weekday: 0,
            hour: 13,
            milli_users: 2_500,
            observed_hours: 4,
        });
        let peak = Peak { project_id: a, users: 7, channels: 2, at: DateTime::UNIX_EPOCH };
        background.occupancy.peaks.push(peak);
        sample
    }

    /// A month with a hole, a media without a price and an id that is no file name.
    pub(super) fn incomplete() -> Self {
        let mut sample = Sample::empty();
        sample.use_hd("a/b", "2031-03-02", 520, 10);
        sample.balance();
        sample.bill.assumptions.push(Assumption {
            key: "tier_fill",
            value: "cheapest_first".to_owned(),
            text: "Audio fills the discount tiers first.".to_owned(),
            range: TotalRange { low: sample.bill.total, high: cents(12) },
        });
        sample.bill.range = TotalRange { low: sample.bill.total, high: cents(12) };
        sample.bill.unpriced.push(UnpricedUsage {
            service: Service::Rtc,
            field: "durationVideo8K".to_owned(),
            seconds: 60,
        });
        sample.coverage.complete = false;
        sample.coverage.covered_to = Some(day("2031-03-02"));
        sample.coverage.absent_cells = 28;
        sample.coverage.missing_days.push(MissingDays {
            project_id: Some(ProjectId::new("a/b").expect("valid")),
            service: Service::Rtc,
            days: vec![DateRange::new(day("2031-03-03"), day("2031-03-04")).expect("range")],
            reason: "answered 500".to_owned(),
        });
        sample
    }

    /// A charge of 5.00 of the whole account, and a month before that costs 1.50 with a credit of 1.00.
    pub(super) fn surround_with_adjustments(&mut self) {
        let applied = |cents: i128, month| AppliedAdjustment {
            adjustment: Adjustment {
                adjustment_id: 1,
                month,
                amount: self::cents(cents),
                scope: AdjustmentScope::Account,
                reason: "an outage".to_owned(),
            },
            shares: Vec::new(),
            unallocated: cents,
        };
        let mut previous = Self::empty();
        previous.bill.month = self.bill.month.previous();
        previous.use_hd("a/b", "2031-02-03", 1_560, 150);
        previous.balance();
        let adjustments = vec![applied(-100, previous.bill.month)];
        self.background.previous = Some(PreviousMonth { bill: previous.bill, adjustments });
        self.adjustments.push(applied(500, self.bill.month));
    }

    /// Adds a charge or credit of a project, or of nobody for an empty id.
    pub(super) fn adjust(&mut self, id: &str, cents: i128) {
        let project = ProjectId::new(id).ok();
        let shares: Vec<_> = project.into_iter().map(|project| (project, cents)).collect();
        let unallocated = if shares.is_empty() { cents } else { 0 };
        let adjustment = Adjustment {
            adjustment_id: 1,
            month: self.bill.month,
            amount: self::cents(cents),
            scope: AdjustmentScope::Account,
            reason: "an outage".to_owned(),
        };
        self.adjustments.push(AppliedAdjustment { adjustment, shares, unallocated });
    }

    /// Adds a project to the list.
    pub(super) fn list(&mut self, id: &str, name: &str, status: ProjectStatus) {
        self.projects.push(Project {
            project_id: ProjectId::new(id).expect("valid"),
            name: name.to_owned(),
            app_id: None,
            status,
            created_at: None,
            has_certificate: false,
            recording_server: None,
        });
    }

    /// Adds a day of HD usage and its cost, to the total also.
    pub(super) fn use_hd(&mut self, id: &str, day_text: &str, seconds: i64, cents: i128) {
        let project_id = ProjectId::new(id).expect("valid");
        let mut row = day_usage(&project_id, day(day_text), Service::Rtc);
        row.seconds[Media::Audio.index()] = Some(0);
        row.seconds[Media::Hd.index()] = Some(seconds);
        self.usage.push(row);
        let cost_micro_units = cents * 10_000;
        let line = LineAllocation { service: Service::Rtc, media: Media::Hd, cost_micro_units };
        self.bill.projects.push(ProjectAllocation {
            project_id,
            cost_minor_units: cents,
            days: vec![DayAllocation { day: day(day_text), cost_micro_units, lines: vec![line] }],
        });
        self.bill.projects.sort_by(|one, other| one.project_id.cmp(&other.project_id));
        self.bill.total.minor_units += cents;
    }

    /// Makes the exact total equal the total, with one line that says so.
    pub(super) fn balance(&mut self) {
        let minor_units = i64::try_from(self.bill.total.minor_units).expect("small");
        let amount = ratio(minor_units, 10_i64.pow(self.bill.currency.minor_unit_digits()));
        self.bill.exact_total = amount.clone();
        self.bill.lines = vec![BillLine {
            service: Service::Rtc,
            kind: LineKind::Usage,
            media: Media::Hd,
            tier: 1,
            seconds: None,
            minutes: 0,
            free_minutes: 0,
            billable_minutes: 0,
            coefficient: None,
            unit_price_per_1000: ratio(399, 100),
            amount,
        }];
    }

    pub(super) fn report(&self) -> MonthReport<'_> {
        MonthReport {
            bill: &self.bill,
            usage: &self.usage,
            projects: &self.projects,
            coverage: self.coverage.clone(),
            adjustments: &self.adjustments,
            closed: None,
            background: &self.background,
        }
    }
}

fn cents(minor_units: i128) -> Money {
    Money { minor_units, currency: Currency::from_code("USD").expect("known") }
}

pub(super) fn ratio(numerator: i64, denominator: i64) -> BigRational {
    BigRational::new(BigInt::from(numerator), BigInt::from(denominator))
}

pub(super) fn day(text: &str) -> NaiveDate {
    parse_day(text).expect("valid")
}

pub(super) fn day_usage(project_id: &ProjectId, day: NaiveDate, service: Service) -> DayUsage {
    DayUsage {
        project_id: project_id.clone(),
        service,
        day,
        source: UsageSource::V3,
        seconds: [None; Media::COUNT],
        extra_seconds: BTreeMap::new(),
        missing: MediaSet::EMPTY,
    }
}

/// CSV and Parquet, no byte order mark, protected names.
pub(super) fn options(out: &Path) -> ReportOptions {
    ReportOptions {
        formats: ["csv", "parquet"].into_iter().filter_map(Format::from_name).collect(),
        breakdowns: Vec::new(),
        out: out.to_owned(),
        byte_order_mark: false,
        raw: false,
        generated_at: DateTime::UNIX_EPOCH,
    }
}
