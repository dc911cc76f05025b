//! `agora-usage report`: rate months and write their files.

mod print;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use chrono::{DateTime, NaiveDate, Utc};
use tokio::runtime::Handle;

use self::print::{print, print_range};
use super::bill::{clock_at, parse_past_time};
use super::failure::{Exit, Failure};
use super::summary::thousands;
use crate::collect::Records;
use crate::context::Context;
use crate::domain::period::parse_day;
use crate::domain::{DateRange, Money, Month};
use crate::month_report::{MonthReportError, Written, write, write_range_of_days};
use crate::rating::PriceBooks;
use crate::report::{Format, Grouping, ReportOptions, check_writable};

/// Months written side by side: one computes while the other waits for the
/// database or the disk. Each more holds another month in memory.
const MONTHS_AT_ONCE: usize = 2;

/// Arguments of `report`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Writes OUT/<account>/<YYYY-MM>/ with summary, bill, one file a project, \
    and manifest.json; xlsx, html and json add report.*, focus adds focus.csv and focus.parquet. \
    A closed month's files are those of its newest revision, with a folder r<N> below them for each. \
    A range of days goes to OUT/<account>/<FROM>_<TO>/.\n\nExit codes: 0 every figure stands on known days; 3 days or prices are \
    missing: the files are written and say so.")]
pub(super) struct ReportArguments {
    /// Month, or first and last month: YYYY-MM or YYYY-MM..YYYY-MM
    #[arg(long, value_name = "MONTHS", required_unless_present = "from")]
    month: Option<String>,
    /// First day of a range, YYYY-MM-DD (UTC): each day costs what it has of its month's bill
    #[arg(long, value_name = "DAY", requires = "to", conflicts_with = "month")]
    from: Option<String>,
    /// Last day of the range
    #[arg(long, value_name = "DAY", requires = "from")]
    to: Option<String>,
    /// Formats, separated by commas: csv, parquet, xlsx, html, focus, json; or all
    #[arg(long, value_name = "LIST", default_value = "csv,parquet", value_parser = parse_formats)]
    format: FormatList,
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = parse_grouping,
          help = "Also print the cost by project, cost_centre, media or service, and write by_<NAME>.csv")]
    by: Vec<Grouping>,
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

/// Formats as one value, so that `all` may stand for many.
#[derive(Debug, Clone)]
struct FormatList(Vec<Format>);

fn parse_formats(list: &str) -> Result<FormatList, String> {
    if list == "all" {
        return Ok(FormatList(Format::all().collect()));
    }
    let known = Format::all().map(Format::name).collect::<Vec<_>>().join(", ");
    let format =
        |name| Format::from_name(name).ok_or_else(|| format!("the formats are {known}, all"));
    list.split(',').map(format).collect::<Result<_, _>>().map(FormatList)
}

fn parse_grouping(name: &str) -> Result<Grouping, String> {
    let known = Grouping::ALL.map(Grouping::name).join(", ");
    Grouping::from_name(name).ok_or_else(|| format!("the breakdowns are by {known}"))
}

pub(super) async fn run(context: &Context, arguments: ReportArguments) -> Result<Exit, Failure> {
    let clock = clock_at(context.clock, arguments.as_of)?;
    let period = period(&arguments, context.clock.today())?;
    let accounts = context.settings.chosen(arguments.account.as_deref())?;
    let out = arguments.out.clone().unwrap_or_else(|| context.settings.report_folder.clone());
    let options = ReportOptions {
        formats: arguments.format.0,
        breakdowns: arguments.by,
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
        let reported = match &period {
            Period::Months(months) => report(&records, books, months, &options),
            Period::Days(range) => report_range(&records, books, *range, &options).await,
        };
        exit = exit.and(reported.unwrap_or_else(|failure| {
            failure.print();
            failure.exit
        }));
    }
    store.close().await;
    Ok(exit)
}

/// What is to be reported.
enum Period {
    Months(Vec<Month>),
    Days(DateRange),
}

fn period(arguments: &ReportArguments, today: NaiveDate) -> Result<Period, Failure> {
    let (Some(from), Some(to)) = (&arguments.from, &arguments.to) else {
        let months = arguments.month.as_deref().unwrap_or_default();
        return past_months(months, Month::of(today)).map(Period::Months);
    };
    let range = DateRange::new(parse_day(from)?, parse_day(to)?)?;
    if range.last() >= today {
        let text = format!("{} is not over; it is {today} (UTC)", range.last());
        return Err(Failure::new(Exit::Usage, text));
    }
    Ok(Period::Days(range))
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

async fn report_range(
    records: &Records<'_>,
    books: &PriceBooks,
    range: DateRange,
    options: &ReportOptions,
) -> Result<Exit, Failure> {
    let written = write_range_of_days(records, books, range, options).await?;
    print_range(records, range, &written);
    Ok(if written.has_gaps() { Exit::Partial } else { Exit::Done })
}

/// "USD 1,234.50".
pub(super) fn amount(money: &Money) -> String {
    format!("{} {}", money.currency.code(), thousands(&money.to_string()))
}
