//! What the lake no longer has: files of a partition that are gone or changed, and
//! partitions of the database that are not there.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use sqlx::postgres::PgPool;

use super::dataset::Dataset;
use super::export::buckets;
use super::layout::{Partition, Period, manifest_name};
use super::{Lake, LakeError, archived, manifest, verify};
use crate::domain::{AccountId, DateRange, Month};
use crate::store::lake as rows;
use crate::store::lake::archive;

/// Names of a partition's manifests and data files, of every revision, that are not
/// there as they were written, and that no manifest tells to be lost.
pub(super) async fn names(
    lake: &Lake,
    partition: &Partition,
) -> Result<BTreeSet<String>, LakeError> {
    let paths = lake.list(&partition.folder()).await?;
    let files = paths.iter().filter_map(|path| path.rsplit('/').next().map(str::to_owned));
    let (revisions, broken) = manifest::all(lake, partition, &files.collect()).await?;
    let mut lost: BTreeSet<String> = broken.into_iter().map(|(name, _)| name).collect();
    let (mut told, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for (manifest, _) in revisions {
        let name = manifest_name(manifest.revision);
        if verify::totals(&partition.path(&name), &manifest)?.is_some() {
            lost.insert(name);
        }
        for entry in manifest.files {
            let path = partition.path(&entry.name);
            let is_new = seen.insert(entry.name.clone());
            if is_new && verify::file(lake, partition.dataset, &path, &entry).await?.is_some() {
                lost.insert(entry.name);
            }
        }
        told.extend(manifest.lost);
    }
    Ok(&lost - &told)
}

/// Partitions with rows in the database, or that were written down as archived,
/// and are not published; each with why it should be.
pub(super) async fn partitions(
    lake: &Lake,
    pool: &PgPool,
    published: &BTreeSet<String>,
    today: NaiveDate,
) -> Result<BTreeMap<String, &'static str>, LakeError> {
    let mut missing = BTreeMap::new();
    let oldest = rows::channel_days(pool).await?.first().copied().unwrap_or(today);
    for (account_bucket, accounts) in buckets(pool).await? {
        for partition in months(pool, &accounts, account_bucket).await? {
            missing.insert(partition.folder(), "it is not published yet; export again");
        }
        let Some(Ok(days)) = today.pred_opt().map(|last| DateRange::new(oldest, last)) else {
            continue;
        };
        for day in rows::days(pool, &accounts, days).await? {
            for partition in archived::partitions(day.day, account_bucket) {
                missing.insert(partition.folder(), "it is not published yet; export again");
            }
        }
    }
    for day in archive::days(pool, lake.name()).await? {
        let [minutes, channels] = archived::partitions(day.day, day.account_bucket);
        missing.insert(minutes.folder(), "it was archived, and is gone");
        // Days that were archived earlier have no manifest where there were no channels.
        if day.channel_rows.is_some() {
            missing.insert(channels.folder(), "it was archived, and is gone");
        }
    }
    missing.retain(|folder, _| !published.contains(folder));
    Ok(missing)
}

/// Months of usage and of bills of a bucket.
async fn months(
    pool: &PgPool,
    accounts: &[AccountId],
    account_bucket: u8,
) -> Result<Vec<Partition>, LakeError> {
    let of_month = |found: rows::LakeMonth| {
        let period = Period::Month(Month::of(found.month));
        [(Dataset::UsageDaily, found.has_usage), (Dataset::CostDaily, found.has_bills)]
            .into_iter()
            .filter(|(_, has_rows)| *has_rows)
            .map(move |(dataset, _)| Partition { dataset, period, account_bucket })
    };
    Ok(rows::months(pool, accounts).await?.into_iter().flat_map(of_month).collect())
}
