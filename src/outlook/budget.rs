//! What may be spent in a month, and how far the month has come.
//!
//! Owns budgets and their thresholds. Does not keep them, and tells nobody.

use std::collections::BTreeMap;
use std::fmt;

use chrono::NaiveDate;

use super::Outlook;
use super::month::RunningTotal;
use crate::domain::{Money, ProjectId};
use crate::rating::Bill;

/// Per cent of a budget at which operators are told, unless it names its own.
pub const DEFAULT_THRESHOLDS_PERCENT: [u32; 3] = [50, 80, 100];

/// Largest threshold, in per cent.
const HIGHEST_THRESHOLD_PERCENT: u32 = 1_000;

/// The thresholds in rising order.
///
/// # Errors
/// A text that says what is wrong: none at all, or one outside 1 to 1,000.
pub fn check_thresholds(mut percent: Vec<u32>) -> Result<Vec<u32>, String> {
    percent.sort_unstable();
    percent.dedup();
    let allowed = 1..=HIGHEST_THRESHOLD_PERCENT;
    match percent.iter().find(|percent| !allowed.contains(percent)) {
        Some(other) => {
            Err(format!("{other} is not from 1 to {HIGHEST_THRESHOLD_PERCENT} per cent"))
        }
        None if percent.is_empty() => Err("there is none".to_owned()),
        None => Ok(percent),
    }
}

/// What a budget is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum BudgetScope {
    /// The whole bill.
    Account,
    /// One project.
    Project(ProjectId),
    /// All projects with this cost centre.
    CostCentre(String),
}

impl BudgetScope {
    /// Word and name, as tables and messages to programs have them.
    #[must_use]
    pub fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Account => ("account", ""),
            Self::Project(id) => ("project", id.as_str()),
            Self::CostCentre(name) => ("cost_centre", name),
        }
    }

    /// The scope of such parts.
    #[must_use]
    pub fn from_parts(scope: &str, name: &str) -> Option<Self> {
        match scope {
            "account" => Some(Self::Account),
            "project" => ProjectId::new(name).ok().map(Self::Project),
            "cost_centre" => Some(Self::CostCentre(name.to_owned())),
            _ => None,
        }
    }
}

impl fmt::Display for BudgetScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account => f.write_str("account"),
            Self::Project(id) => write!(f, "project {id}"),
            Self::CostCentre(name) => write!(f, "cost centre {name}"),
        }
    }
}

/// An amount for each calendar month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// For what.
    pub scope: BudgetScope,
    /// For a month; above 0.
    pub amount: Money,
    /// Rising, in per cent of the amount; each is told once a month.
    pub thresholds_percent: Vec<u32>,
}

/// How a budget stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetState {
    /// The budget.
    pub budget: Budget,
    /// Spent so far.
    pub to_date: Money,
    /// Expected at the month's end; none without a forecast.
    pub expected: Option<Money>,
    /// Thresholds that have been reached, in per cent.
    pub reached_percent: Vec<u32>,
    /// Whether the forecast is above the amount.
    pub is_forecast_over: bool,
    /// Day on which it is, or will be, used up; none when it lasts or nothing is foretold.
    pub used_up_on: Option<NaiveDate>,
}

/// How each budget stands. `cost_centres` has those of the projects that have one.
///
/// A budget in another currency than the bill is left out: no rate is known.
#[must_use]
pub fn states(
    budgets: &[Budget],
    outlook: &Outlook,
    cost_centres: &BTreeMap<ProjectId, String>,
) -> Vec<BudgetState> {
    let currency = outlook.to_date().currency;
    let same_currency = budgets.iter().filter(|budget| budget.amount.currency == currency);
    same_currency.map(|budget| state(budget, outlook, cost_centres)).collect()
}

