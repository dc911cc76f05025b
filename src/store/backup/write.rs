//! One consistent snapshot into a new folder, put in place whole.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use sha2::{Digest, Sha256};
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, PgConnection};

use super::catalogue::{self, Table};
use super::csv_rows::RowCounter;
use super::manifest::{FILE_NAME, Manifest, SequenceEntry, TableEntry};
use super::{BackupError, BackupSummary};
use crate::store::error::StoreError;
use crate::store::occupancy::partitions;
use crate::store::statement::{alone, query, query_scalar};

/// One snapshot for all tables, for as long as it takes. Whoever may not see
/// every row is refused, rather than given a part.
const BEGIN: &str = "begin isolation level repeatable read, read only; \
    set local statement_timeout = 0; \
    set local idle_in_transaction_session_timeout = 0; \
    set local lock_timeout = '1min'; \
    set local row_security = off";

/// How values are written, whatever the settings of server and role.
const FORMS: &str = "set local timezone = 'UTC'; \
    set local datestyle = 'ISO, YMD'; \
    set local intervalstyle = 'postgres'; \
    set local bytea_output = 'hex'; \
    set local extra_float_digits = 1";

/// Writes a backup of the whole schema into the new folder `target`.
///
/// Reads one consistent snapshot; whoever writes meanwhile need not wait. A
/// failure leaves nothing behind.
///
/// # Errors
/// [`BackupError::Exists`] when there is something at `target`, and what the
/// database or the file system said.
pub async fn write(
    pool: &PgPool,
    target: &Path,
    created_at: DateTime<Utc>,
) -> Result<BackupSummary, BackupError> {
    let folder = NewFolder::beside(target)?;
    let tables = catalogue::tables(alone(pool)).await?;
    let failed = || StoreError::during("reading a snapshot");
    let mut transaction = pool.begin_with(BEGIN).await.map_err(failed())?;
    let connection = &mut *transaction;
    sqlx::raw_sql(FORMS).execute(&mut *connection).await.map_err(failed())?;
    lock(connection, &tables).await?;
    if catalogue::tables(&mut *connection).await? != tables {
        let cause = "it was changed meanwhile; run the backup again".to_owned();
        return Err(BackupError::OtherTables(cause));
    }
    let migration = query_scalar("select max(version) from _sqlx_migrations where success");
    let migration: i64 = migration.fetch_one(&mut *connection).await.map_err(failed())?;
    let version = query_scalar("select current_setting('server_version')");
    let version: String = version.fetch_one(&mut *connection).await.map_err(failed())?;
    let days = partitions::names(&mut *connection).await?;
    let mut manifest = Manifest::new(migration, version, created_at, days);
    for table in &tables {
        manifest.tables.push(write_table(connection, table, &folder.path).await?);
    }
    manifest.sequences = sequences(connection).await?;
    transaction.rollback().await.map_err(failed())?;
    let text = serde_json::to_string_pretty(&manifest).unwrap_or_default();
    let path = folder.path.join(FILE_NAME);
    let mut file = new_file(&path)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.write_all(b"\n"))
        .and_then(|()| file.sync_all())
        .map_err(BackupError::at(&path))?;
    folder.publish()?;
    Ok(manifest.summary())
}

/// Keeps partitions from being dropped. Taken before the first query, which
/// is what takes the snapshot: so a partition is in both or in neither.
async fn lock(connection: &mut PgConnection, tables: &[Table]) -> Result<(), BackupError> {
    let names: Vec<String> = tables.iter().map(Table::quoted).collect();
    if names.is_empty() {
        return Ok(());
    }
    let statement = format!("lock table {} in access share mode", names.join(", "));
    query(AssertSqlSafe(statement))
        .execute(connection)
        .await
        .map_err(StoreError::during("locking the tables"))?;
    Ok(())
}

