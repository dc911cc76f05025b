//! `agora-usage resale ...`: what a customer pays, and what is left of it.

use std::fmt::Write;
use std::path::PathBuf;

use super::bill::{month_or_previous, records};
use super::failure::{Exit, Failure};
use super::print::{Output, one_line, plain_table, print_rows, print_text, say_line, trimmed};
use super::report::amount;
use crate::billing::margin::{month_margin, sell_month};
use crate::billing::month::rate_month;
use crate::billing::reproduce::closed_revision;
use crate::billing::{BillingError, RatedMonth};
use crate::config::AccountSettings;
use crate::context::Context;
use crate::domain::margin::{MonthMargin, ProjectMargin, margin, margin_per_mille};
use crate::domain::money::decimal_text;
use crate::domain::{BillStatus, Month, ProjectId};
use crate::month_report::write_statement;
use crate::report::{Format, ReportOptions, check_writable};
use crate::store::analyst_queries::{ResultTable, ValueKind};
use crate::store::{Store, bills, resale, stored_bills};

/// What can be done for customers.
#[derive(Debug, clap::Subcommand)]
pub(super) enum ResaleCommand {
    /// Show what a month costs, what it sells for, and what is left, by project
    Margin(MarginArguments),
    /// Write a month's statement for the customer: the sell side alone
    Statement(StatementArguments),
}

/// Arguments of `resale margin`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The cost is the newest closed bill, or the month as it is rated now, with \
    adjustments; the sell side is the same usage by the sell price book of the settings \
    (sell_price_books). Accounts without one are left out.\n\nExit codes: 0 every figure stands on \
    known days; 3 days or prices are missing."
)]
pub(super) struct MarginArguments {
    /// Month, YYYY-MM [default: the previous one]
    #[arg(long, value_name = "MONTH", value_parser = Month::parse)]
    month: Option<Month>,
    /// Only this account of the settings [default: all that are resold]
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Form of the rows [default: a text on a terminal, else csv]
    #[arg(long, value_name = "FORM")]
    output: Option<Output>,
}

/// Arguments of `resale statement`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Writes OUT/statements/<account>/<YYYY-MM>/ with the files of a report, made \
    from the sell price book alone: no cost, cost price or adjustment of the platform is in them.\n\n\
    Exit codes: 0 every figure stands on known days; 3 days or prices are missing."
)]
pub(super) struct StatementArguments {
    /// Month, YYYY-MM [default: the previous one]
    #[arg(long, value_name = "MONTH", value_parser = Month::parse)]
    month: Option<Month>,
    /// Formats, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "csv,xlsx,html",
          value_parser = parse_format)]
    format: Vec<Format>,
    /// Folder for the statements [default: the settings' report folder, ./reports]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Only this account of the settings [default: all that are resold]
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
}

fn parse_format(name: &str) -> Result<Format, String> {
    let known = Format::all().map(Format::name).collect::<Vec<_>>().join(", ");
    Format::from_name(name).ok_or_else(|| format!("the formats are {known}"))
}

const COLUMNS: &[(&str, ValueKind)] = &[
    ("account_id", ValueKind::Text),
    ("month", ValueKind::Text),
    ("project_id", ValueKind::Text),
    ("project_name", ValueKind::Text),
    ("cost", ValueKind::Decimal),
    ("sell", ValueKind::Decimal),
    ("margin", ValueKind::Decimal),
    ("margin_percent", ValueKind::Decimal),
    ("currency", ValueKind::Text),
    ("status", ValueKind::Text),
];

pub(super) async fn run(context: &Context, command: ResaleCommand) -> Result<Exit, Failure> {
    match command {
        ResaleCommand::Margin(arguments) => margins(context, arguments).await,
        ResaleCommand::Statement(arguments) => statements(context, arguments).await,
    }
}

/// The accounts that are resold; one that is named must be.
fn resold<'a>(
    context: &'a Context,
    name: Option<&str>,
) -> Result<Vec<&'a AccountSettings>, Failure> {
    let mut accounts = context.settings.chosen(name)?;
    if let [only] = accounts[..] {
        only.sell_price_books()?;
    }
    accounts.retain(|account| !account.sell_price_books.is_empty());
    if accounts.is_empty() {
        return Err(Failure::new(Exit::Configuration, "no account has sell_price_books").hint(
            "name the price book that customers pay by: sell_price_books = [\"sell.toml\"]",
        ));
    }
    Ok(accounts)
}

