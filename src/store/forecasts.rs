//! Tables `month_forecast`, `project_forecast`, `budget_state` and `cost_anomaly`.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use sqlx::postgres::PgPool;

use super::error::StoreError;
use super::leases::{self, Lease};
use crate::domain::{AccountId, Money};
use crate::outlook::DAYS_OF_LOOKING_BACK;
use crate::outlook::anomaly::Anomaly;
use crate::outlook::budget::BudgetState;
use crate::outlook::{MonthForecast, Outlook};
use crate::store::statement::{alone, begin_transaction, query, query_as};
use crate::store::storable_text;

/// What is to be stored of one look ahead.
#[derive(Debug, Clone, Copy)]
pub struct NewForecast<'a> {
    /// Whose.
    pub account: &'a AccountId,
    /// Newest day that was over.
    pub last_day: NaiveDate,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// The month.
    pub outlook: &'a Outlook,
    /// How budgets stand.
    pub budgets: &'a [BudgetState],
    /// Odd projects of `last_day`.
    pub anomalies: &'a [Anomaly],
}

/// Stores a look ahead in place of an earlier one of the same day; with a lease
/// only while it is held.
///
/// # Errors
/// [`StoreError`] when the database does not answer or the lease was lost;
/// the earlier one stays then.
pub async fn replace(
    pool: &PgPool,
    lease: Option<&Lease>,
    forecast: NewForecast<'_>,
) -> Result<(), StoreError> {
    let failed = || StoreError::during("writing month_forecast");
    let mut transaction = begin_transaction(pool).await.map_err(failed())?;
    if let Some(lease) = lease {
        leases::fence(&mut transaction, lease).await?;
    }
    query("select from agora.account where account_id = $1 for no key update")
        .bind(forecast.account.as_str())
        .execute(&mut *transaction)
        .await
        .map_err(failed())?;
    let bill = forecast.outlook.to_date();
    for statement in [
        "delete from agora.month_forecast where account_id = $1 and last_day = $2",
        "delete from agora.cost_anomaly where account_id = $1 and day = $2",
    ] {
        query(statement)
            .bind(forecast.account.as_str())
            .bind(forecast.last_day)
            .execute(&mut *transaction)
            .await
            .map_err(failed())?;
    }
    let month = bill.month.first_day();
    insert_month(&mut transaction, forecast, month).await.map_err(failed())?;
    if let Some(found) = forecast.outlook.forecast() {
        insert_projects(&mut transaction, forecast, month, found).await.map_err(failed())?;
    }
    for budget in forecast.budgets {
        insert_budget(&mut transaction, forecast, month, budget).await.map_err(failed())?;
    }
    for anomaly in forecast.anomalies {
        insert_anomaly(&mut transaction, forecast, anomaly).await.map_err(failed())?;
    }
    transaction.commit().await.map_err(failed())
}

async fn insert_month(
    connection: &mut PgConnection,
    new: NewForecast<'_>,
    month: NaiveDate,
) -> Result<(), sqlx::Error> {
    let to_date = new.outlook.to_date();
    let found = new.outlook.forecast();
    let amount = |of: fn(&MonthForecast) -> Money| found.map(|found| of(found).to_string());
    let known_days = match new.outlook {
        Outlook::NotEnoughData { known_days, .. } => *known_days,
        Outlook::Forecast(found) => found.known_days,
    };
    query(
        "insert into agora.month_forecast (account_id, month, last_day, made_at, currency, to_date, \
         expected, low, high, weekly_change, first_billed_day, known_days) values ($1, $2, $3, $4, \
         $5, $6::numeric, $7::numeric, $8::numeric, $9::numeric, $10 / 1000000.0, $11, $12)",
    )
    .bind(new.account.as_str())
    .bind(month)
    .bind(new.last_day)
    .bind(new.made_at)
    .bind(to_date.currency.code())
    .bind(to_date.total.to_string())
    .bind(amount(|found| found.expected.total))
    .bind(amount(|found| found.low))
    .bind(amount(|found| found.high))
    .bind(found.map(|found| found.weekly_change_millionths))
    .bind(new.outlook.days().first_billed_day)
    .bind(i32::try_from(known_days).unwrap_or(i32::MAX))
    .execute(connection)
    .await?;
    Ok(())
}

