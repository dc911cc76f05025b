//! Who has how much of a credit or charge.
//!
//! Pure. The amount is split as the bill is: whole minor units by largest
//! remainder, here on the projects' cost, ties to the smaller project id; a
//! credit as its absolute value, with the sign put back.

use std::collections::BTreeMap;

use num_bigint::BigUint;

use super::BillingError;
use crate::domain::{Adjustment, AdjustmentScope, AppliedAdjustment, ProjectId};
use crate::rating::Bill;
use crate::rating::allocate::largest_remainder;

/// Splits adjustments over the projects of a bill.
///
/// # Errors
/// [`BillingError::AdjustmentCurrency`] for one in another currency.
pub fn apply(
    bill: &Bill,
    adjustments: Vec<Adjustment>,
    cost_centres: &BTreeMap<ProjectId, String>,
) -> Result<Vec<AppliedAdjustment>, BillingError> {
    let applied = adjustments.into_iter().map(|adjustment| {
        let members = members(bill, &adjustment.scope, cost_centres);
        split(bill, adjustment, members)
    });
    applied.collect()
}

/// The projects that take part, by the bytes of their ids.
///
/// Those of a cost centre without usage share where none of it was used.
fn members(
    bill: &Bill,
    scope: &AdjustmentScope,
    cost_centres: &BTreeMap<ProjectId, String>,
) -> Vec<ProjectId> {
    let used = || bill.projects.iter().map(|project| project.project_id.clone());
    match scope {
        AdjustmentScope::Account => used().collect(),
        AdjustmentScope::Project(project_id) => vec![project_id.clone()],
        AdjustmentScope::CostCentre(name) => {
            let belongs = |id: &ProjectId| cost_centres.get(id) == Some(name);
            let members: Vec<ProjectId> = used().filter(belongs).collect();
            if members.is_empty() {
                cost_centres.keys().filter(|id| belongs(id)).cloned().collect()
            } else {
                members
            }
        }
    }
}

/// Splits one adjustment over given projects by their cost; equally where none has any.
///
/// # Errors
/// [`BillingError::AdjustmentCurrency`] for one in another currency.
pub fn split(
    bill: &Bill,
    adjustment: Adjustment,
    members: Vec<ProjectId>,
) -> Result<AppliedAdjustment, BillingError> {
    if adjustment.amount.currency != bill.currency {
        return Err(BillingError::AdjustmentCurrency {
            adjustment_id: adjustment.adjustment_id,
            month: bill.month,
            found: adjustment.amount.currency.code(),
            expected: bill.currency.code(),
        });
    }
    let cost = |id: &ProjectId| {
        let project = bill.projects.iter().find(|project| project.project_id == *id);
        BigUint::from(project.map_or(0, |project| project.cost_minor_units.unsigned_abs()))
    };
    let mut weights: Vec<BigUint> = members.iter().map(cost).collect();
    if weights.iter().all(|weight| *weight == BigUint::ZERO) {
        weights.fill(1_u32.into());
    }
    let parts = largest_remainder(adjustment.amount.minor_units, &weights);
    let unallocated = adjustment.amount.minor_units - parts.iter().sum::<i128>();
    let shares = members.into_iter().zip(parts).collect();
    Ok(AppliedAdjustment { adjustment, shares, unallocated })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccountId, Currency, Money, Month};
    use crate::rating::ProjectAllocation;
    use proptest::prelude::*;

    fn id(text: &str) -> ProjectId {
        ProjectId::new(text).expect("valid")
    }

    fn bill(costs: &[(&str, i128)]) -> Bill {
        let currency = Currency::from_code("USD").expect("known");
        let (account, month) =
            (AccountId::new("default").expect("name"), Month::parse("2031-03").expect("month"));
        let book = crate::rating::PriceBook::embedded("tiered").expect("known").expect("valid");
        let mut bill = crate::rating::rate(&account, month, &[], &book).expect("rated");
        let project = |(project, cents): &(&str, i128)| ProjectAllocation {
            project_id: id(project),
            cost_minor_units: *cents,
            days: Vec::new(),
        };
        bill.projects = costs.iter().map(project).collect();
        bill.total = Money { minor_units: costs.iter().map(|(_, cents)| cents).sum(), currency };
        bill
    }

    fn applied(
        costs: &[(&str, i128)],
        cents: i128,
        scope: AdjustmentScope,
        tags: &[(&str, &str)],
    ) -> AppliedAdjustment {
        let bill = bill(costs);
        let amount = Money { minor_units: cents, currency: bill.currency };
        let month = bill.month;
        let adjustment =
            Adjustment { adjustment_id: 1, month, amount, scope, reason: "test".to_owned() };
        let tags = tags.iter().map(|(project, tag)| (id(project), (*tag).to_owned())).collect();
        apply(&bill, vec![adjustment], &tags).expect("split").remove(0)
    }

    fn shares(applied: &AppliedAdjustment) -> Vec<(&str, i128)> {
        applied.shares.iter().map(|(id, share)| (id.as_str(), *share)).collect()
    }

    #[test]
    fn an_adjustment_goes_to_its_project_or_by_cost() {
        let costs = [("A", 200), ("B", 100), ("C", 0)];
        let account = || AdjustmentScope::Account;
        assert_eq!(
            shares(&applied(&costs, -100, account(), &[])),
            [("A", -67), ("B", -33), ("C", 0)]
        );
        assert_eq!(shares(&applied(&costs, 5, AdjustmentScope::Project(id("Z")), &[])), [("Z", 5)]);
        let centre = || AdjustmentScope::CostCentre("ops".to_owned());
        let tags = [("B", "ops"), ("C", "ops"), ("A", "research")];
        assert_eq!(shares(&applied(&costs, 7, centre(), &tags)), [("B", 7), ("C", 0)]);
    }

    #[test]
    fn without_cost_the_parts_are_equal_and_without_projects_nobody_has_any() {
        let free = [("A", 0), ("B", 0)];
        assert_eq!(
            shares(&applied(&free, -3, AdjustmentScope::Account, &[])),
            [("A", -2), ("B", -1)]
        );
        let centre = || AdjustmentScope::CostCentre("ops".to_owned());
        assert_eq!(shares(&applied(&free, 2, centre(), &[("Z", "ops")])), [("Z", 2)]);
        for scope in [AdjustmentScope::Account, centre()] {
            assert_eq!(applied(&[], -3, scope, &[]).unallocated, -3);
        }
    }

    proptest! {
        #[test]
        fn the_parts_always_sum_to_the_amount(
            cents in -1_000_000_i64..1_000_000,
            costs in proptest::collection::vec(0_i64..1_000_000, 0..12),
        ) {
            let names: Vec<String> = (0..costs.len()).map(|at| format!("P{at:02}")).collect();
            let costs: Vec<(&str, i128)> = names
                .iter()
                .zip(&costs)
                .map(|(name, cost)| (name.as_str(), i128::from(*cost)))
                .collect();
            let applied = applied(&costs, i128::from(cents), AdjustmentScope::Account, &[]);
            let sum = applied.shares.iter().map(|(_, share)| share).sum::<i128>();
            prop_assert_eq!(sum + applied.unallocated, i128::from(cents));
            let sign = i128::from(cents.signum());
            prop_assert!(applied.shares.iter().all(|(_, share)| share * sign >= 0));
        }
    }
}
