//! All tables of the schema as files, and back.
//!
//! The platform forgets after twelve months, so that the database is the only
//! copy of what is older. A backup is a folder with one CSV file a table, in
//! PostgreSQL's own form of CSV with a header (an empty field is null, an empty
//! text is quoted), and `manifest.json` last, with rows and SHA-256 of each. It
//! can be read without this program, and by any supported version of PostgreSQL.
//!
//! What is copied follows from the catalogue of the database, not from a list
//! here, so that a new table cannot be left out. `write` takes one consistent
//! snapshot; `restore` fills an empty schema in one transaction, but for who may
//! read: that is a matter of the server that is restored to (`readers`).

mod catalogue;
mod csv_rows;
mod manifest;
mod readers;
mod restore;
#[cfg(test)]
mod tests;
mod write;

use std::path::{Path, PathBuf};

pub use restore::restore;
pub use write::write;

use super::error::StoreError;

/// What a backup holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupSummary {
    /// Tables, each a file.
    pub tables: usize,
    /// Rows over all tables.
    pub rows: u64,
    /// Bytes over all tables' files.
    pub bytes: u64,
    /// Migration of the schema that was copied.
    pub migration: i64,
}

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What the backup holds; rows of `account_reader` are not counted.
    pub summary: BackupSummary,
    /// Readers of the backup who see less or nothing in the database that was restored to.
    pub left_out_readers: Vec<LeftOutReader>,
}

/// A role of the backup's server that could read.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct LeftOutReader {
    /// Its name; `public`: every role.
    #[sqlx(rename = "role_name")]
    pub role: String,
    /// Accounts that it saw there and does not see here; `*`: every account.
    #[sqlx(rename = "account_ids")]
    pub accounts: Vec<String>,
}

/// Why a backup was not written or not restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database failed; nothing was written or restored.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file or folder cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is something at the place of the new backup; nothing is ever replaced.
    #[error("{} exists and is not empty", .0.display())]
    Exists(PathBuf),
    /// A folder without a readable manifest.
    #[error("{} is not a backup of agora-usage: {cause}", folder.display())]
    NotABackup {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// A file that is not as it was written.
    #[error("{file} of the backup is damaged: {cause}")]
    Damaged {
        /// The file.
        file: String,
        /// What differs.
        cause: String,
    },
    /// The backup was made by a program with migrations that this one does not know.
    #[error("the backup is of migration {0}, which this program does not know")]
    NewerBackup(i64),
    /// The schema is past the backup's, so that later migrations would be left out for its rows.
    #[error("the database is at migration {found}, past the backup's migration {wanted}")]
    NewerSchema {
        /// The database's migration.
        found: i64,
        /// The backup's migration.
        wanted: i64,
    },
    /// Rows are there already; a backup is not mixed with others.
    #[error("the database holds data already: agora.{0} is not empty")]
    NotEmpty(String),
    /// The tables of the backup are not those of the schema of its migration.
    #[error("the tables do not fit: {0}")]
    OtherTables(String),
}

impl BackupError {
    /// For `map_err`: names the file or folder.
    fn at(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { path, source }
    }
}
