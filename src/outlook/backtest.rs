//! How good forecasts of past months would have been.
//!
//! Owns the comparison of forecasts with what came, and with the naive run rate:
//! the month's use so far, carried on evenly and rated. Uses nothing that was
//! not known on the day of the forecast, but takes late corrections as known.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use super::month::{Known, forecast};
use super::series::UnknownDays;
use crate::domain::{AccountId, Currency, DayUsage, Month};
use crate::rating::{PriceBook, RatingError, rate_by_the_book};

/// Known days of the month at which a forecast is made.
pub const CHECKPOINT_DAYS: [u64; 4] = [5, 10, 15, 20];

/// One forecast of a month that is over, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tried {
    /// Which month.
    pub month: Month,
    /// Newest day that was known.
    pub last_day: NaiveDate,
    /// Of every amount.
    pub currency: Currency,
    /// What the month cost.
    pub actual: i128,
    /// What was expected.
    pub expected: i128,
    /// The range.
    pub low: i128,
    /// The range.
    pub high: i128,
    /// What the naive run rate gives.
    pub naive: i128,
}

/// All tried forecasts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Score {
    /// Forecasts that were tried.
    pub tried: usize,
    /// Mean error of the forecast, in hundredths of a per cent of the actual bill.
    pub error: i128,
    /// The same of the naive run rate.
    pub naive_error: i128,
    /// Outcomes within the range, in per cent.
    pub in_range_percent: usize,
}

/// Tries each checkpoint of the months; a month without cost, without a book or
/// without enough days before it is left out.
///
/// # Errors
/// [`RatingError`] where usage cannot be rated.
pub fn backtest<'b>(
    account: &AccountId,
    usage: &[DayUsage],
    unknown: &[UnknownDays],
    book_of: impl Fn(Month) -> Option<&'b PriceBook>,
    months: &[Month],
) -> Result<Vec<Tried>, RatingError> {
    let mut tried = Vec::new();
    for month in months {
        let of_month: Vec<DayUsage> =
            usage.iter().filter(|row| month.days().contains(row.day)).cloned().collect();
        let Some(book) = book_of(*month) else { continue };
        let actual = rate_by_the_book(account, *month, &of_month, book)?.0.total.minor_units;
        if actual == 0 {
            continue;
        }
        for known_days in CHECKPOINT_DAYS {
            let Some(last_day) = month.first_day().checked_add_days(Days::new(known_days - 1))
            else {
                continue;
            };
            let until: Vec<DayUsage> =
                usage.iter().filter(|row| row.day <= last_day).cloned().collect();
            let known = Known { account, last_day, usage: &until, unknown, book };
            let outlook = forecast(known)?;
            let Some(found) = outlook.forecast() else { continue };
            let naive = run_rate(account, *month, last_day, &of_month, book)?;
            tried.push(Tried {
                month: *month,
                last_day,
                currency: book.currency,
                actual,
                expected: found.expected.total.minor_units,
                low: found.low.minor_units,
                high: found.high.minor_units,
                naive,
            });
        }
    }
    Ok(tried)
}

/// The month's use so far, times its days over the days so far, rated.
fn run_rate(
    account: &AccountId,
    month: Month,
    last_day: NaiveDate,
    usage: &[DayUsage],
    book: &PriceBook,
) -> Result<i128, RatingError> {
    let so_far = i128::from((last_day - month.first_day()).num_days() + 1);
    let days = i128::from(month.days().day_count());
    let mut carried_on: Vec<DayUsage> =
        usage.iter().filter(|row| row.day <= last_day).cloned().collect();
    for seconds in carried_on.iter_mut().flat_map(|row| &mut row.seconds).flatten() {
        *seconds = i64::try_from(i128::from(*seconds) * days / so_far).unwrap_or(i64::MAX);
    }
    Ok(rate_by_the_book(account, month, &carried_on, book)?.0.total.minor_units)
}

