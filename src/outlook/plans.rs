//! The plans that a price book offers, and what each needs of top-ups.
//!
//! Owns which choices there are: a book of the month plans is one; one of
//! standard minutes is as many as it has packages, and one more without. Which
//! was cheapest is [`super::compare`]'s.

use num_integer::Integer;
use num_rational::BigRational;
use num_traits::ToPrimitive;

use crate::domain::Month;
use crate::rating::price_book::{BoughtTopUp, Package, TopUp};
use crate::rating::{MonthMinutes, PriceBook, overage_minutes};

/// A plan that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanChoice {
    /// The book's name, and the package where there is a choice.
    pub name: String,
    book: PriceBook,
    /// Whether the top-ups of each month are those that would have been cheapest.
    picks_top_ups: bool,
}

/// Every choice that a book offers.
#[must_use]
pub fn choices(book: &PriceBook) -> Vec<PlanChoice> {
    let Some(terms) = &book.standard else { return vec![as_written(book)] };
    let picks_top_ups = !terms.top_ups.is_empty();
    let choice = |package: Option<Package>| {
        let paid = package.as_ref().map_or_else(
            || "free minutes".to_owned(),
            |package| format!("package {}", package.name),
        );
        let mut book = book.clone();
        if let Some(terms) = &mut book.standard {
            terms.package = package;
            if picks_top_ups {
                terms.bought.clear();
            }
        }
        PlanChoice { name: format!("{}, {paid}", book.name), book, picks_top_ups }
    };
    std::iter::once(None).chain(terms.packages.iter().cloned().map(Some)).map(choice).collect()
}

/// The book with what it says was bought.
#[must_use]
pub fn as_written(book: &PriceBook) -> PlanChoice {
    PlanChoice { name: book.name.clone(), book: book.clone(), picks_top_ups: false }
}

impl PlanChoice {
    /// The book of a month, with the top-ups that are cheapest for it.
    #[must_use]
    pub fn book_for(&self, month: Month, sums: &MonthMinutes) -> PriceBook {
        let mut book = self.book.clone();
        if self.picks_top_ups {
            let needed_minutes = overage_minutes(sums, month, &book);
            if let Some(terms) = &mut book.standard {
                let price = &terms.overage_price_per_1000;
                terms.bought = cheapest_top_ups(&terms.top_ups, price, needed_minutes)
                    .into_iter()
                    .map(|(top_up, count)| BoughtTopUp { month, top_up, count })
                    .collect();
            }
        }
        book
    }

    /// Whether top-ups are bought with hindsight.
    #[must_use]
    pub const fn picks_top_ups(&self) -> bool {
        self.picks_top_ups
    }

    /// Of its prices.
    #[must_use]
    pub const fn currency(&self) -> crate::domain::Currency {
        self.book.currency
    }
}

/// Steps of top-up minutes that are looked through; beyond them the best value is taken first.
const MOST_STEPS: u128 = 800;

/// Units of an amount in which a price for 1,000 minutes has a whole price for one.
const UNITS: u32 = 10_u32.pow(7);

/// A top-up, its price in [`UNITS`].
struct Offered<'a> {
    top_up: &'a TopUp,
    price_units: u128,
    steps: usize,
}

/// The top-ups that make `needed_minutes` cheapest, the rest being overage.
///
/// Every sum of top-ups is looked at up to [`MOST_STEPS`] of their common size.
/// Of more minutes than that, the top-up of the best value takes all but the
/// last steps: with sizes as Agora's, no cheapest choice has so many others, since
/// as many of another as the best one has steps can be exchanged for it without loss.
fn cheapest_top_ups(
    top_ups: &[TopUp],
    overage_price_per_1000: &BigRational,
    needed_minutes: u128,
) -> Vec<(TopUp, u32)> {
    let units = |price: &BigRational| {
        (price * BigRational::from_integer(UNITS.into()))
            .to_integer()
            .to_u128()
            .unwrap_or(u128::MAX)
    };
    let overage_units = units(overage_price_per_1000) / 1_000;
    let worthwhile: Vec<&TopUp> = top_ups
        .iter()
        .filter(|it| it.minutes > 0 && units(&it.price) < overage_units * u128::from(it.minutes))
        .collect();
    let step = worthwhile.iter().fold(0_u64, |step, top_up| step.gcd(&top_up.minutes)).max(1);
    let offer = |top_up| Offered {
        top_up,
        price_units: units(&top_up.price),
        steps: (top_up.minutes / step).to_usize().unwrap_or(usize::MAX),
    };
    let offered: Vec<Offered<'_>> = worthwhile.into_iter().map(offer).collect();
    let value = |it: &(usize, &Offered<'_>)| {
        BigRational::new(it.1.price_units.into(), it.1.top_up.minutes.into())
    };
    let Some((best, _)) = offered.iter().enumerate().min_by_key(value) else { return Vec::new() };
    let best_minutes = u128::from(offered[best].top_up.minutes);
    let step = u128::from(step);
    let beyond = needed_minutes.saturating_sub(MOST_STEPS * step).div_ceil(best_minutes);
    let left_minutes = needed_minutes.saturating_sub(best_minutes * beyond);
    let mut counts = cheapest_counts(&offered, overage_units, left_minutes, step);
    counts[best] = counts[best].saturating_add(u32::try_from(beyond).unwrap_or(u32::MAX));
    let bought = offered.iter().map(|it| it.top_up.clone()).zip(counts);
    bought.filter(|(_, count)| *count > 0).collect()
}

