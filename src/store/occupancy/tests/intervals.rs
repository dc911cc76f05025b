use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::*;

const INTERVALS: &str = "select channel_name, user_count, to_char(from_at, 'HH24:MI') as f, \
    to_char(to_at, 'HH24:MI') as t, is_open from agora.occupancy_intervals \
    order by channel_name collate \"C\", from_at";

#[tokio::test]
async fn a_channel_is_written_when_its_count_changes_and_only_then() {
    let database = TestDatabase::new().await;
    let project_id = database.project("P1").await;
    let start = at("2031-05-08T10:00:00Z");
    let first = database.write(&complete(&project_id, start, &[("a", 1), ("b", 2)])).await;
    assert_eq!(first, SnapshotWritten { opened: 2, closed: 0 });
    let versions = "select xmin, ctid from agora.occupancy_channel order by channel_name";
    let before = database.ask(versions).await;
    for minute in 1..4 {
        let same = complete(&project_id, start + minutes(minute), &[("b", 2), ("a", 1)]);
        assert_eq!(database.write(&same).await, SnapshotWritten::default());
    }
    assert_eq!(database.ask(versions).await, before, "no row was touched");
    let changed = complete(&project_id, start + minutes(4), &[("a", 3), ("c", 1)]);
    assert_eq!(database.write(&changed).await, SnapshotWritten { opened: 2, closed: 2 });
    database.write(&complete(&project_id, start + minutes(5), &[("a", 3), ("c", 1)])).await;
    assert_eq!(
        database.ask(INTERVALS).await,
        [
            "a 1 10:00 10:03 false",
            "a 3 10:04 10:05 true",
            "b 2 10:00 10:03 false",
            "c 1 10:04 10:05 true"
        ]
    );
    database.close().await;
}

#[tokio::test]
async fn c14_a_snapshot_of_no_channel_is_stored_and_closes_all() {
    let database = TestDatabase::new().await;
    let project_id = database.project("P1").await;
    let start = at("2031-05-08T10:00:00Z");
    database.write(&complete(&project_id, start, &[("a", 1)])).await;
    database.write(&complete(&project_id, start + minutes(1), &[])).await;
    assert_eq!(database.ask(INTERVALS).await, ["a 1 10:00 10:00 false"]);
    let snapshots = "select total_channels, seen_channels, user_count, complete \
        from agora.occupancy_snapshot order by observed_at";
    assert_eq!(database.ask(snapshots).await, ["1 1 1 true", "0 0 0 true"]);
    database.close().await;
}

#[tokio::test]
async fn c15_an_incomplete_snapshot_closes_no_channel_that_it_lacks() {
    let database = TestDatabase::new().await;
    let project_id = database.project("P1").await;
    let start = at("2031-05-08T10:00:00Z");
    database.write(&complete(&project_id, start, &[("a", 1), ("b", 2), ("c", 1)])).await;
    database.write(&incomplete(&project_id, start + minutes(1), &[("b", 3), ("d", 4)])).await;
    database.write(&complete(&project_id, start + minutes(2), &[("a", 1), ("b", 3)])).await;
    assert_eq!(
        database.ask(INTERVALS).await,
        [
            "a 1 10:00 10:02 true",
            "b 2 10:00 10:00 false",
            "b 3 10:01 10:02 true",
            "c 1 10:00 10:00 false",
            "d 4 10:01 10:01 false"
        ]
    );
    let reasons = "select complete, coalesce(reason, '-') as reason \
        from agora.occupancy_snapshot order by observed_at";
    assert_eq!(database.ask(reasons).await, ["true -", "false drift", "true -"]);
    database.close().await;
}

