//! Alert rules and the dashboard: every query names metrics and views that exist.

use std::collections::BTreeSet;
use std::time::Instant;

use agora_usage::schedule::jobs::JOBS;
use serde_json::Value;

use super::read;
use crate::support::daemon::{Daemon, LONGEST_WAIT};
use crate::support::database::TestDatabase;
use crate::support::program::Program;
use crate::support::simulated::Running;

const RULES: &str = "deploy/prometheus/agora-usage.rules.yml";
const TESTS_OF_RULES: &str = "deploy/prometheus/agora-usage.rules.test.yml";
const DASHBOARD: &str = "deploy/grafana/agora-usage.json";

/// The names of metrics in a text, without what Prometheus adds for histograms.
fn metrics_in(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("agora_usage_"))
        .map(|word| word.strip_suffix("_bucket").unwrap_or(word).to_owned())
        .collect()
}

fn dashboard() -> Value {
    serde_json::from_str(&read(DASHBOARD)).expect("JSON")
}

/// Texts of this key in the dashboard's targets.
fn queries(key: &str) -> Vec<String> {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    targets.filter_map(|target| target[key].as_str()).map(str::to_owned).collect()
}

/// The metrics that the daemon shows by and by.
async fn wait_for_metrics(daemon: &Daemon, wanted: &BTreeSet<String>) {
    let started = Instant::now();
    loop {
        let (_, text) = daemon.get("/metrics");
        let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        let names = types.filter_map(|line| line.split(' ').next());
        let shown: BTreeSet<String> = names.map(str::to_owned).collect();
        let missing: Vec<_> = wanted.difference(&shown).collect();
        if missing.is_empty() {
            return;
        }
        assert!(started.elapsed() < LONGEST_WAIT, "no daemon shows {missing:?}");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_of_rules_and_dashboard_is_shown_by_the_daemon() {
    let database = TestDatabase::new();
    let mut program = Program::new();
    let arguments = ["--projects", "3", "--days", "5", "--requests-per-second", "0"];
    let faults = ["--statistics-requests-per-second", "0", "--fault", "status=401@usage"];
    let simulator = Running::start(&program, &[&arguments[..], &faults].concat());
    // The platform refuses the second account altogether: an alert that no later
    // success of another job ends before it was told to the webhook, which nobody takes.
    let [url, id, secret] = simulator.access();
    let table = |name: &str, id: &str, secret: &str| {
        format!(
            "[[account]]\nname = \"{name}\"\nbase_url = \"{url}\"\n\
             customer_id = \"{id}\"\ncustomer_secret = \"{secret}\"\n"
        )
    };
    let settings = [table("east", id, secret), table("west", "nobody", "wrong")].concat();
    std::fs::write(program.folder().join("agora-usage.toml"), settings).expect("written");
    program
        .set("DATABASE_URL", database.url())
        .set("AGORA_USAGE_LISTEN_ADDRESS", "127.0.0.1:0")
        .set("AGORA_USAGE_ALERT_WEBHOOK_URL", "http://127.0.0.1:1/nobody")
        .set("AGORA_USAGE_API_HISTORY_MONTHS", "1")
        .set("AGORA_USAGE_REQUESTS_PER_SECOND", "0")
        .set("AGORA_USAGE_STATISTICS_REQUESTS_PER_SECOND", "0")
        .set("AGORA_USAGE_FIRST_RETRY_WAIT_MS", "1");
    let daemon = Daemon::start(&program);
    let text = format!("{} {} {}", read(RULES), read(TESTS_OF_RULES), queries("expr").join(" "));
    let wanted = metrics_in(&text);
    assert!(wanted.len() >= 12, "{wanted:?}");
    wait_for_metrics(&daemon, &wanted).await;
    daemon.stop();
}

#[test]
fn every_job_of_rules_and_dashboard_is_one_of_the_daemon() {
    let known: BTreeSet<&str> = JOBS.iter().map(|job| job.name).collect();
    let text = format!("{} {}", read(RULES), queries("expr").join(" "));
    let named = text.split("job_name=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let named: BTreeSet<&str> = named.collect();
    assert!(named.contains("usage") && named.is_subset(&known), "{named:?}");
    assert!(!text.contains("exported_job"), "Prometheus makes that of a label `job`");
}

#[test]
fn every_rule_is_tried_by_a_test_of_its_own() {
    let (rules, tests) = (read(RULES), read(TESTS_OF_RULES));
    let names: Vec<&str> =
        rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(names.len() >= 10, "{names:?}");
    for name in names {
        let firing = format!("alertname: {name}\n        exp_alerts:\n          - exp_labels");
        assert!(tests.contains(&firing), "no test sees {name} fire");
        let silent = format!("alertname: {name}, exp_alerts: []");
        assert!(tests.contains(&silent), "no test sees {name} silent");
    }
}

/// As Grafana sends it: macros and variables replaced.
fn as_sent(sql: &str) -> String {
    let mut sql = sql.replace("${account:sqlstring}", "'default'");
    sql = sql.replace("$__timeFrom()", "'2031-03-01T00:00:00Z'");
    while let Some((before, rest)) = sql.split_once("$__timeFilter(") {
        let (column, after) = rest.split_once(')').expect("a closed macro");
        sql = format!(
            "{before}{column} between '2031-03-01T00:00:00Z' and '2031-03-31T00:00:00Z'{after}"
        );
    }
    sql
}

#[tokio::test(flavor = "multi_thread")]
async fn every_question_of_the_dashboard_runs_with_the_rights_of_a_reader() {
    let database = TestDatabase::new();
    let url = database.url_of_a_role("it_reader_of_dashboards").await;
    let mut program = Program::new();
    program.set("DATABASE_URL", database.url());
    program.run(&["migrate", "--grant-reader", "it_reader_of_dashboards"]).exits(0);
    let mut questions = queries("rawSql");
    let variables = dashboard()["templating"]["list"].clone();
    let query = variables[2]["query"].as_str().expect("a query").to_owned();
    questions.push(query);
    assert!(questions.len() >= 7, "{questions:?}");
    for sql in questions {
        let sent = as_sent(&sql);
        assert!(!sent.contains('$'), "{sent}");
        assert_eq!(TestDatabase::rows_at(&url, &sent).await, Vec::<String>::new(), "{sent}");
    }
}

#[test]
fn panels_have_ids_of_their_own_and_data_sources_that_can_be_chosen() {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().expect("panels");
    let ids: BTreeSet<i64> = panels.iter().filter_map(|panel| panel["id"].as_i64()).collect();
    assert_eq!(ids.len(), panels.len());
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        let source = panel["datasource"]["uid"].as_str().expect("a source");
        assert!(["${prometheus}", "${postgresql}"].contains(&source), "{panel}");
        assert!(!panel["description"].as_str().expect("a text").is_empty(), "{panel}");
    }
}
