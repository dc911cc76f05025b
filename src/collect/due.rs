//! Which days are due: a pure function of request log, values, clock and look-back.
//!
//! There is no watermark: a day is done only when an answer that covered it
//! was received late enough to be final.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, Months, NaiveDate, NaiveTime, TimeDelta, Utc};

use crate::domain::{DateRange, ProjectId, RequestFact, RequestOutcome, Service, UsageSource};

/// When a day is asked for again, and how far back the platform answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DuePolicy {
    /// Days after a day's end within which its value may still move.
    pub look_back_days: u32,
    /// Months that the platform looks back; 0: without limit.
    pub api_history_months: u32,
    /// Ask for final days too.
    pub again: bool,
}

impl DuePolicy {
    /// First day that the platform still answers for; none: without limit.
    ///
    /// The look-back of about a year is documented for usage v1 (2018).
    #[must_use]
    pub fn first_available_day(&self, now: DateTime<Utc>) -> Option<NaiveDate> {
        let months = Months::new(self.api_history_months);
        (self.api_history_months > 0)
            .then(|| now.date_naive().checked_sub_months(months).unwrap_or(NaiveDate::MIN))
    }

    fn is_available(&self, day: NaiveDate, now: DateTime<Utc>) -> bool {
        self.first_available_day(now).is_none_or(|first| day >= first)
    }
}

/// What is known of one cell: a project, service and day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CellFacts {
    /// Newest answer that covered it without contradiction, by order of requests.
    answered: Option<(usize, DateTime<Utc>)>,
    /// Newest answer that would have un-said its value.
    contradicted: Option<usize>,
    /// Newest request without an answer.
    failed: Option<usize>,
    /// Whether its value lacks a media that should have been sent.
    incomplete: bool,
}

impl CellFacts {
    fn merge(self, other: Self) -> Self {
        Self {
            answered: self.answered.max(other.answered),
            contradicted: self.contradicted.max(other.contradicted),
            failed: self.failed.max(other.failed),
            incomplete: self.incomplete || other.incomplete,
        }
    }
}

/// Where a cell stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CellState {
    /// Today or later: never asked for.
    Ahead,
    /// Answered late enough; stored, or known to be absent.
    Final,
    /// Answered, but the value may still move.
    Open,
    /// Answered, but a media that should have been sent is unknown.
    Incomplete,
    /// The newest answer would have un-said the stored value.
    Contradicted,
    /// Asked for without an answer.
    Failed,
    /// Never asked for.
    Missing,
    /// Without an answer, and older than the platform looks back.
    Unavailable,
}

impl CellState {
    /// Whether a bill that needs the day cannot be relied on.
    #[must_use]
    pub const fn is_hole(self) -> bool {
        matches!(
            self,
            Self::Incomplete
                | Self::Contradicted
                | Self::Failed
                | Self::Missing
                | Self::Unavailable
        )
    }

    /// Word used in messages and manifests.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ahead => "ahead",
            Self::Final => "final",
            Self::Open => "open",
            Self::Incomplete => "incomplete",
            Self::Contradicted => "contradicted",
            Self::Failed => "failed",
            Self::Missing => "missing",
            Self::Unavailable => "unavailable",
        }
    }
}

/// Where a cell stands at `now`.
#[must_use]
pub fn state_of(
    day: NaiveDate,
    facts: CellFacts,
    now: DateTime<Utc>,
    policy: DuePolicy,
) -> CellState {
    if day >= now.date_naive() {
        return CellState::Ahead;
    }
    if facts.contradicted > facts.answered.map(|(order, _)| order) {
        return CellState::Contradicted;
    }
    match facts.answered {
        Some(_) if facts.incomplete => CellState::Incomplete,
        Some((_, answered_at)) if answered_at >= final_from(day, policy) => CellState::Final,
        Some(_) => CellState::Open,
        None if !policy.is_available(day, now) => CellState::Unavailable,
        None if facts.failed.is_some() => CellState::Failed,
        None => CellState::Missing,
    }
}

