//! The same months under other plans.
//!
//! Owns the order of plans by what they would have cost, and the volume at which
//! the order turns. The past under another plan is exact, but for what Agora
//! leaves open; that the future is like it, is not said here.

use std::collections::BTreeMap;
use std::fmt;

use num_rational::BigRational;
use num_traits::Zero;

use super::plans::PlanChoice;
use crate::domain::{Money, Month};
use crate::rating::{MonthMinutes, RatingError, TotalRange, exact_month_total, month_total};

/// A month as it was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedMonth {
    /// Which month.
    pub month: Month,
    /// All that its total depends on.
    pub sums: MonthMinutes,
}

/// What one plan would have made of the months.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The plan.
    pub plan: PlanChoice,
    /// Sum of the months' totals.
    pub total: Money,
    /// Sum of the months' least and greatest totals.
    pub range: TotalRange,
    /// Each month's total, in the order of the months.
    pub months: Vec<Money>,
    /// Top-ups that it takes: how many of how many minutes.
    pub top_ups: BTreeMap<u64, u32>,
    /// Usage without a price, by service and field: the total is too low.
    pub unpriced_seconds: BTreeMap<(String, String), u128>,
    /// Settings of open points that have a say in it, with one sentence each.
    pub assumptions: BTreeMap<&'static str, String>,
    /// Where it costs the same as the cheapest; none for the cheapest itself, and
    /// where it stays dearer at every volume that was tried.
    pub break_even: Option<BreakEven>,
}

/// The volume at which the cheapest plan is overtaken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakEven {
    /// In per cent of the months' own volume, with the same mix.
    pub volume_percent: u32,
    /// Minutes a month, all services and media together, at that volume.
    pub minutes_a_month: u128,
}

impl fmt::Display for BreakEven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} % ({} minutes a month)", self.volume_percent, self.minutes_a_month)
    }
}

/// Greatest volume at which a break-even is looked for, in per cent; the least is 1.
pub const HIGHEST_PERCENT: u32 = 2_000;

/// Rates the months under every plan, cheapest first; a plan that cannot price
/// all usage comes after those that can.
///
/// # Errors
/// [`RatingError::AmountTooLarge`].
pub fn compare(months: &[UsedMonth], plans: &[PlanChoice]) -> Result<Vec<Candidate>, RatingError> {
    let mut candidates =
        plans.iter().map(|plan| candidate(months, plan)).collect::<Result<Vec<_>, _>>()?;
    candidates.sort_by(|a, b| {
        let key = |c: &Candidate| (!c.unpriced_seconds.is_empty(), c.total.minor_units);
        (key(a), &a.plan.name).cmp(&(key(b), &b.plan.name))
    });
    let Some((cheapest, others)) = candidates.split_first_mut() else { return Ok(candidates) };
    for other in others.iter_mut().filter(|other| other.unpriced_seconds.is_empty()) {
        other.break_even = break_even(months, &cheapest.plan, &other.plan);
    }
    Ok(candidates)
}

fn candidate(months: &[UsedMonth], plan: &PlanChoice) -> Result<Candidate, RatingError> {
    let nothing = Money { minor_units: 0, currency: plan.currency() };
    let mut found = Candidate {
        plan: plan.clone(),
        total: nothing,
        range: TotalRange::only(nothing),
        months: Vec::with_capacity(months.len()),
        top_ups: BTreeMap::new(),
        unpriced_seconds: BTreeMap::new(),
        assumptions: BTreeMap::new(),
        break_even: None,
    };
    for used in months {
        let book = plan.book_for(used.month, &used.sums);
        let rated = month_total(&used.sums, used.month, &book)?;
        found.total.minor_units += rated.total.minor_units;
        found.range.low.minor_units += rated.range.low.minor_units;
        found.range.high.minor_units += rated.range.high.minor_units;
        found.months.push(rated.total);
        let bought = book.standard.iter().flat_map(|terms| &terms.bought);
        for bought in bought.filter(|bought| bought.month == used.month) {
            *found.top_ups.entry(bought.top_up.minutes).or_default() += bought.count;
        }
        for unpriced in rated.unpriced {
            let key = (unpriced.service.to_string(), unpriced.field);
            *found.unpriced_seconds.entry(key).or_default() += unpriced.seconds;
        }
        found.assumptions.extend(rated.assumptions.into_iter().map(|it| (it.key, it.text)));
    }
    Ok(found)
}

