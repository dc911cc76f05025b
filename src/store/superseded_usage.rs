//! Table `usage_revision`, read: values that newer ones replaced.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgPool;

use super::error::StoreError;
use super::usage::UsageRow;
use crate::domain::{AccountId, DateRange, SupersededUsage};
use crate::store::statement::{alone, query_as};

#[derive(sqlx::FromRow)]
struct SupersededRow {
    #[sqlx(flatten)]
    usage: UsageRow,
    superseded_at: DateTime<Utc>,
}

/// Every replaced value of the days of `range`, by day, project, service and time.
///
/// # Errors
/// [`StoreError`] when the database does not answer or holds a foreign value.
pub async fn read(
    pool: &PgPool,
    account: &AccountId,
    range: DateRange,
) -> Result<Vec<SupersededUsage>, StoreError> {
    let rows: Vec<SupersededRow> = query_as(include_str!("sql/read_superseded_usage.sql"))
        .bind(account.as_str())
        .bind(range.first())
        .bind(range.last())
        .fetch_all(alone(pool))
        .await
        .map_err(StoreError::during("reading usage_revision"))?;
    rows.into_iter()
        .map(|row| {
            let superseded_at = row.superseded_at;
            row.usage.into_usage().map(|usage| SupersededUsage { usage, superseded_at })
        })
        .collect()
}
