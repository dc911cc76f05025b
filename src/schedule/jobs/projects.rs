//! Job `projects`: reads the project list. May run twice without harm.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{JobContext, JobError, JobOutcome};

pub(super) fn run<'a>(context: &'a JobContext<'a>) -> BoxFuture<'a, Result<JobOutcome, JobError>> {
    async move {
        let written = context.collector.sync_projects().await?;
        Ok(JobOutcome::default()
            .with("projects_listed", written.listed)
            .with("projects_deleted", written.newly_deleted))
    }
    .boxed()
}
