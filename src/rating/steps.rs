//! The steps of rating, one after the other, and the bill that they make.
//!
//! Owns the order of the steps of both kinds of plans. Each step is a value with
//! its inputs, so that a bill can be explained; the same steps, with other
//! readings of the open points, give the range of the total. Rates only whole
//! months of one account.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Zero;

use super::allocate::{self, LineCost, ProjectAllocation};
use super::amount::{self, AMOUNT_SCALE, TOTAL_SCALE};
use super::bill::{Bill, BillLine, RatingError};
use super::charges::{self, Charge};
use super::minutes::{self, LineMinutes, Lines, MonthMinutes, StandardLine};
use super::price_book::{Plan, Readings};
use super::standard::{self, StandardMinutes};
use super::tiers::{self, TierShare};
use super::{PriceBook, TotalRange, assumptions, free_minutes, range};
use crate::domain::{AccountId, Currency, DayUsage, Money, Month};

/// Every step from seconds to the exact total.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RatingSteps {
    /// How the open points were read.
    pub readings: Readings,
    /// Sums of the month, rounded up once.
    pub month: MonthMinutes,
    /// What is billed as what, and what has no price.
    pub lines: Lines,
    /// Free minutes of each priced line.
    pub free_minutes: Vec<u128>,
    /// Minutes of the priced lines by tier, with price and amount.
    pub shares: Vec<TierShare>,
    /// How the standard minutes are paid; none under the month plans.
    pub standard: Option<StandardMinutes>,
    /// What is charged beside the lines.
    pub charges: Vec<Charge>,
    /// Sum of shares and charges.
    pub exact_total: BigRational,
}

/// Rates one month of one account and splits the bill over its projects.
///
/// The order of `usage` makes no difference.
///
/// # Errors
/// Usage that is negative, outside the month or there twice, and a total
/// that is outside 128-bit integers.
pub fn rate(
    account: &AccountId,
    month: Month,
    usage: &[DayUsage],
    book: &PriceBook,
) -> Result<Bill, RatingError> {
    rate_with_steps(account, month, usage, book).map(|(bill, _)| bill)
}

/// The same, with every step that led there.
///
/// # Errors
/// As [`rate`].
pub fn rate_with_steps(
    account: &AccountId,
    month: Month,
    usage: &[DayUsage],
    book: &PriceBook,
) -> Result<(Bill, RatingSteps), RatingError> {
    let (mut bill, steps) = rate_by_the_book(account, month, usage, book)?;
    let explored = range::explore(&steps, month, book, bill.total)?;
    bill.range = explored.range;
    bill.assumptions = assumptions::behind(&steps, &explored, book);
    Ok((bill, steps))
}

/// The bill by the readings of the book alone: without range and assumptions.
///
/// # Errors
/// As [`rate`].
pub fn rate_by_the_book(
    account: &AccountId,
    month: Month,
    usage: &[DayUsage],
    book: &PriceBook,
) -> Result<(Bill, RatingSteps), RatingError> {
    let cells = minutes::cells_in_order(month, usage)?;
    let steps = steps(minutes::sum_month(&cells), month, book);
    let total = money(&steps.exact_total, book.currency)?;
    let (projects, unallocated) =
        allocate::allocate(total, &line_costs(&steps, book), &cells, book);
    let bill = Bill {
        account: account.clone(),
        month,
        currency: book.currency,
        plan: book.plan,
        book_name: book.name.clone(),
        book_sha256: book.sha256.clone(),
        lines: bill_lines(&steps),
        charges: steps.charges.clone(),
        exact_total: steps.exact_total.clone(),
        total,
        range: TotalRange::only(total),
        assumptions: Vec::new(),
        unpriced: steps.lines.unpriced.clone(),
        projects,
        unallocated,
    };
    Ok((bill, steps))
}

/// Splits another total over the projects as the bill of this usage is split; the
/// second value is what no usage caused.
///
/// # Errors
/// As [`rate`].
pub fn split(
    total: Money,
    month: Month,
    usage: &[DayUsage],
    book: &PriceBook,
) -> Result<(Vec<ProjectAllocation>, Money), RatingError> {
    let cells = minutes::cells_in_order(month, usage)?;
    let steps = steps(minutes::sum_month(&cells), month, book);
    Ok(allocate::allocate(total, &line_costs(&steps, book), &cells, book))
}

