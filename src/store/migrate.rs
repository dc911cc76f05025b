//! The schema, brought up to date.
//!
//! The table of applied migrations is the one of sqlx's own migrator, but not
//! its way of applying them: that takes a lock for the session and names its
//! statements, and both would stay with a pooled connection (see `statement`).
//! Here the lock is taken within the transaction of each migration.

use std::collections::BTreeMap;
use std::time::Instant;

use sqlx::PgConnection;
use sqlx::migrate::{Migration, Migrator};
use sqlx::postgres::PgPool;

use super::error::StoreError;
use crate::store::statement::{alone, begin_transaction, query, query_as, query_scalar};

/// The migrations of this program, in their order.
pub static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// Longest wait for users of a table that a migration changes: everyone else waits behind it.
const BOUNDS: &str = "set local statement_timeout = 0; set local lock_timeout = '1min'";

const ONE_AT_A_TIME: &str = "select pg_advisory_xact_lock(hashtext('agora.migrations'))";

const TABLE: &str = "create table if not exists _sqlx_migrations ( \
    version bigint primary key, \
    description text not null, \
    installed_on timestamptz not null default now(), \
    success boolean not null, \
    checksum bytea not null, \
    execution_time bigint not null)";

/// Applies the migrations that the database does not have yet, each in one transaction.
///
/// Safe to run from several processes at once, and through a pooler.
///
/// # Errors
/// [`StoreError::NewerSchema`] or [`StoreError::Migration`]; the schema is
/// then as the last good migration left it.
pub async fn migrate(pool: &PgPool) -> Result<(), StoreError> {
    migrate_to(pool, newest_version()).await
}

/// Like [`migrate`], up to and with the migration `last`.
///
/// # Errors
/// As [`migrate`].
pub(super) async fn migrate_to(pool: &PgPool, last: i64) -> Result<(), StoreError> {
    migrate_those(pool, |version| version <= last).await
}

async fn migrate_those(pool: &PgPool, is_wanted: impl Fn(i64) -> bool) -> Result<(), StoreError> {
    let applied = applied(pool).await?;
    check(&applied)?;
    for migration in MIGRATIONS.iter().filter(|migration| is_wanted(migration.version)) {
        if !applied.contains_key(&migration.version) {
            apply(pool, migration).await.map_err(|error| failed(migration.version, error))?;
        }
    }
    Ok(())
}

/// A role that may not do it is told apart: no migration is the cause.
fn failed(version: i64, error: sqlx::Error) -> StoreError {
    let cause = error.to_string();
    let error = StoreError::during("applying a migration")(error);
    if error.is_permission_denied() { error } else { StoreError::Migration { version, cause } }
}

/// Version of the newest migration that this program knows.
#[must_use]
pub fn newest_version() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// Version of the newest migration that the database has; 0 without any.
pub(super) async fn applied_version(pool: &PgPool) -> Result<i64, StoreError> {
    Ok(applied(pool).await?.into_keys().max().unwrap_or(0))
}

/// Checksums of the migrations that the database has, by version.
async fn applied(pool: &PgPool) -> Result<BTreeMap<i64, Vec<u8>>, StoreError> {
    let failed = || StoreError::during("reading _sqlx_migrations");
    let is_set_up: bool = query_scalar("select to_regclass('_sqlx_migrations') is not null")
        .fetch_one(alone(pool))
        .await
        .map_err(failed())?;
    if !is_set_up {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<(i64, Vec<u8>)> =
        query_as("select version, checksum from _sqlx_migrations where success")
            .fetch_all(alone(pool))
            .await
            .map_err(failed())?;
    Ok(rows.into_iter().collect())
}

/// Whether this program knows each migration of the database as it was applied.
fn check(applied: &BTreeMap<i64, Vec<u8>>) -> Result<(), StoreError> {
    for (version, checksum) in applied {
        let known = MIGRATIONS.iter().find(|migration| migration.version == *version);
        let known = known.ok_or(StoreError::NewerSchema { version: *version })?;
        if *known.checksum != checksum[..] {
            let cause = "the database has it in another form".to_owned();
            return Err(StoreError::Migration { version: *version, cause });
        }
    }
    Ok(())
}

/// Applies a migration, unless another process has done so while this one waited.
async fn apply(pool: &PgPool, migration: &Migration) -> Result<(), sqlx::Error> {
    let started = Instant::now();
    let mut transaction = begin_transaction(pool).await?;
    query(ONE_AT_A_TIME).execute(&mut *transaction).await?;
    sqlx::raw_sql(BOUNDS).execute(&mut *transaction).await?;
    query(TABLE).execute(&mut *transaction).await?;
    let version = migration.version;
    let is_applied: bool =
        query_scalar("select exists (select from _sqlx_migrations where version = $1)")
            .bind(version)
            .fetch_one(&mut *transaction)
            .await?;
    if is_applied {
        return transaction.rollback().await;
    }
    sqlx::raw_sql(migration.sql.clone()).execute(&mut *transaction).await?;
    secure_rows(&mut transaction).await?;
    query(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
         values ($1, $2, true, $3, $4)",
    )
    .bind(version)
    .bind(&*migration.description)
    .bind(&*migration.checksum)
    .bind(i64::try_from(started.elapsed().as_nanos()).unwrap_or(i64::MAX))
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await
}

/// Brings what a migration created under row security, once there is such a thing.
async fn secure_rows(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let is_known: bool = query_scalar("select to_regprocedure('agora.secure_rows()') is not null")
        .fetch_one(&mut *connection)
        .await?;
    if is_known {
        query("select agora.secure_rows()").execute(connection).await?;
    }
    Ok(())
}

/// Whether any migration was ever applied.
pub(super) async fn has_schema(pool: &PgPool) -> Result<bool, StoreError> {
    query_scalar("select to_regclass('agora.account') is not null")
        .fetch_one(alone(pool))
        .await
        .map_err(StoreError::during("looking for the schema"))
}

/// Removes the schema and all its data, in one transaction.
pub(super) async fn remove_everything(pool: &PgPool) -> Result<(), StoreError> {
    let failed = || StoreError::during("emptying the database");
    let mut transaction = begin_transaction(pool).await.map_err(failed())?;
    for statement in
        ["drop schema if exists agora cascade", "drop table if exists _sqlx_migrations"]
    {
        query(statement).execute(&mut *transaction).await.map_err(failed())?;
    }
    transaction.commit().await.map_err(failed())
}

#[cfg(test)]
mod upgrade;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_migration_can_be_one_transaction() {
        for migration in MIGRATIONS.iter() {
            assert!(!migration.no_tx, "{}", migration.version);
            assert!(migration.migration_type.is_up_migration(), "{}", migration.version);
        }
    }

    #[test]
    fn c40_a_migration_that_is_unknown_or_in_another_form_is_named() {
        let first = MIGRATIONS.iter().next().expect("one");
        let applied = |version, checksum: &[u8]| BTreeMap::from([(version, checksum.to_vec())]);
        assert!(check(&applied(first.version, &first.checksum)).is_ok());
        let error = check(&applied(9999, b"")).expect_err("unknown");
        assert!(matches!(error, StoreError::NewerSchema { version: 9999 }));
        let error = check(&applied(first.version, b"x")).expect_err("changed");
        assert!(error.to_string().contains("another form"), "{error}");
    }
}
