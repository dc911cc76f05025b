use chrono::NaiveDate;

use super::*;
use crate::domain::AccountId;
use crate::store::statement::{alone, begin_transaction, query, query_scalar};

fn day(text: &str) -> NaiveDate {
    text.parse().expect("day")
}

async fn partition_days(database: &TestDatabase) -> Vec<String> {
    let names: Vec<String> = query_scalar(include_str!("../../sql/channel_partitions.sql"))
        .fetch_all(alone(database.store.pool()))
        .await
        .expect("listed");
    names.iter().map(|name| name.replace("occupancy_channel_", "")).collect()
}

async fn drop_before(database: &TestDatabase, first_kept: &str) -> partitions::Dropped {
    let dropped =
        partitions::drop_before(database.store.pool(), &database.lease, day(first_kept), None)
            .await;
    dropped.expect("done")
}

#[tokio::test]
async fn partitions_are_made_ahead_once_by_however_many() {
    let database = TestDatabase::new().await;
    let pool = database.store.pool();
    let ahead = || partitions::ensure(pool, day("2031-12-30"), 3);
    let (one, other) = tokio::join!(ahead(), ahead());
    assert_eq!(one.expect("made") + other.expect("made"), 3);
    assert_eq!(ahead().await.expect("nothing to do"), 0);
    assert_eq!(partition_days(&database).await, ["20311230", "20311231", "20320101"]);
    let indexes = "select count(*) from pg_indexes where tablename = 'occupancy_channel_20311231'";
    assert_eq!(database.ask(indexes).await, ["3"]);
    database.close().await;
}

#[tokio::test]
async fn a_day_is_dropped_when_its_hours_are_rolled_up_for_every_account() {
    let database = TestDatabase::new().await;
    let project_id = database.project("P1").await;
    database.write(&complete(&project_id, at("2031-05-08T10:00:00Z"), &[("a", 1)])).await;
    database.write(&complete(&project_id, at("2031-05-09T10:00:00Z"), &[])).await;
    let other = AccountId::new("other").expect("name");
    lease(&database.store, &other).await;
    database
        .run(
            "insert into agora.project (account_id, project_id, project_name, status, has_certificate, first_seen_at) \
             values ('other', 'P2', '', 'unknown', false, now()); \
             insert into agora.occupancy_hour_due values ('other', 'P2', '2031-05-08 23:00Z', now())",
        )
        .await;
    let kept = drop_before(&database, "2031-05-09").await;
    assert_eq!(kept.kept, [day("2031-05-08")]);
    database.roll_up().await;
    assert_eq!(drop_before(&database, "2031-05-09").await.kept, [day("2031-05-08")]);
    // The other account may have left the settings: past the retention, anybody rolls up.
    let everyone_before = at("2031-05-09T00:00:00Z");
    let done = hourly::roll_up(database.store.pool(), &database.lease, everyone_before).await;
    assert_eq!(done.expect("rolled up").hours, 1);
    let dropped = drop_before(&database, "2031-05-09").await;
    assert_eq!((dropped.dropped, dropped.kept), (vec![day("2031-05-08")], Vec::new()));
    assert_eq!(partition_days(&database).await, ["20310509"]);
    let hours =
        "select to_char(hour, 'YYYY-MM-DD HH24') as hour from agora.occupancy_hourly order by 1";
    assert_eq!(database.ask(hours).await, ["2031-05-08 10", "2031-05-09 10"], "hours stay");
    database.close().await;
}

#[tokio::test]
async fn an_interval_that_reaches_into_the_days_that_stay_is_kept_from_there_on() {
    let database = TestDatabase::new().await;
    let project_id = database.project("P1").await;
    let midnight = at("2031-05-09T00:00:00Z");
    let all = [("lobby", 1), ("night", 2), ("evening", 3)];
    database.write(&complete(&project_id, midnight - minutes(2), &all)).await;
    database.write(&complete(&project_id, midnight - minutes(1), &all[..2])).await;
    // The first snapshot of the day that stays did not read every channel.
    database.write(&incomplete(&project_id, midnight, &all[..1])).await;
    database.write(&complete(&project_id, midnight + minutes(1), &all[..2])).await;
    database.write(&complete(&project_id, midnight + minutes(2), &all[..1])).await;
    database.roll_up().await;
    let day_before = partitions::ensure(database.store.pool(), day("2031-05-01"), 1).await;
    assert_eq!(day_before.expect("made"), 1);
    let dropped = drop_before(&database, "2031-05-09").await;
    assert_eq!(dropped.dropped, [day("2031-05-01"), day("2031-05-08")]);
    let rows = "select channel_name, user_count, to_char(from_at, 'DD HH24:MI') as f, \
        to_char(to_at, 'DD HH24:MI') as t, is_open from agora.occupancy_intervals order by 1";
    assert_eq!(
        database.ask(rows).await,
        ["lobby 1 09 00:01 09 00:02 true", "night 2 09 00:01 09 00:01 false"]
    );
    let next = complete(&project_id, midnight + minutes(3), &all[..1]);
    assert_eq!(database.write(&next).await, SnapshotWritten::default(), "it is still the same row");
    database.close().await;
}

#[tokio::test]
async fn a_day_that_somebody_reads_is_left_for_the_next_run() {
    let database = TestDatabase::new().await;
    partitions::ensure(database.store.pool(), day("2031-05-08"), 1).await.expect("made");
    let mut reader = begin_transaction(database.store.pool()).await.expect("begun");
    query("select from agora.occupancy_channel").execute(&mut *reader).await.expect("read");
    assert_eq!(drop_before(&database, "2031-05-09").await.kept, [day("2031-05-08")]);
    // Partitions of other days can be made meanwhile.
    let made = partitions::ensure(database.store.pool(), day("2031-05-09"), 1).await;
    assert_eq!(made.expect("made"), 1);
    reader.rollback().await.expect("ended");
    assert_eq!(drop_before(&database, "2031-05-09").await.dropped, [day("2031-05-08")]);
    database.close().await;
}
