//! `agora-usage report`: rate months and write their files.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use chrono::{DateTime, Utc};
use tokio::runtime::Handle;

use super::bill::{clock_at, difference, parse_past_time};
use super::failure::{Exit, Failure};
use super::print::{say, say_line};
use super::summary::{holes, thousands};
use crate::collect::Records;
use crate::context::Context;
use crate::domain::{Money, Month};
use crate::month_report::{MonthReportError, Written, write};
use crate::rating::{PriceBooks, TotalRange};
use crate::report::{Format, ReportOptions, check_writable};

/// Months written side by side: one computes while the other waits for the
/// database or the disk. Each more holds another month in memory.
const MONTHS_AT_ONCE: usize = 2;

/// Arguments of `report`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Writes OUT/<account>/<YYYY-MM>/ with summary, bill, one file a project, \
    and manifest.json. A closed month's files are those of its newest revision, with a \
    folder r<N> below them for each.\n\nExit codes: 0 every figure stands on known days; 3 days or prices are \
    missing: the files are written and say so.")]
pub(super) struct ReportArguments {
    /// Month, or first and last month: YYYY-MM or YYYY-MM..YYYY-MM
    #[arg(long, value_name = "MONTHS")]
    month: String,
    /// Formats, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "csv,parquet",
          value_parser = parse_format)]
    format: Vec<Format>,
    /// Folder for the reports [default: the settings' report folder, ./reports]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Only this account of the settings [default: all]
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// The reports as they were at a time: RFC 3339, or a day, which stands for its end; --out
    /// keeps them apart from those of today
    #[arg(long, value_name = "TIME", value_parser = parse_past_time)]
    as_of: Option<DateTime<Utc>>,
    /// Begin CSV files with a byte order mark, for spreadsheets that need it
    #[arg(long)]
    bom: bool,
    /// Leave names in CSV as they are, even where a spreadsheet would run them as a formula
    #[arg(long)]
    raw: bool,
}

fn parse_format(name: &str) -> Result<Format, String> {
    let known = Format::all().map(Format::name).collect::<Vec<_>>().join(", ");
    Format::from_name(name).ok_or_else(|| format!("the formats are {known}"))
}

pub(super) async fn run(context: &Context, arguments: ReportArguments) -> Result<Exit, Failure> {
    let months = past_months(&arguments.month, Month::of(context.clock.today()))?;
    let clock = clock_at(context.clock, arguments.as_of)?;
    let accounts = context.settings.chosen(arguments.account.as_deref())?;
    let out = arguments.out.clone().unwrap_or_else(|| context.settings.report_folder.clone());
    let options = ReportOptions {
        formats: arguments.format,
        out,
        byte_order_mark: arguments.bom,
        raw: arguments.raw,
        generated_at: clock.now(),
    };
    check_writable(&options.out)?;
    let books =
        accounts.iter().map(|account| account.price_books()).collect::<Result<Vec<_>, _>>()?;
    let store = context.open_store().await?;
    let mut exit = Exit::Done;
    for (account, books) in accounts.into_iter().zip(&books) {
        let records =
            Records { store: &store, account: &account.account, clock, settings: &account.collect };
        // One account that fails does not stop the others.
        exit = exit.and(report(&records, books, &months, &options).unwrap_or_else(|failure| {
            failure.print();
            failure.exit
        }));
    }
    store.close().await;
    Ok(exit)
}

/// Writes the months, and tells of each in its turn. The first that fails ends it.
///
/// Must be called within a multi-threaded runtime: it blocks its thread.
fn report(
    records: &Records<'_>,
    books: &PriceBooks,
    months: &[Month],
    options: &ReportOptions,
) -> Result<Exit, Failure> {
    let runtime = Handle::current();
    let (next, has_failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (sender, ended) = mpsc::channel();
    let write_some = |sender: mpsc::Sender<_>| {
        while !has_failed.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(month) = months.get(at) else { break };
            let written = runtime.block_on(write(records, books, *month, options));
            has_failed.fetch_or(written.is_err(), Ordering::Relaxed);
            if sender.send((at, written)).is_err() {
                break;
            }
        }
    };
    tokio::task::block_in_place(|| {
        thread::scope(|scope| {
            for _ in 0..months.len().min(MONTHS_AT_ONCE) {
                let sender = sender.clone();
                scope.spawn(|| write_some(sender));
            }
            drop(sender);
            print_in_order(&ended)
        })
    })
}

/// Tells of the months in their order, whichever ends first.
fn print_in_order(
    ended: &mpsc::Receiver<(usize, Result<Written, MonthReportError>)>,
) -> Result<Exit, Failure> {
    let (mut exit, mut waiting, mut turn) = (Exit::Done, BTreeMap::new(), 0);
    for (at, written) in ended {
        waiting.insert(at, written);
        while let Some(written) = waiting.remove(&turn) {
            let written = written?;
            print(&written);
            exit = exit.and(if written.has_gaps { Exit::Partial } else { Exit::Done });
            turn += 1;
        }
    }
    Ok(exit)
}

/// The months of the argument; one that has not begun is refused.
fn past_months(text: &str, current: Month) -> Result<Vec<Month>, Failure> {
    let months = Month::parse_span(text)?;
    match months.last() {
        Some(last) if *last > current => {
            Err(Failure::new(Exit::Usage, format!("{last} has not begun; it is {current} (UTC)")))
        }
        _ => Ok(months),
    }
}

fn print(written: &Written) {
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
    for assumption in &bill.assumptions {
        say_line(format_args!(
            "  assumed {} = {}: {}{}",
            assumption.key,
            assumption.value,
            assumption.text,
            otherwise(&assumption.range)
        ));
    }
    if bill.range.is_open() {
        say_line(format_args!(
            "  all readings together: {} to {}",
            amount(&bill.range.low),
            amount(&bill.range.high)
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

/// What the total could be when one point is read otherwise; empty where it cannot differ.
fn otherwise(range: &TotalRange) -> String {
    if range.is_open() {
        format!(" Read otherwise: {} to {}.", amount(&range.low), amount(&range.high))
    } else {
        String::new()
    }
}

/// "USD 1,234.50".
pub(super) fn amount(money: &Money) -> String {
    format!("{} {}", money.currency.code(), thousands(&money.to_string()))
}
