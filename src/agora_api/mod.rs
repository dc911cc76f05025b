//! Client of Agora's Dashboard REST API.
//!
//! Owns everything between a typed question and a typed answer: addresses,
//! credentials, pacing, retries, bounds, and the shapes that the platform has
//! used over the years. Wire types stop here; the rest of the program speaks
//! [`crate::domain`]. Stores nothing and decides nothing about what to ask.
//!
//! [`client`] holds what all calls share, so that an endpoint is one short
//! file: [`projects`], [`project_changes`], [`certificates`], [`usage_v1`],
//! [`usage_v3`], [`kicking_rules`], [`channels`], [`channel_users`].
//!
//! Questions are asked again when that can help; changes are sent again only
//! when they certainly did not arrive, and a creation without an answer is
//! looked up in the list.
//!
//! Beside the platform it can tell an operator's [`webhook`] something, so that
//! every request of the program leaves through the bounds set here.

mod attempt;
pub mod certificates;
pub mod channel_users;
pub mod channels;
pub mod client;
pub mod error;
mod hidden;
mod http_client;
pub mod kicking_rules;
pub mod metering;
mod pacing;
pub mod project_changes;
pub mod projects;
#[cfg(test)]
mod properties;
mod usage_path;
pub mod usage_v1;
pub mod usage_v3;
pub mod webhook;
mod wire;

pub use client::{AgoraApi, ApiSettings, Family, Reply};
pub use error::{ApiError, ApiErrorKind};
pub use http_client::SharedClients;
pub use usage_path::usage_path;
