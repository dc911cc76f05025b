//! What a month that is not over will cost.
//!
//! Owns the forecast of a bill: the known days as they are, the days to come
//! from each project's own pattern, rated together. Knows no budget.
//!
//! The expected total and the costs of projects come from one rated month, so
//! that they sum. The range comes from the account's series, one a service and
//! media, since the ups and downs of projects cancel out in part: every line at
//! its low end and every line at its high end, rated.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use super::pattern::{LEAST_KNOWN_DAYS, Pattern};
use super::series::{SeriesKey, UnknownDays, UsageSeries, history};
use crate::domain::{
    AccountId, DateRange, DayUsage, Media, MediaSet, Money, Month, ProjectId, Service, UsageSource,
};
use crate::rating::{Bill, BillLine, ChargeKind, PriceBook, RatingError, rate_by_the_book};

/// What a forecast is made from.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Whose month.
    pub account: &'a AccountId,
    /// The newest day that can be known: yesterday, or an earlier day to look back from.
    pub last_day: NaiveDate,
    /// Usage of the eight weeks up to it and of its month.
    pub usage: &'a [DayUsage],
    /// Days of those that are not known.
    pub unknown: &'a [UnknownDays],
    /// Prices.
    pub book: &'a PriceBook,
}

/// What can be said of a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outlook {
    /// Too little is known to foretell anything.
    NotEnoughData {
        /// What is rated so far.
        to_date: Box<Bill>,
        /// Known days of the longest line; below 21.
        known_days: usize,
        /// The days of the month so far.
        days: RunningDays,
    },
    /// The month to come.
    Forecast(Box<MonthForecast>),
}

impl Outlook {
    /// The known days, rated.
    #[must_use]
    pub fn to_date(&self) -> &Bill {
        match self {
            Self::NotEnoughData { to_date, .. } => to_date,
            Self::Forecast(forecast) => &forecast.to_date,
        }
    }

    /// The month day by day, as far as anything can be said of it.
    #[must_use]
    pub const fn days(&self) -> &RunningDays {
        match self {
            Self::NotEnoughData { days, .. } => days,
            Self::Forecast(forecast) => &forecast.days,
        }
    }

    /// The month to come, where enough is known.
    #[must_use]
    pub fn forecast(&self) -> Option<&MonthForecast> {
        match self {
            Self::NotEnoughData { .. } => None,
            Self::Forecast(forecast) => Some(forecast),
        }
    }
}

/// The expected end of a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthForecast {
    /// Which month.
    pub month: Month,
    /// Newest day that is known.
    pub last_day: NaiveDate,
    /// The known days, rated: the running total.
    pub to_date: Bill,
    /// Known days and days to come, rated.
    pub expected: Bill,
    /// Lower end of the range.
    pub low: Money,
    /// Upper end of the range.
    pub high: Money,
    /// Every project of the expected bill, by its id.
    pub projects: Vec<ProjectForecast>,
    /// Change of the account's use from week to week, in millionths, of the line that costs most.
    pub weekly_change_millionths: i64,
    /// Known days of the eight weeks before, of the longest line; at least 21.
    pub known_days: usize,
    /// Every day of the month.
    pub days: RunningDays,
}

/// A month day by day: known days, and those to come where they are foretold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunningDays {
    /// First day of the month on which minutes are billed; none when the free
    /// ones last. A day up to the newest known one has been reached.
    pub first_billed_day: Option<NaiveDate>,
    /// The account's total and each project's cost if the month ended with a
    /// day, in minor units; by day.
    pub totals: Vec<RunningTotal>,
}

/// A project's part of the forecast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectForecast {
    /// The project.
    pub project_id: ProjectId,
    /// Its part of the running total.
    pub to_date: Money,
    /// Its part of the expected total.
    pub expected: Money,
}

/// The bill if the month ended with a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningTotal {
    /// The day.
    pub day: NaiveDate,
    /// In minor units.
    pub total_minor_units: i128,
    /// Of each project, in minor units.
    pub project_minor_units: BTreeMap<ProjectId, i128>,
}