async fn insert_projects(
    connection: &mut PgConnection,
    new: NewForecast<'_>,
    month: NaiveDate,
    found: &MonthForecast,
) -> Result<(), sqlx::Error> {
    let projects = found.projects.iter();
    let ids: Vec<&str> = projects.clone().map(|project| project.project_id.as_str()).collect();
    let to_date: Vec<String> = projects.clone().map(|p| p.to_date.to_string()).collect();
    let expected: Vec<String> = projects.map(|project| project.expected.to_string()).collect();
    query(
        "insert into agora.project_forecast (account_id, month, last_day, project_id, to_date, \
         expected) select $1, $2, $3, p.project_id, p.to_date::numeric, p.expected::numeric \
         from unnest($4::text[], $5::text[], $6::text[]) as p (project_id, to_date, expected)",
    )
    .bind(new.account.as_str())
    .bind(month)
    .bind(new.last_day)
    .bind(ids)
    .bind(to_date)
    .bind(expected)
    .execute(connection)
    .await?;
    Ok(())
}

async fn insert_budget(
    connection: &mut PgConnection,
    new: NewForecast<'_>,
    month: NaiveDate,
    state: &BudgetState,
) -> Result<(), sqlx::Error> {
    let (scope, name) = state.budget.scope.parts();
    let reached: Vec<i32> =
        state.reached_percent.iter().filter_map(|p| i32::try_from(*p).ok()).collect();
    query(
        "insert into agora.budget_state (account_id, month, last_day, scope, name, amount, to_date, \
         expected, reached_percent, is_forecast_over, used_up_on) values ($1, $2, $3, $4, $5, \
         $6::numeric, $7::numeric, $8::numeric, $9, $10, $11)",
    )
    .bind(new.account.as_str())
    .bind(month)
    .bind(new.last_day)
    .bind(scope)
    .bind(storable_text(name))
    .bind(state.budget.amount.to_string())
    .bind(state.to_date.to_string())
    .bind(state.expected.map(|expected| expected.to_string()))
    .bind(reached)
    .bind(state.is_forecast_over)
    .bind(state.used_up_on)
    .execute(connection)
    .await?;
    Ok(())
}

async fn insert_anomaly(
    connection: &mut PgConnection,
    new: NewForecast<'_>,
    anomaly: &Anomaly,
) -> Result<(), sqlx::Error> {
    query(
        "insert into agora.cost_anomaly (account_id, day, project_id, service, media, worth, usual, \
         currency, found_at) values ($1, $2, $3, $4, $5, $6::numeric, $7::numeric, $8, $9)",
    )
    .bind(new.account.as_str())
    .bind(anomaly.day)
    .bind(anomaly.project_id.as_str())
    .bind(anomaly.service.name())
    .bind(anomaly.media.name())
    .bind(anomaly.worth.to_string())
    .bind(anomaly.usual.to_string())
    .bind(anomaly.worth.currency.code())
    .bind(new.made_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// The newest look ahead of an account; amounts as decimal texts of its currency.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ForecastFact {
    /// The account.
    pub account_id: String,
    /// First day of the month.
    pub month: NaiveDate,
    /// Newest day that was over.
    pub last_day: NaiveDate,
    /// ISO 4217 code.
    pub currency: String,
    /// Running total.
    pub to_date: String,
    /// Expected total, where one was foretold.
    pub expected: Option<String>,
    /// Lower end of the range, where one was foretold.
    pub low: Option<String>,
    /// Upper end of the range.
    pub high: Option<String>,
    /// First day with billed minutes.
    pub first_billed_day: Option<NaiveDate>,
}

/// Part of a budget, in per cent, below which a forecast that was over it is over no more.
pub const NEAR_PERCENT: i32 = 95;

/// How a budget stood with it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct BudgetFact {
    /// The account.
    pub account_id: String,
    /// First day of the month.
    pub month: NaiveDate,
    /// Word of the scope.
    pub scope: String,
    /// Name in it; empty for the account.
    pub name: String,
    /// For the month.
    pub amount: String,
    /// Spent so far.
    pub to_date: String,
    /// Expected, where foretold.
    pub expected: Option<String>,
    /// Thresholds that were reached, in per cent.
    pub reached_percent: Vec<i32>,
    /// Whether more is expected than the amount.
    pub is_forecast_over: bool,
    /// Whether at least [`NEAR_PERCENT`] of the amount is expected.
    pub is_forecast_near: bool,
    /// Day on which it is or will be used up.
    pub used_up_on: Option<NaiveDate>,
}

