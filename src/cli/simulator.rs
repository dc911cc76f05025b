//! `agora-usage simulator`: serve the Dashboard API with simulated data.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use tokio::signal::unix::{SignalKind, signal};

use super::failure::{Exit, Failure};
use super::print::say_line;
use crate::cli::print::note_line;
use crate::context::clock;
use crate::simulator::{ApiYear, FaultSpec, Simulator, SimulatorError, SimulatorSettings};

/// Arguments of `simulator`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(super) struct SimulatorArguments {
    /// Address to listen on; 0.0.0.0 lets other machines in
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    listen: IpAddr,
    /// Port on that address; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The same seed gives the same data and the same faults
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of accounts, each with credentials, data and limits of its own
    #[arg(long, default_value_t = 1, value_name = "N", requires = "accounts_file",
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    accounts: u32,
    /// CSV file to write with the name and credentials of each, as the settings can read it
    #[arg(long, value_name = "FILE")]
    accounts_file: Option<PathBuf>,
    /// Number of projects of an account, a deleted one included
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    projects: u32,
    /// Days of history before today
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
    /// Live channels of the first project at any time, in place of its rhythm
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    channels: Option<u32>,
    /// Answer as the API did in that year: keys, spellings, status codes, error bodies
    #[arg(long, default_value = "2026", value_name = "YEAR", value_parser = api_years())]
    api_year: ApiYear,
    /// Tell some days late, rising for 1 to 3 days, and correct some after a week
    #[arg(long)]
    late_days: bool,
    /// Let something go wrong, KIND[=VALUE][@AIM][%RATE][*COUNT]; can be repeated
    #[arg(long = "fault", value_name = "SPEC")]
    faults: Vec<FaultSpec>,
    /// Limit of project, of usage and of rule calls; 0: none
    #[arg(long, default_value_t = 10, value_name = "N")]
    requests_per_second: u32,
    /// Limit of each kind of channel call; 0: none
    #[arg(long, default_value_t = 20, value_name = "N")]
    statistics_requests_per_second: u32,
}

const HELP: &str = "\
Prints AGORA_BASE_URL=, AGORA_CUSTOMER_ID= and AGORA_CUSTOMER_SECRET=, a line each, quoted for a \
shell, and serves until it is stopped.

Faults: KIND[=VALUE][@AIM][%RATE][*COUNT], such as status=500@usage%10 or retry-after=2@projects*3
  in place of an answer   status=CODE, retry-after=SECONDS|date+N|TEXT, redirect=URL, html,
                          error-with-200
  the connection          latency-ms=N, slow-body-ms=N, cut-body[=BYTES], refuse,
                          no-answer[=close] (a change is made and not answered)
  the body                content-type=TYPE, gzip, numbers-as-strings, duplicate-rows,
                          missing-rows, no-rows, stuck-pages, drift[=CHANNELS]
  AIM                     projects, usage, kicking-rules, channels, users, roles, co-hosts, or the
                          beginning of a path; a method alone or in front (POST:projects)
  RATE, COUNT             per cent of those requests, from the seed; how often at most

While it runs, without credentials:
  POST   /simulator/faults        {\"faults\": [\"SPEC\", ...]} replaces the faults; GET shows them
  GET    /simulator/requests      the latest requests; DELETE forgets them
  POST   /simulator/clock         {\"now\": \"2031-05-08T12:00:00Z\"}
  POST   /simulator/restatements  {\"project\": \"ID\", \"day\": \"YYYY-MM-DD\", \"percent\": 150}";

fn api_years() -> impl TypedValueParser<Value = ApiYear> {
    PossibleValuesParser::new(ApiYear::ALL.map(ApiYear::name))
        .try_map(|year| year.parse::<ApiYear>())
}

pub(super) async fn run(arguments: SimulatorArguments) -> Result<Exit, Failure> {
    let settings = SimulatorSettings {
        seed: arguments.seed,
        accounts: arguments.accounts,
        projects: arguments.projects as usize,
        days: arguments.days,
        clock: clock()?,
        listen: arguments.listen,
        port: arguments.port,
        requests_per_second: arguments.requests_per_second,
        statistics_requests_per_second: arguments.statistics_requests_per_second,
        api_year: arguments.api_year,
        faults: arguments.faults,
        channels: arguments.channels,
        late_days: arguments.late_days,
    };
    let simulator = Simulator::start(settings).await.map_err(|error| {
        let failure = Failure::new(Exit::Failed, error.to_string());
        match error {
            SimulatorError::Listen { .. } => {
                failure.hint("choose another --port, or leave it out for a free one")
            }
            SimulatorError::History { .. } => failure,
        }
    })?;
    if let Some(path) = &arguments.accounts_file {
        write_accounts(&simulator, path)?;
    }
    say_line(format_args!("AGORA_BASE_URL='{}'", simulator.base_url()));
    say_line(format_args!("AGORA_CUSTOMER_ID='{}'", simulator.customer_id()));
    say_line(format_args!("AGORA_CUSTOMER_SECRET='{}'", simulator.customer_secret()));
    note_line(format_args!("simulator: serving until stopped (Ctrl-C)"));
    until_stopped().await?;
    simulator.stop().await;
    Ok(Exit::Done)
}

/// Writes the credentials of all accounts, for the owner's eyes alone.
fn write_accounts(simulator: &Simulator, path: &Path) -> Result<(), Failure> {
    let mut text = "name,customer_id,customer_secret\n".to_owned();
    for (number, (id, secret)) in (1..).zip(simulator.credentials()) {
        let _ = writeln!(text, "account-{number:05},{id},{secret}");
    }
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| {
        Failure::new(Exit::Failed, format!("{} cannot be written: {error}", path.display()))
    })
}

/// Waits for SIGINT or SIGTERM.
pub(super) async fn until_stopped() -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(Exit::Failed, format!("signals cannot be received: {error}"))
    };
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
