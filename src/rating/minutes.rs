//! First step: a month's seconds, summed and rounded up to minutes once.
//!
//! Owns the checks of the usage that comes in, the sum for each service and
//! media, the one round-up, the joining of SD to HD, and the part of rtc that is
//! taken to be audience. Knows of the price book only which media is billed as
//! which, and whether there is a price or a coefficient.

use std::collections::BTreeMap;

use num_rational::BigRational;
use num_traits::ToPrimitive;

use super::price_book::readings::{Overlap, V1Minutes};
use super::price_book::{LineKind, Readings};
use super::{PriceBook, RatingError};
use crate::domain::{DayUsage, Media, Month, Service, UsageSource};

/// Seconds in a minute.
pub(super) const MINUTE_SECONDS: u128 = 60;

/// Usage of one service and media over the month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaMinutes {
    /// Of which service.
    pub service: Service,
    /// As the API counts it.
    pub media: Media,
    /// Sum over all projects and days; unknown values add nothing.
    pub seconds: u128,
    /// The seconds in minutes, rounded up once.
    pub minutes: u128,
    /// How many of the summed values are minutes of usage v1, rounded up each day.
    pub v1_values: u128,
}

/// What the account used in the month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthMinutes {
    /// Every service and media with usage, in the order of services and media.
    pub media: Vec<MediaMinutes>,
    /// Seconds of fields without a name in [`Media`], by service and raw key; never 0.
    pub extra_seconds: BTreeMap<(Service, String), u128>,
    /// Seconds of HD+ that have Full HD, 2K or 2K+ beside them in one cell, which
    /// may be the same time, by service; never 0.
    pub hdp_overlap_seconds: BTreeMap<Service, u128>,
}

impl MonthMinutes {
    /// The same mix at another volume, in per cent of this one; seconds are rounded down.
    #[must_use]
    pub fn scaled(&self, percent: u32) -> Self {
        let scale = |seconds: u128| seconds * u128::from(percent) / 100;
        let media = self.media.iter().map(|sum| {
            let seconds = scale(sum.seconds);
            MediaMinutes { seconds, minutes: seconds.div_ceil(MINUTE_SECONDS), ..*sum }
        });
        let extra = self.extra_seconds.iter().map(|(key, seconds)| (key.clone(), scale(*seconds)));
        let shared =
            self.hdp_overlap_seconds.iter().map(|(service, seconds)| (*service, scale(*seconds)));
        Self {
            media: media.filter(|sum| sum.seconds > 0).collect(),
            extra_seconds: extra.filter(|(_, seconds)| *seconds > 0).collect(),
            hdp_overlap_seconds: shared.filter(|(_, seconds)| *seconds > 0).collect(),
        }
    }
}

/// A line of the bill before free minutes and tiers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineMinutes {
    /// Of which service.
    pub service: Service,
    /// Whose minutes.
    pub kind: LineKind,
    /// As it is billed.
    pub media: Media,
    /// Over the month, SD's included where it is HD's line.
    pub seconds: u128,
    /// Over the month, SD's included where it is HD's line; at least 1.
    pub minutes: u128,
    /// List price for 1,000 minutes.
    pub unit_price_per_1000: BigRational,
}

/// A line of the bill that counts in standard minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandardLine {
    /// Of which service.
    pub service: Service,
    /// Whose minutes.
    pub kind: LineKind,
    /// As it is billed.
    pub media: Media,
    /// Over the month, SD's included where it is HD's line; at least 1.
    pub seconds: u128,
    /// Standard minutes for one minute.
    pub coefficient: BigRational,
}

/// Usage that the book has no price for: reported, never billed at 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnpricedUsage {
    /// Of which service.
    pub service: Service,
    /// Name of the media, or the API's raw key.
    pub field: String,
    /// Over the month; never 0.
    pub seconds: u128,
}

/// The month's usage as the book bills it, each in the order of services, media and kinds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lines {
    /// What has a price by the minute.
    pub priced: Vec<LineMinutes>,
    /// What counts in standard minutes.
    pub standard: Vec<StandardLine>,
    /// What has neither.
    pub unpriced: Vec<UnpricedUsage>,
}

