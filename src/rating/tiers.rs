//! Third step: billable minutes fill the discount tiers and get their exact amounts.
//!
//! Owns the order of filling, the edges and the price after the discount.
//! Nothing is rounded here unless the book says so (`rates`, `line_rounding`).

use std::cmp::Reverse;

use num_bigint::{BigInt, BigUint};
use num_rational::BigRational;

use super::PriceBook;
use super::allocate::largest_remainder;
use super::amount::{self, AMOUNT_SCALE, DISCOUNTED_SCALE, PRICE_SCALE, WHOLE};
use super::minutes::LineMinutes;
use super::price_book::{LineRounding, Rates, Readings, Tier, TierFill};
use crate::domain::Currency;

/// The part of a line's billable minutes that lies in one tier, and what it costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierShare {
    /// Index of the line.
    pub line: usize,
    /// Number of the tier, from 1.
    pub tier: u32,
    /// Minutes of the line in this tier; 0 for a line that is free as a whole.
    pub billable_minutes: u128,
    /// Price for 1,000 minutes after the tier's discount.
    pub unit_price_per_1000: BigRational,
    /// What they cost, exactly.
    pub amount: BigRational,
}

/// Minutes of one line in one tier, not priced yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TierMinutes<'a> {
    pub(super) line: usize,
    pub(super) number: u32,
    pub(super) tier: &'a Tier,
    pub(super) minutes: u128,
}

/// Spreads the billable minutes of all lines over the tiers and prices them, in
/// the order of lines and tiers.
///
/// The tiers are the account's: all services and media fill them together, and
/// a discount applies to the minutes inside its tier alone. Every line has at
/// least one share. Source: Agora's RTC billing page, 2021.
#[must_use]
pub fn fill(
    lines: &[LineMinutes],
    free: &[u128],
    book: &PriceBook,
    readings: &Readings,
) -> Vec<TierShare> {
    let priced = |part: TierMinutes<'_>| {
        let price = price_units(&lines[part.line], part.tier, readings, book.currency);
        TierShare {
            line: part.line,
            tier: part.number,
            billable_minutes: part.minutes,
            amount: amount::exact(
                amount_units(&price, part.minutes, readings, book.currency),
                AMOUNT_SCALE,
            ),
            unit_price_per_1000: amount::exact(price, DISCOUNTED_SCALE),
        }
    };
    spread(lines, free, book, readings).into_iter().map(priced).collect()
}

/// What all lines cost, in units of [`AMOUNT_SCALE`]: the sum of [`fill`] without its details.
pub(super) fn total_units(
    lines: &[LineMinutes],
    free: &[u128],
    book: &PriceBook,
    readings: &Readings,
) -> BigInt {
    let parts = spread(lines, free, book, readings).into_iter();
    let units = parts.map(|part| {
        let price = price_units(&lines[part.line], part.tier, readings, book.currency);
        amount_units(&price, part.minutes, readings, book.currency)
    });
    units.sum()
}

/// Price of 1,000 minutes after the discount, in units of [`DISCOUNTED_SCALE`].
fn price_units(line: &LineMinutes, tier: &Tier, readings: &Readings, currency: Currency) -> BigInt {
    let kept = BigInt::from(WHOLE) - amount::percent_units(&tier.discount_percent);
    let exact = amount::units(&line.unit_price_per_1000, PRICE_SCALE) * &kept;
    // The list price itself is never rounded.
    if readings.rates == Rates::Percent || kept == BigInt::from(WHOLE) {
        return exact;
    }
    amount::rounded_to(&exact, DISCOUNTED_SCALE - currency.minor_unit_digits())
}

/// Price of some minutes, in units of [`AMOUNT_SCALE`].
fn amount_units(price: &BigInt, minutes: u128, readings: &Readings, currency: Currency) -> BigInt {
    let exact = price * minutes;
    match readings.line_rounding {
        LineRounding::None => exact,
        LineRounding::Line => {
            amount::rounded_to(&exact, AMOUNT_SCALE - currency.minor_unit_digits())
        }
    }
}

