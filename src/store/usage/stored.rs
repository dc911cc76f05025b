//! Rows of `usage_daily` as they are read back.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use futures_util::TryStreamExt;
use sqlx::postgres::{PgArguments, PgPool, PgRow, Postgres};
use sqlx::query::Query;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};

use super::UsageAnswer;
use super::compare::StoredCell;
use crate::domain::{
    AccountId, DateRange, DayUsage, Media, MediaSet, ProjectId, Service, UsageSource,
};
use crate::store::error::StoreError;
use crate::store::statement::{alone, begin_transaction, query};

/// Position of the first column after those of a cell.
pub(in crate::store) const AFTER_CELL: usize = 13;

/// The cell in the first [`AFTER_CELL`] columns of a row.
///
/// By position, and without building what is empty on nearly every row: a
/// report reads a million of them.
pub(in crate::store) fn cell(row: &PgRow) -> Result<DayUsage, StoreError> {
    let unknown = |value: &str| StoreError::UnknownValue {
        table: "agora.usage_daily",
        value: value.to_owned(),
    };
    let failed = || StoreError::during("reading usage_daily");
    let text = |at: usize| row.try_get::<&str, _>(at).map_err(failed());
    let (project_id, service, source) = (text(0)?, text(1)?, text(3)?);
    let mut seconds = [None; Media::COUNT];
    for (at, value) in seconds.iter_mut().enumerate() {
        *value = row.try_get(4 + at).map_err(failed())?;
    }
    let extra: Option<Json<BTreeMap<String, Option<i64>>>> = row.try_get(11).map_err(failed())?;
    let missing: Option<Vec<String>> = row.try_get(12).map_err(failed())?;
    let missing = missing.unwrap_or_default();
    let missing_media: Option<MediaSet> =
        missing.iter().map(|name| Media::from_name(name)).collect();
    Ok(DayUsage {
        project_id: ProjectId::new(project_id).map_err(|error| unknown(&error.to_string()))?,
        service: Service::from_name(service).ok_or_else(|| unknown(service))?,
        day: row.try_get(2).map_err(failed())?,
        source: UsageSource::from_name(source).ok_or_else(|| unknown(source))?,
        seconds,
        extra_seconds: extra.map(|extra| extra.0).unwrap_or_default(),
        missing: missing_media.ok_or_else(|| unknown(&missing.join(", ")))?,
    })
}

/// Up to when values count as known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownBy {
    /// Answers received by this time.
    Time(DateTime<Utc>),
    /// Answers of this request and of those with lower numbers.
    Request(i64),
}

/// Values, and the newest request that any of them came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownUsage {
    /// By day, project and service.
    pub days: Vec<DayUsage>,
    /// Number of the request; 0 without values.
    ///
    /// Requests of an account are numbered and stored in one order, so this
    /// number tells exactly which values these are, whatever comes later.
    pub newest_request: i64,
}

