//! A rated month with everything that it was rated from.

use chrono::{DateTime, Days, Utc};

use super::{BillingError, adjust};
use crate::collect::Records;
use crate::collect::holes::{Coverage, Hole};
use crate::domain::{AppliedAdjustment, BillStatus, DateRange, Money, Month, Project};
use crate::rating::{Bill, PriceBook, rate};
use crate::report::{self, Background, ClosedNote, MissingDays, MonthReport};
use crate::store::adjustments::AdjustmentsKnownBy;
use crate::store::bills::BillRecord;
use crate::store::usage::KnownUsage;
use crate::store::{adjustments, price_books, projects, requests, tags};

/// A bill, and what it was made from.
#[derive(Debug, Clone)]
pub struct RatedMonth {
    /// The rated bill, without adjustments.
    pub bill: Bill,
    /// The book that it was rated with.
    pub book: PriceBook,
    /// The values that it was rated from.
    pub usage: KnownUsage,
    /// Projects that the account had.
    pub projects: Vec<Project>,
    /// What of the month was known.
    pub coverage: report::Coverage,
    /// Days that were not known; none for a stored bill, whose coverage lists them.
    pub holes: Vec<Hole>,
    /// Credits and charges beside the rated total.
    pub adjustments: Vec<AppliedAdjustment>,
    /// Newest adjustment that was known; 0 without any.
    pub newest_adjustment: i64,
    /// When and how it was closed; none for one that is not.
    pub closed: Option<ClosedNote>,
    /// What a report shows around it; empty unless it was gathered.
    pub background: Background,
}

impl RatedMonth {
    /// As the report takes it.
    #[must_use]
    pub fn report(&self) -> MonthReport<'_> {
        MonthReport {
            bill: &self.bill,
            usage: &self.usage.days,
            projects: &self.projects,
            coverage: self.coverage.clone(),
            adjustments: &self.adjustments,
            closed: self.closed.as_ref(),
            background: &self.background,
        }
    }

    /// Whether it can be relied on.
    #[must_use]
    pub fn status(&self) -> BillStatus {
        self.report().status()
    }

    /// The rated total with its adjustments.
    #[must_use]
    pub fn amount_due(&self) -> Money {
        self.report().amount_due()
    }

    /// As the tables take it.
    #[must_use]
    pub fn record(&self, rated_at: DateTime<Utc>) -> BillRecord<'_> {
        BillRecord {
            bill: &self.bill,
            book: &self.book,
            adjustments: &self.adjustments,
            status: self.status(),
            known_request_id: self.usage.newest_request,
            known_adjustment_id: self.newest_adjustment,
            rated_at,
        }
    }
}

/// Rates a month from what is stored; where the clock of `records` stands, from
/// what was known then.
///
/// # Errors
/// [`BillingError`] when nothing is stored, or the usage cannot be read or rated.
pub async fn rate_month(
    records: &Records<'_>,
    book: &PriceBook,
    month: Month,
) -> Result<RatedMonth, BillingError> {
    let (pool, account) = (records.store.pool(), records.account);
    let known_by = records.clock.known_by();
    let projects = known_projects(records).await?;
    let was_asked = match known_by {
        None => requests::first_day_asked(pool, account).await?.is_some(),
        Some(_) => false,
    };
    if projects.is_empty() && !was_asked {
        return Err(BillingError::NothingStored(account.clone()));
    }
    let yesterday = records.clock.today().checked_sub_days(Days::new(1));
    let past = yesterday.and_then(|yesterday| {
        DateRange::new(month.first_day(), month.last_day().min(yesterday)).ok()
    });
    let coverage = match past {
        Some(past) => records.coverage(past).await?,
        None => Coverage::default(),
    };
    let usage = records.usage(month.days()).await?;
    let bill = rate(account, month, &usage.days, book)?;
    let until = known_by.map_or(AdjustmentsKnownBy::Now, AdjustmentsKnownBy::Time);
    let (found, newest_adjustment) = adjustments::read(pool, account, month, until).await?;
    let cost_centres = tags::cost_centres(pool, account, month, known_by).await?;
    Ok(RatedMonth {
        adjustments: adjust::apply(&bill, found, &cost_centres)?,
        newest_adjustment,
        coverage: report_coverage(month, &usage, &coverage, past),
        bill,
        book: book.clone(),
        usage,
        projects,
        holes: coverage.holes,
        closed: None,
        background: Background::default(),
    })
}

/// The book that the month was rated with when the clock of `records` stands, or
/// `current` where no bill of then is recorded.
///
/// # Errors
/// [`BillingError`] when the stored text cannot be read.
pub async fn book_in_force(
    records: &Records<'_>,
    current: &PriceBook,
    month: Month,
) -> Result<PriceBook, BillingError> {
    let (pool, time) = (records.store.pool(), records.clock.now());
    match price_books::in_force(pool, records.account, month, time).await? {
        Some(stored) => Ok(PriceBook::parse(&stored.book_name, &stored.book_text)?),
        None => Ok(current.clone()),
    }
}

async fn known_projects(records: &Records<'_>) -> Result<Vec<Project>, BillingError> {
    let stored = projects::read_all(records.store.pool(), records.account).await?;
    let known = stored.into_iter().filter_map(|stored| match records.clock.known_by() {
        None => Some(stored),
        Some(time) => stored.as_known_by(time),
    });
    Ok(known.map(|stored| stored.project).collect())
}

/// The coverage as a report tells it.
fn report_coverage(
    month: Month,
    usage: &KnownUsage,
    coverage: &Coverage,
    past: Option<DateRange>,
) -> report::Coverage {
    let holes = &coverage.holes;
    let incomplete = usage.days.iter().filter(|usage| usage.is_incomplete()).count() as u64;
    let rows = usage.days.len() as u64 - incomplete;
    let first_hole = holes.iter().map(|hole| hole.range.first()).min();
    let covered_to = match first_hole {
        Some(day) => day.pred_opt().filter(|day| *day >= month.first_day()),
        None => past.map(DateRange::last),
    };
    report::Coverage {
        complete: holes.is_empty(),
        past_to: past.map(DateRange::last),
        month_in_progress: past.map(DateRange::last) != Some(month.last_day()),
        covered_to,
        missing_days: holes.iter().map(missing_days).collect(),
        absent_cells: coverage.answered_days.saturating_sub(rows),
        incomplete_cells: incomplete,
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