/// Both sides of a month. The cost side is the newest closed revision, or the
/// month as it is rated now, which is stored as its draft.
async fn sides(
    context: &Context,
    store: &Store,
    settings: &AccountSettings,
    month: Month,
) -> Result<(RatedMonth, RatedMonth, Option<MonthMargin>), Failure> {
    let sell_book = settings.sell_price_books()?.in_force(month)?.clone();
    let book = settings.price_book(month)?;
    let records = records(store, settings, context.clock);
    let (pool, now) = (store.pool(), context.clock.now());
    let closed = stored_bills::closed(pool, records.account, month).await?;
    let cost = if let Some(head) = closed.last() {
        closed_revision(&records, head).await?
    } else {
        let rated = rate_month(&records, &book, month).await?;
        let draft = bills::replace_draft(pool, &rated.record(now)).await;
        draft.map_err(BillingError::from)?.commit().await?;
        rated
    };
    let sell = sell_month(&cost, &sell_book)?;
    let found = month_margin(&cost, &sell)?;
    if let Some(found) = &found {
        resale::replace_sell(pool, &sell.bill, found, now).await?;
    }
    Ok((cost, sell, found))
}

/// That of the side of which less is known.
fn status(cost: &RatedMonth, sell: &RatedMonth) -> BillStatus {
    if cost.status() == BillStatus::Complete { sell.status() } else { cost.status() }
}

fn exit_of(sides: [&RatedMonth; 2]) -> Exit {
    let has_gaps = sides.iter().any(|month| month.report().has_gaps());
    if has_gaps { Exit::Partial } else { Exit::Done }
}

async fn margins(context: &Context, arguments: MarginArguments) -> Result<Exit, Failure> {
    let month = month_or_previous(arguments.month, context.clock)?;
    let accounts = resold(context, arguments.account.as_deref())?;
    let output = Output::or_default(arguments.output);
    let store = context.open_store().await?;
    let mut rows = ResultTable::with_columns(COLUMNS);
    let mut exit = Exit::Done;
    for settings in accounts {
        // One account that fails does not stop the others.
        match account_margin(context, &store, settings, month).await {
            Ok((found, cost, sell)) => {
                exit = exit.and(exit_of([&cost, &sell]));
                if output == Output::Table {
                    print_text(&in_words(&found, &cost, &sell))?;
                } else {
                    rows.rows.extend(rows_of(&found, &cost, &sell));
                }
            }
            Err(failure) => {
                failure.print();
                exit = exit.and(failure.exit);
            }
        }
    }
    store.close().await;
    if output != Output::Table {
        print_rows(&rows, output)?;
    }
    Ok(exit)
}

async fn account_margin(
    context: &Context,
    store: &Store,
    settings: &AccountSettings,
    month: Month,
) -> Result<(MonthMargin, RatedMonth, RatedMonth), Failure> {
    let (cost, sell, found) = sides(context, store, settings, month).await?;
    let found = found.ok_or_else(|| {
        let [cost, sell] = [&cost, &sell].map(|side| side.bill.currency.code());
        let text = format!(
            "account {}, {month}: the cost is in {cost} and the sell price book in {sell}, so \
             there is no margin to tell",
            settings.account
        );
        Failure::new(Exit::Failed, text).hint("state both price books in one currency")
    })?;
    Ok((found, cost, sell))
}

type Row = Vec<Option<String>>;

fn percent(cost: crate::domain::Money, sell: crate::domain::Money) -> Option<String> {
    margin_per_mille(cost, sell).map(|units| decimal_text(units, 1))
}

/// A row a project; the last one is what belongs to none.
fn rows_of(found: &MonthMargin, cost: &RatedMonth, sell: &RatedMonth) -> Vec<Row> {
    let status = status(cost, sell);
    let row = |one: &ProjectMargin| {
        vec![
            Some(cost.bill.account.to_string()),
            Some(cost.bill.month.to_string()),
            one.project_id.as_ref().map(ProjectId::to_string),
            Some(one.project_name.clone()),
            Some(one.cost.to_string()),
            Some(one.sell.to_string()),
            Some(margin(one.cost, one.sell).to_string()),
            percent(one.cost, one.sell),
            Some(one.cost.currency.code().to_owned()),
            Some(status.name().to_owned()),
        ]
    };
    found.projects.iter().map(row).collect()
}

