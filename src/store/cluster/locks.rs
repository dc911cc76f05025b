//! The two lock files that let several processes share one server.
//!
//! `start.lock` is held alone by whoever sets up, starts or stops the server.
//! `users.lock` is held in common by everybody who uses it; who can hold it
//! alone is the last one. The system drops both when a process dies, so a
//! killed process leaves no lock. Locks belong to an opened file, not to a
//! process: two users in one process count as two.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use super::error::ClusterError;

/// Longest wait for another process: longer than any start or stop is allowed to take.
const LOCK_LIMIT: Duration = Duration::from_mins(3);
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// The right to set up, start or stop the server.
#[derive(Debug)]
pub(super) struct StartLock {
    file: File,
    path: PathBuf,
}

impl StartLock {
    /// Waits for the right, for a bounded time.
    ///
    /// # Errors
    /// [`ClusterError::Busy`] after the wait, or [`ClusterError::Io`].
    pub(super) fn take(path: PathBuf) -> Result<Self, ClusterError> {
        let file = open_lock_file(&path)?;
        let deadline = Instant::now() + LOCK_LIMIT;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { file, path }),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    thread::sleep(LOCK_PAUSE);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(ClusterError::Busy {
                        lock: path,
                        limit_seconds: LOCK_LIMIT.as_secs(),
                    });
                }
                Err(TryLockError::Error(error)) => {
                    return Err(ClusterError::io("lock", &path)(error));
                }
            }
        }
    }

    /// The empty lock file as a program's input.
    ///
    /// The program then holds the lock too: when this process is killed, nobody
    /// else starts until the program has ended.
    ///
    /// # Errors
    /// [`ClusterError::Io`].
    pub(super) fn as_input(&self) -> Result<Stdio, ClusterError> {
        let file = self.file.try_clone().map_err(ClusterError::io("share", &self.path))?;
        Ok(Stdio::from(file))
    }
}

impl Drop for StartLock {
    fn drop(&mut self) {
        unlock(&self.file, &self.path);
    }
}

/// A user's share of the running server.
#[derive(Debug)]
pub(super) struct Share {
    file: File,
    path: PathBuf,
}

impl Share {
    /// Takes a share. The caller holds the [`StartLock`], so this never waits.
    ///
    /// # Errors
    /// [`ClusterError::Io`].
    pub(super) fn take(path: PathBuf) -> Result<Self, ClusterError> {
        let file = open_lock_file(&path)?;
        file.lock_shared().map_err(ClusterError::io("lock", &path))?;
        Ok(Self { file, path })
    }

    /// Whether nobody holds a share. The caller holds the [`StartLock`].
    ///
    /// # Errors
    /// [`ClusterError::Io`].
    pub(super) fn is_held_by_nobody(path: &Path) -> Result<bool, ClusterError> {
        let file = open_lock_file(path)?;
        match file.try_lock() {
            Ok(()) => {
                unlock(&file, path);
                Ok(true)
            }
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(ClusterError::io("lock", path)(error)),
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        unlock(&self.file, &self.path);
    }
}

/// Unlocks in so many words: closing alone keeps the lock for as long as a
/// program that another thread is starting at this moment holds a copy.
fn unlock(file: &File, path: &Path) {
    if let Err(error) = file.unlock() {
        tracing::warn!(path = %path.display(), %error, "cannot unlock");
    }
}

fn open_lock_file(path: &Path) -> Result<File, ClusterError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(super::NO_FOLLOW)
        .open(path)
        .map_err(ClusterError::io("open", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_shares_in_one_process_count_as_two() {
        let folder = tempfile::tempdir_in("/tmp").expect("temporary folder");
        let path = folder.path().join("users.lock");
        let first = Share::take(path.clone()).expect("first");
        let second = Share::take(path.clone()).expect("second");
        drop(first);
        assert!(!Share::is_held_by_nobody(&path).expect("asked"));
        drop(second);
        assert!(Share::is_held_by_nobody(&path).expect("asked"));
    }

    #[test]
    fn a_program_keeps_the_lock_that_is_its_input() {
        let folder = tempfile::tempdir_in("/tmp").expect("temporary folder");
        let path = folder.path().join("start.lock");
        // A plain file is closed without unlocking, as the system does for a killed process.
        let file = open_lock_file(&path).expect("open");
        file.try_lock().expect("taken");
        let mut program = std::process::Command::new("sleep")
            .arg("60")
            .stdin(Stdio::from(file.try_clone().expect("clone")))
            .spawn()
            .expect("sleep starts");
        drop(file);
        let other = open_lock_file(&path).expect("open");
        assert!(matches!(other.try_lock(), Err(TryLockError::WouldBlock)));
        program.kill().expect("kill");
        program.wait().expect("wait");
    }
}
