//! A server that answers like Agora's Dashboard REST API, for those without an account.
//!
//! Owns an invented account: its projects, their usage and live channels,
//! rules, the credentials and the limits on requests. Everything follows from
//! a seed and the clock, in integers, so that two machines give the same
//! bodies. It stands behind HTTP: the rest of the program meets it at its
//! address only, which is why it shares no wire type with the client. What
//! both read wrong in the same way would otherwise look right.
//!
//! It keeps nothing: a restart with the same seed in the same month tells the
//! same past, without what callers changed.
//!
//! `server` listens, `routes` checks and routes, each file of `endpoints`
//! answers one path, `years` says how the API's years differ and `faults` what
//! goes wrong on demand. `state` holds the account: `cast` who the projects
//! are, `registry` what callers change about them, `habits`, `usage` and
//! `corrections` what they use, `channels` and `users` who is live, `rules` who
//! is banned, `limits` how often one may ask. `admin` steers all of it.

mod admin;
mod answer;
mod asked;
mod cast;
mod channels;
mod connection;
mod corrections;
mod crowd;
mod draw;
mod endpoints;
mod family;
mod faults;
mod habits;
mod limits;
mod registry;
mod request_log;
mod routes;
mod rules;
mod server;
mod state;
#[cfg(test)]
mod testing;
mod usage;
mod users;
mod years;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::clock::Clock;

pub use faults::{FaultError, FaultSpec};
pub use server::Simulator;
pub use years::{ApiYear, ApiYearError};

/// What the simulated account looks like and how it is served.
#[derive(Debug, Clone)]
pub struct SimulatorSettings {
    /// Decides ids, credentials, usage and channels.
    pub seed: u64,
    /// Number of accounts, each with a seed of its own; at least one.
    pub accounts: u32,
    /// Number of projects of an account, deleted ones included; with 8 or more all oddities are there.
    pub projects: usize,
    /// Length of the history before the day of the start.
    pub days: u32,
    /// The time of the account.
    pub clock: Clock,
    /// Address of this machine to listen on; the loopback one keeps others out.
    pub listen: IpAddr,
    /// Port on that address; 0 takes any free one.
    pub port: u16,
    /// Limit of each of the families projects, usage and kicking rules; 0 for none.
    pub requests_per_second: u32,
    /// Limit of each online-statistics call; 0 for none.
    pub statistics_requests_per_second: u32,
    /// Whose shapes, status codes and spellings the answers have.
    pub api_year: ApiYear,
    /// What goes wrong from the start on.
    pub faults: Vec<FaultSpec>,
    /// Live channels of the first project at any time; its own rhythm without.
    pub channels: Option<u32>,
    /// Whether some days are told late and some are corrected later.
    pub late_days: bool,
}

impl Default for SimulatorSettings {
    /// One account, eight projects, 400 days, the documented limits, the present API and no faults.
    fn default() -> Self {
        Self {
            seed: 1,
            accounts: 1,
            projects: 8,
            days: 400,
            clock: Clock::default(),
            listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            requests_per_second: 10,
            statistics_requests_per_second: 20,
            api_year: ApiYear::default(),
            faults: Vec::new(),
            channels: None,
            late_days: false,
        }
    }
}

/// Why the simulator does not start.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// The address is taken or not allowed.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The history would begin before the first day of the calendar.
    #[error("a history of {days} days is too long")]
    History {
        /// The length asked for.
        days: u32,
    },
}
