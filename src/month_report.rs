//! A month's report from stored usage: load, rate, store the draft, write the files.
//!
//! The main flow, used by the command and by the daemon. Owns what a report's
//! coverage is made of; rates nothing itself and words nothing for people.

use chrono::Days;

use crate::collect::holes::{Coverage, Hole};
use crate::collect::{CollectError, Records};
use crate::domain::{AccountId, BillStatus, DateRange, DayUsage, Month, Project};
use crate::rating::{Bill, PriceBook, RatingError, rate};
use crate::report::{
    self, MissingDays, MonthReport, Published, ReportError, ReportOptions, write_month,
};
use crate::store::bills::BillWriteError;
use crate::store::{StoreError, bills, projects, requests, usage};

/// Why a month has no report.
#[derive(Debug, thiserror::Error)]
pub enum MonthReportError {
    /// The account was never fetched.
    #[error("nothing is stored for account '{0}'")]
    NothingStored(AccountId),
    /// Usage could not be read.
    #[error(transparent)]
    Collect(#[from] CollectError),
    /// The usage cannot be rated.
    #[error(transparent)]
    Rating(#[from] RatingError),
    /// The draft could not be stored.
    #[error(transparent)]
    Draft(#[from] BillWriteError),
    /// The files could not be written.
    #[error(transparent)]
    Files(#[from] ReportError),
}

impl From<StoreError> for MonthReportError {
    fn from(error: StoreError) -> Self {
        Self::Collect(error.into())
    }
}

/// A month's report that is in place.
#[derive(Debug)]
pub struct Written {
    /// The bill.
    pub bill: Bill,
    /// Whether it can be relied on.
    pub status: BillStatus,
    /// Whether days or prices are missing.
    pub has_gaps: bool,
    /// Projects that the account has or had.
    pub projects: Vec<Project>,
    /// Where the files are.
    pub published: Published,
    /// Days that are not known.
    pub holes: Vec<Hole>,
}

/// Load, rate, store the draft, write the files.
///
/// Must be called within a multi-threaded runtime: writing blocks its thread.
///
/// # Errors
/// [`MonthReportError`]; the earlier files are as they were.
pub async fn write(
    records: &Records<'_>,
    book: &PriceBook,
    month: Month,
    options: &ReportOptions,
) -> Result<Written, MonthReportError> {
    let loaded = load(records, month).await?;
    let bill = rate(records.account, month, &loaded.usage, book)?;
    let report = MonthReport {
        bill: &bill,
        usage: &loaded.usage,
        projects: &loaded.projects,
        coverage: loaded.report_coverage(month),
    };
    let (status, has_gaps) = (report.status(), report.has_gaps());
    let pool = records.store.pool();
    let draft = bills::replace_draft(pool, &bill, status, options.generated_at).await?;
    // Writing thousands of files must not hold up the other tasks of this thread.
    let published = tokio::task::block_in_place(|| write_month(&report, options))?;
    // Last, so that table and files agree when the files cannot be written.
    draft.commit().await?;
    let Loaded { projects, coverage, .. } = loaded;
    Ok(Written { bill, status, has_gaps, projects, published, holes: coverage.holes })
}

/// What is stored about a month.
pub(crate) struct Loaded {
    pub(crate) usage: Vec<DayUsage>,
    pub(crate) projects: Vec<Project>,
    pub(crate) coverage: Coverage,
    /// Days of the month that are over; none on its first day.
    past: Option<DateRange>,
}

pub(crate) async fn load(records: &Records<'_>, month: Month) -> Result<Loaded, MonthReportError> {
    let pool = records.store.pool();
    let stored = projects::read_all(pool, records.account).await?;
    if stored.is_empty() && requests::first_day_asked(pool, records.account).await?.is_none() {
        return Err(MonthReportError::NothingStored(records.account.clone()));
    }
    let yesterday = records.clock.today().checked_sub_days(Days::new(1));
    let past = yesterday.and_then(|yesterday| {
        DateRange::new(month.first_day(), month.last_day().min(yesterday)).ok()
    });
    let coverage = match past {
        Some(past) => records.coverage(past).await?,
        None => Coverage::default(),
    };
    let usage = usage::read(pool, records.account, month.days()).await?;
    let projects = stored.into_iter().map(|stored| stored.project).collect();
    Ok(Loaded { usage, projects, coverage, past })
}

impl Loaded {
    /// The coverage as a report tells it.
    pub(crate) fn report_coverage(&self, month: Month) -> report::Coverage {
        let holes = &self.coverage.holes;
        let incomplete = self.usage.iter().filter(|usage| usage.is_incomplete()).count() as u64;
        let rows = self.usage.len() as u64 - incomplete;
        let first_hole = holes.iter().map(|hole| hole.range.first()).min();
        let covered_to = match first_hole {
            Some(day) => day.pred_opt().filter(|day| *day >= month.first_day()),
            None => self.past.map(DateRange::last),
        };
        report::Coverage {
            complete: holes.is_empty(),
            month_in_progress: self.past.map(DateRange::last) != Some(month.last_day()),
            covered_to,
            missing_days: holes.iter().map(missing_days).collect(),
            absent_cells: self.coverage.answered_days.saturating_sub(rows),
            incomplete_cells: incomplete,
        }
    }
}

fn missing_days(hole: &Hole) -> MissingDays {
    let reason = hole.message.clone().unwrap_or_else(|| hole.state.name().to_owned());
    MissingDays {
        project_id: Some(hole.project_id.clone()),
        service: hole.service,
        days: vec![hole.range],
        reason,
    }
}
