//! Fifth step: which project and day caused each cent.
//!
//! Owns the split of a rounded total over projects, days and lines. Agora has
//! no rule for it: free minutes, tiers and the round-up belong to the account.
//! Here every second of a line carries the same part of the line's exact cost,
//! and whole units are dealt out by largest remainder, so that each level sums
//! exactly to the one above it. Weights are big integers over one common
//! denominator: fixed width would overflow, and fractions for each cell would
//! spend their time on greatest common divisors.

use std::cmp::Reverse;

use chrono::NaiveDate;
use num_bigint::{BigInt, BigUint};
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, ToPrimitive, Zero};

use super::minutes::known_seconds;
use super::{ALLOCATION_SCALE, PriceBook};
use crate::domain::{Currency, DayUsage, Media, Money, ProjectId, Service};

/// A project's part of the bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectAllocation {
    /// Whose part.
    pub project_id: ProjectId,
    /// In whole minor units of the bill's currency.
    pub cost_minor_units: i128,
    /// Every day with a row of usage, in order; the costs sum to the project's.
    pub days: Vec<DayAllocation>,
}

/// A day's part of a project's cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayAllocation {
    /// UTC day.
    pub day: NaiveDate,
    /// In 1e-6 of the currency.
    pub cost_micro_units: i128,
    /// What was used and has a price, in the order of services and media; the
    /// costs sum to the day's.
    pub lines: Vec<LineAllocation>,
}

/// The part of a day's cost that one service and media caused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineAllocation {
    /// Of which service.
    pub service: Service,
    /// As the API counts it: SD and HD stay apart.
    pub media: Media,
    /// In 1e-6 of the currency.
    pub cost_micro_units: i128,
}

/// What a service and media costs over all its tiers and kinds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineCost {
    /// Of which service.
    pub service: Service,
    /// As it is billed.
    pub media: Media,
    /// Of the account over the month; above 0.
    pub seconds: u128,
    /// Exact; 0 where the line is free as a whole.
    pub amount: BigRational,
}

/// How many allocation units a minor unit of the currency has: 10,000 for a cent.
#[must_use]
pub fn units_in_minor_unit(currency: Currency) -> i128 {
    10_i128.pow(ALLOCATION_SCALE.saturating_sub(currency.minor_unit_digits()))
}

/// Splits the total over projects, days and lines; the second value is what no usage caused.
///
/// `cells` are sorted by project, day and service. Ties go to the smaller
/// project id, to the earlier day, and to the line that comes first.
#[must_use]
pub fn allocate(
    total: Money,
    costs: &[LineCost],
    cells: &[&DayUsage],
    book: &PriceBook,
) -> (Vec<ProjectAllocation>, Money) {
    let rates = SecondRates::new(costs, book);
    let projects: Vec<&[&DayUsage]> =
        cells.chunk_by(|one, next| one.project_id == next.project_id).collect();
    let weights: Vec<BigUint> = projects.iter().map(|cells| rates.weight(cells)).collect();
    let shares = largest_remainder(total.minor_units, &weights);
    let unallocated = total.minor_units - shares.iter().sum::<i128>();
    let unit = units_in_minor_unit(total.currency);
    let allocations = projects.into_iter().zip(shares).filter_map(|(cells, cost_minor_units)| {
        Some(ProjectAllocation {
            project_id: cells.first()?.project_id.clone(),
            cost_minor_units,
            days: split_over_days(cost_minor_units * unit, cells, &rates),
        })
    });
    (allocations.collect(), Money { minor_units: unallocated, ..total })
}

/// A part above 0 goes only to a weight above 0, so no level below loses any of it.
fn split_over_days(
    cost_micro_units: i128,
    cells: &[&DayUsage],
    rates: &SecondRates,
) -> Vec<DayAllocation> {
    let (days, weights): (Vec<WeighedDay>, Vec<BigUint>) = cells
        .chunk_by(|one, next| one.day == next.day)
        .filter_map(|cells| Some(WeighedDay::new(cells.first()?.day, cells, rates)))
        .map(|day| {
            let weight = day.weights.iter().sum();
            (day, weight)
        })
        .unzip();
    let shares = largest_remainder(cost_micro_units, &weights);
    days.into_iter().zip(shares).map(|(day, cost)| day.split_over_lines(cost)).collect()
}

/// A day's lines and their weights, side by side.
struct WeighedDay {
    day: NaiveDate,
    lines: Vec<(Service, Media)>,
    weights: Vec<BigUint>,
}

