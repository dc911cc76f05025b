//! Closing a month: when it may be closed, and what the new revision is.

use chrono::{DateTime, Utc};

use super::closing::ClosingNote;
use super::difference::Difference;
use super::month::rate_month;
use super::reproduce::closed_revision;
use super::{BillingError, RatedMonth, reservations};
use crate::collect::Records;
use crate::domain::Month;
use crate::rating::PriceBook;
use crate::report::ClosedNote;
use crate::store::bills::{self, NewRevision};
use crate::store::stored_bills::{self, BillHead, figures_of};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct CloseRequest {
    /// Close in spite of reservations, and state them on the bill.
    pub force: bool,
    /// Make a further revision of a closed month.
    pub revise: bool,
}

/// A month that was closed.
#[derive(Debug)]
pub struct Closed {
    /// The new revision.
    pub month: RatedMonth,
    /// What changed since the revision before; none for the first.
    pub difference: Option<Difference>,
}

/// The newest revision that a close would follow; refuses what cannot be closed.
///
/// # Errors
/// [`BillingError::NotOver`], [`BillingError::AlreadyClosed`] or [`BillingError::NotClosed`].
pub async fn newest_revision(
    records: &Records<'_>,
    month: Month,
    request: CloseRequest,
) -> Result<Option<BillHead>, BillingError> {
    if month >= Month::of(records.clock.today()) {
        return Err(BillingError::NotOver(month));
    }
    let closed = stored_bills::closed(records.store.pool(), records.account, month).await?;
    match (closed.into_iter().next_back(), request.revise) {
        (Some(head), false) => Err(BillingError::AlreadyClosed { month, revision: head.revision }),
        (None, true) => Err(BillingError::NotClosed(month)),
        (head, _) => Ok(head),
    }
}

/// Rates the month and closes it. `doubts` are reservations that the caller found.
///
/// Nobody may write usage of the account meanwhile: the caller holds its lease.
///
/// # Errors
/// [`BillingError::Doubtful`] with reservations unless forced, and
/// [`BillingError::Unchanged`] where a revision would say the same.
pub async fn close(
    records: &Records<'_>,
    book: &PriceBook,
    month: Month,
    doubts: Vec<String>,
    request: CloseRequest,
) -> Result<Closed, BillingError> {
    let newest = newest_revision(records, month, request).await?;
    let mut rated = rate_month(records, book, month).await?;
    let mut reservations = doubts;
    reservations.extend(reservations::against(records, &rated).await?);
    if !reservations.is_empty() && !request.force {
        return Err(BillingError::Doubtful { month, reservations });
    }
    let note = ClosingNote::new(&rated, reservations);
    let difference = match &newest {
        Some(head) => Some(difference_to(records, head, &rated, &note).await?),
        None => None,
    };
    let revision = newest.map_or(1, |head| head.revision + 1);
    let closed_at = to_microseconds(records.clock.now());
    let closing = serde_json::to_value(&note).map_err(|error| BillingError::ClosingNote {
        month,
        revision,
        cause: error.to_string(),
    })?;
    let new = NewRevision { revision, closing };
    let pending = bills::close(records.store.pool(), &rated.record(closed_at), &new).await?;
    pending.commit().await?;
    let ClosingNote { forced, reservations, .. } = note;
    rated.closed = Some(ClosedNote { revision, closed_at, forced, reservations });
    Ok(Closed { month: rated, difference })
}

/// What a further revision would change.
async fn difference_to(
    records: &Records<'_>,
    head: &BillHead,
    rated: &RatedMonth,
    note: &ClosingNote,
) -> Result<Difference, BillingError> {
    let before = closed_revision(records, head).await?;
    let stored = figures_of(&before.bill, &before.adjustments, before.status())?;
    let now = figures_of(&rated.bill, &rated.adjustments, rated.status())?;
    let was_forced = before.closed.as_ref().is_some_and(|closed| closed.forced);
    if stored == now && was_forced == note.forced {
        let (month, revision) = (head.month, head.revision);
        return Err(BillingError::Unchanged { month, revision });
    }
    Ok(Difference::between(&before, rated))
}

/// The database keeps microseconds; files say what it keeps.
fn to_microseconds(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(time.timestamp_micros()).unwrap_or(time)
}
