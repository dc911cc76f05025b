//! Writes what is new into the lake, one partition after another.
//!
//! A partition is written for all accounts of its bucket, also for those that
//! the settings no longer name: a revision with fewer accounts would lose some.
//! What has not changed writes nothing, not even a manifest.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::postgres::PgPool;
use std::collections::{BTreeMap, BTreeSet};

use super::dataset::Dataset;
use super::layout::{Partition, Period, bucket, data_file_name};
use super::manifest::{self, FileEntry, Manifest, Newest};
use super::spool::{Spool, SpoolFolder, SpooledFile};
use super::table::Sums;
use super::{Lake, LakeError, archived, verify};
use crate::domain::{AccountId, DateRange, Month};
use crate::store::lake::archive::{self, ArchivedDay};
use crate::store::lake::{self as rows, CellKind, LakeDay, StreamError};

/// How often a partition is tried that others publish at the same moment.
const PUBLISH_TRIES: u32 = 10;

/// What to export.
#[derive(Debug, Clone, Copy)]
pub struct ExportRange {
    /// Days asked for; everything without. A month counts when a day of it does.
    pub days: Option<DateRange>,
    /// Today (UTC), which is left out of occupancy: it is not over.
    pub today: NaiveDate,
}

/// What an export did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exported {
    /// Partitions that got a revision.
    pub published: u64,
    /// Partitions that were as published.
    pub unchanged: u64,
    /// Files written.
    pub files: u64,
    /// Rows in them.
    pub rows: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Days of occupancy that were read back.
    pub days_verified: u64,
    /// Days of occupancy that were not there as they were written, when they were read back.
    pub days_damaged: u64,
}

impl Exported {
    /// Adds what another export did.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            published: self.published + other.published,
            unchanged: self.unchanged + other.unchanged,
            files: self.files + other.files,
            rows: self.rows + other.rows,
            bytes: self.bytes + other.bytes,
            days_verified: self.days_verified + other.days_verified,
            days_damaged: self.days_damaged + other.days_damaged,
        }
    }
}

/// Writes one bucket of accounts.
#[derive(Debug)]
pub struct BucketExport<'a> {
    /// Where the files go.
    pub lake: &'a Lake,
    /// The database.
    pub pool: &'a PgPool,
    /// Bucket of accounts, 0 to 15.
    pub account_bucket: u8,
    /// Accounts of the bucket, all that the database knows.
    pub accounts: Vec<AccountId>,
    /// When this is.
    pub now: DateTime<Utc>,
}

/// Accounts of the database by bucket; buckets without an account are left out.
///
/// # Errors
/// [`LakeError::Store`] when the database does not answer.
pub async fn buckets(pool: &PgPool) -> Result<BTreeMap<u8, Vec<AccountId>>, LakeError> {
    let mut buckets: BTreeMap<u8, Vec<AccountId>> = BTreeMap::new();
    for account in rows::accounts(pool).await? {
        buckets.entry(bucket(&account)).or_default().push(account);
    }
    Ok(buckets)
}

