//! Job `roll_up`: hours of occupancy, partitions ahead, channels after the retention.
//! May run twice without harm.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate, NaiveTime};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{JobContext, JobError, JobOutcome, LakeWork};
use crate::lake::archived::forget_lost;
use crate::lake::{Lake, LakeError};
use crate::store::occupancy::hourly::{self, RolledUp};
use crate::store::occupancy::partitions::{self, Dropped};

/// Today, and two days so that a daemon that stands still over a weekend finds its partitions.
const DAYS_AHEAD: usize = 3;

pub(super) fn run<'a>(context: &'a JobContext<'a>) -> BoxFuture<'a, Result<JobOutcome, JobError>> {
    async move {
        let collector = &context.collector;
        let (pool, lease) = (collector.records.store.pool(), collector.lease);
        let today = collector.records.clock.today();
        let made = partitions::ensure(pool, today, DAYS_AHEAD).await?;
        let first_kept = first_kept_day(today, context.channel_retention_days);
        let rolled_up = roll_up(context, first_kept).await?;
        let mut unread = None;
        let days = match (context.occupancy_archive, context.lake) {
            (false, _) => partitions::drop_before(pool, lease, first_kept, None).await?,
            (true, Some(work)) => match what_may_go(context, work, first_kept).await {
                Ok(lake) => partitions::drop_before(pool, lease, first_kept, Some(&lake)).await?,
                Err(error) => {
                    unread = Some(format!("the lake cannot be read, so channels stay: {error}"));
                    Dropped::default()
                }
            },
            // The settings do not allow it; and if they did, nothing could go.
            (true, None) => Dropped::default(),
        };
        let kept = days.kept.first().map(|day| {
            let count = days.kept.len();
            format!("channels of {count} days are kept for longer, first {day}: not rolled up, not in the lake, or read by somebody")
        });
        let partial = unread.or(kept);
        Ok(JobOutcome { partial, ..JobOutcome::default() }
            .with("hours", rolled_up.hours)
            .with("hours_changed", rolled_up.changed_hours)
            .with("partitions_made", made)
            .with("partitions_dropped", days.dropped.len()))
    }
    .boxed()
}

/// Looks into the lake for what it has lost, and gives its name.
async fn what_may_go(
    context: &JobContext<'_>,
    work: &LakeWork,
    first_kept: NaiveDate,
) -> Result<String, LakeError> {
    let lake = Lake::open_for_reading(&work.url, &work.authorities)?;
    let pool = context.collector.records.store.pool();
    warn_of_lost(&forget_lost(&lake, pool, first_kept).await?, &lake);
    Ok(lake.name().to_owned())
}

fn warn_of_lost(days: &BTreeSet<NaiveDate>, lake: &Lake) {
    if let Some(day) = days.first() {
        tracing::warn!(%day, lake = lake.name(), "the lake has lost a day that it had: its channels stay until it is exported again");
    }
}

/// Rolls up until nothing is due, or the job is to end.
async fn roll_up(context: &JobContext<'_>, first_kept: NaiveDate) -> Result<RolledUp, JobError> {
    let collector = &context.collector;
    let everyone_before = first_kept.and_time(NaiveTime::MIN).and_utc();
    let mut sum = RolledUp::default();
    while !collector.stop.is_cancelled() {
        let pool = collector.records.store.pool();
        let done = hourly::roll_up(pool, collector.lease, everyone_before).await?;
        sum.hours += done.hours;
        sum.changed_hours += done.changed_hours;
        if done.hours == 0 {
            break;
        }
    }
    Ok(sum)
}

/// First UTC day that stays: today and the whole days of the retention before it.
fn first_kept_day(today: NaiveDate, retention_days: u32) -> NaiveDate {
    today.checked_sub_days(Days::new(u64::from(retention_days))).unwrap_or(NaiveDate::MIN)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::agora_api::AgoraApi;
    use crate::agora_api::client::ApiSettings;
    use crate::clock::Clock;
    use crate::collect::due::DuePolicy;
    use crate::collect::{CollectSettings, Collector, Records};
    use crate::domain::{Channel, OccupancySnapshot, UsageSource};
    use crate::rating::PriceBooks;
    use crate::store::occupancy;
    use crate::store::occupancy::testing::{TestDatabase, at};

    #[test]
    fn the_retention_counts_whole_days_before_today() {
        let today = NaiveDate::from_ymd_opt(2031, 5, 15).expect("day");
        assert_eq!(first_kept_day(today, 14).to_string(), "2031-05-01");
        assert_eq!(first_kept_day(today, 0), today);
        assert_eq!(first_kept_day(today, u32::MAX), NaiveDate::MIN);
    }

    async fn run_at(database: &TestDatabase, now: &str) -> JobOutcome {
        let settings = CollectSettings {
            source: UsageSource::V3,
            services: Vec::new(),
            only_projects: std::collections::BTreeSet::new(),
            policy: DuePolicy { look_back_days: 7, api_history_months: 12, again: false },
            workers: 1,
            page_size: 500,
        };
        let api = AgoraApi::new(ApiSettings {
            hosts: vec!["https://api.agora.io".parse().expect("url")],
            customer_id: "id".to_owned(),
            customer_secret: "secret".into(),
            requests_per_second: 0,
            statistics_requests_per_second: 0,
            request_timeout: Duration::from_secs(1),
            attempts_per_host: 1,
            first_retry_wait: Duration::from_millis(1),
            retry_after_cap: Duration::from_secs(1),
            max_body_bytes: 1,
            authorities: crate::authorities::Authorities::default(),
        });
        let (api, stop) = (api.expect("client"), CancellationToken::new());
        let records = Records {
            store: &database.store,
            account: &database.account,
            clock: Clock::starting_at(at(now)),
            settings: &settings,
        };
        let collector = Collector { api: &api, records, lease: &database.lease, stop: &stop };
        let context = JobContext {
            collector,
            outlook: &crate::account_outlook::OutlookSettings {
                budgets: Vec::new(),
                anomaly_floor: "5.00".to_owned(),
            },
            books: &PriceBooks::new(&database.account, Vec::new()).expect("none overlap"),
            report_folder: Path::new("unused"),
            channel_retention_days: 14,
            occupancy_archive: false,
            lake: None,
            slot: at(now),
        };
        run(&context).await.expect("done")
    }

    #[tokio::test]
    async fn a_run_rolls_up_makes_partitions_ahead_and_drops_old_ones() {
        let database = TestDatabase::new().await;
        let snapshot = OccupancySnapshot {
            project_id: database.project("P1").await,
            observed_at: at("2031-05-08T10:00:00Z"),
            channels: vec![Channel { name: "a".to_owned(), user_count: 1 }],
            total_channels: 1,
            incompleteness: None,
        };
        let written = occupancy::write(database.store.pool(), &database.lease, &snapshot).await;
        written.expect("written");
        let expected = |hours: i64, made: i64, dropped: i64| {
            JobOutcome::default()
                .with("hours", hours)
                .with("hours_changed", hours)
                .with("partitions_made", made)
                .with("partitions_dropped", dropped)
        };
        assert_eq!(run_at(&database, "2031-05-08T11:03:00Z").await, expected(1, 2, 0));
        assert_eq!(run_at(&database, "2031-05-08T11:03:00Z").await, expected(0, 0, 0));
        // Fourteen whole days after the day, it is still there.
        assert_eq!(run_at(&database, "2031-05-22T23:03:00Z").await, expected(0, 3, 0));
        assert_eq!(run_at(&database, "2031-05-23T00:03:00Z").await, expected(0, 1, 1));
        database.close().await;
    }
}
