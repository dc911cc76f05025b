//! The lake: history of all accounts as Parquet files, for DuckDB, Spark and the like.
//!
//! Owns what the files are called ([`layout`]), what they hold ([`dataset`],
//! one file each), how they are published ([`export`]) and checked ([`verify`],
//! [`archived`] for days whose channels are to leave the database).
//! Rates nothing: amounts come from stored bills.
//!
//! A partition (a dataset, a month or day, and a bucket of accounts) is
//! published by its manifest. Data files are never edited and never replaced:
//! a change adds files and the manifest of the next revision. The manifest
//! `manifest-r<N>.json` is created, which only one of two writers can do; that
//! is the moment of publication. `_manifest.json` is a copy of the newest one,
//! for readers who do not want to list.

mod address;
pub mod archived;
pub mod dataset;
pub mod export;
pub mod layout;
mod lost;
mod manifest;
mod place;
mod spool;
mod table;
pub mod verify;

pub use address::LakeUrl;
pub use manifest::{FileEntry, Manifest};
pub use place::Lake;

use crate::store::StoreError;

/// Why the lake could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// An address that is no folder and no object store.
    #[error("the lake's address cannot be used: {0}")]
    Address(String),
    /// A folder that is not there and cannot be made, or cannot be opened.
    #[error("the lake's folder {folder} cannot be made or opened: {cause}")]
    Folder {
        /// The folder.
        folder: String,
        /// What the system said.
        cause: String,
    },
    /// A folder to read from that does not exist.
    #[error("there is no lake in {0}: the folder does not exist")]
    NotThere(String),
    /// The folder or object store failed. The text holds no credentials.
    #[error("{path} in {lake}: {cause}")]
    Storage {
        /// Address of the lake, without credentials.
        lake: String,
        /// Path within it.
        path: String,
        /// What the storage said.
        cause: String,
    },
    /// A file beside the lake, on this machine, failed.
    #[error("temporary files of the lake: {0}")]
    Spool(#[from] std::io::Error),
    /// Rows could not be encoded or decoded.
    #[error("Parquet: {0}")]
    Parquet(#[from] polars::error::PolarsError),
    /// A manifest that cannot be read.
    #[error("{path}: this is no manifest: {cause}")]
    Manifest {
        /// Path within the lake.
        path: String,
        /// What is wrong with it.
        cause: String,
    },
    /// A sum outside 128-bit integers.
    #[error("the sum of {column} is too large")]
    TooLarge {
        /// The column.
        column: &'static str,
    },
    /// Others published the same partition again and again.
    #[error("{0} is published by others at the same time")]
    Contended(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