/// An odd project of the newest day.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct AnomalyFact {
    /// The account.
    pub account_id: String,
    /// The day.
    pub day: NaiveDate,
    /// The project.
    pub project_id: String,
    /// What strayed most.
    pub service: String,
    /// Its media.
    pub media: String,
    /// Worth of the day.
    pub worth: String,
    /// Usual worth.
    pub usual: String,
    /// ISO 4217 code.
    pub currency: String,
}

/// The newest look ahead of accounts.
///
/// In the first week of a month the end of the one before is there as well.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutlookFacts {
    /// The current month of each account first.
    pub forecasts: Vec<ForecastFact>,
    /// Budgets of those.
    pub budgets: Vec<BudgetFact>,
    /// Odd projects of their newest day.
    pub anomalies: Vec<AnomalyFact>,
}

/// Reads the newest look ahead of the accounts.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn newest(pool: &PgPool, accounts: &[&str]) -> Result<OutlookFacts, StoreError> {
    let failed = || StoreError::during("reading month_forecast");
    let forecasts: Vec<ForecastFact> = query_as(include_str!("sql/newest_forecasts.sql"))
        .bind(accounts)
        .bind(i32::try_from(DAYS_OF_LOOKING_BACK).unwrap_or(i32::MAX))
        .fetch_all(alone(pool))
        .await
        .map_err(failed())?;
    let of: Vec<&str> = forecasts.iter().map(|fact| fact.account_id.as_str()).collect();
    let days: Vec<NaiveDate> = forecasts.iter().map(|fact| fact.last_day).collect();
    let budgets = query_as(
        "select b.account_id, b.month, b.scope, b.name, b.amount::text as amount, \
         b.to_date::text as to_date, b.expected::text as expected, b.reached_percent, \
         b.is_forecast_over, coalesce(100 * b.expected >= $3 * b.amount, false) as is_forecast_near, \
         b.used_up_on from agora.budget_state as b \
         join unnest($1::text[], $2::date[]) as n (account_id, last_day) using (account_id, last_day) \
         order by b.account_id, b.month desc, b.scope, b.name",
    )
    .bind(&of)
    .bind(&days)
    .bind(NEAR_PERCENT)
    .fetch_all(alone(pool))
    .await
    .map_err(failed())?;
    let anomalies = query_as(
        "select a.account_id, a.day, a.project_id, a.service, a.media, a.worth::text as worth, \
         a.usual::text as usual, a.currency from agora.cost_anomaly as a \
         join unnest($1::text[], $2::date[]) as n (account_id, day) using (account_id, day) \
         order by a.account_id, abs(a.worth - a.usual) desc, a.project_id",
    )
    .bind(&of)
    .bind(&days)
    .fetch_all(alone(pool))
    .await
    .map_err(failed())?;
    let newest_days = newest_day_by_account(&forecasts);
    let is_newest = |odd: &AnomalyFact| newest_days.get(&odd.account_id) == Some(&odd.day);
    let anomalies = anomalies.into_iter().filter(is_newest).collect();
    Ok(OutlookFacts { forecasts, budgets, anomalies })
}

fn newest_day_by_account(forecasts: &[ForecastFact]) -> BTreeMap<String, NaiveDate> {
    let mut newest = BTreeMap::new();
    for fact in forecasts {
        let day = newest.entry(fact.account_id.clone()).or_insert(fact.last_day);
        *day = fact.last_day.max(*day);
    }
    newest
}