impl KnownUsage {
    /// Cells with a value that the platform should have sent and did not.
    #[must_use]
    pub fn incomplete_cells(&self) -> Vec<(ProjectId, Service, NaiveDate)> {
        let incomplete = self.days.iter().filter(|usage| usage.is_incomplete());
        incomplete.map(|usage| (usage.project_id.clone(), usage.service, usage.day)).collect()
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
) -> Result<KnownUsage, StoreError> {
    let statement = query(include_str!("../sql/read_usage.sql"))
        .bind(account.as_str())
        .bind(range.first())
        .bind(range.last());
    fetch(pool, statement).await
}

/// Usage of the days of `range` as it was once known.
///
/// # Errors
/// [`StoreError`] when the database does not answer or holds a foreign value.
pub async fn read_known(
    pool: &PgPool,
    account: &AccountId,
    range: DateRange,
    known_by: KnownBy,
) -> Result<KnownUsage, StoreError> {
    let (time, request_id) = match known_by {
        KnownBy::Time(time) => (Some(time), None),
        KnownBy::Request(request_id) => (None, Some(request_id)),
    };
    let statement = query(include_str!("../sql/read_known_usage.sql"))
        .bind(account.as_str())
        .bind(range.first())
        .bind(range.last())
        .bind(time)
        .bind(request_id);
    fetch(pool, statement).await
}

/// Row by row, so that a month is not held twice.
async fn fetch(
    pool: &PgPool,
    statement: Query<'_, Postgres, PgArguments>,
) -> Result<KnownUsage, StoreError> {
    let failed = || StoreError::during("reading usage_daily");
    let mut transaction = begin_transaction(pool).await.map_err(failed())?;
    let mut rows = statement.fetch(&mut *transaction);
    let mut usage = KnownUsage::default();
    while let Some(row) = rows.try_next().await.map_err(failed())? {
        let request_id: i64 = row.try_get(AFTER_CELL).map_err(failed())?;
        usage.newest_request = usage.newest_request.max(request_id);
        usage.days.push(cell(&row)?);
    }
    drop(rows);
    transaction.commit().await.map_err(failed())?;
    Ok(usage)
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
    let rows = query(include_str!("../sql/incomplete_usage.sql"))
        .bind(account.as_str())
        .bind(range.first())
        .bind(range.last())
        .fetch_all(alone(pool))
        .await
        .map_err(StoreError::during("reading usage_daily"))?;
    let key = |row| cell(row).map(|usage| (usage.project_id, usage.service, usage.day));
    rows.iter().map(key).collect()
}

/// The stored cells that each answered request covers, in the order of the answers.
pub(super) async fn covered_cells(
    connection: &mut PgConnection,
    account: &AccountId,
    answers: &[UsageAnswer],
) -> Result<Vec<Vec<StoredCell>>, StoreError> {
    let mut covered: Vec<Vec<StoredCell>> = answers.iter().map(|_| Vec::new()).collect();
    let mut of_projects = Vec::new();
    for (at, UsageAnswer { request, .. }) in answers.iter().enumerate() {
        match &request.project_id {
            _ if !request.answered => {}
            Some(project_id) => of_projects.push((at, project_id, request.service, request.range)),
            None => {
                let statement = query(include_str!("../sql/stored_usage.sql"))
                    .bind(account.as_str())
                    .bind(request.range.first())
                    .bind(request.range.last())
                    .bind(request.service.name());
                let mut rows = statement.fetch(&mut *connection);
                while let Some(row) = rows.try_next().await.map_err(comparing())? {
                    covered[at].push(stored(&row)?);
                }
            }
        }
    }
    if of_projects.is_empty() {
        return Ok(covered);
    }
    let position = |at: usize| i32::try_from(at).unwrap_or(i32::MAX);
    let mut rows = query(include_str!("../sql/stored_usage_of_projects.sql"))
        .bind(account.as_str())
        .bind(of_projects.iter().map(|one| position(one.0)).collect::<Vec<_>>())
        .bind(of_projects.iter().map(|one| one.1.as_str()).collect::<Vec<_>>())
        .bind(of_projects.iter().map(|one| one.2.name()).collect::<Vec<_>>())
        .bind(of_projects.iter().map(|one| one.3.first()).collect::<Vec<_>>())
        .bind(of_projects.iter().map(|one| one.3.last()).collect::<Vec<_>>())
        .fetch(connection);
    while let Some(row) = rows.try_next().await.map_err(comparing())? {
        let at: i32 = row.try_get(AFTER_CELL + 1).map_err(comparing())?;
        if let Some(cells) = usize::try_from(at).ok().and_then(|at| covered.get_mut(at)) {
            cells.push(stored(&row)?);
        }
    }
    Ok(covered)
}

fn stored(row: &PgRow) -> Result<StoredCell, StoreError> {
    let request_id = row.try_get(AFTER_CELL).map_err(comparing())?;
    Ok(StoredCell { usage: cell(row)?, request_id })
}

fn comparing() -> impl FnOnce(sqlx::Error) -> StoreError {
    StoreError::during("comparing with usage_daily")
}
