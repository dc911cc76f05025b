//! The search for the causes that explain the most with the least.

use std::collections::BTreeMap;

use num_rational::BigRational;
use num_traits::Zero;

use super::fit::{Fit, LEAST_SOLVED_COST, Target, plain_fit, solved_fit};
use super::minutes::{MinuteSearch, TakenFor, UsageCandidate};
use super::month_usage::{MINUTE_SECONDS, MonthSeconds, MonthUsage, SdReading};
use super::summed::Rater;
use super::{Explanation, waterfall};
use crate::domain::{Media, ProjectId, Service};
use crate::rating::{Bill, PriceBook, RatingError};
use crate::reconcile::amounts::{Amounts, Line};
use crate::reconcile::book_readings::{self, Axis, Choice};
use crate::reconcile::difference::{Estimate, adjusted};
use crate::reconcile::{Facts, Invoice};

/// Readings of a book that are tried together at most, without and with solved figures.
const MAX_READINGS: [usize; 2] = [3, 2];

/// A reading of the price book: a choice of some axes.
pub(super) type BookReading<'a> = Vec<(&'a Axis, &'a Choice)>;

/// How a book fits the amounts.
type FitOf = fn(Rater<'_>, &MonthSeconds, &PriceBook, &Target) -> Result<Fit, RatingError>;

/// What was found.
#[derive(Default)]
pub(super) struct Found<'a> {
    pub(super) usage: UsageCandidate,
    pub(super) readings: BookReading<'a>,
    pub(super) fit: Fit,
    /// Not before anything was tried.
    is_tried: bool,
}

impl Found<'_> {
    fn rank(&self) -> (usize, usize, usize, BigRational) {
        let missed = self.usage.unexplained() + self.fit.missed;
        let taken = self.usage.taken.len() + self.fit.solved.prices.len();
        let cost = self.usage.cost() + self.readings.len() + self.fit.cost;
        (missed, cost, taken, self.fit.residual.clone())
    }

    /// Whether nothing with these at least can be better.
    fn is_better_than(&self, missed: usize, least_cost: usize) -> bool {
        let (own_missed, own_cost, _, _) = self.rank();
        self.is_tried && own_missed <= missed && own_cost <= least_cost
    }

    fn replace_by(&mut self, other: Self) {
        if !self.is_tried || other.rank() < self.rank() {
            *self = other;
        }
    }
}

/// Everything that is compared.
pub(super) struct Sides<'a> {
    pub(super) facts: &'a Facts<'a>,
    pub(super) month: MonthUsage<'a>,
    pub(super) invoice: &'a Invoice,
    /// The invoice's amounts by line, with the rounding of their sum.
    pub(super) invoiced: Amounts,
    pub(super) estimate: Estimate,
    pub(super) target: Target,
}

/// Explains what the invoice has more than the bill.
pub(in crate::reconcile) fn explain(
    facts: &Facts<'_>,
    bill: &Bill,
    invoice: &Invoice,
) -> Result<Explanation, RatingError> {
    let invoiced = invoice.amounts(bill.currency);
    let sides = Sides {
        facts,
        month: MonthUsage::new(facts.usage, facts.superseded, facts.now),
        invoice,
        target: target(invoice, &invoiced, bill),
        invoiced,
        estimate: Estimate::of(bill, facts.adjustments),
    };
    // Sums are nobody's: any id does.
    let nobody = facts.usage.first().map(|cell| cell.project_id.clone());
    let Some(nobody) = nobody.or_else(|| ProjectId::new("none").ok()) else {
        return Ok(Explanation { causes: Vec::new(), unexplained: Amounts::default() });
    };
    let rater = Rater {
        account: facts.account,
        month: facts.month,
        project_id: &nobody,
        adjustments: adjusted(bill, facts.adjustments),
    };
    let axes = book_readings::axes(facts.book);
    let found = sides.search(rater, &axes)?;
    waterfall::explanation(&sides, rater, &found)
}

/// The invoice's metered amounts, with as many places as the longest of them has.
fn target(invoice: &Invoice, invoiced: &Amounts, bill: &Bill) -> Target {
    let metered = invoice.rows.iter().filter(|row| row.line.is_metered());
    let places = metered.map(|row| decimal_places(&row.amount));
    Target {
        amounts: invoiced.metered().map(|(line, amount)| (line, amount.clone())).collect(),
        digits: places.fold(bill.currency.minor_unit_digits(), u32::max),
    }
}

pub(super) fn decimal_places(amount: &BigRational) -> u32 {
    let ten = BigRational::from_integer(10.into());
    let mut scaled = amount.clone();
    let mut places = 0;
    while !scaled.is_integer() && places < crate::rating::LINE_SCALE {
        scaled *= &ten;
        places += 1;
    }
    places
}

