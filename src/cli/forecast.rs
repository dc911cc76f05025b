//! `agora-usage forecast`: where the month is going.

use std::fmt::Write;

use chrono::NaiveDate;

use super::failure::{Exit, Failure};
use super::print::{Output, plain_table, print_rows, say_line, trimmed};
use super::report::amount;
use super::summary::thousands;
use crate::account_outlook::{AccountOutlook, OutlookError, look_ahead, try_past_months};
use crate::collect::Records;
use crate::config::AccountSettings;
use crate::context::Context;
use crate::domain::money::decimal_text;
use crate::domain::{AccountId, Money};
use crate::outlook::backtest::{Score, Tried, score, score_by_known_days};
use crate::outlook::budget::BudgetState;
use crate::outlook::pattern::RANGE_PERCENT;
use crate::outlook::{MonthForecast, Outlook};
use crate::store::Store;
use crate::store::analyst_queries::{ResultTable, ValueKind};

/// Arguments of `forecast`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Each project's days to come follow the weekday pattern and the trend of \
    its last eight weeks, and are rated with the known days, free minutes and tiers included. \
    csv and json have a row for the account, one a budget and one a \
    project; used_up_on is the day of the included minutes, or of the budget.\n\nExit codes: 0 done; 3 days of the month are not known, \
    or fewer than three weeks are.")]
pub(super) struct ForecastArguments {
    /// Only this account of the settings [default: all]
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Tell how good forecasts of the stored months would have been
    #[arg(long)]
    backtest: bool,
    /// Form of the rows [default: a text on a terminal, else csv]
    #[arg(long, value_name = "FORM")]
    output: Option<Output>,
}

const COLUMNS: &[(&str, ValueKind)] = &[
    ("account", ValueKind::Text),
    ("month", ValueKind::Text),
    ("last_day", ValueKind::Text),
    ("section", ValueKind::Text),
    ("of", ValueKind::Text),
    ("to_date", ValueKind::Decimal),
    ("expected", ValueKind::Decimal),
    ("low", ValueKind::Decimal),
    ("high", ValueKind::Decimal),
    ("budget", ValueKind::Decimal),
    ("used_up_on", ValueKind::Text),
    ("currency", ValueKind::Text),
];

const TRIED_COLUMNS: &[(&str, ValueKind)] = &[
    ("account", ValueKind::Text),
    ("month", ValueKind::Text),
    ("last_day", ValueKind::Text),
    ("actual", ValueKind::Decimal),
    ("expected", ValueKind::Decimal),
    ("low", ValueKind::Decimal),
    ("high", ValueKind::Decimal),
    ("run_rate", ValueKind::Decimal),
    ("currency", ValueKind::Text),
];

pub(super) async fn run(context: &Context, arguments: ForecastArguments) -> Result<Exit, Failure> {
    let accounts = context.settings.chosen(arguments.account.as_deref())?;
    let output = Output::or_default(arguments.output);
    let is_text = output == Output::Table;
    let store = context.open_store().await?;
    let columns = if arguments.backtest { TRIED_COLUMNS } else { COLUMNS };
    let mut rows = ResultTable::with_columns(columns);
    let mut exit = Exit::Done;
    for settings in accounts {
        let of_account = if arguments.backtest {
            tried(context, &store, settings, is_text, &mut rows).await
        } else {
            foretold(context, &store, settings, is_text, &mut rows).await
        };
        // One account that fails does not stop the others.
        exit = exit.and(of_account.unwrap_or_else(|failure| {
            failure.print();
            failure.exit
        }));
    }
    store.close().await;
    if !is_text {
        print_rows(&rows, output)?;
    }
    Ok(exit)
}

fn records<'a>(
    context: &'a Context,
    store: &'a Store,
    settings: &'a AccountSettings,
) -> Records<'a> {
    let (account, clock) = (&settings.account, context.clock);
    Records { store, account, clock, settings: &settings.collect }
}

async fn foretold(
    context: &Context,
    store: &Store,
    settings: &AccountSettings,
    is_text: bool,
    rows: &mut ResultTable,
) -> Result<Exit, Failure> {
    let books = settings.price_books()?;
    let records = records(context, store, settings);
    let seen = look_ahead(&records, &books, &settings.outlook, None).await?;
    if is_text {
        say_line(format_args!("{}", in_words(&settings.account, &seen)));
    } else {
        rows.rows.extend(rows_of(&settings.account, &seen));
    }
    let is_whole = seen.unknown_days == 0 && seen.outlook.forecast().is_some();
    Ok(if is_whole { Exit::Done } else { Exit::Partial })
}

