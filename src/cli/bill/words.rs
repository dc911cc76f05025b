//! Bills in words and figures, for people.

use std::fmt::Write;

use chrono::{DateTime, SecondsFormat, Utc};
use comfy_table::Table;
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Signed;

use crate::billing::RatedMonth;
use crate::billing::difference::{Change, Difference};
use crate::cli::print::{aligned, one_line, plain_table, trimmed};
use crate::cli::report::amount;
use crate::domain::money::decimal_text;
use crate::domain::{Adjustment, AdjustmentScope, Money};
use crate::store::analyst_queries::ValueKind;

/// Decimal places after which an endless fraction is cut off.
const PLACES: u32 = 12;

/// "account default, 2031-03: USD 13.49, closed r1, complete".
pub(super) fn headline(month: &RatedMonth) -> String {
    let state = match &month.closed {
        Some(closed) => format!("closed r{}", closed.revision),
        None => "draft".to_owned(),
    };
    format!(
        "account {}, {}: {}, {state}, {}",
        month.bill.account,
        month.bill.month,
        amount(&month.amount_due()),
        month.status().name().replace('_', " ")
    )
}

/// A time to the second.
pub(super) fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A fraction as a decimal without idle zeros; "..." where it has no end within 12 places.
pub(in crate::cli) fn decimal(value: &BigRational) -> String {
    let scaled = value * BigRational::from_integer(BigInt::from(10).pow(PLACES));
    let endless = if scaled.is_integer() { "" } else { "..." };
    let sign = if value.is_negative() { "-" } else { "" };
    let digits = scaled.abs().to_integer().to_string();
    let digits = format!("{digits:0>width$}", width = PLACES as usize + 1);
    let (whole, fraction) = digits.split_at(digits.len() - PLACES as usize);
    let fraction = if endless.is_empty() { fraction.trim_end_matches('0') } else { fraction };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}{endless}")
}

/// Who has an adjustment.
pub(super) fn scope(adjustment: &Adjustment) -> String {
    match &adjustment.scope {
        AdjustmentScope::Account => "all projects by cost".to_owned(),
        AdjustmentScope::Project(project_id) => format!("project {project_id}"),
        AdjustmentScope::CostCentre(name) => {
            format!("cost centre {} by cost", one_line(name))
        }
    }
}

/// What changed: the total, then each line, adjustment and project.
pub(in crate::cli) fn difference(difference: &Difference) -> String {
    let (before, after) = &difference.amount_due;
    let mut text = format!(
        "{} -> {} ({})\n",
        amount(before),
        amount(after),
        signed(Money { minor_units: after.minor_units - before.minor_units, ..*after }.to_string()),
    );
    let money = |minor_units: i128| Money { minor_units, ..*after }.to_string();
    let mut table = plain_table();
    table.set_header(["", "before", "after", "change"]);
    for change in &difference.lines {
        let delta = decimal(&(&change.after - &change.before));
        add(&mut table, &change.of, [decimal(&change.before), decimal(&change.after), delta]);
    }
    let units = |change: &Change<String, i128>, table: &mut Table| {
        let delta = money(change.after - change.before);
        add(table, &change.of, [money(change.before), money(change.after), delta]);
    };
    for Change { of, before, after } in &difference.adjustments {
        let of = format!("adjustment {of}");
        units(&Change { of, before: *before, after: *after }, &mut table);
    }
    for Change { of, before, after } in &difference.projects {
        let of = format!("project {of}");
        units(&Change { of, before: *before, after: *after }, &mut table);
    }
    let _ = writeln!(text, "{}", trimmed(&table));
    text
}

fn add(table: &mut Table, of: &str, [before, after, delta]: [String; 3]) {
    let number = |text: &str| aligned(text, ValueKind::Decimal);
    let delta = signed(delta);
    table.add_row([aligned(of, ValueKind::Text), number(&before), number(&after), number(&delta)]);
}

/// A plus in front of what is not negative.
fn signed(text: String) -> String {
    if text.starts_with('-') { text } else { format!("+{text}") }
}

/// Units of 10^-6 of the currency.
pub(super) fn micro(units: i128) -> String {
    decimal_text(units, crate::rating::ALLOCATION_SCALE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_exact_or_say_that_they_go_on() {
        let text = |numerator: i64, denominator: i64| {
            decimal(&BigRational::new(numerator.into(), denominator.into()))
        };
        assert_eq!(text(13_485, 1_000), "13.485");
        assert_eq!(text(-1, 2), "-0.5");
        assert_eq!(text(6, 2), "3");
        assert_eq!(text(-2, 3), "-0.666666666666...");
        assert_eq!(text(0, 1), "0");
    }
}
