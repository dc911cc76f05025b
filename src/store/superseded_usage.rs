//! Table `usage_revision`, read: values that newer ones replaced.

use sqlx::Row;
use sqlx::postgres::{PgPool, PgRow};

use super::error::StoreError;
use super::usage::{AFTER_CELL, cell};
use crate::domain::{AccountId, DateRange, SupersededUsage};
use crate::store::statement::{alone, query};

/// Every replaced value of the days of `range`, by day, project, service and time.
///
/// # Errors
/// [`StoreError`] when the database does not answer or holds a foreign value.
pub async fn read(
    pool: &PgPool,
    account: &AccountId,
    range: DateRange,
) -> Result<Vec<SupersededUsage>, StoreError> {
    let failed = || StoreError::during("reading usage_revision");
    let rows = query(include_str!("sql/read_superseded_usage.sql"))
        .bind(account.as_str())
        .bind(range.first())
        .bind(range.last())
        .fetch_all(alone(pool))
        .await
        .map_err(failed())?;
    let superseded = |row: &PgRow| {
        let superseded_at = row.try_get(AFTER_CELL).map_err(failed())?;
        Ok(SupersededUsage { usage: cell(row)?, superseded_at })
    };
    rows.iter().map(superseded).collect()
}
