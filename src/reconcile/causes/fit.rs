//! How well a price book leads to the invoice's amounts, and what would have to
//! differ besides: prices of single lines, or one percentage on all of them.

use std::collections::{BTreeMap, BTreeSet};

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

use super::month_usage::MonthSeconds;
use super::summed::Rater;
use crate::rating::price_book::PRICE_DECIMALS;
use crate::rating::{PriceBook, RatingError};
use crate::reconcile::amounts::{Line, rounded};
use crate::reconcile::book_readings::{list_price, with_price};

/// Decimal places that a percentage on the lines may have.
const PERCENT_DECIMALS: u32 = 2;

/// Solved prices change which minutes fill the tiers; after these rounds that has settled.
const SOLVING_ROUNDS: usize = 3;

/// A price is believed within this factor of the list price.
const MAX_PRICE_FACTOR: i32 = 20;

/// Decimal places of the list prices.
const LIST_PRICE_DECIMALS: u32 = 2;

/// Amounts of the lines that follow from minutes and prices.
pub(super) type UsageAmounts = BTreeMap<Line, BigRational>;

/// Prices for 1,000 minutes by line.
type Prices = BTreeMap<Line, BigRational>;

/// What is to be met.
#[derive(Debug, Clone)]
pub(in crate::reconcile) struct Target {
    /// The invoice's amounts of what follows from minutes and prices.
    pub(in crate::reconcile) amounts: UsageAmounts,
    /// Decimal places that the invoice's amounts have.
    pub(in crate::reconcile) digits: u32,
}

impl Target {
    /// Whether an exact amount is that of the invoice, which may round each line.
    pub(in crate::reconcile) fn is_met(&self, line: Line, amount: &BigRational) -> bool {
        rounded(amount, self.digits) == self.of(line)
    }

    fn of(&self, line: Line) -> BigRational {
        self.amounts.get(&line).cloned().unwrap_or_else(BigRational::zero)
    }

    /// Lines that these amounts do not meet.
    fn missed(&self, amounts: &UsageAmounts) -> BTreeSet<Line> {
        let lines: BTreeSet<_> = self.amounts.keys().chain(amounts.keys()).copied().collect();
        let amount = |line| amounts.get(&line).cloned().unwrap_or_else(BigRational::zero);
        lines.into_iter().filter(|line| !self.is_met(*line, &amount(*line))).collect()
    }

    fn residual(&self, amounts: &UsageAmounts) -> BigRational {
        let amount = |line| amounts.get(&line).cloned().unwrap_or_else(BigRational::zero);
        self.missed(amounts).into_iter().map(|line| (amount(line) - self.of(line)).abs()).sum()
    }
}

/// A price of the invoice that the book does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::reconcile) struct SolvedPrice {
    pub(in crate::reconcile) line: Line,
    /// For 1,000 minutes; none where the book has no price.
    pub(in crate::reconcile) listed: Option<BigRational>,
    /// For 1,000 minutes.
    pub(in crate::reconcile) price: BigRational,
}

/// What has to differ besides the book's readings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::reconcile) struct Solved {
    /// Per cent on all lines; 0 for none.
    pub(in crate::reconcile) percent: BigRational,
    pub(in crate::reconcile) prices: Vec<SolvedPrice>,
}

/// The least that solved figures cost.
pub(super) const LEAST_SOLVED_COST: usize = 2;

impl Solved {
    /// How much is supposed: figures that are taken from the invoice count more than a reading.
    fn cost(&self) -> usize {
        let prices = self.prices.len();
        2 * usize::from(!self.percent.is_zero()) + prices + usize::from(prices > 0)
    }
}

/// How a book fits.
#[derive(Debug, Clone, Default)]
pub(in crate::reconcile) struct Fit {
    pub(in crate::reconcile) solved: Solved,
    /// Lines that are not met.
    pub(in crate::reconcile) missed: usize,
    pub(in crate::reconcile) cost: usize,
    pub(in crate::reconcile) residual: BigRational,
}

/// How a book fits without anything else.
pub(super) fn plain_fit(
    rater: Rater<'_>,
    seconds: &MonthSeconds,
    book: &PriceBook,
    target: &Target,
) -> Result<Fit, RatingError> {
    let amounts = rater.usage_amounts(seconds, book)?;
    Ok(fit_of(Solved::default(), &amounts, target))
}

/// The best fit of a book with solved figures: fewest lines missed, then least supposed.
pub(super) fn solved_fit(
    rater: Rater<'_>,
    seconds: &MonthSeconds,
    book: &PriceBook,
    target: &Target,
) -> Result<Fit, RatingError> {
    let plain = rater.usage_amounts(seconds, book)?;
    let mut best = solve_prices(rater, seconds, book, target, Solved::default())?;
    for percent in common_percents(&plain, target) {
        let raised = with_percent(plain.clone(), &percent);
        let solved = Solved { percent, prices: Vec::new() };
        best = better(best, fit_of(solved.clone(), &raised, target));
        best = better(best, solve_prices(rater, seconds, book, target, solved)?);
    }
    Ok(best)
}

fn better(one: Fit, other: Fit) -> Fit {
    let rank = |fit: &Fit| (fit.missed, fit.cost, fit.residual.clone());
    if rank(&other) < rank(&one) { other } else { one }
}

fn fit_of(solved: Solved, amounts: &UsageAmounts, target: &Target) -> Fit {
    Fit {
        missed: target.missed(amounts).len(),
        cost: solved.cost(),
        residual: target.residual(amounts),
        solved,
    }
}

