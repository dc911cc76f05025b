//! The one sentence of each cause: what differs, and what shows it.

use chrono::{NaiveDate, SecondsFormat};
use num_rational::BigRational;
use num_traits::{Signed, Zero};

use super::CauseKind;
use super::fit::SolvedPrice;
use super::minutes::{Gap, TakenMinutes};
use super::month_usage::{MonthUsage, OverlapReading, RecordingReading, UsageReading};
use crate::domain::{Month, ProjectId};
use crate::rating::decimal_units;
use crate::reconcile::amounts::{Line, rounded};

/// Places that are named; the rest is counted.
const NAMED_PLACES: usize = 4;

type Place<'a> = (&'a ProjectId, NaiveDate);

/// A way of counting; `days` are those that it changes.
pub(super) fn of_counting(
    kind: CauseKind,
    reading: &UsageReading,
    month: &MonthUsage<'_>,
    days: &[Place<'_>],
) -> String {
    let moment = reading.before.and_then(|before| month.moments.get(before)?.at);
    let what = match (kind, moment) {
        (CauseKind::RestatedDays, Some(at)) => format!(
            "The invoice has the usage as it was known before {}; the platform restated it then or later",
            at.to_rfc3339_opts(SecondsFormat::Secs, true)
        ),
        (CauseKind::RestatedDays, None) => {
            "The invoice has the usage as it is known now; the platform restated it after our bill \
             was closed"
                .to_owned()
        }
        (CauseKind::SdLeftOut, _) => {
            "The invoice leaves SD out, which our bill counts as HD".to_owned()
        }
        (CauseKind::RecordingTwice, _) if reading.recording == RecordingReading::OffRtc => {
            "The invoice has rtc without what on-premise recording used, our bill has it twice"
                .to_owned()
        }
        (CauseKind::RecordingTwice, _) => {
            "The invoice has no on-premise recording beside rtc, which includes it; our bill has both"
                .to_owned()
        }
        (CauseKind::HdpOverlap, _) if reading.overlap == OverlapReading::HdpAlone => {
            "The invoice has HD+ alone where Full HD, 2K or 2K+ was used beside it; our bill has both"
                .to_owned()
        }
        (CauseKind::HdpOverlap, _) => {
            "The invoice leaves HD+ out where Full HD, 2K or 2K+ was used beside it; our bill has both"
                .to_owned()
        }
        _ => "The invoice rounds the seconds of each project's day up to minutes; our bill rounds \
              the month once"
            .to_owned(),
    };
    format!("{what}: {}.", places(days))
}

/// Minutes that were taken from the invoice.
pub(super) fn of_taken(kind: CauseKind, taken: &[&TakenMinutes], gaps: &[Gap]) -> String {
    let minutes: Vec<String> = taken
        .iter()
        .map(|taken| {
            let (service, media) = taken.line;
            format!("{} of {service} {media}", taken.minutes.abs_diff(taken.counted))
        })
        .collect();
    let minutes = minutes.join(", ");
    if kind == CauseKind::DayMinutes {
        return format!(
            "Our minutes come from usage v1, which rounds each day up; the invoice has fewer: {minutes}."
        );
    }
    let services: Vec<_> = taken.iter().map(|taken| taken.line.0).collect();
    let known = gaps.iter().filter(|gap| services.contains(&gap.service));
    let known: Vec<String> = known
        .map(|gap| {
            let whose = gap.project_id.as_ref().map_or("all projects", ProjectId::as_str);
            format!("{whose} {} {}", gap.service, gap.days)
        })
        .collect();
    format!(
        "Days are missing on our side, and the invoice has more minutes: {minutes}; missing: {}.",
        listed(&known)
    )
}

/// SD as a line of its own.
pub(super) fn of_sd_apart() -> String {
    "The invoice has a line of its own for SD, which our bill counts as HD; the free minutes go to \
     SD before HD."
        .to_owned()
}

/// Another price of a line.
pub(super) fn of_price(price: &SolvedPrice, month: Month) -> String {
    let line = price.line.label();
    let charged = if price.price.is_zero() {
        format!("does not charge {line}")
    } else {
        format!("charges {} for 1,000 minutes of {line}", short(&price.price))
    };
    match &price.listed {
        Some(listed) => {
            format!("The invoice of {month} {charged}; our price book has {}.", short(listed))
        }
        None => format!("The invoice of {month} {charged}; our price book has no price for it."),
    }
}

/// A percentage on all lines.
pub(super) fn of_percentage(percent: &BigRational) -> String {
    let (word, guess) = if percent.is_negative() {
        ("below", "a discount that our price book does not have")
    } else {
        ("above", "probably tax within the amounts")
    };
    format!("Every line of the invoice is {} % {word} ours: {guess}.", short(&percent.abs()))
}

/// Lines that are rounded one by one.
pub(super) fn of_line_rounding(digits: u32) -> String {
    let unit = crate::domain::money::decimal_text(1, digits);
    format!("The invoice rounds each line to {unit}; our bill rounds the total alone.")
}

/// A row that is no usage: the invoice's amount, ours, and all other rows of the invoice.
pub(super) fn of_row(
    line: Line,
    invoiced: &BigRational,
    ours: &BigRational,
    others: &BigRational,
) -> String {
    let name = match line {
        Line::Package => "a package",
        Line::TopUp => "top-ups",
        Line::Discount => "a discount",
        Line::Commitment => "an amount that is missing to the minimum commitment",
        Line::Adjustment => "adjustments",
        Line::Tax => "tax",
        _ => "a row that is no usage",
    };
    let share = if line == Line::Tax && !others.is_zero() {
        let percent = invoiced / others * BigRational::from_integer(100.into());
        format!(", {} % of its other rows", short(&rounded(&percent, 2)))
    } else {
        String::new()
    };
    if invoiced.is_zero() {
        return format!("Our bill has {name} of {}, which the invoice does not have.", short(ours));
    }
    if !ours.is_zero() {
        return format!(
            "The invoice has {name} of {}{share}; our bill has {}.",
            short(invoiced),
            short(ours)
        );
    }
    match line {
        Line::Tax => {
            format!("The invoice has tax as a row of its own{share}; our bill is without tax.")
        }
        Line::Other => {
            "The invoice has a row that is no usage, which our bill does not know.".to_owned()
        }
        Line::Adjustment => format!(
            "The invoice has adjustments of {}, which were not recorded here.",
            short(invoiced)
        ),
        _ => format!(
            "The invoice has {name} as a row of its own, which our price book does not know."
        ),
    }
}

fn places(days: &[Place<'_>]) -> String {
    let named: Vec<String> =
        days.iter().map(|(project_id, day)| format!("{project_id} {day}")).collect();
    listed(&named)
}

/// The first of them, and how many more.
fn listed(all: &[String]) -> String {
    let named = all[..all.len().min(NAMED_PLACES)].join(", ");
    match all.len().saturating_sub(NAMED_PLACES) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// A decimal without zeros at its end.
fn short(amount: &BigRational) -> String {
    let scale = crate::rating::LINE_SCALE;
    match decimal_units(amount, scale) {
        Ok(units) => {
            let text = crate::domain::money::decimal_text(units, scale);
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        Err(_) => amount.to_string(),
    }
}
