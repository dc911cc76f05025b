//! Figures that are read from the database, in Prometheus' text format.
//!
//! Not gauges of the recorder: those would go on showing a project that has
//! closed, or the last figures of a database that is gone. A series that is not
//! known now is left out.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::facts::Live;
use super::state::ObserveState;

/// Projects with a series of their own; the others of an account share one.
pub(super) const MOST_PROJECT_SERIES: usize = 200;

/// Name under which the other projects of an account are summed up.
const OTHER_PROJECTS: &str = "other";

/// One metric with its series.
struct Family {
    name: &'static str,
    help: &'static str,
    /// Labels, and the value.
    series: Vec<(Vec<(&'static str, String)>, f64)>,
}

impl Family {
    const fn new(name: &'static str, help: &'static str) -> Self {
        Self { name, help, series: Vec::new() }
    }

    fn add(&mut self, labels: Vec<(&'static str, String)>, value: f64) {
        self.series.push((labels, value));
    }

    fn write(&self, text: &mut String) {
        if self.series.is_empty() {
            return;
        }
        let _ = writeln!(text, "# HELP {} {}", self.name, self.help);
        let _ = writeln!(text, "# TYPE {} gauge", self.name);
        for (labels, value) in &self.series {
            let labels: Vec<String> = labels
                .iter()
                .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
                .collect();
            let labels =
                if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let _ = writeln!(text, "{}{labels} {value}", self.name);
        }
        text.push('\n');
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// The figures as text; without an answer of the database only that there was none.
pub(super) fn render(state: &ObserveState, live: Option<&Live>) -> String {
    let mut text = String::new();
    let mut up = Family::new("agora_usage_database_up", "Whether the database answers, 1 or 0.");
    up.add(vec![], if live.is_some() { 1.0 } else { 0.0 });
    up.write(&mut text);
    let Some(live) = live else { return text };
    last_success(live).write(&mut text);
    holes(state).write(&mut text);
    leases(state, live).write(&mut text);
    for family in occupancy(live, MOST_PROJECT_SERIES) {
        family.write(&mut text);
    }
    for family in money(live) {
        family.write(&mut text);
    }
    text
}

/// Amounts of the newest look ahead; figures to watch, not to bill.
fn money(live: &Live) -> [Family; 5] {
    let mut to_date = Family::new(
        "agora_usage_month_to_date_cost",
        "Running total of the month, in the currency of the label.",
    );
    let mut expected = Family::new(
        "agora_usage_month_expected_cost",
        "Expected total of the month, in the currency of the label.",
    );
    // Of two months of an account, the current one comes first.
    let mut months = BTreeMap::new();
    for fact in &live.outlook.forecasts {
        months.entry(&fact.account_id).or_insert(fact.month);
    }
    let is_current = |account: &String, month| months.get(account) == Some(&month);
    let forecasts = live.outlook.forecasts.iter();
    for fact in forecasts.filter(|fact| is_current(&fact.account_id, fact.month)) {
        let labels =
            || vec![("account", fact.account_id.clone()), ("currency", fact.currency.clone())];
        add_amount(&mut to_date, labels(), Some(&fact.to_date));
        add_amount(&mut expected, labels(), fact.expected.as_ref());
    }
    let mut amount = Family::new("agora_usage_budget_cost", "Amount of a budget for the month.");
    let mut spent = Family::new("agora_usage_budget_spent_cost", "Spent of a budget so far.");
    let mut foretold = Family::new(
        "agora_usage_budget_expected_cost",
        "Expected to be spent of a budget by the month's end.",
    );
    let budgets = live.outlook.budgets.iter();
    for fact in budgets.filter(|fact| is_current(&fact.account_id, fact.month)) {
        let labels = || {
            let (scope, name) = (fact.scope.clone(), fact.name.clone());
            vec![("account", fact.account_id.clone()), ("scope", scope), ("name", name)]
        };
        add_amount(&mut amount, labels(), Some(&fact.amount));
        add_amount(&mut spent, labels(), Some(&fact.to_date));
        add_amount(&mut foretold, labels(), fact.expected.as_ref());
    }
    [to_date, expected, amount, spent, foretold]
}

fn add_amount(family: &mut Family, labels: Vec<(&'static str, String)>, amount: Option<&String>) {
    if let Some(value) = amount.and_then(|amount| amount.parse().ok()) {
        family.add(labels, value);
    }
}

fn last_success(live: &Live) -> Family {
    let mut family = Family::new(
        "agora_usage_job_last_success_timestamp_seconds",
        "When the newest good run of a job ended, by whichever process.",
    );
    for ((account, job), facts) in &live.jobs {
        let ended = facts.good.as_ref().and_then(|run| run.finished_at);
        if let Some(ended) = ended {
            let labels = vec![("account", account.clone()), ("job_name", job.clone())];
            family.add(labels, number(ended.timestamp()));
        }
    }
    family
}

fn holes(state: &ObserveState) -> Family {
    let mut family = Family::new(
        "agora_usage_hole_days",
        "Days of usage that are not known, over projects and services.",
    );
    for watched in state.accounts() {
        if let Some(holes) = state.holes_of(&watched.account) {
            family.add(vec![("account", watched.account.to_string())], number(holes.hole_days()));
        }
    }
    family
}

fn leases(state: &ObserveState, live: &Live) -> Family {
    let mut family =
        Family::new("agora_usage_lease_held", "Whether this process holds the lease, 1 or 0.");
    for lease in &live.leases {
        let is_ours = lease.is_held && lease.holder == state.workplace.holder;
        let labels = vec![("account", lease.account_id.clone()), ("lease", lease.name.clone())];
        family.add(labels, if is_ours { 1.0 } else { 0.0 });
    }
    family
}

/// Users and channels by project, those with the most users first.
fn occupancy(live: &Live, most_series: usize) -> [Family; 2] {
    let mut users = Family::new(
        "agora_usage_occupancy_users",
        "Users in live channels, by the newest snapshot of the last minutes.",
    );
    let mut channels = Family::new(
        "agora_usage_occupancy_channels",
        "Live channels, by the newest snapshot of the last minutes.",
    );
    let mut others: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    let labels = |account: &str, project: &str| {
        vec![("account", account.to_owned()), ("project", project.to_owned())]
    };
    for (position, fact) in live.occupancy.iter().enumerate() {
        if position < most_series {
            users.add(labels(&fact.account_id, &fact.project_id), number(fact.users));
            channels.add(labels(&fact.account_id, &fact.project_id), number(fact.channels));
        } else {
            let sum = others.entry(&fact.account_id).or_default();
            *sum = (sum.0 + fact.users, sum.1 + fact.channels);
        }
    }
    for (account, (more_users, more_channels)) in others {
        users.add(labels(account, OTHER_PROJECTS), number(more_users));
        channels.add(labels(account, OTHER_PROJECTS), number(more_channels));
    }
    [users, channels]
}

/// A whole number as the format's float; exact below 2^53.
#[expect(clippy::cast_precision_loss, reason = "the format knows floats alone")]
const fn number(value: i64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::health::OccupancyFact;

    #[test]
    fn projects_beyond_the_bound_share_one_series_of_their_account() {
        let fact = |account: &str, project: &str, users| OccupancyFact {
            account_id: account.to_owned(),
            project_id: project.to_owned(),
            users,
            channels: 1,
        };
        let occupancy_now =
            vec![fact("a", "P1", 9), fact("b", "P2", 8), fact("a", "P3", 5), fact("a", "P4", 2)];
        let live = Live {
            first_seen: BTreeMap::new(),
            jobs: BTreeMap::new(),
            leases: Vec::new(),
            occupancy: occupancy_now,
            outlook: crate::store::forecasts::OutlookFacts::default(),
        };
        let [users, channels] = occupancy(&live, 2);
        let mut text = String::new();
        users.write(&mut text);
        channels.write(&mut text);
        insta::assert_snapshot!(text.trim_end(), @r#"
        # HELP agora_usage_occupancy_users Users in live channels, by the newest snapshot of the last minutes.
        # TYPE agora_usage_occupancy_users gauge
        agora_usage_occupancy_users{account="a",project="P1"} 9
        agora_usage_occupancy_users{account="b",project="P2"} 8
        agora_usage_occupancy_users{account="a",project="other"} 7

        # HELP agora_usage_occupancy_channels Live channels, by the newest snapshot of the last minutes.
        # TYPE agora_usage_occupancy_channels gauge
        agora_usage_occupancy_channels{account="a",project="P1"} 1
        agora_usage_occupancy_channels{account="b",project="P2"} 1
        agora_usage_occupancy_channels{account="a",project="other"} 2
        "#);
    }

    #[test]
    fn a_label_cannot_break_out_of_its_quotes() {
        assert_eq!(escaped("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
    }
}
