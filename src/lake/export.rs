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
use super::manifest::{self, FileEntry, Manifest, Newest, Published};
use super::spool::{Spool, SpoolFolder, SpooledFile};
use super::table::Sums;
use super::{Lake, LakeError, archived, lost, verify};
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
    /// Whether what was published is read, and written anew where it is not there as it
    /// was written. Without a range this reaches back to the oldest day that was archived.
    pub again: bool,
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

/// What a day of occupancy needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// It is in the lake as it is in the database.
    Nothing,
    /// It is new, or has changed.
    Export,
    /// It was in the lake, and some of it no longer is.
    Again,
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
                    exported = exported.and(self.publish(&partition, state, range.again).await?);
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
        let archived = self.archived_days().await?;
        // Without a range: as far back as there are channels; minutes alone are asked for by name.
        let mut oldest = with_channels.first().copied().unwrap_or(range.today);
        if let Some(first) = archived.first().filter(|_| range.again) {
            oldest = oldest.min(first.day);
        }
        let days = match range.days {
            Some(days) => DateRange::new(days.first(), days.last().min(yesterday)),
            None => DateRange::new(oldest, yesterday),
        };
        let Ok(days) = days else { return Ok(exported) };
        for day in rows::days(self.pool, &self.accounts, days).await? {
            let need = self.need(day, &archived).await?;
            let again = range.again || need == Need::Again;
            if again || need == Need::Export {
                let has_channels = with_channels.contains(&day.day);
                exported = exported.and(self.run_day(day, has_channels, again).await?);
            }
        }
        Ok(exported)
    }

    /// Days of the bucket that were written down for this lake, oldest first.
    async fn archived_days(&self) -> Result<Vec<ArchivedDay>, LakeError> {
        let mut archived = archive::days(self.pool, self.lake.name()).await?;
        archived.retain(|archived| archived.account_bucket == self.account_bucket);
        Ok(archived)
    }

    /// Whether a day has to be exported: it was not written down as it is now, or
    /// the lake has lost some of it.
    async fn need(&self, day: LakeDay, archived: &[ArchivedDay]) -> Result<Need, LakeError> {
        let is_it = |archived: &&ArchivedDay| {
            (archived.day, archived.snapshots) == (day.day, day.snapshots)
        };
        let Some(archived) = archived.iter().find(is_it) else { return Ok(Need::Export) };
        let is_whole = archived::is_whole(self.lake, *archived).await?;
        Ok(if is_whole { Need::Nothing } else { Need::Again })
    }

    async fn run_day(
        &self,
        day: LakeDay,
        has_channels: bool,
        again: bool,
    ) -> Result<Exported, LakeError> {
        let state = format!("snapshots={}", day.snapshots);
        let mut exported = Exported::default();
        let partitions = archived::partitions(day.day, self.account_bucket);
        if !has_channels {
            // A day whose channels are gone keeps those that the lake has of it.
            self.with_its_copy(&partitions[1]).await?;
        }
        let mut channel_rows = None;
        let mut differences = Vec::new();
        for partition in &partitions[..if has_channels { 2 } else { 1 }] {
            exported = exported.and(self.publish(partition, &state, again).await?);
            let published = manifest::published(self.lake, partition).await?;
            let Some(manifest) = published.manifest() else {
                differences.push(format!("{}: it is gone", partition.folder()));
                continue;
            };
            differences.extend(verify::files(self.lake, partition, manifest).await?);
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
    async fn publish(
        &self,
        partition: &Partition,
        state: &str,
        again: bool,
    ) -> Result<Exported, LakeError> {
        let mut content = None;
        for _ in 0..PUBLISH_TRIES {
            let published = self.with_its_copy(partition).await?;
            let manifest = published.manifest();
            if !again && manifest.is_some_and(|manifest| manifest.source_state == state) {
                return Ok(Exported { unchanged: 1, ..Exported::default() });
            }
            let lost =
                if again { lost::names(self.lake, partition).await? } else { BTreeSet::new() };
            let (folder, files) = match content.take() {
                Some(content) => content,
                None => self.spool(partition).await?,
            };
            let done = self.publish_files(partition, state, &published, lost, &files).await?;
            if let Some(exported) = done {
                return Ok(exported);
            }
            // Another writer was faster: what it published is what there is to compare with.
            content = Some((folder, files));
        }
        Err(LakeError::Contended(partition.folder()))
    }

    /// What is published of a partition, and readers see after this.
    async fn with_its_copy(&self, partition: &Partition) -> Result<Published, LakeError> {
        let published = manifest::published(self.lake, partition).await?;
        if let Some(Newest { manifest, is_current: false }) = &published.newest {
            self.lake.remove_unfinished(&partition.folder())?;
            manifest::put_current(self.lake, partition, manifest).await?;
        }
        Ok(published)
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
        published: &Published,
        lost: BTreeSet<String>,
        files: &[SpooledFile],
    ) -> Result<Option<Exported>, LakeError> {
        let newest = published.manifest();
        let earlier: &[FileEntry] = newest.map_or(&[], |manifest| &manifest.files);
        // Also that there are no rows is published, so that what is lost later can be told.
        let is_same = newest.is_some()
            && lost.is_empty()
            && earlier.len() == files.len()
            && earlier.iter().zip(files).all(|(old, new)| old.content_sha256 == new.content_sha256);
        if is_same {
            return Ok(Some(Exported { unchanged: 1, ..Exported::default() }));
        }
        let revision = published.last_revision.saturating_add(1);
        self.lake.remove_unfinished(&partition.folder())?;
        let mut exported = Exported { published: 1, ..Exported::default() };
        let mut sums = Sums::new(partition.dataset);
        let mut entries = Vec::with_capacity(files.len());
        for (part, file) in files.iter().enumerate() {
            sums.add(&file.sums)?;
            let known = earlier.iter().find(|entry| {
                entry.content_sha256 == file.content_sha256 && !lost.contains(&entry.name)
            });
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
        let manifest = Manifest { lost, ..manifest };
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
