//! First step: a month's seconds, summed and rounded up to minutes once.
//!
//! Owns the checks of the usage that comes in, the sum for each service and
//! media, the one round-up, and the joining of SD to HD. Knows of the price
//! book only which media is billed as which, and whether there is a price.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use num_rational::BigRational;

use super::{PriceBook, RatingError};
use crate::domain::{DayUsage, Media, Month, Service};

/// Seconds in a minute.
const MINUTE_SECONDS: u128 = 60;

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
}

/// What the account used in the month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthMinutes {
    /// Every service and media with usage, in the order of services and media.
    pub media: Vec<MediaMinutes>,
    /// Seconds of fields without a name in [`Media`], by service and raw key; never 0.
    pub extra_seconds: BTreeMap<(Service, String), u128>,
    /// Whether one cell has HD+ beside Full HD, 2K or 2K+, which may count the same time twice.
    pub has_hdp_overlap: bool,
}

/// A line of the bill before free minutes and tiers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineMinutes {
    /// Of which service.
    pub service: Service,
    /// As it is billed.
    pub media: Media,
    /// Over the month, SD's included where it is HD's line.
    pub seconds: u128,
    /// Over the month, SD's included where it is HD's line; at least 1.
    pub minutes: u128,
    /// List price for 1,000 minutes.
    pub unit_price_per_1000: BigRational,
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
    let mut seconds = BTreeMap::<(Service, Media), u128>::new();
    let mut extra_seconds = BTreeMap::<(Service, String), u128>::new();
    for cell in cells {
        for (media, value) in known_seconds(cell) {
            *seconds.entry((cell.service, media)).or_default() += u128::from(value);
        }
        for (key, value) in &cell.extra_seconds {
            let value = value.map_or(0, i64::unsigned_abs);
            *extra_seconds.entry((cell.service, key.clone())).or_default() += u128::from(value);
        }
    }
    extra_seconds.retain(|_, seconds| *seconds > 0);
    MonthMinutes {
        media: seconds
            .into_iter()
            .map(|((service, media), seconds)| MediaMinutes {
                service,
                media,
                seconds,
                minutes: seconds.div_ceil(MINUTE_SECONDS),
            })
            .collect(),
        extra_seconds,
        has_hdp_overlap: cells.iter().any(|cell| has_hdp_overlap(cell)),
    }
}

/// The media of a cell that are known and were used, in order, with their seconds.
pub(super) fn known_seconds(cell: &DayUsage) -> impl Iterator<Item = (Media, u64)> {
    Media::ALL
        .into_iter()
        .zip(cell.seconds)
        .map(|(media, value)| (media, value.map_or(0, i64::unsigned_abs)))
        .filter(|(_, seconds)| *seconds > 0)
}

fn has_hdp_overlap(cell: &DayUsage) -> bool {
    let used = |media: Media| cell.seconds[media.index()].is_some_and(|seconds| seconds > 0);
    used(Media::Hdp) && [Media::FullHd, Media::Video2k, Media::Video2kPlus].into_iter().any(used)
}

/// Makes the lines of the bill: SD joins HD, and what has no price is set apart.
///
/// Lines come in the order of services and media.
#[must_use]
pub fn bill_lines(
    month: &MonthMinutes,
    book: &PriceBook,
) -> (Vec<LineMinutes>, Vec<UnpricedUsage>) {
    let mut lines = BTreeMap::<(Service, Media), LineMinutes>::new();
    let mut unpriced = Vec::new();
    for &MediaMinutes { service, media, seconds, minutes } in &month.media {
        let billed_as = book.billed_as(media);
        let Some(unit_price_per_1000) = book.unit_price_per_1000(service, billed_as) else {
            unpriced.push(UnpricedUsage { service, field: media.name().to_owned(), seconds });
            continue;
        };
        match lines.entry((service, billed_as)) {
            Entry::Occupied(mut line) => {
                line.get_mut().seconds += seconds;
                line.get_mut().minutes += minutes;
            }
            Entry::Vacant(place) => {
                let unit_price_per_1000 = unit_price_per_1000.clone();
                let media = billed_as;
                place.insert(LineMinutes { service, media, seconds, minutes, unit_price_per_1000 });
            }
        }
    }
    unpriced.extend(month.extra_seconds.iter().map(|((service, key), seconds)| UnpricedUsage {
        service: *service,
        field: key.clone(),
        seconds: *seconds,
    }));
    unpriced.sort_by_key(|usage| usage.service);
    (lines.into_values().collect(), unpriced)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rating::tests::support::{book, cell, march};

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
        let (lines, unpriced) = bill_lines(&month, &book("tiered"));
        let of_lines: Vec<_> = lines
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
}
