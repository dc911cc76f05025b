//! One throw-away PostgreSQL for the run, shared by all tests of the process.
//!
//! By default it is a private cluster, as the program itself runs one; with
//! `AGORA_TEST_POSTGRES=container` it is a container. The last test out
//! stops it, since nothing runs at the end of a test process; a test that comes
//! later starts it again.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use agora_usage::store::cluster::{ClusterSettings, PrivateCluster};
use agora_usage::store::migrate::MIGRATIONS;
use agora_usage::store::{DatabaseAddress, Store};
use sha2::{Digest, Sha256};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use testcontainers::core::IntoContainerPort;
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ImageExt};
use testcontainers_modules::postgres::Postgres;
use tokio::runtime::Runtime;

/// Chooses the server; the value `container` asks for a container.
const SERVER_VARIABLE: &str = "AGORA_TEST_POSTGRES";

/// The oldest supported version, as the continuous integration has it.
const IMAGE_TAG: &str = "15-alpine";

/// Tests that may have a database at once: a server takes 100 connections by
/// default, and a test with its program takes six.
const MOST_DATABASES: usize = 12;

/// Any number; it keeps two test processes from making the template at once.
const TEMPLATE_LOCK: i64 = 7_214_031;

/// How long the last user of a container waits for another test, since a new
/// container takes seconds. Covers the short tests that need no database.
const LINGER: Duration = Duration::from_secs(5);

static SERVER: Mutex<Weak<Server>> = Mutex::new(Weak::new());
/// Told when a test takes a share of the running server.
static TAKEN: Condvar = Condvar::new();
/// Whether a user has waited in vain: tests run one by one, or the end is near.
static WAITED_IN_VAIN: AtomicBool = AtomicBool::new(false);
static DATABASES: (Mutex<usize>, Condvar) = (Mutex::new(0), Condvar::new());

/// The running server.
pub(crate) struct Server {
    kind: Kind,
    template: String,
}

enum Kind {
    Cluster(Box<PrivateCluster>),
    Container(Box<Container>),
}

/// A test's share of the server; the last one stops it.
pub(crate) struct Share(Option<Arc<Server>>);

impl Share {
    /// Starts the server when no test uses it at the moment.
    pub(crate) fn take() -> Self {
        // A test that failed to start it must not hide the reason from the others.
        let mut shared = lock(&SERVER);
        if let Some(server) = shared.upgrade() {
            TAKEN.notify_all();
            return Self(Some(server));
        }
        let server = Arc::new(Server::start());
        *shared = Arc::downgrade(&server);
        Self(Some(server))
    }

    pub(crate) fn server(&self) -> &Server {
        self.0.as_deref().expect("held until it is dropped")
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Some(server) = self.0.take() else { return };
        let mut shared = lock(&SERVER);
        let is_container = matches!(server.kind, Kind::Container(_));
        if is_container && !WAITED_IN_VAIN.load(Ordering::Relaxed) {
            let is_last = |_: &mut Weak<Server>| Arc::strong_count(&server) == 1;
            let waited = TAKEN.wait_timeout_while(shared, LINGER, is_last);
            let (lock, waited) = waited.unwrap_or_else(PoisonError::into_inner);
            WAITED_IN_VAIN.store(waited.timed_out(), Ordering::Relaxed);
            shared = lock;
        }
        // Under the lock, so that the next one does not start before this one has stopped.
        drop(server);
        drop(shared);
    }
}

impl Server {
    fn start() -> Self {
        let kind = match std::env::var(SERVER_VARIABLE).as_deref() {
            Ok("container") => Kind::Container(Box::new(Container::start())),
            Ok("") | Err(_) => Kind::Cluster(Box::new(start_cluster())),
            Ok(other) => panic!("{SERVER_VARIABLE}={other} is not known; use container or nothing"),
        };
        let server = Self { kind, template: template_name() };
        wait_for(server.prepare());
        server
    }

    /// Address of one of its databases.
    pub(crate) fn url(&self, database: &str) -> String {
        match &self.kind {
            Kind::Cluster(cluster) => cluster.connection_url(database),
            Kind::Container(container) => format!("{}/{database}", container.url),
        }
    }

    /// Name of the database that tests are cloned from: migrated, and empty.
    pub(crate) fn template(&self) -> &str {
        &self.template
    }

    /// Runs one statement that no transaction may hold, such as `create database`.
    pub(crate) async fn administer(&self, statement: &str) {
        let mut connection = self.connect("postgres").await;
        execute(&mut connection, statement).await;
        connection.close().await.expect("closed");
    }

    async fn connect(&self, database: &str) -> PgConnection {
        let options = PgConnectOptions::from_str(&self.url(database)).expect("address");
        PgConnection::connect_with(&options).await.expect("the server takes connections")
    }

