//! `agora-usage demo`: the whole product at work on simulated data.
//!
//! Real HTTP to a real server, a real PostgreSQL and real files. Settings of
//! the environment and of files are left aside, so that it never touches a
//! real account or database.

mod story;

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use chrono::Days;
use reqwest::Url;
use tokio_util::sync::CancellationToken;

use super::Common;
use super::backfill::bar;
use super::failure::{Exit, Failure};
use super::lease::{lease, release};
use super::print::say;
use super::simulator::until_stopped;
use crate::agora_api::{AgoraApi, ApiSettings};
use crate::cli::print::note_line;
use crate::clock::Clock;
use crate::collect::due::DuePolicy;
use crate::collect::{CollectSettings, Collector, Records};
use crate::context::clock;
use crate::domain::{AccountId, DateRange, Month, Service, UsageSource};
use crate::month_report::{self, Written};
use crate::rating::{PriceBook, PriceBooks};
use crate::report::{Format, ReportOptions, check_writable};
use crate::schedule::held_lease::USAGE_LEASE;
use crate::simulator::{Simulator, SimulatorSettings};
use crate::store::cluster::{ClusterSettings, default_data_folder};
use crate::store::{DatabaseAddress, Store};

/// Months of history that the demo fetches, the current one included.
const MONTHS: u32 = 12;

/// The simulator's limit and the pace below it: ten times the platform's, so
/// that a year arrives in seconds and the limit is still at work.
const LIMIT_PER_SECOND: u32 = 100;
const PACE_PER_SECOND: u32 = 90;

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Leaves aside settings files, DATABASE_URL and AGORA_*; the private \
    database of an earlier demo is emptied first.")]
pub(super) struct DemoArguments {
    /// Folder for the reports
    #[arg(long, value_name = "DIR", default_value = "demo-reports")]
    out: PathBuf,
    /// Folder for the demo's own database [default: in the user's data folder]
    #[arg(long, value_name = "DIR")]
    data_folder: Option<PathBuf>,
    /// The same seed gives the same data
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of projects, a deleted one included
    #[arg(long, default_value = "8", value_name = "N")]
    projects: NonZeroU32,
    /// Leave simulator and database up for exploring, until Ctrl-C
    #[arg(long)]
    keep_serving: bool,
}

/// What the demo has at hand.
struct Stage {
    simulator: Simulator,
    store: Store,
    data_folder: PathBuf,
    account: AccountId,
    clock: Clock,
    settings: CollectSettings,
}

pub(super) async fn run(common: &Common, arguments: DemoArguments) -> Result<Exit, Failure> {
    check_writable(&arguments.out)?;
    let clock = clock()?;
    let stage = set_up(common, &arguments, clock).await?;
    let story = play(&stage, &arguments).await?;
    say(format_args!("{}", story.text()));
    let exit = if story.has_gaps() { Exit::Partial } else { Exit::Done };
    if arguments.keep_serving {
        say(format_args!("{}", story::serving(&stage)));
        until_stopped().await?;
    }
    stage.store.close().await;
    stage.simulator.stop().await;
    Ok(exit)
}

async fn set_up(
    common: &Common,
    arguments: &DemoArguments,
    clock: Clock,
) -> Result<Stage, Failure> {
    let failed = |error: String| Failure::new(Exit::Failed, error);
    note_line(format_args!("demo: starting a simulator of the Dashboard API and a database"));
    let simulator = Simulator::start(SimulatorSettings {
        seed: arguments.seed,
        projects: arguments.projects.get() as usize,
        clock,
        requests_per_second: LIMIT_PER_SECOND,
        ..SimulatorSettings::default()
    })
    .await
    .map_err(|error| failed(error.to_string()))?;
    let data_folder =
        arguments.data_folder.clone().unwrap_or_else(|| default_data_folder().join("demo"));
    let address = match common.database_url() {
        Some(url) => DatabaseAddress::Given(url.into()),
        None => DatabaseAddress::Private(ClusterSettings {
            data_folder: data_folder.clone(),
            durable: true,
        }),
    };
    let store = match address {
        DatabaseAddress::Given(_) => Store::open(&address, 4).await?,
        DatabaseAddress::Private(_) => Store::open_empty(&address, 4).await?,
    };
    Ok(Stage {
        simulator,
        store,
        data_folder,
        account: AccountId::new("demo").map_err(|error| failed(error.to_string()))?,
        clock,
        settings: CollectSettings {
            source: UsageSource::V3,
            services: vec![Service::Rtc, Service::CloudRecording, Service::Miniapp],
            only_projects: std::collections::BTreeSet::new(),
            policy: DuePolicy { look_back_days: 7, api_history_months: MONTHS, again: false },
            workers: 8,
            page_size: 500,
        },
    })
}

