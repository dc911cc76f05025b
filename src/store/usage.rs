//! Tables `usage_daily` and `usage_revision`: what was used, and what was once said.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::PgConnection;
use sqlx::postgres::PgPool;
use sqlx::types::Json;

use super::copy::CopyRows;
use super::error::StoreError;
use super::leases::{self, Lease};
use super::requests::{self, LoggedRequest, RequestRecord};
use crate::domain::{
    AccountId, DateRange, DayUsage, Media, MediaSet, ProjectId, Service, UsageSource,
};
use crate::store::statement::{alone, begin_transaction, query, query_as};

const COPY_USAGE: &str = "copy incoming_usage from stdin with (format binary)";

/// A request and the days that it brought; none when it failed.
#[derive(Debug, Clone)]
pub struct UsageAnswer {
    /// The request.
    pub request: RequestRecord,
    /// Days of usage in its answer, each project, service and day once.
    pub days: Vec<DayUsage>,
}

/// What writing a batch of answers changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsageWritten {
    /// Numbers of the requests, in the order of the answers.
    pub request_ids: Vec<i64>,
    /// Cells that had no value before.
    pub new_rows: u64,
    /// Cells whose value changed; the old value is kept as a revision.
    pub changed_rows: u64,
    /// Days whose stored value an answer would have un-said.
    pub contradicted_days: u64,
}

/// Writes answers and their requests in one transaction.
///
/// Only rows that are new, or newer and different, are written. A value from
/// v1 never replaces one from v3. Unknown projects get a stub.
///
/// # Errors
/// [`StoreError`] when the database does not answer or the lease was lost;
/// nothing of the batch is stored then.
pub async fn write_answers(
    pool: &PgPool,
    lease: &Lease,
    answers: &[UsageAnswer],
) -> Result<UsageWritten, StoreError> {
    let failed = || StoreError::during("writing usage_daily");
    let account = lease.account();
    let mut transaction = begin_transaction(pool).await.map_err(failed())?;
    let connection = &mut *transaction;
    leases::fence(connection, lease).await?;
    let request_ids = requests::next_request_ids(connection, answers.len()).await?;
    copy_incoming(connection, answers, &request_ids).await?;
    let contradicted = contradicted_days(connection, account, answers, &request_ids).await?;
    let logged: Vec<_> = answers
        .iter()
        .zip(&request_ids)
        .map(|(answer, request_id)| LoggedRequest {
            request_id: *request_id,
            record: &answer.request,
            rows_received: answer.days.len(),
            contradicted_days: contradicted.get(request_id).cloned().unwrap_or_default(),
        })
        .collect();
    requests::insert(connection, account, &logged).await?;
    query(include_str!("sql/stub_projects.sql"))
        .bind(account.as_str())
        .execute(&mut *connection)
        .await
        .map_err(StoreError::during("writing project"))?;
    let (new_rows, changed_rows): (i64, i64) = query_as(include_str!("sql/write_usage.sql"))
        .bind(account.as_str())
        .fetch_one(&mut *connection)
        .await
        .map_err(failed())?;
    transaction.commit().await.map_err(failed())?;
    Ok(UsageWritten {
        request_ids,
        new_rows: u64::try_from(new_rows).unwrap_or(0),
        changed_rows: u64::try_from(changed_rows).unwrap_or(0),
        contradicted_days: contradicted.values().map(|days| days.len() as u64).sum(),
    })
}

