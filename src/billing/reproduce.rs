//! A stored bill, computed again from the facts that it was made from.

use std::collections::BTreeMap;

use super::closing::ClosingNote;
use super::{BillingError, RatedMonth, adjust};
use crate::collect::Records;
use crate::domain::{AdjustmentScope, AppliedAdjustment, Month};
use crate::rating::{Bill, PriceBook, rate};
use crate::report::{self, ClosedNote};
use crate::store::adjustments::{self, AdjustmentsKnownBy};
use crate::store::price_books;
use crate::store::stored_bills::{self, BillHead, Figures, adjusted_projects, figures_of};
use crate::store::usage::{KnownBy, read_known};

/// A figure of a stored bill that comes out otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FigureDifference {
    /// What the figure is about.
    pub name: String,
    /// As stored; none where only the recomputed bill has it.
    pub stored: Option<String>,
    /// As recomputed; none where only the stored bill has it.
    pub recomputed: Option<String>,
}

/// The closed revisions of a month, oldest first, each as it was closed.
///
/// # Errors
/// [`BillingError::NotReproducible`] when one does not come out the same.
pub async fn closed_revisions(
    records: &Records<'_>,
    month: Month,
) -> Result<Vec<RatedMonth>, BillingError> {
    let heads = stored_bills::closed(records.store.pool(), records.account, month).await?;
    let mut revisions = Vec::with_capacity(heads.len());
    for head in &heads {
        revisions.push(closed_revision(records, head).await?);
    }
    Ok(revisions)
}

/// A closed revision as it was closed.
///
/// # Errors
/// [`BillingError::NotReproducible`] when it does not come out the same.
pub async fn closed_revision(
    records: &Records<'_>,
    head: &BillHead,
) -> Result<RatedMonth, BillingError> {
    let month = reproduce(records, head).await?;
    let differences = differences(records, head, &month).await?;
    if differences.is_empty() {
        return Ok(month);
    }
    Err(BillingError::NotReproducible { month: head.month, revision: head.revision, differences })
}

/// Computes a stored bill again from its values, its price book and its adjustments.
///
/// # Errors
/// [`BillingError`] when one of them is not there.
pub async fn reproduce(records: &Records<'_>, head: &BillHead) -> Result<RatedMonth, BillingError> {
    let (pool, account, month) = (records.store.pool(), records.account, head.month);
    let origin = head.known_request_id.zip(head.known_adjustment_id);
    let (request_id, newest_adjustment) = origin.ok_or(BillingError::UnknownOrigin { month })?;
    let book = book_of(records, head).await?;
    let known_by = KnownBy::Request(request_id);
    let usage = read_known(pool, account, month.days(), known_by).await?;
    let bill = rate(account, month, &usage.days, &book)?;
    let adjustments = adjustments_of(records, head, &bill, newest_adjustment).await?;
    let (projects, coverage, closed) = match &head.closing {
        Some(closing) => noted(head, closing)?,
        None => (Vec::new(), report::Coverage::default(), None),
    };
    let holes = Vec::new();
    Ok(RatedMonth {
        bill,
        book,
        usage,
        projects,
        coverage,
        holes,
        adjustments,
        newest_adjustment,
        closed,
        background: report::Background::default(),
    })
}

/// The figures of a stored bill that come out otherwise, by name.
///
/// # Errors
/// [`BillingError`] when the stored ones cannot be read.
pub async fn differences(
    records: &Records<'_>,
    head: &BillHead,
    month: &RatedMonth,
) -> Result<Vec<FigureDifference>, BillingError> {
    let mut stored = stored_bills::figures(records.store.pool(), head).await?;
    // What was known of the days is noted on closed bills alone.
    let status = if head.closed_at.is_some() { month.status() } else { head.status };
    let recomputed = figures_of(&month.bill, &month.adjustments, status)?;
    Ok(compare(&mut stored, recomputed))
}

fn compare(stored: &mut Figures, recomputed: Figures) -> Vec<FigureDifference> {
    let mut differences = Vec::new();
    for (name, recomputed) in recomputed {
        let stored = stored.remove(&name);
        if stored.as_deref() != Some(&recomputed) {
            differences.push(FigureDifference { name, stored, recomputed: Some(recomputed) });
        }
    }
    let left = std::mem::take(stored).into_iter().map(|(name, stored)| FigureDifference {
        name,
        stored: Some(stored),
        recomputed: None,
    });
    differences.extend(left);
    differences.sort_by(|one, other| one.name.cmp(&other.name));
    differences
}

async fn book_of(records: &Records<'_>, head: &BillHead) -> Result<PriceBook, BillingError> {
    let stored = price_books::read(records.store.pool(), &head.book_sha256).await?;
    let stored = stored.ok_or_else(|| BillingError::MissingPriceBook {
        month: head.month,
        sha256: head.book_sha256.clone(),
    })?;
    Ok(PriceBook::parse(&stored.book_name, &stored.book_text)?)
}

/// The adjustments that were known, over the projects that took part.
async fn adjustments_of(
    records: &Records<'_>,
    head: &BillHead,
    bill: &Bill,
    newest: i64,
) -> Result<Vec<AppliedAdjustment>, BillingError> {
    let (pool, account) = (records.store.pool(), records.account);
    let known_by = AdjustmentsKnownBy::Number(newest);
    let (found, _) = adjustments::read(pool, account, head.month, known_by).await?;
    let mut projects: BTreeMap<_, _> = adjusted_projects(pool, head).await?;
    let applied = found.into_iter().map(|adjustment| {
        let members = match &adjustment.scope {
            AdjustmentScope::Project(project_id) => vec![project_id.clone()],
            _ => projects.remove(&adjustment.adjustment_id).unwrap_or_default(),
        };
        adjust::split(bill, adjustment, members)
    });
    applied.collect()
}

type Noted = (Vec<crate::domain::Project>, report::Coverage, Option<ClosedNote>);

fn noted(head: &BillHead, closing: &serde_json::Value) -> Result<Noted, BillingError> {
    let failed = |cause: String| BillingError::ClosingNote {
        month: head.month,
        revision: head.revision,
        cause,
    };
    let note: ClosingNote =
        serde_json::from_value(closing.clone()).map_err(|error| failed(error.to_string()))?;
    let foreign = || failed("a value in it is not known".to_owned());
    let projects = note.projects().ok_or_else(foreign)?;
    let coverage = note.coverage().ok_or_else(foreign)?;
    let closed = head.closed_at.map(|closed_at| ClosedNote {
        revision: head.revision,
        closed_at,
        forced: note.forced,
        reservations: note.reservations,
    });
    Ok((projects, coverage, closed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_that_differs_is_named() {
        let figures = |pairs: &[(&str, &str)]| -> Figures {
            pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
        };
        let mut stored = figures(&[("a", "1"), ("b", "2"), ("d", "4")]);
        let found = compare(&mut stored, figures(&[("a", "1"), ("b", "3"), ("c", "5")]));
        let told: Vec<_> = found
            .iter()
            .map(|found| {
                (found.name.as_str(), found.stored.as_deref(), found.recomputed.as_deref())
            })
            .collect();
        let expected =
            [("b", Some("2"), Some("3")), ("c", None, Some("5")), ("d", Some("4"), None)];
        assert_eq!(told, expected);
    }
}