async fn write_table(
    connection: &mut PgConnection,
    table: &Table,
    folder: &Path,
) -> Result<TableEntry, BackupError> {
    let failed = || StoreError::during("copying a table out");
    let file_name = table.file_name();
    let path = folder.join(&file_name);
    let mut file = BufWriter::new(new_file(&path)?);
    let (mut hash, mut rows, mut bytes) = (Sha256::new(), RowCounter::default(), 0_u64);
    let mut parts = connection.copy_out_raw(&table.copy_out()).await.map_err(failed())?;
    while let Some(part) = parts.try_next().await.map_err(failed())? {
        hash.update(&part);
        rows.take(&part);
        bytes += part.len() as u64;
        file.write_all(&part).map_err(BackupError::at(&path))?;
    }
    drop(parts);
    let file = file.into_inner().map_err(std::io::IntoInnerError::into_error);
    file.and_then(|file| file.sync_all()).map_err(BackupError::at(&path))?;
    Ok(TableEntry {
        table: table.name.clone(),
        file: file_name,
        rows: rows.rows(),
        bytes,
        sha256: format!("{:x}", hash.finalize()),
    })
}

/// Numbers that were given since the snapshot are skipped after a restore: none is given twice.
async fn sequences(connection: &mut PgConnection) -> Result<Vec<SequenceEntry>, BackupError> {
    let mut entries = Vec::new();
    for numbered in catalogue::numbered(connection).await? {
        let question = format!(
            "select case when is_called then last_value + 1 else last_value end from {}",
            numbered.sequence
        );
        let next: i64 = query_scalar(AssertSqlSafe(question))
            .fetch_one(&mut *connection)
            .await
            .map_err(StoreError::during("reading a sequence"))?;
        entries.push(SequenceEntry { table: numbered.table, column: numbered.column, next });
    }
    Ok(entries)
}

/// For the owner alone: names of projects and channels are nobody else's.
fn new_file(path: &Path) -> Result<File, BackupError> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(BackupError::at(path))
}

/// A hidden folder that becomes the target, or is removed.
struct NewFolder {
    path: PathBuf,
    target: PathBuf,
    is_published: bool,
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        if !self.is_published {
            // What cannot be removed stays hidden and is no backup.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

impl NewFolder {
    fn beside(target: &Path) -> Result<Self, BackupError> {
        let is_free = match fs::read_dir(target) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
            Err(error) => return Err(BackupError::at(target)(error)),
        };
        if !is_free {
            return Err(BackupError::Exists(target.to_path_buf()));
        }
        // `a/b/` and `.` have no name of their own to put a hidden one beside.
        let absolute = std::path::absolute(target).map_err(BackupError::at(target))?;
        let target: PathBuf = absolute.components().collect();
        let (Some(parent), Some(name)) = (target.parent(), target.file_name()) else {
            return Err(BackupError::Exists(target));
        };
        fs::create_dir_all(parent).map_err(BackupError::at(parent))?;
        let hidden = format!(".{}.{}.partial", name.to_string_lossy(), std::process::id());
        let path = parent.join(hidden);
        // One of a dead process with the same number.
        let _ = fs::remove_dir_all(&path);
        DirBuilder::new().mode(0o700).create(&path).map_err(BackupError::at(&path))?;
        Ok(Self { path, target, is_published: false })
    }

    /// In place of nothing or of an empty folder; the rename is refused for any other.
    fn publish(mut self) -> Result<(), BackupError> {
        let sync = |path: &Path| {
            File::open(path).and_then(|folder| folder.sync_all()).map_err(BackupError::at(path))
        };
        sync(&self.path)?;
        fs::rename(&self.path, &self.target).map_err(|error| match error.kind() {
            std::io::ErrorKind::DirectoryNotEmpty | std::io::ErrorKind::AlreadyExists => {
                BackupError::Exists(self.target.clone())
            }
            _ => BackupError::at(&self.target)(error),
        })?;
        self.is_published = true;
        self.target.parent().map_or(Ok(()), sync)
    }
}
