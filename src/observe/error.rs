//! What can go wrong before a daemon can be seen from outside.

use crate::collect::CollectError;
use std::io;
use std::net::SocketAddr;

/// Why the daemon cannot be observed.
#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    /// The address cannot be had.
    #[error("{address} cannot be listened on: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// No client for messages.
    #[error("operators cannot be told: {0}")]
    Client(String),
    /// Another part of the process collects the metrics already.
    #[error("the metrics cannot be collected: {0}")]
    Metrics(String),
    /// The facts cannot be read, or an event not be kept.
    #[error(transparent)]
    Look(#[from] CollectError),
}
