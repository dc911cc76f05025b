use std::collections::{BTreeMap, BTreeSet};

use chrono::DurationRound;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::*;
use crate::store::statement::{alone, query_as};

/// Figures of an hour, in the order of [`HOURS`].
#[derive(Debug, Default, PartialEq, Eq)]
struct Hour {
    snapshots: i64,
    incomplete_snapshots: i64,
    observed_seconds: i64,
    incomplete_seconds: i64,
    user_seconds: i64,
    channel_seconds: i64,
    peak_users: i64,
    peak_users_at: DateTime<Utc>,
    peak_channels: i64,
    peak_channels_at: DateTime<Utc>,
}

type HourRow =
    (DateTime<Utc>, i64, i64, i64, i64, i64, i64, i64, DateTime<Utc>, i64, DateTime<Utc>);

async fn stored(database: &TestDatabase, project_id: &ProjectId) -> BTreeMap<DateTime<Utc>, Hour> {
    let rows: Vec<HourRow> = query_as(
        "select hour, snapshots::bigint, incomplete_snapshots::bigint, observed_seconds::bigint, \
         incomplete_seconds::bigint, user_seconds, channel_seconds, peak_users, peak_users_at, \
         peak_channels, peak_channels_at from agora.occupancy_hourly where project_id = $1",
    )
    .bind(project_id.as_str())
    .fetch_all(alone(database.store.pool()))
    .await
    .expect("read");
    rows.into_iter()
        .map(|row| {
            let hour = Hour {
                snapshots: row.1,
                incomplete_snapshots: row.2,
                observed_seconds: row.3,
                incomplete_seconds: row.4,
                user_seconds: row.5,
                channel_seconds: row.6,
                peak_users: row.7,
                peak_users_at: row.8,
                peak_channels: row.9,
                peak_channels_at: row.10,
            };
            (row.0, hour)
        })
        .collect()
}

fn hour_of(time: DateTime<Utc>) -> DateTime<Utc> {
    time.duration_trunc(TimeDelta::hours(1)).expect("hour")
}

fn channels_of(snapshot: &OccupancySnapshot) -> i64 {
    snapshot.total_channels.max(i64::try_from(snapshot.channels.len()).expect("few"))
}

/// The same figures second by second, from all snapshots at once.
fn second_by_second(snapshots: &[OccupancySnapshot]) -> BTreeMap<DateTime<Utc>, Hour> {
    let mut ordered: Vec<&OccupancySnapshot> = snapshots.iter().collect();
    ordered.sort_by_key(|snapshot| snapshot.observed_at);
    let mut hours: BTreeMap<DateTime<Utc>, Hour> = BTreeMap::new();
    // Snapshots that stand for some of an hour, with the moment from which on they do.
    let mut standing: BTreeMap<DateTime<Utc>, BTreeSet<(DateTime<Utc>, usize)>> = BTreeMap::new();
    for (number, snapshot) in ordered.iter().enumerate() {
        let hour = hours.entry(hour_of(snapshot.observed_at)).or_default();
        hour.snapshots += 1;
        hour.incomplete_snapshots += i64::from(snapshot.incompleteness.is_some());
        let hour = hour_of(snapshot.observed_at);
        standing.entry(hour).or_default().insert((snapshot.observed_at, number));
    }
    let first = ordered.first().expect("some").observed_at.timestamp();
    let last = ordered.last().expect("some").observed_at.timestamp();
    for second in first..last + 90 {
        let newest = ordered.iter().rposition(|s| s.observed_at.timestamp() <= second);
        let number = newest.expect("one came first");
        let snapshot = ordered[number];
        if second - snapshot.observed_at.timestamp() >= 90 {
            continue;
        }
        let start = hour_of(DateTime::from_timestamp(second, 0).expect("time"));
        let hour = hours.entry(start).or_default();
        hour.observed_seconds += 1;
        hour.incomplete_seconds += i64::from(snapshot.incompleteness.is_some());
        hour.user_seconds += snapshot.user_count();
        hour.channel_seconds += channels_of(snapshot);
        standing.entry(start).or_default().insert((snapshot.observed_at.max(start), number));
    }
    for (start, hour) in &mut hours {
        let peak = |value: &dyn Fn(&OccupancySnapshot) -> i64| {
            let all =
                standing[start].iter().map(|(since, number)| (value(ordered[*number]), *since));
            all.max_by_key(|(value, since)| (*value, std::cmp::Reverse(*since))).expect("some")
        };
        (hour.peak_users, hour.peak_users_at) = peak(&OccupancySnapshot::user_count);
        (hour.peak_channels, hour.peak_channels_at) = peak(&channels_of);
    }
    hours
}

#[tokio::test]
async fn a_snapshot_stands_for_the_time_until_the_next_and_a_gap_for_nothing() {
    let database = TestDatabase::new().await;
    let project_id = database.project("P1").await;
    let snapshots = [
        ("2031-05-08T09:58:00Z", 10),
        ("2031-05-08T09:59:20Z", 40), // Until 10:00:20, across the edge of the hour.
        ("2031-05-08T10:00:20Z", 20), // Until 10:01:50, then nothing is known.
        ("2031-05-08T10:30:00Z", 0),  // Nobody there, for 90 seconds.
    ];
    for (time, users) in snapshots {
        database.write(&complete(&project_id, at(time), &[("a", users)])).await;
    }
    assert_eq!(database.roll_up().await, (2, 2));
    let rows = "select to_char(hour, 'HH24:MI') as hour, snapshots, observed_seconds, user_seconds, \
        peak_users, to_char(peak_users_at, 'HH24:MI:SS') as peak_at, average_users, user_hours, \
        channel_hours, unobserved_minutes from agora.occupancy_hourly order by 1";
    assert_eq!(
        database.ask(rows).await,
        [
            // 80 s x 10 + 40 s x 40.
            "09:00 2 120 2400 40 09:59:20 20.000000 0.666667 0.033333 58.000000",
            // 20 s x 40 + 90 s x 20 + 90 s x 0.
            "10:00 2 200 2600 40 10:00:00 13.000000 0.722222 0.055556 56.666667"
        ]
    );
    assert_eq!(database.roll_up().await, (0, 0), "nothing is due any more");
    let views = "select project_name, average_channels, peak_channels, incomplete_snapshots \
        from agora.occupancy_hourly_averages order by hour";
    assert_eq!(database.ask(views).await, [" 1.000000 1 0", " 1.000000 1 0"]);
    database.close().await;
}

