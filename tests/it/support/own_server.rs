//! A PostgreSQL that no other test uses, so that it can be made to fail.

use std::fs;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::{Duration, Instant};

use agora_usage::store::cluster::{ClusterSettings, PrivateCluster};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Bound on waiting for a server that recovers, so that one that does not fails its test.
const LONGEST_RECOVERY: Duration = Duration::from_mins(2);

/// A server that no other test uses, so that it can be made to crash.
pub(crate) struct OwnServer {
    cluster: Option<PrivateCluster>,
    data_folder: PathBuf,
}

impl OwnServer {
    /// Makes it, or starts what is there.
    pub(crate) fn start(data_folder: PathBuf) -> Self {
        let mut server = Self { cluster: None, data_folder };
        server.bring_up();
        server
    }

    /// One of its processes dies, so that it ends every connection without a
    /// word, recovers from its log and takes connections again.
    pub(crate) fn crash(&self) {
        let file = self.data_folder.join("postgres/postmaster.pid");
        let server = fs::read_to_string(file).expect("running");
        let server = server.lines().next().expect("a process").to_owned();
        let children = format!("/proc/{server}/task/{server}/children");
        let children = fs::read_to_string(children).expect("listed");
        let child = children.split_whitespace().next().and_then(|child| child.parse().ok());
        let child = child.and_then(Pid::from_raw).expect("a process of the server");
        kill_process(child, Signal::KILL).expect("killed");
    }

    /// Its address of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        self.cluster.as_ref().expect("running").connection_url(database)
    }

    /// File of its socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.cluster.as_ref().expect("running").socket_folder().join(".s.PGSQL.5432")
    }

    /// Runs statements in one of its databases, also while it recovers from a crash.
    pub(crate) async fn execute(&self, database: &str, statements: &str) {
        let started = Instant::now();
        loop {
            let error = match self.try_to_execute(database, statements).await {
                Ok(()) => return,
                Err(error) => error,
            };
            assert!(started.elapsed() < LONGEST_RECOVERY, "{statements}: {error}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until it has noticed the death of a process, and recovered.
    pub(crate) async fn settle(&self) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        self.execute("postgres", "checkpoint").await;
    }

    async fn try_to_execute(&self, database: &str, statements: &str) -> Result<(), sqlx::Error> {
        let options = PgConnectOptions::from_str(&self.url(database))?.extra_float_digits(None);
        let mut connection = PgConnection::connect_with(&options).await?;
        sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(&mut connection).await?;
        connection.close().await
    }

    /// Stops it: connections are cut off, and new ones are refused.
    pub(crate) fn shut_down(&mut self) {
        self.cluster.take().expect("running").release().expect("stopped");
    }

    /// Starts it again after a stop.
    pub(crate) fn bring_up(&mut self) {
        let settings = ClusterSettings { data_folder: self.data_folder.clone(), durable: true };
        self.cluster = Some(PrivateCluster::acquire(&settings).expect("a server"));
    }

    /// Processes that serve connections of the program: its backends.
    pub(crate) fn processes(&self) -> Vec<Pid> {
        let file = self.data_folder.join("postgres/postmaster.pid");
        let Ok(server) = fs::read_to_string(file) else { return Vec::new() };
        let server = server.lines().next().unwrap_or_default().to_owned();
        let children = fs::read_to_string(format!("/proc/{server}/task/{server}/children"));
        let children = children.unwrap_or_default();
        let title = |process: &str| fs::read_to_string(format!("/proc/{process}/cmdline"));
        let is_backend =
            |process: &&str| title(process).is_ok_and(|title| title.contains("[local]"));
        let processes = children.split_whitespace().filter(is_backend);
        processes.filter_map(|process| Pid::from_raw(process.parse().ok()?)).collect()
    }
}
