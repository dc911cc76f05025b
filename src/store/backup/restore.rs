//! A backup into an empty schema, in one transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use chrono::NaiveDate;
use sha2::{Digest, Sha256};
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, PgConnection};

use super::catalogue::{self, Table};
use super::manifest::{Manifest, TableEntry};
use super::{BackupError, Restored, readers};
use crate::store::error::StoreError;
use crate::store::migrate::{applied_version, migrate, migrate_to, newest_version};
use crate::store::occupancy::partitions;
use crate::store::statement::{alone, query, query_scalar};

/// Bytes that are read and sent at a time.
const PART_BYTES: usize = 256 * 1024;

/// For as long as it takes.
const BEGIN: &str = "begin; \
    set local statement_timeout = 0; \
    set local idle_in_transaction_session_timeout = 0; \
    set local lock_timeout = '1min'; \
    set local timezone = 'UTC'; \
    set local datestyle = 'ISO, YMD'";

/// Fills an empty database from a backup, and brings the schema up to date then.
///
/// The files are compared with the manifest first. The schema is made, or
/// brought, to the backup's migration; all rows come in one transaction. The
/// table of leases is restored too: one that was held expires by itself. The
/// table of readers stays as it is (`readers`).
///
/// # Errors
/// [`BackupError`]; no row is restored then. An empty schema may have been made.
pub async fn restore(pool: &PgPool, folder: &Path) -> Result<Restored, BackupError> {
    let manifest = Manifest::read(folder)?;
    if manifest.migration > newest_version() {
        return Err(BackupError::NewerBackup(manifest.migration));
    }
    for entry in &manifest.tables {
        verify(folder, entry)?;
    }
    make_room(pool, &manifest).await?;
    let tables = catalogue::tables(alone(pool)).await?;
    let entries = matched(&tables, &manifest)?;
    let failed = || StoreError::during("restoring");
    let mut transaction = pool.begin_with(BEGIN).await.map_err(failed())?;
    refuse_rows(&mut transaction, &tables).await?;
    let mut left_out_readers = Vec::new();
    for table in &tables {
        let Some(entry) = entries.get(table.name.as_str()) else { continue };
        if table.name == readers::TABLE {
            let copy = readers::set_aside(&mut transaction, table).await?;
            fill(&mut transaction, &copy, entry, folder).await?;
            left_out_readers = readers::left_out(&mut transaction).await?;
        } else {
            fill(&mut transaction, &table.copy_in(), entry, folder).await?;
        }
    }
    number_on(&mut transaction, &manifest).await?;
    transaction.commit().await.map_err(failed())?;
    migrate(pool).await?;
    Ok(Restored { summary: manifest.summary_without(readers::TABLE), left_out_readers })
}

/// The name of a file follows from its table, whatever the manifest says.
fn open(folder: &Path, table: &str) -> Result<BufReader<File>, BackupError> {
    let is_a_name = !table.is_empty() && !table.contains(['/', '\\', '\0']);
    if !is_a_name {
        return Err(BackupError::OtherTables(format!("there is no table '{table}'")));
    }
    let path = folder.join(format!("{table}.csv"));
    let file = File::open(&path).map_err(BackupError::at(&path))?;
    Ok(BufReader::with_capacity(PART_BYTES, file))
}

fn verify(folder: &Path, entry: &TableEntry) -> Result<(), BackupError> {
    let damaged = |cause: String| BackupError::Damaged { file: entry.file.clone(), cause };
    let mut file = open(folder, &entry.table)?;
    let (mut hash, mut bytes, mut part) = (Sha256::new(), 0_u64, vec![0; PART_BYTES]);
    loop {
        let read = file.read(&mut part).map_err(BackupError::at(folder))?;
        if read == 0 {
            break;
        }
        hash.update(&part[..read]);
        bytes += read as u64;
    }
    if bytes != entry.bytes {
        return Err(damaged(format!("it has {bytes} bytes instead of {}", entry.bytes)));
    }
    if format!("{:x}", hash.finalize()) != entry.sha256 {
        return Err(damaged("its SHA-256 is another".to_owned()));
    }
    Ok(())
}

