//! `agora-usage coverage`: what is stored, absent, missing, failing, about to expire.

mod calendar;

use chrono::{Days, NaiveDate};

use super::failure::{Exit, Failure};
use super::print::{Output, print_rows, print_text};
use crate::cli::print::note_line;
use crate::collect::calendar::{Calendar, CalendarDay};
use crate::collect::due::CellState;
use crate::collect::{CollectSettings, Records};
use crate::config::AccountSettings;
use crate::context::Context;
use crate::domain::period::parse_day;
use crate::domain::{AccountId, DateRange, ProjectId};
use crate::store::analyst_queries::{ResultTable, ValueKind};
use crate::store::{Store, requests};

/// Arguments of `coverage`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Asks the database alone. csv and json have a row a day.\n\n\
    Exit codes: 0 every day is known; 3 some are not.")]
pub(super) struct CoverageArguments {
    /// First UTC day, YYYY-MM-DD [default: the first day ever asked for]
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    from: Option<NaiveDate>,
    /// Last UTC day, included [default: yesterday]
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    to: Option<NaiveDate>,
    /// Only this account of the settings [default: all]
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Only this project id; can be repeated
    #[arg(long, value_name = "ID")]
    project: Vec<String>,
    /// Form of the rows [default: table on a terminal, else csv]
    #[arg(long, value_name = "FORM")]
    output: Option<Output>,
}

pub(super) async fn run(context: &Context, arguments: CoverageArguments) -> Result<Exit, Failure> {
    let accounts = context.settings.chosen(arguments.account.as_deref())?;
    // A range that ends before it begins needs no database to be refused.
    if let (Some(first), Some(last)) = (arguments.from, arguments.to) {
        DateRange::new(first, last)?;
    }
    let output = Output::or_default(arguments.output);
    let store = context.open_store_for_reading().await?;
    let mut exit = Exit::Done;
    let mut rows = ResultTable::with_columns(COLUMNS);
    for account in accounts {
        match of_account(context, &store, account, &arguments).await {
            Ok(covered) => {
                if output == Output::Table {
                    print_text(&calendar::text(
                        &account.account,
                        covered.range,
                        &covered.calendars,
                    ))?;
                } else {
                    rows.rows.extend(
                        covered.calendars.iter().flat_map(|c| rows_of(&account.account, c)),
                    );
                    note_line(format_args!(
                        "{}",
                        calendar::summary(&account.account, &covered.calendars)
                    ));
                }
                exit = exit.and(covered.exit());
            }
            // One account that fails does not stop the others.
            Err(failure) => {
                failure.print();
                exit = exit.and(failure.exit);
            }
        }
    }
    store.close().await;
    if output != Output::Table && !rows.rows.is_empty() {
        print_rows(&rows, output)?;
    }
    Ok(exit)
}

/// Where the days of one account stand.
struct Covered {
    range: DateRange,
    calendars: Vec<Calendar>,
}

impl Covered {
    fn exit(&self) -> Exit {
        let mut days = self.calendars.iter().flat_map(|calendar| &calendar.days);
        if days.any(|told| told.state.is_hole()) { Exit::Partial } else { Exit::Done }
    }
}

async fn of_account(
    context: &Context,
    store: &Store,
    account: &AccountSettings,
    arguments: &CoverageArguments,
) -> Result<Covered, Failure> {
    let range = range(context, store, &account.account, arguments).await?;
    let settings = narrowed(account, &arguments.project)?;
    let records =
        Records { store, account: &account.account, clock: context.clock, settings: &settings };
    let calendars = records.calendars(range).await?;
    if calendars.is_empty() {
        let message = format!("no project of account {} could be used in {range}", account.account);
        return Err(Failure::new(Exit::Failed, message)
            .hint("read the project list first: `agora-usage sync projects`"));
    }
    Ok(Covered { range, calendars })
}

/// The range that was asked for, as far as it is over.
async fn range(
    context: &Context,
    store: &Store,
    account: &AccountId,
    arguments: &CoverageArguments,
) -> Result<DateRange, Failure> {
    let today = context.clock.today();
    let yesterday = today.checked_sub_days(Days::new(1)).unwrap_or(today);
    let last = arguments.to.unwrap_or(yesterday);
    let first = match arguments.from {
        Some(first) => first,
        None => requests::first_day_asked(store.pool(), account).await?.ok_or_else(|| {
            Failure::new(Exit::Failed, format!("no usage of account {account} was ever asked for"))
                .hint("fetch it first: `agora-usage sync usage`, or `agora-usage backfill`")
        })?,
    };
    let asked = DateRange::new(first, last)?;
    DateRange::new(asked.first(), asked.last().min(yesterday)).map_err(|_| {
        let message = format!("no day of {asked} is over yet; today is {today} (UTC)");
        Failure::new(Exit::Usage, message)
    })
}

fn narrowed(account: &AccountSettings, projects: &[String]) -> Result<CollectSettings, Failure> {
    let mut settings = account.collect.clone();
    for id in projects {
        let project_id = ProjectId::new(id).map_err(|error| {
            Failure::new(Exit::Usage, format!("'{id}' is no project id: {error}"))
        })?;
        settings.only_projects.insert(project_id);
    }
    Ok(settings)
}

/// Columns of csv and json.
const COLUMNS: &[(&str, ValueKind)] = &[
    ("account_id", ValueKind::Text),
    ("project_id", ValueKind::Text),
    ("project_name", ValueKind::Text),
    ("service", ValueKind::Text),
    ("day", ValueKind::Text),
    ("state", ValueKind::Text),
    ("is_final", ValueKind::Boolean),
    ("expires_soon", ValueKind::Boolean),
];

fn rows_of<'a>(
    account: &'a AccountId,
    calendar: &'a Calendar,
) -> impl Iterator<Item = Vec<Option<String>>> + 'a {
    calendar.days.iter().map(move |told| {
        let project = &calendar.project;
        [
            account.to_string(),
            project.project_id.to_string(),
            project.name.clone(),
            calendar.service.name().to_owned(),
            told.day.to_string(),
            word(*told).to_owned(),
            (told.state == CellState::Final).to_string(),
            told.expires_soon.to_string(),
        ]
        .map(Some)
        .to_vec()
    })
}

/// The word for a day, as in the view `coverage`.
const fn word(told: CalendarDay) -> &'static str {
    match told.state {
        CellState::Final | CellState::Open if told.is_stored => "stored",
        CellState::Final | CellState::Open => "absent",
        state => state.name(),
    }
}
