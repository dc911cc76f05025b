use std::fs;
use std::path::Path;

use super::*;
use crate::store::occupancy::testing::{TestDatabase, at};

const NOW: &str = "2031-05-08T09:00:00Z";

/// Values that are easily changed on the way: quotes, line ends, empty texts, nulls, zones.
const ROWS: &str = r#"
    insert into agora.project (account_id, project_id, project_name, status, has_certificate,
        first_seen_at, created_at)
    values ('default', 'P1', E'say "hi",\nthere\\N \u4e2d', 'active', true, now(), null),
        ('default', 'P2', '', 'deleted', false, '2031-01-01T00:00:00.123456+08', '-infinity');
    insert into agora.sync_request (account_id, endpoint, project_id, service, from_day, to_day,
        started_at, finished_at, outcome, attempts, rows_received, contradicted_days, message)
    select 'default', 'usage_v3', 'P1', 'rtc', '2031-03-01', '2031-03-31', now(), now(),
        'contradiction', 1, 31, '{2031-03-02,2031-03-03}', ''
    from generate_series(1, 3);
    insert into agora.usage_daily (account_id, project_id, service, day, source, audio_seconds,
        hd_seconds, extra_seconds, missing_media, observed_at, request_id)
    select 'default', 'P1', 'rtc', date '2031-03-01' + n, 'v3', n * 1000000000::bigint, null,
        '{"durationVideo8K": null, "x": 9007199254740993}', '{hd,"2k"}', now(), 1
    from generate_series(0, 30) as n;
    update agora.usage_daily set audio_seconds = 7, request_id = 2 where day = '2031-03-05';
    insert into agora.occupancy_snapshot values
        ('default', 'P1', '2031-05-08T08:00:00Z', 1, 1, 5, true, null);
    insert into agora.occupancy_hourly (account_id, project_id, hour, snapshots,
        incomplete_snapshots, observed_seconds, incomplete_seconds, user_seconds,
        channel_seconds, peak_users, peak_users_at, peak_channels, peak_channels_at)
    values ('default', 'P1', '2031-05-08T08:00:00Z', 1, 0, 90, 0, 450, 90, 5, now(), 1, now());
    insert into agora.bill values ('default', '2031-03-01', 0, 'complete', 'USD', 2,
        0.904780000001, 0.90, -0.000001, 'tiered-usd', 'x', now());
"#;

async fn filled() -> TestDatabase {
    let database = TestDatabase::new().await;
    let pool = database.store.pool();
    let day = at(NOW).date_naive();
    crate::store::occupancy::partitions::ensure(pool, day, 3).await.expect("made");
    database.run(ROWS).await;
    database
        .run(
            "insert into agora.occupancy_channel values \
             ('default', 'P1', 'a', '2031-05-08T08:00:00Z', null, 5), \
             ('default', 'P1', 'b', '2031-05-09T08:00:00Z', '2031-05-09T08:00:00Z', 1)",
        )
        .await;
    database
}

/// A database without anything on the same server.
async fn empty(database: &TestDatabase, name: &str) -> crate::store::Store {
    database.run(&format!("create database {name}")).await;
    let url = database.store.cluster().expect("private").connection_url(name);
    let address = crate::store::DatabaseAddress::Given(url.into());
    crate::store::Store::open_as_it_is(&address, 2).await.expect("opened")
}

/// The text of each file but the manifest, by name.
fn files(folder: &Path) -> std::collections::BTreeMap<String, String> {
    let entries = fs::read_dir(folder).expect("folder").map(|entry| entry.expect("entry").path());
    let tables = entries.filter(|path| path.extension().is_some_and(|end| end == "csv"));
    let read = |path: PathBuf| {
        let name = path.file_name().expect("name").to_string_lossy().into_owned();
        (name, fs::read_to_string(&path).expect("text"))
    };
    tables.map(read).collect()
}

#[tokio::test]
async fn a_restored_database_makes_the_same_backup() {
    let (database, folder) = (filled().await, tempfile::tempdir().expect("folder"));
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let written = write(database.store.pool(), &first, at(NOW)).await.expect("written");
    assert!(written.rows > 40, "{written:?}");
    let other = empty(&database, "other").await;
    let restored = restore(other.pool(), &first).await.expect("restored");
    assert_eq!(restored, Restored { summary: written, left_out_readers: Vec::new() });
    assert_eq!(write(other.pool(), &second, at(NOW)).await.expect("written"), written);
    assert_eq!(files(&first), files(&second));
    let history = "select count(*) from agora.usage_revision";
    let count = |pool| async move {
        let count: i64 = crate::store::statement::query_scalar(history)
            .fetch_one(crate::store::statement::alone(pool))
            .await
            .expect("answered");
        count
    };
    assert_eq!(count(other.pool()).await, 1, "the trigger added nothing");
    // Numbers go on: none is given twice.
    let next = crate::store::statement::query_scalar(
        "select nextval('agora.sync_request_request_id_seq')",
    );
    let next: i64 =
        next.fetch_one(crate::store::statement::alone(other.pool())).await.expect("number");
    assert_eq!(next, 4);
    other.close().await;
    database.close().await;
}