/// The account with the range, its budgets, then its projects; without a forecast
/// what is known so far.
fn rows_of(account: &AccountId, seen: &AccountOutlook) -> Vec<Vec<Option<String>>> {
    let bill = seen.outlook.to_date();
    let row =
        |section: &str, name: String, amounts: [Option<String>; 5], day: Option<NaiveDate>| {
            let head = [
                account.to_string(),
                bill.month.to_string(),
                seen.last_day.to_string(),
                section.to_owned(),
                name,
            ];
            let tail = [day.map(|day| day.to_string()), Some(bill.currency.code().to_owned())];
            head.into_iter().map(Some).chain(amounts).chain(tail).collect()
        };
    let text = |money: Money| Some(money.to_string());
    let found = seen.outlook.forecast();
    let of = |amount: fn(&MonthForecast) -> Money| found.and_then(|found| text(amount(found)));
    let ends = [of(|found| found.expected.total), of(|found| found.low), of(|found| found.high)];
    let [expected, low, high] = ends;
    let amounts = [text(bill.total), expected, low, high, None];
    let mut rows =
        vec![row("account", String::new(), amounts, seen.outlook.days().first_billed_day)];
    rows.extend(seen.budgets.iter().map(|state| {
        let (spent, expected) = (text(state.to_date), state.expected.and_then(text));
        let amounts = [spent, expected, None, None, text(state.budget.amount)];
        row("budget", state.budget.scope.to_string(), amounts, state.used_up_on)
    }));
    rows.extend(found.iter().flat_map(|found| &found.projects).map(|project| {
        let amounts = [text(project.to_date), text(project.expected), None, None, None];
        row("project", project.project_id.to_string(), amounts, None)
    }));
    rows
}

/// The account's own lines first, what its projects come to last.
fn in_words(account: &AccountId, seen: &AccountOutlook) -> String {
    let bill = seen.outlook.to_date();
    let mut lines = vec![format!(
        "account {account}, {}: {} up to {}",
        bill.month,
        amount(&bill.total),
        seen.last_day
    )];
    match &seen.outlook {
        Outlook::NotEnoughData { known_days, .. } => {
            lines.push(format!(
                "  not enough data to foretell the rest: {known_days} days are known, 21 are needed"
            ));
        }
        Outlook::Forecast(found) => lines.extend(forecast_in_words(found)),
    }
    if let Some(day) = seen.outlook.days().first_billed_day {
        let tense = if day <= seen.last_day { "were used up" } else { "will be used up" };
        lines.push(format!("  included minutes {tense} on {day}"));
    }
    if seen.unknown_days > 0 {
        let is_foretold = seen.outlook.forecast().is_some();
        let taken = if is_foretold { "are taken to be as usual" } else { "add nothing" };
        lines.push(format!(
            "  {} days of projects are not known, and {taken}; `agora-usage coverage` shows them",
            seen.unknown_days
        ));
    }
    let left_out = seen.left_out.iter().map(|budget| {
        format!(
            "  budget of {}: {} is in another currency than the price book, so nothing is told of it",
            budget.scope,
            amount(&budget.amount)
        )
    });
    lines.extend(left_out);
    lines.extend(seen.budgets.iter().map(budget_in_words));
    lines.extend(seen.anomalies.iter().map(|odd| {
        format!(
            "  odd: project {} on {}: worth {} at list price, {} is usual; {} {} strayed most",
            odd.project_id,
            odd.day,
            amount(&odd.worth),
            amount(&odd.usual),
            odd.service,
            odd.media
        )
    }));
    lines.extend(seen.outlook.forecast().iter().flat_map(|found| projects_in_words(found)));
    lines.join("\n")
}

fn forecast_in_words(found: &MonthForecast) -> [String; 2] {
    let change = decimal_text(i128::from(found.weekly_change_millionths / 1_000), 1);
    [
        format!(
            "  expected {}; {} to {} holds about {RANGE_PERCENT} % of outcomes",
            amount(&found.expected.total),
            amount(&found.low),
            amount(&found.high)
        ),
        format!("  from the weekdays and the trend of the last 8 weeks: {change} % a week"),
    ]
}