/// Foretells the month of `last_day`; on its last day there is nothing left to foretell.
///
/// # Errors
/// [`RatingError`] where the usage cannot be rated.
pub fn forecast(known: Known<'_>) -> Result<Outlook, RatingError> {
    let next_day = known.last_day.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX);
    let month = Month::of(known.last_day);
    let of_month = |row: &&DayUsage| month.days().contains(row.day) && row.day <= known.last_day;
    let past: Vec<DayUsage> = known.usage.iter().filter(of_month).cloned().collect();
    let rated =
        |usage: &[DayUsage]| rate_by_the_book(known.account, month, usage, known.book).map(|r| r.0);
    let to_date = rated(&past)?;
    let to_come = DateRange::new(next_day, month.last_day()).ok();
    let series =
        history(known.last_day).map(|range| UsageSeries::of(range, known.usage, known.unknown));
    // What has happened can be told, however little is known of what comes.
    let not_enough = |to_date: Bill, known_days| {
        let days = running(&known, month, known.last_day, &past)?;
        Ok(Outlook::NotEnoughData { to_date: Box::new(to_date), known_days, days })
    };
    let Some(series) = series else { return not_enough(to_date, 0) };
    let lines = LinePatterns::of(&series, to_come);
    if to_come.is_some() && lines.known_days < LEAST_KNOWN_DAYS {
        return not_enough(to_date, lines.known_days);
    }
    let expected_cells = cells_to_come(&known, &series, month, to_come);
    let together = |cells: Vec<DayUsage>| [past.clone(), cells].concat();
    let expected = rated(&together(expected_cells.clone()))?;
    let low = rated(&together(lines.at_end(&expected_cells, false)))?.total;
    let high = rated(&together(lines.at_end(&expected_cells, true)))?.total;
    let days = running(&known, month, month.last_day(), &together(expected_cells))?;
    let least = |a: Money, b: Money| if a.minor_units <= b.minor_units { a } else { b };
    let most = |a: Money, b: Money| if a.minor_units >= b.minor_units { a } else { b };
    Ok(Outlook::Forecast(Box::new(MonthForecast {
        month,
        last_day: known.last_day,
        projects: projects(&to_date, &expected),
        low: least(least(low, high), expected.total),
        high: most(most(low, high), expected.total),
        weekly_change_millionths: lines.change_of_dearest(&expected),
        known_days: lines.known_days,
        days,
        to_date,
        expected,
    })))
}

/// The patterns of the account's lines over the days to come.
struct LinePatterns {
    spread_millionths: BTreeMap<(Service, Media), i64>,
    weekly_change_millionths: BTreeMap<(Service, Media), i64>,
    known_days: usize,
}

impl LinePatterns {
    fn of(series: &UsageSeries, to_come: Option<DateRange>) -> Self {
        let days = usize::try_from(to_come.map_or(0, DateRange::day_count)).unwrap_or(0);
        let mut patterns = Self {
            spread_millionths: BTreeMap::new(),
            weekly_change_millionths: BTreeMap::new(),
            known_days: 0,
        };
        for (line, values) in series.of_account() {
            patterns.known_days = patterns.known_days.max(values.iter().flatten().count());
            let Some(pattern) = Pattern::of(&series.daily(&values)) else { continue };
            let spread = pattern.predict(days).spread_millionths;
            patterns.spread_millionths.insert(line, spread);
            patterns.weekly_change_millionths.insert(line, pattern.weekly_change_millionths());
        }
        patterns
    }

    /// A line without a pattern may be anything from nothing to twice as much.
    fn at_end(&self, cells: &[DayUsage], is_high: bool) -> Vec<DayUsage> {
        const ONE: i128 = 1_000_000;
        let mut cells = cells.to_vec();
        for cell in &mut cells {
            for media in Media::ALL {
                let Some(seconds) = &mut cell.seconds[media.index()] else { continue };
                let spread = self.spread_millionths.get(&(cell.service, media));
                let spread = spread.map_or(ONE, |spread| i128::from(*spread));
                let factor = if is_high { ONE + spread } else { (ONE - spread).max(0) };
                *seconds = i64::try_from(i128::from(*seconds) * factor / ONE).unwrap_or(i64::MAX);
            }
        }
        cells
    }

    fn change_of_dearest(&self, bill: &Bill) -> i64 {
        let dearest = bill.lines.iter().max_by(|a, b| a.amount.cmp(&b.amount));
        let change = dearest.and_then(|line| {
            self.weekly_change_millionths.get(&(line.service, line.media)).copied()
        });
        change.unwrap_or(0)
    }
}

