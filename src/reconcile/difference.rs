//! What stands against what: our estimate and the invoice, by line and by project.

use std::collections::BTreeMap;

use num_rational::BigRational;

use super::amounts::{Amounts, Line};
use super::invoice::Invoice;
use crate::domain::{DayUsage, Media, Money, ProjectId, Service};
use crate::rating::allocate::allocate;
use crate::rating::minutes::cells_in_order;
use crate::rating::steps::line_costs;
use crate::rating::{Bill, PriceBook, RatingError, rate_by_the_book};

/// Our side: the rated month by line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimate {
    /// Used minutes of each line, free ones included.
    pub minutes: BTreeMap<(Service, Media), u128>,
    /// Exact, with the rounding of the total.
    pub amounts: Amounts,
}

impl Estimate {
    /// The lines of a bill over all tiers.
    #[must_use]
    pub fn of(bill: &Bill) -> Self {
        let mut minutes = BTreeMap::new();
        for line in &bill.lines {
            *minutes.entry((line.service, line.media)).or_default() += line.minutes;
        }
        Self { minutes, amounts: Amounts::of_bill(bill) }
    }
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

/// Splits the invoice's total over the projects of our bill.
///
/// The weights are the exact costs of our bill, the parts whole minor units by
/// largest remainder, as the bill's own. What no usage caused is a last row
/// without a project.
///
/// # Errors
/// Usage that cannot be rated.
pub fn by_project(
    bill: &Bill,
    usage: &[DayUsage],
    book: &PriceBook,
    invoice_total: Money,
) -> Result<Vec<ProjectDifference>, RatingError> {
    let cells = cells_in_order(bill.month, usage)?;
    let (_, steps) = rate_by_the_book(&bill.account, bill.month, usage, book)?;
    let (parts, unallocated) = allocate(invoice_total, &line_costs(&steps, book), &cells, book);
    let money = |minor_units| Money { minor_units, currency: bill.currency };
    let mut projects: Vec<ProjectDifference> = bill
        .projects
        .iter()
        .zip(&parts)
        .map(|(ours, theirs)| ProjectDifference {
            project_id: Some(ours.project_id.clone()),
            estimate: money(ours.cost_minor_units),
            invoice: money(theirs.cost_minor_units),
        })
        .collect();
    if bill.unallocated.minor_units != 0 || unallocated.minor_units != 0 {
        let (estimate, invoice) = (bill.unallocated, unallocated);
        projects.push(ProjectDifference { project_id: None, estimate, invoice });
    }
    Ok(projects)
}
