//! Job `outlook`: where the month is going. May run twice without harm.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{JobContext, JobError, JobOutcome};
use crate::account_outlook::{OutlookError, look_ahead};

pub(super) fn run<'a>(context: &'a JobContext<'a>) -> BoxFuture<'a, Result<JobOutcome, JobError>> {
    async move {
        let collector = &context.collector;
        let looked =
            look_ahead(&collector.records, context.books, context.outlook, Some(collector.lease));
        match looked.await {
            Ok(seen) => Ok(JobOutcome::default()
                .with("budgets", seen.budgets.len())
                .with("odd_projects", seen.anomalies.len())
                .with("unknown_days", seen.unknown_days)),
            // A new account has no usage yet; the usage job will tell if that goes wrong.
            Err(OutlookError::NothingStored(_)) => Ok(JobOutcome::default()),
            Err(error) => Err(error.into()),
        }
    }
    .boxed()
}
