//! The same months under other price books.
//!
//! Owns the order of plans by what they would have cost, and the volume at which
//! the order turns. The past under another plan is exact; that the future is
//! like it, is not said here.

use num_traits::ToPrimitive;

use crate::domain::{AccountId, DayUsage, Media, Money, Month};
use crate::rating::{Bill, PriceBook, RatingError, rate_by_the_book};

/// A month as it was used.
#[derive(Debug, Clone)]
pub struct UsedMonth {
    /// Which month.
    pub month: Month,
    /// All its usage.
    pub usage: Vec<DayUsage>,
}

/// What one book would have made of the months.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Name of the book.
    pub book_name: String,
    /// Sum of the months' totals.
    pub total: Money,
    /// Each month's bill, in the order of the months.
    pub bills: Vec<Bill>,
    /// Whether a month has usage without a price under it: the total is too low.
    pub is_unpriced: bool,
}

/// Where two plans cost the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakEven {
    /// The cheaper book at the volume of the months.
    pub cheapest: String,
    /// The book that is as cheap at the other volume.
    pub other: String,
    /// That volume, in per cent of the months' own with the same mix.
    pub volume_percent: u32,
    /// Minutes a month, all media together, at that volume.
    pub minutes_a_month: u128,
}

/// Volumes between which a break-even is looked for, in per cent.
const LOWEST_PERCENT: u32 = 1;
const HIGHEST_PERCENT: u32 = 2_000;

/// Rates the months under every book, cheapest first; a book that cannot price
/// all usage comes after those that can.
///
/// # Errors
/// [`RatingError`] where the usage cannot be rated.
pub fn compare(
    account: &AccountId,
    months: &[UsedMonth],
    books: &[PriceBook],
) -> Result<Vec<Candidate>, RatingError> {
    let mut candidates = Vec::with_capacity(books.len());
    for book in books {
        candidates.push(candidate(account, months, book)?);
    }
    candidates.sort_by(|a, b| {
        let key = |c: &Candidate| (c.is_unpriced, c.total.minor_units, c.book_name.clone());
        key(a).cmp(&key(b))
    });
    Ok(candidates)
}

fn candidate(
    account: &AccountId,
    months: &[UsedMonth],
    book: &PriceBook,
) -> Result<Candidate, RatingError> {
    let mut bills = Vec::with_capacity(months.len());
    for used in months {
        bills.push(rate_by_the_book(account, used.month, &used.usage, book)?.0);
    }
    let minor_units = bills.iter().map(|bill| bill.total.minor_units).sum();
    Ok(Candidate {
        book_name: book.name.clone(),
        total: Money { minor_units, currency: book.currency },
        is_unpriced: bills.iter().any(|bill| !bill.unpriced.is_empty()),
        bills,
    })
}

/// The volume nearest to the months' own at which `other` costs no more than `cheapest`.
///
/// # Errors
/// [`RatingError`] where scaled usage cannot be rated.
pub fn break_even(
    account: &AccountId,
    months: &[UsedMonth],
    cheapest: &PriceBook,
    other: &PriceBook,
) -> Result<Option<BreakEven>, RatingError> {
    let other_wins = |percent: u32| -> Result<bool, RatingError> {
        let scaled = scaled(months, percent);
        let cost = |book| candidate(account, &scaled, book).map(|c| c.total.minor_units);
        Ok(cost(other)? < cost(cheapest)?)
    };
    let steps = [1, 2, 5, 10, 20, 35, 50, 65, 80, 90];
    let upwards = [110, 125, 150, 200, 300, 500, 800, 1_200, HIGHEST_PERCENT];
    let above = first_win(100, upwards.into_iter(), &other_wins)?;
    let below = first_win(100, steps.into_iter().rev(), &other_wins)?;
    let distance = |percent: &u32| percent.abs_diff(100);
    let nearest = above.into_iter().chain(below).min_by_key(distance);
    Ok(nearest.filter(|percent| *percent >= LOWEST_PERCENT).map(|volume_percent| BreakEven {
        cheapest: cheapest.name.clone(),
        other: other.name.clone(),
        volume_percent,
        minutes_a_month: minutes_a_month(&scaled(months, volume_percent)),
    }))
}

