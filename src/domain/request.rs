//! What the request log says: which days a usage request covered, and how it ended.

use chrono::{DateTime, NaiveDate, Utc};

use super::{DateRange, ProjectId, Service, UsageSource};

/// How a usage request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestOutcome {
    /// Answered.
    Ok,
    /// Answered, but some of its days would un-say stored values.
    Contradiction,
    /// Not answered, after every attempt.
    Failed,
}

impl RequestOutcome {
    /// Every outcome.
    pub const ALL: [Self; 3] = [Self::Ok, Self::Contradiction, Self::Failed];

    /// Word used in the request log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Contradiction => "contradiction",
            Self::Failed => "failed",
        }
    }
}

/// What the log says about some days: the newest request of its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestFact {
    /// Endpoint asked.
    pub source: UsageSource,
    /// Project asked for; none: all of the account.
    pub project_id: Option<ProjectId>,
    /// Service asked for.
    pub service: Service,
    /// Days asked for.
    pub range: DateRange,
    /// How it ended.
    pub outcome: RequestOutcome,
    /// Days whose stored value was contradicted.
    pub contradicted_days: Vec<NaiveDate>,
    /// When the answer was whole, or the last attempt had failed.
    pub finished_at: DateTime<Utc>,
    /// Why it failed.
    pub message: Option<String>,
}
