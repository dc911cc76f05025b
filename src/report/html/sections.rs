//! Sections of the page below its first screen.

use chrono::{Datelike, Weekday};
use serde::Serialize;

use crate::domain::Media;
use crate::domain::money::{decimal_text, rounded_units, thousands};
use crate::rating::LINE_SCALE;

use super::super::overview::{DayFigures, DayState, Grouping, Overview};
use super::super::{ReportError, bill_table, wording};
use super::charts::{ColumnChart, ColumnFigures, chart};
use super::page::{Number, media_label, share};

/// Rows of missing days; the rest is counted.
const LISTED_HOLES: usize = 100;

/// How the bill was made.
#[derive(Debug, Serialize)]
pub(super) struct BillView {
    lines: Vec<BillRow>,
    total: Number,
}

#[derive(Debug, Serialize)]
struct BillRow {
    /// Service, media and tier, or what the row is.
    key: String,
    service: String,
    media: String,
    /// Media whose colour it has; empty for none.
    media_name: &'static str,
    tier: String,
    minutes: Option<Number>,
    free_minutes: Option<Number>,
    billable_minutes: Option<Number>,
    price: String,
    amount: Number,
}

pub(super) fn bill(overview: &Overview<'_>) -> Result<BillView, ReportError> {
    let digits = overview.bill().currency.minor_unit_digits();
    let mut rows = bill_table::rows(overview.report)?;
    // The last one is the total, which has a place of its own.
    rows.pop();
    let lines = rows.iter().map(|row| bill_row(row, digits)).collect();
    Ok(BillView { lines, total: Number::money(overview.total()) })
}

fn bill_row(row: &bill_table::Row, digits: u32) -> BillRow {
    let media = row.media.as_deref().unwrap_or_default();
    let known = row.tier.and_then(|_| Media::from_name(media));
    let price = row.unit_price.map(|units| decimal_text(units, bill_table::UNIT_PRICE_SCALE));
    let price = price.as_deref().map(|text| text.trim_end_matches('0').trim_end_matches('.'));
    // What is less than a minor unit, such as the rounding, would be shown as nothing.
    let is_small = row.amount.abs() < 10_i128.pow(LINE_SCALE - digits);
    let digits = if is_small && row.amount != 0 { digits + 4 } else { digits };
    let shown = decimal_text(rounded_units(row.amount, LINE_SCALE, digits), digits);
    let tier = row.tier.map(|tier| tier.to_string()).unwrap_or_default();
    BillRow {
        key: format!("{} {media} {tier}", row.service).trim_end().to_owned(),
        service: row.service.to_owned(),
        media: known.map_or_else(|| media.to_owned(), |media| media_label(media).to_owned()),
        media_name: known.map_or("", Media::name),
        tier,
        minutes: row.minutes.map(Number::count),
        free_minutes: row.free_minutes.map(Number::count),
        billable_minutes: row.billable_minutes.map(Number::count),
        price: price.unwrap_or_default().to_owned(),
        amount: Number {
            shown: wording::shown(&shown),
            exact: decimal_text(row.amount, LINE_SCALE),
        },
    }
}

pub(super) fn media_finding(overview: &Overview<'_>) -> Result<String, ReportError> {
    let groups = overview.by(Grouping::Media)?;
    let total: i128 = groups.iter().map(|group| group.cost_micro_units).sum();
    let of_media =
        || groups.iter().filter_map(|group| Some((Media::from_name(&group.key)?, group)));
    let dearest = of_media().find(|(_, group)| group.cost_micro_units > 0);
    let Some((media, group)) = dearest else {
        let is_credited = of_media().any(|(_, group)| group.cost_micro_units < 0);
        return Ok(match (is_credited, total) {
            (true, _) => "Media have credits alone",
            (false, 0) => "No media has a cost",
            (false, _) => "The cost belongs to no media",
        }
        .to_owned());
    };
    // A credit leaves parts that are no shares of a whole.
    if groups.iter().any(|group| group.cost_micro_units < 0) {
        return Ok(format!("{} is the dearest media", media_label(media)));
    }
    let share = share(group.cost_micro_units, total);
    Ok(format!("{} makes {share} of the cost", media_label(media)))
}

/// Every day.
#[derive(Debug, Serialize)]
pub(super) struct Days {
    finding: String,
    chart: ColumnChart,
    rows: Vec<DayRow>,
    gaps: usize,
}

#[derive(Debug, Serialize)]
struct DayRow {
    day: String,
    weekday: String,
    state: &'static str,
    is_gap: bool,
    minutes: Number,
    costs: Vec<Number>,
    cost: Number,
}

