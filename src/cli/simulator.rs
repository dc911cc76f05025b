//! `agora-usage simulator`: serve the Dashboard API with simulated data.

use tokio::signal::unix::{SignalKind, signal};

use super::failure::{Exit, Failure};
use super::print::say_line;
use crate::context::clock;
use crate::simulator::{Simulator, SimulatorSettings};

/// Arguments of `simulator`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Prints AGORA_BASE_URL=, AGORA_CUSTOMER_ID= and AGORA_CUSTOMER_SECRET=, \
    a line each, quoted for a shell, and serves until it is stopped.")]
pub(super) struct SimulatorArguments {
    /// Port on this machine; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The same seed gives the same data
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of projects, a deleted one included
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    projects: u32,
    /// Days of history before today
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
    /// Limit of project and of usage calls; 0: none
    #[arg(long, default_value_t = 10, value_name = "N")]
    requests_per_second: u32,
    /// Limit of channel calls; 0: none
    #[arg(long, default_value_t = 20, value_name = "N")]
    statistics_requests_per_second: u32,
}

pub(super) async fn run(arguments: SimulatorArguments) -> Result<Exit, Failure> {
    let settings = SimulatorSettings {
        seed: arguments.seed,
        projects: arguments.projects as usize,
        days: arguments.days,
        clock: clock()?,
        port: arguments.port,
        requests_per_second: arguments.requests_per_second,
        statistics_requests_per_second: arguments.statistics_requests_per_second,
    };
    let simulator = Simulator::start(settings)
        .await
        .map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
    say_line(format_args!("AGORA_BASE_URL='{}'", simulator.base_url()));
    say_line(format_args!("AGORA_CUSTOMER_ID='{}'", simulator.customer_id()));
    say_line(format_args!("AGORA_CUSTOMER_SECRET='{}'", simulator.customer_secret()));
    eprintln!("simulator: serving until stopped (Ctrl-C)");
    until_stopped().await?;
    simulator.stop().await;
    Ok(Exit::Done)
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
