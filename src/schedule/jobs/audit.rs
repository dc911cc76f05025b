//! Job `audit`: asks one final day again. May run twice without harm.
//!
//! The day follows from the slot, so that two daemons would take the same one,
//! and every day of the platform's look-back has its turn in the long run.

use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::TimeDelta;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{JobContext, JobError, JobOutcome, usage};
use crate::collect::{CollectSettings, Collector, Records, Silent};
use crate::domain::DateRange;

pub(super) fn run<'a>(context: &'a JobContext<'a>) -> BoxFuture<'a, Result<JobOutcome, JobError>> {
    async move {
        let Some(day) = day(context).await? else { return Ok(JobOutcome::default()) };
        ask_again(context, day).await
    }
    .boxed()
}

/// A day of the slot's choice among those that are final and can still be asked for.
async fn day(context: &JobContext<'_>) -> Result<Option<DateRange>, JobError> {
    let records = &context.collector.records;
    let Some(due) = records.due_range().await? else { return Ok(None) };
    let look_back = i64::from(records.settings.policy.look_back_days) + 1;
    let last = records.clock.today() - TimeDelta::days(look_back);
    let Ok(range) = DateRange::new(due.first(), last) else { return Ok(None) };
    let mut hasher = DefaultHasher::new();
    (context.slot, records.account).hash(&mut hasher);
    let days = u64::try_from(range.day_count()).unwrap_or(1).max(1);
    let offset = i64::try_from(hasher.finish() % days).unwrap_or(0);
    let day = range.first() + TimeDelta::days(offset);
    Ok(DateRange::new(day, day).ok())
}

/// Asks for every day of the range, final or not, and compares with what is stored.
pub(super) async fn ask_again(
    context: &JobContext<'_>,
    range: DateRange,
) -> Result<JobOutcome, JobError> {
    let mut settings: CollectSettings = context.collector.records.settings.clone();
    settings.policy.again = true;
    let records = Records { settings: &settings, ..context.collector.records };
    let collector = Collector { records, ..context.collector };
    let planned = collector.plan(range).await?;
    let run = collector.sync_usage(planned, &Silent).await?;
    let coverage = collector.records.coverage(range).await?;
    Ok(usage::outcome(&run, &coverage))
}
