//! Days that are not like the same weekday before them.
//!
//! Owns what is odd: a project's day whose worth strays from the median of its
//! weekday by four times what is usual, and by more than a floor of money, so
//! that trifles stay silent. Worth is at list price, without free minutes and
//! tiers: a day has neither. It is for comparing days, and is on no bill.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use num_rational::BigRational;
use num_traits::ToPrimitive;

use super::pattern::median;
use super::series::UsageSeries;
use crate::domain::{Currency, Media, Money, ProjectId, Service};
use crate::rating::PriceBook;

/// Earlier days of the same weekday below which nothing is called odd.
const LEAST_DAYS: usize = 4;

/// How many usual deviations a day must stray, and what a usual one is at least,
/// in per cent of the median: a line that never moved may move a little.
const DEVIATIONS: i128 = 4;
const LEAST_DEVIATION_PERCENT: i128 = 5;

/// An odd day of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anomaly {
    /// The day.
    pub day: NaiveDate,
    /// The project.
    pub project_id: ProjectId,
    /// Worth of the day at list price.
    pub worth: Money,
    /// Median of the same weekday in the eight weeks before.
    pub usual: Money,
    /// What strayed most in the same direction.
    pub service: Service,
    /// Its media.
    pub media: Media,
}

/// Odd days of a series' newest day, largest difference first.
///
/// A price that is not known counts as nothing.
#[must_use]
pub fn odd_projects(series: &UsageSeries, book: &PriceBook, floor: Money) -> Vec<Anomaly> {
    let mut projects: BTreeMap<&ProjectId, Vec<Line>> = BTreeMap::new();
    for (key, values) in &series.by_key {
        let Some(price) = list_price(book, key.service, key.media) else { continue };
        let worth = values.iter().map(|seconds| worth((*seconds)?, price, book.currency));
        let line = Line { service: key.service, media: key.media, worth: worth.collect() };
        projects.entry(&key.project_id).or_default().push(line);
    }
    let odd = |(project_id, lines): (&ProjectId, Vec<Line>)| {
        let (worth, usual) = stray(&sum(&lines), floor.minor_units)?;
        let is_more = worth > usual;
        let strayed = |line: &Line| {
            let (newest, usual) = newest_and_usual(&line.worth)?;
            Some(if is_more { newest - usual } else { usual - newest })
        };
        let cause = lines.iter().max_by_key(|line| strayed(line).unwrap_or(i128::MIN))?;
        let money = |minor_units| Money { minor_units, currency: floor.currency };
        Some(Anomaly {
            day: series.range.last(),
            project_id: project_id.clone(),
            worth: money(worth),
            usual: money(usual),
            service: cause.service,
            media: cause.media,
        })
    };
    let mut found: Vec<Anomaly> = projects.into_iter().filter_map(odd).collect();
    let difference =
        |anomaly: &Anomaly| (anomaly.worth.minor_units - anomaly.usual.minor_units).abs();
    found.sort_by_key(|anomaly| std::cmp::Reverse(difference(anomaly)));
    found
}

/// Worth of each day of one service and media, in minor units.
struct Line {
    service: Service,
    media: Media,
    worth: Vec<Option<i128>>,
}

fn list_price(book: &PriceBook, service: Service, media: Media) -> Option<&BigRational> {
    let billed_as = book.billed_as(media);
    let own = book.unit_price_per_1000(service, billed_as);
    let as_other = || book.unit_price_per_1000(service, book.hdp_priced_as(service)?);
    own.or_else(|| as_other().filter(|_| billed_as == Media::Hdp))
}

/// None when it is too large to be money.
fn worth(seconds: i64, price_per_1000: &BigRational, currency: Currency) -> Option<i128> {
    let minor_units = num_bigint::BigInt::from(10).pow(currency.minor_unit_digits());
    let exact = price_per_1000 * BigRational::new(minor_units * seconds, 60_000.into());
    exact.round().to_integer().to_i128()
}

fn sum(lines: &[Line]) -> Vec<Option<i128>> {
    let days = lines.iter().map(|line| line.worth.len()).max().unwrap_or(0);
    // Before its first use a line is nothing yet, and before that of all lines so
    // is the project; unknown later is a hole.
    let of_day = |day: usize| {
        let is_in_use = |line: &&Line| line.worth[..=day].iter().any(Option::is_some);
        let mut in_use = lines.iter().filter(is_in_use).peekable();
        in_use.peek()?;
        in_use.try_fold(0_i128, |sum, line| Some(sum + line.worth[day]?))
    };
    (0..days).map(of_day).collect()
}