/// Minutes of every line by tier, in the order of lines and tiers.
fn spread<'a>(
    lines: &[LineMinutes],
    free: &[u128],
    book: &'a PriceBook,
    readings: &Readings,
) -> Vec<TierMinutes<'a>> {
    let mut left: Vec<u128> =
        lines.iter().zip(free).map(|(line, free)| line.minutes - free).collect();
    let mut parts = Vec::with_capacity(lines.len());
    let first = book.tiers().first().into_iter();
    for tier in first {
        let is_free = |line: &usize| left[*line] == 0;
        let all_free = (0..lines.len()).filter(is_free);
        parts.extend(all_free.map(|line| TierMinutes { line, number: 1, tier, minutes: 0 }));
    }
    let order = fill_order(lines, book, readings.tier_fill);
    for (number, tier) in (1..).zip(book.tiers()) {
        let size = size_of(tier, book, readings);
        let inside = match readings.tier_fill {
            TierFill::ProRata => pro_rata(&left, size),
            TierFill::CheapestFirst | TierFill::DearestFirst => in_order(&left, &order, size),
        };
        for (line, minutes) in inside.into_iter().enumerate().filter(|(_, minutes)| *minutes > 0) {
            parts.push(TierMinutes { line, number, tier, minutes });
            left[line] -= minutes;
        }
    }
    parts.sort_by_key(|part| (part.line, part.number));
    parts
}

/// How many minutes a tier holds; none for the last one.
fn size_of(tier: &Tier, book: &PriceBook, readings: &Readings) -> Option<u128> {
    let next = book.tiers().iter().find(|other| other.from_minute > tier.from_minute)?;
    let before = |tier: &Tier| u128::from(tier.minutes_before(readings.tier_edge));
    Some(before(next) - before(tier))
}

/// Minutes of each line inside a tier that the lines fill one after the other.
fn in_order(left: &[u128], order: &[usize], size: Option<u128>) -> Vec<u128> {
    let mut room = size;
    let mut inside = vec![0; left.len()];
    for &line in order {
        let minutes = room.map_or(left[line], |room| room.min(left[line]));
        room = room.map(|room| room - minutes);
        inside[line] = minutes;
    }
    inside
}

/// Minutes of each line inside a tier that all fill in proportion to what they
/// have left; whole minutes, by largest remainder.
fn pro_rata(left: &[u128], size: Option<u128>) -> Vec<u128> {
    let all: u128 = left.iter().sum();
    match size.filter(|size| *size < all) {
        None => left.to_vec(),
        Some(size) => {
            let weights: Vec<BigUint> = left.iter().map(|minutes| (*minutes).into()).collect();
            let size = i128::try_from(size).unwrap_or(i128::MAX);
            let parts = largest_remainder(size, &weights);
            parts.into_iter().map(i128::unsigned_abs).collect()
        }
    }
}

