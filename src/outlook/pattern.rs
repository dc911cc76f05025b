//! The next days of one series of daily seconds: its weekday pattern and its trend.
//!
//! Owns the method, on integers alone. Does not know which project or media a
//! series belongs to, nor what a second costs.
//!
//! The method, in words that a report can print: each weekday has its mean of
//! the last eight weeks; each week has a level against those means; the trend is
//! the median of the slopes between any two weeks, and three quarters of it are carried
//! on, since growth seldom goes on at its rate. How much the levels strayed from
//! the trend gives the range. Medians keep one odd week from bending the line.

use chrono::{Datelike, Days, NaiveDate};

/// Weeks that the pattern is read from, at most.
pub const WEEKS: usize = 8;

/// Known days below which nothing is foretold: three weeks.
pub const LEAST_KNOWN_DAYS: usize = 21;

/// Share of the range's method that should hold the outcome, in per cent.
pub const RANGE_PERCENT: u32 = 80;

const DAYS_A_WEEK: usize = 7;

/// A level of 1: the mean of the last weeks.
const ONE: i128 = 1_000_000;

/// A week says something about the level when so many of its days are known.
const LEAST_DAYS_OF_A_WEEK: usize = 4;

/// Part of the trend that is carried on, as numerator and denominator.
const CARRIED_ON: (i128, i128) = (3, 4);

/// No prediction is over this many times the mean.
const HIGHEST_LEVEL: i128 = 4 * ONE;

/// Standard deviations that the range spans on each side, in hundredths. More
/// than the 128 of a normal distribution, since few weeks tell little of it.
const DEVIATIONS: i128 = 150;

/// Least half-width of the range, in millionths: a straight past promises no straight future.
const LEAST_SPREAD: i128 = 10_000;

/// Daily seconds up to a day, oldest first; none where a day is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DailySeries {
    /// Day after the newest of the series: the first to foretell.
    pub next_day: NaiveDate,
    /// One value a day.
    pub seconds: Vec<Option<i64>>,
}

/// What a series does on a weekday and from week to week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    next_day: NaiveDate,
    /// Mean seconds of a Monday to a Sunday, times [`ONE`].
    weekday_means: [i128; DAYS_A_WEEK],
    /// Level of the newest week, in millionths of the mean.
    level: i128,
    /// Change of the level a week, in millionths.
    slope: i128,
    /// Standard deviation of a week's level around the trend, in millionths.
    deviation: i128,
    /// Weeks that told of the level.
    weeks: i128,
}

/// The sum of days to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prediction {
    /// Seconds of each day to come.
    pub daily_seconds: Vec<i64>,
    /// Half-width of the range of their sum, in millionths of the sum.
    pub spread_millionths: i64,
}

impl Pattern {
    /// Reads the pattern from the last eight weeks of a series; none with fewer than 21 known
    /// days, or without a known day of some weekday.
    #[must_use]
    pub fn of(series: &DailySeries) -> Option<Self> {
        let newest_first: Vec<Option<i128>> = series
            .seconds
            .iter()
            .rev()
            .map(|seconds| seconds.map(i128::from))
            .take(WEEKS * DAYS_A_WEEK)
            .collect();
        if newest_first.iter().flatten().count() < LEAST_KNOWN_DAYS {
            return None;
        }
        let weekday_means = weekday_means(series.next_day, &newest_first)?;
        let levels = weekly_levels(series.next_day, &newest_first, &weekday_means);
        let slope = median(&slopes(&levels)).unwrap_or(0);
        let at_newest: Vec<i128> =
            levels.iter().map(|(week, level)| level + slope * week).collect();
        let level = median(&at_newest).unwrap_or(ONE);
        let weeks = i128::try_from(levels.len()).unwrap_or(1).max(1);
        let strayed: i128 = at_newest.iter().map(|value| (value - level).abs()).sum();
        // The mean of absolute deviations is 1 / 1.2533 standard deviations of a
        // normal one; level and slope took two of the weeks.
        let deviation = strayed * 12_533 / 10_000 / (weeks - 2).max(1);
        Some(Self { next_day: series.next_day, weekday_means, level, slope, deviation, weeks })
    }

    /// Foretells the days from the series' end on.
    #[must_use]
    pub fn predict(&self, days: usize) -> Prediction {
        let daily = self.next_day.iter_days().take(days).enumerate();
        let daily_seconds = daily.map(|(ahead, day)| self.seconds_of(ahead, day)).collect();
        Prediction { daily_seconds, spread_millionths: self.spread(days) }
    }

