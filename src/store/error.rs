//! What can go wrong with the database, as far as a caller can decide on it.

/// A failure of the database or of its set-up.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database address is no PostgreSQL address.
    #[error("the database address cannot be read: {0}")]
    Address(String),
    /// No connection.
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    /// The schema is newer than this program.
    #[error("the database has migration {version}, which this program does not know")]
    NewerSchema {
        /// The unknown migration.
        version: i64,
    },
    /// The program never stored anything in this database.
    #[error("the database holds nothing of agora-usage yet")]
    NoSchema,
    /// The role of the database address may not do what the program does as the owner
    /// of the tables.
    #[error("the role '{role}' may not {}", wanted(owner.as_deref()))]
    NotAllowed {
        /// The role.
        role: String,
        /// The role that owns the tables; none where there are no tables yet.
        owner: Option<String>,
    },
    /// A migration failed; the schema is as it was before it.
    #[error("migration {version} failed: {cause}")]
    Migration {
        /// The migration that failed, 0 when none had begun.
        version: i64,
        /// What the database said.
        cause: String,
    },
    /// Another process took over the work; nothing of the transaction is stored.
    #[error("the lease '{name}' was lost to another process")]
    LeaseLost {
        /// Name of the lease.
        name: String,
    },
    /// A statement failed.
    #[error("{context}: {}", said(cause))]
    Statement {
        /// What was being done, with the table.
        context: &'static str,
        /// What the database said.
        cause: sqlx::Error,
    },
    /// A stored value that this program did not write.
    #[error("{table} holds a value that this program does not know: {value}")]
    UnknownValue {
        /// Table and column.
        table: &'static str,
        /// The value as text.
        value: String,
    },
    /// The private cluster cannot be used.
    #[error(transparent)]
    Cluster(#[from] super::cluster::ClusterError),
}

fn wanted(owner: Option<&str>) -> &'static str {
    match owner {
        Some(_) => "write to this database",
        None => "create tables in this database",
    }
}

/// What the database said, without the place in its own source.
fn said(cause: &sqlx::Error) -> String {
    cause.as_database_error().map_or_else(|| cause.to_string(), |error| error.message().to_owned())
}

impl StoreError {
    /// Whether the database refused a statement because the role may not run it.
    #[must_use]
    pub fn is_permission_denied(&self) -> bool {
        /// SQLSTATE `insufficient_privilege`.
        const DENIED: &str = "42501";
        let Self::Statement { cause, .. } = self else { return false };
        let Some(error) = cause.as_database_error() else { return false };
        error.code().is_some_and(|code| code == DENIED)
    }

    /// For `map_err`: names what was being done.
    pub(super) fn during(context: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |cause| Self::Statement { context, cause }
    }
}
