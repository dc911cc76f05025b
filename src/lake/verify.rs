//! Counts the lake again: every published file against its manifests, and the database.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write;

use bytes::Bytes;
use chrono::NaiveDate;
use polars::prelude::{DataFrame, DataType};
use polars_io::SerReader;
use polars_io::parquet::read::ParquetReader;
use sha2::{Digest, Sha256};
use sqlx::postgres::PgPool;

use super::dataset::{Column, Dataset};
use super::export::{kinds, of_stream};
use super::layout::{CURRENT_MANIFEST, Partition, Period, bucket, manifest_name};
use super::manifest::{FileEntry, Manifest};
use super::spool::SpoolFolder;
use super::table::{ContentHash, Sums, plus};
use super::{Lake, LakeError, lost, manifest};
use crate::domain::AccountId;
use crate::store::lake as rows;

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Partitions looked at.
    pub partitions: u64,
    /// Manifests of all revisions.
    pub manifests: u64,
    /// Data files read.
    pub files: u64,
    /// Rows counted in them.
    pub rows: u64,
    /// Partitions that were held against the database.
    pub compared: u64,
    /// What does not agree, each in a line for people.
    pub differences: Vec<String>,
    /// Partitions of which readers see an earlier revision that is whole, each in
    /// a line for people: a writer has stopped, or is, between a manifest and its copy.
    pub behind: Vec<String>,
    /// Partitions that the database has, or that were archived, and that are not
    /// published, each in a line for people.
    pub missing: Vec<String>,
}

/// Checks every partition of the lake, and without `pool` the files alone. With it,
/// what an export without a range would publish before `today` (UTC) has to be there.
///
/// # Errors
/// [`LakeError`] when the lake or the database cannot be read; what does not
/// agree is no error but a difference.
pub async fn everything(
    lake: &Lake,
    pool: Option<&PgPool>,
    today: NaiveDate,
) -> Result<Verified, LakeError> {
    let mut verified = Verified::default();
    let mut published = BTreeSet::new();
    let accounts = match pool {
        Some(pool) => rows::accounts(pool).await?,
        None => Vec::new(),
    };
    let channel_days = match pool {
        Some(pool) => rows::channel_days(pool).await?.into_iter().collect(),
        None => BTreeSet::new(),
    };
    for dataset in Dataset::ALL {
        for (folder, names) in folders(lake, dataset).await? {
            let Some(partition) = Partition::of_folder(&folder) else {
                verified.differences.push(format!("{folder}: this folder is none of the layout"));
                continue;
            };
            verified.partitions += 1;
            let newest = manifests(lake, &partition, &names, &mut verified).await?;
            let (Some(pool), Some(newest)) = (pool, newest) else { continue };
            let is_there = match partition.period {
                Period::Day(day) if dataset == Dataset::OccupancyChannel => {
                    channel_days.contains(&day)
                }
                _ => true,
            };
            published.insert(folder);
            if is_there {
                verified.compared += 1;
                let found = database(pool, &accounts, &partition, &newest).await?;
                verified.differences.extend(found);
            }
        }
    }
    if let Some(pool) = pool {
        let missing = lost::partitions(lake, pool, &published, today).await?;
        verified.missing =
            missing.into_iter().map(|(folder, why)| format!("{folder}: {why}")).collect();
    }
    Ok(verified)
}

/// Paths of the files in force of a dataset, as the newest manifests list them.
///
/// # Errors
/// [`LakeError`] when the lake cannot be read.
pub async fn files_in_force(lake: &Lake, dataset: Dataset) -> Result<Vec<String>, LakeError> {
    let mut paths = Vec::new();
    for (folder, names) in folders(lake, dataset).await? {
        let Some(partition) = Partition::of_folder(&folder) else { continue };
        if !names.contains(CURRENT_MANIFEST) {
            continue;
        }
        let manifest = match manifest::copy(lake, &partition).await? {
            Some(manifest) => manifest,
            // What somebody did to the copy keeps nobody from reading.
            None => match manifest::published(lake, &partition).await?.newest {
                Some(newest) => newest.manifest,
                None => continue,
            },
        };
        paths.extend(manifest.files.iter().map(|file| partition.path(&file.name)));
    }
    Ok(paths)
}

/// Names of files by folder.
async fn folders(
    lake: &Lake,
    dataset: Dataset,
) -> Result<BTreeMap<String, BTreeSet<String>>, LakeError> {
    let mut folders: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in lake.list(dataset.name()).await? {
        if let Some((folder, name)) = path.rsplit_once('/') {
            folders.entry(folder.to_owned()).or_default().insert(name.to_owned());
        }
    }
    Ok(folders)
}

