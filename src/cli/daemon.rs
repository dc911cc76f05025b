//! `agora-usage daemon`: run every job at its time, until it is stopped.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::Common;
use super::failure::{Exit, Failure};
use super::simulator::until_stopped;
use crate::agora_api::AgoraApi;
use crate::config::{AccountSettings, ConfigError, Settings};
use crate::context::Context;
use crate::lake::{Lake, LakeError, LakeUrl};
use crate::observe::{Observation, ServiceManager, WatchedJob, look_once};
use crate::schedule::daemon::{Assignment, Daemon};
use crate::schedule::held_lease::holder_name;
use crate::schedule::jobs::LakeWork;
use crate::schedule::runner::{AccountAtWork, Workplace};
use crate::schedule::slots::Schedule;
use crate::store::{Store, StoreError, projects};

/// Arguments of `daemon`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "SIGTERM and Ctrl-C end it: what is under way finishes or rolls back. SIGHUP \
    reads settings and secrets again; if they cannot be used, the last good ones stay."
)]
pub(super) struct DaemonArguments {
    /// Make up for what was missed, then end
    #[arg(long)]
    once: bool,
    /// Seconds that runs under way have to finish when it is stopped
    #[arg(long, value_name = "N", default_value_t = 20)]
    grace_seconds: u64,
}

pub(super) async fn run(common: &Common, arguments: DaemonArguments) -> Result<Exit, Failure> {
    let context = common.context()?;
    let Assigned { assignment, left_out } = assignment(&context)?;
    let store = Store::open(&context.settings.database, connections(&context.settings)).await?;
    let workplace = Workplace { store, clock: context.clock, holder: holder_name() };
    tell_left_out(&workplace, left_out).await?;
    let daemon = Daemon::new(workplace, assignment, &context.settings.schedule)
        .map_err(|error| Failure::new(Exit::Configuration, error))?;
    let grace = Duration::from_secs(arguments.grace_seconds);
    let in_time = if arguments.once {
        tokio::select! {
            looked = run_and_look(&context, &daemon) => looked?,
            stopped = until_stopped() => stopped?,
        }
        daemon.shut_down(grace).await
    } else {
        serve(common, &context, &daemon, grace).await?
    };
    close(daemon).await;
    if in_time {
        Ok(Exit::Done)
    } else {
        let message = format!(
            "runs were cut off after {} s; they are made up at the next start",
            grace.as_secs()
        );
        Err(Failure::new(Exit::Failed, message).hint("give more time with --grace-seconds"))
    }
}

/// Connections for leases, health and one account.
const LEAST_CONNECTIONS: u32 = 10;

/// Most connections: a server takes 100 by default, and others want some too.
const MOST_CONNECTIONS: u32 = 40;

/// Connections to the database: more for more accounts at once, within a bound.
/// A job waits for one only while it reads or writes, so that there are fewer than jobs.
fn connections(settings: &Settings) -> u32 {
    let at_once = settings.accounts_at_once.min(settings.accounts.len().saturating_sub(1));
    let wanted = LEAST_CONNECTIONS.saturating_add(u32::try_from(at_once).unwrap_or(u32::MAX));
    wanted.min(MOST_CONNECTIONS)
}

async fn serve(
    common: &Common,
    context: &Context,
    daemon: &Arc<Daemon>,
    grace: Duration,
) -> Result<bool, Failure> {
    let failed = |error: String| Failure::new(Exit::Failed, error);
    let observation = observe(context, daemon).await?;
    let mut ticker = daemon.start().await.map_err(|error| failed(error.to_string()))?;
    let mut hang_up =
        signal(SignalKind::hangup()).map_err(|error| failed(format!("no signals: {error}")))?;
    let manager = ServiceManager::of_this_process();
    let status = format!("listening on {}", observation.address());
    manager.ready(&status);
    tracing::info!("daemon started");
    // Made once: a signal that comes while settings are read is not lost.
    let mut stop_signal = std::pin::pin!(until_stopped());
    loop {
        tokio::select! {
            stopped = stop_signal.as_mut() => {
                stopped?;
                break;
            }
            _ = hang_up.recv() => {
                manager.reloading();
                reload(common, context, daemon, &observation).await;
                manager.ready(&status);
            }
            () = time_to_tell(&manager) => manager.alive(),
        }
    }
    manager.stopping();
    tracing::info!("stopping");
    if let Err(error) = ticker.shutdown().await {
        tracing::warn!(%error, "the ticker did not stop");
    }
    let in_time = daemon.shut_down(grace).await;
    observation.stop().await;
    Ok(in_time)
}

