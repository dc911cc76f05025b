use std::collections::BTreeMap;

use super::*;
use crate::store::analyst_queries;

/// Snapshots a minute from 00:00 to 08:00, and to 04:00 with two minutes left out.
const SNAPSHOTS: &str = "insert into agora.occupancy_snapshot \
    select 'default', 'P1', t, 1, 1, 1, true, null \
    from generate_series(timestamptz '2031-05-08 00:00Z', '2031-05-08 08:00Z', '1 minute') as t; \
    insert into agora.occupancy_snapshot \
    select 'default', 'P2', t, 1, 1, 1, true, null \
    from generate_series(timestamptz '2031-05-08 00:00Z', '2031-05-08 04:00Z', '1 minute') as t \
    where t not between '2031-05-08 02:00Z' and '2031-05-08 02:01Z'";

/// Project, channel, users, first minute, last minute; no last minute: still open.
const CHANNELS: &str = "insert into agora.occupancy_channel \
    select 'default', project_id, name, from_at, to_at, users from (values \
    ('P1', 'closed', timestamptz '2031-05-08 01:00Z', timestamptz '2031-05-08 04:00Z', 2), \
    ('P1', 'crowd', '2031-05-08 00:00Z', null, 3), \
    ('P1', 'empty', '2031-05-08 00:00Z', null, 0), \
    ('P1', 'lobby', '2031-05-08 00:00Z', null, 1), \
    ('P1', 'short', '2031-05-08 01:00Z', '2031-05-08 03:59Z', 1), \
    ('P1', 'young', '2031-05-08 05:01Z', null, 1), \
    ('P2', 'broken', '2031-05-08 00:00Z', null, 1)) \
    as v (project_id, name, from_at, to_at, users)";

async fn night() -> TestDatabase {
    let database = TestDatabase::new().await;
    database.project("P1").await;
    database.project("P2").await;
    partitions::ensure(database.store.pool(), "2031-05-08".parse().expect("day"), 1)
        .await
        .expect("made");
    database.run(SNAPSHOTS).await;
    database.run(CHANNELS).await;
    database
}

const GHOSTS: &str = "select project_id, channel_name, user_count, \
    to_char(from_at, 'HH24:MI') as f, to_char(to_at, 'HH24:MI') as t, flat_hours, is_open \
    from agora.ghost_channels order by project_id, channel_name, from_at";

#[tokio::test]
async fn ghosts_are_small_flat_and_seen_for_three_hours_without_a_gap() {
    let database = night().await;
    assert_eq!(
        database.ask(GHOSTS).await,
        ["P1 closed 2 01:00 04:00 3.00 false", "P1 lobby 1 00:00 08:00 8.00 true"]
    );
    database
        .run(
            "insert into agora.occupancy_snapshot \
             select 'default', 'P2', t, 1, 1, 1, true, null from \
             generate_series(timestamptz '2031-05-08 04:01Z', '2031-05-08 06:00Z', '1 minute') as t",
        )
        .await;
    let after_the_gap = "P2 broken 1 02:02 06:00 3.97 true".to_owned();
    assert_eq!(database.ask(GHOSTS).await.last(), Some(&after_the_gap));
    database.close().await;
}

#[tokio::test]
async fn an_interval_that_is_over_goes_by_its_own_end() {
    let database = night().await;
    let rows = "select channel_name, to_char(to_at, 'HH24:MI') as t from agora.occupancy_intervals \
        where project_id = 'P1' and channel_name in ('short', 'young') order by 1";
    assert_eq!(database.ask(rows).await, ["short 03:59", "young 08:00"]);
    database.close().await;
}

async fn question(database: &TestDatabase, sql: &str, values: &[(&str, &str)]) -> Vec<String> {
    let values: BTreeMap<String, String> =
        values.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let result = analyst_queries::run(database.store.pool(), sql, &values).await.expect("answered");
    let line = |row: &Vec<Option<String>>| {
        row.iter().map(|value| value.as_deref().unwrap_or("-")).collect::<Vec<_>>().join("|")
    };
    result.rows.iter().map(line).collect()
}

#[tokio::test]
async fn the_question_for_ghosts_lists_the_longest_first() {
    let database = night().await;
    let sql = include_str!("../../../../queries/ghost_channels.sql");
    assert_eq!(
        question(&database, sql, &[]).await,
        [
            "default|P1||lobby|1|8.00|2031-05-08 00:00:00|2031-05-08 08:00:00|true",
            "default|P1||closed|2|3.00|2031-05-08 01:00:00|2031-05-08 04:00:00|false"
        ]
    );
    assert_eq!(question(&database, sql, &[("hours", "5")]).await.len(), 1);
    assert_eq!(question(&database, sql, &[("project", "P2")]).await.len(), 0);
    database.close().await;
}

#[tokio::test]
async fn the_question_for_hours_tells_averages_peaks_and_what_was_not_seen() {
    let database = TestDatabase::new().await;
    let project_id = database.project("P1").await;
    let start = at("2031-05-08T10:59:00Z");
    database.write(&complete(&project_id, start, &[("a", 3), ("b", 1)])).await;
    database.write(&complete(&project_id, start + minutes(1), &[("a", 1)])).await;
    database.roll_up().await;
    let sql = include_str!("../../../../queries/occupancy_by_hour.sql");
    assert_eq!(
        question(&database, sql, &[]).await,
        [
            "default|P1||2031-05-08 10:00|4.000000|2.000000|0.066667|0.033333|4|2031-05-08 10:59:00|2|2031-05-08 10:59:00|1|0|59.000000",
            "default|P1||2031-05-08 11:00|1.000000|1.000000|0.025000|0.025000|1|2031-05-08 11:00:00|1|2031-05-08 11:00:00|1|0|58.500000"
        ]
    );
    assert_eq!(question(&database, sql, &[("to", "2031-05-07")]).await.len(), 0);
    assert_eq!(question(&database, sql, &[("from", "2031-05-08")]).await.len(), 2);
    database.close().await;
}
