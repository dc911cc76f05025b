//! Tables `usage_daily` and `usage_revision`: what was used, and what was once said.

mod compare;
mod stored;
mod unchanged;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use sqlx::postgres::PgPool;

use super::copy::{CopyIn, CopyRows};
use super::error::StoreError;
use super::leases::{self, Lease};
use super::requests::{self, LoggedRequest, RequestRecord};
use crate::domain::{AccountId, DateRange, DayUsage, Media, Month, Service};
use crate::store::statement::{alone, begin_transaction, query, query_as};

use compare::{Changes, IncomingCell, StoredCell, compare};

use unchanged::Beforehand;

pub(super) use unchanged::AnswerHashes;
pub(crate) use unchanged::answer_sha256;

pub use stored::{KnownBy, KnownUsage, incomplete_cells, read, read_known, read_superseded};

/// Columns in the order of [`put`].
const COPY_NEW: &str = "copy agora.usage_daily (account_id, project_id, service, day, source, \
    audio_seconds, sd_seconds, hd_seconds, hdp_seconds, full_hd_seconds, video_2k_seconds, \
    video_2k_plus_seconds, extra_seconds, missing_media, observed_at, request_id) \
    from stdin with (format binary)";

const COPY_CHANGED: &str = "copy incoming_usage from stdin with (format binary)";

const COLUMNS: i16 = 16;

const SAYS_THE_SAME: &str =
    "the answer says what the one before said, of values that are as it left them";

/// A request and the days that it brought; none when it failed.
#[derive(Debug, Clone)]
pub struct UsageAnswer {
    /// The request.
    pub request: RequestRecord,
    /// Days of usage in its answer, each project, service and day once, and
    /// none outside what the request covers.
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
    take_turns(connection, account, answers).await?;
    let (changes, compared) = changes(connection, account, answers, &request_ids).await?;
    stub_projects(connection, account, &changes.new).await?;
    let new_rows = copy(connection, COPY_NEW, account, &changes.new).await?;
    let changed_rows = update(connection, account, &changes.changed).await?;
    let mut logged = Vec::with_capacity(answers.len());
    for ((answer, request_id), compared) in answers.iter().zip(&request_ids).zip(compared) {
        logged.push(LoggedRequest {
            request_id: *request_id,
            record: &answer.request,
            rows_received: answer.days.len(),
            hashes: compared.hashes(connection, account, &answer.request, *request_id).await?,
            contradicted_days: compared.contradicted.into_iter().collect(),
        });
    }
    requests::insert(connection, account, &logged).await?;
    transaction.commit().await.map_err(failed())?;
    let contradicted_days = logged.iter().map(|logged| logged.contradicted_days.len() as u64).sum();
    Ok(UsageWritten { request_ids, new_rows, changed_rows, contradicted_days })
}

/// Writers of the same month of an account go one after the other, in the
/// order of the months, so that what one compared with stays true until it has
/// written, and two cannot wait for each other.
async fn take_turns(
    connection: &mut PgConnection,
    account: &AccountId,
    answers: &[UsageAnswer],
) -> Result<(), StoreError> {
    let months: BTreeSet<Month> =
        answers.iter().map(|answer| Month::of(answer.request.range.first())).collect();
    for month in months {
        query("select pg_advisory_xact_lock(hashtextextended($1, 0))")
            .bind(format!("agora.usage_daily {account} {month}"))
            .execute(&mut *connection)
            .await
            .map_err(StoreError::during("waiting for another writer of usage_daily"))?;
    }
    Ok(())
}

/// What comparing an answer with the stored values has brought to light.
#[derive(Debug, Default)]
struct Compared {
    /// Days that it would un-say.
    contradicted: BTreeSet<NaiveDate>,
    /// Where hashes are kept.
    beforehand: Option<Beforehand>,
}

impl Compared {
    fn is_known(&self) -> bool {
        self.beforehand.as_ref().is_some_and(|beforehand| beforehand.contradicted.is_some())
    }

    async fn hashes(
        &self,
        connection: &mut PgConnection,
        account: &AccountId,
        request: &RequestRecord,
        request_id: i64,
    ) -> Result<Option<AnswerHashes>, StoreError> {
        match &self.beforehand {
            None => Ok(None),
            Some(beforehand) => {
                beforehand.afterwards(connection, account, request, request_id).await
            }
        }
    }
}

/// What the answers change, and what is known of each.
async fn changes<'a>(
    connection: &mut PgConnection,
    account: &AccountId,
    answers: &'a [UsageAnswer],
    request_ids: &[i64],
) -> Result<(Changes<'a>, Vec<Compared>), StoreError> {
    let mut compared = known_beforehand(connection, account, answers, request_ids).await?;
    let silent = silent_days(connection, account, answers).await?;
    let left: Vec<_> = compared.iter().map(|compared| !compared.is_known()).collect();
    let covered = stored::covered_cells(connection, account, answers, &left).await?;
    let mut changes = Changes::default();
    for (at, (stored, silent)) in covered.into_iter().zip(silent).enumerate() {
        if left[at] {
            let mut of_answer = compare(&answers[at], request_ids[at], stored);
            compared[at].contradicted = std::mem::take(&mut of_answer.contradicted);
            changes.extend(of_answer);
        }
        compared[at].contradicted.extend(silent);
    }
    changes.sort();
    Ok((changes, compared))
}