    /// Removes what killed test processes left, and makes the template where it is missing.
    async fn prepare(&self) {
        let mut admin = self.connect("postgres").await;
        execute(&mut admin, &format!("select pg_advisory_lock({TEMPLATE_LOCK})")).await;
        let found: Vec<String> =
            sqlx::query_scalar("select datname from pg_database where datname like 'it\\_%'")
                .fetch_all(&mut admin)
                .await
                .expect("listed");
        for name in found.iter().filter(|name| **name != self.template && is_abandoned(name)) {
            execute(&mut admin, &format!("drop database if exists {name} with (force)")).await;
        }
        if !found.contains(&self.template) {
            // Renamed when it is whole, so that a killed run leaves no half of one.
            let unfinished = "it_template_unfinished";
            execute(&mut admin, &format!("create database {unfinished}")).await;
            let address = DatabaseAddress::Given(self.url(unfinished).into());
            Store::open(&address, 1).await.expect("migrated").close().await;
            let rename = format!("alter database {unfinished} rename to {}", self.template);
            execute(&mut admin, &rename).await;
        }
        admin.close().await.expect("closed");
    }
}

/// Databases are named `it_<process>_<number>`; templates of other migrations are left over too.
fn is_abandoned(name: &str) -> bool {
    let process = name.split('_').nth(1).and_then(|process| process.parse::<u32>().ok());
    process.is_none_or(|process| !Path::new("/proc").join(process.to_string()).exists())
}

async fn execute(connection: &mut PgConnection, statement: &str) {
    let executed = sqlx::query(AssertSqlSafe(statement.to_owned())).execute(connection).await;
    executed.unwrap_or_else(|error| panic!("{statement}: {error}"));
}

fn template_name() -> String {
    let mut hash = Sha256::new();
    MIGRATIONS.iter().for_each(|migration| hash.update(&*migration.checksum));
    format!("it_template_{}", &format!("{:x}", hash.finalize())[..12])
}

fn start_cluster() -> PrivateCluster {
    let settings = ClusterSettings { data_folder: data_folder(), durable: false };
    PrivateCluster::acquire(&settings).unwrap_or_else(|error| panic!("no test database: {error}"))
}

/// Kept between runs, so that only the first one makes a cluster.
fn data_folder() -> PathBuf {
    if !rustix::process::geteuid().is_root() {
        return Path::new(env!("CARGO_TARGET_TMPDIR")).join("postgres-it");
    }
    // Root hands the server to another user, to whom the build folder may be closed.
    let hash = format!("{:x}", Sha256::digest(env!("CARGO_MANIFEST_DIR")));
    std::env::temp_dir().join(format!("agora-usage-it-{}", &hash[..12]))
}

/// A container that is removed when it is dropped.
struct Container {
    /// The container and the runtime that its connections live on.
    running: Option<(ContainerAsync<Postgres>, Runtime)>,
    url: String,
}

impl Container {
    fn start() -> Self {
        on_new_thread(|| {
            let runtime = Runtime::new().expect("runtime");
            let started = runtime.block_on(async {
                // Without a password: a debug build takes long over the hash of each connection.
                let image = Postgres::default().with_host_auth().with_tag(IMAGE_TAG);
                let container = image.start().await?;
                let host = container.get_host().await?;
                let port = container.get_host_port_ipv4(5432.tcp()).await?;
                Ok::<_, testcontainers::TestcontainersError>((container, host, port))
            });
            let (container, host, port) = started.unwrap_or_else(|error| {
                panic!(
                    "{SERVER_VARIABLE}=container needs a Docker engine that has or can pull \
                     postgres:{IMAGE_TAG}; start one, or unset the variable: {error}"
                )
            });
            let url = format!("postgres://postgres@{host}:{port}");
            Self { running: Some((container, runtime)), url }
        })
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let Some((container, runtime)) = self.running.take() else { return };
        // The last test's own runtime must not wait for another one.
        let removed = on_new_thread(|| runtime.block_on(container.rm()));
        on_new_thread(|| drop(runtime));
        if let Err(error) = removed {
            println!("the container was not removed: {error}");
        }
    }
}

/// A place among the tests that may have a database at once.
pub(crate) struct Place;

impl Place {
    pub(crate) fn wait() -> Self {
        let (taken, freed) = &DATABASES;
        let waited = freed.wait_while(lock(taken), |taken| *taken >= MOST_DATABASES);
        *waited.unwrap_or_else(PoisonError::into_inner) += 1;
        Self
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let (taken, freed) = &DATABASES;
        *lock(taken) -= 1;
        freed.notify_one();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for a future, inside or outside of a runtime.
pub(crate) fn wait_for<T: Send>(future: impl Future<Output = T> + Send) -> T {
    on_new_thread(|| {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().expect("runtime").block_on(future)
    })
}

fn on_new_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let ended = thread::scope(|scope| scope.spawn(work).join());
    ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
