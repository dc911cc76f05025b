//! Shapes of charts, in whole parts of a thousand.
//!
//! A chart stretches to its box, so that it fits every screen; its words stand
//! beside it as text of the page.

use serde::Serialize;

use super::super::overview::{MediaCosts, Overview};
use crate::domain::Media;
use crate::domain::money::{decimal_text, rounded_units, thousands};
use crate::rating::ALLOCATION_SCALE;

/// Width and height of every chart's own units.
const FULL: i128 = 1_000;

/// One rectangle of a chart.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(super) struct Shape {
    /// Name of the media, for its colour.
    pub(super) media: &'static str,
    pub(super) x: i128,
    pub(super) y: i128,
    pub(super) width: i128,
    pub(super) height: i128,
}

/// One column of a stacked chart.
#[derive(Debug, Serialize)]
pub(super) struct Column {
    /// What stands below it; empty for none.
    pub(super) label: String,
    /// What a reader is told who points at it.
    pub(super) title: String,
    /// `open`, `gap`, `weekend` or empty.
    pub(super) class: &'static str,
    /// Left edge of the column's place.
    pub(super) x: i128,
    /// Width of the column's place.
    pub(super) width: i128,
    /// From the bottom up, in the order of media.
    pub(super) shapes: Vec<Shape>,
}

/// A column before its shapes are known.
pub(super) struct ColumnFigures<'a> {
    pub(super) label: String,
    pub(super) title: String,
    pub(super) class: &'static str,
    pub(super) costs: &'a MediaCosts,
    /// What no media has; stands on top where it is positive.
    pub(super) rest: i128,
}

/// Name of the colour of what no media has.
pub(super) const REST: &str = "rest";

/// How long `part` of `whole` is, 0 to 1,000; what is not 0 can be seen.
pub(super) fn length(part: i128, whole: i128) -> i128 {
    if part <= 0 || whole <= 0 {
        return 0;
    }
    let scaled = part.checked_mul(FULL).map(|scaled| scaled / whole);
    scaled.unwrap_or_else(|| part / (whole / FULL).max(1)).clamp(1, FULL)
}

/// The lowest round number that is at least the value: a step times a power of ten.
pub(super) fn round_top(value: i128) -> i128 {
    /// In tenths; each can be halved for the middle of the axis.
    const STEPS: [i128; 8] = [10, 15, 20, 25, 30, 40, 60, 80];
    if value <= 10 {
        return value.max(1);
    }
    let mut power = 10_i128;
    loop {
        let mut tops = STEPS.iter().map(|tenths| power.saturating_mul(*tenths) / 10);
        if let Some(top) = tops.find(|top| *top >= value) {
            return top;
        }
        let Some(next) = power.checked_mul(10) else { return value };
        power = next;
    }
}

/// Columns beside each other, each stacked by media up to `top`.
pub(super) fn columns(figures: Vec<ColumnFigures<'_>>, top: i128) -> Vec<Column> {
    let count = i128::try_from(figures.len().max(1)).unwrap_or(1);
    (0..)
        .zip(figures)
        .map(|(at, column)| {
            let left = at * FULL / count;
            let place = (at + 1) * FULL / count - left;
            let gap = (place / 6).max(1);
            Column {
                shapes: stack(column.costs, column.rest, top, left + gap / 2, place - gap),
                label: column.label,
                title: column.title,
                class: column.class,
                x: left,
                width: place,
            }
        })
        .collect()
}

/// Each edge is that of the sum so far, so that rounding leaves no seam.
fn stack(costs: &MediaCosts, rest: i128, top: i128, x: i128, width: i128) -> Vec<Shape> {
    let mut shapes = Vec::new();
    let mut sum = 0;
    let of_media = Media::ALL.map(|media| (media.name(), costs[media.index()]));
    for (media, cost) in of_media.into_iter().chain([(REST, rest)]) {
        if cost <= 0 {
            continue;
        }
        let bottom = length(sum, top);
        sum += cost;
        let height = (length(sum, top) - bottom).max(1);
        shapes.push(Shape { media, x, y: FULL - bottom - height, width, height });
    }
    shapes
}

