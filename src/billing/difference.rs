//! What changed between two bills of one month.

use std::collections::{BTreeMap, BTreeSet};

use num_rational::BigRational;
use num_traits::Zero;

use super::RatedMonth;
use crate::domain::{Money, ProjectId};
use crate::rating::BillLine;

/// An amount that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<K, A> {
    /// Whose amount.
    pub of: K,
    /// In the earlier bill; 0 where it lacks it.
    pub before: A,
    /// In the later bill; 0 where it lacks it.
    pub after: A,
}

/// Every amount that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What is due, with adjustments: before and after.
    pub amount_due: (Money, Money),
    /// Exact amounts of lines, by `service media tier`, and of charges, by their kind.
    pub lines: Vec<Change<String, BigRational>>,
    /// Minor units of adjustments, by number.
    pub adjustments: Vec<Change<i64, i128>>,
    /// Minor units of projects, adjustments included, by the bytes of their ids.
    pub projects: Vec<Change<ProjectId, i128>>,
}

impl Difference {
    /// From an earlier bill to a later one.
    #[must_use]
    pub fn between(before: &RatedMonth, after: &RatedMonth) -> Self {
        Self {
            amount_due: (before.amount_due(), after.amount_due()),
            lines: changes(&lines(before), &lines(after), BigRational::zero),
            adjustments: changes(&adjustments(before), &adjustments(after), || 0),
            projects: changes(&projects(before), &projects(after), || 0),
        }
    }

    /// Whether no amount changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.amount_due.0 == self.amount_due.1
            && self.lines.is_empty()
            && self.adjustments.is_empty()
            && self.projects.is_empty()
    }
}

fn changes<K: Ord + Clone, A: PartialEq + Clone>(
    before: &BTreeMap<K, A>,
    after: &BTreeMap<K, A>,
    nothing: impl Fn() -> A,
) -> Vec<Change<K, A>> {
    let keys: BTreeSet<&K> = before.keys().chain(after.keys()).collect();
    let change = |key: &K| Change {
        of: key.clone(),
        before: before.get(key).cloned().unwrap_or_else(&nothing),
        after: after.get(key).cloned().unwrap_or_else(&nothing),
    };
    keys.into_iter().map(change).filter(|change| change.before != change.after).collect()
}

fn lines(month: &RatedMonth) -> BTreeMap<String, BigRational> {
    let line = |line: &BillLine| {
        (format!("{} {} {}", line.label(), line.media, line.tier), line.amount.clone())
    };
    let mut amounts: BTreeMap<String, BigRational> = month.bill.lines.iter().map(line).collect();
    // Several charges of a kind, such as top-ups, count as one.
    for charge in &month.bill.charges {
        *amounts.entry(charge.kind.name().to_owned()).or_insert_with(BigRational::zero) +=
            &charge.amount;
    }
    amounts
}

fn adjustments(month: &RatedMonth) -> BTreeMap<i64, i128> {
    let adjustments = month.adjustments.iter().map(|applied| &applied.adjustment);
    adjustments.map(|a| (a.adjustment_id, a.amount.minor_units)).collect()
}

fn projects(month: &RatedMonth) -> BTreeMap<ProjectId, i128> {
    let mut costs: BTreeMap<ProjectId, i128> = BTreeMap::new();
    for project in &month.bill.projects {
        *costs.entry(project.project_id.clone()).or_default() += project.cost_minor_units;
    }
    for (project_id, share) in month.adjustments.iter().flat_map(|applied| &applied.shares) {
        *costs.entry(project_id.clone()).or_default() += share;
    }
    costs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_is_told_and_what_is_lacking_counts_as_nothing() {
        let before = BTreeMap::from([("a", 1), ("b", 2), ("c", 0)]);
        let after = BTreeMap::from([("a", 1), ("b", 3), ("d", 4)]);
        let told = changes(&before, &after, || 0);
        let told: Vec<_> =
            told.iter().map(|change| (change.of, change.before, change.after)).collect();
        assert_eq!(told, [("b", 2, 3), ("d", 0, 4)]);
    }
}