/// Makes the schema of the backup's migration, and its partitions.
async fn make_room(pool: &PgPool, manifest: &Manifest) -> Result<(), BackupError> {
    let wanted = manifest.migration;
    let found = applied_version(pool).await?;
    if found > wanted {
        return Err(BackupError::NewerSchema { found, wanted });
    }
    if found > 0 {
        let tables = catalogue::tables(alone(pool)).await?;
        let mut connection =
            pool.begin_with(BEGIN).await.map_err(StoreError::during("restoring"))?;
        refuse_rows(&mut connection, &tables).await?;
    }
    migrate_to(pool, wanted).await?;
    for name in &manifest.channel_partitions {
        let day: Option<NaiveDate> = partitions::day_of(name);
        let unknown = || BackupError::OtherTables(format!("there is no partition '{name}'"));
        partitions::ensure(pool, day.ok_or_else(unknown)?, 1).await?;
    }
    Ok(())
}

/// The manifest's entry of each table; a table that is in one of both alone is refused.
fn matched<'m>(
    tables: &[Table],
    manifest: &'m Manifest,
) -> Result<BTreeMap<&'m str, &'m TableEntry>, BackupError> {
    let entries: BTreeMap<&str, &TableEntry> =
        manifest.tables.iter().map(|entry| (entry.table.as_str(), entry)).collect();
    let of_backup: BTreeSet<&str> = entries.keys().copied().collect();
    let of_schema: BTreeSet<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    match of_backup.symmetric_difference(&of_schema).next() {
        Some(name) => {
            let place = if of_backup.contains(name) { "backup" } else { "schema" };
            Err(BackupError::OtherTables(format!("'{name}' is in the {place} alone")))
        }
        None => Ok(entries),
    }
}

/// Readers may have been granted before: they are nothing that rows could be mixed with.
async fn refuse_rows(connection: &mut PgConnection, tables: &[Table]) -> Result<(), BackupError> {
    for table in tables.iter().filter(|table| table.name != readers::TABLE) {
        let question = format!("select exists (select from {})", table.quoted());
        let has_rows: bool = query_scalar(AssertSqlSafe(question))
            .fetch_one(&mut *connection)
            .await
            .map_err(StoreError::during("looking for rows"))?;
        if has_rows {
            return Err(BackupError::NotEmpty(table.name.clone()));
        }
    }
    Ok(())
}

/// Copying fires no trigger of updates, and generated columns are computed.
async fn fill(
    connection: &mut PgConnection,
    copy_in: &str,
    entry: &TableEntry,
    folder: &Path,
) -> Result<(), BackupError> {
    let failed = || StoreError::during("copying a table in");
    let mut file = open(folder, &entry.table)?;
    let mut copy = connection.copy_in_raw(copy_in).await.map_err(failed())?;
    let mut part = vec![0; PART_BYTES];
    loop {
        match file.read(&mut part) {
            Ok(0) => break,
            Ok(read) => copy.send(&part[..read]).await.map_err(failed())?,
            Err(error) => {
                copy.abort("the file cannot be read").await.map_err(failed())?;
                return Err(BackupError::at(folder)(error));
            }
        };
    }
    let rows = copy.finish().await.map_err(failed())?;
    if rows == entry.rows {
        Ok(())
    } else {
        let cause = format!("it has {rows} rows instead of {}", entry.rows);
        Err(BackupError::Damaged { file: entry.file.clone(), cause })
    }
}

/// Goes on numbering where the backup's database was.
async fn number_on(connection: &mut PgConnection, manifest: &Manifest) -> Result<(), BackupError> {
    for numbered in catalogue::numbered(connection).await? {
        let same = |entry: &&super::manifest::SequenceEntry| {
            entry.table == numbered.table && entry.column == numbered.column
        };
        let Some(entry) = manifest.sequences.iter().find(same) else { continue };
        query("select setval($1::text::regclass, $2, false)")
            .bind(&numbered.sequence)
            .bind(entry.next.max(1))
            .execute(&mut *connection)
            .await
            .map_err(StoreError::during("setting a sequence"))?;
    }
    Ok(())
}
