//! How a bill comes about, as steps with their inputs, so that anyone can do them again.
//!
//! Pure. Takes the finished bill and shows the arithmetic that leads to its
//! figures; where its own arithmetic leads elsewhere (a plan that splits
//! otherwise), it shows the figure without steps instead of a wrong reason.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use num_rational::BigRational;
use num_traits::{ToPrimitive, Zero};

use super::RatedMonth;
use crate::domain::{DayUsage, Media, ProjectId, Service};
use crate::rating::allocate::units_in_minor_unit;
use crate::rating::{BillLine, DayAllocation, LineAllocation};

/// Seconds of a line's media before they are joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceMinutes {
    /// As the API counts it.
    pub media: Media,
    /// Over all projects and days.
    pub seconds: u128,
    /// The seconds in minutes, rounded up once.
    pub minutes: u128,
}

/// The steps of one service and media over all its tiers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineSteps {
    /// Of which service.
    pub service: Service,
    /// As it is billed.
    pub media: Media,
    /// What was joined; empty where the line's minutes are not their sum.
    pub sources: Vec<SourceMinutes>,
    /// The lines of its tiers.
    pub tiers: Vec<BillLine>,
    /// Sum of the tiers' exact amounts.
    pub amount: BigRational,
    /// Seconds over which the amount is spread.
    pub seconds: u128,
}

/// How a part of a whole number of units was found by largest remainder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartStep {
    /// Exact cost that the part is in proportion to.
    pub exact_cost: BigRational,
    /// Exact part: total units x exact cost / sum of exact costs.
    pub exact_units: BigRational,
    /// Place among the remainders, from 1.
    pub rank: usize,
    /// Whether it got one of the units that were left.
    pub has_extra_unit: bool,
}

/// A part of a split, with its reason where that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<K> {
    /// Whose part.
    pub of: K,
    /// What it got.
    pub units: i128,
    /// How; none where the split goes by another rule than exact cost.
    pub step: Option<PartStep>,
}

/// A split of whole units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split<K> {
    /// What was split.
    pub total_units: i128,
    /// Units that were left for the largest remainders.
    pub units_left: i128,
    /// The parts, in the order that decides ties.
    pub parts: Vec<Part<K>>,
}

/// Exact cost of a second by service and media as the API counts it.
type SecondRates = BTreeMap<(Service, Media), BigRational>;

/// The steps from seconds to exact amounts, line by line.
#[must_use]
pub fn lines(month: &RatedMonth) -> Vec<LineSteps> {
    let mut seconds = BTreeMap::<(Service, Media), u128>::new();
    for cell in &month.usage.days {
        for (media, value) in known(cell) {
            *seconds.entry((cell.service, media)).or_default() += value;
        }
    }
    let mut tiers = BTreeMap::<(Service, Media), Vec<BillLine>>::new();
    for line in &month.bill.lines {
        tiers.entry((line.service, line.media)).or_default().push(line.clone());
    }
    let steps = tiers.into_iter().map(|((service, media), tiers)| {
        let joined = seconds
            .iter()
            .filter(|((of, source), _)| *of == service && month.book.billed_as(*source) == media);
        let source = |((_, media), seconds): (&(Service, Media), &u128)| SourceMinutes {
            media: *media,
            seconds: *seconds,
            minutes: seconds.div_ceil(60),
        };
        let sources: Vec<_> = joined.map(source).collect();
        let minutes: u128 = sources.iter().map(|source| source.minutes).sum();
        let is_sum = minutes == tiers.iter().map(|tier| tier.minutes).sum::<u128>();
        LineSteps {
            service,
            media,
            sources: if is_sum { sources } else { Vec::new() },
            amount: tiers.iter().map(|tier| &tier.amount).sum(),
            seconds: tiers.iter().filter_map(|tier| tier.seconds).sum(),
            tiers,
        }
    });
    steps.collect()
}