impl WeighedDay {
    fn new(day: NaiveDate, cells: &[&DayUsage], rates: &SecondRates) -> Self {
        let mut weighed = Self { day, lines: Vec::new(), weights: Vec::new() };
        for cell in cells {
            for (media, seconds) in known_seconds(cell) {
                if let Some(rate) = rates.of(cell.service, media) {
                    weighed.lines.push((cell.service, media));
                    weighed.weights.push(rate * seconds);
                }
            }
        }
        weighed
    }

    fn split_over_lines(self, cost_micro_units: i128) -> DayAllocation {
        let shares = largest_remainder(cost_micro_units, &self.weights);
        let lines = self.lines.into_iter().zip(shares).map(|((service, media), share)| {
            LineAllocation { service, media, cost_micro_units: share }
        });
        DayAllocation { day: self.day, cost_micro_units, lines: lines.collect() }
    }
}

/// Exact cost of one second of each service and media, as integers over one common denominator.
struct SecondRates {
    /// By service and media as the API counts it; none where it has no price.
    numerators: [[Option<BigUint>; Media::COUNT]; Service::ALL.len()],
}

impl SecondRates {
    fn new(costs: &[LineCost], book: &PriceBook) -> Self {
        let exact: Vec<BigRational> = costs
            .iter()
            .map(|cost| &cost.amount / BigRational::from_integer(cost.seconds.into()))
            .collect();
        let denominator = exact.iter().fold(BigInt::one(), |lcm, rate| lcm.lcm(rate.denom()));
        let scaled = |rate: &BigRational| rate.numer() * (&denominator / rate.denom());
        let numerator = |service: Service, media: Media| {
            let billed_as = (service, book.billed_as(media));
            let line = costs.iter().position(|cost| (cost.service, cost.media) == billed_as)?;
            Some(scaled(&exact[line]).into_parts().1)
        };
        Self {
            numerators: Service::ALL
                .map(|service| Media::ALL.map(|media| numerator(service, media))),
        }
    }

    fn of(&self, service: Service, media: Media) -> Option<&BigUint> {
        self.numerators[service as usize][media.index()].as_ref()
    }

    /// Exact cost of all cells.
    ///
    /// Seconds are added first, so that big integers come once a media and not once a cell.
    fn weight(&self, cells: &[&DayUsage]) -> BigUint {
        let mut seconds = [[0_u128; Media::COUNT]; Service::ALL.len()];
        for cell in cells {
            for (media, value) in known_seconds(cell) {
                seconds[cell.service as usize][media.index()] += u128::from(value);
            }
        }
        let rates = self.numerators.iter().flatten().zip(seconds.into_iter().flatten());
        rates.filter_map(|(rate, seconds)| rate.as_ref().map(|rate| rate * seconds)).sum()
    }
}