/// Each project's days to come, from its own pattern; a project that is too new
/// for one goes on with the mean of its days. A day of the month that is not
/// known is taken to be as the same weekday of the week to come.
fn cells_to_come(
    known: &Known<'_>,
    series: &UsageSeries,
    month: Month,
    to_come: Option<DateRange>,
) -> Vec<DayUsage> {
    let days: Vec<NaiveDate> = to_come.into_iter().flat_map(DateRange::days).collect();
    let mut cells: BTreeMap<(&ProjectId, Service, NaiveDate), [Option<i64>; Media::COUNT]> =
        BTreeMap::new();
    for (SeriesKey { project_id, service, media }, values) in &series.by_key {
        let pattern = Pattern::of(&series.daily(values));
        let foretold = |days: usize| {
            let mean = || vec![mean(values); days];
            pattern.as_ref().map_or_else(mean, |pattern| pattern.predict(days).daily_seconds)
        };
        let week = foretold(7);
        let holes = known
            .unknown
            .iter()
            .filter(|hole| hole.project_id == *project_id && hole.service == *service);
        let holes = holes.filter_map(|hole| hole.range.intersection(month.days()));
        let past = holes.flat_map(DateRange::days).filter(|day| *day <= known.last_day);
        let as_weekday = |day: NaiveDate| {
            let ahead = ((day - known.last_day).num_days() - 1).rem_euclid(7);
            (day, week[usize::try_from(ahead).unwrap_or(0)])
        };
        let coming = days.iter().copied().zip(foretold(days.len()));
        for (day, seconds) in past.map(as_weekday).chain(coming) {
            let cell = cells.entry((project_id, *service, day)).or_default();
            cell[media.index()] = Some(seconds);
        }
    }
    // A day of which a part is stored counts as it is.
    let is_stored = |(project_id, service, day): &(&ProjectId, Service, NaiveDate)| {
        *day <= known.last_day
            && known.usage.iter().any(|row| {
                row.day == *day && row.service == *service && row.project_id == **project_id
            })
    };
    cells.retain(|cell, _| !is_stored(cell));
    let usage = |((project_id, service, day), seconds): ((&ProjectId, _, _), _)| DayUsage {
        project_id: project_id.clone(),
        service,
        day,
        source: UsageSource::V3,
        seconds,
        extra_seconds: BTreeMap::new(),
        missing: MediaSet::EMPTY,
    };
    cells.into_iter().map(usage).collect()
}

fn mean(values: &[Option<i64>]) -> i64 {
    let sum: i128 = values.iter().flatten().map(|seconds| i128::from(*seconds)).sum();
    let count = i128::try_from(values.iter().flatten().count()).unwrap_or(1).max(1);
    i64::try_from(sum / count).unwrap_or(i64::MAX)
}

fn projects(to_date: &Bill, expected: &Bill) -> Vec<ProjectForecast> {
    let money = |minor_units| Money { minor_units, currency: expected.currency };
    let so_far: BTreeMap<&ProjectId, i128> =
        to_date.projects.iter().map(|p| (&p.project_id, p.cost_minor_units)).collect();
    let of = |project: &crate::rating::ProjectAllocation| ProjectForecast {
        project_id: project.project_id.clone(),
        to_date: money(so_far.get(&project.project_id).copied().unwrap_or(0)),
        expected: money(project.cost_minor_units),
    };
    expected.projects.iter().map(of).collect()
}

/// The bill if the month ended with each day up to `last`.
fn running(
    known: &Known<'_>,
    month: Month,
    last: NaiveDate,
    usage: &[DayUsage],
) -> Result<RunningDays, RatingError> {
    let mut days = RunningDays::default();
    for day in month.days().days().take_while(|day| *day <= last) {
        let until: Vec<DayUsage> = usage.iter().filter(|row| row.day <= day).cloned().collect();
        let (bill, _) = rate_by_the_book(known.account, month, &until, known.book)?;
        if days.first_billed_day.is_none() && is_beyond_what_is_included(&bill, known.book) {
            days.first_billed_day = Some(day);
        }
        let of = |p: crate::rating::ProjectAllocation| (p.project_id, p.cost_minor_units);
        days.totals.push(RunningTotal {
            day,
            total_minor_units: bill.total.minor_units,
            project_minor_units: bill.projects.into_iter().map(of).collect(),
        });
    }
    Ok(days)
}

/// Whether minutes are paid for beyond those that are free or bought in advance.
/// Never for a plan that includes nothing, nor for usage that it never includes:
/// there the first day is no news.
fn is_beyond_what_is_included(bill: &Bill, book: &PriceBook) -> bool {
    let has = |kind| bill.charges.iter().any(|charge| charge.kind == kind);
    if has(ChargeKind::Package) {
        return has(ChargeKind::Overage);
    }
    let is_included =
        |line: &BillLine| book.free_order().contains(&(line.service, line.kind, line.media));
    book.free_minutes > 0
        && (has(ChargeKind::Overage)
            || bill.lines.iter().any(|line| line.billable_minutes > 0 && is_included(line)))
}

#[cfg(test)]
pub(super) mod testing;

#[cfg(test)]
mod tests;