/// The month's usage sorted by project, day and service, checked.
///
/// # Errors
/// A day outside the month, a negative value, or a cell that comes twice.
pub fn cells_in_order(month: Month, usage: &[DayUsage]) -> Result<Vec<&DayUsage>, RatingError> {
    fn key(cell: &DayUsage) -> (&str, chrono::NaiveDate, Service) {
        (cell.project_id.as_str(), cell.day, cell.service)
    }
    let fault = usage.iter().find_map(|cell| {
        let values = cell.seconds.iter().chain(cell.extra_seconds.values()).flatten();
        if !month.days().contains(cell.day) {
            Some(RatingError::DayOutsideMonth { month, day: cell.day })
        } else if values.copied().any(i64::is_negative) {
            Some(RatingError::NegativeUsage { cell: cell_name(cell) })
        } else {
            None
        }
    });
    if let Some(fault) = fault {
        return Err(fault);
    }
    let mut cells: Vec<&DayUsage> = usage.iter().collect();
    cells.sort_by(|one, other| key(one).cmp(&key(other)));
    match cells.windows(2).find(|pair| key(pair[0]) == key(pair[1])) {
        Some(pair) => Err(RatingError::RepeatedUsage { cell: cell_name(pair[0]) }),
        None => Ok(cells),
    }
}

fn cell_name(cell: &DayUsage) -> String {
    format!("project {}, {}, {}", cell.project_id, cell.service, cell.day)
}

/// Sums the seconds of each service and media and rounds each sum up to minutes, once.
///
/// Source: Agora's RTC billing page, 2021: the seconds of the month decide, not
/// the sum of the daily minutes that the console shows.
#[must_use]
pub fn sum_month(cells: &[&DayUsage]) -> MonthMinutes {
    let mut sums = [[(0_u128, 0_u128); Media::COUNT]; Service::ALL.len()];
    let mut extra_seconds = BTreeMap::<(Service, String), u128>::new();
    let mut hdp_overlap_seconds = BTreeMap::<Service, u128>::new();
    for cell in cells {
        let is_v1 = u128::from(cell.source == UsageSource::V1);
        for (media, value) in known_seconds(cell) {
            let (seconds, v1_values) = &mut sums[cell.service as usize][media.index()];
            *seconds += u128::from(value);
            *v1_values += is_v1;
        }
        for (key, value) in &cell.extra_seconds {
            let value = value.map_or(0, i64::unsigned_abs);
            *extra_seconds.entry((cell.service, key.clone())).or_default() += u128::from(value);
        }
        let overlap = hdp_overlap(cell);
        if overlap > 0 {
            *hdp_overlap_seconds.entry(cell.service).or_default() += overlap;
        }
    }
    extra_seconds.retain(|_, seconds| *seconds > 0);
    let of_service = |service: Service| {
        Media::ALL.into_iter().zip(sums[service as usize]).map(
            move |(media, (seconds, v1_values))| {
                let minutes = seconds.div_ceil(MINUTE_SECONDS);
                MediaMinutes { service, media, seconds, minutes, v1_values }
            },
        )
    };
    let media = Service::ALL.into_iter().flat_map(of_service).filter(|sum| sum.seconds > 0);
    MonthMinutes { media: media.collect(), extra_seconds, hdp_overlap_seconds }
}

/// Seconds of each service and media as the readings of their open points take them.
fn read(month: &MonthMinutes, readings: &Readings) -> impl Iterator<Item = (Service, Media, u128)> {
    let seconds_of = move |service, media| {
        let mut sums = month.media.iter();
        sums.find(|sum| (sum.service, sum.media) == (service, media)).map_or(0, |sum| sum.seconds)
    };
    month.media.iter().map(move |sum| {
        let mut seconds = sum.seconds;
        if readings.v1_minutes == V1Minutes::Least {
            // m minutes stand for 60 (m - 1) + 1 seconds at least.
            seconds -= sum.v1_values * (MINUTE_SECONDS - 1);
        }
        if sum.media == Media::Hdp && readings.hdp_overlap == Overlap::BilledOnce {
            let shared = month.hdp_overlap_seconds.get(&sum.service).copied().unwrap_or(0);
            seconds = seconds.saturating_sub(shared);
        }
        let is_recorded_video = sum.service == Service::Recording && sum.media != Media::Audio;
        if is_recorded_video && readings.recording_beside_rtc == Overlap::BilledOnce {
            seconds = seconds.saturating_sub(seconds_of(Service::Rtc, sum.media));
        }
        (sum.service, sum.media, seconds)
    })
}

