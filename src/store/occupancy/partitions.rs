//! Partitions of `occupancy_channel`, one a UTC day: made ahead, dropped after the retention.
//!
//! Every account's intervals lie in the same partitions. A day is dropped only
//! when its hours are rolled up for all of them. Intervals that reach from it
//! into the days that stay begin anew with the first complete snapshot there.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::store::error::StoreError;
use crate::store::lake::archive;
use crate::store::leases::{self, Lease};
use crate::store::statement::{alone, begin_transaction, query, query_scalar};

const NAME_PREFIX: &str = "occupancy_channel_";

/// Longest wait for readers of the table before a day is left for the next run.
const LOCK_TIMEOUT: &str = "set local lock_timeout = '5s'";

/// PostgreSQL's code for a lock that was not had in time.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// What became of the days before the retention.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Days whose partition is gone.
    pub dropped: Vec<NaiveDate>,
    /// Days that stay until their hours are rolled up, the lake holds them, or nobody reads the table.
    pub kept: Vec<NaiveDate>,
}

/// Makes the partitions of `days` days from `first` on, where there are none.
/// Returns how many it made. Readers and writers need not wait.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn ensure(pool: &PgPool, first: NaiveDate, days: usize) -> Result<u64, StoreError> {
    let mut made = 0;
    for day in first.iter_days().take(days) {
        if !exists(pool, day).await? && create(pool, day).await? {
            made += 1;
        }
    }
    Ok(made)
}

async fn exists(executor: impl sqlx::PgExecutor<'_>, day: NaiveDate) -> Result<bool, StoreError> {
    // Not to_regclass: a connection remembers from before a wait that there was none.
    query_scalar(
        "select exists (select from pg_catalog.pg_class \
         where relnamespace = 'agora'::regnamespace and relname = $1)",
    )
    .bind(partition_name(day))
    .fetch_one(executor)
    .await
    .map_err(StoreError::during("looking for a partition of occupancy_channel"))
}

/// Makes a partition; false when another process was faster.
async fn create(pool: &PgPool, day: NaiveDate) -> Result<bool, StoreError> {
    let failed = || StoreError::during("creating a partition of occupancy_channel");
    let mut transaction = begin_transaction(pool).await.map_err(failed())?;
    one_at_a_time(&mut transaction).await?;
    if exists(&mut *transaction, day).await? {
        return Ok(false);
    }
    let name = partition_name(day);
    // Made aside and attached: PARTITION OF would have to wait for every reader.
    // Built from a date alone, since no parameter can name a table.
    let statements = [
        format!(
            "create table agora.{name} \
             (like agora.occupancy_channel including defaults including constraints)"
        ),
        format!(
            "alter table agora.occupancy_channel attach partition agora.{name} \
             for values from ('{}') to ('{}')",
            start_of(day).to_rfc3339(),
            start_of(next(day)).to_rfc3339(),
        ),
        // Its rows are read through the table, under the table's policies.
        format!("alter table agora.{name} enable row level security"),
    ];
    for statement in statements {
        query(AssertSqlSafe(statement)).execute(&mut *transaction).await.map_err(failed())?;
    }
    transaction.commit().await.map_err(failed())?;
    Ok(true)
}

/// Names of the partitions there are.
pub(crate) async fn names(executor: impl sqlx::PgExecutor<'_>) -> Result<Vec<String>, StoreError> {
    query_scalar(include_str!("../sql/channel_partitions.sql"))
        .fetch_all(executor)
        .await
        .map_err(StoreError::during("listing the partitions of occupancy_channel"))
}

