//! What lies ahead, as the page shows it.

use serde::Serialize;

use super::super::overview::Overview;
use super::super::wording;
use super::page::Number;
use crate::domain::margin::margin;

/// Budgets, odd days and plans.
#[derive(Debug, Serialize)]
pub(super) struct AheadView {
    sentences: Vec<String>,
    margins: Vec<MarginRow>,
    budgets: Vec<BudgetRow>,
    odd_days: Vec<OddDayRow>,
    plans: Vec<PlanRow>,
    plan_months: String,
}

#[derive(Debug, Serialize)]
struct BudgetRow {
    of: String,
    amount: Number,
    to_date: Number,
    expected: Option<Number>,
    used_up_on: String,
}

#[derive(Debug, Serialize)]
struct OddDayRow {
    day: String,
    project: String,
    cause: String,
    worth: Number,
    usual: Number,
}

#[derive(Debug, Serialize)]
struct PlanRow {
    plan: String,
    is_in_force: bool,
    total: Number,
    saved: Option<Number>,
    break_even: String,
}

#[derive(Debug, Serialize)]
struct MarginRow {
    project: String,
    cost: Number,
    sell: Number,
    margin: Number,
}

/// None where there is nothing to tell, as of a month that is over.
pub(super) fn view(overview: &Overview<'_>) -> Option<AheadView> {
    let ahead = &overview.report.background.ahead;
    if ahead.is_empty() {
        return None;
    }
    let budgets = ahead.budgets.iter().map(|one| BudgetRow {
        of: one.of.clone(),
        amount: Number::money(one.amount),
        to_date: Number::money(one.to_date),
        expected: one.expected.map(Number::money),
        used_up_on: one.used_up_on.map(|day| day.to_string()).unwrap_or_default(),
    });
    let odd_days = ahead.odd_days.iter().map(|one| OddDayRow {
        day: one.day.to_string(),
        project: one.project_id.clone(),
        cause: one.cause.clone(),
        worth: Number::money(one.worth),
        usual: Number::money(one.usual),
    });
    let plans = ahead.plans.iter().map(|one| PlanRow {
        plan: one.plan.clone(),
        is_in_force: one.is_in_force,
        total: Number::money(one.total),
        saved: one.saved.map(Number::money),
        break_even: one.break_even.map(|turn| turn.to_string()).unwrap_or_default(),
    });
    let margins = ahead.margins.iter().map(|one| MarginRow {
        project: one.project_id.clone(),
        cost: Number::money(one.cost),
        sell: Number::money(one.sell),
        margin: Number::money(margin(one.cost, one.sell)),
    });
    Some(AheadView {
        sentences: wording::month_ahead(overview),
        margins: margins.collect(),
        budgets: budgets.collect(),
        odd_days: odd_days.collect(),
        plans: plans.collect(),
        plan_months: ahead.plan_months.clone(),
    })
}
