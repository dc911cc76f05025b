//! Table `occupancy_hourly`: users and channels by hour, computed from snapshots.
//!
//! A snapshot stands for the time until the next one of its project, but for
//! 90 seconds at most; what crosses the edge of an hour counts in each hour.
//! Nothing stands for the rest: it was not observed. So the figures of an hour
//! follow from the snapshots of the hour and the 90 seconds before it alone,
//! and every snapshot names the one or two hours that it changes
//! (`occupancy_hour_due`). There is no watermark: snapshots may come late or
//! in any order, and the hours end up as if computed from all of them at once.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgPool;

use crate::domain::{AccountId, DateRange, HourOfWeek, Peak, ProjectId};
use crate::store::error::StoreError;
use crate::store::leases::{self, Lease};
use crate::store::statement::{alone, begin_transaction, query, query_as};

/// Hours of one transaction: a fraction of a second, and few locks.
const HOURS_AT_ONCE: i64 = 1_000;

/// What a roll-up did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RolledUp {
    /// Hours that were computed.
    pub hours: u64,
    /// Hours among them that are new or have other figures.
    pub changed_hours: u64,
}

/// Computes some of the hours that snapshots changed since they were last computed:
/// those of the lease's account, and those before `everyone_before` of any account.
/// Else the hours of an account that left the settings would keep old channels for ever.
///
/// None is left when it reports no hours. May run beside the writing of
/// snapshots and other roll-ups: whoever takes an hour off the list locks it.
///
/// # Errors
/// [`StoreError`] when the database does not answer or the lease was lost;
/// the hours are then still due.
pub async fn roll_up(
    pool: &PgPool,
    lease: &Lease,
    everyone_before: DateTime<Utc>,
) -> Result<RolledUp, StoreError> {
    let failed = || StoreError::during("writing occupancy_hourly");
    let mut transaction = begin_transaction(pool).await.map_err(failed())?;
    leases::fence(&mut transaction, lease).await?;
    let claimed: Vec<(String, String, DateTime<Utc>)> =
        query_as(include_str!("../sql/claim_occupancy_hours.sql"))
            .bind(lease.account().as_str())
            .bind(everyone_before)
            .bind(HOURS_AT_ONCE)
            .fetch_all(&mut *transaction)
            .await
            .map_err(StoreError::during("reading occupancy_hour_due"))?;
    let hours = claimed.len() as u64;
    let (accounts, projects, starts): (Vec<_>, Vec<_>, Vec<_>) = claimed.into_iter().collect();
    // A statement of its own, so that it sees the snapshots that the claim waited for.
    let written = query(include_str!("../sql/roll_up_occupancy.sql"))
        .bind(accounts)
        .bind(projects)
        .bind(starts)
        .execute(&mut *transaction)
        .await
        .map_err(failed())?;
    transaction.commit().await.map_err(failed())?;
    Ok(RolledUp { hours, changed_hours: written.rows_affected() })
}

/// Average users of each hour of the week that was observed in `range`, all projects together.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn hours_of_week(
    pool: &PgPool,
    account: &AccountId,
    range: DateRange,
) -> Result<Vec<HourOfWeek>, StoreError> {
    let rows: Vec<(i16, i16, i64, i64)> =
        query_as(include_str!("../sql/occupancy_hours_of_week.sql"))
            .bind(account.as_str())
            .bind(range.first())
            .bind(range.last())
            .fetch_all(alone(pool))
            .await
            .map_err(StoreError::during("reading occupancy_hourly"))?;
    let hour = |(weekday, hour, milli_users, observed_hours)| HourOfWeek {
        weekday: u8::try_from(weekday).unwrap_or(0),
        hour: u8::try_from(hour).unwrap_or(0),
        milli_users,
        observed_hours,
    };
    Ok(rows.into_iter().map(hour).collect())
}

/// The fullest moment of each project that was observed in `range`, by project id.
///
/// # Errors
/// [`StoreError`] when the database does not answer or holds a foreign value.
pub async fn peaks(
    pool: &PgPool,
    account: &AccountId,
    range: DateRange,
) -> Result<Vec<Peak>, StoreError> {
    let rows: Vec<(String, i64, i64, DateTime<Utc>)> =
        query_as(include_str!("../sql/occupancy_peaks_of_range.sql"))
            .bind(account.as_str())
            .bind(range.first())
            .bind(range.last())
            .fetch_all(alone(pool))
            .await
            .map_err(StoreError::during("reading occupancy_hourly"))?;
    let peak = |(id, users, channels, at): (String, i64, i64, DateTime<Utc>)| {
        let project_id = ProjectId::new(&id).map_err(|error| StoreError::UnknownValue {
            table: "agora.occupancy_hourly",
            value: error.to_string(),
        })?;
        Ok(Peak { project_id, users, channels, at })
    };
    rows.into_iter().map(peak).collect()
}
