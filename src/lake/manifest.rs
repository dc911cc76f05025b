//! A partition's manifest: which files are in force, and what they hold.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::layout::{self, CURRENT_MANIFEST, Partition};
use super::place::Created;
use super::{Lake, LakeError};

/// Number of the layout; a reader of another one must not guess.
const LAYOUT_VERSION: u32 = 1;

/// Revisions that are missed where they are gone: a name that somebody made up
/// must not stand for millions of them.
const MOST_GAPS: usize = 10_000;

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
    /// Names of files and manifests of earlier revisions that were gone or changed
    /// when this one was made, which has the rows anew: nobody need look for them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub lost: BTreeSet<String>,
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
            lost: BTreeSet::new(),
        }
    }

    pub(super) fn text(&self) -> String {
        // Texts, numbers and lists: nothing that JSON cannot hold.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Reads a manifest of the partition; of this revision where one is given.
    fn parse(
        partition: &Partition,
        file_name: &str,
        revision: Option<u32>,
        text: &[u8],
    ) -> Result<Self, LakeError> {
        let wrong = |cause: String| LakeError::Manifest { path: partition.path(file_name), cause };
        let manifest: Self =
            serde_json::from_slice(text).map_err(|error| wrong(error.to_string()))?;
        if manifest.layout != LAYOUT_VERSION {
            return Err(wrong(format!("its layout {} is not {LAYOUT_VERSION}", manifest.layout)));
        }
        let said = (manifest.dataset.as_str(), manifest.period.as_str(), manifest.account_bucket);
        let period = partition.period.to_string();
        let is_of_partition =
            said == (partition.dataset.name(), period.as_str(), partition.account_bucket);
        if !is_of_partition || revision.is_some_and(|revision| revision != manifest.revision) {
            return Err(wrong("it says that it is of another partition or revision".to_owned()));
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

/// What is published of a partition.
#[derive(Debug, Clone, Default)]
pub(super) struct Published {
    /// The newest manifest that can be read; none where nothing is published.
    pub(super) newest: Option<Newest>,
    /// Number of the newest manifest, also where it cannot be read.
    pub(super) last_revision: u32,
}

impl Published {
    pub(super) const fn manifest(&self) -> Option<&Manifest> {
        match &self.newest {
            Some(newest) => Some(&newest.manifest),
            None => None,
        }
    }
}

/// Reads what is published of a partition.
///
/// A writer may have stopped between the manifest and its copy, so that the
/// copy is where the search begins, not where it ends. One that is no copy of
/// its revision counts as none, and a manifest that is none as one that is gone:
/// what somebody did to them must not stop an export from mending it.
pub(super) async fn published(lake: &Lake, partition: &Partition) -> Result<Published, LakeError> {
    let mut found = match copy(lake, partition).await? {
        Some(manifest) => Published {
            last_revision: manifest.revision,
            newest: Some(Newest { manifest, is_current: true }),
        },
        None => newest_of_all(lake, partition).await?,
    };
    loop {
        let revision = found.last_revision.saturating_add(1);
        let name = layout::manifest_name(revision);
        let Some(text) = lake.read(&partition.path(&name)).await? else { return Ok(found) };
        found.last_revision = revision;
        if let Ok(manifest) = Manifest::parse(partition, &name, Some(revision), &text) {
            found.newest = Some(Newest { manifest, is_current: false });
        }
    }
}

/// What `_manifest.json` says; none where it is no copy of a revision.
pub(super) async fn copy(
    lake: &Lake,
    partition: &Partition,
) -> Result<Option<Manifest>, LakeError> {
    let name = CURRENT_MANIFEST;
    let Some(text) = lake.read(&partition.path(name)).await? else { return Ok(None) };
    let Ok(manifest) = Manifest::parse(partition, name, None, &text) else { return Ok(None) };
    let revision = partition.path(&layout::manifest_name(manifest.revision));
    let is_copy = lake.read(&revision).await?.as_ref() == Some(&text);
    Ok(is_copy.then_some(manifest))
}

/// Looks through the folder, newest revision first.
async fn newest_of_all(lake: &Lake, partition: &Partition) -> Result<Published, LakeError> {
    let paths = lake.list(&partition.folder()).await?;
    let names = paths.iter().filter_map(|path| path.rsplit('/').next());
    let revisions: BTreeSet<u32> = names.filter_map(layout::revision_of).collect();
    let last_revision = revisions.last().copied().unwrap_or(0);
    for revision in revisions.into_iter().rev() {
        let name = layout::manifest_name(revision);
        let Some(text) = lake.read(&partition.path(&name)).await? else { continue };
        if let Ok(manifest) = Manifest::parse(partition, &name, Some(revision), &text) {
            let newest = Some(Newest { manifest, is_current: false });
            return Ok(Published { newest, last_revision });
        }
    }
    Ok(Published { newest: None, last_revision })
}

/// Manifests that can be read, with their texts, in order; and of each of the
/// others its name and a line for people.
pub(super) type AllRevisions = (Vec<(Manifest, Bytes)>, Vec<(String, String)>);

/// Reads the manifests of all revisions among the names of a partition's files.
pub(super) async fn all(
    lake: &Lake,
    partition: &Partition,
    names: &BTreeSet<String>,
) -> Result<AllRevisions, LakeError> {
    let there: BTreeSet<u32> = names.iter().filter_map(|name| layout::revision_of(name)).collect();
    let last = there.last().copied().unwrap_or(0);
    let expected: BTreeSet<u32> = (1..=last).take(MOST_GAPS).collect();
    let (mut read, mut broken) = (Vec::new(), Vec::new());
    for revision in expected.union(&there) {
        let name = layout::manifest_name(*revision);
        let path = partition.path(&name);
        let text = if there.contains(revision) { lake.read(&path).await? } else { None };
        let Some(text) = text else {
            broken.push((name, format!("{path}: this revision is gone")));
            continue;
        };
        match Manifest::parse(partition, &name, Some(*revision), &text) {
            Ok(manifest) => read.push((manifest, text)),
            Err(error) => broken.push((name, error.to_string())),
        }
    }
    Ok((read, broken))
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
