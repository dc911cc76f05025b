//! Rows of `usage_daily` as they are read back.

use chrono::{DateTime, NaiveDate, Utc};
use futures_util::TryStreamExt;
use sqlx::postgres::{PgPool, PgRow};
use sqlx::{PgConnection, Row};

use super::UsageAnswer;
use super::compare::StoredCell;
use crate::domain::{
    AccountId, DateRange, DayUsage, Media, MediaSet, ProjectId, Service, SupersededUsage,
    UsageSource,
};
use crate::store::copy_out::{RowReader, copy_out, with_texts};
use crate::store::error::StoreError;
use crate::store::statement::{alone, begin_transaction, query, query_as};

const READING: &str = "reading usage_daily";

const COMPARING: &str = "comparing with usage_daily";

/// Position of the first column after those of a cell.
const AFTER_CELL: usize = 13;

/// Columns of a cell, as its readers select them.
struct CellColumns<'a> {
    project_id: &'a str,
    service: &'a str,
    day: NaiveDate,
    source: &'a str,
    seconds: [Option<i64>; Media::COUNT],
    /// JSON; none where it is empty.
    extra_seconds: Option<&'a str>,
    /// Names with commas between; none where there are none.
    missing_media: Option<&'a str>,
}

impl<'a> CellColumns<'a> {
    fn of_copy(row: &mut RowReader<'a>) -> Result<Self, StoreError> {
        let (project_id, service, day, source) =
            (row.text()?, row.text()?, row.date()?, row.text()?);
        let mut seconds = [None; Media::COUNT];
        for value in &mut seconds {
            *value = row.optional_bigint()?;
        }
        let (extra_seconds, missing_media) = (row.optional_text()?, row.optional_text()?);
        Ok(Self { project_id, service, day, source, seconds, extra_seconds, missing_media })
    }

    fn of_query(row: &'a PgRow) -> Result<Self, sqlx::Error> {
        let mut seconds = [None; Media::COUNT];
        for (at, value) in seconds.iter_mut().enumerate() {
            *value = row.try_get(4 + at)?;
        }
        Ok(Self {
            project_id: row.try_get(0)?,
            service: row.try_get(1)?,
            day: row.try_get(2)?,
            source: row.try_get(3)?,
            seconds,
            extra_seconds: row.try_get(11)?,
            missing_media: row.try_get(12)?,
        })
    }

    fn usage(self) -> Result<DayUsage, StoreError> {
        let unknown = |value: &str| StoreError::UnknownValue {
            table: "agora.usage_daily",
            value: value.to_owned(),
        };
        let extra = self.extra_seconds.map(serde_json::from_str).transpose();
        let extra = extra.map_err(|_| unknown(self.extra_seconds.unwrap_or_default()))?;
        let missing = self.missing_media.map(|names| names.split(',').map(Media::from_name));
        let missing = missing.map_or(Some(MediaSet::EMPTY), Iterator::collect);
        let (service, source) = (self.service, self.source);
        Ok(DayUsage {
            project_id: ProjectId::new(self.project_id)
                .map_err(|error| unknown(&error.to_string()))?,
            service: Service::from_name(service).ok_or_else(|| unknown(service))?,
            day: self.day,
            source: UsageSource::from_name(source).ok_or_else(|| unknown(source))?,
            seconds: self.seconds,
            extra_seconds: extra.unwrap_or_default(),
            missing: missing.ok_or_else(|| unknown(self.missing_media.unwrap_or_default()))?,
        })
    }
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
    fn push(&mut self, cell: DayUsage, request_id: i64) {
        self.newest_request = self.newest_request.max(request_id);
        self.days.push(cell);
    }

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
    let failed = || StoreError::during(READING);
    let (first, last) = (range.first().to_string(), range.last().to_string());
    let texts = [account.as_str(), &first, &last];
    let query = with_texts(include_str!("../sql/read_usage.sql"), &texts, READING)?;
    let mut transaction = begin_transaction(pool).await.map_err(failed())?;
    let mut usage = KnownUsage::default();
    copy_out(&mut transaction, &query, READING, |row| {
        let cell = CellColumns::of_copy(row)?.usage()?;
        usage.push(cell, row.bigint()?);
        Ok(())
    })
    .await?;
    transaction.commit().await.map_err(failed())?;
    Ok(usage)
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
    let failed = || StoreError::during(READING);
    let mut transaction = begin_transaction(pool).await.map_err(failed())?;
    // Row by row, so that a month is not held twice.
    let mut rows = query(include_str!("../sql/read_known_usage.sql"))
        .bind(account.as_str())
        .bind(range.first())
        .bind(range.last())
        .bind(time)
        .bind(request_id)
        .fetch(&mut *transaction);
    let mut usage = KnownUsage::default();
    while let Some(row) = rows.try_next().await.map_err(failed())? {
        let cell = CellColumns::of_query(&row).map_err(failed())?.usage()?;
        usage.push(cell, row.try_get(AFTER_CELL).map_err(failed())?);
    }
    drop(rows);
    transaction.commit().await.map_err(failed())?;
    Ok(usage)
}

