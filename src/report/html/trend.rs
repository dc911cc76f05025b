//! The last twelve months on the page.

use serde::Serialize;

use crate::domain::{BillStatus, Media};
use crate::rating::ALLOCATION_SCALE;

use super::super::overview::{Overview, TrendMonth};
use super::super::wording;
use super::charts::{ColumnChart, ColumnFigures, REST, chart};
use super::page::{MediaName, Number, media_name, month_name, share};

/// Twelve months.
#[derive(Debug, Serialize)]
pub(super) struct Trend {
    finding: String,
    /// Media of any of the months.
    legend: Vec<MediaName>,
    /// Whether a part of a month is negative, which no column can show.
    has_credit: bool,
    chart: ColumnChart,
    rows: Vec<TrendRow>,
}

#[derive(Debug, Serialize)]
struct TrendRow {
    month: String,
    total: Number,
    costs: Vec<Number>,
    status: String,
}

pub(super) fn trend(overview: &Overview<'_>) -> Trend {
    let used = overview.used_media();
    let has_cost =
        |media: Media| overview.trend.iter().any(|month| month.media_costs[media.index()] != 0);
    let is_shown = |media: &Media| used.contains(media) || has_cost(*media);
    let media: Vec<_> = Media::ALL.into_iter().filter(is_shown).collect();
    let status = |month: &TrendMonth| match month.status {
        None => "n/a".to_owned(),
        Some(status) => status.name().replace('_', " "),
    };
    let has_rest = overview.trend.iter().any(|month| rest(month) != 0);
    let figures = overview.trend.iter().map(|month| ColumnFigures {
        rest: rest(month),
        label: month.month.first_day().format("%b").to_string(),
        title: format!("{}: {}", month_name(month.month), wording::money(month.total)),
        class: if month.status == Some(BillStatus::InProgress) { "open" } else { "" },
        costs: &month.media_costs,
    });
    let currency = overview.bill().currency;
    let rows = overview.trend.iter().map(|month| TrendRow {
        month: month.month.to_string(),
        total: Number::money(month.total),
        costs: media
            .iter()
            .map(|media| month.media_costs[media.index()])
            .chain(has_rest.then(|| rest(month)))
            .map(|units| Number::micro(units, currency))
            .collect(),
        status: status(month),
    });
    let drawn = |month: &TrendMonth| {
        month.media_costs.iter().chain([&rest(month)]).filter(|cost| **cost > 0).sum::<i128>()
    };
    let highest = overview.trend.iter().map(drawn).max();
    let of_no_media = has_rest.then_some(MediaName { name: REST, label: "(no media)" });
    Trend {
        legend: media.iter().copied().map(media_name).chain(of_no_media).collect(),
        finding: trend_finding(overview),
        has_credit: overview
            .trend
            .iter()
            .any(|month| month.media_costs.iter().chain([&rest(month)]).any(|cost| *cost < 0)),
        chart: chart(
            figures.collect(),
            highest.unwrap_or(0),
            overview,
            format!("Cost of {} months, stacked by media", overview.trend.len()),
        ),
        rows: rows.rev().collect(),
    }
}

/// What of a month's total no media has: adjustments, and fees without usage.
fn rest(month: &TrendMonth) -> i128 {
    let scale = ALLOCATION_SCALE - month.total.currency.minor_unit_digits();
    month.total.minor_units.saturating_mul(10_i128.pow(scale))
        - month.media_costs.iter().sum::<i128>()
}

fn trend_finding(overview: &Overview<'_>) -> String {
    let months = &overview.trend;
    let Some(last) = months.last() else { return String::new() };
    let name = month_name(last.month);
    if months.len() == 1 {
        return format!("{name} has no earlier month to compare with");
    }
    let total = |month: &TrendMonth| month.total.minor_units;
    let so_far = if last.status == Some(BillStatus::InProgress) { " so far" } else { "" };
    let highest = months.iter().map(total).max().unwrap_or(0);
    let mut dearest = months.iter().rev().filter(|month| total(month) == highest);
    let (newest, other) = (dearest.next().unwrap_or(last), dearest.next());
    let other = other.map(|other| month_name(other.month));
    match other {
        _ if months.iter().all(|month| total(month) == highest) => {
            format!("The {} months cost the same", months.len())
        }
        None if newest.month == last.month => {
            format!("{name}{so_far} is the dearest of {} months", months.len())
        }
        Some(other) if newest.month == last.month => {
            format!("{name}{so_far} is as dear as {other}, and no month is dearer")
        }
        _ if highest <= 0 => {
            format!("{name}{so_far} is below the dearest month, {}", month_name(newest.month))
        }
        _ => format!(
            "{name}{so_far} is {} below the dearest month, {}",
            share(highest - total(last), highest),
            month_name(newest.month)
        ),
    }
}
