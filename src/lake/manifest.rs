//! A partition's manifest: which files are in force, and what they hold.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::layout::{self, CURRENT_MANIFEST, Partition};
use super::place::Created;
use super::{Lake, LakeError};

/// Number of the layout; a reader of another one must not guess.
const LAYOUT_VERSION: u32 = 1;

/// What a partition holds as of a revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Number of the layout.
    pub layout: u32,
    /// Name of the dataset.
    pub dataset: String,
    /// Month or day, as in the path.
    pub period: String,
    /// Bucket of accounts, 0 to 15.
    pub account_bucket: u8,
    /// Number of this manifest, from 1.
    pub revision: u32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// What the source looked like, to tell a change without reading every row.
    pub source_state: String,
    /// Rows of all files.
    pub rows: u64,
    /// Sums of all files by column, as exact texts.
    pub sums: BTreeMap<String, String>,
    /// Files in the order of their rows.
    pub files: Vec<FileEntry>,
}

/// A data file of a partition. It may be of an earlier revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Name within the partition's folder.
    pub name: String,
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: String,
    /// SHA-256 of the rows, whatever the encoding: equal rows need no new file.
    pub content_sha256: String,
    /// Rows.
    pub rows: u64,
    /// Sums by column, as exact texts.
    pub sums: BTreeMap<String, String>,
}

impl Manifest {
    /// The manifest of a partition's next revision.
    pub(super) fn new(
        partition: &Partition,
        revision: u32,
        created_at: DateTime<Utc>,
        source_state: &str,
        files: Vec<FileEntry>,
        sums: BTreeMap<String, String>,
    ) -> Self {
        Self {
            layout: LAYOUT_VERSION,
            dataset: partition.dataset.name().to_owned(),
            period: partition.period.to_string(),
            account_bucket: partition.account_bucket,
            revision,
            created_at,
            source_state: source_state.to_owned(),
            rows: files.iter().map(|file| file.rows).sum(),
            sums,
            files,
        }
    }

    pub(super) fn text(&self) -> String {
        // Texts, numbers and lists: nothing that JSON cannot hold.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    pub(super) fn parse(path: &str, text: &[u8]) -> Result<Self, LakeError> {
        let wrong = |cause: String| LakeError::Manifest { path: path.to_owned(), cause };
        let manifest: Self =
            serde_json::from_slice(text).map_err(|error| wrong(error.to_string()))?;
        if manifest.layout != LAYOUT_VERSION {
            return Err(wrong(format!("its layout {} is not {LAYOUT_VERSION}", manifest.layout)));
        }
        Ok(manifest)
    }
}

/// The newest manifest of a partition, and whether `_manifest.json` is a copy of it.
#[derive(Debug, Clone)]
pub(super) struct Newest {
    pub(super) manifest: Manifest,
    pub(super) is_current: bool,
}

/// Reads the newest manifest of a partition; none when nothing is published.
///
/// A writer may have stopped between the manifest and its copy, so that the
/// copy is where the search begins, not where it ends.
pub(super) async fn newest(
    lake: &Lake,
    partition: &Partition,
) -> Result<Option<Newest>, LakeError> {
    let path = partition.path(CURRENT_MANIFEST);
    let current = lake.read(&path).await?;
    let copy = current.map(|text| Manifest::parse(&path, &text)).transpose()?;
    let mut newest = copy.map(|manifest| Newest { manifest, is_current: true });
    loop {
        let revision = newest.as_ref().map_or(1, |newest| newest.manifest.revision + 1);
        let path = partition.path(&layout::manifest_name(revision));
        let Some(text) = lake.read(&path).await? else { return Ok(newest) };
        let manifest = Manifest::parse(&path, &text)?;
        newest = Some(Newest { manifest, is_current: false });
    }
}

/// Creates the manifest of its revision; false when another writer has made one of that number.
pub(super) async fn publish(
    lake: &Lake,
    partition: &Partition,
    manifest: &Manifest,
) -> Result<bool, LakeError> {
    let path = partition.path(&layout::manifest_name(manifest.revision));
    let text = manifest.text();
    let created = match lake.create(&path, text.clone().into()).await {
        // An answer that got lost: whether it was made is to be seen there.
        Err(error) => match lake.read(&path).await {
            Ok(Some(found)) if found == text.as_bytes() => Created::New,
            _ => return Err(error),
        },
        Ok(created) => created,
    };
    if created == Created::WasThere {
        return Ok(false);
    }
    put_current(lake, partition, manifest).await?;
    Ok(true)
}

/// Makes `_manifest.json` a copy of the newest manifest.
pub(super) async fn put_current(
    lake: &Lake,
    partition: &Partition,
    manifest: &Manifest,
) -> Result<(), LakeError> {
    lake.replace(&partition.path(CURRENT_MANIFEST), manifest.text().into()).await
}
