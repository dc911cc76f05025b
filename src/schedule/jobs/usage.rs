//! Job `usage`: fetches every day that is due. May run twice without harm.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{JobContext, JobError, JobOutcome};
use crate::collect::Silent;
use crate::collect::holes::Coverage;
use crate::collect::usage::UsageRun;

pub(super) fn run<'a>(context: &'a JobContext<'a>) -> BoxFuture<'a, Result<JobOutcome, JobError>> {
    async move {
        let collector = &context.collector;
        collector.sync_projects().await?;
        let Some(range) = collector.records.due_range().await? else {
            return Ok(JobOutcome::default());
        };
        let planned = collector.plan(range).await?;
        let run = collector.sync_usage(planned, &Silent).await?;
        let coverage = collector.records.coverage(range).await?;
        Ok(outcome(&run, &coverage))
    }
    .boxed()
}

/// The figures of a usage run, and what is missing after it.
pub(super) fn outcome(run: &UsageRun, coverage: &Coverage) -> JobOutcome {
    let hole_days = coverage.hole_days();
    let partial = (hole_days > 0).then(|| {
        let first = coverage.holes.first().map(|hole| {
            let (project, service, days) = (&hole.project_id, hole.service, hole.range);
            let cause = hole.message.clone().unwrap_or_default();
            format!(", first: project {project}, {service}, {days}, {} {cause}", hole.state.name())
        });
        format!("{hole_days} days are not known{}", first.unwrap_or_default())
    });
    JobOutcome {
        partial,
        ..JobOutcome::default()
            .with("requests_answered", run.answered)
            .with("requests_failed", run.failed.len())
            .with("rows_new", run.new_rows)
            .with("rows_changed", run.changed_rows)
            .with("contradicted_days", run.contradicted_days)
            .with("hole_days", hole_days)
            .with("open_days", coverage.open_days)
    }
}
