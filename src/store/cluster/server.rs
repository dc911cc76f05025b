//! Starts and stops the server of a cluster.
//!
//! Starts `postgres` itself and not `pg_ctl`, which would leave the waiting to
//! a second program. The callers hold the start lock.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::binaries::{Binaries, SearchPlaces};
use super::error::ClusterError;
use super::layout::Layout;
use super::locks::{Share, StartLock};
use super::postmaster::{self, RunningServer, ServerState};
use super::server_user::ServerUser;
use super::{ClusterSettings, initialise, program, socket_folder};

/// Time for a start, the recovery after a crash included.
const START_LIMIT: Duration = Duration::from_mins(1);
/// Time for a stop, its checkpoint included.
const STOP_LIMIT: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(10);
/// Pause before a start is tried again while the rest of a killed server ends.
const RETRY_PAUSE: Duration = Duration::from_millis(200);
const LOG_TAIL_LINES: usize = 12;
/// A log that is longer is set aside at the next start; one old log is kept.
const LOG_LIMIT_BYTES: u64 = 8 * 1024 * 1024;
/// What PostgreSQL says when a part of a killed server still runs.
const OLD_SERVER_REMAINS: &str = "pre-existing shared memory block";

const SERVER_SETTINGS: [&str; 6] = [
    // No network: the socket is the only door.
    "listen_addresses=",
    "unix_socket_permissions=0700",
    // PostgreSQL's own default, kept when a later version raises it: many small machines.
    "shared_buffers=128MB",
    // A first load writes some hundred megabytes of log; at 1GB that takes a checkpoint midway.
    "max_wal_size=2GB",
    // Compiling a report's query takes longer than running it, and some packages cannot.
    "jit=off",
    // The program names the log; a collector would be one more process.
    "logging_collector=off",
];

/// For throw-away clusters: nothing survives a crash of the machine.
const FAST_SETTINGS: [&str; 3] = ["fsync=off", "full_page_writes=off", "synchronous_commit=off"];

/// A cluster's files, its user and how to run it.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub(super) layout: Layout,
    pub(super) user: ServerUser,
    pub(super) durable: bool,
}

impl Server {
    /// Prepares the data folder, and finds who runs the server.
    ///
    /// # Errors
    /// Every error of the data folder and of its user.
    pub(super) fn prepare(settings: &ClusterSettings) -> Result<Self, ClusterError> {
        let layout = Layout::prepare(&settings.data_folder)?;
        let user = ServerUser::for_cluster(&layout.cluster)?;
        layout.check_owner(&user)?;
        Ok(Self { layout, user, durable: settings.durable })
    }

    /// Brings the server up: finds it running, or makes the cluster if need be and starts it.
    ///
    /// # Errors
    /// Every way in which programs are missing or a start fails.
    pub(super) fn bring_up(
        &self,
        places: &SearchPlaces,
        lock: &StartLock,
    ) -> Result<RunningServer, ClusterError> {
        self.make_when_new(places, lock)?;
        let mut started: Option<Started> = None;
        let deadline = Instant::now() + START_LIMIT;
        loop {
            match postmaster::observe(&self.layout.cluster)? {
                ServerState::Ready(server) if server.accepts() => {
                    socket_folder::check(&server.socket_folder, &self.user)?;
                    return Ok(server);
                }
                ServerState::Ready(server) => self.stop_when_cut_off(&server)?,
                ServerState::Changing(_) => {}
                ServerState::Stopped => self.start_unless_starting(&mut started, places)?,
            }
            if Instant::now() > deadline {
                return Err(ClusterError::StartTimedOut {
                    log: self.layout.log.clone(),
                    log_tail: log_tail(&self.layout.log, 0),
                    limit_seconds: START_LIMIT.as_secs(),
                });
            }
            thread::sleep(PAUSE);
        }
    }

    /// Stops the server and waits for its end.
    ///
    /// # Errors
    /// [`ClusterError::StopTimedOut`], or [`ClusterError::Io`].
    pub(super) fn stop(&self) -> Result<(), ClusterError> {
        let cluster = &self.layout.cluster;
        let server = match postmaster::observe(cluster)? {
            ServerState::Stopped => return Ok(()),
            ServerState::Ready(server) | ServerState::Changing(server) => server,
        };
        server.ask_to_stop(cluster)?;
        let deadline = Instant::now() + STOP_LIMIT;
        while server.serves(cluster) {
            if Instant::now() > deadline {
                return Err(ClusterError::StopTimedOut {
                    pid: server.pid,
                    log: self.layout.log.clone(),
                    limit_seconds: STOP_LIMIT.as_secs(),
                });
            }
            thread::sleep(PAUSE);
        }
        // Stays when something else is in it.
        let _kept = fs::remove_dir(&server.socket_folder);
        Ok(())
    }

