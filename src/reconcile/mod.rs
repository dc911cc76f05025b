//! Our estimate against the platform's invoice: what differs, and why.
//!
//! Owns the reading of an invoice ([`invoice`]), the difference by line and by
//! project ([`difference`]) and its causes ([`causes`]). Pure but for
//! [`stored`], which loads what is compared and keeps the invoice: no input or
//! output, no clock, no float. Does not rate, but asks [`crate::rating`] what
//! another way of counting or of pricing would have cost. Causes and what is
//! unexplained always sum to the whole difference, by line and in total.

pub mod amounts;
pub mod book_readings;
pub mod causes;
pub mod difference;
pub mod invoice;
pub mod stored;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use crate::domain::{
    AccountId, AppliedAdjustment, Currency, DayUsage, Money, Month, SupersededUsage,
};
use crate::rating::{Bill, PriceBook, RatingError};

pub use amounts::{Amounts, Line};
pub use causes::{Cause, CauseKind, Gap};
pub use difference::{Estimate, LineDifference, ProjectDifference};
pub use invoice::{Invoice, InvoiceError, InvoiceRow};

/// What is known of a month, to find causes in.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Whose month.
    pub account: &'a AccountId,
    /// Which month.
    pub month: Month,
    /// The closed revision that the bill is; none for the estimate of an open month.
    pub revision: Option<i32>,
    /// The usage that the bill was rated from.
    pub usage: &'a [DayUsage],
    /// What was recorded beside the bill.
    pub adjustments: &'a [AppliedAdjustment],
    /// Values of the month that were replaced.
    pub superseded: &'a [SupersededUsage],
    /// The values that are known now; none where the bill was rated from these.
    pub now: Option<&'a [DayUsage]>,
    /// Days that are not known.
    pub gaps: &'a [Gap],
    /// The book that the bill was rated with.
    pub book: &'a PriceBook,
}

/// An invoice held against our estimate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconciliation {
    /// Whose month.
    pub account: AccountId,
    /// Which month.
    pub month: Month,
    /// The closed revision that it was held against; none: the estimate of an open month.
    pub revision: Option<i32>,
    /// Of every amount on both sides.
    pub currency: Currency,
    /// Our total, adjustments included.
    pub estimate: Money,
    /// The invoice's total; a sum that is not in whole minor units is rounded half up.
    pub invoice: Money,
    /// Every line of either side.
    pub lines: Vec<LineDifference>,
    /// Why they differ, in the order in which the effects were told apart.
    pub causes: Vec<Cause>,
    /// What no cause explains, by line; with the parts of the causes it sums to the differences.
    pub unexplained: Amounts,
    /// Both sides by project; the invoices sum to its total.
    pub projects: Vec<ProjectDifference>,
}

impl Reconciliation {
    /// What the invoice has more.
    #[must_use]
    pub fn difference(&self) -> Money {
        let minor_units = self.invoice.minor_units - self.estimate.minor_units;
        Money { minor_units, currency: self.currency }
    }

    /// Whether every line is explained, or equal.
    #[must_use]
    pub fn is_explained(&self) -> bool {
        self.unexplained.is_zero()
    }
}

/// Holds an invoice against a bill.
///
/// # Errors
/// Usage that cannot be rated, and amounts outside 128-bit integers.
pub fn reconcile(
    facts: &Facts<'_>,
    bill: &Bill,
    invoice: &Invoice,
) -> Result<Reconciliation, RatingError> {
    let explanation = causes::explain(facts, bill, invoice)?;
    let invoiced = invoice.amounts(bill.currency);
    let estimate = Estimate::of(bill, facts.adjustments);
    let Facts { usage, book, adjustments, .. } = facts;
    Ok(Reconciliation {
        account: bill.account.clone(),
        month: bill.month,
        revision: facts.revision,
        currency: bill.currency,
        estimate: estimate.total,
        invoice: invoiced.total(bill.currency)?,
        lines: difference::by_line(&estimate, invoice, &invoiced),
        causes: explanation.causes,
        unexplained: explanation.unexplained,
        projects: difference::by_project(bill, adjustments, usage, book, &invoiced)?,
    })
}