#[tokio::test]
async fn c37_a_name_with_a_nul_is_stored_escaped_and_found_again() {
    let database = TestDatabase::new().await;
    let project_id = database.project("P1").await;
    let start = at("2031-05-08T10:00:00Z");
    let channels = [("odd\0name", 2), ("plain", 1)];
    database.write(&complete(&project_id, start, &channels)).await;
    let again = database.write(&complete(&project_id, start + minutes(1), &channels)).await;
    assert_eq!(again, SnapshotWritten::default());
    let names = "select channel_name from agora.occupancy_channel order by 1";
    assert_eq!(database.ask(names).await, ["odd\\u0000name", "plain"]);
    database.close().await;
}

#[tokio::test]
async fn a_paused_holder_writes_neither_snapshot_nor_hour() {
    let database = TestDatabase::new().await;
    let project_id = database.project("P1").await;
    database.run("update agora.job_lease set epoch = epoch + 1").await;
    let late = complete(&project_id, at("2031-05-08T10:00:00Z"), &[("a", 1)]);
    let error = write(database.store.pool(), &database.lease, &late).await.expect_err("refused");
    assert!(matches!(error, StoreError::LeaseLost { .. }), "{error}");
    let error = hourly::roll_up(database.store.pool(), &database.lease, DateTime::UNIX_EPOCH).await;
    assert!(matches!(error, Err(StoreError::LeaseLost { .. })));
    let counts = "select (select count(*) from agora.occupancy_snapshot) as s, \
        (select count(*) from agora.occupancy_channel) as c";
    assert_eq!(database.ask(counts).await, ["0 0"]);
    database.close().await;
}

/// A minute: channels a to e with their users, or 0 for those that are not there.
fn minute() -> impl Strategy<Value = (Vec<i64>, bool)> {
    // Few values, so that channels stay as they are, change, go and come back.
    (prop::collection::vec(0_i64..3, 5), prop::bool::weighted(0.75))
}

#[tokio::test]
async fn the_intervals_give_back_every_complete_snapshot() {
    let database = TestDatabase::new().await;
    let start = at("2031-05-08T23:50:00Z");
    let mut runner = TestRunner::deterministic();
    for case in 0..8 {
        let project_id = database.project(&format!("P{case}")).await;
        let history = prop::collection::vec(minute(), 25).new_tree(&mut runner).expect("drawn");
        let history = history.current();
        for (number, (users, is_complete)) in (0..).zip(&history) {
            let names = ["a", "b", "c", "d", "e"];
            let channels = names.into_iter().zip(users.iter().copied());
            let live: Vec<_> = channels.filter(|(_, users)| *users > 0).collect();
            let make = if *is_complete { complete } else { incomplete };
            database.write(&make(&project_id, start + minutes(number), &live)).await;
        }
        let given_back = database
            .ask(&format!(
                "select extract(epoch from s.observed_at - timestamptz '{start}')::int / 60 as minute, \
                 i.channel_name, i.user_count \
                 from agora.occupancy_snapshot as s \
                 join agora.occupancy_intervals as i using (project_id) \
                 where s.project_id = '{project_id}' and s.complete \
                 and s.observed_at between i.from_at and i.to_at"
            ))
            .await;
        let mut expected: BTreeMap<String, usize> = BTreeMap::new();
        for (number, (users, _)) in history.iter().enumerate().filter(|(_, (_, whole))| *whole) {
            for (name, users) in ["a", "b", "c", "d", "e"].iter().zip(users) {
                if *users > 0 {
                    expected.insert(format!("{number} {name} {users}"), 1);
                }
            }
        }
        let mut found: BTreeMap<String, usize> = BTreeMap::new();
        for line in given_back {
            *found.entry(line).or_default() += 1;
        }
        assert_eq!(found, expected, "{history:?}");
    }
    let overlaps = "select a.channel_name from agora.occupancy_intervals as a \
        join agora.occupancy_intervals as b using (project_id, channel_name) \
        where a.from_at < b.from_at and a.to_at >= b.from_at";
    assert_eq!(database.ask(overlaps).await, Vec::<String>::new());
    database.close().await;
}
