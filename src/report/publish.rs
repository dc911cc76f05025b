//! A month's folder is put in place whole, or not at all.
//!
//! Files are written into a hidden folder beside the target, the volume is
//! synced once, and the two folders change places in one step. A reader sees
//! the earlier report or the new one, and a run that dies leaves only a hidden
//! folder, which the next run removes. A lock on the hidden folder tells a dead
//! run's folder from a living one's; a lock on the earlier report lets one run
//! after the other replace it. A volume without locks gives none, and there
//! dead folders stay.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{CWD, RenameFlags, renameat_with, syncfs};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use crate::domain::Month;

use super::ReportError;
use super::format::ReportFile;
use super::manifest::{self, FileEntry};

/// End of the name of a folder that is being written.
const PARTIAL: &str = ".partial";

/// End of the name of an earlier report that was moved aside.
const ASIDE: &str = ".old";

/// Names that are tried for the hidden folder; each try meets another run at most.
const NAME_TRIES: u32 = 1_000;

/// Makes the names of this process's hidden folders differ, so that none is used twice.
static NEXT_NUMBER: AtomicU64 = AtomicU64::new(0);

/// How often a run gives way to others that publish the same month at the same moment.
const PUBLISH_TRIES: u32 = 1_000;

/// A month's folder while it is written. Dropped without [`Staging::publish`], it is removed.
#[derive(Debug)]
pub(super) struct Staging {
    target: PathBuf,
    folder: PathBuf,
    /// Open and locked for as long as the folder is being written.
    handle: File,
    /// What is removed at the end: this folder until it is published, the earlier one then.
    leftover: Option<PathBuf>,
}

impl Staging {
    /// Begins the folder that will become `parent/name`.
    pub(super) fn begin(parent: &Path, name: &str) -> Result<Self, ReportError> {
        fs::create_dir_all(parent).map_err(|error| ReportError::from_io(parent, error))?;
        let target = parent.join(name);
        tidy(parent, &target, name);
        if target.exists() && !target.is_dir() {
            return Err(ReportError::NotAFolder { path: target });
        }
        let (folder, handle) = create_hidden_folder(parent, name)?;
        let leftover = Some(folder.clone());
        Ok(Self { target, folder, handle, leftover })
    }