    /// The newest week's level stands in its middle, three days before its end.
    fn seconds_of(&self, ahead: usize, day: NaiveDate) -> i64 {
        let days_since_level = i128::try_from(ahead).unwrap_or(i128::MAX / ONE) + 4;
        let (carried, of) = CARRIED_ON;
        let growth = self.slope * carried * days_since_level / (of * 7);
        let level = (self.level + growth).clamp(0, HIGHEST_LEVEL);
        let mean = self.weekday_means[weekday(day)];
        i64::try_from((mean * level / ONE + ONE / 2) / ONE).unwrap_or(i64::MAX)
    }

    /// Fewer days stray more than many; the level is known from few weeks, and
    /// less so the further it is carried; and the trend may end or go on.
    fn spread(&self, days: usize) -> i64 {
        let days = i128::try_from(days).unwrap_or(1).max(1);
        let variance = self.deviation * self.deviation;
        let of_days = variance * 7 / days;
        let of_level = variance * 6 / self.weeks;
        // The middle of the days to come, in weeks from the middle of the newest one.
        let weeks_ahead = (days / 2 + 4) * 10 / 7;
        let of_slope = variance * 12 * weeks_ahead * weeks_ahead / (100 * self.weeks.pow(3));
        let standard = u128::try_from(of_days + of_level + of_slope).unwrap_or(0).isqrt();
        let standard = i128::try_from(standard).unwrap_or(i128::MAX / DEVIATIONS);
        let (carried, of) = CARRIED_ON;
        let of_trend = self.slope.abs() * weeks_ahead * carried / (of * 10);
        let relative_to = self.level.max(ONE / 10);
        let spread = (standard * DEVIATIONS / 100 + of_trend) * ONE / relative_to;
        i64::try_from(spread.clamp(LEAST_SPREAD, 2 * ONE)).unwrap_or(i64::MAX)
    }

    /// Change from week to week against the newest level, in millionths.
    #[must_use]
    pub fn weekly_change_millionths(&self) -> i64 {
        let change = if self.level == 0 { 0 } else { self.slope * ONE / self.level };
        i64::try_from(change).unwrap_or(0)
    }
}

impl Prediction {
    /// Seconds of all days.
    #[must_use]
    pub fn total_seconds(&self) -> i128 {
        self.daily_seconds.iter().map(|seconds| i128::from(*seconds)).sum()
    }

    /// Each day at the low or high end of the range of the sum, never below 0.
    #[must_use]
    pub fn at_end(&self, is_high: bool) -> Vec<i64> {
        let spread = i128::from(self.spread_millionths);
        let factor = if is_high { ONE + spread } else { (ONE - spread).max(0) };
        let scaled = |seconds: &i64| i128::from(*seconds) * factor / ONE;
        self.daily_seconds.iter().map(|s| i64::try_from(scaled(s)).unwrap_or(i64::MAX)).collect()
    }
}

/// From 0 for Monday.
fn weekday(day: NaiveDate) -> usize {
    day.weekday().num_days_from_monday() as usize
}

fn weekday_of(next_day: NaiveDate, days_before: usize) -> usize {
    let before = u64::try_from(days_before).unwrap_or(0) + 1;
    next_day.checked_sub_days(Days::new(before)).map_or(0, weekday)
}

fn weekday_means(next_day: NaiveDate, newest_first: &[Option<i128>]) -> Option<[i128; 7]> {
    let mut sums = [(0_i128, 0_i128); DAYS_A_WEEK];
    for (days_before, seconds) in newest_first.iter().enumerate() {
        if let Some(seconds) = seconds {
            let (sum, count) = &mut sums[weekday_of(next_day, days_before)];
            *sum += seconds;
            *count += 1;
        }
    }
    let mut means = [0; DAYS_A_WEEK];
    for (mean, (sum, count)) in means.iter_mut().zip(sums) {
        *mean = (sum * ONE).checked_div(count)?;
    }
    Some(means)
}

/// Weeks before the newest one, and the level of each, where enough of it is known.
fn weekly_levels(
    next_day: NaiveDate,
    newest_first: &[Option<i128>],
    weekday_means: &[i128; DAYS_A_WEEK],
) -> Vec<(i128, i128)> {
    let level_of = |week: usize, days: &[Option<i128>]| {
        let known = days.iter().enumerate().filter_map(|(day, seconds)| Some((day, (*seconds)?)));
        let known: Vec<(usize, i128)> = known.collect();
        let mean_of = |day: usize| weekday_means[weekday_of(next_day, week * DAYS_A_WEEK + day)];
        let expected: i128 = known.iter().map(|(day, _)| mean_of(*day)).sum();
        let sum: i128 = known.iter().map(|(_, seconds)| seconds).sum();
        if known.len() < LEAST_DAYS_OF_A_WEEK {
            return None;
        }
        // A series that never was anything is level.
        Some((i128::try_from(week).ok()?, (sum * ONE * ONE).checked_div(expected).unwrap_or(ONE)))
    };
    let weeks = newest_first.chunks(DAYS_A_WEEK).enumerate();
    weeks.filter_map(|(week, days)| level_of(week, days)).collect()
}

