//! What operators see of a running daemon: health, status, metrics, alerts.
//!
//! Owns the HTTP side of the daemon ([`server`]), the numbers that it counts
//! ([`metrics`]) and reads ([`facts`]), and telling operators what they must
//! know ([`alerts`], [`watch`], [`ping`]); [`Observation`]
//! runs all of it beside the daemon. The host's [`service_manager`] is told
//! whether it lives, and [`probe`] asks it from another process. Looks and tells; it decides nothing
//! about what runs and changes no data but its own table `alert`. SQL is
//! [`crate::store`]'s, requests to the outside are [`crate::agora_api::webhook`]'s.
//!
//! What lasts longer than the process is read from the database, so that a
//! restart or a second daemon changes no figure: the time of the last success,
//! holes, leases, occupancy. What happened since the start is counted here.

pub mod alerts;
mod error;
mod exposition;
pub mod facts;
pub mod health;
pub mod metrics;
mod observation;
pub mod ping;
pub mod probe;
mod report_pages;
pub mod server;
pub mod service_manager;
pub mod state;
pub mod status;
#[cfg(test)]
mod testing;
pub mod watch;

pub use error::ObserveError;
pub use observation::{Observation, look_once};
pub use server::{AllowedHosts, Serving, serve};
pub use service_manager::ServiceManager;
pub use state::{ObserveState, WatchedAccount, WatchedJob};
