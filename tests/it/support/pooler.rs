//! Debian's pgbouncer in front of a test's database, in transaction mode.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use tempfile::TempDir;

/// Set where the tests must run, as in the continuous integration.
const REQUIRED_VARIABLE: &str = "AGORA_TEST_PGBOUNCER";

/// User id of `nobody`, for a server that cannot be reached by a socket.
const NOBODY: u32 = 65_534;

/// Bound on its start.
const LONGEST_START: Duration = Duration::from_secs(20);

/// A running pooler; it ends with the test.
pub(crate) struct Pooler {
    child: Child,
    folder: TempDir,
}

impl Drop for Pooler {
    fn drop(&mut self) {
        // One that has ended is no failure.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Pooler {
    /// Starts one with this many server connections; none where there is no
    /// pgbouncer and nobody requires it.
    pub(crate) fn start(database_url: &str, connections: u32) -> Option<Self> {
        let Some(program) = program() else {
            let required = std::env::var(REQUIRED_VARIABLE).is_ok_and(|value| value == "required");
            assert!(!required, "pgbouncer is missing: apt-get install pgbouncer");
            println!("left out: there is no pgbouncer (apt-get install pgbouncer)");
            return None;
        };
        let server = PgConnectOptions::from_str(database_url).expect("address");
        let host = match server.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => server.get_host().to_owned(),
        };
        let folder = tempfile::tempdir_in("/tmp").expect("folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("opened");
        let settings = folder.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n\
             * = host={host} port={} user={}\n\
             [pgbouncer]\n\
             listen_port = 6432\n\
             unix_socket_dir = {}\n\
             auth_type = any\n\
             pool_mode = transaction\n\
             default_pool_size = {connections}\n",
            server.get_port(),
            server.get_username(),
            folder.path().display(),
        );
        fs::write(&settings, text).expect("written");
        let mut command = Command::new(program);
        command.arg("--quiet").arg(settings).stdin(Stdio::null()).stdout(Stdio::null());
        if rustix::process::geteuid().is_root() {
            // It does not run as root; the server's socket is its owner's alone.
            let user = fs::metadata(&host).map_or(NOBODY, |metadata| metadata.uid());
            let user = if user == 0 { NOBODY } else { user };
            chown(folder.path(), Some(user), None).expect("handed over");
            command.uid(user);
        }
        let child = command.spawn().expect("started");
        let pooler = Self { child, folder };
        pooler.wait_for_socket();
        Some(pooler)
    }

    fn wait_for_socket(&self) {
        let socket = self.folder.path().join(".s.PGSQL.6432");
        let started = Instant::now();
        while !socket.exists() {
            assert!(started.elapsed() < LONGEST_START, "pgbouncer does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The address of a database behind it, as `DATABASE_URL` has it.
    pub(crate) fn url(&self, database_url: &str) -> String {
        let server = PgConnectOptions::from_str(database_url).expect("address");
        let database = server.get_database().expect("a database");
        let folder = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://anyone@{folder}:6432/{database}?sslmode=disable")
    }
}

fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into()])
        .map(|folder| folder.join("pgbouncer"))
        .find(|program| program.is_file())
}