/// From when on an answer about the day is final: the look-back after its end.
fn final_from(day: NaiveDate, policy: DuePolicy) -> DateTime<Utc> {
    let end = day.checked_add_days(Days::new(1)).unwrap_or(day).and_time(NaiveTime::MIN).and_utc();
    let look_back = TimeDelta::days(i64::from(policy.look_back_days));
    end.checked_add_signed(look_back).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// Whether a cell is to be asked for at `now`.
#[must_use]
pub fn is_due(day: NaiveDate, facts: CellFacts, now: DateTime<Utc>, policy: DuePolicy) -> bool {
    let asks = match state_of(day, facts, now, policy) {
        CellState::Ahead | CellState::Unavailable => false,
        CellState::Final => policy.again,
        _ => true,
    };
    asks && policy.is_available(day, now)
}

/// What the log and the values say about the cells of one month.
#[derive(Debug, Clone)]
pub struct MonthLedger {
    days: DateRange,
    of_all_projects: BTreeMap<Service, Vec<CellFacts>>,
    of_project: BTreeMap<(ProjectId, Service), Vec<CellFacts>>,
}

impl MonthLedger {
    /// Reads the facts of a month, oldest request first.
    ///
    /// Answers of v1 count for nothing when `source` is v3: their minutes are
    /// rounded up each day, and v3 can do better.
    #[must_use]
    pub fn new(
        days: DateRange,
        source: UsageSource,
        requests: &[RequestFact],
        incomplete: &[(ProjectId, Service, NaiveDate)],
    ) -> Self {
        let (of_all_projects, of_project) = (BTreeMap::new(), BTreeMap::new());
        let mut ledger = Self { days, of_all_projects, of_project };
        let counting = requests.iter().filter(|request| request.source >= source);
        for (order, request) in counting.enumerate() {
            ledger.note(order, request);
        }
        for (project_id, service, day) in incomplete {
            if let Some(at) = ledger.position(*day) {
                ledger.cells_of(Some(project_id), *service)[at].incomplete = true;
            }
        }
        ledger
    }

    fn note(&mut self, order: usize, request: &RequestFact) {
        let Some(covered) = request.range.intersection(self.days) else { return };
        for day in covered.days() {
            let Some(at) = self.position(day) else { continue };
            let contradicted = request.contradicted_days.contains(&day);
            let cell = &mut self.cells_of(request.project_id.as_ref(), request.service)[at];
            if request.outcome == RequestOutcome::Failed {
                cell.failed = Some(order);
            } else if contradicted {
                cell.contradicted = Some(order);
            } else {
                let earlier = cell.answered.map(|(_, answered_at)| answered_at);
                let answered_at = earlier.max(Some(request.finished_at));
                cell.answered = answered_at.map(|answered_at| (order, answered_at));
            }
        }
    }

    fn position(&self, day: NaiveDate) -> Option<usize> {
        let offset = (day - self.days.first()).num_days();
        self.days.contains(day).then(|| usize::try_from(offset).ok()).flatten()
    }

    fn cells_of(&mut self, project_id: Option<&ProjectId>, service: Service) -> &mut [CellFacts] {
        let length = usize::try_from(self.days.day_count()).unwrap_or(0);
        let unknown = || vec![CellFacts::default(); length];
        match project_id {
            Some(project_id) => {
                self.of_project.entry((project_id.clone(), service)).or_insert_with(unknown)
            }
            None => self.of_all_projects.entry(service).or_insert_with(unknown),
        }
    }

    /// What is known of a project's cells of a service, looked up once for all days.
    #[must_use]
    pub fn of(&self, project_id: &ProjectId, service: Service) -> ProjectLedger<'_> {
        let own = self.of_project.get(&(project_id.clone(), service)).map(Vec::as_slice);
        let of_all_projects = self.of_all_projects.get(&service).map(Vec::as_slice);
        ProjectLedger { ledger: self, own, of_all_projects }
    }

    /// What is known of a day from answers for all projects alone.
    #[must_use]
    pub fn cell_of_all_projects(&self, service: Service, day: NaiveDate) -> CellFacts {
        let cells = self.of_all_projects.get(&service);
        self.position(day).zip(cells).map_or_else(CellFacts::default, |(at, cells)| cells[at])
    }
}

/// What is known of the cells of one project and service.
#[derive(Debug, Clone, Copy)]
pub struct ProjectLedger<'a> {
    ledger: &'a MonthLedger,
    own: Option<&'a [CellFacts]>,
    of_all_projects: Option<&'a [CellFacts]>,
}

impl ProjectLedger<'_> {
    /// What is known of a day; answers for all projects count for each.
    #[must_use]
    pub fn cell(&self, day: NaiveDate) -> CellFacts {
        let Some(at) = self.ledger.position(day) else { return CellFacts::default() };
        let facts = |cells: Option<&[CellFacts]>| cells.map_or_else(CellFacts::default, |c| c[at]);
        facts(self.own).merge(facts(self.of_all_projects))
    }
}

#[cfg(test)]
mod tests;
