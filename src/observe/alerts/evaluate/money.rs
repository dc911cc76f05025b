//! What the newest look ahead has to tell operators.

use chrono::NaiveDate;
use serde_json::json;

use crate::domain::{AccountId, Month};
use crate::observe::alerts::{Event, EventKind};
use crate::store::forecasts::{AnomalyFact, BudgetFact, ForecastFact, OutlookFacts};

/// The events of one account.
pub(super) fn evaluate(account: &AccountId, facts: &OutlookFacts) -> Vec<Event> {
    let own = facts.forecasts.iter().filter(|fact| fact.account_id == account.as_str());
    let mut events: Vec<Event> = own.flat_map(|forecast| of_month(forecast, facts)).collect();
    let is_own = |odd: &&AnomalyFact| odd.account_id == account.as_str();
    events.extend(facts.anomalies.iter().filter(is_own).map(odd_day));
    events
}

fn of_month(forecast: &ForecastFact, facts: &OutlookFacts) -> Vec<Event> {
    let month = Month::of(forecast.month);
    let is_own = |budget: &&BudgetFact| {
        budget.account_id == forecast.account_id && budget.month == forecast.month
    };
    let budgets = || facts.budgets.iter().filter(is_own);
    let mut events: Vec<Event> =
        budgets().flat_map(|budget| thresholds(budget, forecast, month)).collect();
    events.extend(budgets().filter_map(|budget| expected_over(budget, forecast, month)));
    events.extend(free_minutes(forecast, month));
    events
}

/// "project P1", "cost centre sales" or "the account".
fn whose(budget: &BudgetFact) -> String {
    match budget.scope.as_str() {
        "project" => format!("project {}", budget.name),
        "cost_centre" => format!("cost centre {}", budget.name),
        _ => "the account".to_owned(),
    }
}

fn subject(budget: &BudgetFact, month: Month) -> String {
    format!("{month}/{}/{}", budget.scope, budget.name)
}

/// One event a threshold and month: each is told once, however often it is seen.
fn thresholds(budget: &BudgetFact, forecast: &ForecastFact, month: Month) -> Vec<Event> {
    let event = |percent: &i32| {
        let (currency, spent, amount) =
            (&forecast.currency, plain(&budget.to_date), plain(&budget.amount));
        Event {
            kind: EventKind::Budget,
            subject: format!("{}/{percent}", subject(budget, month)),
            message: format!(
                "{}: {percent} % of the budget of {month} is reached, {currency} {spent} of \
                 {amount} by {}",
                whose(budget),
                forecast.last_day
            ),
            details: json!({
                "scope": budget.scope,
                "name": budget.name,
                "month": month.to_string(),
                "percent": percent,
                "to_date": spent,
                "amount": amount,
                "currency": currency,
            }),
            is_fading: false,
        }
    };
    budget.reached_percent.iter().map(event).collect()
}

fn expected_over(budget: &BudgetFact, forecast: &ForecastFact, month: Month) -> Option<Event> {
    let expected = plain(budget.expected.as_deref().filter(|_| budget.is_forecast_near)?);
    let amount = plain(&budget.amount);
    let when = budget.used_up_on.map(|day| format!(", used up on {day}")).unwrap_or_default();
    Some(Event {
        kind: EventKind::BudgetForecast,
        subject: subject(budget, month),
        message: format!(
            "{}: {} {expected} is expected in {month}, over the budget of {amount}{when}",
            whose(budget),
            forecast.currency
        ),
        details: json!({
            "scope": budget.scope,
            "name": budget.name,
            "month": month.to_string(),
            "expected": expected,
            "amount": amount,
            "used_up_on": budget.used_up_on,
            "currency": forecast.currency,
        }),
        is_fading: !budget.is_forecast_over,
    })
}

