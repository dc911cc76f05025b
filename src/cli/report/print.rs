//! What `report` tells on stdout and stderr.

use comfy_table::CellAlignment;

use super::super::bill::difference;
use super::super::print::{one_line, plain_table, say, say_line, trimmed};
use super::super::summary::{holes, thousands};
use super::amount;
use crate::billing::RatedMonth;
use crate::cli::print::note_line;
use crate::collect::Records;
use crate::domain::money::{decimal_text, rounded_units};
use crate::domain::{Currency, DateRange, Money};
use crate::month_report::{Written, WrittenRange};
use crate::rating::{ALLOCATION_SCALE, Bill, TotalRange};
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
        print_breakdown(*grouping, groups, bill.currency, true);
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
    print_unpriced(bill);
    if let Some(changes) = &written.changes {
        say(format_args!("  changes since the close, not in the files: {}", difference(changes)));
    }
    if !written.holes.is_empty() {
        note_line(format_args!("warning: {}", holes(&written.holes).trim_end()));
    }
}

/// A range of days.
pub(super) fn print_range(records: &Records<'_>, range: DateRange, written: &WrittenRange) {
    let (published, currency) = (&written.published, written.currency);
    say_line(format_args!(
        "account {}, {range}: {} {}; {} files in {}",
        records.account,
        currency.code(),
        thousands(&decimal_text(published.total_micro_units, ALLOCATION_SCALE)),
        published.published.files,
        published.published.folder.display()
    ));
    for month in &written.months {
        say_line(format_args!("  of {}", month_of_range(range, month)));
    }
    for (grouping, groups) in &published.breakdowns {
        print_breakdown(*grouping, groups, currency, false);
    }
    for month in &written.months {
        print_unpriced(&month.bill);
    }
    let unknown = written.holes();
    if !unknown.is_empty() {
        note_line(format_args!("warning: {}", holes(&unknown).trim_end()));
    }
}

/// What a range takes of a month: "2031-03, USD 12.34, complete, in part: ...".
fn month_of_range(range: DateRange, month: &RatedMonth) -> String {
    let whole = month.bill.month.days();
    let closed = month.closed.as_ref().map(|closed| format!("closed r{}, ", closed.revision));
    let part = match whole.intersection(range) {
        Some(days) if days != whole => format!(", in part: {days}"),
        _ => String::new(),
    };
    let has_rest = month.adjustments.is_empty() || range.contains(whole.last());
    let rest =
        if has_rest { "" } else { ", without its adjustments, which come with its last day" };
    format!(
        "{}, {}, {}{}{part}{rest}",
        month.bill.month,
        amount(&month.amount_due()),
        closed.unwrap_or_default(),
        month.status().name().replace('_', " ")
    )
}

fn print_unpriced(bill: &Bill) {
    for usage in &bill.unpriced {
        note_line(format_args!(
            "warning: {} of {} has no price in {}: {} s are not in the total",
            usage.field, usage.service, bill.book_name, usage.seconds
        ));
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

/// One row a group, highest cost first; the last row is the total. `is_compared` adds
/// the month before.
/// Most characters of a name that a table in a terminal shows.
const LONGEST_NAME: usize = 60;

fn shortened(name: &str) -> String {
    match name.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

fn print_breakdown(
    grouping: Grouping,
    groups: &[GroupFigures],
    currency: Currency,
    is_compared: bool,
) {
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
    header.extend(["minutes", cost.as_str()]);
    header.extend(is_compared.then_some(["month before", "change"]).into_iter().flatten());
    table.set_header(header);
    for group in groups {
        let key = if group.key.is_empty() { "(no project)" } else { group.key.as_str() };
        let before = group.previous_micro_units;
        let change = before.map(|before| group.cost_micro_units - before);
        let optional = |units: Option<i128>| units.map_or_else(|| "n/a".to_owned(), money);
        let minutes = rounded_units(group.seconds * 10 / 6, 2, 0);
        let mut row = vec![one_line(key)];
        row.extend(is_project.then(|| shortened(&one_line(&group.name))));
        row.extend([thousands(&minutes.to_string()), money(group.cost_micro_units)]);
        if is_compared {
            row.extend([optional(before), optional(change)]);
        }
        table.add_row(row);
    }
    let mut total = vec!["total".to_owned()];
    total.extend(is_project.then(String::new));
    total.extend([String::new(), money(groups.iter().map(|group| group.cost_micro_units).sum())]);
    if is_compared {
        total.extend([String::new(), String::new()]);
    }
    let columns = total.len();
    table.add_row(total);
    for column in 1 + usize::from(is_project)..columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    say(format_args!("{}\n", trimmed(&table)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_terminal_steers_nothing_and_has_a_bearable_length() {
        assert_eq!(one_line("a\u{1b}[31m\u{202e}b\u{2066}\u{7}"), "a [31m b  ");
        assert_eq!(shortened(&"é".repeat(60)), "é".repeat(60));
        assert_eq!(shortened(&"é".repeat(61)), format!("{}…", "é".repeat(60)));
    }
}
