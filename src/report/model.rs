//! What of a month is known, as a report tells it.

use chrono::{DateTime, Utc};

use crate::domain::{DateRange, ProjectId, Service};

/// When and how a bill was closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedNote {
    /// Its revision, from 1.
    pub revision: i32,
    /// When it was closed, which is also the time that its files give.
    pub closed_at: DateTime<Utc>,
    /// Whether it was closed in spite of what follows.
    pub forced: bool,
    /// What stood against it, a sentence each.
    pub reservations: Vec<String>,
}

/// How much of the month the usage covers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    /// Whether every day that should be known is known.
    pub complete: bool,
    /// Whether the month had not ended when the report was made.
    pub month_in_progress: bool,
    /// Last day up to which everything is known; none when not even the first day is.
    pub covered_to: Option<chrono::NaiveDate>,
    /// Days that should be known and are not.
    pub missing_days: Vec<MissingDays>,
    /// Cells (project, service, day) without a row: idle days, billed as 0.
    pub absent_cells: u64,
    /// Cells with a value that the platform should have sent and did not.
    pub incomplete_cells: u64,
}

/// Days of one service that are not known, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingDays {
    /// Whose days; none when they are missing for the whole account.
    pub project_id: Option<ProjectId>,
    /// Of which service.
    pub service: Service,
    /// Ranges of days, in order.
    pub days: Vec<DateRange>,
    /// Cause in words, such as the last failure.
    pub reason: String,
}