fn free_minutes(forecast: &ForecastFact, month: Month) -> Option<Event> {
    let day: NaiveDate = forecast.first_billed_day?;
    let tense = if day <= forecast.last_day { "were used up" } else { "will be used up" };
    Some(Event {
        kind: EventKind::FreeMinutes,
        subject: month.to_string(),
        message: format!("the included minutes of {month} {tense} on {day}"),
        details: json!({ "month": month.to_string(), "day": day }),
        is_fading: false,
    })
}

fn odd_day(odd: &AnomalyFact) -> Event {
    let (worth, usual) = (plain(&odd.worth), plain(&odd.usual));
    Event {
        kind: EventKind::Anomaly,
        subject: format!("{}/{}", odd.day, odd.project_id),
        message: format!(
            "project {}: {} was worth {} {worth} at list price, {usual} is usual on that \
             weekday; {} {} strayed most",
            odd.project_id, odd.day, odd.currency, odd.service, odd.media
        ),
        details: json!({
            "day": odd.day,
            "project_id": odd.project_id,
            "service": odd.service,
            "media": odd.media,
            "worth": worth,
            "usual": usual,
            "currency": odd.currency,
        }),
        is_fading: false,
    }
}

/// "12.500000" as "12.50": at least two decimal places, and no more zeros than those.
fn plain(amount: &str) -> String {
    let Some((whole, fraction)) = amount.split_once('.') else { return amount.to_owned() };
    let fraction = fraction.trim_end_matches('0');
    format!("{whole}.{fraction:0<2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("day")
    }

    fn facts() -> OutlookFacts {
        let account_id = "default".to_owned();
        let forecast = ForecastFact {
            account_id: account_id.clone(),
            month: day("2031-05-01"),
            last_day: day("2031-05-10"),
            currency: "USD".to_owned(),
            to_date: "9.900000".to_owned(),
            expected: Some("51.480000".to_owned()),
            low: Some("50.000000".to_owned()),
            high: Some("53.000000".to_owned()),
            first_billed_day: Some(day("2031-05-06")),
        };
        let budget = BudgetFact {
            account_id: account_id.clone(),
            month: day("2031-05-01"),
            scope: "account".to_owned(),
            name: String::new(),
            amount: "12.000000".to_owned(),
            to_date: "9.900000".to_owned(),
            expected: Some("51.480000".to_owned()),
            reached_percent: vec![50, 80],
            is_forecast_over: true,
            is_forecast_near: true,
            used_up_on: Some(day("2031-05-12")),
        };
        let odd = AnomalyFact {
            account_id,
            day: day("2031-05-10"),
            project_id: "P1".to_owned(),
            service: "rtc".to_owned(),
            media: "hd".to_owned(),
            worth: "49.800000".to_owned(),
            usual: "9.900000".to_owned(),
            currency: "USD".to_owned(),
        };
        OutlookFacts { forecasts: vec![forecast], budgets: vec![budget], anomalies: vec![odd] }
    }

    #[test]
    fn each_threshold_the_forecast_and_the_free_minutes_are_events_of_their_month() {
        let account = AccountId::new("default").expect("name");
        let events = evaluate(&account, &facts());
        let told: Vec<String> = events
            .iter()
            .map(|event| format!("{} {}: {}", event.kind.name(), event.subject, event.message))
            .collect();
        assert_eq!(
            told,
            [
                "budget 2031-05/account//50: the account: 50 % of the budget of 2031-05 is reached, USD 9.90 of 12.00 by 2031-05-10",
                "budget 2031-05/account//80: the account: 80 % of the budget of 2031-05 is reached, USD 9.90 of 12.00 by 2031-05-10",
                "budget_forecast 2031-05/account/: the account: USD 51.48 is expected in 2031-05, over the budget of 12.00, used up on 2031-05-12",
                "free_minutes 2031-05: the included minutes of 2031-05 were used up on 2031-05-06",
                "anomaly 2031-05-10/P1: project P1: 2031-05-10 was worth USD 49.80 at list price, 9.90 is usual on that weekday; rtc hd strayed most",
            ]
        );
        let other = AccountId::new("other").expect("name");
        assert!(evaluate(&other, &facts()).is_empty());
    }
}