pub(super) fn days(overview: &Overview<'_>) -> Days {
    let media = overview.used_media();
    let currency = overview.bill().currency;
    let rows = overview.days.iter().map(|day| DayRow {
        day: day.day.to_string(),
        weekday: day.day.format("%a").to_string(),
        state: day.state.name(),
        is_gap: is_gap(day),
        minutes: Number::minutes(day.seconds.iter().flatten().sum()),
        costs: media.iter().map(|one| Number::micro(day.costs[one.index()], currency)).collect(),
        cost: Number::micro(day.cost(), currency),
    });
    let figures = overview.days.iter().map(|day| day_column(day, currency));
    let highest = overview.days.iter().map(DayFigures::cost).max().unwrap_or(0);
    Days {
        finding: days_finding(overview),
        chart: chart(
            figures.collect(),
            highest,
            overview,
            "Cost of each day, stacked by media; missing days are gaps".to_owned(),
        ),
        rows: rows.collect(),
        gaps: overview.days.iter().filter(|day| day.state == DayState::Missing).count(),
    }
}

fn is_gap(day: &DayFigures) -> bool {
    matches!(day.state, DayState::Missing | DayState::NotYet)
}

fn day_column(day: &DayFigures, currency: crate::domain::Currency) -> ColumnFigures<'_> {
    let number = day.day.day();
    let is_labelled = number == 1 || number.is_multiple_of(5) && number < 30;
    let is_weekend = matches!(day.day.weekday(), Weekday::Sat | Weekday::Sun);
    let amount = match day.state {
        DayState::Missing => "missing".to_owned(),
        DayState::NotYet => "not yet".to_owned(),
        DayState::InPart => {
            format!("{}, in part missing", Number::micro(day.cost(), currency).shown)
        }
        DayState::Known => Number::micro(day.cost(), currency).shown,
    };
    ColumnFigures {
        label: if is_labelled { number.to_string() } else { String::new() },
        title: format!("{}: {amount}", day.day.format("%a %Y-%m-%d")),
        class: match day.state {
            DayState::Missing => "gap",
            DayState::InPart => "open",
            _ if is_weekend => "weekend",
            _ => "",
        },
        costs: &day.costs,
        rest: 0,
    }
}

fn days_finding(overview: &Overview<'_>) -> String {
    let dearest = overview.days.iter().rev().max_by_key(|day| day.cost());
    match dearest.filter(|day| day.cost() > 0) {
        Some(day) => {
            let currency = overview.bill().currency;
            let amount = Number::micro(day.cost(), currency).shown;
            format!(
                "{} was the dearest day: {amount} {}",
                day.day.format("%A %-d %B"),
                currency.code()
            )
        }
        None if overview.days.iter().any(|day| day.cost() < 0) => {
            "Days have credits alone".to_owned()
        }
        None => "No day has a cost".to_owned(),
    }
}

/// Days that are not known.
#[derive(Debug, Serialize)]
pub(super) struct Missing {
    project: String,
    service: &'static str,
    days: String,
    reason: String,
}

pub(super) fn missing(overview: &Overview<'_>) -> Vec<Missing> {
    let holes = overview.report.coverage.missing_days.iter().take(LISTED_HOLES);
    let row = |hole: &super::super::MissingDays| Missing {
        project: hole.project_id.as_ref().map_or("(all)", |id| id.as_str()).to_owned(),
        service: hole.service.name(),
        days: hole
            .days
            .iter()
            .map(|range| {
                if range.first() == range.last() {
                    range.first().to_string()
                } else {
                    format!("{} to {}", range.first(), range.last())
                }
            })
            .collect::<Vec<_>>()
            .join(", "),
        reason: hole.reason.clone(),
    };
    holes.map(row).collect()
}

pub(super) fn more_missing(overview: &Overview<'_>) -> usize {
    overview.report.coverage.missing_days.len().saturating_sub(LISTED_HOLES)
}

/// A rule that was read one way.
#[derive(Debug, Serialize)]
pub(super) struct AssumptionView {
    key: &'static str,
    value: String,
    text: String,
    /// Least and greatest amount due when this point alone is read otherwise; none where
    /// that changes nothing.
    range: Option<[Number; 2]>,
}

pub(super) fn assumptions(overview: &Overview<'_>) -> Vec<AssumptionView> {
    let view = |one: &crate::rating::Assumption| {
        let range = overview.report.range_due(&one.range);
        AssumptionView {
            key: one.key,
            value: one.value.clone(),
            text: one.text.clone(),
            range: range.is_open().then(|| [range.low, range.high].map(Number::money)),
        }
    };
    overview.bill().assumptions.iter().map(view).collect()
}

/// A value that changed after the month was closed.
#[derive(Debug, Serialize)]
pub(super) struct CorrectionRow {
    project: String,
    service: &'static str,
    day: String,
    media: &'static str,
    before: String,
    after: String,
    seen: String,
}

pub(super) fn corrections(overview: &Overview<'_>) -> Vec<CorrectionRow> {
    let seconds = |value: Option<i64>| match value {
        Some(value) => format!("{} s", thousands(&value.to_string())),
        None => "none".to_owned(),
    };
    let rows = overview.report.background.corrections.iter().map(|one| CorrectionRow {
        project: one.project_id.to_string(),
        service: one.service.name(),
        day: one.day.to_string(),
        media: media_label(one.media),
        before: seconds(one.before_seconds),
        after: seconds(one.after_seconds),
        seen: one.observed_at.format("%Y-%m-%d %H:%M").to_string(),
    });
    rows.collect()
}
