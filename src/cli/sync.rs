//! `agora-usage sync ...`: one job, once.

use tokio_util::sync::CancellationToken;

use super::backfill::{bar, warn_about_services};
use super::failure::{Exit, Failure, told};
use super::lease::{lease, release, stop_on_interrupt};
use super::print::{say, say_line};
use super::summary::{counted, usage_run};
use crate::agora_api::AgoraApi;
use crate::cli::print::note_line;
use crate::collect::{Collector, Records};
use crate::context::Context;
use crate::domain::OccupancySnapshot;
use crate::schedule::held_lease::{STATISTICS_LEASE, USAGE_LEASE};

/// Jobs that can be run once.
#[derive(Debug, clap::Subcommand)]
pub(super) enum SyncCommand {
    /// Read the project list
    Projects(AccountArguments),
    /// Fetch every day of usage that is due: new, failed, or still moving
    Usage(AccountArguments),
    /// Take a snapshot of the live channels of every active project
    Occupancy(AccountArguments),
}

/// Arguments of each job.
#[derive(Debug, clap::Args)]
pub(super) struct AccountArguments {
    /// Only this account of the settings [default: all]
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Exit with 4 instead of waiting while another run works on the account
    #[arg(long)]
    no_wait: bool,
}

pub(super) async fn run(context: &Context, command: SyncCommand) -> Result<Exit, Failure> {
    let (SyncCommand::Projects(arguments)
    | SyncCommand::Usage(arguments)
    | SyncCommand::Occupancy(arguments)) = &command;
    let accounts = context.settings.chosen(arguments.account.as_deref())?;
    // Before the database is opened: settings that cannot work change nothing.
    let (accounts, left_out) = context.apis(accounts)?;
    let store = context.open_store().await?;
    let stop = stop_on_interrupt();
    let mut exit = told(left_out);
    for (account, api) in &accounts {
        if stop.is_cancelled() {
            break;
        }
        let records = Records {
            store: &store,
            account: &account.account,
            clock: context.clock,
            settings: &account.collect,
        };
        warn_about_services(account);
        let ended = run_job(api, records, &command, &stop).await;
        // One account that fails does not stop the others.
        exit = exit.and(ended.unwrap_or_else(|failure| {
            failure.print();
            failure.exit
        }));
    }
    store.close().await;
    Ok(exit)
}

async fn run_job(
    api: &AgoraApi,
    records: Records<'_>,
    command: &SyncCommand,
    stop: &CancellationToken,
) -> Result<Exit, Failure> {
    let (SyncCommand::Projects(arguments)
    | SyncCommand::Usage(arguments)
    | SyncCommand::Occupancy(arguments)) = command;
    let name = match command {
        SyncCommand::Projects(_) | SyncCommand::Usage(_) => USAGE_LEASE,
        SyncCommand::Occupancy(_) => STATISTICS_LEASE,
    };
    let held =
        lease(records.store, records.account, name, records.clock, arguments.no_wait).await?;
    let collector = Collector { api, records, lease: held.lease(), stop };
    let exit = match command {
        SyncCommand::Projects(_) => sync_projects(&collector).await,
        SyncCommand::Usage(_) => sync_usage(&collector).await,
        SyncCommand::Occupancy(_) => sync_occupancy(&collector).await,
    };
    release(held).await;
    exit
}

async fn sync_projects(collector: &Collector<'_>) -> Result<Exit, Failure> {
    let written = collector.sync_projects().await?;
    say_line(format_args!(
        "account {}: {} listed, {} newly found deleted",
        collector.records.account,
        counted(written.listed, "project"),
        written.newly_deleted
    ));
    Ok(Exit::Done)
}

async fn sync_usage(collector: &Collector<'_>) -> Result<Exit, Failure> {
    collector.sync_projects().await?;
    let Some(range) = collector.records.due_range().await? else { return Ok(Exit::Done) };
    let planned = collector.plan(range).await?;
    let bar = bar();
    let run = collector.sync_usage(planned, &bar).await?;
    bar.clear();
    let coverage = collector.records.coverage(range).await?;
    say(format_args!("{}", usage_run(collector.records.account, range, &run, &coverage)));
    Ok(if coverage.holes.is_empty() { Exit::Done } else { Exit::Partial })
}

async fn sync_occupancy(collector: &Collector<'_>) -> Result<Exit, Failure> {
    collector.sync_projects().await?;
    let run = collector.sync_occupancy().await?;
    let channels: usize = run.snapshots.iter().map(|snapshot| snapshot.channels.len()).sum();
    let users: i64 = run.snapshots.iter().map(OccupancySnapshot::user_count).sum();
    let partial = run.snapshots.iter().filter(|snapshot| snapshot.incompleteness.is_some());
    let partial = partial.count();
    say_line(format_args!(
        "account {}: {} with {} and {}; {} incomplete, {} failed",
        collector.records.account,
        counted(run.snapshots.len() as u64, "snapshot"),
        counted(channels as u64, "channel"),
        counted(u64::try_from(users).unwrap_or(0), "user"),
        partial,
        run.failed.len()
    ));
    for (project_id, error) in &run.failed {
        note_line(format_args!("warning: project {project_id} has no snapshot: {error}"));
    }
    for project_id in &run.without_app_id {
        note_line(format_args!(
            "warning: project {project_id} has no App ID, so its channels cannot be read"
        ));
    }
    Ok(match (run.failed.is_empty(), run.snapshots.is_empty()) {
        (true, _) => Exit::Done,
        (false, true) => Exit::Failed,
        (false, false) => Exit::Partial,
    })
}