/// Finds the answers of which it is known that they change nothing.
async fn known_beforehand(
    connection: &mut PgConnection,
    account: &AccountId,
    answers: &[UsageAnswer],
    request_ids: &[i64],
) -> Result<Vec<Compared>, StoreError> {
    let mut known = Vec::with_capacity(answers.len());
    for (answer, request_id) in answers.iter().zip(request_ids) {
        let mut compared = Compared::default();
        if unchanged::is_hashed(answer, answers) {
            let beforehand = unchanged::look(connection, account, answer, *request_id).await?;
            if let Some(days) = &beforehand.contradicted {
                tracing::debug!(%account, usage.days = %answer.request.range, "{SAYS_THE_SAME}");
                compared.contradicted.clone_from(days);
            }
            compared.beforehand = Some(beforehand);
        }
        known.push(compared);
    }
    Ok(known)
}

/// Days of answers for all projects that are empty although the account had usage.
async fn silent_days(
    connection: &mut PgConnection,
    account: &AccountId,
    answers: &[UsageAnswer],
) -> Result<Vec<BTreeSet<NaiveDate>>, StoreError> {
    let mut days = vec![BTreeSet::new(); answers.len()];
    let is_silent = |answer: &UsageAnswer| {
        answer.request.answered && answer.request.project_id.is_none() && answer.days.is_empty()
    };
    let silent: Vec<_> =
        answers.iter().enumerate().filter(|(_, answer)| is_silent(answer)).collect();
    if silent.is_empty() {
        return Ok(days);
    }
    let position = |at: usize| i32::try_from(at).unwrap_or(i32::MAX);
    let ranges = || silent.iter().map(|(_, answer)| answer.request.range);
    let services = silent.iter().map(|(_, answer)| answer.request.service.name());
    let rows: Vec<(i32, NaiveDate)> = query_as(include_str!("sql/silent_answers.sql"))
        .bind(account.as_str())
        .bind(silent.iter().map(|(at, _)| position(*at)).collect::<Vec<_>>())
        .bind(services.collect::<Vec<_>>())
        .bind(ranges().map(DateRange::first).collect::<Vec<_>>())
        .bind(ranges().map(DateRange::last).collect::<Vec<_>>())
        .fetch_all(connection)
        .await
        .map_err(StoreError::during("comparing with usage_daily"))?;
    for (at, day) in rows {
        if let Some(days) = usize::try_from(at).ok().and_then(|at| days.get_mut(at)) {
            days.insert(day);
        }
    }
    Ok(days)
}

async fn stub_projects(
    connection: &mut PgConnection,
    account: &AccountId,
    new: &[IncomingCell<'_>],
) -> Result<(), StoreError> {
    let mut seen: BTreeMap<&str, DateTime<Utc>> = BTreeMap::new();
    for cell in new {
        let observed_at = seen.entry(cell.usage.project_id.as_str()).or_insert(cell.observed_at);
        *observed_at = cell.observed_at.min(*observed_at);
    }
    if seen.is_empty() {
        return Ok(());
    }
    let (projects, times): (Vec<_>, Vec<_>) = seen.into_iter().unzip();
    query(include_str!("sql/stub_projects.sql"))
        .bind(account.as_str())
        .bind(projects)
        .bind(times)
        .execute(connection)
        .await
        .map_err(StoreError::during("writing project"))?;
    Ok(())
}

/// Sends cells to a table with the columns of `usage_daily`.
async fn copy(
    connection: &mut PgConnection,
    statement: &'static str,
    account: &AccountId,
    cells: &[IncomingCell<'_>],
) -> Result<u64, StoreError> {
    if cells.is_empty() {
        return Ok(0);
    }
    let mut rows = CopyIn::begin(connection, statement, COLUMNS).await?;
    for cell in cells {
        put(rows.row(), account, cell);
        rows.send_when_full().await?;
    }
    rows.finish().await
}

fn put(row: &mut CopyRows, account: &AccountId, cell: &IncomingCell<'_>) {
    let usage = cell.usage;
    row.text(account.as_str())
        .text(usage.project_id.as_str())
        .text(usage.service.name())
        .date(usage.day)
        .text(usage.source.name());
    for seconds in usage.seconds {
        row.optional_bigint(seconds);
    }
    if usage.extra_seconds.is_empty() {
        row.jsonb("{}");
    } else {
        row.jsonb(&serde_json::json!(usage.extra_seconds).to_string());
    }
    row.text_array(usage.missing.iter().map(Media::name))
        .timestamp(cell.observed_at)
        .bigint(cell.request_id);
}

/// Replaces stored values; a trigger keeps the old ones.
async fn update(
    connection: &mut PgConnection,
    account: &AccountId,
    changed: &[IncomingCell<'_>],
) -> Result<u64, StoreError> {
    if changed.is_empty() {
        return Ok(0);
    }
    query(include_str!("sql/incoming_usage.sql"))
        .execute(&mut *connection)
        .await
        .map_err(StoreError::during("creating incoming_usage"))?;
    copy(connection, COPY_CHANGED, account, changed).await?;
    let updated = query(include_str!("sql/update_usage.sql"))
        .bind(account.as_str())
        .execute(connection)
        .await
        .map_err(StoreError::during("writing usage_daily"))?;
    Ok(updated.rows_affected())
}

/// Size of cells as a COPY sends them.
pub(crate) fn encoded(account: &AccountId, days: &[DayUsage]) -> usize {
    let mut rows = CopyRows::new(COLUMNS);
    for usage in days {
        let cell = IncomingCell { usage, request_id: 1, observed_at: DateTime::UNIX_EPOCH };
        put(rows.row(), account, &cell);
    }
    rows.size_bytes()
}

/// How many cells of an answer are new, and how many differ from the stored ones.
pub(crate) fn compared(answer: &UsageAnswer, stored: &[DayUsage]) -> (usize, usize) {
    let stored = stored.iter().map(|usage| StoredCell { usage: usage.clone(), request_id: 1 });
    let changes = compare(answer, 2, stored.collect());
    (changes.new.len(), changes.changed.len())
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