/// Indices of the lines in the order in which they fill the tiers.
///
/// Lines at the same price keep the order of free minutes, then of services and media.
fn fill_order(lines: &[LineMinutes], book: &PriceBook, tier_fill: TierFill) -> Vec<usize> {
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by_key(|&index| {
        let LineMinutes { service, kind, media, .. } = lines[index];
        (book.free_position((service, kind, media)).unwrap_or(usize::MAX), index)
    });
    let price = |index: &usize| &lines[*index].unit_price_per_1000;
    match tier_fill {
        TierFill::CheapestFirst => order.sort_by(|one, other| price(one).cmp(price(other))),
        TierFill::DearestFirst => order.sort_by_key(|index| Reverse(price(index))),
        TierFill::ProRata => {}
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Media, Service};
    use crate::rating::price_book::LineKind;
    use crate::rating::tests::support::{book, changed, exact};

    const DEAREST_FIRST: (&str, &str) =
        ("tier_fill = \"cheapest_first\"", "tier_fill = \"dearest_first\"");
    const PRO_RATA: (&str, &str) = ("tier_fill = \"cheapest_first\"", "tier_fill = \"pro_rata\"");
    const PRINTED: (&str, &str) = ("tier_edge = \"half_open\"", "tier_edge = \"printed\"");

    /// Line, tier and minutes of each share; every minute is billable.
    fn filled(minutes: &[(Media, u128)], book: &PriceBook) -> Vec<(usize, u32, u128)> {
        let lines: Vec<LineMinutes> = minutes
            .iter()
            .map(|&(media, minutes)| LineMinutes {
                service: Service::Rtc,
                kind: LineKind::Usage,
                media,
                seconds: minutes * 60,
                minutes,
                unit_price_per_1000: book
                    .unit_price_per_1000(Service::Rtc, media)
                    .expect("a price")
                    .clone(),
            })
            .collect();
        let shares = fill(&lines, &vec![0; lines.len()], book, &book.readings());
        shares.iter().map(|share| (share.line, share.tier, share.billable_minutes)).collect()
    }

    #[test]
    fn c32_minutes_fill_the_tiers_in_the_order_of_the_book() {
        let two = [(Media::Audio, 60_000), (Media::Hd, 60_000)];
        let same_price = [(Media::Hdp, 60_000), (Media::FullHd, 60_000)];
        for (minutes, changes, expected) in [
            (&[(Media::Audio, 100_000)][..], &[][..], &[(0, 1, 100_000)][..]),
            (&[(Media::Audio, 100_001)], &[], &[(0, 1, 100_000), (0, 2, 1)]),
            (&[(Media::Audio, 100_000)], &[PRINTED], &[(0, 1, 99_999), (0, 2, 1)]),
            (&two, &[], &[(0, 1, 60_000), (1, 1, 40_000), (1, 2, 20_000)]),
            (&two, &[DEAREST_FIRST], &[(0, 1, 40_000), (0, 2, 20_000), (1, 1, 60_000)]),
            (&two, &[PRO_RATA], &[(0, 1, 50_000), (0, 2, 10_000), (1, 1, 50_000), (1, 2, 10_000)]),
            (&same_price, &[], &[(0, 1, 60_000), (1, 1, 40_000), (1, 2, 20_000)]),
            (&same_price, &[DEAREST_FIRST], &[(0, 1, 60_000), (1, 1, 40_000), (1, 2, 20_000)]),
            (
                &[(Media::Hd, 2_000_000)],
                &[],
                &[(0, 1, 100_000), (0, 2, 400_000), (0, 3, 500_000), (0, 4, 1_000_000)],
            ),
        ] {
            assert_eq!(filled(minutes, &changed("tiered", changes)), expected, "{minutes:?}");
        }
    }

    #[test]
    fn the_fixed_plan_has_one_tier() {
        let shares = filled(&[(Media::Hdp, 5_000_000)], &book("fixed"));
        assert_eq!(shares, [(0, 1, 5_000_000)]);
    }

    #[test]
    fn amounts_are_exact_and_the_price_is_after_the_discount() {
        let book = book("tiered");
        let line = LineMinutes {
            service: Service::Rtc,
            kind: LineKind::Usage,
            media: Media::Audio,
            seconds: 6_120_060,
            minutes: 102_001,
            unit_price_per_1000: exact("0.99"),
        };
        let shares = fill(&[line], &[1], &book, &book.readings());
        let prices: Vec<_> = shares.iter().map(|share| &share.unit_price_per_1000).collect();
        assert_eq!(prices, [&exact("0.99"), &exact("0.9405")]);
        assert_eq!((&shares[0].amount, &shares[1].amount), (&exact("99"), &exact("1.881")));
    }

    #[test]
    fn a_line_that_is_free_as_a_whole_has_one_share_of_nothing() {
        let book = book("tiered");
        let line = LineMinutes {
            service: Service::Rtc,
            kind: LineKind::Usage,
            media: Media::Audio,
            seconds: 60,
            minutes: 1,
            unit_price_per_1000: exact("0.99"),
        };
        let shares = fill(&[line], &[1], &book, &book.readings());
        assert_eq!((shares.len(), shares[0].tier, shares[0].billable_minutes), (1, 1, 0));
        assert_eq!(shares[0].amount, exact("0"));
    }

    /// RTC billing page of 2021, the table of prices.
    #[test]
    fn printed_rates_are_those_of_the_table() {
        use Media::{Audio, FullHd, Hd, Video2k, Video2kPlus};
        let book = changed("tiered", &[("rates = \"percent\"", "rates = \"printed\"")]);
        for (media, printed) in [
            (Audio, ["0.99", "0.94", "0.92", "0.89"]),
            (Hd, ["3.99", "3.79", "3.71", "3.59"]),
            (FullHd, ["8.99", "8.54", "8.36", "8.09"]),
            (Video2k, ["15.99", "15.19", "14.87", "14.39"]),
            (Video2kPlus, ["35.99", "34.19", "33.47", "32.39"]),
        ] {
            let line = LineMinutes {
                service: Service::Rtc,
                kind: LineKind::Usage,
                media,
                seconds: 0,
                minutes: 2_000_000,
                unit_price_per_1000: exact(printed[0]),
            };
            let shares = fill(&[line], &[0], &book, &book.readings());
            let prices: Vec<_> = shares.into_iter().map(|it| it.unit_price_per_1000).collect();
            assert_eq!(prices, printed.map(exact), "{media}");
        }
    }

    #[test]
    fn lines_are_rounded_where_the_book_says_so() {
        let book = changed("tiered", &[("line_rounding = \"none\"", "line_rounding = \"line\"")]);
        let line = LineMinutes {
            service: Service::Rtc,
            kind: LineKind::Usage,
            media: Media::FullHd,
            seconds: 90_000,
            minutes: 1_500,
            unit_price_per_1000: exact("8.99"),
        };
        let shares = fill(&[line], &[0], &book, &book.readings());
        assert_eq!(shares[0].amount, exact("13.49"));
    }
}
