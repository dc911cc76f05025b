//! What the total could be as well: all readings of the open points, rated.
//!
//! Owns which open points a month touches, and the least and greatest total over
//! the combinations of their readings. The words are [`super::assumptions`]'s.

use num_bigint::BigInt;

use super::amount::{self, TOTAL_SCALE};
use super::price_book::Readings;
use super::price_book::readings::{
    HDP_AS, HdpTurn, LineRounding, Overlap, Rates, TierEdge, TierFill, V1Minutes,
};
use super::steps::{RatingSteps, total_units};
use super::{PriceBook, RatingError};
use crate::domain::{Media, Money, Month, Service};

/// The least and the greatest total.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TotalRange {
    /// The least.
    pub low: Money,
    /// The greatest.
    pub high: Money,
}

impl TotalRange {
    /// A range of one total.
    #[must_use]
    pub const fn only(total: Money) -> Self {
        Self { low: total, high: total }
    }

    /// Whether another total is possible.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.low.minor_units != self.high.minor_units
    }

    fn include(&mut self, minor_units: i128) {
        self.low.minor_units = self.low.minor_units.min(minor_units);
        self.high.minor_units = self.high.minor_units.max(minor_units);
    }
}

/// A rule that Agora leaves open, or a value that is known within bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenPoint {
    /// Which minutes fill the tiers first.
    TierFill,
    /// Where a tier begins.
    TierEdge,
    /// What a discounted minute costs.
    Rates,
    /// Where HD+ stands in the order of the free minutes.
    FreeOrder,
    /// Whether lines are rounded.
    LineRounding,
    /// What HD+ costs where it has no price.
    HdpAs,
    /// HD+ beside Full HD, 2K or 2K+.
    HdpOverlap,
    /// On-premise recording beside rtc.
    RecordingBesideRtc,
    /// What v1 minutes stand for.
    V1Minutes,
}

/// An open point that the month touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effect {
    /// Which one.
    pub point: OpenPoint,
    /// Totals when this point alone is read otherwise.
    pub range: TotalRange,
    /// Whether another reading changes anything.
    pub matters: bool,
}

/// What the readings come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explored {
    /// By the readings of the book.
    pub total: Money,
    /// Over all combinations of readings.
    pub range: TotalRange,
    /// Each point that the month touches, in a fixed order.
    pub effects: Vec<Effect>,
}

/// Rates the month by every combination of the readings that its usage can tell apart.
///
/// # Errors
/// [`RatingError::AmountTooLarge`].
pub(super) fn explore(
    steps: &RatingSteps,
    month: Month,
    book: &PriceBook,
    total: Money,
) -> Result<Explored, RatingError> {
    let points = points(steps, book);
    let base = amount::units(&steps.exact_total, TOTAL_SCALE);
    let mut explored = Explored {
        total,
        range: TotalRange::only(total),
        effects: points
            .iter()
            .map(|(point, _)| Effect {
                point: *point,
                range: TotalRange::only(total),
                matters: false,
            })
            .collect(),
    };
    let counts: Vec<usize> = points.iter().map(|(_, readings)| readings.len()).collect();
    let mut totals = Vec::with_capacity(counts.iter().product());
    for combination in combinations(&counts) {
        let mut readings = steps.readings;
        for ((_, choices), choice) in points.iter().zip(&combination) {
            choices[*choice].set(&mut readings);
        }
        let is_base = combination.iter().all(|choice| *choice == 0);
        let exact =
            if is_base { base.clone() } else { total_units(&steps.month, month, book, &readings) };
        let rounded = rounded(&exact, total)?;
        explored.range.include(rounded);
        if let Some(alone) = only_choice(&combination) {
            let effect = &mut explored.effects[alone];
            effect.range.include(rounded);
            let counts_exactly = effect.point != OpenPoint::LineRounding;
            effect.matters |= counts_exactly && exact != base;
        }
        totals.push(rounded);
    }
    mark_what_matters(&mut explored.effects, &counts, &totals);
    Ok(explored)
}

fn rounded(exact: &BigInt, total: Money) -> Result<i128, RatingError> {
    amount::minor_units(exact, TOTAL_SCALE, total.currency)
        .ok_or_else(|| RatingError::AmountTooLarge { amount: format!("{exact}e-{TOTAL_SCALE}") })
}

/// The place of the one choice that is not the book's, if there is exactly one.
fn only_choice(combination: &[usize]) -> Option<usize> {
    let mut others = (0..).zip(combination).filter(|(_, choice)| **choice != 0);
    let (place, _) = others.next()?;
    others.next().is_none().then_some(place)
}

