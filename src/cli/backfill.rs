//! `agora-usage backfill`: fetch the usage of a range of days.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{Days, NaiveDate};
use indicatif::{ProgressBar, ProgressStyle};
use tokio_util::sync::CancellationToken;

use super::check::DOUBLE_COUNT;
use super::failure::{Exit, Failure, told};
use super::lease::{lease, release, stop_on_interrupt};
use super::print::{say, say_line};
use super::summary::{counted, usage_run};
use crate::agora_api::AgoraApi;
use crate::cli::print::note_line;
use crate::collect::{CollectSettings, Collector, Progress, Records};
use crate::config::AccountSettings;
use crate::context::Context;
use crate::domain::period::parse_day;
use crate::domain::{DateRange, PeriodError, ProjectId, Service};
use crate::schedule::held_lease::USAGE_LEASE;
use crate::store::Store;

/// Arguments of `backfill`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Days that are final are not asked for again, so that the same command \
    resumes after a crash.\n\nExit codes: 0 every day is known; 3 some are not, and are listed.")]
pub(super) struct BackfillArguments {
    /// First UTC day, YYYY-MM-DD
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    from: NaiveDate,
    /// Last UTC day, included; days that are not over are left out
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    to: NaiveDate,
    /// Only this account of the settings [default: all]
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Only this project id; can be repeated
    #[arg(long, value_name = "ID")]
    project: Vec<String>,
    /// Only this service; can be repeated
    #[arg(long, value_name = "NAME", value_parser = parse_service)]
    service: Vec<Service>,
    /// Requests under way at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    workers: Option<u16>,
    /// Ask for final days too
    #[arg(long)]
    again: bool,
    /// Only say what would be asked
    #[arg(long)]
    dry_run: bool,
    /// Exit with 4 instead of waiting while another run works on the account
    #[arg(long)]
    no_wait: bool,
}

pub(super) fn parse_service(name: &str) -> Result<Service, String> {
    let known = Service::ALL.map(Service::name).join(", ");
    Service::from_name(name).ok_or_else(|| format!("the services are {known}"))
}

pub(super) async fn run(context: &Context, arguments: BackfillArguments) -> Result<Exit, Failure> {
    let range = past_range(&arguments, context.clock.today())?;
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
        let settings = narrowed(account, &arguments)?;
        let records = Records {
            store: &store,
            account: &account.account,
            clock: context.clock,
            settings: &settings,
        };
        warn_about_services(account);
        let ended = backfill(api, records, range, &arguments, &stop).await;
        // One account that fails does not stop the others.
        exit = exit.and(ended.unwrap_or_else(|failure| {
            failure.print();
            failure.exit
        }));
    }
    Store::close(store).await;
    Ok(exit)
}

/// The days of the range that are over.
fn past_range(arguments: &BackfillArguments, today: NaiveDate) -> Result<DateRange, Failure> {
    let range = DateRange::new(arguments.from, arguments.to)?;
    let yesterday = today.checked_sub_days(Days::new(1)).unwrap_or(today);
    DateRange::new(range.first(), range.last().min(yesterday)).map_err(|_: PeriodError| {
        Failure::new(Exit::Usage, format!("no day of {range} is over yet; today is {today} (UTC)"))
            .hint("usage is fetched for past days alone, since today's still moves")
    })
}

fn narrowed(
    account: &AccountSettings,
    arguments: &BackfillArguments,
) -> Result<CollectSettings, Failure> {
    let mut settings = account.collect.clone();
    for id in &arguments.project {
        let project_id = ProjectId::new(id).map_err(|error| {
            Failure::new(Exit::Usage, format!("'{id}' is no project id: {error}"))
        })?;
        settings.only_projects.insert(project_id);
    }
    if !arguments.service.is_empty() {
        settings.services.clone_from(&arguments.service);
    }
    if let Some(workers) = arguments.workers {
        settings.workers = usize::from(workers);
    }
    settings.policy.again = arguments.again;
    Ok(settings)
}

/// Tells of services whose usage may overlap.
pub(super) fn warn_about_services(account: &AccountSettings) {
    if account.may_count_recording_twice() {
        note_line(format_args!("warning: account {}: {DOUBLE_COUNT}", account.account));
    }
}

async fn backfill(
    api: &AgoraApi,
    records: Records<'_>,
    range: DateRange,
    arguments: &BackfillArguments,
    stop: &CancellationToken,
) -> Result<Exit, Failure> {
    let held = lease(records.store, records.account, USAGE_LEASE, records.clock, arguments.no_wait)
        .await?;
    let collector = Collector { api, records, lease: held.lease(), stop };
    let exit = fetch(&collector, range, arguments.dry_run).await;
    release(held).await;
    exit
}

async fn fetch(
    collector: &Collector<'_>,
    range: DateRange,
    dry_run: bool,
) -> Result<Exit, Failure> {
    collector.sync_projects().await?;
    if dry_run {
        let planned = collector.records.plan(range).await?;
        let days: i64 = planned.iter().map(|request| request.range.day_count()).sum();
        say_line(format_args!(
            "account {}, {range}: {} for {} of a project and service would be made{}",
            collector.records.account,
            counted(planned.len() as u64, "request"),
            counted(u64::try_from(days).unwrap_or(0), "day"),
            least_time(planned.len(), collector.api.requests_per_second()),
        ));
        return Ok(Exit::Done);
    }
    let planned = collector.plan(range).await?;
    let bar = bar();
    let run = collector.sync_usage(planned, &bar).await?;
    bar.clear();
    if run.stopped {
        note_line(format_args!(
            "stopped: what was answered is stored; the same command goes on from here"
        ));
    }
    let coverage = collector.records.coverage(range).await?;
    say(format_args!("{}", usage_run(collector.records.account, range, &run, &coverage)));
    Ok(if coverage.holes.is_empty() { Exit::Done } else { Exit::Partial })
}

/// ", in 12 s at the least", as the pace has it; nothing where calls are not paced.
fn least_time(requests: usize, requests_per_second: u32) -> String {
    let seconds = requests.div_ceil(requests_per_second.max(1) as usize);
    match (requests_per_second, seconds) {
        (0, _) => String::new(),
        (_, 0..120) => format!(", in {seconds} s at the least"),
        _ => format!(", in {} min at the least", seconds.div_ceil(60)),
    }
}

/// A progress bar on stderr; nothing where stderr is no terminal.
pub(super) struct Bar {
    bar: ProgressBar,
    planned: AtomicU64,
}

/// A new bar.
pub(super) fn bar() -> Bar {
    let bar =
        if std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    if let Ok(style) =
        ProgressStyle::with_template("{bar:30} {pos}/{len} requests, {per_sec}, {eta} left")
    {
        bar.set_style(style);
    }
    Bar { bar, planned: AtomicU64::new(0) }
}

impl Bar {
    /// Takes the bar off the screen.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for Bar {
    fn planned(&self, count: usize) {
        let planned = self.planned.fetch_add(count as u64, Ordering::Relaxed) + count as u64;
        self.bar.set_length(planned);
    }

    fn ended(&self) {
        self.bar.inc(1);
    }
}
