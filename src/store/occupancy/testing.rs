//! A database of its own for a test, on the PostgreSQL of this machine.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;

use crate::domain::{AccountId, ProjectId};
use crate::store::cluster::ClusterSettings;
use crate::store::leases::{self, Lease};
use crate::store::statement::{alone, query_scalar};
use crate::store::{DatabaseAddress, Store, projects};

/// An empty database with one account and a lease on it.
pub(crate) struct TestDatabase {
    pub(crate) store: Store,
    pub(crate) account: AccountId,
    pub(crate) lease: Lease,
    folder: tempfile::TempDir,
}

impl TestDatabase {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir_in("/tmp").expect("temporary folder");
        // The user that runs the server for root must pass it.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("chmod");
        let data_folder = folder.path().join("data");
        let settings = ClusterSettings { data_folder, durable: false };
        let store = Store::open(&DatabaseAddress::Private(settings), 4).await.expect("open");
        let account = AccountId::new("default").expect("name");
        let lease = lease(&store, &account).await;
        Self { store, account, lease, folder }
    }

    /// Adds a project that is known by its id alone.
    pub(crate) async fn project(&self, id: &str) -> ProjectId {
        let project_id = ProjectId::new(id).expect("id");
        let ids = std::slice::from_ref(&project_id);
        let added =
            projects::add_unlisted(self.store.pool(), &self.account, ids, DateTime::UNIX_EPOCH);
        added.await.expect("added");
        project_id
    }

    /// Rows of a query, with the values of each as text between blanks.
    pub(crate) async fn ask(&self, question: &str) -> Vec<String> {
        let wrapped = format!(
            "select concat_ws(' ', variadic array(select value from json_each_text(row_to_json(q)))) \
             from ({question}) as q"
        );
        let rows = query_scalar(AssertSqlSafe(wrapped)).fetch_all(alone(self.store.pool())).await;
        rows.expect("answered")
    }

    /// Runs a statement.
    pub(crate) async fn run(&self, statement: &str) {
        let statement = AssertSqlSafe(statement.to_owned());
        sqlx::raw_sql(statement).execute(self.store.pool()).await.expect("done");
    }

    pub(crate) async fn close(self) {
        self.store.close().await;
        drop(self.folder);
    }
}

/// Takes a lease on an account, new or not.
pub(crate) async fn lease(store: &Store, account: &AccountId) -> Lease {
    projects::ensure_account(store.pool(), account, DateTime::UNIX_EPOCH).await.expect("account");
    let long = Duration::from_hours(1);
    let taken = leases::acquire(store.pool(), account, "statistics", "test", long).await;
    taken.expect("answered").expect("free")
}

/// A time, written as RFC 3339.
pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("time")
}