/// The volume nearest to the months' own at which `other` costs less than `cheapest`.
fn break_even(
    months: &[UsedMonth],
    cheapest: &PlanChoice,
    other: &PlanChoice,
) -> Option<BreakEven> {
    let other_wins = |percent: u32| {
        let scaled = scaled(months, percent);
        let cost = |plan: &PlanChoice| exact_total(&scaled, plan);
        cost(other) < cost(cheapest)
    };
    let downwards = [90, 80, 65, 50, 35, 20, 10, 5, 2, 1];
    let upwards = [110, 125, 150, 200, 300, 500, 800, 1_200, HIGHEST_PERCENT];
    let found = [first_win(&downwards, other_wins), first_win(&upwards, other_wins)];
    let nearest = found.into_iter().flatten().min_by_key(|percent| percent.abs_diff(100))?;
    let minutes_a_month = minutes_a_month(&scaled(months, nearest));
    Some(BreakEven { volume_percent: nearest, minutes_a_month })
}

/// Walks away from 100 per cent until the other plan wins, then narrows the step
/// down to one per cent.
fn first_win(steps: &[u32], wins: impl Fn(u32) -> bool) -> Option<u32> {
    let mut without = 100;
    for step in steps.iter().copied() {
        if !wins(step) {
            without = step;
            continue;
        }
        let mut with = step;
        while with.abs_diff(without) > 1 {
            let middle = u32::midpoint(with, without);
            if wins(middle) { with = middle } else { without = middle }
        }
        return Some(with);
    }
    None
}

fn exact_total(months: &[UsedMonth], plan: &PlanChoice) -> BigRational {
    months.iter().fold(BigRational::zero(), |sum, used| {
        let book = plan.book_for(used.month, &used.sums);
        sum + exact_month_total(&used.sums, used.month, &book)
    })
}

fn scaled(months: &[UsedMonth], percent: u32) -> Vec<UsedMonth> {
    let scale = |used: &UsedMonth| UsedMonth { month: used.month, sums: used.sums.scaled(percent) };
    months.iter().map(scale).collect()
}