/// Projects that a text lists; the rest is counted.
const LISTED_PROJECTS: usize = 20;

/// The account, then its projects, the least margin first.
fn in_words(found: &MonthMargin, cost: &RatedMonth, sell: &RatedMonth) -> String {
    let left = margin(found.cost, found.sell);
    let share = percent(found.cost, found.sell).map_or_else(String::new, |it| format!(" ({it} %)"));
    let mut text = format!(
        "account {}, {}: sells for {}, costs {}, margin {}{share}, all before tax\n  sell price book \
         {}, cost price book {}, {}\n",
        cost.bill.account,
        cost.bill.month,
        amount(&found.sell),
        amount(&found.cost),
        amount(&left),
        one_line(&sell.book.name),
        one_line(&cost.book.name),
        status(cost, sell).name().replace('_', " "),
    );
    for (side, month) in [("sell", sell), ("cost", cost)] {
        for unpriced in &month.bill.unpriced {
            let _ = writeln!(
                text,
                "  the {side} price book has no price for {} s of {} of {}, so that side is too low",
                unpriced.seconds,
                one_line(&unpriced.field),
                unpriced.service
            );
        }
    }
    let mut projects: Vec<_> = found.projects.iter().collect();
    projects.sort_by_key(|one| (margin(one.cost, one.sell).minor_units, one.project_id.clone()));
    let mut table = plain_table();
    table.set_header(["  project", "name", "cost", "sell", "margin", "%"]);
    for one in projects.iter().take(LISTED_PROJECTS) {
        let id = one.project_id.as_ref().map_or("(no project)", ProjectId::as_str);
        table.add_row([
            format!("  {}", one_line(id)),
            one_line(&one.project_name),
            one.cost.to_string(),
            one.sell.to_string(),
            margin(one.cost, one.sell).to_string(),
            percent(one.cost, one.sell).unwrap_or_default(),
        ]);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(comfy_table::CellAlignment::Right);
    }
    let _ = writeln!(text, "{}", trimmed(&table));
    if let Some(more) = projects.len().checked_sub(LISTED_PROJECTS).filter(|more| *more > 0) {
        let _ = writeln!(text, "  and {more} more; --output csv lists them all");
    }
    text
}

async fn statements(context: &Context, arguments: StatementArguments) -> Result<Exit, Failure> {
    let month = month_or_previous(arguments.month, context.clock)?;
    let accounts = resold(context, arguments.account.as_deref())?;
    let out = arguments.out.unwrap_or_else(|| context.settings.report_folder.clone());
    let options = ReportOptions {
        formats: arguments.format,
        breakdowns: Vec::new(),
        out: out.join("statements"),
        byte_order_mark: false,
        raw: false,
        generated_at: context.clock.now(),
    };
    check_writable(&options.out)?;
    let store = context.open_store().await?;
    let mut exit = Exit::Done;
    for settings in accounts {
        // One account that fails does not stop the others.
        exit = exit.and(match statement(context, &store, settings, month, &options).await {
            Ok(done) => done,
            Err(failure) => {
                failure.print();
                failure.exit
            }
        });
    }
    store.close().await;
    Ok(exit)
}

async fn statement(
    context: &Context,
    store: &Store,
    settings: &AccountSettings,
    month: Month,
    options: &ReportOptions,
) -> Result<Exit, Failure> {
    let (_, sell, _) = sides(context, store, settings, month).await?;
    let exit = exit_of([&sell, &sell]);
    let (total, status) = (amount(&sell.amount_due()), sell.status());
    let records = records(store, settings, context.clock);
    let published = write_statement(&records, sell, options).await?;
    say_line(format_args!(
        "account {}, {month}: statement of {total}, {}; {} files in {}",
        settings.account,
        status.name().replace('_', " "),
        published.files,
        published.folder.display()
    ));
    Ok(exit)
}