impl Sides<'_> {
    fn search<'a>(&self, rater: Rater<'_>, axes: &'a [Axis]) -> Result<Found<'a>, RatingError> {
        let all = [TakenFor::MissingDays, TakenFor::DayMinutes, TakenFor::Nothing];
        let counted: Vec<(UsageCandidate, MonthSeconds)> = self
            .minute_search()
            .candidates()
            .into_iter()
            .map(|usage| {
                let mut seconds = self.month.seconds(&usage.reading);
                usage.apply(&mut seconds, &all);
                (usage, seconds)
            })
            .collect();
        // Discounts that the month cannot reach are not tried.
        let minutes = counted.iter().map(|(_, seconds)| most_minutes(seconds)).max().unwrap_or(0);
        let axes: Vec<&Axis> = axes.iter().filter(|axis| axis.is_about(minutes)).collect();
        let mut best = Found::default();
        // Rules alone are tried before figures that are taken from the invoice.
        let ways: [(FitOf, usize); 2] = [(plain_fit, 0), (solved_fit, LEAST_SOLVED_COST)];
        for ((fit_of, solved_cost), most_readings) in ways.into_iter().zip(MAX_READINGS) {
            for readings in &book_readings_of(&axes, most_readings) {
                let is_settled = |best: &Found<'_>, usage: &UsageCandidate| {
                    let least_cost = usage.cost() + readings.len() + solved_cost;
                    best.is_better_than(usage.unexplained(), least_cost)
                };
                if counted.iter().all(|(usage, _)| is_settled(&best, usage)) {
                    continue;
                }
                let choices: Vec<&Choice> = readings.iter().map(|(_, choice)| *choice).collect();
                let Some(book) = read_book(self.facts.book, &choices) else { continue };
                for (usage, seconds) in &counted {
                    if is_settled(&best, usage) {
                        continue;
                    }
                    let fit = fit_of(rater, seconds, &sd_book(&book, usage), &self.target)?;
                    best.replace_by(Found {
                        usage: usage.clone(),
                        readings: readings.clone(),
                        fit,
                        is_tried: true,
                    });
                }
            }
        }
        Ok(best)
    }

    fn minute_search(&self) -> MinuteSearch<'_> {
        let mut stated = self.invoice.minutes();
        // A line that costs something and is not on the invoice has no minutes there.
        for (service, media) in self.estimate.minutes.keys() {
            let line = Line::Usage(*service, *media);
            if !self.invoice.has(line) && !self.estimate.amounts.get(line).is_zero() {
                stated.insert((*service, *media), BigRational::zero());
            }
        }
        MinuteSearch {
            month: &self.month,
            book: self.facts.book,
            gaps: self.facts.gaps,
            has_unstated: self.estimate.minutes.keys().any(|line| !stated.contains_key(line)),
            has_sd_line: Service::ALL
                .iter()
                .any(|service| self.invoice.has(Line::Usage(*service, Media::Sd))),
            stated,
        }
    }
}

/// The minutes of all lines, each rounded up.
fn most_minutes(seconds: &MonthSeconds) -> u128 {
    seconds.iter().flatten().map(|seconds| seconds.div_ceil(u128::from(MINUTE_SECONDS))).sum()
}

/// The book with a line for SD, where the way of counting has one.
pub(super) fn sd_book(book: &PriceBook, usage: &UsageCandidate) -> PriceBook {
    let apart = usage.reading.sd == SdReading::Apart;
    let apart = apart.then(|| book_readings::with_sd_apart(book)).flatten();
    apart.unwrap_or_else(|| book.clone())
}

/// The book as read; none where the readings do not go together.
pub(super) fn read_book(book: &PriceBook, choices: &[&Choice]) -> Option<PriceBook> {
    if choices.is_empty() { Some(book.clone()) } else { book_readings::apply(book, choices) }
}

/// Every reading of at most so many axes, the simplest first.
fn book_readings_of<'a>(axes: &[&'a Axis], most: usize) -> Vec<BookReading<'a>> {
    let mut by_number: BTreeMap<usize, Vec<BookReading<'_>>> = BTreeMap::new();
    by_number.insert(0, vec![Vec::new()]);
    for axis in axes {
        for number in (0..most).rev() {
            let smaller = by_number.get(&number).cloned().unwrap_or_default();
            for reading in smaller {
                by_number.entry(number + 1).or_default().extend(axis.choices.iter().map(
                    |choice| {
                        let mut more = reading.clone();
                        more.push((*axis, choice));
                        more
                    },
                ));
            }
        }
    }
    by_number.into_values().flatten().collect()
}
