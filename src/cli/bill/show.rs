//! `agora-usage bill show`: lines, total, adjustments, and what changed since the close.

use std::fmt::Write;

use chrono::{DateTime, Utc};
use num_rational::BigRational;
use serde_json::Value;

use super::words;
use super::{clock_at, month_or_previous, parse_past_time, records, show_json};
use crate::billing::difference::Difference;
use crate::billing::month::rate_month;
use crate::billing::reproduce::closed_revision;
use crate::billing::{BillingError, RatedMonth};
use crate::cli::failure::{Exit, Failure};
use crate::cli::print::{Output, aligned, one_line, plain_table, print_rows, print_text, trimmed};
use crate::collect::Records;
use crate::context::Context;
use crate::domain::Month;
use crate::domain::money::decimal_text;
use crate::month_report::month_of_then;
use crate::rating::{BillLine, Charge, LINE_SCALE, PriceBook, TotalRange, decimal_units};
use crate::store::analyst_queries::{ResultTable, ValueKind};
use crate::store::stored_bills;

/// Arguments of `bill show`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Shows the newest closed revision with what changed since, or the month as \
    it is rated now. Stores nothing.\n\nExit codes: 0 every figure stands on known days; 3 days or \
    prices are missing."
)]
pub(in crate::cli) struct ShowArguments {
    /// Month, YYYY-MM [default: the previous one]
    #[arg(long, value_name = "MONTH", value_parser = Month::parse)]
    month: Option<Month>,
    /// Only this account of the settings [default: all]
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// This closed revision; 0: the month as it is rated now
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    revision: Option<i32>,
    /// The bill as it was at a time: RFC 3339, or a day, which stands for its end
    #[arg(long, value_name = "TIME", value_parser = parse_past_time, conflicts_with = "revision")]
    as_of: Option<DateTime<Utc>>,
    /// Form of the bill [default: table on a terminal, else csv]
    #[arg(long, value_name = "FORM")]
    output: Option<Output>,
}

/// A bill, and what a bill of today would change in it.
pub(super) struct Shown {
    pub(super) month: RatedMonth,
    pub(super) changes: Option<Difference>,
}

pub(super) async fn run(context: &Context, arguments: ShowArguments) -> Result<Exit, Failure> {
    let month = month_or_previous(arguments.month, context.clock)?;
    let clock = clock_at(context.clock, arguments.as_of)?;
    let accounts = context.settings.chosen(arguments.account.as_deref())?;
    let books =
        accounts.iter().map(|account| account.price_book(month)).collect::<Result<Vec<_>, _>>()?;
    let store = context.open_store().await?;
    let mut exit = Exit::Done;
    let mut shown = Vec::new();
    for (account, book) in accounts.into_iter().zip(&books) {
        let records = records(&store, account, clock);
        match find(&records, book, month, arguments.revision).await {
            Ok(found) => {
                let has_gaps = found.month.report().has_gaps();
                exit = exit.and(if has_gaps { Exit::Partial } else { Exit::Done });
                shown.push(found);
            }
            // One account that fails does not stop the others.
            Err(error) => {
                let failure = Failure::from(error);
                failure.print();
                exit = exit.and(failure.exit);
            }
        }
    }
    store.close().await;
    print(&shown, Output::or_default(arguments.output))?;
    Ok(exit)
}

async fn find(
    records: &Records<'_>,
    book: &PriceBook,
    month: Month,
    revision: Option<i32>,
) -> Result<Shown, BillingError> {
    if records.clock.known_by().is_some() {
        let month = month_of_then(records, book, month).await?;
        return Ok(Shown { month, changes: None });
    }
    let closed = stored_bills::closed(records.store.pool(), records.account, month).await?;
    let head = match revision {
        Some(0) => None,
        Some(revision) => Some(
            closed
                .iter()
                .find(|head| head.revision == revision)
                .ok_or(BillingError::NoRevision { month, revision })?,
        ),
        None => closed.last(),
    };
    let Some(head) = head else {
        return Ok(Shown { month: rate_month(records, book, month).await?, changes: None });
    };
    let shown = closed_revision(records, head).await?;
    let changes = Difference::between(&shown, &rate_month(records, book, month).await?);
    Ok(Shown { month: shown, changes: Some(changes).filter(|changes| !changes.is_empty()) })
}