/// The media of a cell that are known and were used, in order, with their seconds.
pub(super) fn known_seconds(cell: &DayUsage) -> impl Iterator<Item = (Media, u64)> {
    Media::ALL
        .into_iter()
        .zip(cell.seconds)
        .map(|(media, value)| (media, value.map_or(0, i64::unsigned_abs)))
        .filter(|(_, seconds)| *seconds > 0)
}

/// Seconds of HD+ that can be the same time as Full HD, 2K and 2K+ of the same cell.
fn hdp_overlap(cell: &DayUsage) -> u128 {
    let seconds = |media: Media| {
        cell.seconds[media.index()].map_or(0, |seconds| u128::from(seconds.unsigned_abs()))
    };
    let beside = [Media::FullHd, Media::Video2k, Media::Video2kPlus].map(seconds);
    seconds(Media::Hdp).min(beside.iter().sum())
}

/// Makes the lines of the bill: SD joins HD, the audience is set apart, and so is
/// what has no price.
#[must_use]
pub fn bill_lines(month: &MonthMinutes, book: &PriceBook, readings: &Readings) -> Lines {
    let mut priced = BTreeMap::<(Service, Media, LineKind), LineMinutes>::new();
    let mut standard = BTreeMap::<(Service, Media, LineKind), StandardLine>::new();
    let mut unpriced = Vec::new();
    for (service, counted_as, seconds) in read(month, readings) {
        let media = book.billed_as(counted_as);
        for (kind, seconds) in by_kind(service, seconds, book) {
            let (key, of) = ((service, media, kind), (service, kind, media));
            let minutes = seconds.div_ceil(MINUTE_SECONDS);
            if let Some(coefficient) = book.coefficient(of, readings.hdp_as) {
                let coefficient = coefficient.clone();
                let new = StandardLine { service, kind, media, seconds: 0, coefficient };
                standard.entry(key).or_insert(new).seconds += seconds;
            } else if let Some(price) = book.price(of, readings.hdp_as) {
                let unit_price_per_1000 = price.clone();
                let new = LineMinutes {
                    service,
                    kind,
                    media,
                    seconds: 0,
                    minutes: 0,
                    unit_price_per_1000,
                };
                let line = priced.entry(key).or_insert(new);
                line.seconds += seconds;
                line.minutes += minutes;
            } else {
                unpriced.push(UnpricedUsage {
                    service,
                    field: unpriced_name(kind, counted_as),
                    seconds,
                });
            }
        }
    }
    unpriced.extend(month.extra_seconds.iter().map(|((service, key), seconds)| UnpricedUsage {
        service: *service,
        field: key.clone(),
        seconds: *seconds,
    }));
    unpriced.sort_by_key(|usage| usage.service);
    let (priced, standard) = (priced.into_values().collect(), standard.into_values().collect());
    Lines { priced, standard, unpriced }
}

fn unpriced_name(kind: LineKind, media: Media) -> String {
    match kind {
        LineKind::Usage => media.name().to_owned(),
        LineKind::Audience => format!("{media} of the audience"),
    }
}