/// Splits a whole number in proportion to weights, without losing a unit.
///
/// Each part is its exact share rounded towards zero; the units that are left
/// go one each to the largest remainders, on a tie to the earlier part. A
/// negative total is split as its absolute value. Where all weights are 0
/// nobody gets anything, and the caller keeps the total.
#[must_use]
pub fn largest_remainder(total: i128, weights: &[BigUint]) -> Vec<i128> {
    let mut parts = vec![0; weights.len()];
    let whole: BigUint = weights.iter().sum();
    if total == 0 {
        return parts;
    }
    let size = total.unsigned_abs();
    let mut remainders = Vec::with_capacity(weights.len());
    let mut left = total;
    for (index, weight) in weights.iter().enumerate().filter(|(_, weight)| !weight.is_zero()) {
        let (part, remainder) = (weight * size).div_rem(&whole);
        // A part is never more than the total, which is an i128.
        parts[index] = total.signum() * part.to_i128().unwrap_or(i128::MAX);
        left -= parts[index];
        remainders.push((Reverse(remainder), index));
    }
    remainders.sort_unstable();
    let units_left = usize::try_from(left.unsigned_abs()).unwrap_or(usize::MAX);
    for (_, index) in remainders.into_iter().take(units_left) {
        parts[index] += total.signum();
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rating::tests::support::{book, cell, exact};

    #[test]
    fn c33_units_go_by_largest_remainder() {
        for (total, weights, parts) in [
            (10, &[1_u32, 1, 1][..], &[4_i128, 3, 3][..]),
            (5, &[0, 3, 7], &[0, 2, 3]),
            (-10, &[1, 1, 1], &[-4, -3, -3]),
            (1, &[1, 2, 1], &[0, 1, 0]),
            (2, &[1, 1, 1, 1], &[1, 1, 0, 0]),
            (0, &[1, 2], &[0, 0]),
            (7, &[0, 0], &[0, 0]),
            (7, &[], &[]),
        ] {
            let big: Vec<BigUint> = weights.iter().map(|weight| (*weight).into()).collect();
            assert_eq!(largest_remainder(total, &big), parts, "{total} {weights:?}");
        }
    }

    fn money(minor_units: i128) -> Money {
        Money { minor_units, currency: Currency::from_code("USD").expect("known") }
    }

    fn hd_cost(amount: &str) -> LineCost {
        let (service, media) = (Service::Rtc, Media::Hd);
        LineCost { service, media, seconds: 180, amount: exact(amount) }
    }

    #[test]
    fn ties_go_to_the_earlier_day_and_to_the_first_line() {
        let days = [1, 2, 3].map(|day| cell("P1", day, Service::Rtc, &[(Media::Hd, 60)]));
        let cells: Vec<_> = days.iter().collect();
        let (projects, _) = allocate(money(1), &[hd_cost("0.01")], &cells, &book("tiered"));
        let costs: Vec<_> = projects[0].days.iter().map(|day| day.cost_micro_units).collect();
        assert_eq!(costs, [3_334, 3_333, 3_333]);

        let both = cell("P1", 1, Service::Rtc, &[(Media::Sd, 90), (Media::Hd, 90)]);
        let odd = WeighedDay::new(
            both.day,
            &[&both],
            &SecondRates::new(&[hd_cost("0.01")], &book("tiered")),
        );
        let lines = odd.split_over_lines(3).lines;
        let costs: Vec<_> = lines.iter().map(|line| (line.media, line.cost_micro_units)).collect();
        assert_eq!(costs, [(Media::Sd, 2), (Media::Hd, 1)]);
    }

    #[test]
    fn a_negative_total_is_split_as_its_absolute_value() {
        let days = ["A", "B", "C"].map(|id| cell(id, 1, Service::Rtc, &[(Media::Hd, 60)]));
        let cells: Vec<_> = days.iter().collect();
        let (projects, rest) = allocate(money(-10), &[hd_cost("0.10")], &cells, &book("tiered"));
        let costs: Vec<_> = projects.iter().map(|project| project.cost_minor_units).collect();
        assert_eq!((costs.as_slice(), rest), (&[-4, -3, -3][..], money(0)));
        assert_eq!(projects[0].days[0].cost_micro_units, -40_000);
        assert_eq!(projects[0].days[0].lines[0].cost_micro_units, -40_000);
    }

    #[test]
    fn what_no_usage_caused_stays_unallocated() {
        let idle = cell("A", 1, Service::Rtc, &[(Media::Hd, 0)]);
        let (projects, rest) = allocate(money(99), &[], &[&idle], &book("tiered"));
        assert_eq!((projects[0].cost_minor_units, rest), (0, money(99)));
    }

    #[test]
    fn weights_beyond_fixed_width_are_exact() {
        let seconds = i64::MAX - 4;
        let media = [Media::Audio, Media::Hd, Media::FullHd, Media::Video2k, Media::Video2kPlus];
        let usage: Vec<_> = ["A", "B"]
            .into_iter()
            .map(|id| {
                let used: Vec<_> =
                    (0..).zip(media).map(|(less, media)| (media, seconds - less)).collect();
                cell(id, 1, Service::Rtc, &used)
            })
            .collect();
        let costs: Vec<_> = (0..)
            .zip(media)
            .map(|(less, media)| LineCost {
                service: Service::Rtc,
                media,
                seconds: 2 * u128::from((seconds - less).unsigned_abs()),
                amount: exact("0.0000001"),
            })
            .collect();
        let cells: Vec<_> = usage.iter().collect();
        let (projects, _) = allocate(money(101), &costs, &cells, &book("tiered"));
        let of_projects: Vec<_> = projects.iter().map(|project| project.cost_minor_units).collect();
        assert_eq!(of_projects, [51, 50]);
        let of_lines = projects[0].days[0].lines.iter().map(|line| line.cost_micro_units);
        assert_eq!(of_lines.collect::<Vec<_>>(), [102_000; 5]);
    }
}
