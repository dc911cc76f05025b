//! Table `lake_day`: which days of occupancy a lake has, so that the database
//! may forget their channels.
//!
//! Owns what was written down; whether the files are still there is for
//! [`crate::lake`] to see.

use chrono::{DateTime, Days, NaiveDate, Utc};
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgPool;

use crate::store::error::StoreError;
use crate::store::statement::{alone, query, query_as, query_scalar};

/// A day of a bucket that was exported to a lake and read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchivedDay {
    /// UTC day.
    pub day: NaiveDate,
    /// Bucket of accounts, 0 to 15.
    pub account_bucket: u8,
    /// Snapshots of it when it was exported.
    pub snapshots: i64,
    /// Rows that the lake has of its channels; none where that was not written down.
    pub channel_rows: Option<i64>,
}

/// Writes down that a day was exported to a lake and read back.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn mark(
    pool: &PgPool,
    lake: &str,
    archived: ArchivedDay,
    verified_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    query(
        "insert into agora.lake_day \
             (lake, day, account_bucket, snapshots, channel_rows, verified_at) \
         values ($1, $2, $3, $4, $5, $6) \
         on conflict (lake, day, account_bucket) do update \
         set snapshots = excluded.snapshots, channel_rows = excluded.channel_rows, \
             verified_at = excluded.verified_at",
    )
    .bind(lake)
    .bind(archived.day)
    .bind(i32::from(archived.account_bucket))
    .bind(archived.snapshots)
    .bind(archived.channel_rows)
    .bind(verified_at)
    .execute(alone(pool))
    .await
    .map_err(StoreError::during("writing lake_day"))?;
    Ok(())
}

/// Takes back what [`mark`] wrote: the lake has lost the day.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn forget(pool: &PgPool, lake: &str, archived: ArchivedDay) -> Result<(), StoreError> {
    query("delete from agora.lake_day where lake = $1 and day = $2 and account_bucket = $3")
        .bind(lake)
        .bind(archived.day)
        .bind(i32::from(archived.account_bucket))
        .execute(alone(pool))
        .await
        .map_err(StoreError::during("writing lake_day"))?;
    Ok(())
}

/// Days and buckets that are written down for a lake, oldest first.
///
/// # Errors
/// [`StoreError`] when the database does not answer, or has a bucket outside 0 to 15.
pub async fn days(pool: &PgPool, lake: &str) -> Result<Vec<ArchivedDay>, StoreError> {
    let statement = "select day, account_bucket, snapshots, channel_rows from agora.lake_day \
                     where lake = $1 order by day, account_bucket";
    let found: Vec<(NaiveDate, i32, i64, Option<i64>)> = query_as(statement)
        .bind(lake)
        .fetch_all(alone(pool))
        .await
        .map_err(StoreError::during("reading lake_day"))?;
    let known = |(day, account_bucket, snapshots, channel_rows)| {
        let account_bucket = u8::try_from(account_bucket).map_err(|_| {
            let value = i32::to_string(&account_bucket);
            StoreError::UnknownValue { table: "lake_day.account_bucket", value }
        })?;
        Ok(ArchivedDay { day, account_bucket, snapshots, channel_rows })
    };
    found.into_iter().map(known).collect()
}

/// Whether a lake holds all there is of a day, as was written down.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn holds(pool: &PgPool, lake: &str, day: NaiveDate) -> Result<bool, StoreError> {
    query_scalar(AssertSqlSafe(include_str!("../sql/lake_day_is_archived.sql")))
        .bind(day)
        .bind(day.checked_add_days(Days::new(1)).unwrap_or(day))
        .bind(lake)
        .fetch_one(alone(pool))
        .await
        .map_err(StoreError::during("reading lake_day"))
}
