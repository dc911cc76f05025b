//! The folder of the server's Unix socket.
//!
//! Owns its place, its mode and the check that nobody else made it. The server
//! trusts whoever can connect, so this folder is its only door. It is not in
//! the data folder, as the path of a socket is limited to 107 bytes. Its name
//! follows from the data folder, so that every start finds the same place.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::ClusterError;
use super::server_user::ServerUser;

const SOCKET_NAME: &str = ".s.PGSQL.5432";
const HASH_DIGITS: usize = 12;

/// Makes the socket folder, or checks the one that is there.
///
/// # Errors
/// [`ClusterError::UnsafeSocketFolder`], or [`ClusterError::Io`].
pub(super) fn prepare(data_folder: &Path, user: &ServerUser) -> Result<PathBuf, ClusterError> {
    let hash = short_hash(data_folder);
    if user.is_other() && only_root_writes(Path::new("/run")) {
        let folder = PathBuf::from(format!("/run/agora-usage-{hash}"));
        // A read-only /run, as in some containers, leaves /tmp.
        if create(&folder).is_ok() {
            return hand_over(folder, user);
        }
    }
    let folder = PathBuf::from(format!("/tmp/agora-usage-{}-{hash}", user.uid()));
    create(&folder).map_err(ClusterError::io("create", &folder))?;
    hand_over(folder, user)
}

/// Checks that the folder is a real one, of the server's user alone.
///
/// # Errors
/// [`ClusterError::UnsafeSocketFolder`], or [`ClusterError::Io`].
pub(super) fn check(folder: &Path, user: &ServerUser) -> Result<(), ClusterError> {
    let metadata = fs::symlink_metadata(folder).map_err(ClusterError::io("look at", folder))?;
    let reason = if !metadata.is_dir() {
        "it is no folder".to_owned()
    } else if metadata.uid() != user.uid() {
        format!("it belongs to user id {}, not to {}", metadata.uid(), user.name())
    } else if metadata.mode() & 0o077 != 0 {
        format!("its mode {:o} lets others in", metadata.mode() & 0o777)
    } else {
        return Ok(());
    };
    Err(ClusterError::UnsafeSocketFolder { folder: folder.to_path_buf(), reason })
}

/// Path of the socket in its folder.
pub(super) fn socket(folder: &Path) -> PathBuf {
    folder.join(SOCKET_NAME)
}

/// Removes what a server that was killed left behind. The caller knows that none runs.
///
/// PostgreSQL does this itself unless the process id in its lock file is by
/// now another program's.
pub(super) fn clear(folder: &Path) {
    for name in [SOCKET_NAME.to_owned(), format!("{SOCKET_NAME}.lock")] {
        let _absent = fs::remove_file(folder.join(name));
    }
}

fn create(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Gives a folder of root's own to the server's user, then checks it.
fn hand_over(folder: PathBuf, user: &ServerUser) -> Result<PathBuf, ClusterError> {
    let metadata = fs::symlink_metadata(&folder).map_err(ClusterError::io("look at", &folder))?;
    if user.is_other() && metadata.is_dir() && metadata.uid() == 0 {
        user.take_over(&folder)?;
    }
    check(&folder, user)?;
    Ok(folder)
}

fn only_root_writes(folder: &Path) -> bool {
    fs::metadata(folder).is_ok_and(|metadata| metadata.uid() == 0 && metadata.mode() & 0o022 == 0)
}

fn short_hash(folder: &Path) -> String {
    let mut hash = format!("{:x}", Sha256::digest(folder.as_os_str().as_bytes()));
    hash.truncate(HASH_DIGITS);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn reason(folder: &Path, user: &ServerUser) -> String {
        check(folder, user).expect_err("unsafe").to_string()
    }

    #[test]
    fn a_folder_that_others_can_enter_or_a_link_is_refused() {
        let parent = tempfile::tempdir_in("/tmp").expect("temporary folder");
        let user = ServerUser::for_cluster(&parent.path().join("postgres")).expect("user");
        let folder = parent.path().join("socket");
        create(&folder).expect("create");
        user.take_over(&folder).expect("chown");
        check(&folder, &user).expect("safe");

        let link = parent.path().join("link");
        symlink(&folder, &link).expect("link");
        assert!(reason(&link, &user).contains("no folder"));

        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("chmod");
        assert!(reason(&folder, &user).contains("lets others in"));
    }

    #[test]
    fn the_path_of_the_socket_fits_for_any_data_folder() {
        let hash = short_hash(Path::new(&"/long".repeat(200)));
        let folder = PathBuf::from(format!("/tmp/agora-usage-{}-{hash}", u32::MAX));
        assert!(socket(&folder).as_os_str().len() < 108);
    }
}