fn print(shown: &[Shown], output: Output) -> Result<(), Failure> {
    match output {
        Output::Table => shown.iter().try_for_each(|shown| print_text(&text(shown)?)),
        Output::Csv if shown.is_empty() => Ok(()),
        Output::Csv => {
            let mut rows = ResultTable::with_columns(COLUMNS);
            for shown in shown {
                rows.rows.extend(rows_of(&shown.month)?);
            }
            print_rows(&rows, Output::Csv)
        }
        Output::Json => {
            let bills = shown.iter().map(show_json::object).collect::<Result<Vec<_>, _>>()?;
            print_text(&format!("{:#}\n", Value::from(bills)))
        }
    }
}

/// Columns of csv; a table leaves out those that its headline tells.
pub(super) const COLUMNS: &[(&str, ValueKind)] = &[
    ("account_id", ValueKind::Text),
    ("month", ValueKind::Text),
    ("revision", ValueKind::Integer),
    ("service", ValueKind::Text),
    ("media", ValueKind::Text),
    ("tier", ValueKind::Integer),
    ("seconds", ValueKind::Integer),
    ("minutes", ValueKind::Integer),
    ("free_minutes", ValueKind::Integer),
    ("billable_minutes", ValueKind::Integer),
    ("unit_price_per_1000", ValueKind::Decimal),
    ("amount", ValueKind::Decimal),
];

/// Columns that stand in the headline of a table.
pub(super) const HEADLINE_COLUMNS: usize = 3;

pub(super) type Row = Vec<Option<String>>;

/// Lines, charges, rounding, adjustments and total.
pub(super) fn rows_of(month: &RatedMonth) -> Result<Vec<Row>, Failure> {
    let bill = &month.bill;
    // A discount or a tax can have more places than a line.
    let decimals = |amount: &BigRational| {
        decimal_units(amount, LINE_SCALE).map(|units| decimal_text(units, LINE_SCALE))
    };
    let line = |line: &BillLine| -> Result<Vec<Option<String>>, Failure> {
        Ok(vec![
            Some(line.label().to_owned()),
            Some(line.media.name().to_owned()),
            Some(line.tier.to_string()),
            line.seconds.map(|seconds| seconds.to_string()),
            Some(line.minutes.to_string()),
            Some(line.free_minutes.to_string()),
            Some(line.billable_minutes.to_string()),
            Some(decimals(&line.unit_price_per_1000)?),
            Some(decimals(&line.amount)?),
        ])
    };
    let beside = |service: &str, media: Option<String>, amount: String| {
        let mut row = vec![Some(service.to_owned()), media];
        row.resize(COLUMNS.len() - HEADLINE_COLUMNS - 1, None);
        row.push(Some(amount));
        row
    };
    let charge = |charge: &Charge| -> Result<Row, Failure> {
        let mut row = beside(charge.kind.name(), None, decimals(&charge.amount)?);
        let price = charge.unit_price_per_1000.as_ref().map(&decimals).transpose()?;
        let end = row.len();
        (row[end - 3], row[end - 2]) = (charge.minutes.map(|minutes| minutes.to_string()), price);
        Ok(row)
    };
    let mut rows = bill.lines.iter().map(line).collect::<Result<Vec<_>, _>>()?;
    rows.extend(bill.charges.iter().map(charge).collect::<Result<Vec<_>, _>>()?);
    rows.push(beside("rounding", None, decimals(&bill.rounding())?));
    if !month.adjustments.is_empty() {
        rows.push(beside("rated total", None, bill.total.to_string()));
    }
    for applied in &month.adjustments {
        let adjustment = &applied.adjustment;
        let number = Some(adjustment.adjustment_id.to_string());
        rows.push(beside("adjustment", number, adjustment.amount.to_string()));
    }
    rows.push(beside("total", None, month.amount_due().to_string()));
    let revision = month.closed.as_ref().map_or(0, |closed| closed.revision);
    let headed = |row: Row| {
        let head = [bill.account.to_string(), bill.month.to_string(), revision.to_string()];
        head.map(Some).into_iter().chain(row).collect()
    };
    Ok(rows.into_iter().map(headed).collect())
}