#[tokio::test]
async fn an_incomplete_snapshot_counts_as_the_least_that_there_was_and_is_told() {
    let database = TestDatabase::new().await;
    let project_id = database.project("P1").await;
    let start = at("2031-05-08T10:00:00Z");
    database.write(&complete(&project_id, start, &[("a", 1), ("b", 1)])).await;
    database.write(&incomplete(&project_id, start + minutes(1), &[("a", 1), ("b", 1)])).await;
    database.roll_up().await;
    let rows = "select snapshots, incomplete_snapshots, observed_seconds, incomplete_seconds, \
        channel_seconds, peak_channels from agora.occupancy_hourly";
    // 60 s with 2 channels, then 90 s with 3 by the platform's count.
    assert_eq!(database.ask(rows).await, ["2 1 150 90 390 3"]);
    database.close().await;
}

/// Milliseconds since the snapshot before it, users of each channel, completeness.
fn drawn_snapshot() -> impl Strategy<Value = (i64, Vec<i64>, bool)> {
    let wait_ms = prop_oneof![
        6 => 55_000_i64..65_000,
        1 => 1_i64..2_500,
        2 => 80_000_i64..100_000,
        1 => 100_000_i64..8_000_000,
    ];
    (wait_ms, prop::collection::vec(0_i64..50, 0..4), prop::bool::weighted(0.8))
}

fn drawn_snapshots(
    project_id: &ProjectId,
    drawn: &[(i64, Vec<i64>, bool)],
) -> Vec<OccupancySnapshot> {
    let mut time = at("2031-05-08T21:52:30.5Z");
    let snapshot = |(wait_ms, users, is_complete): &(i64, Vec<i64>, bool)| {
        time += TimeDelta::milliseconds(*wait_ms);
        let channels: Vec<_> = ["a", "b", "c"].into_iter().zip(users.iter().copied()).collect();
        let make = if *is_complete { complete } else { incomplete };
        make(project_id, time, &channels)
    };
    drawn.iter().map(snapshot).collect()
}

#[tokio::test]
async fn rolling_up_bit_by_bit_in_any_order_equals_counting_every_second() {
    let database = TestDatabase::new().await;
    let mut runner = TestRunner::deterministic();
    for case in 0..20 {
        let project_id = database.project(&format!("P{case}")).await;
        let history = prop::collection::vec(drawn_snapshot(), 1..30);
        let history = history.prop_flat_map(|drawn| {
            let order: Vec<usize> = (0..drawn.len()).collect();
            (Just(drawn), Just(order).prop_shuffle(), prop::bool::ANY)
        });
        let (drawn, shuffled, in_order) = history.new_tree(&mut runner).expect("drawn").current();
        let snapshots = drawn_snapshots(&project_id, &drawn);
        for (written, number) in shuffled.into_iter().enumerate() {
            let number = if in_order { written } else { number };
            database.write(&snapshots[number]).await;
            if written % 7 == 3 {
                database.roll_up().await;
            }
        }
        database.roll_up().await;
        let expected = second_by_second(&snapshots);
        assert_eq!(stored(&database, &project_id).await, expected, "{drawn:?}");
    }
    let everything = "select * from agora.occupancy_hourly order by project_id, hour";
    let bit_by_bit = database.ask(everything).await;
    let all_are_due = "insert into agora.occupancy_hour_due \
        select account_id, project_id, hour, hour from agora.occupancy_hourly";
    database.run(all_are_due).await;
    let (hours, changed) = database.roll_up().await;
    assert_eq!((hours, changed), (bit_by_bit.len() as u64, 0), "a second time changes nothing");
    database.run(all_are_due).await;
    database.run("truncate agora.occupancy_hourly").await;
    database.roll_up().await;
    assert_eq!(database.ask(everything).await, bit_by_bit, "nor does starting from nothing");
    database.close().await;
}

#[tokio::test]
async fn a_roll_up_beside_the_writing_of_a_snapshot_loses_no_hour() {
    let database = TestDatabase::new().await;
    let project_id = database.project("P1").await;
    let start = at("2031-05-08T10:00:00Z");
    let write_all = async {
        for minute in 0..60 {
            database.write(&complete(&project_id, start + minutes(minute), &[("a", minute)])).await;
        }
    };
    let roll_up_again_and_again = async {
        loop {
            database.roll_up().await;
        }
    };
    // The roll-up under way at the end is cut off, and does no harm either.
    tokio::select! {
        () = write_all => {}
        () = roll_up_again_and_again => {}
    }
    database.roll_up().await;
    let figures = "select to_char(hour, 'HH24') as hour, snapshots, observed_seconds, user_seconds \
        from agora.occupancy_hourly order by 1";
    // Minute m has m users; the last snapshot reaches 30 seconds into the next hour.
    let expected =
        [format!("10 60 3600 {}", 60 * (0..60).sum::<i64>()), format!("11 0 30 {}", 30 * 59)];
    assert_eq!(database.ask(figures).await, expected);
    database.close().await;
}
