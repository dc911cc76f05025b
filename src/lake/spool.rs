//! Files on this machine before they are sent: written in row groups, hashed, then sent or thrown away.
//!
//! Memory holds one row group, however long the month is.

use std::fs::{self, DirBuilder, File};
use std::io::{BufReader, BufWriter, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

use polars_io::parquet::write::{
    BatchedWriter, ParquetCompression, ParquetWriter, StatisticsOptions,
};
use sha2::{Digest, Sha256};

use super::LakeError;
use super::dataset::Dataset;
use super::table::{Batch, ContentHash, Sums, schema};
use crate::store::lake::Cell;

/// Rows of a row group: what is in memory at once.
const ROW_GROUP_ROWS: usize = 65_536;

/// Rows of a file; a change to a month writes the changed files alone.
const FILE_ROWS: u64 = 1_048_576;

static NEXT_FOLDER: AtomicU64 = AtomicU64::new(0);

/// What the names of our folders begin with.
const PREFIX: &str = "agora-usage-lake-";

/// A folder for the owner alone, removed when it is dropped.
///
/// It is locked for as long as it is used, so that folders of processes that
/// were killed can be told, and are removed by the next one.
#[derive(Debug)]
pub(super) struct SpoolFolder {
    path: PathBuf,
    _lock: File,
}

impl SpoolFolder {
    pub(super) fn new() -> Result<Self, LakeError> {
        static REMOVE_ABANDONED: Once = Once::new();
        let parent = std::env::temp_dir();
        REMOVE_ABANDONED.call_once(|| remove_abandoned(&parent));
        let number = NEXT_FOLDER.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("{PREFIX}{}-{number}", process::id()));
        // Under its name only once it is locked, so that nobody takes it for abandoned.
        let unlocked = parent.join(format!(".{PREFIX}{}-{number}", process::id()));
        for old in [&path, &unlocked] {
            // One of a dead process with the same number.
            let _ = fs::remove_dir_all(old);
        }
        DirBuilder::new().mode(0o700).create(&unlocked)?;
        let lock = File::open(&unlocked)?;
        // Where there are no locks nothing is taken for abandoned either.
        let _ = lock.lock();
        fs::rename(&unlocked, &path)?;
        Ok(Self { path, _lock: lock })
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl Drop for SpoolFolder {
    fn drop(&mut self) {
        // What cannot be removed is in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes folders whose process was killed: nobody holds their lock. What is
/// somebody else's, or cannot be looked at, stays.
fn remove_abandoned(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    let ours = entries
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX)));
    for path in ours.map(|entry| entry.path()) {
        let lock = File::open(&path).ok();
        if lock.is_some_and(|lock| lock.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(&path);
        }
    }
}

/// A finished file.
#[derive(Debug)]
pub(super) struct SpooledFile {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    pub(super) sha256: String,
    pub(super) content_sha256: String,
    pub(super) rows: u64,
    pub(super) sums: Sums,
}

/// Takes the rows of a partition and makes files of them.
pub(super) struct Spool<'f> {
    folder: &'f SpoolFolder,
    dataset: Dataset,
    batch: Batch,
    open: Option<OpenFile>,
    finished: Vec<SpooledFile>,
}

struct OpenFile {
    path: PathBuf,
    writer: BatchedWriter<BufWriter<File>>,
    content: ContentHash,
    rows: u64,
    sums: Sums,
}

impl<'f> Spool<'f> {
    pub(super) fn new(folder: &'f SpoolFolder, dataset: Dataset) -> Self {
        let batch = Batch::new(dataset);
        Self { folder, dataset, batch, open: None, finished: Vec::new() }
    }

    pub(super) fn take(&mut self, row: Vec<Option<Cell>>) -> Result<(), LakeError> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.begin()?,
        };
        open.content.add(&row);
        open.sums.add_row(self.dataset, &row)?;
        open.rows += 1;
        self.batch.push(row);
        if self.batch.rows() == ROW_GROUP_ROWS || open.rows == FILE_ROWS {
            open.writer.write_batch(&self.batch.take_frame()?)?;
        }
        if open.rows == FILE_ROWS {
            self.finished.push(open.finish()?);
        } else {
            self.open = Some(open);
        }
        Ok(())
    }

    /// The files, in the order of their rows; none without rows.
    pub(super) fn finish(mut self) -> Result<Vec<SpooledFile>, LakeError> {
        if let Some(mut open) = self.open.take() {
            if self.batch.rows() > 0 {
                open.writer.write_batch(&self.batch.take_frame()?)?;
            }
            self.finished.push(open.finish()?);
        }
        Ok(self.finished)
    }

    fn begin(&self) -> Result<OpenFile, LakeError> {
        let path = self.folder.file(&format!("{}.parquet", self.finished.len()));
        let writer = ParquetWriter::new(BufWriter::new(File::create_new(&path)?))
            .with_compression(ParquetCompression::Zstd(None))
            .with_statistics(StatisticsOptions::default())
            .set_parallel(false)
            .batched(&schema(self.dataset))?;
        let sums = Sums::new(self.dataset);
        Ok(OpenFile { path, writer, content: ContentHash::default(), rows: 0, sums })
    }
}

impl OpenFile {
    fn finish(self) -> Result<SpooledFile, LakeError> {
        self.writer.finish()?;
        // Flushes what the writer still holds.
        drop(self.writer);
        let (bytes, sha256) = hash_of(&self.path)?;
        Ok(SpooledFile {
            path: self.path,
            bytes,
            sha256,
            content_sha256: self.content.text(),
            rows: self.rows,
            sums: self.sums,
        })
    }
}

/// Length and SHA-256 of a file.
fn hash_of(path: &Path) -> Result<(u64, String), LakeError> {
    let mut file = BufReader::new(File::open(path)?);
    let (mut hash, mut bytes, mut piece) = (Sha256::new(), 0, vec![0; 65_536]);
    loop {
        let length = file.read(&mut piece)?;
        if length == 0 {
            return Ok((bytes, format!("{:x}", hash.finalize())));
        }
        hash.update(&piece[..length]);
        bytes += length as u64;
    }
}
