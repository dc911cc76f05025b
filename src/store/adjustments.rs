//! Table `adjustment`: credits and charges, which are only ever added.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::postgres::PgPool;
use sqlx::{PgConnection, Postgres, Transaction};

use super::error::StoreError;
use super::storable_text;
use crate::domain::{AccountId, Adjustment, AdjustmentScope, Currency, Money, Month, ProjectId};
use crate::store::statement::{alone, begin_transaction, query, query_as, query_scalar};

/// A credit or charge to record.
#[derive(Debug, Clone)]
pub struct NewAdjustment {
    /// Month whose bill it belongs to.
    pub month: Month,
    /// Negative for a credit; never 0.
    pub amount: Money,
    /// Who has it.
    pub scope: AdjustmentScope,
    /// Why.
    pub reason: String,
}

/// Why an adjustment was not taken back.
#[derive(Debug, thiserror::Error)]
pub enum VoidError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No adjustment has this number.
    #[error("account {account} has no adjustment {adjustment_id}")]
    Unknown {
        /// The account.
        account: AccountId,
        /// The number.
        adjustment_id: i64,
    },
    /// It was taken back before, or takes back another one itself.
    #[error("adjustment {0} is void already, or takes back another one")]
    NotInForce(i64),
}

#[derive(sqlx::FromRow)]
struct AdjustmentRow {
    adjustment_id: i64,
    month: NaiveDate,
    amount: String,
    currency: String,
    project_id: Option<String>,
    cost_centre: Option<String>,
    reason: String,
}

impl AdjustmentRow {
    fn into_adjustment(self) -> Result<Adjustment, StoreError> {
        let unknown = |value: &str| StoreError::UnknownValue {
            table: "agora.adjustment",
            value: value.to_owned(),
        };
        let currency =
            Currency::from_code(&self.currency).ok_or_else(|| unknown(&self.currency))?;
        let amount = Money::parse(&self.amount, currency).ok_or_else(|| unknown(&self.amount))?;
        let scope = match (self.project_id, self.cost_centre) {
            (Some(id), _) => AdjustmentScope::Project(
                ProjectId::new(&id).map_err(|error| unknown(&error.to_string()))?,
            ),
            (None, Some(cost_centre)) => AdjustmentScope::CostCentre(cost_centre),
            (None, None) => AdjustmentScope::Account,
        };
        let (adjustment_id, reason) = (self.adjustment_id, self.reason);
        Ok(Adjustment { adjustment_id, month: Month::of(self.month), amount, scope, reason })
    }
}

/// Up to when adjustments count as known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdjustmentsKnownBy {
    /// All.
    Now,
    /// Recorded by this time.
    Time(DateTime<Utc>),
    /// This number and lower ones.
    Number(i64),
}

/// Adjustments of a month that are in force, by number, and the newest number of the account.
///
/// # Errors
/// [`StoreError`] when the database does not answer or holds a foreign value.
pub async fn read(
    pool: &PgPool,
    account: &AccountId,
    month: Month,
    known_by: AdjustmentsKnownBy,
) -> Result<(Vec<Adjustment>, i64), StoreError> {
    let failed = || StoreError::during("reading adjustment");
    let (time, number) = match known_by {
        AdjustmentsKnownBy::Now => (None, None),
        AdjustmentsKnownBy::Time(time) => (Some(time), None),
        AdjustmentsKnownBy::Number(number) => (None, Some(number)),
    };
    // Read first, and used as a bound, so that both answers are about the same moment.
    let newest: i64 = query_scalar(
        "select coalesce(max(adjustment_id), 0) from agora.adjustment \
         where account_id = $1 and ($2::timestamptz is null or recorded_at <= $2) \
           and ($3::bigint is null or adjustment_id <= $3)",
    )
    .bind(account.as_str())
    .bind(time)
    .bind(number)
    .fetch_one(alone(pool))
    .await
    .map_err(failed())?;
    let rows: Vec<AdjustmentRow> = query_as(include_str!("sql/adjustments_in_force.sql"))
        .bind(account.as_str())
        .bind(month.first_day())
        .bind(newest)
        .bind(time)
        .fetch_all(alone(pool))
        .await
        .map_err(failed())?;
    let adjustments = rows.into_iter().map(AdjustmentRow::into_adjustment);
    Ok((adjustments.collect::<Result<_, _>>()?, newest))
}