/// Every step, with the readings of the book.
pub(super) fn steps(month_minutes: MonthMinutes, month: Month, book: &PriceBook) -> RatingSteps {
    let readings = book.readings();
    let lines = minutes::bill_lines(&month_minutes, book, &readings);
    let free = free_of(&lines.priced, book, &readings);
    let shares = tiers::fill(&lines.priced, &free, book, &readings);
    let standard = standard_of(&lines.standard, book, month);
    let mut charges = standard.as_ref().map(StandardMinutes::charges).unwrap_or_default();
    let usage: BigInt = shares.iter().map(|share| amount::units(&share.amount, AMOUNT_SCALE)).sum();
    let usage = usage + standard.as_ref().map_or(BigInt::ZERO, StandardMinutes::total_units);
    let settlement = charges::settle(&usage, &book.terms);
    let exact_total = amount::exact(settlement.total.clone(), TOTAL_SCALE);
    charges.extend(settlement.charges(&book.terms));
    RatingSteps {
        readings,
        month: month_minutes,
        lines,
        free_minutes: free,
        shares,
        standard,
        charges,
        exact_total,
    }
}

/// The exact total alone, by other readings, in units of [`TOTAL_SCALE`].
pub(super) fn total_units(
    month_minutes: &MonthMinutes,
    month: Month,
    book: &PriceBook,
    readings: &Readings,
) -> BigInt {
    let lines = minutes::bill_lines(month_minutes, book, readings);
    let free = free_of(&lines.priced, book, readings);
    let mut usage = tiers::total_units(&lines.priced, &free, book, readings);
    if let Some(standard) = standard_of(&lines.standard, book, month) {
        usage += standard.total_units();
    }
    charges::settle(&usage, &book.terms).total
}

/// Free minutes of the priced lines; under standard minutes the sum has them.
fn free_of(lines: &[LineMinutes], book: &PriceBook, readings: &Readings) -> Vec<u128> {
    match book.plan {
        Plan::Tiered | Plan::Fixed => free_minutes::grant(lines, book, readings),
        Plan::StandardMinutes => vec![0; lines.len()],
    }
}

fn standard_of(lines: &[StandardLine], book: &PriceBook, month: Month) -> Option<StandardMinutes> {
    let terms = book.standard.as_ref()?;
    Some(standard::count(lines, terms, book.free_minutes, month))
}

/// Rounds half away from zero; leaves room for the same amount in allocation units.
pub(super) fn money(total: &BigRational, currency: Currency) -> Result<Money, RatingError> {
    let minor_units =
        amount::minor_units(&amount::units(total, TOTAL_SCALE), TOTAL_SCALE, currency);
    let with_room = minor_units
        .filter(|units| units.checked_mul(allocate::units_in_minor_unit(currency)).is_some());
    let too_large = || RatingError::AmountTooLarge { amount: total.to_string() };
    Ok(Money { minor_units: with_room.ok_or_else(too_large)?, currency })
}

/// What each service and media costs over all its tiers and kinds.
///
/// A discount, a commitment and a tax are split as usage is, so they are not
/// part of it. Where usage costs nothing, the rest (a commitment) goes by list
/// price and weight, and where these are 0 too, by seconds.
pub(crate) fn line_costs(steps: &RatingSteps, book: &PriceBook) -> Vec<LineCost> {
    let Lines { priced, standard, .. } = &steps.lines;
    let mut amounts = vec![BigRational::zero(); priced.len()];
    for share in &steps.shares {
        amounts[share.line] += &share.amount;
    }
    let standard_amounts =
        steps.standard.as_ref().map_or_else(Vec::new, |paid| paid.costs(standard));
    let costs = costs_by_media(steps, amounts, standard_amounts);
    if costs.iter().any(|cost| !cost.amount.is_zero()) || book.terms.minimum_commitment.is_zero() {
        return costs;
    }
    let seconds = |seconds: u128| BigRational::from_integer(seconds.into());
    let listed = costs_by_media(
        steps,
        priced.iter().map(|line| &line.unit_price_per_1000 * seconds(line.seconds)).collect(),
        standard.iter().map(standard::weighted_seconds).collect(),
    );
    if listed.iter().any(|cost| !cost.amount.is_zero()) {
        return listed;
    }
    costs_by_media(
        steps,
        priced.iter().map(|line| seconds(line.seconds)).collect(),
        standard.iter().map(|line| seconds(line.seconds)).collect(),
    )
}