fn state(
    budget: &Budget,
    outlook: &Outlook,
    cost_centres: &BTreeMap<ProjectId, String>,
) -> BudgetState {
    let counts = |project: &ProjectId| match &budget.scope {
        BudgetScope::Account => true,
        BudgetScope::Project(id) => id == project,
        BudgetScope::CostCentre(name) => cost_centres.get(project) == Some(name),
    };
    let is_account = budget.scope == BudgetScope::Account;
    let of_bill = |bill: &Bill| {
        let costs = bill.projects.iter().filter(|project| counts(&project.project_id));
        let sum = costs.map(|project| project.cost_minor_units).sum();
        Money { minor_units: if is_account { bill.total.minor_units } else { sum }, ..bill.total }
    };
    let of_day = |total: &RunningTotal| {
        let costs = total.project_minor_units.iter().filter(|(project, _)| counts(project));
        if is_account { total.total_minor_units } else { costs.map(|(_, cost)| cost).sum() }
    };
    let amount = budget.amount.minor_units;
    let to_date = of_bill(outlook.to_date());
    let forecast = outlook.forecast();
    let expected = forecast.map(|forecast| of_bill(&forecast.expected));
    let used_up = outlook.days().totals.iter().find(|total| of_day(total) >= amount);
    let is_reached = |percent: &u32| to_date.minor_units * 100 >= amount * i128::from(*percent);
    BudgetState {
        budget: budget.clone(),
        reached_percent: budget.thresholds_percent.iter().copied().filter(is_reached).collect(),
        is_forecast_over: expected.is_some_and(|expected| expected.minor_units > amount),
        used_up_on: used_up.map(|total| total.day),
        to_date,
        expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::DayUsage;
    use crate::outlook::month::testing::{account, day, flat, tiered};
    use crate::outlook::month::{Known, forecast};

    fn outlook(usage: &[DayUsage], last_day: &str) -> Outlook {
        let (account, book) = (account(), tiered());
        let last_day = day(last_day);
        forecast(Known { account: &account, last_day, usage, unknown: &[], book: &book })
            .expect("rated")
    }

    fn budget(scope: BudgetScope, minor_units: i128) -> Budget {
        let currency = tiered().currency;
        let amount = Money { minor_units, currency };
        Budget { scope, amount, thresholds_percent: DEFAULT_THRESHOLDS_PERCENT.to_vec() }
    }

    fn project(id: &str) -> ProjectId {
        ProjectId::new(id).expect("id")
    }

    #[test]
    fn thresholds_are_reached_by_what_is_spent_and_the_forecast_looks_ahead() {
        // 2,000 minutes a day: 20,000 by the tenth, 62,000 in the month.
        let outlook = outlook(&flat("P1", "2031-03-01", "2031-05-10", 120_000), "2031-05-10");
        let [state] =
            &states(&[budget(BudgetScope::Account, 1_200)], &outlook, &BTreeMap::new())[..]
        else {
            panic!("one budget")
        };
        assert_eq!(
            (state.to_date.to_string().as_str(), &state.reached_percent[..]),
            ("9.90", &[50, 80][..])
        );
        assert_eq!(state.expected.expect("foretold").to_string(), "51.48");
        assert!(state.is_forecast_over);
        // 22,122 minutes cost 12.00: within the twelfth day.
        assert_eq!(state.used_up_on, Some(day("2031-05-12")));
    }

    #[test]
    fn a_cost_centre_is_the_sum_of_its_projects() {
        let mut usage = flat("P1", "2031-03-01", "2031-05-20", 600_000);
        usage.extend(flat("P2", "2031-03-01", "2031-05-20", 600_000));
        usage.extend(flat("P3", "2031-03-01", "2031-05-20", 600_000));
        let outlook = outlook(&usage, "2031-05-20");
        let centres = [("P1", "ops"), ("P2", "ops"), ("P3", "sales")];
        let centres = centres.map(|(id, centre)| (project(id), centre.to_owned()));
        let budgets = [
            budget(BudgetScope::CostCentre("ops".to_owned()), 100_000),
            budget(BudgetScope::Project(project("P3")), 100_000),
            budget(BudgetScope::CostCentre("none".to_owned()), 1),
        ];
        let found = states(&budgets, &outlook, &BTreeMap::from(centres));
        let spent: Vec<i128> = found.iter().map(|state| state.to_date.minor_units).collect();
        assert!((spent[0] - 2 * spent[1]).abs() <= 1 && spent[2] == 0, "{spent:?}");
        assert_eq!((found[2].used_up_on, found[2].is_forecast_over), (None, false));
    }

    #[test]
    fn without_a_forecast_thresholds_still_work_and_other_currencies_are_left_out() {
        let outlook = outlook(&flat("P1", "2031-05-01", "2031-05-10", 6_000_000), "2031-05-10");
        let yuan = crate::domain::Currency::from_code("CNY").expect("known");
        let mut other = budget(BudgetScope::Account, 1);
        other.amount.currency = yuan;
        let found = states(&[budget(BudgetScope::Account, 1), other], &outlook, &BTreeMap::new());
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].expected, found[0].used_up_on), (None, Some(day("2031-05-01"))));
        assert_eq!(found[0].reached_percent, DEFAULT_THRESHOLDS_PERCENT);
    }
}
