//! Table `project_tag`: what people say about projects, with its history.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use sqlx::postgres::PgPool;

use super::error::StoreError;
use super::storable_text;
use crate::domain::{AccountId, Month, ProjectId};
use crate::store::statement::{alone, begin_transaction, query, query_as, query_scalar};

/// Key of the tag that adjustments and cost views go by.
pub const COST_CENTRE: &str = "cost_centre";

/// A tag to record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTag {
    /// Whose tag.
    pub project_id: ProjectId,
    /// `cost_centre`, `team` or another word of `[a-z][a-z0-9_]*`.
    pub key: String,
    /// The value; none: without a value from then on.
    pub value: Option<String>,
    /// Month from which on it counts; none: always for the first value of a
    /// project and key, and the month of recording for later ones.
    pub valid_from: Option<Month>,
}

/// A tag in force, for people.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct TagRow {
    /// Whose tag.
    pub project_id: String,
    /// Name as last listed.
    pub project_name: String,
    /// Key; none for a project without any.
    pub tag_key: Option<String>,
    /// Value; none: without one from then on.
    pub tag_value: Option<String>,
    /// From when on it counts.
    pub valid_from: Option<NaiveDate>,
}

/// First month of the calendar: "always" in `valid_from`.
#[must_use]
pub fn always() -> NaiveDate {
    NaiveDate::from_ymd_opt(1, 1, 1).unwrap_or_default()
}

/// Records tags in one transaction; returns how many said something new.
///
/// # Errors
/// [`StoreError`] when the database does not answer; nothing is recorded then.
pub async fn record(
    pool: &PgPool,
    account: &AccountId,
    tags: &[NewTag],
    recorded_at: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let failed = || StoreError::during("writing project_tag");
    let mut transaction = begin_transaction(pool).await.map_err(failed())?;
    query("select from agora.account where account_id = $1 for no key update")
        .bind(account.as_str())
        .execute(&mut *transaction)
        .await
        .map_err(failed())?;
    let mut changed = 0;
    for tag in tags {
        let valid_from = match tag.valid_from {
            Some(month) => month.first_day(),
            None => default_start(&mut transaction, account, tag, recorded_at).await?,
        };
        changed +=
            u64::from(record_one(&mut transaction, account, tag, valid_from, recorded_at).await?);
    }
    transaction.commit().await.map_err(failed())?;
    Ok(changed)
}

/// A first value counts for all months: what it says was so before anyone said it.
async fn default_start(
    connection: &mut PgConnection,
    account: &AccountId,
    tag: &NewTag,
    recorded_at: DateTime<Utc>,
) -> Result<NaiveDate, StoreError> {
    let is_known: bool = query_scalar(
        "select exists (select from agora.project_tag \
         where account_id = $1 and project_id = $2 and tag_key = $3)",
    )
    .bind(account.as_str())
    .bind(tag.project_id.as_str())
    .bind(&tag.key)
    .fetch_one(connection)
    .await
    .map_err(StoreError::during("reading project_tag"))?;
    let current = Month::of(recorded_at.date_naive()).first_day();
    Ok(if is_known { current } else { always() })
}

/// Records one tag; false where the same was in force already.
async fn record_one(
    connection: &mut PgConnection,
    account: &AccountId,
    tag: &NewTag,
    valid_from: NaiveDate,
    recorded_at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let value = tag.value.as_deref().map(storable_text);
    let in_force: Option<Option<String>> = query_scalar(
        "select tag_value from agora.project_tag \
         where account_id = $1 and project_id = $2 and tag_key = $3 and superseded_at is null \
           and valid_from <= $4 order by valid_from desc limit 1",
    )
    .bind(account.as_str())
    .bind(tag.project_id.as_str())
    .bind(&tag.key)
    .bind(valid_from)
    .fetch_optional(&mut *connection)
    .await
    .map_err(StoreError::during("reading project_tag"))?;
    if in_force.unwrap_or_default().as_deref() == value.as_deref() {
        return Ok(false);
    }
    query(
        "update agora.project_tag set superseded_at = $5 \
         where account_id = $1 and project_id = $2 and tag_key = $3 and valid_from = $4 \
           and superseded_at is null",
    )
    .bind(account.as_str())
    .bind(tag.project_id.as_str())
    .bind(&tag.key)
    .bind(valid_from)
    .bind(recorded_at)
    .execute(&mut *connection)
    .await
    .map_err(StoreError::during("writing project_tag"))?;
    query(
        "insert into agora.project_tag \
         (account_id, project_id, tag_key, valid_from, tag_value, recorded_at) \
         values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(account.as_str())
    .bind(tag.project_id.as_str())
    .bind(&tag.key)
    .bind(valid_from)
    .bind(value)
    .bind(recorded_at)
    .execute(connection)
    .await
    .map_err(StoreError::during("writing project_tag"))?;
    Ok(true)
}

/// Every project with its tags in force, later months included, by id, key and month.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn list(pool: &PgPool, account: &AccountId) -> Result<Vec<TagRow>, StoreError> {
    query_as(
        "select p.project_id, p.project_name, t.tag_key, t.tag_value, t.valid_from \
         from agora.project as p left join agora.project_tag as t \
             on t.account_id = p.account_id and t.project_id = p.project_id \
             and t.superseded_at is null \
         where p.account_id = $1 \
         order by p.project_id collate \"C\", t.tag_key collate \"C\", t.valid_from",
    )
    .bind(account.as_str())
    .fetch_all(alone(pool))
    .await
    .map_err(StoreError::during("reading project_tag"))
}

/// Cost centres of a month by project, as they were known at a time.
///
/// # Errors
/// [`StoreError`] when the database does not answer or holds a foreign value.
pub async fn cost_centres(
    pool: &PgPool,
    account: &AccountId,
    month: Month,
    known_by: Option<DateTime<Utc>>,
) -> Result<BTreeMap<ProjectId, String>, StoreError> {
    let rows: Vec<(String, Option<String>)> = query_as(include_str!("sql/tags_of_month.sql"))
        .bind(account.as_str())
        .bind(COST_CENTRE)
        .bind(month.first_day())
        .bind(known_by)
        .fetch_all(alone(pool))
        .await
        .map_err(StoreError::during("reading project_tag"))?;
    let valued = rows.into_iter().filter_map(|(id, value)| Some((id, value?)));
    let entry = |(id, value): (String, String)| {
        let id = ProjectId::new(&id).map_err(|error| StoreError::UnknownValue {
            table: "agora.project_tag",
            value: error.to_string(),
        });
        id.map(|id| (id, value))
    };
    valued.map(entry).collect()
}