/// Amounts of the priced and of the standard lines, together by service and media.
fn costs_by_media(
    steps: &RatingSteps,
    priced: Vec<BigRational>,
    standard: Vec<BigRational>,
) -> Vec<LineCost> {
    let of_priced = steps.lines.priced.iter().map(|line| (line.service, line.media, line.seconds));
    let of_standard =
        steps.lines.standard.iter().map(|line| (line.service, line.media, line.seconds));
    let amounts = priced.into_iter().chain(standard);
    let mut costs: Vec<LineCost> = Vec::new();
    for ((service, media, seconds), amount) in of_priced.chain(of_standard).zip(amounts) {
        let same = costs.iter_mut().find(|cost| (cost.service, cost.media) == (service, media));
        match same {
            Some(cost) => {
                cost.seconds += seconds;
                cost.amount += amount;
            }
            None => costs.push(LineCost { service, media, seconds, amount }),
        }
    }
    costs
}

fn bill_lines(steps: &RatingSteps) -> Vec<BillLine> {
    let mut bill_lines = Vec::with_capacity(steps.shares.len() + steps.lines.standard.len());
    let mut line_before = None;
    for share in &steps.shares {
        let line = &steps.lines.priced[share.line];
        let is_first = line_before != Some(share.line);
        line_before = Some(share.line);
        let free_minutes = if is_first { steps.free_minutes[share.line] } else { 0 };
        bill_lines.push(BillLine {
            service: line.service,
            kind: line.kind,
            media: line.media,
            tier: share.tier,
            seconds: is_first.then_some(line.seconds),
            minutes: free_minutes + share.billable_minutes,
            free_minutes,
            billable_minutes: share.billable_minutes,
            coefficient: None,
            unit_price_per_1000: share.unit_price_per_1000.clone(),
            amount: share.amount.clone(),
        });
    }
    bill_lines.extend(steps.lines.standard.iter().map(|line| BillLine {
        service: line.service,
        kind: line.kind,
        media: line.media,
        tier: 1,
        seconds: Some(line.seconds),
        minutes: line.seconds.div_ceil(minutes::MINUTE_SECONDS),
        free_minutes: 0,
        billable_minutes: 0,
        coefficient: Some(line.coefficient.clone()),
        unit_price_per_1000: BigRational::zero(),
        amount: BigRational::zero(),
    }));
    bill_lines.sort_by_key(|line| (line.service, line.media, line.kind, line.tier));
    bill_lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Media;
    use crate::rating::tests::support::{book, exact, march, rtc_minutes};

    #[test]
    fn a_total_leaves_room_for_allocation_units() {
        let currency = Currency::from_code("USD").expect("known");
        let largest = amount::exact(i128::MAX.into(), 6);
        let above = amount::exact(i128::MAX.into(), 2);
        assert!(money(&largest.floor(), currency).is_ok());
        assert!(matches!(money(&above, currency), Err(RatingError::AmountTooLarge { .. })));
    }

    #[test]
    fn a_line_costs_what_all_its_tiers_cost_together() {
        let usage = rtc_minutes(&[(Media::Audio, 110_000), (Media::Hd, 1_000)]);
        let account = AccountId::new("default").expect("a name");
        let book = book("tiered");
        let (_, steps) = rate_with_steps(&account, march(), &usage, &book).expect("rated");
        let costs = line_costs(&steps, &book);
        let of_lines: Vec<_> =
            costs.iter().map(|cost| (cost.media, cost.seconds, cost.amount.clone())).collect();
        // 100,000 minutes at 0.99, and 1,000 of HD less 5 %.
        let audio = (Media::Audio, 6_600_000, exact("99"));
        assert_eq!(of_lines, [audio, (Media::Hd, 60_000, exact("3.7905"))]);
    }
}
