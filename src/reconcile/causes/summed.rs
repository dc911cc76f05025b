//! Rating of a month that is known by its sums alone.
//!
//! A bill depends on the seconds of each service and media, not on who used
//! them when, so that a way of counting is rated without its thousands of cells.

use std::collections::BTreeMap;

use super::fit::UsageAmounts;
use super::month_usage::MonthSeconds;
use crate::domain::{
    AccountId, DayUsage, Media, MediaSet, Money, Month, ProjectId, Service, UsageSource,
};
use crate::rating::{PriceBook, RatingError, rate_by_the_book};
use crate::reconcile::amounts::Amounts;

/// Rates sums of one account and month.
#[derive(Debug, Clone, Copy)]
pub(in crate::reconcile) struct Rater<'a> {
    pub(in crate::reconcile) account: &'a AccountId,
    pub(in crate::reconcile) month: Month,
    /// Whom the sums are put down to; anybody.
    pub(in crate::reconcile) project_id: &'a ProjectId,
    /// What was recorded beside the bill, whatever it was made with.
    pub(in crate::reconcile) adjustments: Money,
}

impl Rater<'_> {
    /// Exact amounts by line, with the rounding of their total.
    pub(in crate::reconcile) fn amounts(
        self,
        seconds: &MonthSeconds,
        book: &PriceBook,
    ) -> Result<Amounts, RatingError> {
        let cells = self.cells(seconds)?;
        let (bill, _) = rate_by_the_book(self.account, self.month, &cells, book)?;
        Ok(Amounts::of_bill(&bill).with_adjustments(self.adjustments))
    }

    /// The lines that follow from minutes and prices alone.
    pub(super) fn usage_amounts(
        self,
        seconds: &MonthSeconds,
        book: &PriceBook,
    ) -> Result<UsageAmounts, RatingError> {
        let amounts = self.amounts(seconds, book)?;
        Ok(amounts.metered().map(|(line, amount)| (line, amount.clone())).collect())
    }

    /// As few cells as hold the sums: each value of a cell is limited.
    fn cells(self, seconds: &MonthSeconds) -> Result<Vec<DayUsage>, RatingError> {
        let mut cells = Vec::new();
        for service in Service::ALL {
            let mut left = seconds[service as usize];
            for day in self.month.days().days() {
                if left.iter().all(|value| *value == 0) {
                    break;
                }
                let mut values = [None; Media::COUNT];
                for (value, left) in values.iter_mut().zip(&mut left) {
                    let part = i64::try_from(*left).unwrap_or(i64::MAX);
                    *left -= u128::from(part.unsigned_abs());
                    *value = Some(part);
                }
                cells.push(DayUsage {
                    project_id: self.project_id.clone(),
                    service,
                    day,
                    source: UsageSource::V3,
                    seconds: values,
                    extra_seconds: BTreeMap::new(),
                    missing: MediaSet::EMPTY,
                });
            }
            if let Some(seconds) = left.into_iter().find(|value| *value > 0) {
                return Err(RatingError::AmountTooLarge { amount: format!("{seconds} s") });
            }
        }
        Ok(cells)
    }
}