/// The newest day and the median of the same weekday before it.
fn newest_and_usual(worth: &[Option<i128>]) -> Option<(i128, i128)> {
    let newest = (*worth.last()?)?;
    let before = same_weekday(worth);
    Some((newest, median(&before).unwrap_or(0)))
}

fn same_weekday(worth: &[Option<i128>]) -> Vec<i128> {
    worth.iter().rev().skip(7).step_by(7).filter_map(|worth| *worth).collect()
}

/// The newest day and its usual worth, when it strays.
fn stray(worth: &[Option<i128>], floor_minor_units: i128) -> Option<(i128, i128)> {
    let (newest, usual) = newest_and_usual(worth)?;
    let before = same_weekday(worth);
    if before.len() < LEAST_DAYS {
        return None;
    }
    let strayed: Vec<i128> = before.iter().map(|worth| (worth - usual).abs()).collect();
    let deviation = median(&strayed).unwrap_or(0) * 14_826 / 10_000;
    let deviation = deviation.max(usual * LEAST_DEVIATION_PERCENT / 100);
    let difference = (newest - usual).abs();
    (difference >= floor_minor_units && difference > DEVIATIONS * deviation)
        .then_some((newest, usual))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::DayUsage;
    use crate::outlook::month::testing::{flat, tiered};
    use crate::outlook::series::history;

    /// Odd days of 2031-05-10 with a floor of 5.00.
    fn odd(usage: &[DayUsage]) -> Vec<Anomaly> {
        let range = history("2031-05-10".parse().expect("day")).expect("range");
        let series = UsageSeries::of(range, usage, &[]);
        let book = tiered();
        odd_projects(&series, &book, Money { minor_units: 500, currency: book.currency })
    }

    fn newest(usage: &mut [DayUsage]) -> &mut DayUsage {
        usage.last_mut().expect("rows")
    }

    #[test]
    fn a_day_unlike_its_weekday_is_told_with_its_cause() {
        // 10,000 minutes of audio a day are worth 9.90.
        let mut usage = flat("P1", "2031-03-16", "2031-05-10", 600_000);
        usage.extend(flat("P2", "2031-03-16", "2031-05-10", 600_000));
        newest(&mut usage).seconds[Media::Hd.index()] = Some(600_000);
        let [found] = &odd(&usage)[..] else { panic!("one odd day") };
        assert_eq!(found.project_id.as_str(), "P2");
        assert_eq!(
            (found.worth.to_string(), found.usual.to_string()),
            ("49.80".into(), "9.90".into())
        );
        assert_eq!((found.service, found.media), (Service::Rtc, Media::Hd));
    }

    #[test]
    fn a_fall_is_odd_too_and_trifles_stay_silent() {
        let mut usage = flat("P1", "2031-03-16", "2031-05-10", 600_000);
        newest(&mut usage).seconds[Media::Audio.index()] = Some(0);
        assert_eq!(odd(&usage)[0].worth.to_string(), "0.00");
        let mut usage = flat("P1", "2031-03-16", "2031-05-10", 60_000);
        newest(&mut usage).seconds[Media::Audio.index()] = Some(0);
        assert!(odd(&usage).is_empty(), "0.99 is a trifle");
        let mut usage = flat("P1", "2031-03-16", "2031-05-10", 6_000_000);
        newest(&mut usage).seconds[Media::Audio.index()] = Some(7_000_000);
        assert!(odd(&usage).is_empty(), "a sixth more is within four times five per cent");
    }

    #[test]
    fn a_quiet_weekend_is_no_news() {
        let mut usage = flat("P1", "2031-03-16", "2031-05-10", 6_000_000);
        for row in &mut usage {
            if row.day.format("%a").to_string() == "Sat" {
                row.seconds[Media::Audio.index()] = Some(60_000);
            }
        }
        assert_eq!(usage.last().expect("rows").day.format("%a").to_string(), "Sat");
        assert!(odd(&usage).is_empty());
    }

    #[test]
    fn a_young_project_is_not_judged() {
        let mut usage = flat("P1", "2031-04-20", "2031-05-10", 600_000);
        newest(&mut usage).seconds[Media::Hd.index()] = Some(6_000_000);
        assert!(odd(&usage).is_empty());
    }
}