/// Every combination of choices, the last place changing fastest.
fn combinations(counts: &[usize]) -> impl Iterator<Item = Vec<usize>> {
    let all: usize = counts.iter().product();
    (0..all).map(move |mut number| {
        let mut combination = vec![0; counts.len()];
        for (choice, count) in combination.iter_mut().zip(counts).rev() {
            *choice = number % count;
            number /= count;
        }
        combination
    })
}

/// A point matters where two combinations that differ in it alone have other totals.
fn mark_what_matters(effects: &mut [Effect], counts: &[usize], totals: &[i128]) {
    let mut stride = totals.len();
    for (effect, count) in effects.iter_mut().zip(counts) {
        stride /= count;
        effect.matters |= (0..totals.len()).any(|index| {
            let choice = index / stride % count;
            totals[index] != totals[index - choice * stride]
        });
    }
}

/// One reading of one point.
#[derive(Debug, Clone, Copy)]
enum Reading {
    TierFill(TierFill),
    TierEdge(TierEdge),
    Rates(Rates),
    HdpTurn(HdpTurn),
    LineRounding(LineRounding),
    HdpAs(Media),
    HdpOverlap(Overlap),
    RecordingBesideRtc(Overlap),
    V1Minutes(V1Minutes),
}

impl Reading {
    fn set(self, readings: &mut Readings) {
        match self {
            Self::TierFill(reading) => readings.tier_fill = reading,
            Self::TierEdge(reading) => readings.tier_edge = reading,
            Self::Rates(reading) => readings.rates = reading,
            Self::HdpTurn(reading) => readings.hdp_turn = reading,
            Self::LineRounding(reading) => readings.line_rounding = reading,
            Self::HdpAs(media) => readings.hdp_as = Some(media),
            Self::HdpOverlap(reading) => readings.hdp_overlap = reading,
            Self::RecordingBesideRtc(reading) => readings.recording_beside_rtc = reading,
            Self::V1Minutes(reading) => readings.v1_minutes = reading,
        }
    }
}

/// The points that the month's usage touches, with their readings, the book's own first.
fn points(steps: &RatingSteps, book: &PriceBook) -> Vec<(OpenPoint, Vec<Reading>)> {
    tier_points(steps, book).into_iter().chain(usage_points(steps, book)).collect()
}

/// The book's own reading, then the others.
fn own_first<T: PartialEq + Copy>(
    own: T,
    all: &[T],
    reading: impl Fn(T) -> Reading,
) -> Vec<Reading> {
    let others = all.iter().copied().filter(|other| *other != own);
    std::iter::once(own).chain(others).map(reading).collect()
}

/// Points about the price of minutes.
fn tier_points(steps: &RatingSteps, book: &PriceBook) -> Vec<(OpenPoint, Vec<Reading>)> {
    let mut points = Vec::new();
    let lines = &steps.lines.priced;
    let minutes: u128 = lines.iter().map(|line| line.minutes).sum();
    let free: u128 = steps.free_minutes.iter().sum();
    let second = book.tiers().get(1);
    if second.is_some_and(|tier| minutes - free >= u128::from(tier.from_minute)) {
        if lines.len() > 1 {
            let fills = own_first(book.tier_fill, &TierFill::ALL, Reading::TierFill);
            points.push((OpenPoint::TierFill, fills));
        }
        let edges = own_first(book.tier_edge, &TierEdge::ALL, Reading::TierEdge);
        points.push((OpenPoint::TierEdge, edges));
        points.push((OpenPoint::Rates, own_first(book.rates, &Rates::ALL, Reading::Rates)));
    }
    let uses = |media| lines.iter().any(|line| line.media == media);
    if free < minutes && uses(Media::Hdp) && uses(Media::FullHd) {
        let turns = [HdpTurn::AsDocumented, HdpTurn::AfterFullHd].map(Reading::HdpTurn);
        points.push((OpenPoint::FreeOrder, turns.into()));
    }
    if steps.shares.iter().filter(|share| share.billable_minutes > 0).count() > 1 {
        let own = book.line_rounding;
        let roundings = own_first(own, &LineRounding::ALL, Reading::LineRounding);
        points.push((OpenPoint::LineRounding, roundings));
    }
    points
}

