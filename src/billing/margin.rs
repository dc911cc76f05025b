//! What a month costs beside what it sells for.
//!
//! Owns the pairing of the two sides by project. The cost side is the bill with its
//! adjustments, the sell side the same usage by the sell price book; neither
//! knows of the other.

use std::collections::BTreeMap;

use super::RatedMonth;
use crate::domain::margin::{MonthMargin, ProjectMargin};
use crate::domain::{Money, ProjectId};
use crate::rating::{Bill, PriceBook, RatingError, TotalRange, rate};
use crate::report::Background;

/// The same month by the sell price book: no adjustments, which are between the
/// account and the platform, and never closed by itself. What Agora leaves open is
/// no question here: customers pay by the book as it was agreed, and have one total.
///
/// # Errors
/// [`RatingError`] where the usage cannot be rated.
pub fn sell_month(cost: &RatedMonth, book: &PriceBook) -> Result<RatedMonth, RatingError> {
    let mut bill = rate(&cost.bill.account, cost.bill.month, &cost.usage.days, book)?;
    bill.range = TotalRange::only(bill.total);
    bill.assumptions.clear();
    Ok(RatedMonth {
        bill,
        book: book.clone(),
        usage: cost.usage.clone(),
        projects: cost.projects.clone(),
        coverage: cost.coverage.clone(),
        holes: cost.holes.clone(),
        adjustments: Vec::new(),
        newest_adjustment: 0,
        closed: None,
        background: Background::default(),
    })
}

/// Pairs a month's bill with the same month by the sell price book, both before
/// tax, which is nobody's margin; none where the two are in different currencies.
///
/// # Errors
/// [`RatingError`] where the usage cannot be rated.
pub fn month_margin(
    cost: &RatedMonth,
    sell: &RatedMonth,
) -> Result<Option<MonthMargin>, RatingError> {
    let currency = cost.bill.currency;
    if sell.bill.currency != currency {
        return Ok(None);
    }
    let (cost_bill, sell_bill) = (before_tax(cost)?, before_tax(sell)?);
    let names: BTreeMap<&ProjectId, &str> =
        sell.projects.iter().map(|project| (&project.project_id, project.name.as_str())).collect();
    let (costs, sells) = (amounts(cost, &cost_bill), amounts(sell, &sell_bill));
    let mut keys: Vec<_> = costs.keys().chain(sells.keys()).collect();
    // What belongs to no project comes last.
    keys.sort_unstable_by_key(|id| (id.is_none(), (*id).clone()));
    keys.dedup();
    let money = |amounts: &BTreeMap<_, i128>, id: &Option<ProjectId>| Money {
        minor_units: amounts.get(id).copied().unwrap_or(0),
        currency,
    };
    let projects = keys.into_iter().map(|id| ProjectMargin {
        project_id: id.clone(),
        project_name: id.as_ref().and_then(|id| names.get(id)).copied().unwrap_or("").to_owned(),
        cost: money(&costs, id),
        sell: money(&sells, id),
    });
    let sum = |amounts: &BTreeMap<_, i128>| Money { minor_units: amounts.values().sum(), currency };
    let (cost, sell) = (sum(&costs), sum(&sells));
    Ok(Some(MonthMargin { cost, sell, projects: projects.collect() }))
}

/// The bill of the month by the same book without its tax.
fn before_tax(month: &RatedMonth) -> Result<Bill, RatingError> {
    let book = month.book.before_tax();
    if book.terms == month.book.terms {
        return Ok(month.bill.clone());
    }
    rate(&month.bill.account, month.bill.month, &month.usage.days, &book)
}

/// Minor units by project, adjustments included; under none what belongs to no project.
fn amounts(month: &RatedMonth, bill: &Bill) -> BTreeMap<Option<ProjectId>, i128> {
    let mut amounts = BTreeMap::new();
    for project in &bill.projects {
        *amounts.entry(Some(project.project_id.clone())).or_default() += project.cost_minor_units;
    }
    for (id, share) in month.adjustments.iter().flat_map(|applied| &applied.shares) {
        *amounts.entry(Some(id.clone())).or_default() += share;
    }
    let of_nobody = month.adjustments.iter().map(|applied| applied.unallocated).sum::<i128>();
    let rest = bill.unallocated.minor_units + of_nobody;
    if rest != 0 {
        amounts.insert(None, rest);
    }
    amounts
}