fn projects_in_words(found: &MonthForecast) -> Vec<String> {
    let mut projects: Vec<_> = found.projects.iter().collect();
    projects.sort_by_key(|p| (std::cmp::Reverse(p.expected.minor_units), &p.project_id));
    let mut table = plain_table();
    let currency = found.expected.total.currency.code();
    let header = ["to date", "expected"].map(|name| format!("{name} ({currency})"));
    table.set_header(std::iter::once("  project".to_owned()).chain(header));
    for project in projects.iter().take(LISTED_PROJECTS) {
        let amounts =
            [project.to_date, project.expected].map(|money| thousands(&money.to_string()));
        table.add_row(std::iter::once(format!("  {}", project.project_id)).chain(amounts));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(comfy_table::CellAlignment::Right);
    }
    let mut lines = vec![trimmed(&table)];
    if let Some(more) = projects.len().checked_sub(LISTED_PROJECTS).filter(|more| *more > 0) {
        lines.push(format!("  and {more} more; --output csv lists them all"));
    }
    lines
}

/// Projects that a text lists; the rest is counted.
const LISTED_PROJECTS: usize = 10;

fn budget_in_words(state: &BudgetState) -> String {
    let percent = |money: &Money| money.minor_units * 100 / state.budget.amount.minor_units.max(1);
    let mut text = format!(
        "  budget of {}: {} of {} spent ({} %)",
        state.budget.scope,
        thousands(&state.to_date.to_string()),
        amount(&state.budget.amount),
        percent(&state.to_date)
    );
    if let Some(expected) = &state.expected {
        let shown = thousands(&expected.to_string());
        let _ = write!(text, ", {shown} expected ({} %)", percent(expected));
    }
    if let Some(day) = state.used_up_on {
        let _ = write!(text, ", used up on {day}");
    }
    text
}

async fn tried(
    context: &Context,
    store: &Store,
    settings: &AccountSettings,
    is_text: bool,
    rows: &mut ResultTable,
) -> Result<Exit, Failure> {
    let books = settings.price_books()?;
    let tried = try_past_months(&records(context, store, settings), &books).await?;
    if is_text {
        say_line(format_args!("{}", scores_in_words(&settings.account, &tried)));
    } else {
        let row = |one: &Tried| {
            let scale = one.currency.minor_unit_digits();
            let amounts = [one.actual, one.expected, one.low, one.high, one.naive];
            let amounts = amounts.map(|units| decimal_text(units, scale));
            let when = [one.month.to_string(), one.last_day.to_string()];
            let texts = std::iter::once(settings.account.to_string()).chain(when).chain(amounts);
            texts.chain([one.currency.code().to_owned()]).map(Some).collect()
        };
        rows.rows.extend(tried.iter().map(row));
    }
    Ok(if tried.is_empty() { Exit::Partial } else { Exit::Done })
}

fn scores_in_words(account: &AccountId, tried: &[Tried]) -> String {
    if tried.is_empty() {
        return format!("account {account}: no month is stored with three weeks before it");
    }
    let percent = |hundredths: i128| format!("{} %", decimal_text(hundredths, 2));
    let row = |name: String, score: Score| {
        let (error, naive) = (percent(score.error), percent(score.naive_error));
        [name, score.tried.to_string(), error, naive, format!("{} %", score.in_range_percent)]
    };
    let mut table = plain_table();
    table.set_header(["known days", "forecasts", "mean error", "of run rate", "in range"]);
    for (days, score) in score_by_known_days(tried) {
        table.add_row(row(days.to_string(), score));
    }
    table.add_row(row("all".to_owned(), score(tried)));
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(comfy_table::CellAlignment::Right);
    }
    format!("account {account}, forecasts of past months:\n{}", trimmed(&table))
}

impl From<OutlookError> for Failure {
    fn from(error: OutlookError) -> Self {
        match error {
            OutlookError::NothingStored(_) => Self::new(Exit::Failed, error.to_string())
                .hint("fetch it first: `agora-usage sync usage`, or `agora-usage backfill`"),
            OutlookError::Amount { .. } => Self::new(Exit::Configuration, error.to_string())
                .hint("write it with a point and at most as many decimals as the currency has"),
            OutlookError::Collect(error) => error.into(),
            OutlookError::PriceBook(error) => error.into(),
            OutlookError::Rating(error) => error.into(),
        }
    }
}
