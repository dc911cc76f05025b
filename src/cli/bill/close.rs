//! `agora-usage bill close`: make a revision that never changes.

use tokio_util::sync::CancellationToken;

use super::{records, words};
use crate::billing::close::{CloseRequest, Closed, close, newest_revision};
use crate::cli::backfill::bar;
use crate::cli::failure::{Exit, Failure};
use crate::cli::lease::{lease, release, stop_on_interrupt};
use crate::cli::print::note_line;
use crate::cli::print::{one_line, say, say_line};
use crate::cli::summary::counted;
use crate::collect::{CollectError, Collector, Records};
use crate::config::{AccountSettings, ConfigError};
use crate::context::Context;
use crate::domain::Month;
use crate::schedule::held_lease::USAGE_LEASE;
use crate::store::Store;
use crate::store::leases::Lease;

/// Arguments of `bill close`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Asks the platform for the whole month again, rates it, and stores the bill \
    as revision 1. Days that are missing, contradicted, incomplete or not yet final stand against \
    it and are listed.\n\nExit codes: 0 closed; 1 refused; 3 closed by --force without knowing \
    every figure."
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command")]
pub(in crate::cli) struct CloseArguments {
    /// Month, YYYY-MM
    #[arg(long, value_name = "MONTH", value_parser = Month::parse)]
    month: Month,
    /// Only this account of the settings [default: all]
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Close in spite of what stands against it, and state that on the bill
    #[arg(long)]
    force: bool,
    /// Make a further revision of a closed month, and print what changed
    #[arg(long)]
    revise: bool,
    /// Do not ask the platform again first
    #[arg(long, visible_alias = "no-sync")]
    offline: bool,
    /// Exit with 4 instead of waiting while another run works on the account
    #[arg(long)]
    no_wait: bool,
}

pub(super) async fn run(context: &Context, arguments: CloseArguments) -> Result<Exit, Failure> {
    let accounts = context.settings.chosen(arguments.account.as_deref())?;
    let store = context.open_store().await?;
    let stop = stop_on_interrupt();
    let mut exit = Exit::Done;
    for account in accounts {
        if stop.is_cancelled() {
            break;
        }
        let closed = close_account(context, &store, account, &arguments, &stop).await;
        // One account that fails does not stop the others.
        exit = exit.and(closed.unwrap_or_else(|failure| {
            failure.print();
            failure.exit
        }));
    }
    store.close().await;
    Ok(exit)
}

async fn close_account(
    context: &Context,
    store: &Store,
    account: &AccountSettings,
    arguments: &CloseArguments,
    stop: &CancellationToken,
) -> Result<Exit, Failure> {
    let records = records(store, account, context.clock);
    let book = account.price_book(arguments.month)?;
    let request = CloseRequest { force: arguments.force, revise: arguments.revise };
    // Before the platform is asked: what is refused in any case costs no request.
    newest_revision(&records, arguments.month, request).await?;
    let name = USAGE_LEASE;
    let held = lease(store, &account.account, name, context.clock, arguments.no_wait).await?;
    let closed = async {
        let lease = held.lease();
        let doubts = ask_again(context, records, account, arguments, lease, stop).await?;
        Ok::<_, Failure>(close(&records, &book, arguments.month, doubts, request).await?)
    };
    let closed = closed.await;
    release(held).await;
    Ok(print(&closed?))
}

/// Asks for the whole month again; what got no answer stands against the close.
async fn ask_again(
    context: &Context,
    records: Records<'_>,
    account: &AccountSettings,
    arguments: &CloseArguments,
    lease: &Lease,
    stop: &CancellationToken,
) -> Result<Vec<String>, Failure> {
    let month = arguments.month;
    if arguments.offline {
        note_line(format_args!(
            "account {}: {month} is not asked for again (--offline)",
            account.account
        ));
        return Ok(Vec::new());
    }
    let api = match context.api(account) {
        Err(ConfigError::NoCredentials { account, .. }) => {
            note_line(format_args!(
                "account {account}: {month} is not asked for again, without credentials"
            ));
            return Ok(Vec::new());
        }
        api => api?,
    };
    let mut settings = account.collect.clone();
    settings.policy.again = true;
    let records = Records { settings: &settings, ..records };
    let collector = Collector { api: &api, records, lease, stop };
    let run = fetch(&collector, month).await.map_err(|error| {
        let is_api = matches!(error, CollectError::Api(_));
        let failure = Failure::from(error);
        if is_api {
            failure.hint("close from what is stored, without asking again: --offline")
        } else {
            failure
        }
    })?;
    if run.stopped {
        let message = format!("stopped before {month} was closed");
        return Err(Failure::new(Exit::Failed, message).hint("run the same command again"));
    }
    let (answered, changed) = (counted(run.answered, "request"), run.new_rows + run.changed_rows);
    let changed = counted(changed, "value");
    note_line(format_args!(
        "account {}: {answered} answered, {changed} new or changed",
        account.account
    ));
    let doubt = |failed: &crate::collect::usage::FailedRequest| {
        let project = failed.request.project_id.as_ref().map_or("all projects", |id| id.as_str());
        let (service, range) = (failed.request.service, failed.request.range);
        format!("{project} {service} {range}: asked again without an answer: {}", failed.error)
    };
    Ok(run.failed.iter().map(doubt).collect())
}

async fn fetch(
    collector: &Collector<'_>,
    month: Month,
) -> Result<crate::collect::usage::UsageRun, CollectError> {
    collector.sync_projects().await?;
    let planned = collector.plan(month.days()).await?;
    let bar = bar();
    let run = collector.sync_usage(planned, &bar).await;
    bar.clear();
    run
}

fn print(closed: &Closed) -> Exit {
    say_line(format_args!("{}", words::headline(&closed.month)));
    let note = closed.month.closed.iter();
    for reservation in note.flat_map(|note| &note.reservations) {
        say_line(format_args!("  closed in spite of: {}", one_line(reservation)));
    }
    if let Some(difference) = &closed.difference {
        say(format_args!("changes: {}", words::difference(difference)));
    }
    let has_gaps = closed.month.report().has_gaps();
    let is_forced = closed.month.closed.as_ref().is_some_and(|note| note.forced);
    if has_gaps || is_forced { Exit::Partial } else { Exit::Done }
}
