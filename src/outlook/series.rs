//! Stored usage as daily seconds of each project, service and media.
//!
//! Owns what is unknown and what is zero in a series: an answered day without a
//! row is 0, a hole or a missing media is unknown, and so are the days before a
//! project was first used. Foretells nothing.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};

use super::pattern::{DailySeries, WEEKS};
use crate::domain::{DateRange, DayUsage, Media, ProjectId, Service};

/// Whose seconds a series counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeriesKey {
    /// The project.
    pub project_id: ProjectId,
    /// The service.
    pub service: Service,
    /// The media, as the API counts it.
    pub media: Media,
}

/// Days of one project and service that are not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownDays {
    /// The project.
    pub project_id: ProjectId,
    /// The service.
    pub service: Service,
    /// The days.
    pub range: DateRange,
}

/// Daily seconds up to and with `last_day`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageSeries {
    /// Days of every series.
    pub range: DateRange,
    /// Seconds by series, oldest day first.
    pub by_key: BTreeMap<SeriesKey, Vec<Option<i64>>>,
}

/// The eight weeks that end with a day.
#[must_use]
pub fn history(last_day: NaiveDate) -> Option<DateRange> {
    let days = u64::try_from(WEEKS * 7).ok()?;
    DateRange::new(last_day.checked_sub_days(Days::new(days - 1))?, last_day).ok()
}

impl UsageSeries {
    /// Sorts the usage of a range into series; usage of other days is left aside.
    #[must_use]
    pub fn of(range: DateRange, usage: &[DayUsage], unknown: &[UnknownDays]) -> Self {
        let length = usize::try_from(range.day_count()).unwrap_or(0);
        let mut by_key: BTreeMap<SeriesKey, Vec<Option<i64>>> = BTreeMap::new();
        let mut missing = BTreeSet::new();
        for row in usage.iter().filter(|row| range.contains(row.day)) {
            let index = index_of(range, row.day);
            for media in Media::ALL {
                let key = || SeriesKey {
                    project_id: row.project_id.clone(),
                    service: row.service,
                    media,
                };
                if row.missing.contains(media) {
                    missing.insert((key(), index));
                } else if let Some(seconds) = row.seconds[media.index()] {
                    by_key.entry(key()).or_insert_with(|| vec![Some(0); length])[index] =
                        Some(seconds);
                }
            }
        }
        for (key, index) in missing {
            if let Some(values) = by_key.get_mut(&key) {
                values[index] = None;
            }
        }
        let mut series = Self { range, by_key };
        for days in unknown {
            series.forget(days);
        }
        for values in series.by_key.values_mut() {
            forget_before_first_use(values);
        }
        series.by_key.retain(|_, values| values.iter().flatten().any(|seconds| *seconds > 0));
        series
    }

    fn forget(&mut self, days: &UnknownDays) {
        let Some(range) = days.range.intersection(self.range) else { return };
        let (first, last) =
            (index_of(self.range, range.first()), index_of(self.range, range.last()));
        for (key, values) in &mut self.by_key {
            if key.project_id == days.project_id && key.service == days.service {
                values[first..=last].fill(None);
            }
        }
    }

    /// The sums over all projects, by service and media; a day on which any project that
    /// was in use is unknown is unknown.
    #[must_use]
    pub fn of_account(&self) -> BTreeMap<(Service, Media), Vec<Option<i64>>> {
        let mut sums: BTreeMap<(Service, Media), Vec<Option<i64>>> = BTreeMap::new();
        for (key, values) in &self.by_key {
            let first_use = first_use(values);
            let line = sums.entry((key.service, key.media));
            let sum = line.or_insert_with(|| vec![Some(0); values.len()]);
            for (index, (sum, seconds)) in sum.iter_mut().zip(values).enumerate() {
                let seconds = if index < first_use { Some(0) } else { *seconds };
                *sum = sum.zip(seconds).map(|(sum, seconds)| sum.saturating_add(seconds));
            }
        }
        for values in sums.values_mut() {
            forget_before_first_use(values);
        }
        sums
    }

    /// The same values as a series to foretell.
    #[must_use]
    pub fn daily(&self, values: &[Option<i64>]) -> DailySeries {
        let next_day = self.range.last().checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX);
        DailySeries { next_day, seconds: values.to_vec() }
    }
}

fn index_of(range: DateRange, day: NaiveDate) -> usize {
    usize::try_from((day - range.first()).num_days()).unwrap_or(0)
}

/// Index of the first day with usage; the length where there is none.
fn first_use(values: &[Option<i64>]) -> usize {
    values.iter().position(|s| s.is_some_and(|s| s > 0)).unwrap_or(values.len())
}

fn forget_before_first_use(values: &mut [Option<i64>]) {
    let first_use = first_use(values);
    values[..first_use].fill(None);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outlook::month::testing::{day, usage};

    fn range() -> DateRange {
        DateRange::new(day("2031-05-01"), day("2031-05-05")).expect("range")
    }

    fn key(project: &str) -> SeriesKey {
        let project_id = ProjectId::new(project).expect("id");
        SeriesKey { project_id, service: Service::Rtc, media: Media::Audio }
    }

    #[test]
    fn an_answered_day_is_zero_a_hole_is_unknown_and_so_is_the_time_before_first_use() {
        let rows = [
            usage("P1", "2031-05-02", 7),
            usage("P1", "2031-05-05", 9),
            usage("P2", "2031-06-01", 1),
        ];
        let unknown = UnknownDays {
            project_id: ProjectId::new("P1").expect("id"),
            service: Service::Rtc,
            range: DateRange::new(day("2031-05-04"), day("2031-05-09")).expect("range"),
        };
        let series = UsageSeries::of(range(), &rows[..1], &[]);
        assert_eq!(series.by_key[&key("P1")], [None, Some(7), Some(0), Some(0), Some(0)]);
        let series = UsageSeries::of(range(), &rows, &[unknown]);
        assert_eq!(series.by_key[&key("P1")], [None, Some(7), Some(0), None, None]);
        assert_eq!(series.by_key.len(), 1, "usage of other days plays no part");
    }

    #[test]
    fn a_sum_is_unknown_where_a_part_is() {
        let mut rows = vec![usage("P1", "2031-05-01", 7), usage("P2", "2031-05-03", 5)];
        rows.push(usage("P2", "2031-05-04", 0));
        rows[2].seconds[Media::Audio.index()] = None;
        rows[2].missing.insert(Media::Audio);
        let sums = UsageSeries::of(range(), &rows, &[]).of_account();
        let expected = [Some(7), Some(0), Some(5), None, Some(0)];
        assert_eq!(sums[&(Service::Rtc, Media::Audio)], expected);
    }
}
