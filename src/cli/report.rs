//! `agora-usage report`: rate months and write their files.

use std::path::PathBuf;

use chrono::{DateTime, Utc};

use super::bill::{clock_at, difference, parse_past_time};
use super::failure::{Exit, Failure};
use super::print::{say, say_line};
use super::summary::{holes, thousands};
use crate::collect::Records;
use crate::context::Context;
use crate::domain::{Money, Month};
use crate::month_report::{Written, write};
use crate::rating::PriceBook;
use crate::report::{Format, ReportOptions, check_writable};

/// Arguments of `report`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Writes OUT/<account>/<YYYY-MM>/ with summary, bill, one file a project, \
    and manifest.json. A closed month's files are those of \
    its newest revision, with a folder r<N> below them for each.\n\nExit codes: 0 every figure stands on known days; 3 days or prices are \
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
        accounts.iter().map(|account| account.price_book()).collect::<Result<Vec<_>, _>>()?;
    let store = context.open_store().await?;
    let mut exit = Exit::Done;
    for (account, book) in accounts.into_iter().zip(&books) {
        let records =
            Records { store: &store, account: &account.account, clock, settings: &account.collect };
        // One account that fails does not stop the others.
        exit =
            exit.and(report(&records, book, &months, &options).await.unwrap_or_else(|failure| {
                failure.print();
                failure.exit
            }));
    }
    store.close().await;
    Ok(exit)
}

async fn report(
    records: &Records<'_>,
    book: &PriceBook,
    months: &[Month],
    options: &ReportOptions,
) -> Result<Exit, Failure> {
    let mut exit = Exit::Done;
    for month in months {
        let written = write(records, book, *month, options).await?;
        print(&written);
        exit = exit.and(if written.has_gaps { Exit::Partial } else { Exit::Done });
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
    for assumption in &bill.assumptions {
        say_line(format_args!(
            "  assumed {} = {}: {}",
            assumption.key, assumption.value, assumption.text
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

/// "USD 1,234.50".
pub(super) fn amount(money: &Money) -> String {
    format!("{} {}", money.currency.code(), thousands(&money.to_string()))
}