/// Checks all manifests of a partition and their files; gives the newest one.
async fn manifests(
    lake: &Lake,
    partition: &Partition,
    names: &BTreeSet<String>,
    verified: &mut Verified,
) -> Result<Option<Manifest>, LakeError> {
    let (revisions, broken) = manifest::all(lake, partition, names).await?;
    let told: BTreeSet<&String> =
        revisions.iter().flat_map(|(manifest, _)| &manifest.lost).collect();
    let untold = broken.into_iter().filter(|(name, _)| !told.contains(name));
    verified.differences.extend(untold.map(|(_, why)| why));
    let mut seen = BTreeSet::new();
    for (index, (manifest, _)) in revisions.iter().enumerate() {
        verified.manifests += 1;
        let is_newest = index + 1 == revisions.len();
        let mut fresh = manifest.clone();
        fresh.files.retain(|file| {
            (is_newest || !told.contains(&file.name)) && seen.insert(file.name.clone())
        });
        verified.files += fresh.files.len() as u64;
        verified.rows += fresh.files.iter().map(|file| file.rows).sum::<u64>();
        verified.differences.extend(files(lake, partition, &fresh).await?);
        let name = manifest_name(manifest.revision);
        if !told.contains(&name) {
            verified.differences.extend(totals(&partition.path(&name), manifest)?);
        }
    }
    let mut texts: Vec<Bytes> = revisions.iter().map(|(_, text)| text.clone()).collect();
    let newest = revisions.into_iter().next_back().map(|(manifest, _)| manifest).zip(texts.pop());
    let earlier = texts;
    let path = partition.path(CURRENT_MANIFEST);
    let current = lake.read(&path).await?;
    let Some((newest, text)) = newest else {
        verified.differences.extend(current.map(|_| format!("{path}: its revision is gone")));
        return Ok(None);
    };
    if current.as_ref() != Some(&text) {
        let revision = newest.revision;
        // Before the first copy there is none, and readers see nothing, as before.
        if current.map_or(earlier.is_empty(), |current| earlier.contains(&current)) {
            let behind = format!(
                "{path}: readers do not see revision {revision} yet: export again to end what \
                 was interrupted"
            );
            verified.behind.push(behind);
        } else {
            let difference = format!("{path}: it is no copy of manifest-r{revision}.json");
            verified.differences.push(difference);
        }
    }
    Ok(Some(newest))
}

/// Whether a manifest's rows and sums are those of its files.
pub(super) fn totals(path: &str, manifest: &Manifest) -> Result<Option<String>, LakeError> {
    let rows: u64 = manifest.files.iter().map(|file| file.rows).sum();
    if rows != manifest.rows {
        return Ok(Some(format!("{path}: {} rows, but its files have {rows}", manifest.rows)));
    }
    let Some(dataset) = Dataset::from_name(&manifest.dataset) else {
        return Ok(Some(format!("{path}: there is no dataset '{}'", manifest.dataset)));
    };
    for column in dataset.columns().iter().filter(|column| column.is_summed) {
        let mut sum = 0;
        for file in &manifest.files {
            sum = plus(column, sum, units_of(file.sums.get(column.name)))?;
        }
        if sum != units_of(manifest.sums.get(column.name)) {
            return Ok(Some(format!("{path}: {} is not the sum of its files", column.name)));
        }
    }
    Ok(None)
}

/// Digits of a sum as one number: sums of a column have the same number of places.
fn units_of(text: Option<&String>) -> i128 {
    text.and_then(|text| text.replace('.', "").parse().ok()).unwrap_or(0)
}

/// Checks the files of a manifest: there, hash, rows, sums.
pub(super) async fn files(
    lake: &Lake,
    partition: &Partition,
    manifest: &Manifest,
) -> Result<Vec<String>, LakeError> {
    let mut differences = Vec::new();
    for entry in &manifest.files {
        let path = partition.path(&entry.name);
        let found = file(lake, partition.dataset, &path, entry).await?;
        differences.extend(found.map(|why| format!("{path}: {why}")));
    }
    Ok(differences)
}

/// Why a file is not there as it was written.
pub(super) async fn file(
    lake: &Lake,
    dataset: Dataset,
    path: &str,
    entry: &FileEntry,
) -> Result<Option<String>, LakeError> {
    match content(lake, dataset, path, entry).await {
        Err(LakeError::Parquet(error)) => Ok(Some(error.to_string())),
        found => found,
    }
}

