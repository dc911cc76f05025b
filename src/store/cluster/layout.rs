//! Where the files of a private cluster are, inside one data folder.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::binaries::leading_number;
use super::error::ClusterError;
use super::server_user::ServerUser;

/// The paths, all absolute and without symbolic links.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// The data folder itself.
    pub(super) folder: PathBuf,
    /// PostgreSQL's own folder.
    pub(super) cluster: PathBuf,
    /// The same while it is being made.
    pub(super) unfinished_cluster: PathBuf,
    /// Held alone around set-up, start and stop.
    pub(super) start_lock: PathBuf,
    /// Held in common by the users.
    pub(super) users_lock: PathBuf,
    /// What the server says.
    pub(super) log: PathBuf,
}

impl Layout {
    /// Makes the data folder when it is new, and names its parts.
    ///
    /// # Errors
    /// [`ClusterError::Io`].
    pub(super) fn prepare(data_folder: &Path) -> Result<Self, ClusterError> {
        if !data_folder.is_dir() {
            create_data_folder(data_folder).map_err(ClusterError::io("create", data_folder))?;
        }
        let folder =
            fs::canonicalize(data_folder).map_err(ClusterError::io("look at", data_folder))?;
        Ok(Self {
            cluster: folder.join("postgres"),
            unfinished_cluster: folder.join("postgres.new"),
            start_lock: folder.join("start.lock"),
            users_lock: folder.join("users.lock"),
            log: folder.join("postgres.log"),
            folder,
        })
    }

    /// Checks that nobody but the running user, root or the server's user owns the data folder.
    ///
    /// # Errors
    /// [`ClusterError::WrongOwner`], or [`ClusterError::Io`].
    pub(super) fn check_owner(&self, user: &ServerUser) -> Result<(), ClusterError> {
        let metadata =
            fs::metadata(&self.folder).map_err(ClusterError::io("look at", &self.folder))?;
        if metadata.uid() == 0 || metadata.uid() == user.uid() {
            return Ok(());
        }
        Err(ClusterError::WrongOwner {
            folder: self.folder.clone(),
            owner: metadata.uid(),
            expected: user.name().to_owned(),
        })
    }

    /// Major version of the cluster; none when there is no cluster yet.
    ///
    /// # Errors
    /// [`ClusterError::NotACluster`] when something else is in its place.
    pub(super) fn major_version(&self) -> Result<Option<u32>, ClusterError> {
        let not_a_cluster = || ClusterError::NotACluster { folder: self.cluster.clone() };
        let version_file = self.cluster.join("PG_VERSION");
        match fs::read_to_string(&version_file) {
            Ok(text) => leading_number(&text).map(Some).ok_or_else(not_a_cluster),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Succeeds for an empty folder only.
                match fs::remove_dir(&self.cluster) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => Err(not_a_cluster()),
                    _ => Ok(None),
                }
            }
            Err(error) => Err(ClusterError::io("read", &version_file)(error)),
        }
    }
}

/// Root's folder is passable for the server's user; anybody else's is private.
fn create_data_folder(folder: &Path) -> io::Result<()> {
    let mode = if rustix::process::geteuid().is_root() { 0o755 } else { 0o700 };
    fs::DirBuilder::new().recursive(true).mode(mode).create(folder)?;
    // Whatever the umask took away.
    fs::set_permissions(folder, fs::Permissions::from_mode(mode))
}

/// The data folder of the running user.
///
/// `/var/lib/agora-usage` for root; else `agora-usage` in the user's data
/// folder, which is `~/.local/share` unless `XDG_DATA_HOME` names another. A
/// user without a home gets a folder in `/var/tmp`, which outlives a reboot.
#[must_use]
pub fn default_data_folder() -> PathBuf {
    let user = rustix::process::geteuid();
    if user.is_root() {
        return PathBuf::from("/var/lib/agora-usage");
    }
    etcetera::choose_base_strategy().map_or_else(
        |_| PathBuf::from(format!("/var/tmp/agora-usage-{}", user.as_raw())),
        |strategy| strategy.data_dir().join("agora-usage"),
    )
}
