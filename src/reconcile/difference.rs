//! What stands against what: our estimate and the invoice, by line and by project.

use std::collections::BTreeMap;

use num_rational::BigRational;

use super::amounts::{Amounts, Line};
use super::invoice::Invoice;
use crate::domain::{AppliedAdjustment, Currency, DayUsage, Media, Money, ProjectId, Service};
use crate::rating::{Bill, PriceBook, RatingError, split};

/// Our side: the rated month by line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimate {
    /// Used minutes of each line, free ones included.
    pub minutes: BTreeMap<(Service, Media), u128>,
    /// Exact, with the rounding of the total.
    pub amounts: Amounts,
    /// The rated total with its adjustments.
    pub total: Money,
}

impl Estimate {
    /// The lines of a bill over all tiers, its charges, and what was recorded beside it.
    #[must_use]
    pub fn of(bill: &Bill, adjustments: &[AppliedAdjustment]) -> Self {
        let mut minutes = BTreeMap::new();
        for line in &bill.lines {
            *minutes.entry((line.service, line.media)).or_default() += line.minutes;
        }
        let adjusted = adjusted(bill, adjustments);
        let minor_units = bill.total.minor_units + adjusted.minor_units;
        Self {
            minutes,
            amounts: Amounts::of_bill(bill).with_adjustments(adjusted),
            total: Money { minor_units, ..bill.total },
        }
    }
}

/// The sum of the adjustments of a bill.
pub(super) fn adjusted(bill: &Bill, adjustments: &[AppliedAdjustment]) -> Money {
    let minor_units = adjustments.iter().map(|it| it.adjustment.amount.minor_units).sum();
    Money { minor_units, currency: bill.currency }
}

/// A line of both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineDifference {
    /// Which line.
    pub line: Line,
    /// Our minutes, free ones included; none where we have no such line.
    pub estimate_minutes: Option<u128>,
    /// The invoice's minutes, free ones included; none where it does not say.
    pub invoice_minutes: Option<BigRational>,
    /// Our exact amount.
    pub estimate: BigRational,
    /// The invoice's exact amount.
    pub invoice: BigRational,
}

impl LineDifference {
    /// What the invoice has more.
    #[must_use]
    pub fn difference(&self) -> BigRational {
        &self.invoice - &self.estimate
    }
}

/// Every line that one side or the other has, in order.
#[must_use]
pub fn by_line(estimate: &Estimate, invoice: &Invoice, invoiced: &Amounts) -> Vec<LineDifference> {
    let stated = invoice.minutes();
    let mut lines: Vec<Line> =
        estimate.amounts.iter().chain(invoiced.iter()).map(|(line, _)| line).collect();
    lines.sort_unstable();
    lines.dedup();
    let of_line = |line: Line| {
        let usage = match line {
            Line::Usage(service, media) => Some((service, media)),
            _ => None,
        };
        LineDifference {
            line,
            estimate_minutes: usage.and_then(|key| estimate.minutes.get(&key).copied()),
            invoice_minutes: usage.and_then(|key| stated.get(&key).cloned()),
            estimate: estimate.amounts.get(line),
            invoice: invoiced.get(line),
        }
    };
    lines.into_iter().map(of_line).collect()
}

/// A project on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectDifference {
    /// Whose cost; none for what belongs to no project.
    pub project_id: Option<ProjectId>,
    /// Its part of our bill.
    pub estimate: Money,
    /// Its part of the invoice, by the same rule.
    pub invoice: Money,
}

/// Minor units by project; none: of no project.
type Parts = BTreeMap<Option<ProjectId>, i128>;

/// Splits the invoice's total over the projects of our bill.
///
/// The weights are those of our bill, the parts whole minor units by largest
/// remainder, as the bill's own. Adjustments that the invoice has too, as one
/// row of the same amount, stay with the projects that have them. What no usage
/// caused is a last row without a project.
///
/// # Errors
/// Usage that cannot be rated.
pub fn by_project(
    bill: &Bill,
    adjustments: &[AppliedAdjustment],
    usage: &[DayUsage],
    book: &PriceBook,
    invoiced: &Amounts,
) -> Result<Vec<ProjectDifference>, RatingError> {
    let currency = bill.currency;
    let total = invoiced.total(currency)?;
    let ours = Amounts::default().with_adjustments(adjusted(bill, adjustments));
    let has_ours = invoiced.get(Line::Adjustment) == ours.get(Line::Adjustment);
    let attributed = if has_ours { adjustments } else { &[] };
    let rest = total.minor_units - adjusted(bill, attributed).minor_units;
    let (parts, unallocated) =
        split(Money { minor_units: rest, currency }, bill.month, usage, book)?;
    let parts = parts.into_iter().map(|part| (part.project_id, part.cost_minor_units));
    let invoice = with_adjustments(parts, unallocated, attributed);
    let parts = bill.projects.iter().map(|it| (it.project_id.clone(), it.cost_minor_units));
    let estimate = with_adjustments(parts, bill.unallocated, adjustments);
    Ok(beside(&estimate, &invoice, currency))
}

/// The parts of a bill with those of its adjustments.
fn with_adjustments(
    parts: impl Iterator<Item = (ProjectId, i128)>,
    unallocated: Money,
    adjustments: &[AppliedAdjustment],
) -> Parts {
    let mut all: Parts = parts.map(|(project_id, units)| (Some(project_id), units)).collect();
    let mut add = |project_id, units| *all.entry(project_id).or_default() += units;
    add(None, unallocated.minor_units);
    for applied in adjustments {
        for (project_id, units) in &applied.shares {
            add(Some(project_id.clone()), *units);
        }
        add(None, applied.unallocated);
    }
    all
}

/// Both sides by project id, what is of no project last and only where there is some.
fn beside(estimate: &Parts, invoice: &Parts, currency: Currency) -> Vec<ProjectDifference> {
    let money = |parts: &Parts, id: &Option<ProjectId>| Money {
        minor_units: parts.get(id).copied().unwrap_or(0),
        currency,
    };
    let mut ids: Vec<&Option<ProjectId>> = estimate.keys().chain(invoice.keys()).collect();
    ids.sort_unstable_by_key(|id| (id.is_none(), *id));
    ids.dedup();
    let both = ids.into_iter().map(|id| ProjectDifference {
        project_id: id.clone(),
        estimate: money(estimate, id),
        invoice: money(invoice, id),
    });
    let has_some = |it: &ProjectDifference| {
        it.project_id.is_some() || it.estimate.minor_units != 0 || it.invoice.minor_units != 0
    };
    both.filter(has_some).collect()
}
