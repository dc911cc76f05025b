//! The comparison of plans as a text and as rows.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::compare::Compared;
use crate::cli::print::{one_line, plain_table, trimmed};
use crate::cli::report::amount;
use crate::domain::Money;
use crate::outlook::compare::{Candidate, HIGHEST_PERCENT, minutes_a_month};

type Row = Vec<Option<String>>;

/// One row a plan, cheapest first.
pub(super) fn rows_of(found: &Compared) -> Vec<Row> {
    let month =
        |at: Option<&crate::outlook::compare::UsedMonth>| at.map(|used| used.month.to_string());
    let row = |plan: &Candidate| {
        let is_in_force = found.plan_in_force.as_ref() == Some(&plan.plan.name);
        vec![
            Some(found.account.to_string()),
            month(found.months.first()),
            month(found.months.last()),
            Some(plan.plan.name.clone()),
            Some(plan.total.to_string()),
            Some(plan.range.low.to_string()),
            Some(plan.range.high.to_string()),
            saved(found, plan).map(|saved| saved.to_string()),
            Some(plan.total.currency.code().to_owned()),
            Some(is_in_force.to_string()),
            Some(plan.unpriced_seconds.is_empty().to_string()),
            plan.break_even.map(|turn| turn.volume_percent.to_string()),
            plan.break_even.map(|turn| turn.minutes_a_month.to_string()),
        ]
    };
    found.candidates.iter().map(row).collect()
}

/// What the plan would have saved against the books in force; below 0 where it costs more,
/// none where its total is too low.
pub(super) fn saved(found: &Compared, plan: &Candidate) -> Option<Money> {
    let is_priced = plan.unpriced_seconds.is_empty();
    let paid = found.in_force.filter(|paid| is_priced && paid.currency == plan.total.currency)?;
    Some(Money { minor_units: paid.minor_units - plan.total.minor_units, ..paid })
}

/// The comparison for people.
pub(super) fn in_words(found: &Compared) -> String {
    let mut text = headline(found);
    let mut table = plain_table();
    table.set_header(["  plan", "total", "saved", "could be", "as cheap at"]);
    for plan in &found.candidates {
        let is_in_force = found.plan_in_force.as_ref() == Some(&plan.plan.name);
        let note = if is_in_force { " (in force)" } else { "" };
        let is_priced = plan.unpriced_seconds.is_empty();
        let range = &plan.range;
        table.add_row([
            format!("  {}{note}", one_line(&plan.plan.name)),
            if is_priced { plan.total.to_string() } else { format!("over {}", plan.total) },
            saved(found, plan).map(|saved| saved.to_string()).unwrap_or_default(),
            if range.is_open() {
                format!("{} to {}", range.low, range.high)
            } else {
                String::new()
            },
            plan.break_even.map(|turn| turn.to_string()).unwrap_or_default(),
        ]);
    }
    for column in table.column_iter_mut().skip(1).take(2) {
        column.set_cell_alignment(comfy_table::CellAlignment::Right);
    }
    let _ = writeln!(text, "{}", trimmed(&table));
    below(&mut text, found);
    text
}

fn headline(found: &Compared) -> String {
    let months = match (found.months.first(), found.months.last()) {
        (Some(first), Some(last)) if first.month == last.month => first.month.to_string(),
        (Some(first), Some(last)) => {
            format!("{} to {} ({} months)", first.month, last.month, found.months.len())
        }
        _ => String::new(),
    };
    let paid = found.in_force.as_ref().map_or_else(
        || "no book was in force for all of them".to_owned(),
        |paid| format!("{} before tax under the books in force", amount(paid)),
    );
    let minutes = minutes_a_month(&found.months);
    format!("account {}, {months}: {paid}, {minutes} minutes a month\n", found.account)
}

/// What stands below the figures.
fn below(text: &mut String, found: &Compared) {
    let _ = writeln!(
        text,
        "  totals are before tax; saved: against the books in force, without adjustments; as cheap \
         at: the nearest volume of the same mix at which the plan costs less than the first one, \
         looked for up to {} times",
        HIGHEST_PERCENT / 100
    );
    for plan in found.candidates.iter().filter(|plan| plan.plan.picks_top_ups()) {
        let bought = plan.top_ups.iter().map(|(minutes, count)| format!("{count} x {minutes}"));
        let bought: Vec<String> = bought.collect();
        if !bought.is_empty() {
            let (name, bought) = (one_line(&plan.plan.name), bought.join(", "));
            let _ = writeln!(text, "  {name}: takes top-ups of {bought} minutes, bought in time");
        }
    }
    unpriced(text, &found.candidates);
    for plan in found.candidates.iter().filter(|plan| plan.range.is_open()) {
        for (key, sentence) in &plan.assumptions {
            let _ = writeln!(text, "  {}: assumed {key}: {sentence}", one_line(&plan.plan.name));
        }
    }
    for book in &found.left_out {
        let _ = writeln!(text, "  left out: {}", one_line(book));
    }
    if found.days_to_come > 0 {
        let days = found.days_to_come;
        let _ = writeln!(
            text,
            "  {days} days are not over: a part of a month is held against whole fees, so compare \
             whole months"
        );
    }
    if found.unknown_days > 0 {
        let days = found.unknown_days;
        let _ = writeln!(
            text,
            "  {days} days of projects are not known and add nothing; `agora-usage coverage` shows them"
        );
    }
}

/// What plans cannot price: one line for all plans that lack the same.
fn unpriced(text: &mut String, candidates: &[Candidate]) {
    let mut plans_of: BTreeMap<&BTreeMap<_, _>, Vec<String>> = BTreeMap::new();
    for plan in candidates.iter().filter(|plan| !plan.unpriced_seconds.is_empty()) {
        plans_of.entry(&plan.unpriced_seconds).or_default().push(one_line(&plan.plan.name));
    }
    for (unpriced, plans) in plans_of {
        let usage = unpriced.iter().map(|((service, field), seconds)| {
            format!("{seconds} s of {} of {service}", one_line(field))
        });
        let (usage, plans) = (usage.collect::<Vec<_>>().join(", "), plans.join("; "));
        let _ = writeln!(text, "  no price for {usage}, so that the total is too low: {plans}");
    }
}