    /// A server whose socket was removed, as by a tidy /tmp, is no use to anybody new.
    fn stop_when_cut_off(&self, server: &RunningServer) -> Result<(), ClusterError> {
        let socket = socket_folder::socket(&server.socket_folder);
        if socket.exists() {
            return Ok(());
        }
        if Share::is_held_by_nobody(&self.layout.users_lock)? {
            return self.stop();
        }
        Err(ClusterError::Unreachable { pid: server.pid, socket })
    }

    fn make_when_new(&self, places: &SearchPlaces, lock: &StartLock) -> Result<(), ClusterError> {
        if self.layout.major_version()?.is_some() {
            return Ok(());
        }
        let binaries = places.find(&self.layout.cluster, None)?;
        initialise::make_cluster(&self.layout, &self.user, &binaries, self.durable, lock)
    }

    fn start_unless_starting(
        &self,
        started: &mut Option<Started>,
        places: &SearchPlaces,
    ) -> Result<(), ClusterError> {
        if let Some(previous) = started {
            if previous.is_running() {
                return Ok(());
            }
            let log_tail = log_tail(&self.layout.log, previous.log_start_bytes);
            if !log_tail.contains(OLD_SERVER_REMAINS) {
                let _kept = fs::remove_dir(&previous.socket_folder);
                let log = self.layout.log.clone();
                return Err(ClusterError::StartFailed { log, log_tail });
            }
            thread::sleep(RETRY_PAUSE);
        }
        let binaries = places.find(&self.layout.cluster, self.layout.major_version()?)?;
        *started = Some(self.start(&binaries)?);
        Ok(())
    }

    fn start(&self, binaries: &Binaries) -> Result<Started, ClusterError> {
        let layout = &self.layout;
        self.user.check_reaches(&layout.folder)?;
        self.user.check_reaches(binaries.folder())?;
        postmaster::disown_stale_pid_file(&layout.cluster)?;
        let socket_folder = socket_folder::prepare(&layout.folder, &self.user)?;
        socket_folder::clear(&socket_folder);
        let log = open_log(&layout.log).map_err(ClusterError::io("open", &layout.log))?;
        let log_start_bytes = log.metadata().map_or(0, |metadata| metadata.len());
        let error_log = log.try_clone().map_err(ClusterError::io("open", &layout.log))?;

        let postgres = binaries.postgres();
        let mut command = program(&postgres, &self.user);
        command.arg("-D").arg(&layout.cluster).arg("-k").arg(&socket_folder).args(["-p", "5432"]);
        let fast_settings = if self.durable { &[][..] } else { &FAST_SETTINGS[..] };
        for setting in SERVER_SETTINGS.iter().chain(fast_settings) {
            command.args(["-c", setting]);
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(error_log)
            // An interrupt typed at the terminal must not stop the server under its users.
            .process_group(0)
            .spawn()
            .map_err(ClusterError::io("run", &postgres))?;
        tracing::debug!(pid = child.id(), cluster = %layout.cluster.display(), "started PostgreSQL");
        Ok(Started { child: Some(child), socket_folder, log_start_bytes })
    }
}

/// A server that this process has started.
#[derive(Debug)]
struct Started {
    child: Option<Child>,
    socket_folder: PathBuf,
    /// Length of the log before the start.
    log_start_bytes: u64,
}

impl Started {
    fn is_running(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }
}

impl Drop for Started {
    /// The server may outlive its first user; when it ends, it must not stay as a zombie.
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _watcher = thread::Builder::new().spawn(move || child.wait());
        }
    }
}

fn open_log(path: &Path) -> std::io::Result<File> {
    if fs::metadata(path).is_ok_and(|metadata| metadata.len() > LOG_LIMIT_BYTES) {
        fs::rename(path, path.with_extension("log.old"))?;
    }
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(super::NO_FOLLOW)
        .open(path)
}

/// The last lines of the log after its first `from_bytes` bytes.
fn log_tail(log: &Path, from_bytes: u64) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let start = usize::try_from(from_bytes).unwrap_or(usize::MAX).min(bytes.len());
    let text = String::from_utf8_lossy(bytes.get(start..).unwrap_or_default()).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.len().saturating_sub(LOG_TAIL_LINES);
    lines.get(first..).unwrap_or_default().join("\n")
}
