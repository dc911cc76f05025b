//! Makes a new cluster.
//!
//! A cluster is made under another name and renamed when it is complete, so
//! its name is the proof that it is: an attempt that was cut off is thrown
//! away and made again.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use super::binaries::Binaries;
use super::error::ClusterError;
use super::layout::Layout;
use super::locks::StartLock;
use super::program;
use super::server_user::ServerUser;

/// Makes the cluster in `layout`, where none is. The caller holds `lock`.
///
/// # Errors
/// [`ClusterError::InitFailed`] with what initdb said, or [`ClusterError::Io`].
pub(super) fn make_cluster(
    layout: &Layout,
    user: &ServerUser,
    binaries: &Binaries,
    durable: bool,
    lock: &StartLock,
) -> Result<(), ClusterError> {
    user.check_reaches(&layout.folder)?;
    user.check_reaches(binaries.folder())?;
    let unfinished = &layout.unfinished_cluster;
    remove_tree(unfinished)?;
    DirBuilder::new()
        .mode(0o700)
        .create(unfinished)
        .map_err(ClusterError::io("create", unfinished))?;
    user.take_over(unfinished)?;
    run_initdb(unfinished, user, binaries, durable, lock)?;
    fs::rename(unfinished, &layout.cluster)
        .map_err(ClusterError::io("put in place", &layout.cluster))?;
    if durable {
        File::open(&layout.folder)
            .and_then(|folder| folder.sync_all())
            .map_err(ClusterError::io("write to disk", &layout.folder))?;
    }
    tracing::info!(cluster = %layout.cluster.display(), "made a PostgreSQL cluster");
    Ok(())
}

fn run_initdb(
    folder: &Path,
    user: &ServerUser,
    binaries: &Binaries,
    durable: bool,
    lock: &StartLock,
) -> Result<(), ClusterError> {
    let initdb = binaries.initdb();
    let mut command = program(&initdb, user);
    command.arg("-D").arg(folder).args([
        "--username=postgres",
        // Nobody but the owner of the socket folder can connect.
        "--auth=trust",
        "--encoding=UTF8",
        // Sorts by bytes, the same on every machine and for ever.
        "--locale=C.UTF-8",
    ]);
    if !durable {
        command.arg("--no-sync");
    }
    let output =
        command.stdin(lock.as_input()?).output().map_err(ClusterError::io("run", &initdb))?;
    if output.status.success() {
        return Ok(());
    }
    remove_tree(folder)?;
    let mut said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if said.is_empty() {
        said = output.status.to_string();
    }
    Err(ClusterError::InitFailed { folder: folder.to_path_buf(), output: said })
}

fn remove_tree(folder: &Path) -> Result<(), ClusterError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(ClusterError::io("remove", folder)(error))
        }
        _ => Ok(()),
    }
}