/// Waits until the service manager wants to hear that the daemon is alive; for
/// ever without one. From the loop that takes signals, so that one that is stuck
/// tells nothing.
async fn time_to_tell(manager: &ServiceManager) {
    match manager.alive_every() {
        Some(every) => tokio::time::sleep(every).await,
        None => std::future::pending().await,
    }
}

/// Everything that is due, and then a look at what operators must know.
async fn run_and_look(context: &Context, daemon: &Arc<Daemon>) -> Result<(), Failure> {
    daemon.run_what_is_due().await;
    let (workplace, jobs) = (Arc::clone(daemon.workplace()), watched_jobs(daemon));
    Ok(look_once(workplace, jobs, &context.settings, daemon.stopping()).await?)
}

fn watched_jobs(daemon: &Daemon) -> Vec<WatchedJob> {
    let job = |(name, schedule): (_, &Schedule)| WatchedJob { name, schedule: schedule.clone() };
    daemon.schedules().map(job).collect()
}

async fn observe(context: &Context, daemon: &Arc<Daemon>) -> Result<Observation, Failure> {
    let (workplace, jobs) = (Arc::clone(daemon.workplace()), watched_jobs(daemon));
    Ok(Observation::start(workplace, jobs, &context.settings, daemon.stopping()).await?)
}

/// Takes new settings for all later runs; keeps the last good ones on an error.
async fn reload(common: &Common, started: &Context, daemon: &Daemon, observation: &Observation) {
    let taken = common.context().map_err(Failure::from).and_then(|context| {
        let assigned = assignment(&context)?;
        observation.reassign(&context.settings)?;
        Ok((context, assigned))
    });
    let (context, Assigned { assignment, left_out }) = match taken {
        Ok(taken) => taken,
        Err(failure) => {
            tracing::error!("the new settings cannot be used, the last good ones stay");
            return failure.print();
        }
    };
    daemon.reassign(assignment);
    for key in started.settings.changed_for_a_restart(&context.settings) {
        tracing::warn!(key, "changed, and needs a restart to hold");
    }
    if let Err(error) = tell_left_out(daemon.workplace(), left_out).await {
        tracing::warn!(%error, "accounts that are left out cannot be watched");
    }
    tracing::info!("settings read again");
}

/// What the daemon works on, and the accounts that it cannot work on.
struct Assigned {
    assignment: Assignment,
    left_out: Vec<ConfigError>,
}

fn assignment(context: &Context) -> Result<Assigned, Failure> {
    let settings = &context.settings;
    let (clients, left_out) = context.apis(&settings.accounts)?;
    let at_work = |(account, api): (&AccountSettings, AgoraApi)| {
        Ok(Arc::new(AccountAtWork {
            settings: account.clone(),
            api,
            books: account.price_books()?,
        }))
    };
    let accounts: Vec<_> = clients.into_iter().map(at_work).collect::<Result<_, ConfigError>>()?;
    let lake = settings.lake_url.as_ref().map(|url| lake_work(settings, url, &accounts));
    let assignment = Assignment {
        report_folder: Arc::from(settings.report_folder.as_path()),
        lake: lake.transpose()?,
        accounts_at_once: settings.accounts_at_once,
        accounts,
    };
    Ok(Assigned { assignment, left_out })
}

/// Tells of accounts that cannot be worked on. They are known to the database all the
/// same, so that their jobs are seen to be late.
async fn tell_left_out(
    workplace: &Workplace,
    left_out: Vec<ConfigError>,
) -> Result<(), StoreError> {
    for error in left_out {
        tracing::error!(%error, "an account is left out until settings are read again");
        if let ConfigError::NoCredentials { account, .. } | ConfigError::NoSecret { account, .. } =
            &error
        {
            let now = workplace.clock.now();
            projects::ensure_account(workplace.store.pool(), account, now).await?;
        }
    }
    Ok(())
}

/// The lake as the job takes it. One that is set up wrongly is refused; a folder that
/// cannot be made now may be there when the job runs, and must not end all collecting.
fn lake_work(
    settings: &Settings,
    url: &LakeUrl,
    accounts: &[Arc<AccountAtWork>],
) -> Result<Arc<LakeWork>, Failure> {
    let authorities = &settings.authorities;
    match Lake::open(url, authorities) {
        Err(error @ LakeError::Folder { .. }) => {
            tracing::warn!(%error, "the job 'lake' fails until it can be");
        }
        opened => drop(opened?),
    }
    let accounts = accounts.iter().map(|account| account.settings.account.clone());
    Ok(Arc::new(LakeWork {
        url: url.clone(),
        authorities: authorities.clone(),
        accounts: accounts.collect(),
    }))
}

/// Closes the database once no run uses it any more.
async fn close(daemon: Arc<Daemon>) {
    daemon.workplace().store.pool().close().await;
}
