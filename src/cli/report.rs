//! `agora-usage report`: load, rate, store the draft, write the files.

use std::path::PathBuf;

use chrono::Days;

use super::failure::{Exit, Failure};
use super::summary::{holes, thousands};
use crate::collect::Records;
use crate::collect::due::CellState;
use crate::collect::holes::{Coverage, Hole};
use crate::context::Context;
use crate::domain::{BillStatus, DateRange, DayUsage, Money, Month, Project};
use crate::rating::{Bill, PriceBook, rate};
use crate::report::{
    self, Format, MissingDays, MonthReport, Published, ReportOptions, check_writable, write_month,
};
use crate::store::{bills, projects, requests, usage};

/// Arguments of `report`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Writes OUT/<account>/<YYYY-MM>/ with summary, bill, one file a project, \
    and manifest.json.\n\nExit codes: 0 every figure stands on known days; 3 days or prices are \
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
    let accounts = context.settings.chosen(arguments.account.as_deref())?;
    let out = arguments.out.clone().unwrap_or_else(|| context.settings.report_folder.clone());
    let options = ReportOptions {
        formats: arguments.format,
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
        for month in &months {
            let written = write(&records, book, *month, &options).await?;
            written.print();
            exit = exit.and(if written.has_gaps { Exit::Partial } else { Exit::Done });
        }
    }
    store.close().await;
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

/// A month's report that is in place.
pub(super) struct Written {
    /// The bill.
    pub(super) bill: Bill,
    /// Whether it can be relied on.
    pub(super) status: BillStatus,
    /// Whether days or prices are missing.
    pub(super) has_gaps: bool,
    /// Projects that the account has or had.
    pub(super) projects: Vec<Project>,
    /// Where the files are.
    pub(super) published: Published,
    holes: Vec<Hole>,
}

/// Load, rate, store the draft, write the files.
pub(super) async fn write(
    records: &Records<'_>,
    book: &PriceBook,
    month: Month,
    options: &ReportOptions,
) -> Result<Written, Failure> {
    let loaded = load(records, month).await?;
    let bill = rate(records.account, month, &loaded.usage, book)?;
    let report = MonthReport {
        bill: &bill,
        usage: &loaded.usage,
        projects: &loaded.projects,
        coverage: loaded.report_coverage(month),
    };
    let (status, has_gaps) = (report.status(), report.has_gaps());
    bills::replace_draft(records.store.pool(), &bill, status, options.generated_at).await?;
    // Writing thousands of files must not hold up the other tasks of this thread.
    let published = tokio::task::block_in_place(|| write_month(&report, options))?;
    let Loaded { projects, coverage, .. } = loaded;
    Ok(Written { bill, status, has_gaps, projects, published, holes: coverage.holes })
}

/// What is stored about a month.
struct Loaded {
    usage: Vec<DayUsage>,
    projects: Vec<Project>,
    coverage: Coverage,
    /// Days of the month that are over; none on its first day.
    past: Option<DateRange>,
}

async fn load(records: &Records<'_>, month: Month) -> Result<Loaded, Failure> {
    let pool = records.store.pool();
    let stored = projects::read_all(pool, records.account).await?;
    if stored.is_empty() && requests::first_day_asked(pool, records.account).await?.is_none() {
        let message = format!("nothing is stored for account '{}'", records.account);
        return Err(Failure::new(Exit::Failed, message)
            .hint("fetch it first: `agora-usage sync usage`, or `agora-usage backfill`"));
    }
    let yesterday = records.clock.today().checked_sub_days(Days::new(1));
    let past = yesterday.and_then(|yesterday| {
        DateRange::new(month.first_day(), month.last_day().min(yesterday)).ok()
    });
    let coverage = match past {
        Some(past) => records.coverage(past).await?,
        None => Coverage::default(),
    };
    let usage = usage::read(pool, records.account, month.days()).await?;
    let projects = stored.into_iter().map(|stored| stored.project).collect();
    Ok(Loaded { usage, projects, coverage, past })
}

impl Loaded {
    /// The coverage as a report tells it.
    fn report_coverage(&self, month: Month) -> report::Coverage {
        let holes = &self.coverage.holes;
        let incomplete = self.usage.iter().filter(|usage| usage.is_incomplete()).count() as u64;
        let rows = self.usage.len() as u64 - incomplete;
        let first_hole = holes.iter().map(|hole| hole.range.first()).min();
        let covered_to = match first_hole {
            Some(day) => day.pred_opt().filter(|day| *day >= month.first_day()),
            None => self.past.map(DateRange::last),
        };
        report::Coverage {
            complete: holes.is_empty(),
            month_in_progress: self.past.map(DateRange::last) != Some(month.last_day()),
            covered_to,
            missing_days: holes.iter().map(missing_days).collect(),
            absent_cells: self.coverage.answered_days.saturating_sub(rows),
            incomplete_cells: incomplete,
        }
    }
}

fn missing_days(hole: &Hole) -> MissingDays {
    let reason = hole.message.clone().unwrap_or_else(|| hole.state.name().to_owned());
    MissingDays {
        project_id: Some(hole.project_id.clone()),
        service: hole.service,
        days: vec![hole.range],
        reason,
    }
}

impl Written {
    /// The total with its currency.
    pub(super) fn total(&self) -> String {
        amount(&self.bill.total)
    }

    fn print(&self) {
        let Published { folder, files, .. } = &self.published;
        let status = self.status.name().replace('_', " ");
        println!(
            "account {}, {}: {}, {status}; {files} files in {}",
            self.bill.account,
            self.bill.month,
            self.total(),
            folder.display()
        );
        for assumption in &self.bill.assumptions {
            println!("  assumed {} = {}: {}", assumption.key, assumption.value, assumption.text);
        }
        for usage in &self.bill.unpriced {
            eprintln!(
                "warning: {} of {} has no price in {}: {} s are not in the total",
                usage.field, usage.service, self.bill.book_name, usage.seconds
            );
        }
        let shown: Vec<Hole> =
            self.holes.iter().filter(|hole| hole.state != CellState::Ahead).cloned().collect();
        if !shown.is_empty() {
            eprintln!("warning: {}", holes(&shown).trim_end());
        }
    }
}

/// "USD 1,234.50".
pub(super) fn amount(money: &Money) -> String {
    format!("{} {}", money.currency.code(), thousands(&money.to_string()))
}
