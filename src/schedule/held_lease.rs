//! A lease that is kept alive while its holder works.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use sqlx::postgres::PgPool;
use tokio::task::JoinHandle;

use crate::domain::AccountId;
use crate::store::StoreError;
use crate::store::leases::{self, Lease};

/// How long a lease lasts without being renewed.
pub const TIME_TO_LIVE: Duration = Duration::from_secs(30);

/// Leases are renewed three times in their life, so that one slow answer does no harm.
const RENEWALS_IN_LIFE: u32 = 3;

/// Wait between two attempts at a lease that another process holds.
const RETRY_WAIT: Duration = Duration::from_millis(500);

/// Project and usage calls of an account, which share a limit.
pub const USAGE_LEASE: &str = "usage";

/// Statistics calls of an account.
pub const STATISTICS_LEASE: &str = "statistics";

/// A lease with a task that renews it. Dropped without release it expires by itself.
#[derive(Debug)]
pub struct HeldLease {
    lease: Lease,
    pool: PgPool,
    renewal: JoinHandle<()>,
}

impl HeldLease {
    /// Takes the lease; none while another process holds it.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn take(
        pool: &PgPool,
        account: &AccountId,
        name: &str,
        holder: &str,
    ) -> Result<Option<Self>, StoreError> {
        let mut lease = leases::acquire(pool, account, name, holder, TIME_TO_LIVE).await?;
        if lease.is_none()
            && let Some(other) = leases::holder(pool, account, name).await?
            && is_dead(&other)
        {
            leases::expire(pool, account, name, &other).await?;
            lease = leases::acquire(pool, account, name, holder, TIME_TO_LIVE).await?;
        }
        Ok(lease.map(|lease| {
            let renewal = tokio::spawn(keep_alive(pool.clone(), lease.clone()));
            Self { lease, pool: pool.clone(), renewal }
        }))
    }

    /// Takes the lease, waiting for as long as another process holds it.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn wait_for(
        pool: &PgPool,
        account: &AccountId,
        name: &str,
        holder: &str,
    ) -> Result<Self, StoreError> {
        loop {
            if let Some(held) = Self::take(pool, account, name, holder).await? {
                return Ok(held);
            }
            tokio::time::sleep(RETRY_WAIT).await;
        }
    }

    /// What writing transactions check.
    #[must_use]
    pub const fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Frees the lease for the next one at once.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer; the lease then expires by itself.
    pub async fn release(self) -> Result<(), StoreError> {
        self.renewal.abort();
        leases::release(&self.pool, &self.lease).await
    }
}

impl Drop for HeldLease {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

/// Renews until the lease is lost; a failure is tried again, since the lease may outlive it.
async fn keep_alive(pool: PgPool, lease: Lease) {
    loop {
        tokio::time::sleep(TIME_TO_LIVE / RENEWALS_IN_LIFE).await;
        match leases::renew(&pool, &lease, TIME_TO_LIVE).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(account = %lease.account(), lease = lease.name(), "lease lost");
                return;
            }
            Err(error) => tracing::warn!(%error, "a lease could not be renewed"),
        }
    }
}

/// Name of this process as a holder: where it runs, process id and a random part.
#[must_use]
pub fn holder_name() -> String {
    let random = RandomState::new().build_hasher().finish();
    format!("{}/{}/{random:016x}", place(), std::process::id())
}

/// Host and namespace of process ids: two containers may share a host name and count from 1 each.
fn place() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    format!("{}/{}", host.trim(), namespace.display())
}

/// Whether a holder ran in this place and certainly runs no more, so that
/// nobody has to wait for its lease to expire.
fn is_dead(holder: &str) -> bool {
    let Some(rest) = holder.strip_prefix(&format!("{}/", place())) else { return false };
    let process_id = rest.split_once('/').and_then(|(id, _)| id.parse::<u32>().ok());
    let proc_is_there = std::path::Path::new("/proc/self").exists();
    process_id
        .is_some_and(|id| proc_is_there && !std::path::Path::new(&format!("/proc/{id}")).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_holders_never_share_a_name() {
        assert_ne!(holder_name(), holder_name());
    }

    #[test]
    fn a_holder_is_dead_only_where_its_process_is_known_to_be_gone() {
        assert!(!is_dead(&holder_name()), "this process");
        assert!(!is_dead("elsewhere/pid:[1]/4294967294/00"), "another host");
        assert!(is_dead(&format!("{}/4294967294/00", place())));
    }
}