/// Drops the partitions of the days before `first_kept`.
///
/// With the address of a lake no day is dropped before that lake holds it,
/// whatever another one has, and none that comes after such a day: what reaches
/// from one into the next is carried over only once.
///
/// # Errors
/// [`StoreError`] when the database does not answer or the lease was lost.
pub async fn drop_before(
    pool: &PgPool,
    lease: &Lease,
    first_kept: NaiveDate,
    archived_in: Option<&str>,
) -> Result<Dropped, StoreError> {
    let names = names(alone(pool)).await?;
    let days = names.iter().filter_map(|name| day_of(name));
    let days: Vec<NaiveDate> = days.filter(|day| *day < first_kept).collect();
    let mut outcome = Dropped::default();
    let waiting = match archived_in {
        Some(lake) => first_not_archived(pool, &days, lake).await?,
        None => None,
    };
    let first_kept = waiting.unwrap_or(first_kept);
    for day in days {
        if day >= first_kept {
            outcome.kept.push(day);
            continue;
        }
        match drop_day(pool, lease, day, first_kept).await {
            Ok(true) => outcome.dropped.push(day),
            Ok(false) => outcome.kept.push(day),
            Err(error) if is_lock_timeout(&error) => outcome.kept.push(day),
            Err(error) => return Err(error),
        }
    }
    Ok(outcome)
}

/// The first of the days that the lake does not hold yet.
async fn first_not_archived(
    pool: &PgPool,
    days: &[NaiveDate],
    lake: &str,
) -> Result<Option<NaiveDate>, StoreError> {
    for day in days {
        if !archive::holds(pool, lake, *day).await? {
            return Ok(Some(*day));
        }
    }
    Ok(None)
}

/// Drops one day; false when hours of it are still to be rolled up.
async fn drop_day(
    pool: &PgPool,
    lease: &Lease,
    day: NaiveDate,
    first_kept: NaiveDate,
) -> Result<bool, StoreError> {
    let failed = || StoreError::during("dropping a partition of occupancy_channel");
    let mut transaction = begin_transaction(pool).await.map_err(failed())?;
    let connection = &mut *transaction;
    query(LOCK_TIMEOUT).execute(&mut *connection).await.map_err(failed())?;
    leases::fence(connection, lease).await?;
    one_at_a_time(connection).await?;
    if !exists(&mut *connection, day).await? {
        return Ok(true);
    }
    // Dropping needs this lock in any case; taken first, no snapshot comes between.
    query("lock table agora.occupancy_channel in access exclusive mode")
        .execute(&mut *connection)
        .await
        .map_err(failed())?;
    let (from, until) = (start_of(day), start_of(next(day)));
    let is_due: bool = query_scalar(include_str!("../sql/occupancy_day_is_due.sql"))
        .bind(from)
        .bind(until)
        .fetch_one(&mut *connection)
        .await
        .map_err(StoreError::during("reading occupancy_hour_due"))?;
    if is_due {
        return Ok(false);
    }
    query(include_str!("../sql/carry_channels.sql"))
        .bind(from)
        .bind(until)
        .bind(start_of(first_kept))
        .execute(&mut *connection)
        .await
        .map_err(StoreError::during("carrying intervals of occupancy_channel over"))?;
    let statement = format!("drop table agora.{}", partition_name(day));
    query(AssertSqlSafe(statement)).execute(&mut *connection).await.map_err(failed())?;
    transaction.commit().await.map_err(failed())?;
    Ok(true)
}

/// Keeps other processes from making or dropping partitions until the transaction ends.
async fn one_at_a_time(connection: &mut PgConnection) -> Result<(), StoreError> {
    query("select pg_advisory_xact_lock(hashtext('agora.occupancy_channel'))")
        .execute(connection)
        .await
        .map_err(StoreError::during("waiting to change the partitions of occupancy_channel"))?;
    Ok(())
}

fn is_lock_timeout(error: &StoreError) -> bool {
    let StoreError::Statement { cause, .. } = error else { return false };
    let code = cause.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.as_deref() == Some(LOCK_NOT_AVAILABLE)
}

fn partition_name(day: NaiveDate) -> String {
    format!("{NAME_PREFIX}{}", day.format("%Y%m%d"))
}

/// Day of a partition; none for any other name.
pub(crate) fn day_of(name: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(name.strip_prefix(NAME_PREFIX)?, "%Y%m%d").ok()
}

fn next(day: NaiveDate) -> NaiveDate {
    day.checked_add_days(Days::new(1)).unwrap_or(day)
}

fn start_of(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_named_after_its_day() {
        let day = NaiveDate::from_ymd_opt(2031, 5, 8).expect("day");
        assert_eq!(partition_name(day), "occupancy_channel_20310508");
        assert_eq!(day_of(&partition_name(day)), Some(day));
        assert_eq!(day_of("occupancy_channel_old"), None);
    }
}
