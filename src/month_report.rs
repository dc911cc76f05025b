//! A month's report from stored usage: load, rate, store the draft, write the files.
//!
//! The main flow, used by the command and by the daemon. Owns what a report's
//! coverage is made of; rates nothing itself and words nothing for people.

mod background;

use std::collections::BTreeMap;

use chrono::Days;

use crate::collect::holes::{Coverage, Hole};
use crate::collect::{CollectError, Records};
use crate::domain::{AccountId, BillStatus, DateRange, DayUsage, Month, Project};
use crate::rating::{Bill, PriceBook, RatingError, rate};
use crate::report::{
    self, Background, GroupFigures, Grouping, MissingDays, MonthReport, MonthSlice, Months,
    Published, PublishedRange, RangeReport, ReportError, ReportOptions, write_month,
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
    /// The breakdowns that were asked for.
    pub breakdowns: Vec<(Grouping, Vec<GroupFigures>)>,
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
    let background = if options.formats.iter().any(|format| format.needs_background())
        || !options.breakdowns.is_empty()
    {
        background::gather(records, book, &bill, &loaded.usage).await?
    } else {
        background::without_history(&loaded.usage, book)
    };
    let report = MonthReport {
        bill: &bill,
        usage: &loaded.usage,
        projects: &loaded.projects,
        coverage: loaded.report_coverage(month),
        background: &background,
    };
    let breakdowns = options
        .breakdowns
        .iter()
        .map(|grouping| Ok((*grouping, report::breakdown(&report, *grouping)?)));
    let breakdowns: Vec<_> = breakdowns.collect::<Result<_, ReportError>>()?;
    let (status, has_gaps) = (report.status(), report.has_gaps());
    let pool = records.store.pool();
    let draft = bills::replace_draft(pool, &bill, status, options.generated_at).await?;
    // Writing thousands of files must not hold up the other tasks of this thread.
    let published = tokio::task::block_in_place(|| write_month(&report, options))?;
    // Last, so that table and files agree when the files cannot be written.
    draft.commit().await?;
    let Loaded { projects, coverage, .. } = loaded;
    Ok(Written { bill, status, has_gaps, projects, published, breakdowns, holes: coverage.holes })
}

/// A range's report that is in place.
#[derive(Debug)]
pub struct WrittenRange {
    /// Months of the range.
    pub months: Months,
    /// Where the files are, and what the range costs.
    pub published: PublishedRange,
    /// Days of its months that are not known.
    pub holes: Vec<Hole>,
}

/// Load and rate each month of the range as a whole, and write its slices;
/// stores no draft.
///
/// Must be called within a multi-threaded runtime: writing blocks its thread.
///
/// # Errors
/// [`MonthReportError`]; the earlier files are as they were.
pub async fn write_range_of_days(
    records: &Records<'_>,
    book: &PriceBook,
    range: DateRange,
    options: &ReportOptions,
) -> Result<WrittenRange, MonthReportError> {
    let (mut projects, mut holes, mut slices) = (Vec::new(), Vec::new(), Vec::new());
    for part in range.by_month() {
        let month = Month::of(part.first());
        let loaded = load(records, month).await?;
        let bill = rate(records.account, month, &loaded.usage, book)?;
        let background = Background::default();
        let report = MonthReport {
            bill: &bill,
            usage: &loaded.usage,
            projects: &loaded.projects,
            coverage: loaded.report_coverage(month),
            background: &background,
        };
        let (status, has_gaps) = (report.status(), report.has_gaps());
        projects = loaded.projects;
        holes.extend(loaded.coverage.holes);
        slices.push(MonthSlice { bill, usage: loaded.usage, status, has_gaps });
    }
    let mut slices = slices.into_iter();
    let Some(first) = slices.next() else {
        return Err(MonthReportError::NothingStored(records.account.clone()));
    };
    let months = Months::new(first, slices.collect());
    let tags = BTreeMap::new();
    let report = RangeReport {
        account: records.account,
        range,
        months: &months,
        projects: &projects,
        tags: &tags,
    };
    let published = tokio::task::block_in_place(|| report::write_range(&report, options))?;
    Ok(WrittenRange { months, published, holes })
}

/// What is stored about a month.
struct Loaded {
    usage: Vec<DayUsage>,
    projects: Vec<Project>,
    coverage: Coverage,
    /// Days of the month that are over; none on its first day.
    past: Option<DateRange>,
}

async fn load(records: &Records<'_>, month: Month) -> Result<Loaded, MonthReportError> {
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
    fn report_coverage(&self, month: Month) -> report::Coverage {
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
            past_to: self.past.map(DateRange::last),
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
