//! Tables `usage_daily`, `usage_revision` and `sync_request`: where a value came from.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::postgres::PgPool;
use sqlx::types::Json;

use super::error::StoreError;
use crate::domain::{AccountId, DateRange, Media, ProjectId};
use crate::store::statement::{alone, query_as};

/// A value of a day, current or superseded, with the request that brought it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueOrigin {
    /// UTC day.
    pub day: NaiveDate,
    /// Service.
    pub service: String,
    /// `v1` or `v3`.
    pub source: String,
    /// Seconds by [`Media::index`].
    pub seconds: [Option<i64>; Media::COUNT],
    /// Seconds of fields without a name here.
    pub extra_seconds: BTreeMap<String, Option<i64>>,
    /// When the answer was received.
    pub observed_at: DateTime<Utc>,
    /// When another value took its place; none for the current one.
    pub superseded_at: Option<DateTime<Utc>>,
    /// Number of the request.
    pub request_id: i64,
    /// First and last day asked for; none where the log lacks the request.
    pub asked: Option<DateRange>,
    /// Whether the request was for one project.
    pub is_of_project: bool,
    /// `X-Request-ID` of the answer.
    pub platform_request_id: Option<String>,
}

#[derive(sqlx::FromRow)]
struct OriginRow {
    day: NaiveDate,
    service: String,
    source: String,
    audio_seconds: Option<i64>,
    sd_seconds: Option<i64>,
    hd_seconds: Option<i64>,
    hdp_seconds: Option<i64>,
    full_hd_seconds: Option<i64>,
    video_2k_seconds: Option<i64>,
    video_2k_plus_seconds: Option<i64>,
    extra_seconds: Json<BTreeMap<String, Option<i64>>>,
    observed_at: DateTime<Utc>,
    superseded_at: Option<DateTime<Utc>>,
    request_id: i64,
    asked_project: Option<String>,
    from_day: Option<NaiveDate>,
    to_day: Option<NaiveDate>,
    platform_request_id: Option<String>,
}

impl From<OriginRow> for ValueOrigin {
    fn from(row: OriginRow) -> Self {
        let asked = row.from_day.zip(row.to_day);
        Self {
            day: row.day,
            service: row.service,
            source: row.source,
            seconds: [
                row.audio_seconds,
                row.sd_seconds,
                row.hd_seconds,
                row.hdp_seconds,
                row.full_hd_seconds,
                row.video_2k_seconds,
                row.video_2k_plus_seconds,
            ],
            extra_seconds: row.extra_seconds.0,
            observed_at: row.observed_at,
            superseded_at: row.superseded_at,
            request_id: row.request_id,
            asked: asked.and_then(|(from, to)| DateRange::new(from, to).ok()),
            is_of_project: row.asked_project.is_some(),
            platform_request_id: row.platform_request_id,
        }
    }
}

/// Every value that the days of a project ever had, by day, service and request.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn read(
    pool: &PgPool,
    account: &AccountId,
    project_id: &ProjectId,
    range: DateRange,
) -> Result<Vec<ValueOrigin>, StoreError> {
    let rows: Vec<OriginRow> = query_as(include_str!("sql/usage_history.sql"))
        .bind(account.as_str())
        .bind(project_id.as_str())
        .bind(range.first())
        .bind(range.last())
        .fetch_all(alone(pool))
        .await
        .map_err(StoreError::during("reading usage_revision"))?;
    Ok(rows.into_iter().map(ValueOrigin::from).collect())
}
