//! Counts the lake again: every published file against its manifests, and the database.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write;

use bytes::Bytes;
use polars::prelude::{DataFrame, DataType};
use polars_io::SerReader;
use polars_io::parquet::read::ParquetReader;
use sha2::{Digest, Sha256};
use sqlx::postgres::PgPool;

use super::dataset::{Column, Dataset};
use super::export::{kinds, of_stream};
use super::layout::{CURRENT_MANIFEST, Partition, Period, bucket, manifest_name, revision_of};
use super::manifest::{FileEntry, Manifest};
use super::spool::SpoolFolder;
use super::table::{ContentHash, Sums, plus};
use super::{Lake, LakeError, archived};
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
}

/// Checks every partition of the lake, and without `pool` the files alone.
///
/// # Errors
/// [`LakeError`] when the lake or the database cannot be read; what does not
/// agree is no error but a difference.
pub async fn everything(lake: &Lake, pool: Option<&PgPool>) -> Result<Verified, LakeError> {
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
        verified.differences.extend(lost(lake, pool, &published).await?);
    }
    Ok(verified)
}

/// Days that were written down as archived, so that the database may forget
/// their channels, and are not there.
async fn lost(
    lake: &Lake,
    pool: &PgPool,
    published: &BTreeSet<String>,
) -> Result<Vec<String>, LakeError> {
    let archived = rows::archive::days(pool, lake.name()).await?;
    let folders = archived.into_iter().flat_map(|archived| {
        let [minutes, channels] = archived::partitions(archived.day, archived.account_bucket);
        // Days that were exported earlier have no manifest where there were no channels.
        let channels = archived.channel_rows.map(|_| channels.folder());
        [Some(minutes.folder()), channels].into_iter().flatten()
    });
    let lost = folders.filter(|folder| !published.contains(folder));
    Ok(lost.map(|folder| format!("{folder}: it was archived, and is gone")).collect())
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
        let path = partition.path(CURRENT_MANIFEST);
        let Some(text) = lake.read(&path).await? else { continue };
        let manifest = Manifest::parse(&path, &text)?;
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
    let revisions: BTreeSet<u32> = names.iter().filter_map(|name| revision_of(name)).collect();
    let mut seen = BTreeSet::new();
    let mut earlier = Vec::new();
    let mut newest: Option<(Manifest, Bytes)> = None;
    for (expected, revision) in (1..).zip(&revisions) {
        let path = partition.path(&manifest_name(*revision));
        if *revision != expected {
            verified.differences.push(format!("{path}: a revision before it is gone"));
        }
        let text = lake.read(&path).await?.unwrap_or_default();
        let manifest = match Manifest::parse(&path, &text) {
            Ok(manifest) => manifest,
            Err(error) => {
                verified.differences.push(error.to_string());
                continue;
            }
        };
        verified.manifests += 1;
        let mut fresh = manifest.clone();
        fresh.files.retain(|file| seen.insert(file.name.clone()));
        verified.files += fresh.files.len() as u64;
        verified.rows += fresh.files.iter().map(|file| file.rows).sum::<u64>();
        verified.differences.extend(files(lake, partition, &fresh).await?);
        verified.differences.extend(totals(&path, &manifest)?);
        earlier.extend(newest.replace((manifest, text)).map(|(_, text)| text));
    }
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
fn totals(path: &str, manifest: &Manifest) -> Result<Option<String>, LakeError> {
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
        match file(lake, partition.dataset, &path, entry).await {
            Ok(found) => differences.extend(found.map(|why| format!("{path}: {why}"))),
            Err(LakeError::Parquet(error)) => differences.push(format!("{path}: {error}")),
            Err(error) => return Err(error),
        }
    }
    Ok(differences)
}

async fn file(
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
