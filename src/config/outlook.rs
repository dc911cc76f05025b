//! Settings of looking ahead: budgets, and how odd a day must be.

use serde::Deserialize;

use super::{ConfigError, value};
use crate::account_outlook::{BudgetSetting, OutlookSettings};
use crate::domain::{AccountId, ProjectId};
use crate::outlook::budget::{BudgetScope, DEFAULT_THRESHOLDS_PERCENT, check_thresholds};

/// Keys of a `[[budget]]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBudget {
    account: Option<String>,
    project: Option<String>,
    cost_centre: Option<String>,
    amount: String,
    thresholds: Option<Vec<u32>>,
}

impl RawBudget {
    /// The account that it names.
    pub(super) fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }
}

/// The part of the settings that is about one account.
///
/// # Errors
/// [`ConfigError`] that names the budget and the key.
pub(super) fn resolve(
    account: &AccountId,
    budgets: &[RawBudget],
    anomaly_floor: Option<&str>,
) -> Result<OutlookSettings, ConfigError> {
    let of_account =
        |budget: &&RawBudget| budget.account.as_deref().unwrap_or("default") == account.as_str();
    let floor = anomaly_floor.unwrap_or(OutlookSettings::DEFAULT_ANOMALY_FLOOR);
    if !is_amount(floor) {
        return Err(value(format!("anomaly_floor = '{floor}' is not an amount such as \"5.00\"")));
    }
    let budgets: Vec<BudgetSetting> =
        budgets.iter().filter(of_account).map(budget).collect::<Result<_, _>>()?;
    let twice = |(at, one): (usize, &BudgetSetting)| {
        budgets[..at].iter().any(|other| other.scope == one.scope).then(|| one.scope.clone())
    };
    if let Some(scope) = budgets.iter().enumerate().find_map(twice) {
        return Err(value(format!(
            "budget of {scope} is there twice; keep one [[budget]] of them"
        )));
    }
    Ok(OutlookSettings { budgets, anomaly_floor: floor.to_owned() })
}

fn budget(raw: &RawBudget) -> Result<BudgetSetting, ConfigError> {
    let scope = match (&raw.project, &raw.cost_centre) {
        (None, None) => BudgetScope::Account,
        (Some(id), None) => BudgetScope::Project(
            ProjectId::new(id)
                .map_err(|error| value(format!("budget: project = '{id}': {error}")))?,
        ),
        (None, Some(name)) if !name.is_empty() => BudgetScope::CostCentre(name.clone()),
        (None, Some(_)) => return Err(value("budget: cost_centre is empty".to_owned())),
        (Some(_), Some(_)) => {
            return Err(value("budget: give project or cost_centre, not both".to_owned()));
        }
    };
    if !is_amount(&raw.amount) {
        let message = format!(
            "budget of {scope}: amount = '{}' is not an amount such as \"1200.00\"",
            raw.amount
        );
        return Err(value(message));
    }
    let thresholds = raw.thresholds.clone().unwrap_or_else(|| DEFAULT_THRESHOLDS_PERCENT.to_vec());
    let thresholds_percent = check_thresholds(thresholds)
        .map_err(|why| value(format!("budget of {scope}: thresholds: {why}")))?;
    Ok(BudgetSetting { scope, amount: raw.amount.clone(), thresholds_percent })
}

/// Whether it is a plain decimal above 0; the currency comes with the price book.
fn is_amount(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_number(whole) && is_number(fraction) && text.bytes().any(|b| (b'1'..=b'9').contains(&b))
}
