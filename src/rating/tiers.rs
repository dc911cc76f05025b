//! Third step: billable minutes fill the discount tiers and get their exact amounts.
//!
//! Owns the order of filling, the edges and the price after the discount.
//! Nothing is rounded here.

use std::cmp::Reverse;

use num_rational::BigRational;

use super::PriceBook;
use super::minutes::LineMinutes;
use super::price_book::{Tier, TierFill};

/// The part of a line's billable minutes that lies in one tier.
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

/// Spreads the billable minutes of all lines over the tiers, in the order of lines and tiers.
///
/// The tiers are the account's: all services and media fill them together, and
/// a discount applies to the minutes inside its tier alone. Every line has at
/// least one share. Source: Agora's RTC billing page, 2021.
#[must_use]
pub fn fill(lines: &[LineMinutes], free: &[u128], book: &PriceBook) -> Vec<TierShare> {
    let mut shares = Vec::new();
    let mut filled: u128 = 0;
    for index in fill_order(lines, book) {
        let line = &lines[index];
        let mut left = line.minutes - free[index];
        if left == 0 {
            shares.extend(book.tiers().first().map(|tier| share(index, line, (1, tier), 0)));
        }
        for (number, tier) in (1..).zip(book.tiers()) {
            let next = book.tiers().iter().find(|other| other.from_minute > tier.from_minute);
            let end = next.map(|next| u128::from(book.minutes_before(next)));
            let inside = end.map_or(left, |end| end.saturating_sub(filled).min(left));
            if inside > 0 {
                shares.push(share(index, line, (number, tier), inside));
                filled += inside;
                left -= inside;
            }
        }
    }
    shares.sort_by_key(|share| (share.line, share.tier));
    shares
}

/// Indices of the lines in the order in which they fill the tiers.
///
/// Lines at the same price keep the order of free minutes, then of services and media.
fn fill_order(lines: &[LineMinutes], book: &PriceBook) -> Vec<usize> {
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by_key(|&index| {
        let position = book.free_position(lines[index].service, lines[index].media);
        (position.unwrap_or(usize::MAX), index)
    });
    let price = |index: &usize| &lines[*index].unit_price_per_1000;
    match book.tier_fill {
        TierFill::CheapestFirst => order.sort_by(|one, other| price(one).cmp(price(other))),
        TierFill::DearestFirst => order.sort_by_key(|index| Reverse(price(index))),
    }
    order
}

fn share(line_index: usize, line: &LineMinutes, tier: (u32, &Tier), minutes: u128) -> TierShare {
    let (number, tier) = tier;
    let hundred = BigRational::from_integer(100.into());
    let kept = (&hundred - &tier.discount_percent) / hundred;
    let unit_price_per_1000 = &line.unit_price_per_1000 * kept;
    let thousands = BigRational::new(minutes.into(), 1000.into());
    TierShare {
        line: line_index,
        tier: number,
        billable_minutes: minutes,
        amount: &unit_price_per_1000 * thousands,
        unit_price_per_1000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Media, Service};
    use crate::rating::tests::support::{book, changed, exact};

    const DEAREST_FIRST: (&str, &str) =
        ("tier_fill = \"cheapest_first\"", "tier_fill = \"dearest_first\"");
    const PRINTED: (&str, &str) = ("tier_edge = \"half_open\"", "tier_edge = \"printed\"");

    /// Line, tier and minutes of each share; every minute is billable.
    fn filled(minutes: &[(Media, u128)], book: &PriceBook) -> Vec<(usize, u32, u128)> {
        let lines: Vec<LineMinutes> = minutes
            .iter()
            .map(|&(media, minutes)| LineMinutes {
                service: Service::Rtc,
                media,
                seconds: minutes * 60,
                minutes,
                unit_price_per_1000: book
                    .unit_price_per_1000(Service::Rtc, media)
                    .expect("a price")
                    .clone(),
            })
            .collect();
        let shares = fill(&lines, &vec![0; lines.len()], book);
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
            media: Media::Audio,
            seconds: 6_120_060,
            minutes: 102_001,
            unit_price_per_1000: exact("0.99"),
        };
        let shares = fill(&[line], &[1], &book);
        let prices: Vec<_> = shares.iter().map(|share| &share.unit_price_per_1000).collect();
        assert_eq!(prices, [&exact("0.99"), &exact("0.9405")]);
        assert_eq!((&shares[0].amount, &shares[1].amount), (&exact("99"), &exact("1.881")));
    }

    #[test]
    fn a_line_that_is_free_as_a_whole_has_one_share_of_nothing() {
        let book = book("tiered");
        let line = LineMinutes {
            service: Service::Rtc,
            media: Media::Audio,
            seconds: 60,
            minutes: 1,
            unit_price_per_1000: exact("0.99"),
        };
        let shares = fill(&[line], &[1], &book);
        assert_eq!((shares.len(), shares[0].tier, shares[0].billable_minutes), (1, 1, 0));
        assert_eq!(shares[0].amount, exact("0"));
    }
}
