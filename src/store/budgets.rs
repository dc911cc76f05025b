//! Table `budget`.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgPool;

use super::error::StoreError;
use crate::domain::{AccountId, Currency, Money};
use crate::outlook::budget::{Budget, BudgetScope};
use crate::store::statement::{alone, begin_transaction, query, query_as};
use crate::store::storable_text;

type Row = (String, String, String, String, Vec<i32>);

/// The budgets of an account that are in force, by scope and name.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn in_force(pool: &PgPool, account: &AccountId) -> Result<Vec<Budget>, StoreError> {
    let rows: Vec<Row> = query_as(
        "select scope, name, amount::text, currency, thresholds_percent from agora.budget \
         where account_id = $1 and removed_at is null order by scope, name",
    )
    .bind(account.as_str())
    .fetch_all(alone(pool))
    .await
    .map_err(StoreError::during("reading budget"))?;
    Ok(rows.into_iter().filter_map(budget).collect())
}

/// None only for what another program wrote.
fn budget((scope, name, amount, currency, thresholds): Row) -> Option<Budget> {
    Some(Budget {
        scope: BudgetScope::from_parts(&scope, &name)?,
        amount: Money::parse(&amount, Currency::from_code(&currency)?)?,
        thresholds_percent: thresholds.into_iter().filter_map(|p| u32::try_from(p).ok()).collect(),
    })
}

/// Puts a budget in force in place of the one of the same scope; the account has a row.
///
/// # Errors
/// [`StoreError`] when the database does not answer; the earlier budget stays then.
pub async fn set(
    pool: &PgPool,
    account: &AccountId,
    budget: &Budget,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let failed = || StoreError::during("writing budget");
    let mut transaction = begin_transaction(pool).await.map_err(failed())?;
    let (scope, name) = budget.scope.parts();
    let thresholds: Vec<i32> =
        budget.thresholds_percent.iter().filter_map(|p| i32::try_from(*p).ok()).collect();
    // Two such commands take turns.
    query("select from agora.account where account_id = $1 for no key update")
        .bind(account.as_str())
        .execute(&mut *transaction)
        .await
        .map_err(failed())?;
    end(&mut transaction, account, scope, name, now).await?;
    query(
        "insert into agora.budget (account_id, scope, name, amount, currency, thresholds_percent, \
         set_at) values ($1, $2, $3, $4::numeric, $5, $6, $7)",
    )
    .bind(account.as_str())
    .bind(scope)
    .bind(storable_text(name))
    .bind(budget.amount.to_string())
    .bind(budget.amount.currency.code())
    .bind(thresholds)
    .bind(now)
    .execute(&mut *transaction)
    .await
    .map_err(failed())?;
    transaction.commit().await.map_err(failed())
}

/// Ends the budget of a scope; false when there is none.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn remove(
    pool: &PgPool,
    account: &AccountId,
    scope: &BudgetScope,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let failed = || StoreError::during("writing budget");
    let mut transaction = begin_transaction(pool).await.map_err(failed())?;
    let (scope, name) = scope.parts();
    let ended = end(&mut transaction, account, scope, name, now).await?;
    transaction.commit().await.map_err(failed())?;
    Ok(ended > 0)
}

async fn end(
    connection: &mut sqlx::PgConnection,
    account: &AccountId,
    scope: &str,
    name: &str,
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    // A clock that was set back must not make an end before the beginning.
    let ended = query(
        "update agora.budget set removed_at = greatest($4, set_at) \
         where account_id = $1 and scope = $2 and name = $3 and removed_at is null",
    )
    .bind(account.as_str())
    .bind(scope)
    .bind(storable_text(name))
    .bind(now)
    .execute(connection)
    .await
    .map_err(StoreError::during("writing budget"))?;
    Ok(ended.rows_affected())
}
