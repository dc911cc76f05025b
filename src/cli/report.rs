//! `agora-usage report`: rate months and write their files.

use std::path::PathBuf;

use super::failure::{Exit, Failure};
use chrono::NaiveDate;
use comfy_table::CellAlignment;

use super::print::{plain_table, say, say_line, trimmed};
use super::summary::{holes, thousands};
use crate::collect::Records;
use crate::context::Context;
use crate::domain::money::{decimal_text, rounded_units};
use crate::domain::period::parse_day;
use crate::domain::{Currency, DateRange, Money, Month};
use crate::month_report::{Written, WrittenRange, write, write_range_of_days};
use crate::rating::{ALLOCATION_SCALE, PriceBook};
use crate::report::{Format, GroupFigures, Grouping, ReportOptions, check_writable};

/// Arguments of `report`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Writes OUT/<account>/<YYYY-MM>/ with summary, bill, one file a project, \
    and manifest.json; xlsx, html and json add report.*, focus adds focus.csv and focus.parquet. \
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
    let period = period(&arguments, context.clock.today())?;
    let accounts = context.settings.chosen(arguments.account.as_deref())?;
    let out = arguments.out.clone().unwrap_or_else(|| context.settings.report_folder.clone());
    let options = ReportOptions {
        formats: arguments.format.0,
        breakdowns: arguments.by,
        out,
        byte_order_mark: arguments.bom,
        raw: arguments.raw,
        generated_at: context.clock.now(),
    };
    check_writable(&options.out)?;
    let books =
        accounts.iter().map(|account| account.price_book()).collect::<Result<Vec<_>, _>>()?;
    let store = context.open_store().await?;
    let mut exit = Exit::Done;
    for (account, book) in accounts.into_iter().zip(&books) {
        let records = Records {
            store: &store,
            account: &account.account,
            clock: context.clock,
            settings: &account.collect,
        };
        // One account that fails does not stop the others.
        exit =
            exit.and(report(&records, book, &period, &options).await.unwrap_or_else(|failure| {
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
    if let Some(format) = arguments.format.0.iter().find(|format| !format.serves_ranges()) {
        let text = format!("a range of days has no {format}; its formats are csv, parquet");
        return Err(Failure::new(Exit::Usage, text));
    }
    Ok(Period::Days(range))
}

async fn report(
    records: &Records<'_>,
    book: &PriceBook,
    period: &Period,
    options: &ReportOptions,
) -> Result<Exit, Failure> {
    let done = |has_gaps| if has_gaps { Exit::Partial } else { Exit::Done };
    let months = match period {
        Period::Months(months) => months,
        Period::Days(range) => {
            let written = write_range_of_days(records, book, *range, options).await?;
            print_range(records, *range, &written);
            return Ok(done(written.months.iter().any(|month| month.has_gaps)));
        }
    };
    let mut exit = Exit::Done;
    for month in months {
        let written = write(records, book, *month, options).await?;
        print(&written);
        exit = exit.and(done(written.has_gaps));
    }
    Ok(exit)
}

fn print_range(records: &Records<'_>, range: DateRange, written: &WrittenRange) {
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
    say_line(format_args!(
        "account {}, {}: {}, {}; {} files in {}",
        bill.account,
        bill.month,
        amount(&bill.total),
        status.name().replace('_', " "),
        published.files,
        published.folder.display()
    ));
    for (grouping, groups) in &written.breakdowns {
        print_breakdown(*grouping, groups, bill.currency);
    }
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
    if !written.holes.is_empty() {
        eprintln!("warning: {}", holes(&written.holes).trim_end());
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

/// "USD 1,234.50".
pub(super) fn amount(money: &Money) -> String {
    format!("{} {}", money.currency.code(), thousands(&money.to_string()))
}
