//! Who could read the database of a backup.
//!
//! A grant is to a role of a server, and is not in a backup. So what `account_reader`
//! says is not restored either: it stays as it is in the database that is restored
//! to, where roles may be others, and readers may have been granted before. The
//! backup's readers who see less there are told.

use sqlx::PgConnection;

use super::LeftOutReader;
use super::catalogue::Table;
use crate::store::error::StoreError;
use crate::store::statement::{query, query_as};

/// The table of readers.
pub(super) const TABLE: &str = "account_reader";

/// Makes a place for the backup's rows, which is gone with the transaction.
pub(super) async fn set_aside(
    connection: &mut PgConnection,
    table: &Table,
) -> Result<String, StoreError> {
    query("create temporary table reader_of_backup (like agora.account_reader) on commit drop")
        .execute(connection)
        .await
        .map_err(StoreError::during("making room for the readers"))?;
    Ok(table.copy_in_as("pg_temp.reader_of_backup"))
}

/// Those that were set aside and are not in force here.
pub(super) async fn left_out(
    connection: &mut PgConnection,
) -> Result<Vec<LeftOutReader>, StoreError> {
    query_as(include_str!("../sql/left_out_readers.sql"))
        .fetch_all(connection)
        .await
        .map_err(StoreError::during("comparing the readers"))
}