#[tokio::test]
async fn a_backup_replaces_nothing_and_a_restore_mixes_nothing() {
    let (database, folder) = (filled().await, tempfile::tempdir().expect("folder"));
    let pool = database.store.pool();
    let target = folder.path().join("backup");
    fs::create_dir(&target).expect("an empty folder will do");
    write(pool, &target, at(NOW)).await.expect("written");
    let again = write(pool, &target, at(NOW)).await.expect_err("refused");
    assert!(matches!(again, BackupError::Exists(_)), "{again}");
    let left = fs::read_dir(folder.path()).expect("folder").count();
    assert_eq!(left, 1, "no hidden folder is left");
    let mixed = restore(pool, &target).await.expect_err("refused");
    assert!(matches!(mixed, BackupError::NotEmpty(_)), "{mixed}");
    let absent = restore(pool, folder.path()).await.expect_err("refused");
    assert!(matches!(absent, BackupError::NotABackup { .. }), "{absent}");
    database.close().await;
}

#[tokio::test]
async fn a_damaged_backup_is_refused_before_anything_is_written() {
    let (database, folder) = (filled().await, tempfile::tempdir().expect("folder"));
    let target = folder.path().join("backup");
    write(database.store.pool(), &target, at(NOW)).await.expect("written");
    let other = empty(&database, "other").await;
    let (usage, manifest) = (target.join("usage_daily.csv"), target.join("manifest.json"));
    let (rows, entries) =
        [&usage, &manifest].map(|path| fs::read_to_string(path).expect("text")).into();
    let refused = async |damage: &dyn Fn()| {
        damage();
        let error = restore(other.pool(), &target).await.expect_err("refused").to_string();
        fs::write(&usage, &rows).expect("written");
        fs::write(&manifest, &entries).expect("written");
        error
    };
    let error = refused(&|| fs::write(&usage, rows.replacen('7', "8", 1)).expect("written")).await;
    assert!(error.contains("usage_daily.csv of the backup is damaged"), "{error}");
    let error = refused(&|| fs::write(&usage, &rows[..rows.len() - 9]).expect("written")).await;
    assert!(error.contains("bytes instead of"), "{error}");
    let newer = entries.replacen("\"migration\": ", "\"migration\": 99", 1);
    let error = refused(&|| fs::write(&manifest, &newer).expect("written")).await;
    assert!(error.contains("does not know"), "{error}");
    let escaping = entries.replace("\"table\": \"usage_daily\"", "\"table\": \"../usage_daily\"");
    let error = refused(&|| fs::write(&manifest, &escaping).expect("written")).await;
    assert!(error.contains("there is no table"), "{error}");
    let other_form = entries.replace("agora-usage backup 1", "agora-usage backup 2");
    let error = refused(&|| fs::write(&manifest, &other_form).expect("written")).await;
    assert!(error.contains("its form is"), "{error}");
    let nothing = "select to_regclass('agora.account') is null";
    let nothing = crate::store::statement::query_scalar(nothing);
    let nothing: bool =
        nothing.fetch_one(crate::store::statement::alone(other.pool())).await.expect("answered");
    assert!(nothing, "nothing was written");
    restore(other.pool(), &target).await.expect("the whole one");
    other.close().await;
    database.close().await;
}

#[tokio::test]
async fn a_backup_of_an_older_version_is_brought_up_to_date() {
    let database = TestDatabase::new().await;
    let folder = tempfile::tempdir().expect("folder");
    let old = empty(&database, "old").await;
    // Open channels had an end of their own before migration 7.
    crate::store::migrate::migrate_to(old.pool(), 6).await.expect("migrated");
    let rows = "insert into agora.account values ('default', now()); \
        insert into agora.project (account_id, project_id, project_name, status, \
            has_certificate, first_seen_at) \
        values ('default', 'P1', '', 'active', false, now()); \
        create table agora.occupancy_channel_20310508 partition of agora.occupancy_channel \
            for values from ('2031-05-08T00:00:00Z') to ('2031-05-09T00:00:00Z'); \
        insert into agora.occupancy_snapshot values \
            ('default', 'P1', '2031-05-08T08:00:00Z', 1, 1, 5, true, null); \
        insert into agora.occupancy_channel values \
            ('default', 'P1', 'a', '2031-05-08T08:00:00Z', '2031-05-08T08:00:00Z', 5, true)";
    sqlx::raw_sql(rows).execute(old.pool()).await.expect("filled");
    let target = folder.path().join("backup");
    assert_eq!(write(old.pool(), &target, at(NOW)).await.expect("written").migration, 6);
    let new = empty(&database, "new").await;
    restore(new.pool(), &target).await.expect("restored");
    let question = "select (select count(*) from agora.occupancy_channel where to_at is null), \
                    (select count(*) from agora.occupancy_hour_due)";
    let counts: (i64, i64) = crate::store::statement::query_as(question)
        .fetch_one(crate::store::statement::alone(new.pool()))
        .await
        .expect("answered");
    assert_eq!(counts, (1, 1));
    let past = restore(new.pool(), &target).await.expect_err("refused");
    assert!(matches!(past, BackupError::NewerSchema { wanted: 6, .. }), "{past}");
    for store in [old, new] {
        store.close().await;
    }
    database.close().await;
}
