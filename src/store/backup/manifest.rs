//! `manifest.json`: what a backup holds, written last.

use std::fs;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{BackupError, BackupSummary};

/// Name of the file.
pub(super) const FILE_NAME: &str = "manifest.json";

const FORMAT: &str = "agora-usage backup 1";

/// The document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// Name and version of the form of the backup.
    format: String,
    /// Version of the program that wrote it.
    pub(super) program_version: String,
    /// Migration of the schema that was copied.
    pub(super) migration: i64,
    /// Version of PostgreSQL that was copied from; any supported one can be restored to.
    pub(super) postgresql: String,
    /// When it was taken.
    pub(super) created_at: DateTime<Utc>,
    /// Names of the partitions of `occupancy_channel`, one a UTC day.
    pub(super) channel_partitions: Vec<String>,
    /// Tables in the order in which they are restored.
    pub(super) tables: Vec<TableEntry>,
    /// The next number of each numbered column.
    pub(super) sequences: Vec<SequenceEntry>,
}

/// A table's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TableEntry {
    pub(super) table: String,
    pub(super) file: String,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// A column that a sequence numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SequenceEntry {
    pub(super) table: String,
    pub(super) column: String,
    pub(super) next: i64,
}

impl Manifest {
    pub(super) fn new(
        migration: i64,
        postgresql: String,
        created_at: DateTime<Utc>,
        channel_partitions: Vec<String>,
    ) -> Self {
        Self {
            format: FORMAT.to_owned(),
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            migration,
            postgresql,
            created_at,
            channel_partitions,
            tables: Vec::new(),
            sequences: Vec::new(),
        }
    }

    /// Reads the manifest of a backup.
    pub(super) fn read(folder: &Path) -> Result<Self, BackupError> {
        let not_a_backup =
            |cause: String| BackupError::NotABackup { folder: folder.to_path_buf(), cause };
        let text = fs::read_to_string(folder.join(FILE_NAME))
            .map_err(|error| not_a_backup(format!("{FILE_NAME}: {error}")))?;
        // The form first: a later one may have other keys.
        let document: serde_json::Value = serde_json::from_str(&text)
            .map_err(|error| not_a_backup(format!("{FILE_NAME}: {error}")))?;
        if document["format"] != FORMAT {
            return Err(not_a_backup(format!("its form is {}", document["format"])));
        }
        serde_json::from_value(document)
            .map_err(|error| not_a_backup(format!("{FILE_NAME}: {error}")))
    }

    /// Without the rows of a table.
    pub(super) fn summary_without(&self, table: &str) -> BackupSummary {
        let rows = self.tables.iter().filter(|entry| entry.table == table).map(|entry| entry.rows);
        let summary = self.summary();
        BackupSummary { rows: summary.rows - rows.sum::<u64>(), ..summary }
    }

    pub(super) fn summary(&self) -> BackupSummary {
        BackupSummary {
            tables: self.tables.len(),
            rows: self.tables.iter().map(|entry| entry.rows).sum(),
            bytes: self.tables.iter().map(|entry| entry.bytes).sum(),
            migration: self.migration,
        }
    }
}