async fn content(
    lake: &Lake,
    dataset: Dataset,
    path: &str,
    entry: &FileEntry,
) -> Result<Option<String>, LakeError> {
    let folder = SpoolFolder::new()?;
    let copy_path = folder.file("copy.parquet");
    let mut copy = File::create_new(&copy_path)?;
    let (mut hash, mut bytes) = (Sha256::new(), 0_u64);
    let is_there = lake.read_in_pieces(path, |piece| {
        hash.update(piece);
        bytes += piece.len() as u64;
        Ok(copy.write_all(piece)?)
    });
    if !is_there.await? {
        return Ok(Some("the file is gone".to_owned()));
    }
    let sha256 = format!("{:x}", hash.finalize());
    if (bytes, &sha256) != (entry.bytes, &entry.sha256) {
        return Ok(Some("its bytes are not those that were written".to_owned()));
    }
    let rows = ParquetReader::new(File::open(&copy_path)?).num_rows()? as u64;
    if rows != entry.rows {
        return Ok(Some(format!("{rows} rows, not {}", entry.rows)));
    }
    let mut sums = Sums::new(dataset);
    for column in dataset.columns().iter().filter(|column| column.is_summed) {
        // One column at a time is in memory.
        let reader = ParquetReader::new(File::open(&copy_path)?);
        let frame = reader.with_columns(Some(vec![column.name.to_owned()])).finish()?;
        sums.set(column.name, sum_of(column, &frame)?);
    }
    let sums = sums.texts();
    let wrong = entry.sums.iter().find(|(name, sum)| sums.get(*name) != Some(*sum));
    Ok(wrong.map(|(name, sum)| format!("{name} adds up to {:?}, not {sum}", sums.get(name))))
}

fn sum_of(column: &Column, frame: &DataFrame) -> Result<i128, LakeError> {
    let values = frame.column(column.name)?;
    let mut sum = 0;
    if matches!(values.dtype(), DataType::Decimal(..)) {
        for units in values.decimal()?.physical().iter().flatten() {
            sum = plus(column, sum, units)?;
        }
    } else {
        for number in values.i64()?.iter().flatten() {
            sum = plus(column, sum, i128::from(number))?;
        }
    }
    Ok(sum)
}

/// Holds a manifest against the rows that the database has now.
async fn database(
    pool: &PgPool,
    accounts: &[AccountId],
    partition: &Partition,
    manifest: &Manifest,
) -> Result<Option<String>, LakeError> {
    let dataset = partition.dataset;
    let of_bucket = |account: &&AccountId| bucket(account) == partition.account_bucket;
    let accounts: Vec<AccountId> = accounts.iter().filter(of_bucket).cloned().collect();
    let (kinds, days) = (kinds(dataset), partition.period.days());
    let mut sums = Sums::new(dataset);
    let mut count = 0_u64;
    let mut hashes = vec![ContentHash::default()];
    // Hashes are by file: the rows are cut where the files are.
    let mut left: Vec<u64> = manifest.files.iter().map(|file| file.rows).rev().collect();
    rows::stream(pool, dataset.rows(), &kinds, &accounts, days, |row| {
        if left.last() == Some(&0) {
            left.pop();
            hashes.push(ContentHash::default());
        }
        if let Some(rest) = left.last_mut() {
            *rest -= 1;
        }
        if let Some(hash) = hashes.last_mut() {
            hash.add(&row);
        }
        count += 1;
        sums.add_row(dataset, &row)
    })
    .await
    .map_err(of_stream)?;
    let folder = partition.folder();
    let hint = "export again";
    if count != manifest.rows {
        let rows = manifest.rows;
        return Ok(Some(format!("{folder}: {rows} rows, the database has {count}; {hint}")));
    }
    let sums = sums.texts();
    if let Some((name, sum)) =
        sums.iter().find(|(name, sum)| manifest.sums.get(*name) != Some(*sum))
    {
        let published = manifest.sums.get(name).map_or("nothing", String::as_str);
        return Ok(Some(format!("{folder}: {name} is {published}, in the database {sum}; {hint}")));
    }
    let hashes: Vec<String> = hashes.into_iter().map(ContentHash::text).collect();
    let is_same = manifest.files.iter().map(|file| &file.content_sha256).eq(hashes.iter());
    let has_rows = count > 0;
    Ok((has_rows && !is_same).then(|| format!("{folder}: rows differ from the database; {hint}")))
}