/// Fetch a year, take snapshots, report two months.
async fn play(stage: &Stage, arguments: &DemoArguments) -> Result<story::Story, Failure> {
    let api = AgoraApi::new(api_settings(&stage.simulator)?)
        .map_err(|error| Failure::new(Exit::Failed, error))?;
    let records = Records {
        store: &stage.store,
        account: &stage.account,
        clock: stage.clock,
        settings: &stage.settings,
    };
    let held = lease(&stage.store, &stage.account, USAGE_LEASE, stage.clock, false).await?;
    let stop = CancellationToken::new();
    let collector = Collector { api: &api, records, lease: held.lease(), stop: &stop };
    collector.sync_projects().await?;
    let range = a_year(stage.clock)?;
    note_line(format_args!("demo: fetching {range} over HTTP, paced below the limit"));
    let planned = collector.plan(range).await?;
    let bar = bar();
    let usage = collector.sync_usage(planned, &bar).await?;
    bar.clear();
    note_line(format_args!("demo: taking snapshots of the live channels"));
    let occupancy = collector.sync_occupancy().await?;
    release(held).await;
    note_line(format_args!("demo: rating two months and writing their reports"));
    let current = Month::of(stage.clock.today());
    let last_full = write(&records, current.previous(), arguments).await?;
    let to_date = write(&records, current, arguments).await?;
    Ok(story::Story {
        range,
        usage,
        occupancy,
        last_full,
        to_date,
        out: arguments.out.clone(),
        data_folder: stage.data_folder.clone(),
    })
}

fn api_settings(simulator: &Simulator) -> Result<ApiSettings, Failure> {
    let url = Url::parse(&simulator.base_url())
        .map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
    Ok(ApiSettings {
        hosts: vec![url],
        customer_id: simulator.customer_id().to_owned(),
        customer_secret: simulator.customer_secret().into(),
        requests_per_second: PACE_PER_SECOND,
        statistics_requests_per_second: 18,
        request_timeout: Duration::from_secs(30),
        attempts_per_host: 4,
        first_retry_wait: Duration::from_secs(1),
        retry_after_cap: Duration::from_mins(2),
        max_body_bytes: 64 * 1024 * 1024,
        authorities: crate::authorities::Authorities::default(),
    })
}

/// The last twelve calendar months up to yesterday.
fn a_year(clock: Clock) -> Result<DateRange, Failure> {
    let today = clock.today();
    let first = (1..MONTHS).fold(Month::of(today), |month, _| month.previous()).first_day();
    let yesterday = today.checked_sub_days(Days::new(1)).unwrap_or(today);
    Ok(DateRange::new(first, yesterday)?)
}

async fn write(
    records: &Records<'_>,
    month: Month,
    arguments: &DemoArguments,
) -> Result<Written, Failure> {
    let options = ReportOptions {
        formats: Format::all().collect(),
        breakdowns: Vec::new(),
        out: arguments.out.clone(),
        byte_order_mark: false,
        raw: false,
        generated_at: records.clock.now(),
    };
    let book = PriceBook::embedded("tiered")
        .ok_or_else(|| Failure::new(Exit::Failed, "the tiered price book is not built in"))?
        .map_err(crate::config::ConfigError::from)?;
    let books =
        PriceBooks::new(records.account, vec![book]).map_err(crate::config::ConfigError::from)?;
    Ok(month_report::write(records, &books, month, &options).await?)
}