/// Walks away from `start` until the other book wins, then narrows the step down to one per cent.
fn first_win(
    start: u32,
    steps: impl Iterator<Item = u32>,
    wins: &impl Fn(u32) -> Result<bool, RatingError>,
) -> Result<Option<u32>, RatingError> {
    let mut without = start;
    for step in steps {
        if wins(step)? {
            let mut with = step;
            while with.abs_diff(without) > 1 {
                let middle = u32::midpoint(with, without);
                if wins(middle)? { with = middle } else { without = middle }
            }
            return Ok(Some(with));
        }
        without = step;
    }
    Ok(None)
}

fn scaled(months: &[UsedMonth], percent: u32) -> Vec<UsedMonth> {
    let scale = |seconds: i64| {
        (i128::from(seconds) * i128::from(percent) / 100).to_i64().unwrap_or(i64::MAX)
    };
    let mut scaled = months.to_vec();
    for row in scaled.iter_mut().flat_map(|used| &mut used.usage) {
        row.seconds.iter_mut().flatten().for_each(|seconds| *seconds = scale(*seconds));
    }
    scaled
}

fn minutes_a_month(months: &[UsedMonth]) -> u128 {
    let rows = months.iter().flat_map(|used| &used.usage);
    let of_row = |row: &DayUsage| Media::ALL.map(|media| row.seconds[media.index()].unwrap_or(0));
    let seconds = rows.flat_map(of_row).map(|seconds| u128::try_from(seconds).unwrap_or(0));
    let count = u128::try_from(months.len()).unwrap_or(1).max(1);
    seconds.sum::<u128>().div_ceil(60) / count
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::outlook::month::testing::{account, flat};
    use crate::rating::rate;

    /// Audio alone, at a price for 1,000 minutes.
    fn book(name: &str, free_minutes: u32, price: &str) -> PriceBook {
        let tiered = crate::outlook::month::testing::tiered().text;
        let (before_tiers, _) = tiered.split_once("[[tiers]]").expect("tiers");
        let text = before_tiers
            .replace("name = \"tiered-usd\"", &format!("name = \"{name}\""))
            .replace("free_minutes = 10000", &format!("free_minutes = {free_minutes}"));
        let tiers = "[[tiers]]
from_minute = 0
discount_percent = \"0\"";
        let text = format!(
            "{text}{tiers}
[prices.rtc]
audio = \"{price}\"
"
        );
        PriceBook::parse(name, &text).expect("valid")
    }

    fn may(seconds_a_day: i64) -> Vec<UsedMonth> {
        let usage = flat("P1", "2031-05-01", "2031-05-31", seconds_a_day);
        vec![UsedMonth { month: Month::parse("2031-05").expect("month"), usage }]
    }

    #[test]
    fn the_cheapest_comes_first_and_its_total_is_that_of_rating() {
        let books =
            [book("dear", 0, "2.00"), book("cheap", 0, "0.50"), book("free", 10_000, "1.00")];
        let months = may(60_000);
        let found = compare(&account(), &months, &books).expect("rated");
        let order: Vec<_> =
            found.iter().map(|c| (c.book_name.as_str(), c.total.to_string())).collect();
        assert_eq!(
            order,
            [
                ("cheap", "15.50".to_owned()),
                ("free", "21.00".to_owned()),
                ("dear", "62.00".to_owned())
            ]
        );
        for (candidate, book) in found.iter().zip([&books[1], &books[2], &books[0]]) {
            let by_hand = rate(&account(), months[0].month, &months[0].usage, book).expect("rated");
            assert_eq!(
                (candidate.total, &candidate.bills[0].lines),
                (by_hand.total, &by_hand.lines)
            );
        }
    }

    #[test]
    fn the_volume_is_told_at_which_the_order_turns() {
        // 31,000 minutes: 15.50 against 21.00; at 20,000 minutes both cost 10.00.
        let (cheap, free) = (book("cheap", 0, "0.50"), book("free", 10_000, "1.00"));
        let found = break_even(&account(), &may(60_000), &cheap, &free).expect("rated");
        let found = found.expect("a volume");
        assert_eq!(found.volume_percent, 64);
        assert_eq!(found.minutes_a_month, 19_840);
        let dear = book("dear", 0, "2.00");
        assert_eq!(break_even(&account(), &may(60_000), &cheap, &dear).expect("rated"), None);
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
            let books: Vec<_> = prices.iter().enumerate().map(named).collect();
            let months = may(seconds);
            let found = compare(&account(), &months, &books).expect("rated");
            for book in &books {
                let by_hand = rate(&account(), months[0].month, &months[0].usage, book).expect("rated");
                prop_assert!(found[0].total.minor_units <= by_hand.total.minor_units);
            }
        }
    }
}
