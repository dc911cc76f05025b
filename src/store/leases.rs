//! Table `job_lease`: who may work on what, with fencing.
//!
//! Times are of the database's clock, so that holders need not agree on
//! theirs. No session locks: those would stay with a pooled connection.

use std::time::Duration;

use sqlx::PgConnection;
use sqlx::postgres::PgPool;

use super::error::StoreError;
use crate::domain::AccountId;
use crate::store::statement::{alone, query, query_scalar};

/// How long a transaction that checked a lease may stand still: as long as a lease lasts.
const LONGEST_PAUSE: &str = "30s";

/// A lease that was held at least once; it may have been lost since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    account: AccountId,
    name: String,
    holder: String,
    epoch: i64,
}

impl Lease {
    /// Account that is worked on.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        &self.account
    }

    /// Kind of work.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Process that took it.
    #[must_use]
    pub fn holder(&self) -> &str {
        &self.holder
    }
}

/// Takes a lease that is free or expired; none while it is held, be it by `holder` itself:
/// two jobs of one process must not share it.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn acquire(
    pool: &PgPool,
    account: &AccountId,
    name: &str,
    holder: &str,
    time_to_live: Duration,
) -> Result<Option<Lease>, StoreError> {
    let epoch: Option<i64> = query_scalar(include_str!("sql/acquire_lease.sql"))
        .bind(account.as_str())
        .bind(name)
        .bind(holder)
        .bind(time_to_live.as_secs_f64())
        .fetch_optional(alone(pool))
        .await
        .map_err(StoreError::during("taking job_lease"))?;
    Ok(epoch.map(|epoch| Lease {
        account: account.clone(),
        name: name.to_owned(),
        holder: holder.to_owned(),
        epoch,
    }))
}

/// Holds the lease for longer; false when it was lost.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn renew(
    pool: &PgPool,
    lease: &Lease,
    time_to_live: Duration,
) -> Result<bool, StoreError> {
    let renewed = query(
        "update agora.job_lease set expires_at = clock_timestamp() + make_interval(secs => $4) \
         where account_id = $1 and name = $2 and epoch = $3 and expires_at > clock_timestamp()",
    )
    .bind(lease.account.as_str())
    .bind(&lease.name)
    .bind(lease.epoch)
    .bind(time_to_live.as_secs_f64())
    .execute(alone(pool))
    .await
    .map_err(StoreError::during("renewing job_lease"))?;
    Ok(renewed.rows_affected() > 0)
}

/// Frees the lease at once; nothing happens when it was lost.
///
/// # Errors
/// [`StoreError`] when the database does not answer; the lease then expires by itself.
pub async fn release(pool: &PgPool, lease: &Lease) -> Result<(), StoreError> {
    query(
        "update agora.job_lease set expires_at = clock_timestamp() \
         where account_id = $1 and name = $2 and epoch = $3",
    )
    .bind(lease.account.as_str())
    .bind(&lease.name)
    .bind(lease.epoch)
    .execute(alone(pool))
    .await
    .map_err(StoreError::during("releasing job_lease"))?;
    Ok(())
}

/// Who holds a lease, or held it last.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn holder(
    pool: &PgPool,
    account: &AccountId,
    name: &str,
) -> Result<Option<String>, StoreError> {
    query_scalar("select holder from agora.job_lease where account_id = $1 and name = $2")
        .bind(account.as_str())
        .bind(name)
        .fetch_optional(alone(pool))
        .await
        .map_err(StoreError::during("reading job_lease"))
}

/// Lets the lease of a holder that is known to be gone expire now.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn expire(
    pool: &PgPool,
    account: &AccountId,
    name: &str,
    holder: &str,
) -> Result<(), StoreError> {
    query(
        "update agora.job_lease set expires_at = clock_timestamp() \
         where account_id = $1 and name = $2 and holder = $3",
    )
    .bind(account.as_str())
    .bind(name)
    .bind(holder)
    .execute(alone(pool))
    .await
    .map_err(StoreError::during("expiring job_lease"))?;
    Ok(())
}

/// Checks the lease inside a writing transaction, and keeps it from changing hands until its end.
///
/// A holder that was paused for longer than the lease lasts writes nothing. One
/// that is paused with the transaction open is cut off by the server after
/// [`LONGEST_PAUSE`], since whoever takes over has to wait for its end.
pub(super) async fn fence(connection: &mut PgConnection, lease: &Lease) -> Result<(), StoreError> {
    let held: Option<String> = query_scalar(
        "select set_config('idle_in_transaction_session_timeout', $4, true) \
         from agora.job_lease \
         where account_id = $1 and name = $2 and epoch = $3 and expires_at > clock_timestamp() \
         for share",
    )
    .bind(lease.account.as_str())
    .bind(&lease.name)
    .bind(lease.epoch)
    .bind(LONGEST_PAUSE)
    .fetch_optional(connection)
    .await
    .map_err(StoreError::during("checking job_lease"))?;
    match held {
        Some(_) => Ok(()),
        None => Err(StoreError::LeaseLost { name: lease.name.clone() }),
    }
}
