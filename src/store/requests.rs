//! Table `sync_request`: one row a usage request, with what it covered.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use sqlx::postgres::PgPool;

use super::error::StoreError;
use super::storable_text;
use super::usage::AnswerHashes;
use crate::domain::{
    AccountId, DateRange, ProjectId, RequestFact, RequestOutcome, Service, UsageSource,
};
use crate::store::statement::{alone, query, query_as, query_scalar};

/// A usage request that was made.
#[derive(Debug, Clone)]
pub struct RequestRecord {
    /// Endpoint asked.
    pub source: UsageSource,
    /// Project asked for; none: all of the account.
    pub project_id: Option<ProjectId>,
    /// Service asked for.
    pub service: Service,
    /// Days asked for, within one month.
    pub range: DateRange,
    /// When the first attempt began.
    pub started_at: DateTime<Utc>,
    /// When the answer was whole, or the last attempt had failed.
    pub finished_at: DateTime<Utc>,
    /// Whether it was answered.
    pub answered: bool,
    /// Status of the last attempt.
    pub http_status: Option<u16>,
    /// Attempts made, at least 1.
    pub attempts: u32,
    /// `X-Request-ID` of the answer.
    pub platform_request_id: Option<String>,
    /// Why it failed.
    pub message: Option<String>,
}

/// A record with what writing its answer brought to light.
pub(super) struct LoggedRequest<'a> {
    pub(super) request_id: i64,
    pub(super) record: &'a RequestRecord,
    pub(super) rows_received: usize,
    pub(super) contradicted_days: Vec<NaiveDate>,
    pub(super) hashes: Option<AnswerHashes>,
}

/// Takes `count` new request numbers, rising with time across all processes.
pub(super) async fn next_request_ids(
    connection: &mut PgConnection,
    count: usize,
) -> Result<Vec<i64>, StoreError> {
    query_scalar(
        "select nextval(pg_get_serial_sequence('agora.sync_request', 'request_id')) \
         from generate_series(1, $1::bigint)",
    )
    .bind(i64::try_from(count).unwrap_or(i64::MAX))
    .fetch_all(connection)
    .await
    .map_err(StoreError::during("numbering requests"))
}

/// Writes the log rows of a batch.
pub(super) async fn insert(
    connection: &mut PgConnection,
    account: &AccountId,
    requests: &[LoggedRequest<'_>],
) -> Result<(), StoreError> {
    fn column<'a, T>(
        requests: &'a [LoggedRequest<'a>],
        value: impl Fn(&'a LoggedRequest<'a>) -> T,
    ) -> Vec<T> {
        requests.iter().map(value).collect()
    }
    let outcome = |request: &LoggedRequest<'_>| {
        if !request.record.answered {
            RequestOutcome::Failed
        } else if request.contradicted_days.is_empty() {
            RequestOutcome::Ok
        } else {
            RequestOutcome::Contradiction
        }
    };
    query(include_str!("sql/insert_requests.sql"))
        .bind(account.as_str())
        .bind(column(requests, |r| r.request_id))
        .bind(column(requests, |r| endpoint_name(r.record.source)))
        .bind(column(requests, |r| r.record.project_id.as_ref().map(ProjectId::as_str)))
        .bind(column(requests, |r| r.record.service.name()))
        .bind(column(requests, |r| r.record.range.first()))
        .bind(column(requests, |r| r.record.range.last()))
        .bind(column(requests, |r| r.record.started_at))
        .bind(column(requests, |r| r.record.finished_at))
        .bind(column(requests, |r| outcome(r).name()))
        .bind(column(requests, |r| r.record.http_status.map(|s| i16::try_from(s).unwrap_or(0))))
        .bind(column(requests, |r| i16::try_from(r.record.attempts).unwrap_or(i16::MAX)))
        .bind(column(requests, |r| r.record.platform_request_id.as_deref().map(storable_text)))
        .bind(column(requests, |r| r.record.message.as_deref().map(storable_text)))
        .bind(column(requests, |r| i32::try_from(r.rows_received).unwrap_or(i32::MAX)))
        .bind(column(requests, |r| day_array(&r.contradicted_days)))
        .bind(column(requests, |r| r.hashes.map(|hashes| hashes.answer_sha256.to_vec())))
        .bind(column(requests, |r| r.hashes.map(|hashes| hashes.stored_hash)))
        .execute(connection)
        .await
        .map_err(StoreError::during("writing sync_request"))?;
    Ok(())
}

