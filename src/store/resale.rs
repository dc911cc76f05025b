//! Tables `sell_allocation` and `plan_comparison`: what usage sells for, and what
//! other plans would have cost.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::postgres::PgPool;

use super::error::StoreError;
use crate::domain::margin::{MonthMargin, ProjectMargin};
use crate::domain::{AccountId, Money};
use crate::outlook::compare::BreakEven;
use crate::rating::Bill;
use crate::store::statement::{alone, begin_transaction, query, query_as};

/// Replaces what a month costs and sells for; `bill` is that of the sell price book.
///
/// # Errors
/// [`StoreError`]; the earlier rows stay then.
pub async fn replace_sell(
    pool: &PgPool,
    bill: &Bill,
    margin: &MonthMargin,
    rated_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let failed = || StoreError::during("writing sell_allocation");
    let id =
        |one: &ProjectMargin| one.project_id.as_ref().map_or_else(String::new, ToString::to_string);
    let projects: Vec<String> = margin.projects.iter().map(id).collect();
    let amounts: Vec<String> = margin.projects.iter().map(|one| one.sell.to_string()).collect();
    let costs: Vec<String> = margin.projects.iter().map(|one| one.cost.to_string()).collect();
    let mut transaction = begin_transaction(pool).await.map_err(failed())?;
    query("delete from agora.sell_allocation where account_id = $1 and month = $2")
        .bind(bill.account.as_str())
        .bind(bill.month.first_day())
        .execute(&mut *transaction)
        .await
        .map_err(failed())?;
    query(include_str!("sql/insert_sell_allocation.sql"))
        .bind(bill.account.as_str())
        .bind(bill.month.first_day())
        .bind(projects)
        .bind(amounts)
        .bind(costs)
        .bind(bill.currency.code())
        .bind(&bill.book_name)
        .bind(&bill.book_sha256)
        .bind(rated_at)
        .execute(&mut *transaction)
        .await
        .map_err(failed())?;
    transaction.commit().await.map_err(failed())
}

/// A plan as the table has it.
#[derive(Debug, Clone)]
pub struct ComparedPlan {
    /// Price book, and package where there is a choice.
    pub plan: String,
    /// Of all the months.
    pub total: Money,
    /// Least total.
    pub low: Money,
    /// Greatest total.
    pub high: Money,
    /// Less than the books in force.
    pub saved: Option<Money>,
    /// Whether it held in all the months.
    pub is_in_force: bool,
    /// Whether it has a price for all usage.
    pub prices_all_usage: bool,
    /// Where it becomes cheaper than the first.
    pub break_even: Option<BreakEven>,
}

/// A plan of the stored comparison; amounts as decimal texts.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct StoredPlan {
    /// Price book, and package where there is a choice.
    pub plan: String,
    /// `YYYY-MM to YYYY-MM`.
    pub months: String,
    /// Of all the months.
    pub total: String,
    /// Less than the books in force.
    pub saved: Option<String>,
    /// ISO 4217 code.
    pub currency: String,
    /// Whether it held in all the months.
    pub is_in_force: bool,
    /// Nearest volume at which it is cheaper than the first, in per cent.
    pub break_even_percent: Option<i32>,
    /// Minutes a month at that volume.
    pub break_even_minutes: Option<String>,
}

/// A project of a month on both sides, before tax; amounts as decimal texts.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct StoredMargin {
    /// The project; empty for what belongs to none.
    pub project_id: String,
    /// Adjustments included.
    pub cost: String,
    /// By the sell price book.
    pub sell: String,
    /// ISO 4217 code.
    pub currency: String,
}

/// The margins of a month by the newest `resale margin` or `resale statement`, the
/// least first; none of an account that is not resold.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn margins(
    pool: &PgPool,
    account: &AccountId,
    month: NaiveDate,
) -> Result<Vec<StoredMargin>, StoreError> {
    query_as(
        "select project_id, cost::text as cost, amount::text as sell, currency \
         from agora.sell_allocation where account_id = $1 and month = $2 and cost is not null \
         order by amount - cost, project_id",
    )
    .bind(account.as_str())
    .bind(month)
    .fetch_all(alone(pool))
    .await
    .map_err(StoreError::during("reading sell_allocation"))
}

impl StoredPlan {
    /// Where it becomes cheaper than the first; none where no such volume was found.
    #[must_use]
    pub fn break_even(&self) -> Option<BreakEven> {
        let volume_percent = u32::try_from(self.break_even_percent?).ok()?;
        let minutes_a_month = self.break_even_minutes.as_deref()?.parse().ok()?;
        Some(BreakEven { volume_percent, minutes_a_month })
    }
}

/// The newest comparison of an account, cheapest first; plans that cannot price
/// all usage are left out.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn comparison(pool: &PgPool, account: &AccountId) -> Result<Vec<StoredPlan>, StoreError> {
    query_as(
        "select plan, to_char(first_month, 'YYYY-MM') || ' to ' || to_char(last_month, 'YYYY-MM') \
             as months, total::text as total, saved::text as saved, currency, is_in_force, \
             break_even_percent, break_even_minutes_a_month::text as break_even_minutes \
         from agora.plan_comparison where account_id = $1 and prices_all_usage order by rank",
    )
    .bind(account.as_str())
    .fetch_all(alone(pool))
    .await
    .map_err(StoreError::during("reading plan_comparison"))
}

/// Replaces an account's comparison; the plans come cheapest first.
///
/// # Errors
/// [`StoreError`]; the earlier rows stay then.
pub async fn replace_comparison(
    pool: &PgPool,
    account: &AccountId,
    (first_month, last_month): (NaiveDate, NaiveDate),
    plans: &[ComparedPlan],
    compared_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let failed = || StoreError::during("writing plan_comparison");
    let text = |money: &Money| money.to_string();
    let percents: Vec<Option<i32>> =
        plans.iter().map(|plan| i32::try_from(plan.break_even?.volume_percent).ok()).collect();
    let minutes: Vec<Option<String>> =
        plans.iter().map(|plan| Some(plan.break_even?.minutes_a_month.to_string())).collect();
    let mut transaction = begin_transaction(pool).await.map_err(failed())?;
    query("delete from agora.plan_comparison where account_id = $1")
        .bind(account.as_str())
        .execute(&mut *transaction)
        .await
        .map_err(failed())?;
    query(include_str!("sql/insert_plan_comparison.sql"))
        .bind(account.as_str())
        .bind(first_month)
        .bind(last_month)
        .bind(plans.iter().map(|plan| plan.plan.clone()).collect::<Vec<_>>())
        .bind(plans.iter().map(|plan| text(&plan.total)).collect::<Vec<_>>())
        .bind(plans.iter().map(|plan| text(&plan.low)).collect::<Vec<_>>())
        .bind(plans.iter().map(|plan| text(&plan.high)).collect::<Vec<_>>())
        .bind(plans.iter().map(|plan| plan.saved.as_ref().map(text)).collect::<Vec<_>>())
        .bind(plans.iter().map(|plan| plan.total.currency.code().to_owned()).collect::<Vec<_>>())
        .bind(plans.iter().map(|plan| plan.is_in_force).collect::<Vec<_>>())
        .bind(plans.iter().map(|plan| plan.prices_all_usage).collect::<Vec<_>>())
        .bind(percents)
        .bind(minutes)
        .bind(compared_at)
        .execute(&mut *transaction)
        .await
        .map_err(failed())?;
    transaction.commit().await.map_err(failed())
}
