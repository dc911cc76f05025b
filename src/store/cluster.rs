//! PostgreSQL without set-up: a private cluster of a real PostgreSQL.
//!
//! Owns finding the programs, making the cluster, starting it for the first
//! user and stopping it after the last one. Does not know what is in the
//! databases, and downloads nothing (`scripts/get-postgres` does).
//!
//! Any number of processes share one cluster: each holds a [`PrivateCluster`].
//! The server listens on a Unix socket alone, in a folder that only its user
//! (and root) can enter, and trusts whoever comes in by it. It writes to disk
//! before it answers, as a database that was set up by hand does.
//!
//! - `binaries`: where `initdb` and `postgres` are.
//! - `layout`: the files inside the data folder.
//! - `server_user`: who runs the server, when root starts it.
//! - `locks`: the lock files by which processes agree.
//! - `initialise`: a new cluster.
//! - `socket_folder`: the socket's folder.
//! - `postmaster`: what runs already.
//! - `server`: start and stop.

mod binaries;
mod error;
mod initialise;
mod layout;
mod locks;
mod postmaster;
mod server;
mod server_user;
mod socket_folder;
#[cfg(test)]
mod tests;

use std::env;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

pub use error::ClusterError;
pub use layout::default_data_folder;

use binaries::SearchPlaces;
use locks::{Share, StartLock};
use server::Server;
use server_user::ServerUser;

/// Name of the cluster's superuser.
const SUPERUSER: &str = "postgres";
/// Names the socket's file; nothing listens on a network port.
const PORT: u16 = 5432;
/// Opens no symbolic link: in a folder that others can write, root would follow it anywhere.
const NO_FOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();

/// Which cluster, and how careful it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterSettings {
    /// Folder of the cluster: PostgreSQL's own folder `postgres/`, the locks and `postgres.log`.
    pub data_folder: PathBuf,
    /// Whether a commit is on disk before it is answered. False only for
    /// clusters that are thrown away, such as a test's. All users of one data
    /// folder must say the same: the one that starts the server decides.
    pub durable: bool,
}

/// A user's share of a running cluster.
///
/// Dropping it, or [`release`](Self::release), gives the share back; the last
/// one out stops the server and waits for its end, which takes about 0.1 s and
/// blocks the thread. Close the connections first: a stop cuts them off.
#[derive(Debug)]
pub struct PrivateCluster {
    server: Server,
    socket_folder: PathBuf,
    version: String,
    share: Option<Share>,
}

impl PrivateCluster {
    /// Takes a share of the cluster: makes it when it is new, starts it when it is not running.
    ///
    /// Blocks: 0.6 s for a new cluster, 0.2 s for a start, at most about 60 s
    /// for the recovery after a crash, longer only behind another process that
    /// does the same.
    ///
    /// # Errors
    /// [`ClusterError`], whose text says how to mend it.
    pub fn acquire(settings: &ClusterSettings) -> Result<Self, ClusterError> {
        Self::acquire_with(settings, &SearchPlaces::of_this_user())
    }

    fn acquire_with(
        settings: &ClusterSettings,
        places: &SearchPlaces,
    ) -> Result<Self, ClusterError> {
        let mut server = Server::prepare(settings)?;
        let lock = StartLock::take(server.layout.start_lock.clone())?;
        // Another process may have made the cluster while this one waited for the lock.
        server.user = ServerUser::for_cluster(&server.layout.cluster)?;
        let running = server.bring_up(places, &lock)?;
        let share = Share::take(server.layout.users_lock.clone())?;
        let version = server.layout.major_version()?.map(|major| major.to_string());
        Ok(Self {
            server,
            socket_folder: running.socket_folder,
            version: version.unwrap_or_default(),
            share: Some(share),
        })
    }

    /// Address of a database of this cluster, as sqlx and `psql` read it.
    ///
    /// The environment (`PGPORT`, `PGSSLMODE`) does not change its meaning.
    #[must_use]
    pub fn connection_url(&self, database: &str) -> String {
        let host = percent_encoded(self.socket_folder.as_os_str().as_bytes());
        let database = percent_encoded(database.as_bytes());
        format!("postgres://{SUPERUSER}@{host}:{PORT}/{database}?sslmode=disable")
    }

    /// The same as [`connection_url`](Self::connection_url), as options for sqlx.
    #[must_use]
    pub fn connect_options(&self, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.socket_folder)
            .port(PORT)
            .username(SUPERUSER)
            .database(database)
            .ssl_mode(PgSslMode::Disable)
    }

    /// Folder of the server's socket.
    #[must_use]
    pub fn socket_folder(&self) -> &Path {
        &self.socket_folder
    }

    /// Major version of PostgreSQL, such as "15".
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Gives the share back; the last one out stops the server and waits for its end.
    ///
    /// # Errors
    /// [`ClusterError`] when the server does not stop.
    pub fn release(mut self) -> Result<(), ClusterError> {
        self.give_back()
    }

    /// Gives the share back and leaves the server running, for looking around in it.
    ///
    /// It runs until another user is the last one out.
    pub fn leave_running(mut self) {
        self.share = None;
    }

    fn give_back(&mut self) -> Result<(), ClusterError> {
        let Some(share) = self.share.take() else { return Ok(()) };
        let layout = &self.server.layout;
        let _lock = StartLock::take(layout.start_lock.clone())?;
        drop(share);
        if Share::is_held_by_nobody(&layout.users_lock)? {
            self.server.stop()?;
        }
        Ok(())
    }
}

impl Drop for PrivateCluster {
    fn drop(&mut self) {
        if let Err(error) = self.give_back() {
            tracing::warn!(%error, "the private PostgreSQL was not stopped");
        }
    }
}

/// A program of PostgreSQL, run as `user`, with an environment that cannot change what it does.
///
/// The environment of this process may hold secrets, and settings of another
/// PostgreSQL such as `PGPORT` or `PGDATA`.
fn program(path: &Path, user: &ServerUser) -> Command {
    let mut command = Command::new(path);
    let inherited = ["PATH", "LD_LIBRARY_PATH"];
    command
        .env_clear()
        .envs(inherited.iter().filter_map(|name| Some((name, env::var_os(name)?))))
        .env("LC_ALL", "C.UTF-8")
        // initdb writes it into the settings: days are UTC.
        .env("TZ", "UTC")
        // The present folder may be closed to that user.
        .current_dir("/");
    user.run(&mut command);
    command
}

fn percent_encoded(bytes: &[u8]) -> String {
    let mut encoded = String::with_capacity(bytes.len() * 3);
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _written = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
