//! From seconds to the total of a bill, step by step, for people.

use std::fmt::Write;

use num_rational::BigRational;

use super::explain::Explained;
use super::words::{self, decimal};
use crate::cli::print::one_line;
use crate::rating::{Bill, LineKind};

/// What the bill as a whole is charged beside its lines, in the order in which it is.
fn charges(text: &mut String, bill: &Bill) {
    if bill.charges.is_empty() {
        return;
    }
    let usage: BigRational = bill.lines.iter().map(|line| &line.amount).sum();
    let _ = writeln!(text, "\nall lines together {}", decimal(&usage));
    for charge in &bill.charges {
        let minutes = charge.minutes.zip(charge.unit_price_per_1000.as_ref());
        let steps = minutes.map_or_else(String::new, |(minutes, price)| {
            format!(": {minutes} min x {} / 1000", decimal(price))
        });
        let _ = writeln!(text, "  {}{steps} = {}", one_line(&charge.text), decimal(&charge.amount));
    }
}

/// From seconds to the total.
pub(super) fn rules(text: &mut String, explained: &Explained) {
    let bill = &explained.month.bill;
    for line in &explained.lines {
        let _ = writeln!(text, "\n{} {}", line.service, line.media);
        for source in &line.sources {
            let _ = writeln!(
                text,
                "  {}: {} s / 60, rounded up once = {} min",
                source.media, source.seconds, source.minutes
            );
        }
        for tier in &line.tiers {
            let _ = writeln!(
                text,
                "  {}tier {}: {} min - {} free = {} x {} / 1000 = {}{}",
                if tier.kind == LineKind::Usage {
                    String::new()
                } else {
                    format!("{}, ", tier.label())
                },
                tier.tier,
                tier.minutes,
                tier.free_minutes,
                tier.billable_minutes,
                decimal(&tier.unit_price_per_1000),
                decimal(&tier.amount),
                tier.coefficient.as_ref().map_or_else(String::new, |coefficient| {
                    format!("; {} standard minutes a minute", decimal(coefficient))
                })
            );
        }
        let _ = writeln!(text, "  together {} over {} s", decimal(&line.amount), line.seconds);
    }
    charges(text, bill);
    let _ = writeln!(
        text,
        "\nexact total {} + rounding (half up) {} = {}",
        decimal(&bill.exact_total),
        decimal(&bill.rounding()),
        bill.total
    );
    for applied in &explained.month.adjustments {
        let adjustment = &applied.adjustment;
        let _ = writeln!(
            text,
            "adjustment {} ({}): {}, {}",
            adjustment.adjustment_id,
            words::scope(adjustment),
            adjustment.amount,
            one_line(&adjustment.reason)
        );
    }
    for assumption in &bill.assumptions {
        let (key, value) = (&assumption.key, &assumption.value);
        let _ = writeln!(text, "assumed {key} = {value}: {}", assumption.text);
    }
}