/// Seconds by whose they are; parts of 0 are left out.
///
/// The audience has its share of the month's seconds, rounded half up to whole ones.
pub(crate) fn by_kind(
    service: Service,
    seconds: u128,
    book: &PriceBook,
) -> impl Iterator<Item = (LineKind, u128)> {
    let mut of_audience = 0;
    if service == Service::Rtc && book.has_audience() {
        let exact = &book.audience_share * BigRational::from_integer(seconds.into());
        of_audience = exact.round().to_integer().to_u128().unwrap_or(seconds).min(seconds);
    }
    [(LineKind::Usage, seconds - of_audience), (LineKind::Audience, of_audience)]
        .into_iter()
        .filter(|(_, seconds)| *seconds > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rating::tests::support::{book, cell, changed, march};

    #[test]
    fn c29_the_sum_is_rounded_up_and_not_the_parts() {
        for (parts, minutes) in
            [(&[61_i64, 61, 61][..], 4), (&[60], 1), (&[1], 1), (&[59, 1], 1), (&[60, 1], 2)]
        {
            let cells: Vec<_> = (1..)
                .zip(parts)
                .map(|(day, value)| cell("P1", day, Service::Rtc, &[(Media::Audio, *value)]))
                .collect();
            let month = sum_month(&cells_in_order(march(), &cells).expect("good usage"));
            assert_eq!(month.media[0].minutes, minutes, "{parts:?}");
        }
    }

    #[test]
    fn services_and_media_are_rounded_up_apart() {
        let cells = [
            cell("P1", 1, Service::Rtc, &[(Media::Sd, 1), (Media::Hd, 1)]),
            cell("P1", 1, Service::Recording, &[(Media::Hd, 1)]),
        ];
        let month = sum_month(&cells_in_order(march(), &cells).expect("good usage"));
        assert_eq!(month.media.len(), 3);
        let book = book("tiered");
        let Lines { priced, unpriced, .. } = bill_lines(&month, &book, &book.readings());
        let of_lines: Vec<_> = priced
            .iter()
            .map(|line| (line.service, line.media, line.seconds, line.minutes))
            .collect();
        let expected = [(Service::Rtc, Media::Hd, 2, 2), (Service::Recording, Media::Hd, 1, 1)];
        assert_eq!((of_lines.as_slice(), unpriced.len()), (&expected[..], 0));
    }

    #[test]
    fn sums_are_wider_than_a_single_value() {
        let cells: Vec<_> = (1..=31)
            .map(|day| cell("P1", day, Service::Rtc, &[(Media::Audio, i64::MAX)]))
            .collect();
        let month = sum_month(&cells_in_order(march(), &cells).expect("good usage"));
        assert_eq!(month.media[0].seconds, 31 * u128::from(i64::MAX.unsigned_abs()));
    }

    #[test]
    fn another_volume_scales_every_second_and_rounds_minutes_up_anew() {
        let mut used = cell(
            "P1",
            1,
            Service::Rtc,
            &[(Media::Audio, 61), (Media::Hdp, 240), (Media::FullHd, 100)],
        );
        used.extra_seconds.insert("durationVideo8K".to_owned(), Some(100));
        let month = sum_month(&[&used]);
        let seconds = |month: &MonthMinutes| {
            let media = month.media.iter().map(|sum| (sum.media, sum.seconds, sum.minutes));
            let extra: u128 = month.extra_seconds.values().sum();
            let shared: u128 = month.hdp_overlap_seconds.values().sum();
            (media.collect::<Vec<_>>(), extra, shared)
        };
        assert_eq!(month.scaled(100), month);
        let doubled = vec![(Media::Audio, 122, 3), (Media::Hdp, 480, 8), (Media::FullHd, 200, 4)];
        assert_eq!(seconds(&month.scaled(200)), (doubled, 200, 200));
        let small = month.scaled(1);
        // 0.61 s of audio are nothing, and nothing has no entry.
        let tiny = vec![(Media::Hdp, 2, 1), (Media::FullHd, 1, 1)];
        assert_eq!(seconds(&small), (tiny, 1, 1));
        let none = month.scaled(0);
        assert_eq!((none.media.len(), none.extra_seconds.len()), (0, 0));
        assert_eq!(none.hdp_overlap_seconds.len(), 0);
    }

    #[test]
    fn the_audience_is_a_part_of_rtc_alone() {
        let book = changed("tiered", &[("_share = \"0\"", "_share = \"0.3\"")]);
        let parts = |service, seconds| by_kind(service, seconds, &book).collect::<Vec<_>>();
        assert_eq!(
            parts(Service::Rtc, 15),
            [(LineKind::Usage, 10), (LineKind::Audience, 5)],
            "4.5 s are rounded half up"
        );
        assert_eq!(parts(Service::Rtc, 1), [(LineKind::Usage, 1)]);
        assert_eq!(parts(Service::Recording, 15), [(LineKind::Usage, 15)]);
        assert_eq!(parts(Service::Rtc, 0), []);
    }
}