    /// The folder of this name inside it; itself for an empty name.
    pub(super) fn below(&self, name: &str) -> Result<StagedFolder<'_>, ReportError> {
        let folder = StagedFolder { staging: self, path: PathBuf::from(name) };
        if !name.is_empty() {
            folder.create_folder("")?;
        }
        Ok(folder)
    }

    /// Syncs the volume and puts the folder in place of the earlier one.
    ///
    /// Files of the earlier one that its manifest does not list (notes of a
    /// user, closed revisions) stay.
    pub(super) fn publish(mut self) -> Result<PathBuf, ReportError> {
        for _ in 0..PUBLISH_TRIES {
            if self.put_in_place()? {
                return Ok(self.target.clone());
            }
        }
        Err(self.error("", ErrorKind::ResourceBusy.into()))
    }

    /// One try; false when another run came first, whose report is the earlier one now.
    fn put_in_place(&mut self) -> Result<bool, ReportError> {
        let earlier = match File::open(&self.target) {
            Ok(folder) => folder,
            Err(error) if error.kind() == ErrorKind::NotFound => return self.rename_to_target(),
            Err(error) => return Err(self.error("", error)),
        };
        let _ = earlier.lock();
        if !is_still_at(&earlier, &self.target) {
            return Ok(false);
        }
        self.keep_foreign_files()?;
        self.sync()?;
        let leftover = self.replace().map_err(|error| self.error("", error.into()))?;
        self.leftover = Some(leftover);
        Ok(true)
    }

    fn rename_to_target(&mut self) -> Result<bool, ReportError> {
        self.sync()?;
        match rename(&self.folder, &self.target) {
            Ok(()) => {
                self.leftover = None;
                Ok(true)
            }
            Err(Errno::EXIST | Errno::NOTEMPTY) => Ok(false),
            Err(error) => Err(self.error("", error.into())),
        }
    }

    /// Errors of writes that the system had put off come out here.
    fn sync(&self) -> Result<(), ReportError> {
        syncfs(&self.handle).map_err(|error| self.error("", error.into()))
    }

    /// Changes places with the earlier report in one step, and says where that is now.
    fn replace(&self) -> Result<PathBuf, Errno> {
        match renameat_with(CWD, &self.folder, CWD, &self.target, RenameFlags::EXCHANGE) {
            Ok(()) => Ok(self.folder.clone()),
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => self.move_aside_and_rename(),
            Err(error) => Err(error),
        }
    }

    /// The same in two steps, for volumes (NFS, SMB) that cannot do it in one.
    fn move_aside_and_rename(&self) -> Result<PathBuf, Errno> {
        let aside = self.folder.with_extension(&ASIDE[1..]);
        rename(&self.target, &aside)?;
        if let Err(error) = rename(&self.folder, &self.target) {
            rename(&aside, &self.target)?;
            return Err(error);
        }
        Ok(aside)
    }

    /// Links what the earlier report's manifest does not list into this folder.
    fn keep_foreign_files(&self) -> Result<(), ReportError> {
        let manifest = fs::read(self.target.join(manifest::FILE_NAME)).unwrap_or_default();
        let listed = manifest::listed_paths(&manifest).unwrap_or_default();
        let listed: HashSet<PathBuf> =
            listed.into_iter().map(|path| self.target.join(path)).collect();
        let mut folders = vec![(self.target.clone(), self.folder.clone())];
        while let Some((from, to)) = folders.pop() {
            let entries =
                fs::read_dir(&from).map_err(|error| ReportError::from_io(&from, error))?;
            for entry in entries {
                let entry = entry.map_err(|error| ReportError::from_io(&from, error))?;
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    // A revision that was written again, with a manifest of its own.
                    if to.join(entry.file_name()).join(manifest::FILE_NAME).exists() {
                        continue;
                    }
                    folders.push((entry.path(), to.join(entry.file_name())));
                } else if !listed.contains(&entry.path()) {
                    keep(&entry.path(), &to, &to.join(entry.file_name()))?;
                }
            }
        }
        Ok(())
    }

    /// The error names the file where the user will look for it, not the hidden folder.
    fn error(&self, path: &str, error: std::io::Error) -> ReportError {
        let shown = if path.is_empty() { self.target.clone() } else { self.target.join(path) };
        ReportError::from_io(&shown, error)
    }
}

/// A folder of a month while it is written.
#[derive(Debug)]
pub(super) struct StagedFolder<'a> {
    staging: &'a Staging,
    /// Path inside the month's folder.
    path: PathBuf,
}

impl StagedFolder<'_> {
    /// Makes a folder inside it.
    pub(super) fn create_folder(&self, path: &str) -> Result<(), ReportError> {
        let folder = self.staging.folder.join(&self.path).join(path);
        fs::create_dir_all(&folder).map_err(|error| self.error(path, error))
    }

    /// Writes a file and describes it for the manifest.
    pub(super) fn write(&self, file: ReportFile) -> Result<FileEntry, ReportError> {
        self.write_bytes(&file.path, &file.bytes)?;
        Ok(FileEntry {
            sha256: format!("{:x}", Sha256::digest(&file.bytes)),
            bytes: file.bytes.len() as u64,
            rows: file.rows,
            sums: file.sums,
            path: file.path,
        })
    }

    /// Writes a file that does not exist yet.
    pub(super) fn write_bytes(&self, path: &str, bytes: &[u8]) -> Result<(), ReportError> {
        let place = self.staging.folder.join(&self.path).join(path);
        let file = OpenOptions::new().write(true).create_new(true).open(place);
        file.and_then(|mut file| file.write_all(bytes)).map_err(|error| self.error(path, error))
    }

    fn error(&self, path: &str, error: std::io::Error) -> ReportError {
        let inside = self.path.join(path);
        self.staging.error(&inside.to_string_lossy(), error)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next run.
        let _ = self.leftover.take().map(fs::remove_dir_all);
    }
}