impl BucketExport<'_> {
    /// Exports everything of the range that is new.
    ///
    /// Days of occupancy are read back afterwards and written down as archived,
    /// so that the database may forget their channels.
    ///
    /// # Errors
    /// [`LakeError`]; what was published before stays.
    pub async fn run(&self, range: ExportRange) -> Result<Exported, LakeError> {
        let mut exported = Exported::default();
        for found in rows::months(self.pool, &self.accounts).await? {
            let month = Month::of(found.month);
            if range.days.is_some_and(|days| days.intersection(month.days()).is_none()) {
                continue;
            }
            for (dataset, has_rows, state) in [
                (Dataset::UsageDaily, found.has_usage, &found.usage_state),
                (Dataset::CostDaily, found.has_bills, &found.cost_state),
            ] {
                if has_rows {
                    let partition = self.partition(dataset, Period::Month(month));
                    exported = exported.and(self.publish(&partition, state).await?);
                }
            }
        }
        Ok(exported.and(self.run_days(range).await?))
    }

    /// Exports days of occupancy that are over and were not exported as they are now.
    async fn run_days(&self, range: ExportRange) -> Result<Exported, LakeError> {
        let mut exported = Exported::default();
        let with_channels: BTreeSet<_> = rows::channel_days(self.pool).await?.into_iter().collect();
        let Some(yesterday) = range.today.pred_opt() else { return Ok(exported) };
        // Without a range: as far back as there are channels; minutes alone are asked for by name.
        let oldest = with_channels.first().copied().unwrap_or(range.today);
        let days = match range.days {
            Some(days) => DateRange::new(days.first(), days.last().min(yesterday)),
            None => DateRange::new(oldest, yesterday),
        };
        let Ok(days) = days else { return Ok(exported) };
        let archived = archive::days(self.pool, self.lake.name()).await?;
        for day in rows::days(self.pool, &self.accounts, days).await? {
            if !self.is_archived(day, &archived).await? {
                exported = exported.and(self.run_day(day, &with_channels).await?);
            }
        }
        Ok(exported)
    }

    /// Whether the day was written down as it is now, and is still there.
    async fn is_archived(&self, day: LakeDay, all: &[ArchivedDay]) -> Result<bool, LakeError> {
        let of_day = all.iter().find(|archived| {
            (archived.day, archived.account_bucket) == (day.day, self.account_bucket)
                && archived.snapshots == day.snapshots
        });
        match of_day {
            Some(archived) => archived::is_whole(self.lake, *archived).await,
            None => Ok(false),
        }
    }

    async fn run_day(
        &self,
        day: LakeDay,
        with_channels: &BTreeSet<NaiveDate>,
    ) -> Result<Exported, LakeError> {
        let state = format!("snapshots={}", day.snapshots);
        let mut exported = Exported::default();
        // A day whose channels are gone keeps those that the lake has of it.
        let has_channels = with_channels.contains(&day.day);
        let partitions = archived::partitions(day.day, self.account_bucket);
        let mut channel_rows = None;
        let mut differences = Vec::new();
        for partition in &partitions[..if has_channels { 2 } else { 1 }] {
            exported = exported.and(self.publish(partition, &state).await?);
            let Some(Newest { manifest, .. }) = manifest::newest(self.lake, partition).await?
            else {
                differences.push(format!("{}: it is gone", partition.folder()));
                continue;
            };
            differences.extend(verify::files(self.lake, partition, &manifest).await?);
            channel_rows = i64::try_from(manifest.rows).ok();
        }
        if let Some(difference) = differences.first() {
            tracing::error!(day = %day.day, %difference, "a day of the lake is not as it was written");
            exported.days_damaged += 1;
        } else if has_channels {
            let LakeDay { day, snapshots } = day;
            let account_bucket = self.account_bucket;
            let archived = ArchivedDay { day, account_bucket, snapshots, channel_rows };
            archive::mark(self.pool, self.lake.name(), archived, self.now).await?;
            exported.days_verified += 1;
        }
        Ok(exported)
    }

    const fn partition(&self, dataset: Dataset, period: Period) -> Partition {
        Partition { dataset, period, account_bucket: self.account_bucket }
    }

    /// Publishes a partition unless it is as published.
    async fn publish(&self, partition: &Partition, state: &str) -> Result<Exported, LakeError> {
        let mut newest = manifest::newest(self.lake, partition).await?;
        let mut content = None;
        for _ in 0..PUBLISH_TRIES {
            if let Some(Newest { manifest, is_current: false }) = &newest {
                self.lake.remove_unfinished(&partition.folder())?;
                manifest::put_current(self.lake, partition, manifest).await?;
            }
            let published = newest.as_ref().map(|newest| &newest.manifest);
            if published.is_some_and(|manifest| manifest.source_state == state) {
                return Ok(Exported { unchanged: 1, ..Exported::default() });
            }
            let (folder, files) = match content.take() {
                Some(content) => content,
                None => self.spool(partition).await?,
            };
            let done = self.publish_files(partition, state, published, &files).await?;
            if let Some(exported) = done {
                return Ok(exported);
            }
            // Another writer was faster: what it published is what there is to compare with.
            content = Some((folder, files));
            newest = manifest::newest(self.lake, partition).await?;
        }
        Err(LakeError::Contended(partition.folder()))
    }

    /// Reads the rows of a partition into files of this machine.
    async fn spool(
        &self,
        partition: &Partition,
    ) -> Result<(SpoolFolder, Vec<SpooledFile>), LakeError> {
        let folder = SpoolFolder::new()?;
        let mut spool = Spool::new(&folder, partition.dataset);
        let kinds = kinds(partition.dataset);
        let days = partition.period.days();
        let source = partition.dataset.rows();
        rows::stream(self.pool, source, &kinds, &self.accounts, days, |row| spool.take(row))
            .await
            .map_err(of_stream)?;
        let files = spool.finish()?;
        Ok((folder, files))
    }

    /// Sends the files that are not published yet and their manifest; none
    /// when another writer has published a revision of that number.
    async fn publish_files(
        &self,
        partition: &Partition,
        state: &str,
        published: Option<&Manifest>,
        files: &[SpooledFile],
    ) -> Result<Option<Exported>, LakeError> {
        let earlier: &[FileEntry] = published.map_or(&[], |manifest| &manifest.files);
        // Also nothing is published, so that what is lost later can be told.
        let is_same = published.is_some()
            && earlier.len() == files.len()
            && earlier.iter().zip(files).all(|(old, new)| old.content_sha256 == new.content_sha256);
        if is_same {
            return Ok(Some(Exported { unchanged: 1, ..Exported::default() }));
        }
        let revision = published.map_or(0, |manifest| manifest.revision) + 1;
        self.lake.remove_unfinished(&partition.folder())?;
        let mut exported = Exported { published: 1, ..Exported::default() };
        let mut sums = Sums::new(partition.dataset);
        let mut entries = Vec::with_capacity(files.len());
        for (part, file) in files.iter().enumerate() {
            sums.add(&file.sums)?;
            let known = earlier.iter().find(|entry| entry.content_sha256 == file.content_sha256);
            if let Some(entry) = known {
                entries.push(entry.clone());
                continue;
            }
            let entry = entry_of(file, data_file_name(revision, part, &file.sha256));
            self.lake.send(&partition.path(&entry.name), &file.path).await?;
            exported.files += 1;
            exported.rows += entry.rows;
            exported.bytes += entry.bytes;
            entries.push(entry);
        }
        let manifest = Manifest::new(partition, revision, self.now, state, entries, sums.texts());
        let is_published = manifest::publish(self.lake, partition, &manifest).await?;
        Ok(is_published.then_some(exported))
    }
}

fn entry_of(file: &SpooledFile, name: String) -> FileEntry {
    FileEntry {
        name,
        bytes: file.bytes,
        sha256: file.sha256.clone(),
        content_sha256: file.content_sha256.clone(),
        rows: file.rows,
        sums: file.sums.texts(),
    }
}

/// What the columns of a dataset hold.
pub(super) fn kinds(dataset: Dataset) -> Vec<CellKind> {
    dataset.columns().iter().map(|column| column.kind).collect()
}

/// Both ways in which a stream of rows can fail.
pub(super) fn of_stream(error: StreamError<LakeError>) -> LakeError {
    match error {
        StreamError::Store(error) => error.into(),
        StreamError::Taker(error) => error,
    }
}
