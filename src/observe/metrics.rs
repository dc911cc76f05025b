//! What the process counts: one recorder, and a small function an event.
//!
//! Names follow Prometheus: `agora_usage_*`, base units, `_total` for counters.
//! The customer id is never a label, nor is `job`: Prometheus sets that one itself
//! and would rename ours to `exported_job`.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ::metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::error::ObserveError;
use crate::agora_api::metering::{LIMIT_WAIT_SECONDS_TOTAL, REQUESTS_TOTAL};
use crate::domain::AccountId;
use crate::store::job_runs::RunState;

const BUILD_INFO: &str = "agora_usage_build_info";
const JOB_RUNS_TOTAL: &str = "agora_usage_job_runs_total";
const JOB_DURATION_SECONDS: &str = "agora_usage_job_duration_seconds";
const ROWS_WRITTEN_TOTAL: &str = "agora_usage_rows_written_total";
const ALERTS_SENT_TOTAL: &str = "agora_usage_alerts_sent_total";

/// From a job that finds nothing to do to a backfill of years.
const DURATION_BUCKETS_SECONDS: [f64; 9] =
    [0.1, 0.5, 2.0, 10.0, 30.0, 60.0, 300.0, 1_200.0, 3_600.0];

/// Figures of a job that count rows, and the kind under which they are shown.
const ROW_FIGURES: [(&str, &str); 4] = [
    ("rows_new", "usage_new"),
    ("rows_changed", "usage_changed"),
    ("snapshots", "occupancy_snapshot"),
    ("hours_changed", "occupancy_hour"),
];

static INSTALLED: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

/// Begins to collect, once a process; later calls give the same collection.
///
/// # Errors
/// [`ObserveError::Metrics`] when something else collects already.
pub fn install() -> Result<PrometheusHandle, ObserveError> {
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*installed {
        return Ok(handle.clone());
    }
    let cannot = |error: &dyn std::fmt::Display| ObserveError::Metrics(error.to_string());
    let duration = Matcher::Full(JOB_DURATION_SECONDS.to_owned());
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(duration, &DURATION_BUCKETS_SECONDS)
        .map_err(|error| cannot(&error))?
        .install_recorder()
        .map_err(|error| cannot(&error))?;
    describe();
    gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    *installed = Some(handle.clone());
    Ok(handle)
}

fn describe() {
    describe_gauge!(BUILD_INFO, "Always 1, with the version of the program.");
    describe_counter!(JOB_RUNS_TOTAL, "Runs of jobs that ended in this process, by state.");
    describe_histogram!(JOB_DURATION_SECONDS, "Time from the start of a job's run to its end.");
    describe_counter!(ROWS_WRITTEN_TOTAL, "Rows that jobs of this process wrote, by kind.");
    describe_counter!(
        REQUESTS_TOTAL,
        "Requests sent to the platform, by family and HTTP status; none: no answer."
    );
    describe_counter!(
        LIMIT_WAIT_SECONDS_TOTAL,
        "Time that requests waited for their turn under the platform's limit."
    );
    describe_counter!(ALERTS_SENT_TOTAL, "Messages to operators, by outcome: sent or failed.");
}

/// Counts a run of a job that ended, with the rows among its figures.
pub fn record_job_run(
    account: &AccountId,
    job: &'static str,
    state: RunState,
    took: Duration,
    figures: &BTreeMap<&'static str, i64>,
) {
    let account = account.to_string();
    counter!(JOB_RUNS_TOTAL, "account" => account.clone(), "job_name" => job, "state" => state.name())
        .increment(1);
    if state != RunState::Skipped {
        histogram!(JOB_DURATION_SECONDS, "job_name" => job).record(took.as_secs_f64());
    }
    for (figure, kind) in ROW_FIGURES {
        let rows = figures.get(figure).and_then(|rows| u64::try_from(*rows).ok());
        if let Some(rows) = rows.filter(|rows| *rows > 0) {
            counter!(ROWS_WRITTEN_TOTAL, "account" => account.clone(), "kind" => kind)
                .increment(rows);
        }
    }
}

/// Counts a message to operators that was taken, or that nobody took.
pub(super) fn record_alert_message(is_sent: bool) {
    let outcome = if is_sent { "sent" } else { "failed" };
    counter!(ALERTS_SENT_TOTAL, "outcome" => outcome).increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recorded_is_rendered_with_its_help_and_type() {
        let handle = install().expect("installed");
        let again = install().expect("the same collection");
        let account = AccountId::new("of-metrics-test").expect("name");
        let figures = BTreeMap::from([("rows_new", 12), ("requests_answered", 3)]);
        let took = Duration::from_millis(1_500);
        record_job_run(&account, "usage", RunState::Done, took, &figures);
        record_job_run(&account, "usage", RunState::Skipped, took, &BTreeMap::new());
        let text = again.render();
        assert_eq!(text.is_empty(), handle.render().is_empty());
        for line in [
            "# TYPE agora_usage_job_runs_total counter",
            "agora_usage_job_runs_total{account=\"of-metrics-test\",job_name=\"usage\",state=\"done\"} 1",
            "agora_usage_rows_written_total{account=\"of-metrics-test\",kind=\"usage_new\"} 12",
            "# TYPE agora_usage_job_duration_seconds histogram",
            "agora_usage_job_duration_seconds_bucket{job_name=\"usage\",le=\"2\"}",
            "# HELP agora_usage_build_info Always 1",
        ] {
            assert!(text.contains(line), "'{line}' is missing in\n{text}");
        }
    }
}