/// Minutes a month on average, all services and media together, rounded down.
#[must_use]
pub fn minutes_a_month(months: &[UsedMonth]) -> u128 {
    let seconds: u128 =
        months.iter().flat_map(|used| used.sums.media.iter().map(|sum| sum.seconds)).sum();
    seconds / 60 / (months.len().max(1) as u128)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::outlook::month::testing::{account, flat};
    use crate::outlook::plans::{as_written, choices};
    use crate::rating::{PriceBook, rate, sum_usage};

    /// Audio alone, at a price for 1,000 minutes.
    fn book(name: &str, free_minutes: u32, price: &str) -> PriceBook {
        let tiered = crate::outlook::month::testing::tiered().text;
        let (before_tiers, _) = tiered.split_once("[[tiers]]").expect("tiers");
        let text = before_tiers
            .replace("name = \"tiered-usd\"", &format!("name = \"{name}\""))
            .replace("free_minutes = 10000", &format!("free_minutes = {free_minutes}"));
        let tiers = "[[tiers]]\nfrom_minute = 0\ndiscount_percent = \"0\"";
        let text = format!("{text}{tiers}\n[prices.rtc]\naudio = \"{price}\"\n");
        PriceBook::parse(name, &text).expect("valid")
    }

    fn may() -> Month {
        Month::parse("2031-05").expect("month")
    }

    fn used(usage: &[crate::domain::DayUsage]) -> Vec<UsedMonth> {
        vec![UsedMonth { month: may(), sums: sum_usage(may(), usage).expect("valid") }]
    }

    fn listed(found: &[Candidate]) -> Vec<(String, String)> {
        found.iter().map(|c| (c.plan.name.clone(), c.total.to_string())).collect()
    }

    #[test]
    fn the_cheapest_comes_first_and_its_total_is_that_of_rating() {
        let books =
            [book("dear", 0, "2.00"), book("cheap", 0, "0.50"), book("free", 10_000, "1.00")];
        let usage = flat("P1", "2031-05-01", "2031-05-31", 60_000);
        let plans: Vec<_> = books.iter().map(as_written).collect();
        let found = compare(&used(&usage), &plans).expect("rated");
        let wanted = [("cheap", "15.50"), ("free", "21.00"), ("dear", "62.00")];
        assert_eq!(listed(&found), wanted.map(|(name, total)| (name.into(), total.into())));
        for (candidate, book) in found.iter().zip([&books[1], &books[2], &books[0]]) {
            let by_hand = rate(&account(), may(), &usage, book).expect("rated");
            assert_eq!((candidate.total, candidate.range), (by_hand.total, by_hand.range));
        }
    }

    #[test]
    fn each_package_with_its_top_ups_is_a_plan_and_costs_what_rating_says() {
        let standard = PriceBook::embedded("standard").expect("built in").expect("valid");
        // 310,000 standard minutes.
        let usage = flat("P1", "2031-05-01", "2031-05-31", 600_000);
        let found = compare(&used(&usage), &choices(&standard)).expect("rated");
        let wanted = [
            // 300,000 beyond the free ones: 230 and 2 x 23.50.
            ("standard-usd, free minutes", "277.00"),
            // 133.99, and of 160,000 more 6 x 23.50 and 10,000 x 0.99.
            ("standard-usd, package Pro", "284.89"),
            // 45.99, and of 260,000 more 230 and 10,000 x 0.99.
            ("standard-usd, package Starter", "285.89"),
            ("standard-usd, package Business", "339.99"),
            ("standard-usd, package Advanced", "659.99"),
            ("standard-usd, package Plus", "1217.99"),
        ];
        let wanted = wanted.map(|(name, total)| (name.to_owned(), total.to_owned()));
        assert_eq!(listed(&found), wanted);
        for candidate in &found {
            let sums = sum_usage(may(), &usage).expect("valid");
            let book = candidate.plan.book_for(may(), &sums);
            let by_hand = rate(&account(), may(), &usage, &book).expect("rated");
            assert_eq!(candidate.total, by_hand.total, "{}", candidate.plan.name);
        }
        assert_eq!(found[0].top_ups, BTreeMap::from([(25_000, 2), (250_000, 1)]));
    }

    #[test]
    fn the_volume_is_told_at_which_the_order_turns() {
        // 31,000 minutes: 15.50 against 21.00; at 20,000 minutes both cost 10.00.
        let books = [book("cheap", 0, "0.50"), book("free", 10_000, "1.00"), book("dear", 0, "2")];
        let plans: Vec<_> = books.iter().map(as_written).collect();
        let usage = flat("P1", "2031-05-01", "2031-05-31", 60_000);
        let found = compare(&used(&usage), &plans).expect("rated");
        let break_even = BreakEven { volume_percent: 64, minutes_a_month: 19_840 };
        let turns: Vec<_> = found.iter().map(|candidate| candidate.break_even).collect();
        assert_eq!(turns, [None, Some(break_even), None]);
    }

    #[test]
    fn a_plan_that_cannot_price_all_usage_comes_last_and_says_so() {
        let mut usage = flat("P1", "2031-05-01", "2031-05-31", 60_000);
        usage[0].seconds[crate::domain::Media::Hd.index()] = Some(600);
        let cheap = book("cheap", 0, "0.50");
        let tiered = PriceBook::embedded("tiered").expect("built in").expect("valid");
        let plans = [as_written(&cheap), as_written(&tiered)];
        let found = compare(&used(&usage), &plans).expect("rated");
        assert_eq!(found[1].plan.name, "cheap");
        assert!(found[1].total.minor_units < found[0].total.minor_units);
        let unpriced = BTreeMap::from([(("rtc".to_owned(), "hd".to_owned()), 600)]);
        assert_eq!(found[1].unpriced_seconds, unpriced);
        assert_eq!(found[1].break_even, None);
    }

    proptest! {
        #[test]
        fn the_first_is_never_dearer_than_another(
            seconds in 0_i64..10_000_000,
            prices in prop::collection::vec((0_u32..20_000, 1_u32..9_999), 2..6),
        ) {
            let named = |(index, (free, price)): (usize, &(u32, u32))| {
                let price = format!("{}.{:02}", price / 100, price % 100);
                book(&format!("book-{index}"), *free, &price)
            };
            let mut books: Vec<_> = prices.iter().enumerate().map(named).collect();
            books.push(PriceBook::embedded("standard").expect("built in").expect("valid"));
            let usage = flat("P1", "2031-05-01", "2031-05-31", seconds);
            let plans: Vec<_> = books.iter().flat_map(choices).collect();
            let found = compare(&used(&usage), &plans).expect("rated");
            for book in &books {
                let by_hand = rate(&account(), may(), &usage, book).expect("rated");
                prop_assert!(found[0].total.minor_units <= by_hand.total.minor_units);
            }
        }
    }
}
