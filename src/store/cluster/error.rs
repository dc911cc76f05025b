//! What can go wrong with the private cluster, where, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// Why no private cluster is at hand. Each text says where, and how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// No usable `initdb` and `postgres` were found.
    #[error(
        "no PostgreSQL 15 or newer was found (looked on PATH, in {searched}): \
         run scripts/get-postgres, or install your system's PostgreSQL package, or set DATABASE_URL"
    )]
    NoBinaries {
        /// The folders that were searched besides PATH, joined by commas.
        searched: String,
    },
    /// The data were written by a major version whose programs are not here.
    #[error(
        "{} was made by PostgreSQL {needed}, and only its programs can read it (found: {found}): \
         run scripts/get-postgres {needed}, or install postgresql-{needed}, \
         or move the folder away and load again", folder.display()
    )]
    WrongMajorVersion {
        /// The cluster's folder.
        folder: PathBuf,
        /// Major version that is needed.
        needed: u32,
        /// Versions that were found, joined by commas; "none" without any.
        found: String,
    },
    /// Root must not run PostgreSQL, and no other user is known.
    #[error(
        "PostgreSQL refuses to run as root, and /etc/passwd has neither 'postgres' nor 'nobody': \
         add one of them, or run as an ordinary user, or set DATABASE_URL"
    )]
    NoServerUser,
    /// A folder on the way is closed to the user that PostgreSQL runs as.
    #[error(
        "{} cannot be reached by {user}, which PostgreSQL runs as: the folder {} is closed to it; \
         'chmod a+x' that folder or choose another place", wanted.display(), folder.display()
    )]
    FolderClosed {
        /// The path that PostgreSQL needs.
        wanted: PathBuf,
        /// The first folder on the way that stops it.
        folder: PathBuf,
        /// User that PostgreSQL runs as.
        user: String,
    },
    /// A folder belongs to somebody else.
    #[error(
        "{} belongs to user id {owner}, not to {expected}: \
         run as its owner, or 'chown -R' it, or choose another data folder", folder.display()
    )]
    WrongOwner {
        /// The folder.
        folder: PathBuf,
        /// User id that owns it.
        owner: u32,
        /// Who should own it.
        expected: String,
    },
    /// The place of the cluster holds something else; it is left alone.
    #[error(
        "{} is in the way: it is not empty and holds no PG_VERSION, so it is no PostgreSQL cluster; \
         move it away or choose another data folder", folder.display()
    )]
    NotACluster {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder for the socket is not safe to use.
    #[error(
        "the socket folder {} is not safe: {reason}; find out who made it, then remove it",
        folder.display()
    )]
    UnsafeSocketFolder {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// `initdb` failed.
    #[error("initdb could not make a cluster in {}: {output}", folder.display())]
    InitFailed {
        /// Where the cluster was to be made.
        folder: PathBuf,
        /// What initdb said.
        output: String,
    },
    /// The server ended while it was starting.
    #[error("PostgreSQL ended while starting; the end of {}:\n{log_tail}", log.display())]
    StartFailed {
        /// The server's log.
        log: PathBuf,
        /// Its last lines.
        log_tail: String,
    },
    /// The server is not ready within the time allowed.
    #[error(
        "PostgreSQL was not ready after {limit_seconds} s; it may still be recovering, \
         so try again later; the end of {}:\n{log_tail}", log.display()
    )]
    StartTimedOut {
        /// The server's log.
        log: PathBuf,
        /// Its last lines.
        log_tail: String,
        /// The time allowed.
        limit_seconds: u64,
    },
    /// The server did not end within the time allowed.
    #[error(
        "PostgreSQL (process {pid}) did not stop within {limit_seconds} s of SIGINT: see {}",
        log.display()
    )]
    StopTimedOut {
        /// Process id of the server.
        pid: i32,
        /// The server's log.
        log: PathBuf,
        /// The time allowed.
        limit_seconds: u64,
    },
    /// The server runs, others use it, but its socket is not to be seen from here.
    #[error(
        "PostgreSQL runs (process {pid}) but its socket {} is missing here: stop the other \
         programs that use this data folder, or run outside a private /tmp", socket.display()
    )]
    Unreachable {
        /// Process id of the server.
        pid: i32,
        /// Where its socket should be.
        socket: PathBuf,
    },
    /// Another process is setting up, starting or stopping the cluster, for too long.
    #[error(
        "another process has held {} for {limit_seconds} s: see what 'fuser' says about that file",
        lock.display()
    )]
    Busy {
        /// The lock file.
        lock: PathBuf,
        /// How long was waited.
        limit_seconds: u64,
    },
    /// A file or process operation failed.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was attempted, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

impl ClusterError {
    /// Turns an I/O error into a [`ClusterError`] that says what was attempted on which path.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }
}
