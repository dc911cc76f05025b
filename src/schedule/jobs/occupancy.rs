//! Job `occupancy`: a snapshot of every active project. A second run adds a second snapshot.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{JobContext, JobError, JobOutcome};
use crate::domain::OccupancySnapshot;

pub(super) fn run<'a>(context: &'a JobContext<'a>) -> BoxFuture<'a, Result<JobOutcome, JobError>> {
    async move {
        let run = context.collector.sync_occupancy().await?;
        let channels: usize = run.snapshots.iter().map(|snapshot| snapshot.channels.len()).sum();
        let users: i64 = run.snapshots.iter().map(OccupancySnapshot::user_count).sum();
        let partial = run
            .failed
            .first()
            .map(|(project_id, error)| format!("project {project_id} has no snapshot: {error}"));
        Ok(JobOutcome {
            partial,
            ..JobOutcome::default()
                .with("snapshots", run.snapshots.len())
                .with("channels", channels)
                .with("users", users)
                .with("projects_failed", run.failed.len())
        })
    }
    .boxed()
}
