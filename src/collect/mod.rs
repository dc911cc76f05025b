//! From what is due to what is stored: the jobs that ask the platform.
//!
//! Owns the decision which days to ask for ([`due`], pure), the requests that
//! cover them ([`plan`]), and the runs that fetch answers and hand them to
//! [`crate::store`]. Knows neither HTTP nor SQL, and rates nothing.

pub mod calendar;
pub mod discover;
pub mod due;
pub mod error;
pub mod holes;
pub mod occupancy;
pub mod plan;
pub mod projects;
pub mod usage;

use std::collections::BTreeSet;

pub use error::CollectError;

use tokio_util::sync::CancellationToken;

use crate::agora_api::AgoraApi;
use crate::clock::Clock;
use crate::domain::{AccountId, ProjectId, Service, UsageSource};
use crate::store::Store;
use crate::store::leases::Lease;
use due::DuePolicy;

/// What is stored of one account, and what its settings ask for.
#[derive(Debug, Clone, Copy)]
pub struct Records<'a> {
    /// The database.
    pub store: &'a Store,
    /// The account.
    pub account: &'a AccountId,
    /// The time of day.
    pub clock: Clock,
    /// What to ask for and how.
    pub settings: &'a CollectSettings,
}

/// What every job of one account works with.
#[derive(Debug, Clone, Copy)]
pub struct Collector<'a> {
    /// Client of the account.
    pub api: &'a AgoraApi,
    /// What is stored.
    pub records: Records<'a>,
    /// Leave to work, checked by every writing transaction.
    pub lease: &'a Lease,
    /// Asks the job to end after what is under way.
    pub stop: &'a CancellationToken,
}

/// What to ask for and how.
#[derive(Debug, Clone)]
pub struct CollectSettings {
    /// Usage endpoint.
    pub source: UsageSource,
    /// Services to ask for; v1 knows `rtc` alone.
    pub services: Vec<Service>,
    /// Only these projects; all when empty.
    pub only_projects: BTreeSet<ProjectId>,
    /// When a day is asked for again, and how far back the platform answers.
    pub policy: DuePolicy,
    /// Requests under way at once, at least 1.
    pub workers: usize,
    /// Channels a page, 1 to 500.
    pub page_size: u32,
}

impl CollectSettings {
    /// The services that the endpoint can answer for.
    #[must_use]
    pub fn askable_services(&self) -> Vec<Service> {
        let askable = |service: &Service| match self.source {
            UsageSource::V1 => *service == Service::Rtc,
            UsageSource::V3 => true,
        };
        self.services.iter().copied().filter(askable).collect()
    }
}

/// Told how a run gets on; the command line draws a bar from it.
pub trait Progress: Sync {
    /// `count` more requests are planned.
    fn planned(&self, count: usize);
    /// One request has ended, for good or ill.
    fn ended(&self);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn planned(&self, _count: usize) {}
    fn ended(&self) {}
}