fn rename(from: &Path, to: &Path) -> Result<(), Errno> {
    rustix::fs::rename(from, to)
}

/// Links a file, or copies it where the volume has no links.
fn keep(file: &Path, folder: &Path, destination: &Path) -> Result<(), ReportError> {
    fs::create_dir_all(folder).map_err(|error| ReportError::from_io(folder, error))?;
    match fs::hard_link(file, destination) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(ReportError::ForeignFile { path: file.to_owned() })
        }
        Err(_) => fs::copy(file, destination)
            .map(|_| ())
            .map_err(|error| ReportError::from_io(file, error)),
        Ok(()) => Ok(()),
    }
}

/// Makes a hidden folder that no other run uses, and locks it.
fn create_hidden_folder(parent: &Path, name: &str) -> Result<(PathBuf, File), ReportError> {
    for _ in 0..NAME_TRIES {
        let number = NEXT_NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = parent.join(format!(".{name}.{}-{number}{PARTIAL}", process::id()));
        match fs::create_dir(&folder) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(ReportError::from_io(&folder, error)),
        }
        // Between the two steps another run may take the new folder for a dead one's.
        if let Some(handle) = open_and_lock(&folder) {
            return Ok((folder, handle));
        }
    }
    Err(ReportError::from_io(parent, ErrorKind::ResourceBusy.into()))
}

/// Opens a folder and locks it; none when another run holds it or has removed it.
fn open_and_lock(folder: &Path) -> Option<File> {
    let handle = File::open(folder).ok()?;
    if matches!(handle.try_lock(), Err(TryLockError::WouldBlock)) {
        return None;
    }
    is_still_at(&handle, folder).then_some(handle)
}

fn is_still_at(handle: &File, path: &Path) -> bool {
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    match (handle.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(named)) => identity(open) == identity(named),
        _ => false,
    }
}

/// Removes what dead runs left, and puts an earlier report back that one of them had moved aside.
fn tidy(parent: &Path, target: &Path, name: &str) {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries {
        let file_name = entry.file_name();
        let Some(hidden) = file_name.to_str() else { continue };
        let is_aside = run_of(hidden, ASIDE) == Some(name);
        if !is_aside && run_of(hidden, PARTIAL).is_none() {
            continue;
        }
        let path = entry.path();
        let Ok(handle) = File::open(&path) else { continue };
        if handle.try_lock().is_err() || !is_still_at(&handle, &path) {
            continue;
        }
        let _ = if is_aside && !target.exists() {
            fs::rename(&path, target)
        } else {
            fs::remove_dir_all(&path)
        };
    }
}

/// The month of a hidden folder's name `.<month>.<process>-<number><end>`.
fn run_of<'a>(hidden: &'a str, end: &str) -> Option<&'a str> {
    let (month, run) = hidden.strip_prefix('.')?.strip_suffix(end)?.rsplit_once('.')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (process, number) = run.split_once('-')?;
    (is_number(process) && is_number(number) && Month::parse(month).is_ok()).then_some(month)
}

/// Checks, before any work is done, that reports can be written below `out`.
///
/// # Errors
/// [`ReportError::NotAFolder`], [`ReportError::DiskFull`] or [`ReportError::Unwritable`], with
/// the path, the cause and the way out.
pub fn check_writable(out: &Path) -> Result<(), ReportError> {
    let existing = out.ancestors().find(|path| path.as_os_str().is_empty() || path.exists());
    let existing = existing.filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !existing.is_dir() {
        return Err(ReportError::NotAFolder { path: existing.to_owned() });
    }
    let probe = existing.join(format!(".agora-usage-{}.probe", process::id()));
    let written = File::create(&probe).and_then(|mut file| file.write_all(b"."));
    let removed = fs::remove_file(&probe);
    written.and(removed).map_err(|error| ReportError::from_io(out, error))
}

#[cfg(test)]
mod tests;
