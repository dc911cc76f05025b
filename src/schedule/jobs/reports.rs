//! Jobs `month_to_date` and `previous_month`: make reports. May run twice without harm.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{JobContext, JobError, JobOutcome};
use crate::domain::Month;
use crate::month_report::write;
use crate::report::{Format, ReportOptions};

pub(super) fn month_to_date<'a>(
    context: &'a JobContext<'a>,
) -> BoxFuture<'a, Result<JobOutcome, JobError>> {
    let current = Month::of(context.collector.records.clock.today());
    report(context, current).boxed()
}

pub(super) fn previous_month<'a>(
    context: &'a JobContext<'a>,
) -> BoxFuture<'a, Result<JobOutcome, JobError>> {
    let current = Month::of(context.collector.records.clock.today());
    report(context, current.previous()).boxed()
}

async fn report(context: &JobContext<'_>, month: Month) -> Result<JobOutcome, JobError> {
    let records = &context.collector.records;
    let options = ReportOptions {
        formats: Format::all().collect(),
        breakdowns: Vec::new(),
        out: context.report_folder.to_owned(),
        byte_order_mark: false,
        raw: false,
        generated_at: records.clock.now(),
    };
    match write(records, context.books, month, &options).await {
        Ok(written) => {
            let gaps = written.has_gaps.then(|| format!("{month} lacks days or prices"));
            Ok(JobOutcome { partial: gaps, ..JobOutcome::default() }
                .with("files", written.published.files)
                .with("bytes", written.published.bytes))
        }
        // A new account has no usage yet; the usage job will tell if that goes wrong.
        Err(error) if error.is_nothing_stored() => Ok(JobOutcome::default()),
        Err(error) => Err(error.into()),
    }
}