/// Points about what the usage means.
fn usage_points(steps: &RatingSteps, book: &PriceBook) -> Vec<(OpenPoint, Vec<Reading>)> {
    let mut points = Vec::new();
    let sums = &steps.month.media;
    let mut hdp = sums.iter().filter(|sum| sum.media == Media::Hdp);
    if let Some(own) = hdp.find_map(|sum| book.hdp_priced_as(sum.service)) {
        points.push((OpenPoint::HdpAs, own_first(own, &HDP_AS, Reading::HdpAs)));
    }
    let both = [Overlap::BothBilled, Overlap::BilledOnce];
    if !steps.month.hdp_overlap_seconds.is_empty() {
        points.push((OpenPoint::HdpOverlap, both.map(Reading::HdpOverlap).into()));
    }
    let has = |service| sums.iter().any(|sum| sum.service == service);
    if has(Service::Rtc) && has(Service::Recording) {
        points.push((OpenPoint::RecordingBesideRtc, both.map(Reading::RecordingBesideRtc).into()));
    }
    if sums.iter().any(|sum| sum.v1_values > 0) {
        let readings = [V1Minutes::AsShown, V1Minutes::Least].map(Reading::V1Minutes);
        points.push((OpenPoint::V1Minutes, readings.into()));
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::DayUsage;
    use crate::rating::minutes::sum_month;
    use crate::rating::steps::steps;
    use crate::rating::tests::support::{book, cell, march, rate_march, rtc_minutes};

    fn touched(usage: &[DayUsage], book: &PriceBook) -> Vec<OpenPoint> {
        let cells: Vec<&DayUsage> = usage.iter().collect();
        let steps = steps(sum_month(&cells), march(), book);
        points(&steps, book).into_iter().map(|(point, _)| point).collect()
    }

    #[test]
    fn readings_that_the_usage_cannot_tell_apart_are_not_tried() {
        use Media::{Audio, FullHd, Hd, Hdp};
        use OpenPoint::{FreeOrder, HdpAs, HdpOverlap, LineRounding, Rates, TierEdge, TierFill};
        let book = book("tiered");
        for (minutes, expected) in [
            (&[(Audio, 10_000)][..], &[][..]),
            // Free minutes fill no tier: 99,999 are billed, then 100,000.
            (&[(Audio, 109_999)], &[]),
            (&[(Audio, 110_000)], &[TierEdge, Rates]),
            (&[(Audio, 110_000), (Hd, 1)], &[TierFill, TierEdge, Rates, LineRounding]),
            // One line is billed, the other is free.
            (&[(Audio, 5_000), (Hd, 6_000)], &[]),
            (&[(Hdp, 5_000), (FullHd, 5_000)], &[HdpAs, HdpOverlap]),
            (&[(Hdp, 5_000), (FullHd, 5_001)], &[FreeOrder, HdpAs, HdpOverlap]),
            (&[(Hdp, 10_001)], &[HdpAs]),
            (&[(FullHd, 10_001)], &[]),
        ] {
            assert_eq!(touched(&rtc_minutes(minutes), &book), expected, "{minutes:?}");
        }
        let recorded = |service| [cell("P1", 1, service, &[(Hd, 60)])];
        for service in [Service::Rtc, Service::Recording] {
            assert_eq!(touched(&recorded(service), &book), []);
        }
    }

    #[test]
    fn a_range_is_open_where_another_total_is_possible() {
        let total = rate_march(&rtc_minutes(&[(Media::Audio, 20_000)]), &book("tiered")).total;
        let mut range = TotalRange::only(total);
        assert!(!range.is_open());
        range.include(total.minor_units - 1);
        range.include(total.minor_units + 2);
        assert!(range.is_open());
        let bounds = [range.low, range.high].map(|bound| bound.minor_units - total.minor_units);
        assert_eq!(bounds, [-1, 2]);
    }

    #[test]
    fn a_point_matters_where_it_alone_makes_another_total_beside_any_others() {
        // Two readings of the first point, three of the second, two of the third.
        let matters = |total: fn(usize, usize, usize) -> i128| {
            let counts = [2, 3, 2];
            let totals: Vec<i128> = combinations(&counts)
                .map(|choice| total(choice[0], choice[1], choice[2]))
                .collect();
            let some = rate_march(&[], &book("tiered")).total;
            let effect = |point| Effect { point, range: TotalRange::only(some), matters: false };
            let mut effects =
                [OpenPoint::TierFill, OpenPoint::TierEdge, OpenPoint::Rates].map(effect);
            mark_what_matters(&mut effects, &counts, &totals);
            effects.map(|effect| effect.matters)
        };
        assert_eq!(matters(|_, _, _| 7), [false, false, false]);
        assert_eq!(matters(|one, _, _| i128::from(one == 1)), [true, false, false]);
        assert_eq!(matters(|_, two, _| i128::from(two == 2)), [false, true, false]);
        assert_eq!(matters(|_, _, three| i128::from(three == 1)), [false, false, true]);
        let together = |one, two, _| i128::from(one == 1 && two == 2);
        assert_eq!(matters(together), [true, true, false]);
    }
}
