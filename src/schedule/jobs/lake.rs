//! Job `lake`: writes what is new of a bucket of accounts into the lake. May run twice without harm.
//!
//! A bucket is the work of one of its accounts, the first by name, so that it
//! is done once a slot and under one lease.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{JobContext, JobError, JobOutcome};
use crate::domain::AccountId;
use crate::lake::Lake;
use crate::lake::export::{BucketExport, ExportRange, buckets};
use crate::lake::layout::bucket;

pub(super) fn run<'a>(context: &'a JobContext<'a>) -> BoxFuture<'a, Result<JobOutcome, JobError>> {
    async move {
        let records = &context.collector.records;
        let Some(work) = context.lake else { return Ok(JobOutcome::default()) };
        if !is_first_of_its_bucket(records.account, &work.accounts) {
            return Ok(JobOutcome::default());
        }
        let lake = Lake::open(&work.url, &work.authorities)?;
        let pool = records.store.pool();
        let account_bucket = bucket(records.account);
        let accounts = buckets(pool).await?.remove(&account_bucket).unwrap_or_default();
        let now = records.clock.now();
        let export = BucketExport { lake: &lake, pool, account_bucket, accounts, now };
        let range = ExportRange { days: None, today: records.clock.today() };
        let exported = export.run(range).await?;
        let damaged = exported.days_damaged;
        let partial = (damaged > 0)
            .then(|| format!("{damaged} days of occupancy were not there as they were written"));
        Ok(JobOutcome { partial, ..JobOutcome::default() }
            .with("partitions_published", exported.published)
            .with("partitions_unchanged", exported.unchanged)
            .with("files", exported.files)
            .with("rows", exported.rows)
            .with("bytes", exported.bytes)
            .with("days_verified", exported.days_verified))
    }
    .boxed()
}

fn is_first_of_its_bucket(account: &AccountId, accounts: &[AccountId]) -> bool {
    let of_bucket = accounts.iter().filter(|other| bucket(other) == bucket(account));
    of_bucket.min() == Some(account)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_account_of_each_bucket_does_its_work() {
        let accounts: Vec<AccountId> =
            (0..200).map(|n| AccountId::new(&format!("customer-{n}")).expect("name")).collect();
        let workers: Vec<_> =
            accounts.iter().filter(|account| is_first_of_its_bucket(account, &accounts)).collect();
        let buckets: std::collections::BTreeSet<u8> = workers.iter().map(|a| bucket(a)).collect();
        assert_eq!((workers.len(), buckets.len()), (16, 16));
    }
}
