//! Sentences that several formats share.

use std::fmt;

use crate::domain::money::thousands;
use crate::domain::{BillStatus, Money};
use crate::outlook::pattern::RANGE_PERCENT;
use crate::rating::TotalRange;

use super::model::{Ahead, MonthEnd};
use super::overview::{DayState, Overview};

/// The status in words: "incomplete: 3 days missing".
pub(super) fn status(overview: &Overview<'_>) -> String {
    let count = |state| overview.days.iter().filter(|day| day.state == state).count();
    let missing = count(DayState::Missing) + count(DayState::InPart);
    let unpriced = overview.bill().unpriced.len();
    let mut causes = Vec::new();
    if overview.status == BillStatus::InProgress {
        causes.push(match overview.report.coverage.past_to {
            Some(day) => format!("to {day}"),
            None => "no day is over yet".to_owned(),
        });
    }
    if missing > 0 {
        let days = overview.report.bill.month.days().day_count();
        causes.push(format!("{missing} of {days} days missing, wholly or in part"));
    }
    if overview.report.coverage.incomplete_cells > 0 {
        causes.push("values missing".to_owned());
    }
    if unpriced > 0 {
        causes.push("usage without a price".to_owned());
    }
    let name = match (overview.report.closed, overview.status) {
        (Some(closed), status) => format!("closed r{}, {}", closed.revision, status.name()),
        (None, BillStatus::Complete) if overview.report.background.is_for_customer => {
            "complete".to_owned()
        }
        (None, BillStatus::Complete) => "draft, every day known".to_owned(),
        (None, BillStatus::Incomplete) => "incomplete".to_owned(),
        (None, BillStatus::InProgress) => "month under way".to_owned(),
    };
    if causes.is_empty() { name } else { format!("{name}: {}", causes.join(", ")) }
}

/// A fact of the coverage; of its own kind, so that a workbook has numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fact {
    /// Words.
    Text(String),
    /// How many there are.
    Count(u64),
    /// An amount, and words about it.
    Amount(Money, String),
    /// A least and a greatest amount.
    Range(TotalRange),
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Count(count) => f.write_str(&thousands(&count.to_string())),
            Self::Amount(amount, words) if words.is_empty() => f.write_str(&money(*amount)),
            Self::Amount(amount, words) => write!(f, "{}: {words}", money(*amount)),
            Self::Range(range) => write!(f, "{} to {}", money(range.low), money(range.high)),
        }
    }
}

/// Facts of the coverage by name.
pub(super) fn coverage(overview: &Overview<'_>) -> Vec<(&'static str, Fact)> {
    let coverage = &overview.report.coverage;
    let covered = match coverage.covered_to {
        Some(day) => format!("every day up to {day}"),
        None => "not even the first day".to_owned(),
    };
    let bill = overview.bill();
    let mut facts = vec![
        ("Known without a gap", Fact::Text(covered)),
        ("Idle cells, billed as 0", Fact::Count(coverage.absent_cells)),
        ("Cells with an unknown value", Fact::Count(coverage.incomplete_cells)),
        ("Price book", Fact::Text(bill.book_name.clone())),
    ];
    for unpriced in &bill.unpriced {
        let seconds = thousands(&unpriced.seconds.to_string());
        let text = format!("{} of {}, {seconds} s", unpriced.field, unpriced.service);
        facts.push(("Without a price, not in the total", Fact::Text(text)));
    }
    let background = overview.report.background;
    if bill.range.is_open() {
        let range = Fact::Range(overview.report.range_due(&bill.range));
        facts.push(("Range of totals under other readings", range));
    }
    for applied in overview.report.adjustments {
        let adjustment = &applied.adjustment;
        let amount = Fact::Amount(adjustment.amount, adjustment.reason.clone());
        facts.push(("Adjustment", amount));
    }
    for reservation in overview.report.closed.iter().flat_map(|closed| &closed.reservations) {
        facts.push(("Closed in spite of", Fact::Text(reservation.clone())));
    }
    let optional = [("Budget", background.budget), ("Forecast", background.forecast())];
    let amount = |money| Fact::Amount(money, String::new());
    facts.extend(optional.into_iter().filter_map(|(name, money)| Some((name, amount(money?)))));
    facts
}

/// Where a month under way is going: its end with the range and what that is
/// foretold from, and the day of the included minutes.
pub(super) fn month_ahead(overview: &Overview<'_>) -> Vec<String> {
    let Ahead { last_day, month_end, first_billed_day, .. } = &overview.report.background.ahead;
    let Some(last_day) = *last_day else { return Vec::new() };
    let end = month_end.map(|MonthEnd { expected, low, high }| {
        let [expected_text, low, high] = [expected, low, high].map(money);
        format!(
            "{} {expected_text} is expected; {low} to {high} holds about {RANGE_PERCENT} % of \
             outcomes. From the weekdays and the trend of the eight weeks up to {last_day}.",
            expected.currency.code()
        )
    });
    let included = first_billed_day.map(|day| {
        let tense = if day <= last_day { "were used up" } else { "will be used up" };
        format!("The included minutes {tense} on {day}.")
    });
    end.into_iter().chain(included).collect()
}

/// A change in per cent with one decimal, signed; none from nothing.
pub(super) fn per_cent(change: i128, before: i128) -> Option<String> {
    if before == 0 {
        return None;
    }
    let units = change.checked_mul(100_000)?.checked_div(before.abs())?;
    let tenths = crate::domain::money::rounded_units(units, 2, 0);
    let sign = if tenths < 0 { "\u{2212}" } else { "+" };
    Some(format!("{sign}{}.{}\u{a0}%", tenths.abs() / 10, tenths.abs() % 10))
}

/// Money with thousands set apart and a real minus sign.
pub(super) fn money(money: Money) -> String {
    shown(&money.to_string())
}

/// A decimal number as people read it: thousands set apart, and a real minus sign.
#[must_use]
pub fn shown(decimal: &str) -> String {
    thousands(decimal).replace('-', "\u{2212}")
}
