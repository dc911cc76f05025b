//! Job `lake`: writes what is new of a bucket of accounts into the lake. May run twice without harm.
//!
//! A bucket is the work of one of its accounts, the first by name, so that it
//! is done once a slot and under one lease. Buckets of which the settings name
//! no account any more are the work of the first of all.

use std::collections::BTreeSet;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{JobContext, JobError, JobOutcome, LAKE_JOB, LakeWork};
use crate::domain::AccountId;
use crate::lake::Lake;
use crate::lake::export::{BucketExport, ExportRange, Exported, buckets};
use crate::lake::layout::{BUCKETS, bucket};
use crate::schedule::HeldLease;
use crate::schedule::held_lease::holder_name;

pub(super) fn run<'a>(context: &'a JobContext<'a>) -> BoxFuture<'a, Result<JobOutcome, JobError>> {
    async move {
        let records = &context.collector.records;
        let Some(work) = context.lake else { return Ok(JobOutcome::default()) };
        let mine = buckets_of(records.account, &work.accounts);
        if mine.is_empty() {
            return Ok(JobOutcome::default());
        }
        let mut exported = Exported::default();
        let mut busy = None;
        for (account_bucket, accounts) in buckets(records.store.pool()).await? {
            if mine.contains(&account_bucket) {
                match export(context, work, account_bucket, accounts).await? {
                    Some(done) => exported = exported.and(done),
                    None => busy = Some(account_bucket),
                }
            }
        }
        Ok(outcome(exported, busy))
    }
    .boxed()
}

/// Exports a bucket; none while another run does.
async fn export(
    context: &JobContext<'_>,
    work: &LakeWork,
    account_bucket: u8,
    accounts: Vec<AccountId>,
) -> Result<Option<Exported>, JobError> {
    let records = &context.collector.records;
    let lake = Lake::open(&work.url, &work.authorities)?;
    let (pool, now) = (records.store.pool(), records.clock.now());
    // Who exports by hand holds the lease of the bucket's first account in the database.
    let other = accounts.first().filter(|first| *first != records.account);
    let held = match other {
        Some(first) => {
            let held = HeldLease::take(pool, first, LAKE_JOB, &holder_name()).await?;
            let Some(held) = held else { return Ok(None) };
            Some(held)
        }
        None => None,
    };
    let export = BucketExport { lake: &lake, pool, account_bucket, accounts, now };
    let range = ExportRange { days: None, today: records.clock.today(), again: false };
    let exported = export.run(range).await;
    if let Some(held) = held {
        // What is not freed expires by itself.
        if let Err(error) = held.release().await {
            tracing::warn!(%error, "the lease of a bucket could not be freed and will expire");
        }
    }
    Ok(Some(exported?))
}

fn outcome(exported: Exported, busy: Option<u8>) -> JobOutcome {
    let damaged = exported.days_damaged;
    let partial = (damaged > 0)
        .then(|| format!("{damaged} days of occupancy were not there as they were written"))
        .or_else(|| {
            busy.map(|bucket| {
                format!("another run exports account_bucket={bucket:02}; the next slot looks again")
            })
        });
    JobOutcome { partial, ..JobOutcome::default() }
        .with("partitions_published", exported.published)
        .with("partitions_unchanged", exported.unchanged)
        .with("files", exported.files)
        .with("rows", exported.rows)
        .with("bytes", exported.bytes)
        .with("days_verified", exported.days_verified)
}

/// Buckets that are the work of an account of the settings: its own where it is
/// the first there; and for the first of all also those in which no account of
/// the settings is, since accounts that were taken out of them stay in the database.
fn buckets_of(account: &AccountId, accounts: &[AccountId]) -> BTreeSet<u8> {
    let first_of = |account_bucket: u8| {
        let of_bucket = accounts.iter().filter(|other| bucket(other) == account_bucket);
        of_bucket.min().or_else(|| accounts.iter().min())
    };
    (0..BUCKETS).filter(|account_bucket| first_of(*account_bucket) == Some(account)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bucket_is_the_work_of_one_account_of_the_settings() {
        for count in [1, 3, 200] {
            let accounts: Vec<AccountId> = (0..count)
                .map(|n| AccountId::new(&format!("customer-{n}")).expect("name"))
                .collect();
            let work = |account: &AccountId| buckets_of(account, &accounts);
            let mut buckets: Vec<u8> = accounts.iter().flat_map(work).collect();
            buckets.sort_unstable();
            assert!(buckets.into_iter().eq(0..BUCKETS), "{count}");
        }
    }
}
