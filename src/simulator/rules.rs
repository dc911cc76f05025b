//! Kicking rules: made, listed, prolonged, removed, and gone when their time is over.
//!
//! Owns the rules that are in force and their numbers. They are kept and told,
//! but ban nobody: the simulated users do not know of them.

use chrono::{DateTime, TimeDelta, Utc};

/// A longer ban is cut to this (Agora's documentation, 2018: 1440 minutes).
pub(super) const MAX_SECONDS: i64 = 1_440 * 60;

/// Length of a ban that names none (Agora's documentation, 2018: one hour).
pub(super) const DEFAULT_SECONDS: i64 = 60 * 60;

/// A rule that is or was in force.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) id: u64,
    pub(super) operation_id: u64,
    pub(super) whom: Whom,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    pub(super) expires_at: DateTime<Utc>,
}

/// Whom a rule bans, and from what.
#[derive(Debug, Clone, Default)]
pub(super) struct Whom {
    pub(super) app_id: String,
    pub(super) channel_name: Option<String>,
    pub(super) user_id: Option<u32>,
    pub(super) ip_address: Option<String>,
    pub(super) privileges: Vec<String>,
}

/// The rules of the account.
#[derive(Debug)]
pub(super) struct Rules {
    kept: Vec<Rule>,
    next_rule_id: u64,
    next_operation_id: u64,
}

impl Default for Rules {
    /// No rules; numbers begin where a used account's would.
    fn default() -> Self {
        Self { kept: Vec::new(), next_rule_id: 1_953, next_operation_id: 1_406 }
    }
}

impl Rules {
    /// Puts a rule in force for `length_seconds` from `now`.
    pub(super) fn create(&mut self, whom: Whom, length_seconds: i64, now: DateTime<Utc>) -> u64 {
        self.forget_expired(now);
        let rule_id = self.next_rule_id;
        self.next_rule_id += 1;
        let operation_id = self.next_operation();
        let expires_at = expiry(now, length_seconds);
        self.kept.push(Rule {
            id: rule_id,
            operation_id,
            whom,
            created_at: now,
            updated_at: now,
            expires_at,
        });
        rule_id
    }

    /// The rules of an app that are in force, oldest first.
    pub(super) fn in_force(&mut self, app_id: &str, now: DateTime<Utc>) -> Vec<Rule> {
        self.forget_expired(now);
        self.kept.iter().filter(|rule| rule.whom.app_id == app_id).cloned().collect()
    }

    /// Lets a rule expire `length_seconds` from `now`; nothing if none is in force.
    pub(super) fn prolong(
        &mut self,
        app_id: &str,
        rule_id: u64,
        length_seconds: i64,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        self.forget_expired(now);
        let operation_id = self.next_operation();
        let rule = self.kept.iter_mut().find(|rule| rule.is(app_id, rule_id))?;
        rule.operation_id = operation_id;
        rule.updated_at = now;
        rule.expires_at = expiry(now, length_seconds);
        Some(rule.expires_at)
    }

    /// Removes a rule; false if none is in force.
    pub(super) fn delete(&mut self, app_id: &str, rule_id: u64, now: DateTime<Utc>) -> bool {
        self.forget_expired(now);
        let before = self.kept.len();
        self.kept.retain(|rule| !rule.is(app_id, rule_id));
        self.kept.len() < before
    }

    fn next_operation(&mut self) -> u64 {
        self.next_operation_id += 1;
        self.next_operation_id - 1
    }

    fn forget_expired(&mut self, now: DateTime<Utc>) {
        self.kept.retain(|rule| now < rule.expires_at);
    }
}

impl Rule {
    fn is(&self, app_id: &str, rule_id: u64) -> bool {
        self.id == rule_id && self.whom.app_id == app_id
    }
}

fn expiry(now: DateTime<Utc>, length_seconds: i64) -> DateTime<Utc> {
    now + TimeDelta::seconds(length_seconds.min(MAX_SECONDS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).expect("time").to_utc()
    }

    fn whom(app_id: &str) -> Whom {
        Whom { app_id: app_id.to_owned(), ..Whom::default() }
    }

    #[test]
    fn a_rule_ends_with_its_time() {
        let mut rules = Rules::default();
        let start = at("2031-05-08T12:00:00Z");
        let rule_id = rules.create(whom("a"), DEFAULT_SECONDS, start);
        assert_eq!(rules.in_force("a", at("2031-05-08T12:59:59Z")).len(), 1);
        assert!(rules.in_force("b", start).is_empty());
        assert!(rules.in_force("a", at("2031-05-08T13:00:00Z")).is_empty());
        assert_eq!(rules.prolong("a", rule_id, 60, at("2031-05-08T13:00:00Z")), None);
    }

    #[test]
    fn a_rule_is_prolonged_from_now_and_cut_to_a_day() {
        let mut rules = Rules::default();
        let rule_id = rules.create(whom("a"), 60, at("2031-05-08T12:00:00Z"));
        let expires_at = rules.prolong("a", rule_id, 1_000_000, at("2031-05-08T12:00:30Z"));
        assert_eq!(expires_at, Some(at("2031-05-09T12:00:30Z")));
        assert!(!rules.delete("b", rule_id, at("2031-05-08T12:00:30Z")));
        assert!(rules.delete("a", rule_id, at("2031-05-08T12:00:30Z")));
    }
}