/// Every replaced value of the days of `range`, by day, project, service and time.
///
/// # Errors
/// [`StoreError`] when the database does not answer or holds a foreign value.
pub async fn read_superseded(
    pool: &PgPool,
    account: &AccountId,
    range: DateRange,
) -> Result<Vec<SupersededUsage>, StoreError> {
    let failed = || StoreError::during("reading usage_revision");
    let rows = query(include_str!("../sql/read_superseded_usage.sql"))
        .bind(account.as_str())
        .bind(range.first())
        .bind(range.last())
        .fetch_all(alone(pool))
        .await
        .map_err(failed())?;
    let superseded = |row: &PgRow| {
        let usage = CellColumns::of_query(row).map_err(failed())?.usage()?;
        let superseded_at = row.try_get(AFTER_CELL).map_err(failed())?;
        Ok(SupersededUsage { usage, superseded_at })
    };
    rows.iter().map(superseded).collect()
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
    let rows: Vec<(String, String, NaiveDate)> =
        query_as(include_str!("../sql/incomplete_usage.sql"))
            .bind(account.as_str())
            .bind(range.first())
            .bind(range.last())
            .fetch_all(alone(pool))
            .await
            .map_err(StoreError::during(READING))?;
    let unknown = |value: String| StoreError::UnknownValue { table: "agora.usage_daily", value };
    let cell = |(project_id, service, day): (String, String, NaiveDate)| {
        let id = ProjectId::new(&project_id).map_err(|error| unknown(error.to_string()))?;
        let service = Service::from_name(&service).ok_or_else(|| unknown(service))?;
        Ok((id, service, day))
    };
    rows.into_iter().map(cell).collect()
}

/// The stored cells that each answered request covers, in the order of the
/// answers; of those alone that are wanted.
pub(super) async fn covered_cells(
    connection: &mut PgConnection,
    account: &AccountId,
    answers: &[UsageAnswer],
    wanted: &[bool],
) -> Result<Vec<Vec<StoredCell>>, StoreError> {
    let mut covered: Vec<Vec<StoredCell>> = answers.iter().map(|_| Vec::new()).collect();
    let mut of_projects = Vec::new();
    for (at, (UsageAnswer { request, .. }, wanted)) in answers.iter().zip(wanted).enumerate() {
        match &request.project_id {
            _ if !request.answered || !wanted => {}
            Some(project_id) => of_projects.push((at, project_id, request.service, request.range)),
            None => {
                covered[at] =
                    cells_of_all(connection, account, request.service, request.range).await?;
            }
        }
    }
    if of_projects.is_empty() {
        return Ok(covered);
    }
    let position = |at: usize| i32::try_from(at).unwrap_or(i32::MAX);
    let failed = || StoreError::during(COMPARING);
    let mut rows = query(include_str!("../sql/stored_usage_of_projects.sql"))
        .bind(account.as_str())
        .bind(of_projects.iter().map(|one| position(one.0)).collect::<Vec<_>>())
        .bind(of_projects.iter().map(|one| one.1.as_str()).collect::<Vec<_>>())
        .bind(of_projects.iter().map(|one| one.2.name()).collect::<Vec<_>>())
        .bind(of_projects.iter().map(|one| one.3.first()).collect::<Vec<_>>())
        .bind(of_projects.iter().map(|one| one.3.last()).collect::<Vec<_>>())
        .fetch(connection);
    while let Some(row) = rows.try_next().await.map_err(failed())? {
        let usage = CellColumns::of_query(&row).map_err(failed())?.usage()?;
        let request_id = row.try_get(AFTER_CELL).map_err(failed())?;
        let at: i32 = row.try_get(AFTER_CELL + 1).map_err(failed())?;
        if let Some(cells) = usize::try_from(at).ok().and_then(|at| covered.get_mut(at)) {
            cells.push(StoredCell { usage, request_id });
        }
    }
    Ok(covered)
}

/// The stored cells of all projects.
async fn cells_of_all(
    connection: &mut PgConnection,
    account: &AccountId,
    service: Service,
    range: DateRange,
) -> Result<Vec<StoredCell>, StoreError> {
    let (first, last) = (range.first().to_string(), range.last().to_string());
    let texts = [account.as_str(), &first, &last, service.name()];
    let query = with_texts(include_str!("../sql/stored_usage.sql"), &texts, COMPARING)?;
    let mut cells = Vec::new();
    copy_out(connection, &query, COMPARING, |row| {
        let usage = CellColumns::of_copy(row)?.usage()?;
        cells.push(StoredCell { usage, request_id: row.bigint()? });
        Ok(())
    })
    .await?;
    Ok(cells)
}
