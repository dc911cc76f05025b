//! Pending events out, until they are taken.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::postgres::PgPool;

use crate::agora_api::webhook::{HookClient, HookError, HookUrl};
use crate::observe::metrics::record_alert_message;
use crate::store::StoreError;
use crate::store::alerts::{self, DueAlert};

/// Events that are taken at a time.
const MOST_EVENTS: i64 = 1_000;

/// Events that a message tells in words; the rest is counted.
const MOST_LINES: usize = 10;

/// Events that a message holds in values.
const MOST_ITEMS: usize = 100;

/// A line of a message, in characters.
const MOST_CHARACTERS: usize = 500;

/// How often a message is tried.
#[derive(Debug, Clone, Copy)]
pub struct DeliveryRules {
    /// Wait after the first failure; each later one is twice as long.
    pub first_wait: Duration,
    /// Longest wait.
    pub longest_wait: Duration,
}

impl Default for DeliveryRules {
    fn default() -> Self {
        Self { first_wait: Duration::from_secs(30), longest_wait: Duration::from_hours(1) }
    }
}

/// Where messages go; without an address they are told by the log alone.
#[derive(Debug, Clone)]
pub struct Outlet {
    /// Sends them.
    pub client: HookClient,
    /// The operator's webhook.
    pub webhook: Option<HookUrl>,
}

/// Tells what is due: one message for the events of an account and kind.
/// Returns how many events were told.
///
/// A message that is not taken is sent again later, whatever the reason, and
/// logged; it fails nothing.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn deliver(
    pool: &PgPool,
    outlet: &Outlet,
    rules: DeliveryRules,
    now: DateTime<Utc>,
) -> Result<usize, StoreError> {
    let (first, longest) = (rules.first_wait.as_secs_f64(), rules.longest_wait.as_secs_f64());
    let due = alerts::claim_due(pool, MOST_EVENTS, first, longest).await?;
    let mut groups: BTreeMap<(String, i64), Vec<DueAlert>> = BTreeMap::new();
    let mut first_of: BTreeMap<(String, String), i64> = BTreeMap::new();
    for alert in due {
        // In the order in which they began, so that an end never comes before.
        let kind = (alert.account_id.clone(), alert.kind.clone());
        let first = *first_of.entry(kind).or_insert(alert.alert_id);
        groups.entry((alert.account_id.clone(), first)).or_default().push(alert);
    }
    let mut told = 0;
    for ((account_id, _), group) in groups {
        let ids: Vec<i64> = group.iter().map(|alert| alert.alert_id).collect();
        match tell(outlet, &account_id, &group).await {
            Ok(()) => {
                alerts::mark_sent(pool, &account_id, &ids, now).await?;
                told += ids.len();
            }
            Err(error) => {
                alerts::mark_failed(pool, &account_id, &ids, &error.to_string()).await?;
            }
        }
    }
    Ok(told)
}

/// Sends one message.
async fn tell(outlet: &Outlet, account_id: &str, group: &[DueAlert]) -> Result<(), HookError> {
    let Some(url) = &outlet.webhook else { return Ok(()) };
    let outcome = outlet.client.post_json(url, &message(account_id, group)).await;
    record_alert_message(outcome.is_ok());
    if let Err(error) = &outcome {
        let attempts = group.iter().map(|alert| alert.attempts).max().unwrap_or(1);
        tracing::warn!(account = account_id, attempts, %error, "operators could not be told");
    }
    outcome
}

/// A document that chat programs show as text and others read as values.
fn message(account_id: &str, group: &[DueAlert]) -> Value {
    let kind = group.first().map_or("", |alert| alert.kind.as_str());
    let mut text = format!("agora-usage, account {account_id}: {}", headline(kind, group.len()));
    for alert in group.iter().take(MOST_LINES) {
        let _ = write!(text, "\n• {}", line(alert));
    }
    if group.len() > MOST_LINES {
        let _ = write!(text, "\n• and {} more", group.len() - MOST_LINES);
    }
    let item = |alert: &DueAlert| {
        json!({
            "subject": alert.subject,
            "message": alert.message,
            "details": alert.details.0,
            "raised_at": alert.raised_at,
            "resolved_at": alert.resolved_at,
        })
    };
    json!({
        "text": text,
        "event": {
            "kind": kind,
            "account": account_id,
            "count": group.len(),
            "items": group.iter().take(MOST_ITEMS).map(item).collect::<Vec<_>>(),
        },
    })
}

fn headline(kind: &str, count: usize) -> &'static str {
    match (kind, count) {
        ("hole", _) => "usage is not known",
        ("expiring", _) => "usage will soon be lost",
        ("contradiction", _) => "answers contradict what is stored",
        ("unauthorized", _) => "the credentials are refused",
        ("no_success", 1) => "a job does not succeed",
        ("no_success", _) => "jobs do not succeed",
        ("budget", 1) => "a budget reaches a threshold",
        ("budget", _) => "budgets reach thresholds",
        ("budget_forecast", 1) => "a budget will be exceeded",
        ("budget_forecast", _) => "budgets will be exceeded",
        ("free_minutes", _) => "the free minutes run out",
        ("anomaly", 1) => "a day is not like its weekday",
        ("anomaly", _) => "days are not like their weekdays",
        _ => "no longer so",
    }
}

/// One event; the signs that chat programs read as markup are escaped as theirs ask.
fn line(alert: &DueAlert) -> String {
    let over = match alert.resolved_at {
        Some(at) if alert.kind != "recovered" => {
            format!(" (over since {})", at.format("%Y-%m-%d %H:%M UTC"))
        }
        _ => String::new(),
    };
    let short: String = alert.message.chars().take(MOST_CHARACTERS).collect();
    let cut = if short.len() < alert.message.len() { "…" } else { "" };
    let plain: String = short.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let escaped = plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("{escaped}{cut}{over}")
}

#[cfg(test)]
mod tests;
