//! What `report` tells on stdout and stderr.

use comfy_table::CellAlignment;

use super::super::bill::difference;
use super::super::print::{plain_table, say, say_line, trimmed};
use super::super::summary::{holes, thousands};
use super::amount;
use crate::collect::Records;
use crate::domain::money::{decimal_text, rounded_units};
use crate::domain::{Currency, DateRange, Money};
use crate::month_report::{Written, WrittenRange};
use crate::rating::{ALLOCATION_SCALE, TotalRange};
use crate::report::{GroupFigures, Grouping};

/// A month.
pub(super) fn print(written: &Written) {
    let Written { bill, status, published, .. } = written;
    let closed = written.closed.as_ref().map(|closed| format!("closed r{}, ", closed.revision));
    say_line(format_args!(
        "account {}, {}: {}, {}{}; {} files in {}",
        bill.account,
        bill.month,
        amount(&written.amount_due),
        closed.unwrap_or_default(),
        status.name().replace('_', " "),
        published.files,
        published.folder.display()
    ));
    for charge in &bill.charges {
        say_line(format_args!("  {}", charge.text));
    }
    for (grouping, groups) in &written.breakdowns {
        print_breakdown(*grouping, groups, bill.currency);
    }
    for (assumption, range) in bill.assumptions.iter().zip(&written.assumption_ranges) {
        say_line(format_args!(
            "  assumed {} = {}: {}{}",
            assumption.key,
            assumption.value,
            assumption.text,
            otherwise(range)
        ));
    }
    let range = &written.range_due;
    if range.is_open() {
        say_line(format_args!(
            "  all readings together: {} to {}",
            amount(&range.low),
            amount(&range.high)
        ));
    }
    for usage in &bill.unpriced {
        eprintln!(
            "warning: {} of {} has no price in {}: {} s are not in the total",
            usage.field, usage.service, bill.book_name, usage.seconds
        );
    }
    if let Some(changes) = &written.changes {
        say(format_args!("  changes since the close, not in the files: {}", difference(changes)));
    }
    if !written.holes.is_empty() {
        eprintln!("warning: {}", holes(&written.holes).trim_end());
    }
}

/// A range of days.
pub(super) fn print_range(records: &Records<'_>, range: DateRange, written: &WrittenRange) {
    let published = &written.published;
    let currency = written.months.first().bill.currency;
    say_line(format_args!(
        "account {}, {range}: {} {}; {} files in {}",
        records.account,
        currency.code(),
        thousands(&decimal_text(published.total_micro_units, ALLOCATION_SCALE)),
        published.published.files,
        published.published.folder.display()
    ));
    for month in written.months.iter() {
        let days = month.bill.month.days().intersection(range);
        let part = match days {
            Some(days) if days != month.bill.month.days() => format!(", in part: {days}"),
            _ => String::new(),
        };
        say_line(format_args!(
            "  of {}, {}, {}{part}",
            month.bill.month,
            amount(&month.bill.total),
            month.status.name().replace('_', " ")
        ));
    }
    for (grouping, groups) in &published.breakdowns {
        print_breakdown(*grouping, groups, currency);
    }
    if !written.holes.is_empty() {
        eprintln!("warning: {}", holes(&written.holes).trim_end());
    }
}

/// What the total could be when one point is read otherwise; empty where it cannot differ.
fn otherwise(range: &TotalRange) -> String {
    if range.is_open() {
        format!(" Read otherwise: {} to {}.", amount(&range.low), amount(&range.high))
    } else {
        String::new()
    }
}

/// One row a group, highest cost first; the last row is the total.
fn print_breakdown(grouping: Grouping, groups: &[GroupFigures], currency: Currency) {
    let digits = currency.minor_unit_digits();
    let money = |units: i128| {
        let minor_units = rounded_units(units, ALLOCATION_SCALE, digits);
        thousands(&Money { minor_units, currency }.to_string())
    };
    let mut table = plain_table();
    let cost = format!("cost ({})", currency.code());
    let is_project = grouping == Grouping::Project;
    let mut header = vec![grouping.name()];
    header.extend(is_project.then_some("name"));
    header.extend(["minutes", cost.as_str(), "month before", "change"]);
    table.set_header(header);
    for group in groups {
        let key = if group.key.is_empty() { "(no project)" } else { group.key.as_str() };
        let before = group.previous_micro_units;
        let change = before.map(|before| group.cost_micro_units - before);
        let optional = |units: Option<i128>| units.map_or_else(|| "n/a".to_owned(), money);
        let minutes = rounded_units(group.seconds * 10 / 6, 2, 0);
        let mut row = vec![key.to_owned()];
        row.extend(is_project.then(|| group.name.clone()));
        row.extend([thousands(&minutes.to_string()), money(group.cost_micro_units)]);
        row.extend([optional(before), optional(change)]);
        table.add_row(row);
    }
    let mut total = vec!["total".to_owned()];
    total.extend(is_project.then(String::new));
    total.extend([String::new(), money(groups.iter().map(|group| group.cost_micro_units).sum())]);
    total.extend([String::new(), String::new()]);
    table.add_row(total);
    let numbers = 1 + usize::from(is_project);
    for column in numbers..numbers + 4 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    say(format_args!("{}\n", trimmed(&table)));
}
