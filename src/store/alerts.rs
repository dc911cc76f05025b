//! Table `alert`: what operators are told, once per event.
//!
//! Keeps events; what an event is, is decided in [`crate::observe::alerts`].

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::postgres::PgPool;
use sqlx::types::Json;

use super::error::StoreError;
use super::storable_text;
use crate::domain::AccountId;
use crate::store::statement::{alone, query, query_as};

/// An event to raise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAlert {
    /// Kind, one of those in the table's comment.
    pub kind: &'static str,
    /// What it is about.
    pub subject: String,
    /// The event in words.
    pub message: String,
    /// The event in values.
    pub details: Value,
    /// Whether it is never raised again once it was, even when it is over.
    pub is_told_once: bool,
}

/// An event that goes on.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct OpenAlert {
    /// Number of the event.
    pub alert_id: i64,
    /// Kind.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// `pending` or `sent`.
    pub state: String,
    /// The event in words.
    pub message: String,
    /// When it was first seen.
    pub raised_at: DateTime<Utc>,
}

/// An event that was raised or resolved.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ChangedAlert {
    /// Kind.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// The event in words.
    pub message: String,
}

/// An event that is to be told now.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct DueAlert {
    /// Account that it is about.
    pub account_id: String,
    /// Number of the event.
    pub alert_id: i64,
    /// Kind.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// The event in words.
    pub message: String,
    /// The event in values.
    pub details: Json<Value>,
    /// When it was first seen.
    pub raised_at: DateTime<Utc>,
    /// When it was over; none while it goes on.
    pub resolved_at: Option<DateTime<Utc>>,
    /// Attempts to tell it, this one included.
    pub attempts: i32,
}

/// The account's events that go on, oldest first.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn open(pool: &PgPool, account: &AccountId) -> Result<Vec<OpenAlert>, StoreError> {
    query_as(
        "select alert_id, kind, subject, state, message, raised_at from agora.alert \
         where account_id = $1 and resolved_at is null order by raised_at, alert_id",
    )
    .bind(account.as_str())
    .fetch_all(alone(pool))
    .await
    .map_err(StoreError::during("reading alert"))
}

/// Raises events, except those that are open already. Returns the raised ones.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn raise(
    pool: &PgPool,
    account: &AccountId,
    alerts: &[NewAlert],
    now: DateTime<Utc>,
) -> Result<Vec<ChangedAlert>, StoreError> {
    let details = |alert: &NewAlert| Json(alert.details.clone());
    query_as(include_str!("sql/raise_alerts.sql"))
        .bind(account.as_str())
        .bind(now)
        .bind(alerts.iter().map(|alert| alert.kind).collect::<Vec<_>>())
        .bind(alerts.iter().map(|alert| storable_text(&alert.subject)).collect::<Vec<_>>())
        .bind(alerts.iter().map(|alert| storable_text(&alert.message)).collect::<Vec<_>>())
        .bind(alerts.iter().map(details).collect::<Vec<_>>())
        .bind(alerts.iter().map(|alert| alert.is_told_once).collect::<Vec<_>>())
        .fetch_all(alone(pool))
        .await
        .map_err(StoreError::during("writing alert"))
}

/// Ends events that are open. Returns those that it ended; the end of one that
/// operators were told of becomes a pending event of its own, but for those that
/// end `silently`.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn resolve(
    pool: &PgPool,
    account: &AccountId,
    alert_ids: &[i64],
    silently: &[i64],
    now: DateTime<Utc>,
) -> Result<Vec<ChangedAlert>, StoreError> {
    query_as(include_str!("sql/resolve_alerts.sql"))
        .bind(account.as_str())
        .bind(now)
        .bind(alert_ids)
        .bind(silently)
        .fetch_all(alone(pool))
        .await
        .map_err(StoreError::during("writing alert"))
}

/// Takes up to `most` pending events to tell them now. An event that is not
/// marked as sent comes again after a wait that doubles each time.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn claim_due(
    pool: &PgPool,
    most: i64,
    first_wait_seconds: f64,
    longest_wait_seconds: f64,
) -> Result<Vec<DueAlert>, StoreError> {
    let mut due: Vec<DueAlert> = query_as(include_str!("sql/claim_alerts.sql"))
        .bind(most)
        .bind(first_wait_seconds)
        .bind(longest_wait_seconds)
        .fetch_all(alone(pool))
        .await
        .map_err(StoreError::during("taking from alert"))?;
    due.sort_by(|a, b| {
        (&a.account_id, a.raised_at, a.alert_id).cmp(&(&b.account_id, b.raised_at, b.alert_id))
    });
    Ok(due)
}

/// Notes that events were told.
///
/// # Errors
/// [`StoreError`] when the database does not answer; they are then told again.
pub async fn mark_sent(
    pool: &PgPool,
    account_id: &str,
    alert_ids: &[i64],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    // Every row is pending: the end of an event may have come since it was taken.
    query(
        "update agora.alert set sent_at = $3, last_error = null, \
         state = case when resolved_at is null then 'sent' else 'resolved' end \
         where account_id = $1 and alert_id = any($2) and state = 'pending'",
    )
    .bind(account_id)
    .bind(alert_ids)
    .bind(now)
    .execute(alone(pool))
    .await
    .map_err(StoreError::during("writing alert"))?;
    Ok(())
}

/// Notes why events could not be told.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn mark_failed(
    pool: &PgPool,
    account_id: &str,
    alert_ids: &[i64],
    cause: &str,
) -> Result<(), StoreError> {
    query(
        "update agora.alert set last_error = $3 \
         where account_id = $1 and alert_id = any($2) and state = 'pending'",
    )
    .bind(account_id)
    .bind(alert_ids)
    .bind(storable_text(cause))
    .execute(alone(pool))
    .await
    .map_err(StoreError::during("writing alert"))?;
    Ok(())
}