/// The split of the rated total over projects.
#[must_use]
pub fn projects(month: &RatedMonth) -> Split<ProjectId> {
    let rates = second_rates(month);
    let mut costs: BTreeMap<&ProjectId, BigRational> = BTreeMap::new();
    for cell in &month.usage.days {
        *costs.entry(&cell.project_id).or_insert_with(BigRational::zero) += cost(cell, &rates);
    }
    let parts = month.bill.projects.iter().map(|project| {
        let exact = costs.get(&project.project_id).cloned().unwrap_or_else(BigRational::zero);
        (project.project_id.clone(), project.cost_minor_units, exact)
    });
    split(month.bill.total.minor_units - month.bill.unallocated.minor_units, parts.collect())
}

/// The split of a project's cost over its days, in 1e-6 of the currency.
#[must_use]
pub fn days(month: &RatedMonth, project_id: &ProjectId) -> Option<Split<NaiveDate>> {
    let rates = second_rates(month);
    let project = month.bill.projects.iter().find(|project| project.project_id == *project_id)?;
    let of_day = |day: NaiveDate| {
        let cells = month.usage.days.iter();
        let cells = cells.filter(|cell| cell.project_id == *project_id && cell.day == day);
        cells.map(|cell| cost(cell, &rates)).sum::<BigRational>()
    };
    let parts = project.days.iter().map(|day| (day.day, day.cost_micro_units, of_day(day.day)));
    let total = project.cost_minor_units * units_in_minor_unit(month.bill.currency);
    Some(split(total, parts.collect()))
}

/// The split of a day's cost of a project over services and media, in 1e-6 of the currency.
#[must_use]
pub fn day_lines(
    month: &RatedMonth,
    project_id: &ProjectId,
    day: NaiveDate,
) -> Option<Split<(Service, Media)>> {
    let rates = second_rates(month);
    let project = month.bill.projects.iter().find(|project| project.project_id == *project_id)?;
    let allocation: &DayAllocation = project.days.iter().find(|of| of.day == day)?;
    let of_line = |line: &LineAllocation| {
        let cells = month.usage.days.iter().filter(|cell| {
            cell.project_id == *project_id && cell.day == day && cell.service == line.service
        });
        let seconds: u128 = cells
            .flat_map(known)
            .filter(|(media, _)| *media == line.media)
            .map(|(_, seconds)| seconds)
            .sum();
        let rate = rates.get(&(line.service, line.media)).cloned();
        rate.unwrap_or_else(BigRational::zero) * BigRational::from_integer(seconds.into())
    };
    let parts = allocation
        .lines
        .iter()
        .map(|line| ((line.service, line.media), line.cost_micro_units, of_line(line)));
    Some(split(allocation.cost_micro_units, parts.collect()))
}

/// What is known of a cell: media and seconds above 0.
fn known(cell: &DayUsage) -> impl Iterator<Item = (Media, u128)> {
    let values = Media::ALL.into_iter().zip(cell.seconds);
    values
        .map(|(media, value)| (media, u128::from(value.unwrap_or(0).unsigned_abs())))
        .filter(|(_, seconds)| *seconds > 0)
}

fn second_rates(month: &RatedMonth) -> SecondRates {
    let mut rates = SecondRates::new();
    for line in lines(month).iter().filter(|line| line.seconds > 0) {
        let rate = &line.amount / BigRational::from_integer(line.seconds.into());
        let joined =
            Media::ALL.into_iter().filter(|media| month.book.billed_as(*media) == line.media);
        rates.extend(joined.map(|media| ((line.service, media), rate.clone())));
    }
    rates
}

fn cost(cell: &DayUsage, rates: &SecondRates) -> BigRational {
    let costs = known(cell).filter_map(|(media, seconds)| {
        let rate = rates.get(&(cell.service, media))?;
        Some(rate * BigRational::from_integer(seconds.into()))
    });
    costs.sum()
}