pub(super) fn with_percent(mut amounts: UsageAmounts, percent: &BigRational) -> UsageAmounts {
    for amount in amounts.values_mut() {
        *amount *= factor(percent);
    }
    amounts
}

fn factor(percent: &BigRational) -> BigRational {
    BigRational::one() + percent / BigRational::from_integer(100.into())
}

/// Percentages that at least two lines have in common, and that change them.
fn common_percents(amounts: &UsageAmounts, target: &Target) -> Vec<BigRational> {
    let hundred = BigRational::from_integer(100.into());
    let billed = || amounts.iter().filter(|(_, amount)| !amount.is_zero());
    let percents: BTreeSet<BigRational> = billed()
        .map(|(line, amount)| (target.of(*line) / amount - BigRational::one()) * &hundred)
        .map(|percent| rounded(&percent, PERCENT_DECIMALS))
        .filter(|percent| !percent.is_zero() && percent.abs() < hundred)
        .collect();
    let lines_with = |percent: &BigRational| {
        let met = |(line, amount): &(&Line, &BigRational)| {
            target.is_met(**line, &(*amount * factor(percent)))
        };
        billed().filter(met).count()
    };
    percents.into_iter().filter(|percent| lines_with(percent) >= 2).collect()
}

/// Solves the price of every line that is missed; a price that does not lead there is given up.
fn solve_prices(
    rater: Rater<'_>,
    seconds: &MonthSeconds,
    book: &PriceBook,
    target: &Target,
    mut solved: Solved,
) -> Result<Fit, RatingError> {
    let amounts_at = |prices: &Prices| {
        let priced =
            prices.iter().fold(book.clone(), |book, (line, price)| with_price(book, *line, price));
        let amounts = rater.usage_amounts(seconds, &priced)?;
        Ok::<_, RatingError>(with_percent(amounts, &solved.percent))
    };
    let listed = |line: Line| list_price(book, line);
    let mut prices = Prices::new();
    let mut amounts = amounts_at(&prices)?;
    // A line without a price, or at 0, is weighed with a trial price.
    for line in target.missed(&amounts) {
        if listed(line).is_none_or(|price| price.is_zero()) {
            prices.insert(line, BigRational::one());
        }
    }
    for _ in 0..SOLVING_ROUNDS {
        amounts = amounts_at(&prices)?;
        let missed = target.missed(&amounts);
        for line in &missed {
            let price = prices.get(line).cloned().or_else(|| listed(*line));
            let solved =
                price.and_then(|price| solve_price(&price, amounts.get(line)?, target, *line));
            let believed = solved.filter(|price| is_believed(price, listed(*line).as_ref()));
            prices.extend(believed.map(|price| (*line, price)));
        }
        if missed.is_empty() {
            break;
        }
    }
    let missed = target.missed(&amounts_at(&prices)?);
    prices.retain(|line, price| !missed.contains(line) && listed(*line).as_ref() != Some(price));
    amounts = amounts_at(&prices)?;
    solved.prices = prices
        .into_iter()
        .map(|(line, price)| SolvedPrice { line, listed: listed(line), price })
        .collect();
    Ok(fit_of(solved, &amounts, target))
}

/// The price with the fewest decimals at which the line's amount would be that of the
/// invoice, or one near it, which is tried.
fn solve_price(
    price: &BigRational,
    amount: &BigRational,
    target: &Target,
    line: Line,
) -> Option<BigRational> {
    if !amount.is_positive() {
        return None;
    }
    let half_unit = BigRational::new(1.into(), BigInt::from(10).pow(target.digits) * 2);
    let wanted = target.of(line);
    let [lowest, middle, highest] =
        [&wanted - &half_unit, wanted.clone(), wanted + half_unit].map(|it| it * price / amount);
    // Where discounted prices are rounded, an amount does not grow evenly with
    // its price, and the nearest list price is tried.
    shortest_between(&lowest, &middle, &highest)
        .or_else(|| Some(rounded(&middle, LIST_PRICE_DECIMALS)))
        .filter(|price| !price.is_negative())
}

/// Whether a price is near enough to that of the list; 0 is a line that is not charged.
fn is_believed(price: &BigRational, listed: Option<&BigRational>) -> bool {
    let factor = BigRational::from_integer(MAX_PRICE_FACTOR.into());
    let is_near = |listed: &BigRational| {
        listed.is_zero() || (*price <= listed * &factor && *listed <= price * &factor)
    };
    price.is_zero() || listed.is_none_or(is_near)
}

/// The decimal with the fewest places in a range, the nearest to its middle.
fn shortest_between(
    lowest: &BigRational,
    middle: &BigRational,
    highest: &BigRational,
) -> Option<BigRational> {
    let most = u32::try_from(PRICE_DECIMALS).unwrap_or(0);
    (0..=most)
        .map(|places| rounded(middle, places))
        .find(|price| !price.is_negative() && lowest <= price && price <= highest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::testing::exact;

    #[test]
    fn the_shortest_price_in_the_range_is_taken() {
        for (lowest, middle, highest, price) in [
            ("3.98", "3.9901", "4", Some("4")),
            ("3.98", "3.9901", "3.995", Some("3.99")),
            ("3.99001", "3.99002", "3.99004", None),
            ("-0.1", "0", "0.1", Some("0")),
        ] {
            let found = shortest_between(&exact(lowest), &exact(middle), &exact(highest));
            assert_eq!(found, price.map(exact), "{middle}");
        }
    }
}
