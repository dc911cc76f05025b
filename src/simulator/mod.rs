//! A server that answers like Agora's Dashboard REST API, for those without an account.
//!
//! Owns an invented account: its projects, their usage and live channels, the
//! credentials and the limits on requests. Everything follows from a seed and
//! the clock, in integers, so that two machines give the same bodies. It
//! stands behind HTTP: the rest of the program meets it at its address only,
//! which is why it shares no wire type with the client. What both read wrong
//! in the same way would otherwise look right.
//!
//! It keeps nothing: a restart with the same seed in the same month tells the
//! same past. Faults and the older years of the API are not its matter yet.
//!
//! `server` listens and routes, each file of `endpoints` answers one path,
//! `state` says what exists and what may be asked, `cast` who the projects are,
//! `habits` and `usage` what they use, `channels` who is live, and `limits` how
//! often one may ask.

mod answer;
mod cast;
mod channels;
mod draw;
mod endpoints;
mod habits;
mod limits;
mod server;
mod state;
#[cfg(test)]
mod testing;
mod usage;

use std::io;

use crate::clock::Clock;

pub use server::Simulator;

/// What the simulated account looks like and how it is served.
#[derive(Debug, Clone)]
pub struct SimulatorSettings {
    /// Decides ids, credentials, usage and channels.
    pub seed: u64,
    /// Number of projects, deleted ones included; with 8 or more all oddities are there.
    pub projects: usize,
    /// Length of the history before the day of the start.
    pub days: u32,
    /// The time of the account.
    pub clock: Clock,
    /// Port on the loopback address; 0 takes any free one.
    pub port: u16,
    /// Limit of each of the families projects and usage; 0 for none.
    pub requests_per_second: u32,
    /// Limit of each online-statistics call; 0 for none.
    pub statistics_requests_per_second: u32,
}

impl Default for SimulatorSettings {
    /// Eight projects, 400 days and the documented limits.
    fn default() -> Self {
        Self {
            seed: 1,
            projects: 8,
            days: 400,
            clock: Clock::default(),
            port: 0,
            requests_per_second: 10,
            statistics_requests_per_second: 20,
        }
    }
}

/// Why the simulator does not start.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// The port is taken or not allowed.
    #[error("cannot listen on 127.0.0.1:{port}: {source}")]
    Listen {
        /// The port asked for.
        port: u16,
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
