//! What can go wrong between a bill and its files.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::rating::RatingError;

/// Why a report was not written. The files of an earlier report are as they were.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The volume or the quota is full.
    #[error(
        "no space is left to write '{path}'; free some, or choose another folder with --out \
         (the earlier report is unchanged)"
    )]
    DiskFull {
        /// File or folder that did not fit.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A folder or file cannot be made, written or renamed.
    #[error("'{path}' cannot be written: {source}; choose another folder with --out")]
    Unwritable {
        /// File or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something other than a folder stands where a folder should be.
    #[error("'{path}' is not a folder; move it away, or choose another folder with --out")]
    NotAFolder {
        /// What stands in the way.
        path: PathBuf,
    },
    /// A file that no report wrote has a name that the report needs.
    #[error(
        "'{path}' was not written by a report and would be lost; move it away, or choose another \
         folder with --out"
    )]
    ForeignFile {
        /// The file.
        path: PathBuf,
    },
    /// The rows of a file do not add up to what the bill says.
    #[error("the rows of {table} add up to {found}, and the bill says {expected}")]
    Disagreement {
        /// Which table.
        table: String,
        /// Sum of its rows.
        found: String,
        /// Sum that they should have.
        expected: String,
    },
    /// A number that no 64-bit column can hold.
    #[error("{what} is too large for a report: {value}")]
    TooLarge {
        /// Which number.
        what: String,
        /// The number.
        value: String,
    },
    /// An amount that has more decimal places than a report shows.
    #[error(transparent)]
    Amount(#[from] RatingError),
    /// A table could not be made or encoded.
    #[error("a table cannot be encoded: {0}")]
    Encoding(#[from] polars::error::PolarsError),
    /// The workbook could not be made.
    #[error("the workbook cannot be made: {0}")]
    Workbook(String),
    /// The page could not be made.
    #[error("the page cannot be made: {0}")]
    Page(#[from] minijinja::Error),
    /// The manifest or another JSON text could not be encoded.
    #[error("the manifest cannot be encoded: {0}")]
    Manifest(#[from] serde_json::Error),
}

impl ReportError {
    /// The error for a failed file operation: full volumes are told apart from other causes.
    pub(super) fn from_io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::DiskFull { path, source },
            ErrorKind::NotADirectory => Self::NotAFolder { path },
            _ => Self::Unwritable { path, source },
        }
    }
}