/// How many of each top-up, for up to [`MOST_STEPS`] steps.
fn cheapest_counts(
    offered: &[Offered<'_>],
    overage_units: u128,
    needed_minutes: u128,
    step: u128,
) -> Vec<u32> {
    let most = needed_minutes.div_ceil(step).to_usize().unwrap_or(usize::MAX);
    // The cheapest way to at least so many steps, and the top-up that it ends with.
    let mut ways: Vec<(u128, Option<usize>)> = vec![(0, None)];
    for at in 1..=most {
        let way = |(index, it): (usize, &Offered<'_>)| {
            (ways[at.saturating_sub(it.steps)].0 + it.price_units, Some(index))
        };
        let cheapest = offered.iter().enumerate().map(way).min();
        ways.extend(cheapest);
    }
    let total = |(at, (price_units, _)): (usize, &(u128, Option<usize>))| {
        let overage_minutes = needed_minutes.saturating_sub(step * at as u128);
        (price_units + overage_units * overage_minutes, at)
    };
    let mut at = ways.iter().enumerate().map(total).min().map_or(0, |(_, at)| at);
    let mut counts = vec![0_u32; offered.len()];
    while let Some(index) = ways[at].1 {
        counts[index] += 1;
        at = at.saturating_sub(offered[index].steps);
    }
    counts
}

#[cfg(test)]
mod tests {
    use num_bigint::BigInt;
    use proptest::prelude::*;

    use super::*;

    fn price(text: &str) -> BigRational {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let units: BigInt = format!("{whole}{fraction}").parse().expect("digits");
        BigRational::new(units, BigInt::from(10).pow(u32::try_from(fraction.len()).expect("few")))
    }

    fn top_up(minutes: u64, of: &str) -> TopUp {
        TopUp { minutes, price: price(of) }
    }

    fn listed() -> Vec<TopUp> {
        vec![top_up(25_000, "23.50"), top_up(250_000, "230"), top_up(1_000_000, "891")]
    }

    fn bought(needed_minutes: u128) -> Vec<(u64, u32)> {
        let found = cheapest_top_ups(&listed(), &price("0.99"), needed_minutes);
        found.into_iter().map(|(top_up, count)| (top_up.minutes, count)).collect()
    }

    fn cost(bought: &[(TopUp, u32)], overage: &BigRational, needed_minutes: u128) -> BigRational {
        let count = |count: u32| BigRational::from_integer(count.into());
        let price: BigRational = bought.iter().map(|(top_up, n)| &top_up.price * count(*n)).sum();
        let minutes: u128 =
            bought.iter().map(|(top_up, n)| u128::from(top_up.minutes) * u128::from(*n)).sum();
        let left = BigInt::from(needed_minutes.saturating_sub(minutes));
        price + overage * BigRational::new(left, 1_000.into())
    }

    #[test]
    fn top_ups_are_bought_where_they_cost_less_than_overage() {
        assert_eq!(bought(0), []);
        // 23,737 minutes of overage cost 23.49963, one more costs 23.50062.
        assert_eq!(bought(23_737), []);
        assert_eq!(bought(23_738), [(25_000, 1)]);
        assert_eq!(bought(26_000), [(25_000, 1)]);
        assert_eq!(bought(49_000), [(25_000, 2)]);
        assert_eq!(bought(240_000), [(25_000, 9)]);
        assert_eq!(bought(250_000), [(250_000, 1)]);
        assert_eq!(bought(990_000), [(1_000_000, 1)]);
    }

    #[test]
    fn of_a_great_many_minutes_the_best_value_takes_most() {
        assert_eq!(bought(1_000_000_000), [(1_000_000, 1_000)]);
        assert_eq!(bought(1_000_030_000), [(25_000, 1), (1_000_000, 1_000)]);
    }

    proptest! {
        #[test]
        fn nothing_that_can_be_bought_is_cheaper(
            needed in 0_u128..2_000,
            sizes in prop::collection::vec((1_u64..60, 1_u64..60_000), 1..4),
            overage in 1_u64..2_000,
        ) {
            let offered: Vec<TopUp> = sizes
                .iter()
                .map(|(size, cents)| TopUp {
                    minutes: size * 10,
                    price: BigRational::new((*cents).into(), 100.into()),
                })
                .collect();
            let overage = BigRational::new(overage.into(), 1.into());
            let found = cost(&cheapest_top_ups(&offered, &overage, needed), &overage, needed);
            let most = |top_up: &TopUp| {
                u32::try_from(needed.div_ceil(top_up.minutes.into())).expect("few").min(14)
            };
            for first in 0..=most(&offered[0]) {
                for second in 0..=offered.get(1).map_or(0, most) {
                    for third in 0..=offered.get(2).map_or(0, most) {
                        let other: Vec<_> =
                            offered.iter().cloned().zip([first, second, third]).collect();
                        prop_assert!(found <= cost(&other, &overage, needed));
                    }
                }
            }
        }
    }
}