/// A chart of columns with its axis.
#[derive(Debug, Serialize)]
pub(super) struct ColumnChart {
    pub(super) columns: Vec<Column>,
    /// Labels of the axis at its top and its middle.
    pub(super) axis: [String; 2],
    /// For those who cannot see it.
    pub(super) description: String,
}

/// A chart of columns with its axis; `highest` is what the tallest of them stands for.
pub(super) fn chart(
    figures: Vec<ColumnFigures<'_>>,
    highest: i128,
    overview: &Overview<'_>,
    description: String,
) -> ColumnChart {
    // From a whole unit of the currency up, so that the axis has short labels.
    let unit = 10_i128.pow(ALLOCATION_SCALE);
    let top = if highest > unit {
        round_top(highest.div_euclid(unit) + 1).saturating_mul(unit)
    } else {
        round_top(highest)
    };
    let axis = axis(top, highest, overview.bill().currency.minor_unit_digits());
    ColumnChart { columns: columns(figures, top), axis, description }
}

/// Labels of the top and its half, with as many places as both need to be true;
/// none where every column is empty.
pub(super) fn axis(top: i128, highest: i128, minor_unit_digits: u32) -> [String; 2] {
    if highest <= 0 {
        return [String::new(), String::new()];
    }
    let is_exact = |digits: &u32| {
        let step = 10_i128.pow(ALLOCATION_SCALE - digits);
        top % step == 0 && top / 2 % step == 0
    };
    let whole_is_enough = top > 2 * 10_i128.pow(ALLOCATION_SCALE);
    let least = if whole_is_enough { 0 } else { minor_unit_digits };
    let places = std::iter::once(least).chain(minor_unit_digits..ALLOCATION_SCALE);
    let digits = places.into_iter().find(is_exact).unwrap_or(ALLOCATION_SCALE);
    [top, top / 2].map(|units| {
        thousands(&decimal_text(rounded_units(units, ALLOCATION_SCALE, digits), digits))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_ends_at_a_round_number() {
        for (value, top) in
            [(0, 1), (1, 1), (3, 3), (11, 15), (21, 25), (26, 30), (81, 100), (2_745, 3_000)]
        {
            assert_eq!(round_top(value), top, "{value}");
        }
    }

    #[test]
    fn a_stack_has_no_seam_and_ends_at_its_sum() {
        let mut costs = [0; Media::COUNT];
        costs[Media::Audio.index()] = 333;
        costs[Media::Hd.index()] = 333;
        costs[Media::FullHd.index()] = 334;
        let shapes = stack(&costs, 0, 1_000, 0, 10);
        assert_eq!(shapes[0].y + shapes[0].height, FULL);
        assert_eq!(shapes[1].y + shapes[1].height, shapes[0].y);
        assert_eq!(shapes[2].y, 0);
        assert_eq!(
            shapes.iter().map(|shape| shape.media).collect::<Vec<_>>(),
            ["audio", "hd", "full_hd"]
        );
    }

    #[test]
    fn what_no_media_has_stands_on_top_and_a_credit_nowhere() {
        let mut costs = [0; Media::COUNT];
        costs[Media::Audio.index()] = 250;
        let shapes = stack(&costs, 750, 1_000, 0, 10);
        assert_eq!((shapes[1].media, shapes[1].y, shapes[1].height), (REST, 0, 750));
        assert_eq!(stack(&costs, -50, 1_000, 0, 10).len(), 1);
    }

    #[test]
    fn what_is_not_zero_can_be_seen() {
        assert_eq!(length(1, 1_000_000_000), 1);
        assert_eq!(length(0, 10), 0);
        assert_eq!(length(i128::MAX, i128::MAX), 1_000);
    }
}