/// The score of tried forecasts.
#[must_use]
pub fn score(tried: &[Tried]) -> Score {
    let Ok(count) = i128::try_from(tried.len()) else { return Score::default() };
    if count == 0 {
        return Score::default();
    }
    let error = |of: fn(&Tried) -> i128| {
        let errors =
            tried.iter().map(|t| (of(t) - t.actual).abs() * 10_000 / t.actual.abs().max(1));
        errors.sum::<i128>() / count
    };
    let in_range = tried.iter().filter(|t| t.low <= t.actual && t.actual <= t.high).count();
    Score {
        tried: tried.len(),
        error: error(|t| t.expected),
        naive_error: error(|t| t.naive),
        in_range_percent: in_range * 100 / tried.len(),
    }
}

/// The score of each number of known days.
#[must_use]
pub fn score_by_known_days(tried: &[Tried]) -> BTreeMap<i64, Score> {
    let mut by_days: BTreeMap<i64, Vec<Tried>> = BTreeMap::new();
    for one in tried {
        let days = (one.last_day - one.month.first_day()).num_days() + 1;
        by_days.entry(days).or_default().push(*one);
    }
    by_days.into_iter().map(|(days, tried)| (days, score(&tried))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Media;
    use crate::outlook::month::testing::{account, flat, tiered};

    /// Numbers that look random and follow from the seed (splitmix64).
    struct Dice(u64);

    impl Dice {
        /// From -1,000 to 1,000, more often near 0: the mean of four even throws, doubled.
        fn noise(&mut self) -> i64 {
            (0..4).map(|_| i64::try_from(self.next() % 1_001).expect("small") - 500).sum()
        }

        fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = self.0;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        }
    }

    const WEEK: [i64; 7] = [100, 110, 115, 110, 95, 40, 30];

    /// A year with a weekday pattern, a trend a week and noise, in per mille.
    fn noisy_year(seed: u64, trend: i64, noise: i64) -> Vec<DayUsage> {
        let mut dice = Dice(seed);
        let mut usage = flat("P1", "2030-01-01", "2031-01-31", 0);
        let mut level = 1_000_000_i64;
        for (index, row) in usage.iter_mut().enumerate() {
            let weekday = index % 7;
            let strayed = 1_000 + dice.noise() * noise / 1_000;
            let seconds = WEEK[weekday] * level / 100 * strayed.max(0) / 1_000;
            row.seconds[Media::Audio.index()] = Some(seconds);
            if weekday == 6 {
                level += level * trend / 1_000;
            }
        }
        usage
    }

    fn months() -> Vec<Month> {
        Month::parse_span("2030-04..2031-01").expect("months")
    }

    fn tried(usage: &[DayUsage]) -> Vec<Tried> {
        let book = tiered();
        backtest(&account(), usage, &[], |_| Some(&book), &months()).expect("rated")
    }

    #[test]
    fn the_forecast_beats_the_run_rate_and_its_range_holds_its_share() {
        let mut all = Vec::new();
        for (seed, trend) in (0..).zip([-30, -10, 0, 5, 10, 20, 40]) {
            for noise in [50, 150, 300] {
                let found = tried(&noisy_year(seed, trend, noise));
                println!("trend {trend} noise {noise}: {:?}", score(&found));
                all.extend(found);
            }
        }
        println!("{:?}", score(&all));
        for (days, score) in score_by_known_days(&all) {
            println!("{days}: {score:?}");
            assert!(score.error < score.naive_error, "after {days} days: {score:?}");
        }
        let score = score(&all);
        assert_eq!(score.tried, 7 * 3 * 40);
        let range = usize::try_from(super::super::pattern::RANGE_PERCENT).expect("small");
        assert!(score.in_range_percent >= range, "{score:?}");
    }

    #[test]
    fn a_level_year_is_foretold_without_error() {
        let score = score(&tried(&noisy_year(1, 0, 0)));
        assert!(score.error <= 5 && score.in_range_percent == 100, "{score:?}");
        assert!(score.naive_error > 100, "weekends make the run rate stray: {score:?}");
    }
}
