//! The way to a database: an address, or the private cluster.

use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Connection, PgConnection};

use super::cluster::{ClusterSettings, PrivateCluster};
use super::error::StoreError;
use super::migrate;
use crate::store::statement::{alone, query_as, query_scalar};

/// Name of the database inside a private cluster.
const PRIVATE_DATABASE: &str = "agora_usage";

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where the database is.
#[derive(Debug, Clone)]
pub enum DatabaseAddress {
    /// A server that somebody else runs; the address may hold a password.
    Given(SecretString),
    /// A cluster that this program runs itself.
    Private(ClusterSettings),
}

/// An open database whose schema is up to date.
#[derive(Debug)]
pub struct Store {
    pool: PgPool,
    /// Keeps the private cluster running.
    cluster: Option<PrivateCluster>,
}

impl Store {
    /// Opens the database, starts the private cluster where that is what was
    /// asked for, and brings the schema up to date.
    ///
    /// # Errors
    /// [`StoreError`] when there is no way to a database of the right version, or
    /// [`StoreError::NotAllowed`] for a role that may only read.
    pub async fn open(address: &DatabaseAddress, connections: u32) -> Result<Self, StoreError> {
        let store = Self::connect(address, connections).await?;
        match migrate::migrate(&store.pool).await {
            Ok(()) => Ok(store),
            Err(error) if error.is_permission_denied() => Err(not_allowed(&store.pool).await?),
            Err(error) => Err(error),
        }
    }

    /// Opens the database to read from it, as a role that may change nothing can.
    ///
    /// # Errors
    /// [`StoreError`] when there is no way to a database, or
    /// [`StoreError::NoSchema`] when the program never stored anything there.
    pub async fn open_for_reading(
        address: &DatabaseAddress,
        connections: u32,
    ) -> Result<Self, StoreError> {
        let store = Self::connect(address, connections).await?;
        if !migrate::has_schema(&store.pool).await? {
            return Err(StoreError::NoSchema);
        }
        Ok(store)
    }

    /// Opens the database whatever is in it, and changes nothing.
    ///
    /// # Errors
    /// [`StoreError`] when there is no way to a database.
    pub async fn open_as_it_is(
        address: &DatabaseAddress,
        connections: u32,
    ) -> Result<Self, StoreError> {
        Self::connect(address, connections).await
    }

    /// Like [`Store::open`], after removing everything that the program has stored there.
    ///
    /// # Errors
    /// [`StoreError`] when there is no way to a database, or it cannot be emptied.
    pub async fn open_empty(
        address: &DatabaseAddress,
        connections: u32,
    ) -> Result<Self, StoreError> {
        let store = Self::connect(address, connections).await?;
        migrate::remove_everything(&store.pool).await?;
        migrate::migrate(&store.pool).await?;
        Ok(store)
    }

    async fn connect(address: &DatabaseAddress, connections: u32) -> Result<Self, StoreError> {
        let (options, cluster) = match address {
            DatabaseAddress::Given(url) => (options_of(url)?, None),
            DatabaseAddress::Private(settings) => {
                let (options, cluster) = start_private(settings.clone()).await?;
                (options, Some(cluster))
            }
        };
        let pool = connect(options, connections).await?;
        Ok(Self { pool, cluster })
    }

    /// Connections to the database.
    #[must_use]
    pub const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The private cluster, if that is what is open.
    #[must_use]
    pub const fn cluster(&self) -> Option<&PrivateCluster> {
        self.cluster.as_ref()
    }

    /// Closes every connection, and gives back the private cluster, which
    /// stops with its last user.
    pub async fn close(self) {
        self.pool.close().await;
        if let Some(cluster) = self.cluster {
            // A server that does not stop in time is left to its next user.
            let _ = tokio::task::spawn_blocking(move || drop(cluster)).await;
        }
    }
}

/// Who may not, and whom the tables belong to.
async fn not_allowed(pool: &PgPool) -> Result<StoreError, StoreError> {
    let (role, owner): (String, Option<String>) = query_as(
        // From the catalogue, which every role may read.
        "select current_user::text, ( \
            select pg_get_userbyid(c.relowner)::text \
            from pg_class as c join pg_namespace as n on n.oid = c.relnamespace \
            where n.nspname = 'agora' and c.relname = 'account' \
        )",
    )
    .fetch_one(alone(pool))
    .await
    .map_err(StoreError::during("asking for the role"))?;
    Ok(StoreError::NotAllowed { role, owner })
}

fn options_of(url: &SecretString) -> Result<PgConnectOptions, StoreError> {
    let url = url.expose_secret();
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(StoreError::Address("it does not begin with postgres://".to_owned()));
    }
    PgConnectOptions::from_str(url).map_err(|error| StoreError::Address(error.to_string()))
}

async fn connect(options: PgConnectOptions, connections: u32) -> Result<PgPool, StoreError> {
    // Poolers refuse connections that ask for settings which they do not know.
    let options = options
        .application_name("agora-usage")
        .statement_cache_capacity(0)
        .extra_float_digits(None);
    // A pool hides why it cannot connect; a first connection of our own tells.
    let place = place_of(&options);
    let first = tokio::time::timeout(CONNECT_TIMEOUT, PgConnection::connect_with(&options));
    let first = first.await.map_err(|_| {
        let seconds = CONNECT_TIMEOUT.as_secs();
        StoreError::Unreachable(format!("{place}: no answer within {seconds} s"))
    })?;
    let unreachable = |error: sqlx::Error| StoreError::Unreachable(format!("{place}: {error}"));
    first.map_err(unreachable)?.close().await.map_err(unreachable)?;
    let pool = PgPoolOptions::new().max_connections(connections).acquire_timeout(CONNECT_TIMEOUT);
    pool.connect_with(options).await.map_err(unreachable)
}

/// Host or socket, port, database and user: what the address says, without its password.
fn place_of(options: &PgConnectOptions) -> String {
    let host = match options.get_socket() {
        Some(folder) => folder.display().to_string(),
        None => options.get_host().to_owned(),
    };
    let user = options.get_username();
    let database = options.get_database().unwrap_or(user);
    format!("database '{database}' at {host}:{} as user '{user}'", options.get_port())
}

async fn start_private(
    settings: ClusterSettings,
) -> Result<(PgConnectOptions, PrivateCluster), StoreError> {
    let start = tokio::task::spawn_blocking(move || PrivateCluster::acquire(&settings));
    let cluster = start.await.map_err(|error| StoreError::Unreachable(error.to_string()))??;
    let options = cluster.connect_options("postgres");
    let admin = connect(options, 1).await?;
    let exists: bool = query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(PRIVATE_DATABASE)
        .fetch_one(alone(&admin))
        .await
        .map_err(StoreError::during("looking for the database"))?;
    if !exists {
        // Not in a transaction, which this statement refuses.
        let created = sqlx::raw_sql("create database agora_usage").execute(&admin).await;
        // Two first users may both find it missing; one of them creates it.
        let is_there = |error: &sqlx::Error| {
            error
                .as_database_error()
                .is_some_and(|e| matches!(e.code().as_deref(), Some("42P04" | "23505")))
        };
        match created {
            Err(error) if !is_there(&error) => {
                return Err(StoreError::during("creating the database")(error));
            }
            _ => {}
        }
    }
    admin.close().await;
    let options = cluster.connect_options(PRIVATE_DATABASE);
    Ok((options, cluster))
}
