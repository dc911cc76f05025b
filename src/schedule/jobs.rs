//! The list of jobs: name, schedule, why. A new job is one file below and one line here.

mod audit;
mod lake;
mod month_end;
mod occupancy;
mod outlook;
mod projects;
mod reports;
mod roll_up;
mod usage;

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;

use super::held_lease::{STATISTICS_LEASE, USAGE_LEASE};
use crate::account_outlook::{OutlookError, OutlookSettings};
use crate::agora_api::ApiErrorKind;
use crate::authorities::Authorities;
use crate::collect::{CollectError, Collector};
use crate::domain::AccountId;
use crate::lake::{LakeError, LakeUrl};
use crate::month_report::MonthReportError;
use crate::rating::PriceBooks;
use crate::store::StoreError;

/// A job that the daemon runs for every account.
#[derive(Clone, Copy)]
pub struct JobDefinition {
    /// Name in settings, logs, tables and metrics.
    pub name: &'static str,
    /// Default schedule: second, minute, hour, day, month, weekday; UTC.
    pub schedule: &'static str,
    /// Why it exists, in one sentence.
    pub why: &'static str,
    /// Lease under which it runs.
    pub lease: &'static str,
    /// Longest random delay after the scheduled time, in seconds, so that accounts spread out.
    pub jitter_seconds: u64,
    /// What it does.
    pub run: JobFunction,
}

/// Name of the job that only runs where there is a lake.
pub const LAKE_JOB: &str = "lake";

type JobFunction = for<'a> fn(&'a JobContext<'a>) -> BoxFuture<'a, Result<JobOutcome, JobError>>;

/// Every job of the daemon.
pub const JOBS: &[JobDefinition] = &[
    JobDefinition {
        name: "projects",
        schedule: "0 5 * * * *",
        why: "New, renamed and deleted projects are known within the hour.",
        lease: USAGE_LEASE,
        jitter_seconds: 20,
        run: projects::run,
    },
    JobDefinition {
        name: "usage",
        schedule: "0 15 2,8,14,20 * * *",
        why: "Yesterday arrives in the morning, late corrections within six hours.",
        lease: USAGE_LEASE,
        jitter_seconds: 60,
        run: usage::run,
    },
    JobDefinition {
        name: "occupancy",
        schedule: "0 * * * * *",
        why: "Live channels are cached by the platform for a minute; more often would see nothing new.",
        lease: STATISTICS_LEASE,
        jitter_seconds: 0,
        run: occupancy::run,
    },
    JobDefinition {
        name: "roll_up",
        schedule: "0 3 * * * *",
        why: "Hours of occupancy are ready when they are over, and old channels make room.",
        lease: "roll_up",
        jitter_seconds: 30,
        run: roll_up::run,
    },
    JobDefinition {
        name: "audit",
        schedule: "0 40 4 * * *",
        why: "One final day a day is asked again, so that a late correction does not stay unseen.",
        lease: USAGE_LEASE,
        jitter_seconds: 60,
        run: audit::run,
    },
    JobDefinition {
        name: "month_end",
        schedule: "0 30 3 1 * *",
        why: "The whole previous month is asked again before anyone closes it.",
        lease: USAGE_LEASE,
        jitter_seconds: 60,
        run: month_end::run,
    },
    JobDefinition {
        name: "outlook",
        schedule: "0 45 2,8,14,20 * * *",
        why: "Budgets, free minutes and odd days are looked at when new usage is in.",
        lease: "outlook",
        jitter_seconds: 60,
        run: outlook::run,
    },
    JobDefinition {
        name: "month_to_date",
        schedule: "0 0 5 * * *",
        why: "The reports of the current month are fresh every morning.",
        lease: "reports",
        jitter_seconds: 60,
        run: reports::month_to_date,
    },
    JobDefinition {
        name: "previous_month",
        schedule: "0 20 5 1-10 * *",
        why: "The reports of the previous month are made again while its last days may still move.",
        lease: "reports",
        jitter_seconds: 60,
        run: reports::previous_month,
    },
    JobDefinition {
        name: LAKE_JOB,
        schedule: "0 40 5 * * *",
        why: "What is new goes to the lake, and days of channels that are there may leave the database.",
        lease: "lake",
        jitter_seconds: 60,
        run: lake::run,
    },
];

/// What a job works with.
#[derive(Debug)]
pub struct JobContext<'a> {
    /// Client, database, settings and leave to work.
    pub collector: Collector<'a>,
    /// Budgets, and how odd a day must be.
    pub outlook: &'a OutlookSettings,
    /// Price books of the account.
    pub books: &'a PriceBooks,
    /// Folder that reports are written into.
    pub report_folder: &'a Path,
    /// Days for which channels are kept, whole UTC days before today.
    pub channel_retention_days: u32,
    /// Whether channels are kept until the lake holds them.
    pub occupancy_archive: bool,
    /// Where history goes, if anywhere.
    pub lake: Option<&'a LakeWork>,
    /// Scheduled time of this run.
    pub slot: DateTime<Utc>,
}

/// The lake, and who works on it.
///
/// Each run opens it anew: a volume that is not mounted must fail this job alone.
#[derive(Debug)]
pub struct LakeWork {
    /// Where history goes.
    pub url: LakeUrl,
    /// Whom its object store is trusted by, besides the machine's authorities.
    pub authorities: Authorities,
    /// Every account of the settings: the first of each bucket does its work.
    pub accounts: Vec<AccountId>,
}

/// What a job did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobOutcome {
    /// Numbers by name, for the log and the table.
    pub figures: BTreeMap<&'static str, i64>,
    /// What is missing, in words; none when everything is done.
    pub partial: Option<String>,
}

impl JobOutcome {
    /// Adds a figure.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl TryInto<i64>) -> Self {
        self.figures.insert(name, value.try_into().unwrap_or(i64::MAX));
        self
    }
}

/// Why a job failed.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The platform or the database failed.
    #[error(transparent)]
    Collect(#[from] CollectError),
    /// A report could not be made.
    #[error(transparent)]
    Report(#[from] MonthReportError),
    /// The month could not be foretold.
    #[error(transparent)]
    Outlook(#[from] OutlookError),
    /// The lake could not be written or read.
    #[error(transparent)]
    Lake(#[from] LakeError),
}

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        Self::Collect(error.into())
    }
}

impl JobError {
    /// Whether the credentials were refused, which only a person can mend.
    #[must_use]
    pub fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Collect(CollectError::Api(error)) if error.kind == ApiErrorKind::Unauthorized)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::slots::Schedule;

    #[test]
    fn every_job_has_a_valid_schedule_and_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> = JOBS.iter().map(|job| job.name).collect();
        assert_eq!(names.len(), JOBS.len());
        for job in JOBS {
            assert!(job.schedule.parse::<Schedule>().is_ok(), "{}", job.name);
            assert!(job.why.ends_with('.'), "{}", job.name);
        }
    }
}
