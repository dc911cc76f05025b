//! The schema, brought up to date.

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::PgPool;

use super::error::StoreError;

/// The migrations of this program, in their order.
pub static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// Applies the migrations that the database does not have yet, each in one transaction.
///
/// Safe to run from several processes at once.
///
/// # Errors
/// [`StoreError::NewerSchema`] or [`StoreError::Migration`]; the schema is
/// then as the last good migration left it.
pub async fn migrate(pool: &PgPool) -> Result<(), StoreError> {
    MIGRATIONS.run(pool).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) => StoreError::NewerSchema { version },
        MigrateError::ExecuteMigration(cause, version) => {
            StoreError::Migration { version, cause: cause.to_string() }
        }
        other => StoreError::Migration { version: 0, cause: other.to_string() },
    })
}

/// Version of the newest migration that this program knows.
#[must_use]
pub fn newest_version() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// Whether any migration was ever applied.
pub(super) async fn has_schema(pool: &PgPool) -> Result<bool, StoreError> {
    sqlx::query_scalar("select to_regclass('agora.account') is not null")
        .fetch_one(pool)
        .await
        .map_err(StoreError::during("looking for the schema"))
}

/// Removes the schema and all its data, in one transaction.
pub(super) async fn remove_everything(pool: &PgPool) -> Result<(), StoreError> {
    let failed = || StoreError::during("emptying the database");
    let mut transaction = pool.begin().await.map_err(failed())?;
    for statement in
        ["drop schema if exists agora cascade", "drop table if exists _sqlx_migrations"]
    {
        sqlx::query(statement).execute(&mut *transaction).await.map_err(failed())?;
    }
    transaction.commit().await.map_err(failed())
}
