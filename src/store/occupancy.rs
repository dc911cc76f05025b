//! Tables `occupancy_snapshot` and `occupancy_channel`.

use chrono::{Days, NaiveTime};
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, PgConnection};

use super::copy::CopyRows;
use super::error::StoreError;
use super::leases::{self, Lease};
use super::storable_text;
use crate::domain::{AccountId, Incompleteness, OccupancySnapshot};

const COPY_CHANNELS: &str = "copy incoming_channel from stdin with (format binary)";

/// Stores a snapshot and the intervals that it extends, closes and opens, in one transaction.
///
/// Channels that an incomplete snapshot lacks stay open: they may be there.
///
/// # Errors
/// [`StoreError`] when the database does not answer or the lease was lost;
/// nothing is stored then.
pub async fn write(
    pool: &PgPool,
    lease: &Lease,
    snapshot: &OccupancySnapshot,
) -> Result<(), StoreError> {
    let failed = || StoreError::during("writing occupancy_channel");
    let account = lease.account();
    let mut transaction = pool.begin().await.map_err(failed())?;
    let connection = &mut *transaction;
    leases::fence(connection, lease).await?;
    ensure_partition(connection, snapshot).await?;
    copy_incoming(connection, snapshot).await?;
    insert_snapshot(connection, account, snapshot).await?;
    sqlx::query(include_str!("sql/extend_channels.sql"))
        .bind(account.as_str())
        .bind(snapshot.project_id.as_str())
        .bind(snapshot.observed_at)
        .execute(&mut *connection)
        .await
        .map_err(failed())?;
    sqlx::query(include_str!("sql/close_channels.sql"))
        .bind(account.as_str())
        .bind(snapshot.project_id.as_str())
        .bind(snapshot.observed_at)
        .bind(snapshot.incompleteness.is_none())
        .execute(&mut *connection)
        .await
        .map_err(failed())?;
    sqlx::query(include_str!("sql/open_channels.sql"))
        .bind(account.as_str())
        .bind(snapshot.project_id.as_str())
        .bind(snapshot.observed_at)
        .execute(&mut *connection)
        .await
        .map_err(failed())?;
    transaction.commit().await.map_err(failed())
}

/// Makes the partition of the snapshot's UTC day where there is none.
async fn ensure_partition(
    connection: &mut PgConnection,
    snapshot: &OccupancySnapshot,
) -> Result<(), StoreError> {
    let failed = || StoreError::during("creating a partition of occupancy_channel");
    let day = snapshot.observed_at.date_naive();
    let next = day.checked_add_days(Days::new(1)).unwrap_or(day);
    let name = format!("occupancy_channel_{}", day.format("%Y%m%d"));
    let exists: bool = sqlx::query_scalar("select to_regclass('agora.' || $1) is not null")
        .bind(&name)
        .fetch_one(&mut *connection)
        .await
        .map_err(failed())?;
    if exists {
        return Ok(());
    }
    let midnight = |day: chrono::NaiveDate| day.and_time(NaiveTime::MIN).and_utc().to_rfc3339();
    // Built from a date alone: partitions cannot be named by a parameter.
    let statement = format!(
        "create table if not exists agora.{name} partition of agora.occupancy_channel \
         for values from ('{}') to ('{}')",
        midnight(day),
        midnight(next),
    );
    sqlx::query(AssertSqlSafe(statement)).execute(connection).await.map_err(failed())?;
    Ok(())
}

async fn copy_incoming(
    connection: &mut PgConnection,
    snapshot: &OccupancySnapshot,
) -> Result<(), StoreError> {
    sqlx::query(
        "create temporary table incoming_channel (\
         channel_name text not null, user_count bigint not null) on commit drop",
    )
    .execute(&mut *connection)
    .await
    .map_err(StoreError::during("creating incoming_channel"))?;
    let mut rows = CopyRows::new(2);
    for channel in &snapshot.channels {
        rows.row().text(&storable_text(&channel.name)).bigint(channel.user_count);
    }
    rows.send(connection, COPY_CHANNELS).await?;
    Ok(())
}

async fn insert_snapshot(
    connection: &mut PgConnection,
    account: &AccountId,
    snapshot: &OccupancySnapshot,
) -> Result<(), StoreError> {
    sqlx::query(
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
