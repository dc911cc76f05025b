//! agora-usage
pub mod agora_api;
pub mod cli;
pub mod clock;
pub mod collect;
pub mod config;
pub mod context;
pub mod domain;
pub mod rating;
pub mod report;
pub mod simulator;
pub mod store;
