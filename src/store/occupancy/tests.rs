//! Occupancy on a real database: intervals, hours, partitions, views.

mod hours;
mod intervals;
mod retention;
mod upgrade;
mod views;

use chrono::{DateTime, TimeDelta, Utc};

use super::testing::{TestDatabase, at, lease};
use super::*;
use crate::domain::Channel;

/// A snapshot with these channels, which are all there are.
fn complete(
    project_id: &ProjectId,
    observed_at: DateTime<Utc>,
    channels: &[(&str, i64)],
) -> OccupancySnapshot {
    let channel = |(name, user_count): &(&str, i64)| Channel {
        name: (*name).to_owned(),
        user_count: *user_count,
    };
    OccupancySnapshot {
        project_id: project_id.clone(),
        observed_at,
        channels: channels.iter().map(channel).collect(),
        total_channels: i64::try_from(channels.len()).expect("few"),
        incompleteness: None,
    }
}

/// A snapshot with these channels and one more that was not read.
fn incomplete(
    project_id: &ProjectId,
    observed_at: DateTime<Utc>,
    channels: &[(&str, i64)],
) -> OccupancySnapshot {
    let whole = complete(project_id, observed_at, channels);
    OccupancySnapshot {
        total_channels: whole.total_channels + 1,
        incompleteness: Some(Incompleteness::Drift),
        ..whole
    }
}

impl TestDatabase {
    async fn write(&self, snapshot: &OccupancySnapshot) -> SnapshotWritten {
        write(self.store.pool(), &self.lease, snapshot).await.expect("written")
    }

    /// Rolls up until nothing is due; returns how many hours were, and how many changed.
    async fn roll_up(&self) -> (u64, u64) {
        let mut sum = (0, 0);
        loop {
            let pool = self.store.pool();
            let done = hourly::roll_up(pool, &self.lease, DateTime::UNIX_EPOCH).await;
            let done = done.expect("rolled up");
            if done.hours == 0 {
                return sum;
            }
            sum = (sum.0 + done.hours, sum.1 + done.changed_hours);
        }
    }
}

fn minutes(count: i64) -> TimeDelta {
    TimeDelta::minutes(count)
}
