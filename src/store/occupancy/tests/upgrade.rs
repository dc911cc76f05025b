use sqlx::AssertSqlSafe;
use sqlx::migrate::Migration;

use super::*;
use crate::store::migrate::MIGRATIONS;

/// The last migration before intervals lost their end while they are open.
const BEFORE: i64 = 6;

async fn apply(database: &TestDatabase, which: impl Fn(&Migration) -> bool) {
    for migration in MIGRATIONS.iter().filter(|migration| which(migration)) {
        let sql = AssertSqlSafe(migration.sql.as_str().to_owned());
        let applied = sqlx::raw_sql(sql).execute(database.store.pool()).await;
        applied.unwrap_or_else(|error| panic!("migration {}: {error}", migration.version));
    }
}

#[tokio::test]
async fn intervals_and_snapshots_of_an_older_version_go_on_as_they_are() {
    let mut database = TestDatabase::new().await;
    database.run("drop schema agora cascade").await;
    apply(&database, |migration| migration.version <= BEFORE).await;
    database.lease = lease(&database.store, &database.account).await;
    let project_id = database.project("P1").await;
    database
        .run(
            "create table agora.occupancy_channel_20310508 partition of agora.occupancy_channel \
             for values from ('2031-05-08T00:00:00+00:00') to ('2031-05-09T00:00:00+00:00'); \
             insert into agora.occupancy_snapshot values \
             ('default', 'P1', '2031-05-08 10:00Z', 2, 2, 3, true, null), \
             ('default', 'P1', '2031-05-08 10:59:30Z', 1, 1, 2, true, null); \
             insert into agora.occupancy_channel values \
             ('default', 'P1', 'gone', '2031-05-08 10:00Z', '2031-05-08 10:00Z', 1, false), \
             ('default', 'P1', 'here', '2031-05-08 10:00Z', '2031-05-08 10:59:30Z', 2, true)",
        )
        .await;
    apply(&database, |migration| migration.version > BEFORE).await;
    let next = complete(&project_id, at("2031-05-08T11:00:00Z"), &[("here", 2)]);
    assert_eq!(database.write(&next).await, SnapshotWritten::default());
    let rows = "select channel_name, to_char(to_at, 'HH24:MI') as t, is_open \
        from agora.occupancy_intervals order by 1";
    assert_eq!(database.ask(rows).await, ["gone 10:00 false", "here 11:00 true"]);
    assert_eq!(database.roll_up().await, (2, 2), "hours of old snapshots are due too");
    let seconds = "select observed_seconds from agora.occupancy_hourly order by hour";
    assert_eq!(database.ask(seconds).await, ["120", "90"]);
    database.close().await;
}

#[tokio::test]
async fn every_column_of_the_schema_has_a_comment() {
    let database = TestDatabase::new().await;
    let without = "select c.relname || '.' || a.attname as name \
        from pg_class as c join pg_attribute as a on a.attrelid = c.oid \
        where c.relnamespace = 'agora'::regnamespace and c.relkind in ('r', 'p', 'v') \
        and c.relname in ('occupancy_snapshot', 'occupancy_channel', 'occupancy_hourly', \
        'occupancy_hour_due', 'occupancy_intervals', 'ghost_channels', \
        'occupancy_hourly_averages', 'coverage', 'coverage_gaps') \
        and a.attnum > 0 and not a.attisdropped and col_description(c.oid, a.attnum) is null";
    assert_eq!(database.ask(without).await, Vec::<String>::new());
    database.close().await;
}