/// The bill for people.
fn text(shown: &Shown) -> Result<String, Failure> {
    let month = &shown.month;
    let mut text = words::headline(month);
    let _ = writeln!(text, "\nprice book {} ({})", month.book.name, &month.book.sha256[..12]);
    if let Some(closed) = &month.closed {
        let _ = writeln!(text, "closed at {}", words::time(closed.closed_at));
    }
    let mut table = plain_table();
    table
        .set_header(COLUMNS.iter().skip(HEADLINE_COLUMNS).map(|(name, kind)| aligned(name, *kind)));
    for row in rows_of(month)? {
        let cells = row.iter().zip(COLUMNS).skip(HEADLINE_COLUMNS);
        table.add_row(cells.map(|(value, (name, kind))| {
            let value = value.as_deref().unwrap_or_default();
            let is_exact = matches!(*name, "amount" | "unit_price_per_1000");
            aligned(&if is_exact { shortened(value) } else { value.to_owned() }, *kind)
        }));
    }
    let _ = writeln!(text, "{}", trimmed(&table));
    for applied in &month.adjustments {
        let adjustment = &applied.adjustment;
        let _ = writeln!(
            text,
            "adjustment {} ({}): {}",
            adjustment.adjustment_id,
            words::scope(adjustment),
            one_line(&adjustment.reason)
        );
    }
    below(&mut text, shown);
    Ok(text)
}

/// What stands below the figures: assumptions, what is missing, what changed.
fn below(text: &mut String, shown: &Shown) {
    let month = &shown.month;
    for assumption in &month.bill.assumptions {
        let (key, value) = (&assumption.key, &assumption.value);
        let otherwise = if assumption.range.is_open() {
            let TotalRange { low, high } = &assumption.range;
            format!(" Read otherwise, the rated total is {low} to {high}.")
        } else {
            String::new()
        };
        let _ = writeln!(text, "assumed {key} = {value}: {}{otherwise}", assumption.text);
    }
    if month.bill.range.is_open() {
        let TotalRange { low, high } = &month.bill.range;
        let _ = writeln!(text, "all readings together: a rated total of {low} to {high}");
    }
    for usage in &month.bill.unpriced {
        let _ = writeln!(
            text,
            "without a price: {} s of {} of {}, not in the total",
            usage.seconds, usage.field, usage.service
        );
    }
    for missing in &month.coverage.missing_days {
        let days: Vec<String> = missing.days.iter().map(ToString::to_string).collect();
        let project = missing.project_id.as_ref().map_or("all projects", |id| id.as_str());
        let _ = writeln!(
            text,
            "not known: {} {} {} ({})",
            one_line(project),
            missing.service,
            days.join(", "),
            one_line(&missing.reason)
        );
    }
    for reservation in month.closed.iter().flat_map(|closed| &closed.reservations) {
        let _ = writeln!(text, "closed in spite of: {}", one_line(reservation));
    }
    if let Some(changes) = &shown.changes {
        let _ = write!(text, "changes since the close: {}", words::difference(changes));
    }
}

/// Without idle zeros beyond the second place.
fn shortened(decimal: &str) -> String {
    let Some((whole, fraction)) = decimal.split_once('.') else { return decimal.to_owned() };
    let kept = fraction.trim_end_matches('0');
    format!("{whole}.{kept:0<2}")
}
