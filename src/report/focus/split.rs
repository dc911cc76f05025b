//! What of each allocated cost is usage, and what was bought, committed or taxed.
//!
//! An allocation has every cent of the bill in it, whatever the cent is for. FOCUS
//! keeps them apart, so each line's cost is taken to pieces here: the bill's tax,
//! its commitment and what was paid ahead are dealt out over the lines by their
//! cost, by largest remainder, and usage is the rest. Each piece thus sums to its
//! charge, all of them to the line, and the rounding of the total stays with usage.

use std::collections::{BTreeMap, HashMap};
use std::ops::AddAssign;

use chrono::NaiveDate;
use num_bigint::BigUint;
use num_rational::BigRational;
use num_traits::Zero;

use crate::domain::{Media, Service};
use crate::rating::allocate::largest_remainder;
use crate::rating::{ALLOCATION_SCALE, Bill, Charge, ChargeKind, decimal_units};

use super::super::{ReportError, table};

/// A cost and what it is for, in 1e-6 of the currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Parts {
    /// Billed for usage itself.
    pub(super) usage: i128,
    /// Package and top-ups of standard minutes, which usage consumes.
    pub(super) prepaid: i128,
    /// Missing to the minimum commitment.
    pub(super) commitment: i128,
    /// Tax.
    pub(super) tax: i128,
}

impl Parts {
    /// What is left beside a purchase where no usage caused anything is the rounding of
    /// the total: too little for a row of its own.
    const fn without_rounding(mut self) -> Self {
        if self.prepaid != 0 {
            self.prepaid += self.usage;
            self.usage = 0;
        } else if self.commitment != 0 {
            self.commitment += self.usage;
            self.usage = 0;
        }
        self
    }
}

impl AddAssign for Parts {
    fn add_assign(&mut self, other: Self) {
        self.usage += other.usage;
        self.prepaid += other.prepaid;
        self.commitment += other.commitment;
        self.tax += other.tax;
    }
}

/// Parts of a project's costs by day, service and media.
pub(super) type ProjectParts = BTreeMap<(NaiveDate, Service, Media), Parts>;

/// The parts of a whole bill.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BillParts<'a> {
    /// By project.
    pub(super) projects: HashMap<&'a str, ProjectParts>,
    /// Of what belongs to no project.
    pub(super) unallocated: Parts,
}

/// Takes every allocated cost of the bill to pieces.
///
/// # Errors
/// [`ReportError`] for an amount outside 128-bit integers.
pub(super) fn split(bill: &Bill) -> Result<BillParts<'_>, ReportError> {
    let lines = bill.projects.iter().flat_map(|project| {
        let lines =
            project.days.iter().flat_map(|day| day.lines.iter().map(|line| (day.day, line)));
        lines
            .map(|(day, line)| (project.project_id.as_str(), (day, line.service, line.media), line))
    });
    let mut rest: Vec<i128> = lines.clone().map(|(.., line)| line.cost_micro_units).collect();
    rest.push(table::money_units(bill.unallocated, ALLOCATION_SCALE)?);
    let tax = take(charged(bill, ChargeKind::Tax)?, &mut rest);
    let commitment = take(charged(bill, ChargeKind::Commitment)?, &mut rest);
    let prepaid = take(prepaid(bill)?, &mut rest);
    let parts = |at: usize| Parts {
        usage: rest.get(at).copied().unwrap_or(0),
        prepaid: prepaid.get(at).copied().unwrap_or(0),
        commitment: commitment.get(at).copied().unwrap_or(0),
        tax: tax.get(at).copied().unwrap_or(0),
    };
    let mut projects: HashMap<&str, ProjectParts> = HashMap::new();
    for (at, (project, key, _)) in lines.enumerate() {
        *projects.entry(project).or_default().entry(key).or_default() += parts(at);
    }
    Ok(BillParts { projects, unallocated: parts(rest.len() - 1).without_rounding() })
}

/// Deals a total out over the costs that are left, and takes it off them; nothing where it is 0.
fn take(total: i128, rest: &mut [i128]) -> Vec<i128> {
    if total == 0 {
        return Vec::new();
    }
    let weights: Vec<BigUint> = rest.iter().map(|cost| cost.unsigned_abs().into()).collect();
    let parts = largest_remainder(total, &weights);
    for (cost, part) in rest.iter_mut().zip(&parts) {
        *cost -= part;
    }
    parts
}

fn sum<'a>(charges: impl Iterator<Item = &'a Charge>) -> BigRational {
    charges.fold(BigRational::zero(), |sum, charge| sum + &charge.amount)
}

fn of_kind(bill: &Bill, kind: ChargeKind) -> impl Iterator<Item = &Charge> {
    bill.charges.iter().filter(move |charge| charge.kind == kind)
}

fn charged(bill: &Bill, kind: ChargeKind) -> Result<i128, ReportError> {
    Ok(decimal_units(&sum(of_kind(bill, kind)), ALLOCATION_SCALE)?)
}

/// Package and top-ups, less their share of the discount on all usage.
fn prepaid(bill: &Bill) -> Result<i128, ReportError> {
    let of_usage = [ChargeKind::Package, ChargeKind::TopUp, ChargeKind::Overage];
    let [package, top_ups, overage] = of_usage.map(|kind| sum(of_kind(bill, kind)));
    let prepaid = package + top_ups;
    let lines = bill.lines.iter().map(|line| &line.amount);
    let gross = lines.fold(&prepaid + overage, |sum, amount| sum + amount);
    if prepaid.is_zero() || gross.is_zero() {
        return Ok(0);
    }
    let discount = sum(of_kind(bill, ChargeKind::Discount));
    Ok(decimal_units(&(&prepaid + discount * &prepaid / gross), ALLOCATION_SCALE)?)
}