/// Does a split again; parts are whose, what they got, and their exact cost.
fn split<K>(total_units: i128, parts: Vec<(K, i128, BigRational)>) -> Split<K> {
    let whole: BigRational = parts.iter().map(|(_, _, exact)| exact).sum();
    let size = BigRational::from_integer(total_units.abs().into());
    let exact_units: Vec<BigRational> = parts
        .iter()
        .map(
            |(_, _, exact)| {
                if whole.is_zero() { BigRational::zero() } else { &size * exact / &whole }
            },
        )
        .collect();
    let floor = |exact: &BigRational| exact.to_integer().to_i128().unwrap_or(i128::MAX);
    let floors: i128 = exact_units.iter().map(floor).sum();
    let units_left = if whole.is_zero() { 0 } else { total_units.abs() - floors };
    let mut order: Vec<usize> = (0..parts.len()).filter(|at| !parts[*at].2.is_zero()).collect();
    // Stable, so that on a tie the earlier part comes first.
    order.sort_by(|one, other| exact_units[*other].fract().cmp(&exact_units[*one].fract()));
    let mut ranks = vec![parts.len(); parts.len()];
    for (rank, at) in order.iter().enumerate() {
        ranks[*at] = rank + 1;
    }
    let has_extra = |at: usize| {
        !parts[at].2.is_zero() && i128::try_from(ranks[at]).is_ok_and(|rank| rank <= units_left)
    };
    let sign = if total_units < 0 { -1 } else { 1 };
    let agrees = parts.iter().enumerate().all(|(at, (_, units, _))| {
        *units == sign * (floor(&exact_units[at]) + i128::from(has_extra(at)))
    });
    let steps: Vec<Option<PartStep>> = parts
        .iter()
        .enumerate()
        .map(|(at, (_, _, exact_cost))| {
            agrees.then(|| PartStep {
                exact_cost: exact_cost.clone(),
                exact_units: exact_units[at].clone(),
                rank: ranks[at],
                has_extra_unit: has_extra(at),
            })
        })
        .collect();
    let parts = parts.into_iter().zip(steps);
    let parts = parts.map(|((of, units, _), step)| Part { of, units, step }).collect();
    Split { total_units, units_left: sign * units_left, parts }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(total: i128, parts: &[(&'static str, i128, i64)]) -> Split<&'static str> {
        let exact = |cost: i64| BigRational::from_integer(cost.into());
        split(total, parts.iter().map(|(of, units, cost)| (*of, *units, exact(*cost))).collect())
    }

    fn extra(split: &Split<&'static str>) -> Vec<&'static str> {
        let with_extra = split
            .parts
            .iter()
            .filter(|part| part.step.as_ref().is_some_and(|step| step.has_extra_unit));
        with_extra.map(|part| part.of).collect()
    }

    #[test]
    fn c33_the_unit_that_is_left_goes_to_the_smaller_id() {
        let found = of(10, &[("a", 4, 1), ("b", 3, 1), ("c", 3, 1)]);
        assert_eq!((found.units_left, extra(&found)), (1, vec!["a"]));
        let ranks: Vec<_> =
            found.parts.iter().filter_map(|part| Some(part.step.as_ref()?.rank)).collect();
        assert_eq!(ranks, [1, 2, 3]);
    }

    #[test]
    fn a_credit_is_split_as_its_absolute_value() {
        let found = of(-10, &[("a", -4, 1), ("b", -3, 1), ("c", -3, 1), ("idle", 0, 0)]);
        assert_eq!((found.units_left, extra(&found)), (-1, vec!["a"]));
    }

    #[test]
    fn a_split_by_another_rule_gets_no_reason() {
        let found = of(10, &[("a", 3, 1), ("b", 4, 1), ("c", 3, 1)]);
        assert!(found.parts.iter().all(|part| part.step.is_none()));
        assert_eq!(found.parts[1].units, 4);
    }
}
