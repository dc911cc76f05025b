//! Client of Agora's Dashboard REST API.
//!
//! Owns everything between a typed question and a typed answer: addresses,
//! credentials, pacing, retries, bounds, and the shapes that the platform has
//! used over the years. Wire types stop here; the rest of the program speaks
//! [`crate::domain`]. Stores nothing and decides nothing about what to ask.
//!
//! [`client`] holds what all calls share, so that an endpoint is one short
//! file: [`projects`], [`usage_v1`], [`usage_v3`], [`channels`].

pub mod channels;
pub mod client;
pub mod error;
mod pacing;
pub mod projects;
pub mod usage_v1;
pub mod usage_v3;
mod wire;

pub use client::{AgoraApi, ApiSettings, Family, Reply};
pub use error::{ApiError, ApiErrorKind};
