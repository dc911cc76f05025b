//! Job `month_end`: asks the whole previous month again. May run twice without harm.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{JobContext, JobError, JobOutcome, audit};
use crate::domain::Month;

pub(super) fn run<'a>(context: &'a JobContext<'a>) -> BoxFuture<'a, Result<JobOutcome, JobError>> {
    async move {
        context.collector.sync_projects().await?;
        let previous = Month::of(context.collector.records.clock.today()).previous();
        audit::ask_again(context, previous.days()).await
    }
    .boxed()
}