/// Records an adjustment and gives its number.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn add(
    pool: &PgPool,
    account: &AccountId,
    new: &NewAdjustment,
    recorded_at: DateTime<Utc>,
) -> Result<i64, StoreError> {
    let mut transaction = begin(pool, account).await?;
    let number = insert(&mut transaction, account, new, None, recorded_at).await?;
    transaction.commit().await.map_err(StoreError::during("writing adjustment"))?;
    Ok(number)
}

/// Takes an adjustment back by another one of the opposite amount; gives that one's number.
///
/// # Errors
/// [`VoidError`] for a number that is unknown or void.
pub async fn void(
    pool: &PgPool,
    account: &AccountId,
    adjustment_id: i64,
    reason: &str,
    recorded_at: DateTime<Utc>,
) -> Result<(i64, Adjustment), VoidError> {
    let failed = || StoreError::during("reading adjustment");
    let mut transaction = begin(pool, account).await?;
    let row: Option<AdjustmentRow> = query_as(
        "select adjustment_id, month, \
             trim_scale(amount)::text as amount, currency, project_id, cost_centre, reason \
         from agora.adjustment where account_id = $1 and adjustment_id = $2",
    )
    .bind(account.as_str())
    .bind(adjustment_id)
    .fetch_optional(&mut *transaction)
    .await
    .map_err(failed())?;
    let row = row.ok_or_else(|| VoidError::Unknown { account: account.clone(), adjustment_id })?;
    let is_void: bool = query_scalar(
        "select exists ( \
             select from agora.adjustment where account_id = $1 \
               and (voids = $2 or (adjustment_id = $2 and voids is not null)) \
         )",
    )
    .bind(account.as_str())
    .bind(adjustment_id)
    .fetch_one(&mut *transaction)
    .await
    .map_err(failed())?;
    if is_void {
        return Err(VoidError::NotInForce(adjustment_id));
    }
    let voided = row.into_adjustment()?;
    let amount = Money { minor_units: -voided.amount.minor_units, ..voided.amount };
    let (month, scope, reason) = (voided.month, voided.scope.clone(), reason.to_owned());
    let opposite = NewAdjustment { month, amount, scope, reason };
    let voids = Some(adjustment_id);
    let number = insert(&mut transaction, account, &opposite, voids, recorded_at).await?;
    transaction.commit().await.map_err(StoreError::during("writing adjustment"))?;
    Ok((number, voided))
}

/// Adjustments of an account are numbered and stored in one order, one writer after the other.
async fn begin(
    pool: &PgPool,
    account: &AccountId,
) -> Result<Transaction<'static, Postgres>, StoreError> {
    let failed = || StoreError::during("writing adjustment");
    let mut transaction = begin_transaction(pool).await.map_err(failed())?;
    query("select from agora.account where account_id = $1 for no key update")
        .bind(account.as_str())
        .execute(&mut *transaction)
        .await
        .map_err(failed())?;
    Ok(transaction)
}

async fn insert(
    connection: &mut PgConnection,
    account: &AccountId,
    new: &NewAdjustment,
    voids: Option<i64>,
    recorded_at: DateTime<Utc>,
) -> Result<i64, StoreError> {
    let (project_id, cost_centre) = match &new.scope {
        AdjustmentScope::Account => (None, None),
        AdjustmentScope::Project(project_id) => (Some(project_id.as_str()), None),
        AdjustmentScope::CostCentre(cost_centre) => (None, Some(storable_text(cost_centre))),
    };
    query_scalar(
        "insert into agora.adjustment (account_id, month, amount, currency, project_id, \
         cost_centre, reason, voids, recorded_at) \
         values ($1, $2, $3::numeric, $4, $5, $6, $7, $8, $9) returning adjustment_id",
    )
    .bind(account.as_str())
    .bind(new.month.first_day())
    .bind(new.amount.to_string())
    .bind(new.amount.currency.code())
    .bind(project_id)
    .bind(cost_centre)
    .bind(storable_text(&new.reason))
    .bind(voids)
    .bind(recorded_at)
    .fetch_one(connection)
    .await
    .map_err(StoreError::during("writing adjustment"))
}
