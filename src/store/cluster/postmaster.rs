//! What runs in a cluster's folder, as told by PostgreSQL's own `postmaster.pid`.
//!
//! Owns reading that file and telling whether its process still is the
//! server: after a crash the file stays, and its process id may by now be
//! another program's.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::error::ClusterError;
use super::socket_folder;

/// A server that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RunningServer {
    pub(super) pid: i32,
    pub(super) socket_folder: PathBuf,
}

impl RunningServer {
    /// Whether the process is there and serves `cluster`: no zombie, and no other program.
    pub(super) fn serves(&self, cluster: &Path) -> bool {
        let process = PathBuf::from(format!("/proc/{}", self.pid));
        let cluster_name = cluster.as_os_str().as_bytes();
        match fs::read(process.join("cmdline")) {
            // A zombie's is empty.
            Ok(arguments) if arguments.is_empty() => false,
            Ok(arguments) => {
                arguments.split(|byte| *byte == 0).any(|word| word == cluster_name)
                    || fs::read_link(process.join("cwd")).is_ok_and(|folder| folder == cluster)
            }
            Err(_) if Path::new("/proc/self").exists() => false,
            // A system without /proc: the socket answers instead.
            Err(_) => exists(self.pid) && self.accepts(),
        }
    }

    /// Whether the socket takes connections.
    pub(super) fn accepts(&self) -> bool {
        UnixStream::connect(socket_folder::socket(&self.socket_folder)).is_ok()
    }

    /// Asks for a fast stop: open transactions are undone, connections closed.
    ///
    /// # Errors
    /// [`ClusterError::Io`] when the server may not be told. A server that has ended is none.
    pub(super) fn ask_to_stop(&self, cluster: &Path) -> Result<(), ClusterError> {
        let Some(pid) = Pid::from_raw(self.pid) else { return Ok(()) };
        match kill_process(pid, Signal::INT) {
            Err(rustix::io::Errno::SRCH) | Ok(()) => Ok(()),
            Err(error) => Err(ClusterError::io("stop the server of", cluster)(error.into())),
        }
    }
}

/// What the server of a cluster is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ServerState {
    /// None runs.
    Stopped,
    /// It is starting or stopping.
    Changing(RunningServer),
    /// It takes connections.
    Ready(RunningServer),
}

/// Looks what the server of `cluster` is doing.
///
/// # Errors
/// [`ClusterError::Io`] when `postmaster.pid` cannot be read.
pub(super) fn observe(cluster: &Path) -> Result<ServerState, ClusterError> {
    let Some(text) = read_pid_file(cluster)? else { return Ok(ServerState::Stopped) };
    // A file that is being written has no process id yet: like none at all.
    let Some((server, is_ready)) = parse_pid_file(&text) else { return Ok(ServerState::Stopped) };
    if !server.serves(cluster) {
        return Ok(ServerState::Stopped);
    }
    Ok(if is_ready { ServerState::Ready(server) } else { ServerState::Changing(server) })
}

/// Lets PostgreSQL recognise a stale `postmaster.pid`. The caller knows that no server runs.
///
/// PostgreSQL replaces a file whose process is gone, but refuses to start when
/// the id now belongs to another program. The file is not removed: it also
/// names the shared memory by which PostgreSQL finds out that a part of the
/// old server still writes. Instead the id becomes this process's: PostgreSQL
/// knows that its own parent is no other server.
///
/// # Errors
/// [`ClusterError::Io`].
pub(super) fn disown_stale_pid_file(cluster: &Path) -> Result<(), ClusterError> {
    let Some(text) = read_pid_file(cluster)? else { return Ok(()) };
    let Some((stale, _)) = parse_pid_file(&text) else { return Ok(()) };
    if !exists(stale.pid) {
        return Ok(());
    }
    let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
    let path = pid_file(cluster);
    tracing::info!(pid = stale.pid, path = %path.display(), "the process of a stale file is not PostgreSQL");
    fs::write(&path, format!("{}\n{rest}", std::process::id()))
        .map_err(ClusterError::io("write", &path))
}

fn pid_file(cluster: &Path) -> PathBuf {
    cluster.join("postmaster.pid")
}

fn read_pid_file(cluster: &Path) -> Result<Option<String>, ClusterError> {
    let path = pid_file(cluster);
    match fs::read(&path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ClusterError::io("read", &path)(error)),
    }
}

/// Lines of the file: process id, data folder, start time, port, socket
/// folder, address, shared memory, status.
fn parse_pid_file(text: &str) -> Option<(RunningServer, bool)> {
    let mut lines = text.lines();
    let pid = lines.next()?.trim().parse().ok().filter(|pid| *pid > 0)?;
    let socket_folder = PathBuf::from(lines.nth(3).unwrap_or_default());
    let is_ready = lines.nth(2).is_some_and(|status| status.trim() == "ready");
    Some((RunningServer { pid, socket_folder }, is_ready))
}

fn exists(pid: i32) -> bool {
    Pid::from_raw(pid).is_some_and(|pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    const READY: &str =
        "4711\n/data/postgres\n1764062000\n5432\n/run/agora-usage-1\n\n   8 9\nready   \n";

    #[test]
    fn the_status_line_tells_when_the_server_is_ready() {
        let server = RunningServer { pid: 4711, socket_folder: "/run/agora-usage-1".into() };
        assert_eq!(parse_pid_file(READY), Some((server.clone(), true)));
        let starting = READY.replace("ready   ", "starting");
        assert_eq!(parse_pid_file(&starting), Some((server, false)));
        assert_eq!(parse_pid_file(""), None);
        assert_eq!(parse_pid_file("-4711\n"), None);
    }

    #[test]
    fn a_pid_that_is_now_another_program_is_no_server() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let own = std::process::id();
        fs::write(pid_file(folder.path()), READY.replace("4711", &own.to_string())).expect("write");
        assert_eq!(observe(folder.path()).expect("observed"), ServerState::Stopped);
    }
}