async fn copy_incoming(
    connection: &mut PgConnection,
    answers: &[UsageAnswer],
    request_ids: &[i64],
) -> Result<(), StoreError> {
    query(include_str!("sql/incoming_usage.sql"))
        .execute(&mut *connection)
        .await
        .map_err(StoreError::during("creating incoming_usage"))?;
    let mut rows = CopyRows::new(15);
    for (answer, request_id) in answers.iter().zip(request_ids) {
        for usage in &answer.days {
            let missing: Vec<&str> = usage.missing.iter().map(Media::name).collect();
            let row = rows.row();
            row.text(usage.project_id.as_str())
                .text(usage.service.name())
                .date(usage.day)
                .text(usage.source.name());
            for seconds in usage.seconds {
                row.optional_bigint(seconds);
            }
            row.jsonb(&serde_json::json!(usage.extra_seconds).to_string())
                .text_array(&missing)
                .timestamp(answer.request.finished_at)
                .bigint(*request_id);
        }
    }
    rows.send(connection, COPY_USAGE).await?;
    Ok(())
}

/// Days that each answered request would un-say, by request.
async fn contradicted_days(
    connection: &mut PgConnection,
    account: &AccountId,
    answers: &[UsageAnswer],
    request_ids: &[i64],
) -> Result<BTreeMap<i64, Vec<NaiveDate>>, StoreError> {
    let answered: Vec<_> = answers
        .iter()
        .zip(request_ids)
        .filter(|(answer, _)| answer.request.answered)
        .map(|(answer, request_id)| (&answer.request, *request_id))
        .collect();
    query(include_str!("sql/incoming_request.sql"))
        .bind(answered.iter().map(|(_, id)| *id).collect::<Vec<_>>())
        .bind(
            answered
                .iter()
                .map(|(request, _)| request.project_id.as_ref().map(ProjectId::as_str))
                .collect::<Vec<_>>(),
        )
        .bind(answered.iter().map(|(request, _)| request.service.name()).collect::<Vec<_>>())
        .bind(answered.iter().map(|(request, _)| request.range.first()).collect::<Vec<_>>())
        .bind(answered.iter().map(|(request, _)| request.range.last()).collect::<Vec<_>>())
        .execute(&mut *connection)
        .await
        .map_err(StoreError::during("creating incoming_request"))?;
    let rows: Vec<(i64, NaiveDate)> = query_as(include_str!("sql/contradicted_days.sql"))
        .bind(account.as_str())
        .fetch_all(connection)
        .await
        .map_err(StoreError::during("comparing with usage_daily"))?;
    let mut by_request: BTreeMap<i64, Vec<NaiveDate>> = BTreeMap::new();
    for (request_id, day) in rows {
        let days = by_request.entry(request_id).or_default();
        if days.last() != Some(&day) {
            days.push(day);
        }
    }
    Ok(by_request)
}

#[derive(sqlx::FromRow)]
struct UsageRow {
    project_id: String,
    service: String,
    day: NaiveDate,
    source: String,
    audio_seconds: Option<i64>,
    sd_seconds: Option<i64>,
    hd_seconds: Option<i64>,
    hdp_seconds: Option<i64>,
    full_hd_seconds: Option<i64>,
    video_2k_seconds: Option<i64>,
    video_2k_plus_seconds: Option<i64>,
    extra_seconds: Json<BTreeMap<String, Option<i64>>>,
    missing_media: Vec<String>,
}

impl UsageRow {
    fn into_usage(self) -> Result<DayUsage, StoreError> {
        let unknown = |value: &str| StoreError::UnknownValue {
            table: "agora.usage_daily",
            value: value.to_owned(),
        };
        let missing: Option<MediaSet> =
            self.missing_media.iter().map(|name| Media::from_name(name)).collect();
        Ok(DayUsage {
            project_id: ProjectId::new(&self.project_id)
                .map_err(|error| unknown(&error.to_string()))?,
            service: Service::from_name(&self.service).ok_or_else(|| unknown(&self.service))?,
            day: self.day,
            source: UsageSource::from_name(&self.source).ok_or_else(|| unknown(&self.source))?,
            seconds: [
                self.audio_seconds,
                self.sd_seconds,
                self.hd_seconds,
                self.hdp_seconds,
                self.full_hd_seconds,
                self.video_2k_seconds,
                self.video_2k_plus_seconds,
            ],
            extra_seconds: self.extra_seconds.0,
            missing: missing.ok_or_else(|| unknown(&self.missing_media.join(", ")))?,
        })
    }
}

