//! Tables `occupancy_snapshot`, `occupancy_channel` and `occupancy_hourly`.
//!
//! Owns the way from one reading of a project's channels to intervals
//! (`changes`, pure), from snapshots to hours ([`hourly`]) and the daily
//! partitions of the intervals ([`partitions`]). Does not decide when a
//! reading is complete: that is [`crate::collect::occupancy`]'s.
//!
//! Most channels are the same from one minute to the next. Such a channel is
//! compared, and not written to: an open interval has no end of its own, it
//! reaches to the newest complete snapshot of its project.

mod changes;
pub mod hourly;
pub mod partitions;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use sqlx::PgConnection;
use sqlx::postgres::PgPool;

use super::copy::CopyIn;
use super::error::StoreError;
use super::leases::{self, Lease};
use crate::domain::{AccountId, Incompleteness, OccupancySnapshot, ProjectId};
use crate::store::statement::{begin_transaction, query, query_as, query_scalar};
use changes::{Comparison, OpenInterval};

const COPY_CHANNELS: &str = "copy agora.occupancy_channel \
    (account_id, project_id, channel_name, from_at, user_count) from stdin with (format binary)";

/// What a snapshot changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SnapshotWritten {
    /// Intervals that begin with it.
    pub opened: u64,
    /// Intervals that the snapshot before it was the last to see.
    pub closed: u64,
}

/// Stores a snapshot and the intervals that it closes and opens, in one transaction.
///
/// Channels that an incomplete snapshot lacks stay open: they may be there.
///
/// # Errors
/// [`StoreError`] when the database does not answer, the lease was lost, or
/// the project has a snapshot of that very time; nothing is stored then.
pub async fn write(
    pool: &PgPool,
    lease: &Lease,
    snapshot: &OccupancySnapshot,
) -> Result<SnapshotWritten, StoreError> {
    let failed = || StoreError::during("writing occupancy_channel");
    partitions::ensure(pool, snapshot.observed_at.date_naive(), 1).await?;
    let mut transaction = begin_transaction(pool).await.map_err(failed())?;
    let connection = &mut *transaction;
    leases::fence(connection, lease).await?;
    let account = lease.account();
    insert_snapshot(connection, account, snapshot).await?;
    let comparison = compare(connection, account, snapshot).await?;
    close(connection, account, snapshot, comparison.closed()).await?;
    let opened = open(connection, account, snapshot, &comparison).await?;
    query(include_str!("sql/mark_occupancy_hours.sql"))
        .bind(account.as_str())
        .bind(snapshot.project_id.as_str())
        .bind(snapshot.observed_at)
        .execute(connection)
        .await
        .map_err(StoreError::during("writing occupancy_hour_due"))?;
    transaction.commit().await.map_err(failed())?;
    Ok(SnapshotWritten { opened, closed: comparison.closed().len() as u64 })
}

async fn insert_snapshot(
    connection: &mut PgConnection,
    account: &AccountId,
    snapshot: &OccupancySnapshot,
) -> Result<(), StoreError> {
    query(
        "insert into agora.occupancy_snapshot (account_id, project_id, observed_at, \
         total_channels, seen_channels, user_count, complete, reason) \
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(account.as_str())
    .bind(snapshot.project_id.as_str())
    .bind(snapshot.observed_at)
    .bind(snapshot.total_channels)
    .bind(i64::try_from(snapshot.channels.len()).unwrap_or(i64::MAX))
    .bind(snapshot.user_count())
    .bind(snapshot.incompleteness.is_none())
    .bind(snapshot.incompleteness.map(Incompleteness::name))
    .execute(connection)
    .await
    .map_err(StoreError::during("writing occupancy_snapshot"))?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct OpenRow {
    channel_name: String,
    from_at: DateTime<Utc>,
    user_count: i64,
}

/// Holds the open intervals of the project against the snapshot, row by row.
async fn compare<'a>(
    connection: &mut PgConnection,
    account: &AccountId,
    snapshot: &'a OccupancySnapshot,
) -> Result<Comparison<'a>, StoreError> {
    let failed = || StoreError::during("reading occupancy_channel");
    let mut comparison = Comparison::new(snapshot);
    let mut rows = query_as::<OpenRow>(include_str!("sql/open_channels.sql"))
        .bind(account.as_str())
        .bind(snapshot.project_id.as_str())
        .fetch(connection);
    while let Some(row) = rows.try_next().await.map_err(failed())? {
        let OpenRow { channel_name, from_at, user_count } = row;
        comparison.see(OpenInterval { channel_name, from_at, user_count });
    }
    Ok(comparison)
}

async fn close(
    connection: &mut PgConnection,
    account: &AccountId,
    snapshot: &OccupancySnapshot,
    closed: &[OpenInterval],
) -> Result<(), StoreError> {
    if closed.is_empty() {
        return Ok(());
    }
    let project_id = &snapshot.project_id;
    let before = complete_before(connection, account, project_id, snapshot.observed_at).await?;
    let names: Vec<&str> = closed.iter().map(|interval| interval.channel_name.as_str()).collect();
    let began: Vec<DateTime<Utc>> = closed.iter().map(|interval| interval.from_at).collect();
    query(include_str!("sql/close_channels.sql"))
        .bind(account.as_str())
        .bind(project_id.as_str())
        .bind(before)
        .bind(names)
        .bind(began)
        .execute(connection)
        .await
        .map_err(StoreError::during("closing occupancy_channel"))?;
    Ok(())
}

/// Time of the newest complete snapshot before `at`.
async fn complete_before(
    connection: &mut PgConnection,
    account: &AccountId,
    project_id: &ProjectId,
    at: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    query_scalar(
        "select max(observed_at) from agora.occupancy_snapshot \
         where account_id = $1 and project_id = $2 and complete and observed_at < $3",
    )
    .bind(account.as_str())
    .bind(project_id.as_str())
    .bind(at)
    .fetch_one(connection)
    .await
    .map_err(StoreError::during("reading occupancy_snapshot"))
}

async fn open(
    connection: &mut PgConnection,
    account: &AccountId,
    snapshot: &OccupancySnapshot,
    comparison: &Comparison<'_>,
) -> Result<u64, StoreError> {
    let opened = comparison.opened();
    if opened.is_empty() {
        return Ok(0);
    }
    let mut rows = CopyIn::begin(connection, COPY_CHANNELS, 5).await?;
    for (channel_name, user_count) in opened {
        rows.row()
            .text(account.as_str())
            .text(snapshot.project_id.as_str())
            .text(channel_name)
            .timestamp(snapshot.observed_at)
            .bigint(user_count);
        rows.send_when_full().await?;
    }
    rows.finish().await
}
