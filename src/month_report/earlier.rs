//! The months before a month: the one before in full, and eleven as sums.
//!
//! Owns by which bill an earlier month is told. One that was closed is told by its
//! newest closed bill; any other is rated by the price book of that month, so that
//! a new price shows as price. Amounts are due ones, adjustments included.

use std::collections::BTreeMap;

use super::MonthReportError;
use crate::billing::month::book_in_force;
use crate::billing::reproduce::closed_revision;
use crate::billing::{BillingError, adjust};
use crate::collect::Records;
use crate::domain::{
    BillStatus, DateRange, DayUsage, Media, MediaSet, Month, ProjectId, UsageSource,
};
use crate::rating::{Bill, PriceBook, PriceBooks, rate_by_the_book};
use crate::report::{PastMonth, PreviousMonth};
use crate::store::adjustments::AdjustmentsKnownBy;
use crate::store::stored_bills::{self, ClosedMonthSum};
use crate::store::{StoreError, adjustments, tags, usage};

/// Months of the trend before the one that is reported.
const PAST_MONTHS: usize = 11;

/// Where the months before a month come from.
#[derive(Clone, Copy)]
pub(super) struct Earlier<'a> {
    /// What is known of them.
    pub(super) records: &'a Records<'a>,
    /// The book of the month that is reported.
    pub(super) book: &'a PriceBook,
    /// The books of the settings; none on the sell side, which has no bills of its
    /// own, open or closed, and no adjustments.
    pub(super) books: Option<&'a PriceBooks>,
}