/// Current usage of the days of `range`, by day, project and service.
///
/// # Errors
/// [`StoreError`] when the database does not answer or holds a foreign value.
pub async fn read(
    pool: &PgPool,
    account: &AccountId,
    range: DateRange,
) -> Result<Vec<DayUsage>, StoreError> {
    let rows: Vec<UsageRow> = query_as(include_str!("sql/read_usage.sql"))
        .bind(account.as_str())
        .bind(range.first())
        .bind(range.last())
        .fetch_all(alone(pool))
        .await
        .map_err(StoreError::during("reading usage_daily"))?;
    rows.into_iter().map(UsageRow::into_usage).collect()
}

/// Cells of `range` with a value that the platform should have sent and did not.
///
/// # Errors
/// [`StoreError`] when the database does not answer or holds a foreign value.
pub async fn incomplete_cells(
    pool: &PgPool,
    account: &AccountId,
    range: DateRange,
) -> Result<Vec<(ProjectId, Service, NaiveDate)>, StoreError> {
    let rows: Vec<UsageRow> = query_as(include_str!("sql/incomplete_usage.sql"))
        .bind(account.as_str())
        .bind(range.first())
        .bind(range.last())
        .fetch_all(alone(pool))
        .await
        .map_err(StoreError::during("reading usage_daily"))?;
    let cell =
        |row: UsageRow| row.into_usage().map(|usage| (usage.project_id, usage.service, usage.day));
    rows.into_iter().map(cell).collect()
}

/// Seconds of one month and service, over all projects of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthSum {
    /// First day of the month.
    pub month: NaiveDate,
    /// Of which service.
    pub service: Service,
    /// By [`Media::index`]; none where no value is known.
    pub seconds: [Option<i64>; Media::COUNT],
}

#[derive(sqlx::FromRow)]
struct MonthSumRow {
    month: NaiveDate,
    service: String,
    audio_seconds: Option<String>,
    sd_seconds: Option<String>,
    hd_seconds: Option<String>,
    hdp_seconds: Option<String>,
    full_hd_seconds: Option<String>,
    video_2k_seconds: Option<String>,
    video_2k_plus_seconds: Option<String>,
}

impl MonthSumRow {
    fn into_sum(self) -> Result<MonthSum, StoreError> {
        let unknown = |value: &str| StoreError::UnknownValue {
            table: "agora.usage_daily",
            value: value.to_owned(),
        };
        let mut seconds = [None; Media::COUNT];
        let texts = [
            self.audio_seconds,
            self.sd_seconds,
            self.hd_seconds,
            self.hdp_seconds,
            self.full_hd_seconds,
            self.video_2k_seconds,
            self.video_2k_plus_seconds,
        ];
        for (sum, text) in seconds.iter_mut().zip(texts) {
            *sum = text.map(|text| text.parse().map_err(|_| unknown(&text))).transpose()?;
        }
        let service = Service::from_name(&self.service).ok_or_else(|| unknown(&self.service))?;
        Ok(MonthSum { month: self.month, service, seconds })
    }
}

/// Usage of the account by month and service, of months that have any.
///
/// # Errors
/// [`StoreError`] when the database does not answer, holds a foreign value, or
/// a sum is outside 64-bit integers.
pub async fn read_month_sums(
    pool: &PgPool,
    account: &AccountId,
    range: DateRange,
) -> Result<Vec<MonthSum>, StoreError> {
    let rows: Vec<MonthSumRow> = query_as(include_str!("sql/usage_month_sums.sql"))
        .bind(account.as_str())
        .bind(range.first())
        .bind(range.last())
        .fetch_all(alone(pool))
        .await
        .map_err(StoreError::during("reading usage_daily"))?;
    rows.into_iter().map(MonthSumRow::into_sum).collect()
}
