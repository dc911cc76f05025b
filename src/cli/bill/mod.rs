//! `agora-usage bill ...`: one file a subcommand.

mod adjust;
mod close;
mod compare;
mod compare_words;
mod explain;
mod explain_json;
mod explain_rules;
mod reconcile;
mod show;
mod show_json;
mod verify;
mod words;

use chrono::{DateTime, NaiveTime, Utc};

pub(super) use words::difference;

use super::failure::{Exit, Failure};
use crate::clock::Clock;
use crate::collect::Records;
use crate::config::AccountSettings;
use crate::context::Context;
use crate::domain::Month;
use crate::domain::period::parse_day;
use crate::store::Store;

/// What can be done with bills.
#[derive(Debug, clap::Subcommand)]
pub(super) enum BillCommand {
    /// Show a month's bill: lines, total, adjustments, and what changed since it was closed
    Show(show::ShowArguments),
    /// Show how a bill comes about, from seconds to the cents of a project and day
    Explain(explain::ExplainArguments),
    /// Close a month: make a revision that never changes
    Close(close::CloseArguments),
    /// Record a credit or charge beside the rated usage, or take one back
    Adjust(adjust::AdjustArguments),
    /// Hold an invoice of the platform against the bill, and say why they differ
    Reconcile(reconcile::ReconcileArguments),
    /// Rate past months under every plan, cheapest first
    Compare(compare::CompareArguments),
    /// Compute every stored bill again and compare
    Verify(verify::VerifyArguments),
}

pub(super) async fn run(context: &Context, command: BillCommand) -> Result<Exit, Failure> {
    match command {
        BillCommand::Show(arguments) => show::run(context, arguments).await,
        BillCommand::Explain(arguments) => explain::run(context, arguments).await,
        BillCommand::Close(arguments) => close::run(context, arguments).await,
        BillCommand::Adjust(arguments) => adjust::run(context, arguments).await,
        BillCommand::Reconcile(arguments) => reconcile::run(context, arguments).await,
        BillCommand::Compare(arguments) => compare::run(context, arguments).await,
        BillCommand::Verify(arguments) => verify::run(context, arguments).await,
    }
}

/// What is stored of an account.
pub(super) fn records<'a>(
    store: &'a Store,
    account: &'a AccountSettings,
    clock: Clock,
) -> Records<'a> {
    Records { store, account: &account.account, clock, settings: &account.collect }
}

/// The month that was asked for; the previous one otherwise, and none that has not begun.
pub(super) fn month_or_previous(asked: Option<Month>, clock: Clock) -> Result<Month, Failure> {
    let current = Month::of(clock.today());
    match asked {
        Some(month) if month > current => {
            Err(Failure::new(Exit::Usage, format!("{month} has not begun; it is {current} (UTC)")))
        }
        asked => Ok(asked.unwrap_or_else(|| current.previous())),
    }
}

/// The one account that a command is about.
fn only_account<'a>(
    context: &'a Context,
    name: Option<&str>,
) -> Result<&'a AccountSettings, Failure> {
    let accounts = context.settings.chosen(name)?;
    if let [account] = accounts[..] {
        return Ok(account);
    }
    let names: Vec<&str> = accounts.iter().map(|it| it.account.as_str()).collect();
    Err(Failure::new(Exit::Usage, "the settings describe several accounts")
        .hint(format!("name one with --account: {}", names.join(", "))))
}

/// A time in the past: RFC 3339, or a day, which stands for its end.
pub(super) fn parse_past_time(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(day) = parse_day(text) {
        let next = day.succ_opt().unwrap_or(day).and_time(NaiveTime::MIN).and_utc();
        return Ok(next - chrono::TimeDelta::microseconds(1));
    }
    let time = DateTime::parse_from_rfc3339(text);
    time.map(|time| time.to_utc()).map_err(|_| {
        "write it as 2026-11-30T12:00:00Z, or as a day, which stands for its end".to_owned()
    })
}

/// The clock of a time in the past; the running one without a time.
pub(super) fn clock_at(clock: Clock, as_of: Option<DateTime<Utc>>) -> Result<Clock, Failure> {
    match as_of {
        None => Ok(clock),
        Some(time) if time > clock.now() => {
            Err(Failure::new(Exit::Usage, format!("--as-of {} is yet to come", words::time(time))))
        }
        Some(time) => Ok(Clock::standing_at(time)),
    }
}
