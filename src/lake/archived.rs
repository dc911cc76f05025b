//! Days of occupancy that were written down as archived, and whether the lake still has them.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use sqlx::postgres::PgPool;

use super::dataset::Dataset;
use super::layout::{Partition, Period};
use super::manifest::{self, Newest};
use super::{Lake, LakeError};
use crate::store::lake::archive::{self, ArchivedDay};
use crate::store::lake::channel_days;

/// Both partitions of a day.
pub(super) fn partitions(day: NaiveDate, account_bucket: u8) -> [Partition; 2] {
    [Dataset::OccupancyMinute, Dataset::OccupancyChannel].map(|dataset| Partition {
        dataset,
        period: Period::Day(day),
        account_bucket,
    })
}

/// Whether readers find the day, and every file of it has its length. What is
/// in the files was read back when the day was written down.
pub(super) async fn is_whole(lake: &Lake, archived: ArchivedDay) -> Result<bool, LakeError> {
    for partition in partitions(archived.day, archived.account_bucket) {
        let newest = manifest::published(lake, &partition).await?.newest;
        let Some(Newest { manifest, is_current: true }) = newest else { return Ok(false) };
        let rows = archived.channel_rows.filter(|_| partition.dataset == Dataset::OccupancyChannel);
        if rows.is_some_and(|rows| u64::try_from(rows) != Ok(manifest.rows)) {
            return Ok(false);
        }
        for file in &manifest.files {
            if lake.length(&partition.path(&file.name)).await? != Some(file.bytes) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Takes days back that the lake has lost, so that their channels stay and are
/// exported again. Looks at the days before `first_kept`, and no further than
/// the first one whose channels have to stay.
///
/// # Errors
/// [`LakeError`] when the lake or the database cannot be read: then no channels may go.
pub async fn forget_lost(
    lake: &Lake,
    pool: &PgPool,
    first_kept: NaiveDate,
) -> Result<BTreeSet<NaiveDate>, LakeError> {
    let mut lost = BTreeSet::new();
    let archived = archive::days(pool, lake.name()).await?;
    for day in channel_days(pool).await?.into_iter().filter(|day| *day < first_kept) {
        if !archive::holds(pool, lake.name(), day).await? {
            break;
        }
        for archived in archived.iter().filter(|archived| archived.day == day) {
            if !is_whole(lake, *archived).await? {
                archive::forget(pool, lake.name(), *archived).await?;
                lost.insert(day);
            }
        }
        if !lost.is_empty() {
            break;
        }
    }
    Ok(lost)
}