impl Earlier<'_> {
    /// The month before, for its projects' costs; none where it has no usage.
    pub(super) async fn previous(
        &self,
        month: Month,
    ) -> Result<Option<PreviousMonth>, MonthReportError> {
        let before = month.previous();
        if let Some(closed) = self.closed(before).await? {
            return Ok(Some(closed));
        }
        let records = self.records;
        let usage = records.usage(before.days()).await.map_err(BillingError::from)?.days;
        if usage.is_empty() {
            return Ok(None);
        }
        let book = self.book_of(before).await?;
        let rated = rate_by_the_book(records.account, before, &usage, &book);
        let bill = rated.map_err(BillingError::from)?.0;
        if self.books.is_none() {
            return Ok(Some(PreviousMonth { bill, adjustments: Vec::new() }));
        }
        let (pool, known_by) = (records.store.pool(), records.clock.known_by());
        let found = adjustments::read(pool, records.account, before, self.until()).await;
        let mut found = found.map_err(BillingError::from)?.0;
        found.retain(|adjustment| adjustment.amount.currency == bill.currency);
        let cost_centres = tags::cost_centres(pool, records.account, before, known_by).await;
        let cost_centres = cost_centres.map_err(BillingError::from)?;
        let adjustments = adjust::apply(&bill, found, &cost_centres)?;
        Ok(Some(PreviousMonth { bill, adjustments }))
    }

    /// The newest closed bill of a month; none where there is none, or where it
    /// cannot be made again.
    async fn closed(&self, month: Month) -> Result<Option<PreviousMonth>, MonthReportError> {
        if self.books.is_none() {
            return Ok(None);
        }
        let (records, known_by) = (self.records, self.records.clock.known_by());
        let heads = stored_bills::closed(records.store.pool(), records.account, month).await;
        let is_known = |head: &stored_bills::BillHead| {
            known_by.is_none_or(|time| head.closed_at.is_some_and(|closed_at| closed_at <= time))
        };
        let newest = heads.map_err(BillingError::from)?.into_iter().rfind(is_known);
        let Some(head) = newest else { return Ok(None) };
        match closed_revision(records, &head).await {
            Ok(closed) => {
                Ok(Some(PreviousMonth { bill: closed.bill, adjustments: closed.adjustments }))
            }
            // What `bill verify` tells must not keep a later month from its report.
            Err(
                BillingError::NotReproducible { .. }
                | BillingError::UnknownOrigin { .. }
                | BillingError::MissingPriceBook { .. },
            ) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Totals of the months before that have usage or a closed bill, the oldest first.
    pub(super) async fn past_months(
        &self,
        month: Month,
    ) -> Result<Vec<PastMonth>, MonthReportError> {
        let months = std::iter::successors(Some(month.previous()), |month| Some(month.previous()));
        let mut months: Vec<Month> = months.take(PAST_MONTHS).collect();
        months.reverse();
        let last = month.previous().last_day();
        let first = months.first().map(|first| first.first_day());
        let Some(range) = first.and_then(|first| DateRange::new(first, last).ok()) else {
            return Ok(Vec::new());
        };
        let mut past: BTreeMap<Month, PastMonth> = BTreeMap::new();
        for sum in self.closed_sums(range).await? {
            past.insert(sum.month, of_closed(&sum));
        }
        months.retain(|month| !past.contains_key(month));
        let statuses = self.draft_statuses(range).await?;
        for (month, usage) in self.usage(&months, range).await? {
            let status = statuses.get(&month).copied();
            past.insert(month, self.rated(month, &usage, status).await?);
        }
        Ok(past.into_values().collect())
    }

    async fn rated(
        &self,
        month: Month,
        usage: &[DayUsage],
        status: Option<BillStatus>,
    ) -> Result<PastMonth, MonthReportError> {
        let records = self.records;
        let book = self.book_of(month).await?;
        let rated = rate_by_the_book(records.account, month, usage, &book);
        let bill = rated.map_err(BillingError::from)?.0;
        let mut total = bill.total;
        if self.books.is_some() {
            let pool = records.store.pool();
            let found = adjustments::read(pool, records.account, month, self.until()).await;
            let amounts = found.map_err(BillingError::from)?.0.into_iter().map(|one| one.amount);
            let adjusted = amounts.filter(|amount| amount.currency == total.currency);
            total.minor_units += adjusted.map(|amount| amount.minor_units).sum::<i128>();
        }
        Ok(PastMonth { month, total, cost_micro_units: media_costs(&bill), status })
    }

    async fn closed_sums(&self, range: DateRange) -> Result<Vec<ClosedMonthSum>, BillingError> {
        if self.books.is_none() {
            return Ok(Vec::new());
        }
        let (pool, known_by) = (self.records.store.pool(), self.records.clock.known_by());
        Ok(stored_bills::closed_month_sums(pool, self.records.account, range, known_by).await?)
    }

    /// As they are now, they would change the files of a closed month.
    async fn draft_statuses(
        &self,
        range: DateRange,
    ) -> Result<BTreeMap<Month, BillStatus>, BillingError> {
        if self.books.is_none() || self.records.clock.known_by().is_some() {
            return Ok(BTreeMap::new());
        }
        Ok(stored_bills::draft_statuses(self.records.store.pool(), self.records.account, range)
            .await?)
    }

    /// Usage of those of the months that have any.
    async fn usage(
        &self,
        months: &[Month],
        range: DateRange,
    ) -> Result<BTreeMap<Month, Vec<DayUsage>>, BillingError> {
        if self.records.clock.known_by().is_none() {
            let mut sums = sums(self.records, range).await?;
            sums.retain(|month, _| months.contains(month));
            return Ok(sums);
        }
        let mut usage = BTreeMap::new();
        for month in months {
            let days = self.records.usage(month.days()).await?.days;
            if !days.is_empty() {
                usage.insert(*month, days);
            }
        }
        Ok(usage)
    }

    /// The book of an earlier month. For a clock that stands it is the one that
    /// the month was rated by then; the settings have a say only where neither
    /// that nor the reported month's own book answers, so that the files of a
    /// closed month do not follow them.
    async fn book_of(&self, month: Month) -> Result<PriceBook, BillingError> {
        let Some(books) = self.books else { return Ok(self.book.clone()) };
        let of_settings = if self.book.holds_for(self.records.account, month) {
            self.book
        } else {
            books.in_force(month).unwrap_or(self.book)
        };
        match self.records.clock.known_by() {
            None => Ok(of_settings.clone()),
            Some(_) => book_in_force(self.records, of_settings, month).await,
        }
    }

    fn until(&self) -> AdjustmentsKnownBy {
        let known_by = self.records.clock.known_by();
        known_by.map_or(AdjustmentsKnownBy::Now, AdjustmentsKnownBy::Time)
    }
}

fn of_closed(sum: &ClosedMonthSum) -> PastMonth {
    PastMonth {
        month: sum.month,
        total: sum.amount_due,
        cost_micro_units: sum.cost_micro_units,
        status: Some(sum.status),
    }
}

/// The sums of months as usage of one project that stands for all: a total knows none.
async fn sums(
    records: &Records<'_>,
    range: DateRange,
) -> Result<BTreeMap<Month, Vec<DayUsage>>, StoreError> {
    let mut sums: BTreeMap<Month, Vec<DayUsage>> = BTreeMap::new();
    let Ok(stand_in) = ProjectId::new("all") else { return Ok(sums) };
    for sum in usage::read_month_sums(records.store.pool(), records.account, range).await? {
        sums.entry(Month::of(sum.month)).or_default().push(DayUsage {
            project_id: stand_in.clone(),
            service: sum.service,
            day: sum.month,
            source: UsageSource::V3,
            seconds: sum.seconds,
            extra_seconds: BTreeMap::new(),
            missing: MediaSet::EMPTY,
        });
    }
    Ok(sums)
}

/// What each media costs with its part of discounts, fees and taxes.
fn media_costs(bill: &Bill) -> [i128; Media::COUNT] {
    let mut costs = [0; Media::COUNT];
    let days = bill.projects.iter().flat_map(|project| &project.days);
    for line in days.flat_map(|day| &day.lines) {
        costs[line.media.index()] += line.cost_micro_units;
    }
    costs
}