/// Between any two weeks; weeks count backwards, so that growth is positive.
fn slopes(levels: &[(i128, i128)]) -> Vec<i128> {
    let pairs = levels
        .iter()
        .enumerate()
        .flat_map(|(index, newer)| levels[index + 1..].iter().map(move |older| (newer, older)));
    pairs.map(|(newer, older)| (newer.1 - older.1) / (older.0 - newer.0)).collect()
}

/// The middle value, or the mean of the two in the middle.
pub(super) fn median(values: &[i128]) -> Option<i128> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    Some(if sorted.len() % 2 == 1 { upper } else { i128::midpoint(sorted[middle - 1], upper) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ends on a Sunday.
    fn series(seconds: impl IntoIterator<Item = Option<i64>>) -> DailySeries {
        let next_day = NaiveDate::from_ymd_opt(2031, 5, 5).expect("a Monday");
        DailySeries { next_day, seconds: seconds.into_iter().collect() }
    }

    /// Monday to Sunday.
    const WEEK: [i64; 7] = [100, 110, 120, 110, 100, 30, 20];

    #[test]
    fn a_weekday_pattern_goes_on() {
        let weeks = WEEK.into_iter().cycle().take(56).map(Some);
        let pattern = Pattern::of(&series(weeks)).expect("enough data");
        let next = pattern.predict(9);
        assert_eq!(next.daily_seconds, [100, 110, 120, 110, 100, 30, 20, 100, 110]);
        assert_eq!(next.spread_millionths, 10_000);
        assert_eq!(pattern.weekly_change_millionths(), 0);
    }

    #[test]
    fn unknown_days_are_not_zero() {
        let hidden = |(day, seconds): (usize, i64)| (day % 9 != 4).then_some(seconds);
        let weeks = WEEK.into_iter().cycle().take(56).enumerate().map(hidden);
        let next = Pattern::of(&series(weeks)).expect("enough data").predict(7);
        assert_eq!(next.daily_seconds, WEEK);
    }

    #[test]
    fn most_of_a_trend_is_carried_on() {
        let growing = (0..8).flat_map(|week| WEEK.map(|s| Some(s * (100 + 10 * week) * 100)));
        let pattern = Pattern::of(&series(growing)).expect("enough data");
        let next = pattern.predict(7);
        let total = next.total_seconds();
        let (newest, mean): (i128, i128) = (590 * 170 * 100, 590 * 10 * 100);
        // A whole week of growth would be `mean` more, measured from middle to middle.
        let expected = newest + mean * 3 / 4;
        assert!((total - expected).abs() < expected / 50, "{total} {expected}");
        assert!(pattern.weekly_change_millionths() > 50_000);
    }

    #[test]
    fn one_odd_week_does_not_bend_the_line() {
        let weeks = (0..8).flat_map(|week| WEEK.map(|s| Some(if week == 6 { s * 9 } else { s })));
        let total = Pattern::of(&series(weeks)).expect("enough data").predict(7).total_seconds();
        assert!((560..=620).contains(&total), "{total}");
    }

    #[test]
    fn under_three_weeks_nothing_is_foretold() {
        let days = |count: usize| series(WEEK.into_iter().cycle().take(count).map(Some));
        assert!(Pattern::of(&days(20)).is_none());
        assert!(Pattern::of(&days(21)).is_some());
        assert!(Pattern::of(&series([])).is_none());
        // 48 known days, but no Monday among them.
        let without = WEEK.into_iter().cycle().take(56).enumerate();
        let without = without.map(|(day, s)| (day % 7 != 0).then_some(s));
        assert!(Pattern::of(&series(without)).is_none());
    }

    #[test]
    fn nothing_stays_nothing_and_the_largest_values_do_not_overflow() {
        let next = Pattern::of(&series([Some(0); 56])).expect("enough data").predict(31);
        assert_eq!(next.total_seconds(), 0);
        let next = Pattern::of(&series([Some(i64::MAX); 56])).expect("enough data").predict(31);
        assert_eq!(next.daily_seconds[30], i64::MAX);
        assert_eq!(next.at_end(true)[0], i64::MAX);
    }

    #[test]
    fn a_restless_past_gives_a_wide_range() {
        let noisy = (0..8).flat_map(|week| WEEK.map(|s| Some(s * (50 + 25 * (week % 4)))));
        let next = Pattern::of(&series(noisy)).expect("enough data").predict(7);
        assert!(next.spread_millionths > 300_000, "{}", next.spread_millionths);
        let (low, high) = (next.at_end(false), next.at_end(true));
        assert!(low.iter().zip(&high).all(|(low, high)| low <= high && *low >= 0));
    }
}