pub(super) fn endpoint_name(source: UsageSource) -> &'static str {
    match source {
        UsageSource::V1 => "usage_v1",
        UsageSource::V3 => "usage_v3",
    }
}

/// PostgreSQL's text form of a `date[]`.
fn day_array(days: &[NaiveDate]) -> String {
    let days: Vec<String> = days.iter().map(ToString::to_string).collect();
    format!("{{{}}}", days.join(","))
}

#[derive(sqlx::FromRow)]
struct FactRow {
    project_id: Option<String>,
    service: String,
    endpoint: String,
    from_day: NaiveDate,
    to_day: NaiveDate,
    outcome: String,
    contradicted_days: Vec<NaiveDate>,
    finished_at: DateTime<Utc>,
    message: Option<String>,
}

impl FactRow {
    fn into_fact(self) -> Result<RequestFact, StoreError> {
        let unknown = |value: &str| StoreError::UnknownValue {
            table: "agora.sync_request",
            value: value.to_owned(),
        };
        let sources = [UsageSource::V1, UsageSource::V3];
        let source = sources.into_iter().find(|source| endpoint_name(*source) == self.endpoint);
        let outcome = RequestOutcome::ALL.into_iter().find(|o| o.name() == self.outcome);
        let project_id = self.project_id.as_deref().map(ProjectId::new).transpose();
        Ok(RequestFact {
            source: source.ok_or_else(|| unknown(&self.endpoint))?,
            project_id: project_id.map_err(|error| unknown(&error.to_string()))?,
            service: Service::from_name(&self.service).ok_or_else(|| unknown(&self.service))?,
            range: DateRange::new(self.from_day, self.to_day)
                .map_err(|error| unknown(&error.to_string()))?,
            outcome: outcome.ok_or_else(|| unknown(&self.outcome))?,
            contradicted_days: self.contradicted_days,
            finished_at: self.finished_at,
            message: self.message,
        })
    }
}

/// What the log knows of the days of `range`, which lies in one month, oldest
/// request first; of answers up to `known_by` alone where it is given.
///
/// # Errors
/// [`StoreError`] when the database does not answer or holds a foreign value.
pub async fn facts(
    pool: &PgPool,
    account: &AccountId,
    range: DateRange,
    known_by: Option<DateTime<Utc>>,
) -> Result<Vec<RequestFact>, StoreError> {
    let month = crate::domain::Month::of(range.first()).days();
    let rows: Vec<FactRow> = query_as(include_str!("sql/request_facts.sql"))
        .bind(account.as_str())
        .bind(month.first())
        .bind(month.last())
        .bind(known_by)
        .fetch_all(alone(pool))
        .await
        .map_err(StoreError::during("reading sync_request"))?;
    rows.into_iter().map(FactRow::into_fact).collect()
}

/// First day that was ever asked for.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn first_day_asked(
    pool: &PgPool,
    account: &AccountId,
) -> Result<Option<NaiveDate>, StoreError> {
    query_scalar("select min(from_day) from agora.sync_request where account_id = $1")
        .bind(account.as_str())
        .fetch_one(alone(pool))
        .await
        .map_err(StoreError::during("reading sync_request"))
}

/// Newest day that the platform has answered for, of any project.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn newest_day_answered(
    pool: &PgPool,
    account: &AccountId,
) -> Result<Option<NaiveDate>, StoreError> {
    query_scalar(
        "select max(to_day) from agora.sync_request where account_id = $1 and outcome = 'ok'",
    )
    .bind(account.as_str())
    .fetch_one(alone(pool))
    .await
    .map_err(StoreError::during("reading sync_request"))
}

/// Turns answers without any row into contradictions of all their days,
/// where the account had usage of the service within the 28 days before.
///
/// For runs that ask project by project: one empty answer is normal, only
/// empty answers to every question are not. Returns how many days it marked.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn contradict_empty_answers(
    pool: &PgPool,
    account: &AccountId,
    request_ids: &[i64],
) -> Result<u64, StoreError> {
    let marked: Option<i64> = query_scalar(include_str!("sql/contradict_empty_answers.sql"))
        .bind(account.as_str())
        .bind(request_ids)
        .fetch_one(alone(pool))
        .await
        .map_err(StoreError::during("marking empty answers in sync_request"))?;
    Ok(marked.and_then(|days| u64::try_from(days).ok()).unwrap_or(0))
}
