//! The daemon from outside: its HTTP side, and what operators are told.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::support::daemon::{Daemon, LONGEST_WAIT};
use crate::support::fake_api::{AUDIO, Asked};
use crate::support::setup::Setup;

const NOW: &str = "2031-03-12T09:00:00Z";

/// What a webhook was sent.
type Taken = Arc<Mutex<Vec<Value>>>;

/// A webhook on this machine, and its address.
async fn webhook() -> (Taken, String) {
    async fn take(State(taken): State<Taken>, body: String) {
        let document = serde_json::from_str(&body).unwrap_or(Value::Null);
        taken.lock().unwrap_or_else(PoisonError::into_inner).push(document);
    }
    let taken = Taken::default();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("port");
    let url = format!("http://{}/hook", listener.local_addr().expect("address"));
    let routes = Router::new().fallback(take).with_state(Arc::clone(&taken));
    tokio::spawn(async move { axum::serve(listener, routes).await.expect("served") });
    (taken, url)
}

/// The first document that came with this kind of event; a ping has none.
async fn told(taken: &Taken, kind: &Value) -> Value {
    let started = Instant::now();
    while started.elapsed() < LONGEST_WAIT {
        let found = taken.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(document) = found.iter().find(|document| document["event"]["kind"] == *kind) {
            return document.clone();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{kind} was not told");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_tells_of_its_health_its_jobs_and_its_figures() {
    let mut setup = Setup::at(NOW).await;
    setup.api.list(&["P1"]);
    setup.api.use_seconds("P1", "2031-03-10", &[(AUDIO, 60)]);
    let (pinged, url) = webhook().await;
    setup.program.set("AGORA_USAGE_DEAD_MAN_PING_URL", url);
    let daemon = Daemon::start(&setup.program);
    assert_eq!(daemon.get("/livez").0, 200);
    assert_eq!(daemon.get("/readyz").0, 200);
    let usage = daemon.ended_run("usage").await;
    assert_eq!(usage["newest_good_run"]["state"], "done");
    assert_eq!(usage["next_slot"], "2031-03-12T14:15:00Z");
    let (status, metrics) = daemon.get("/metrics");
    assert_eq!(status, 200);
    for line in [
        "agora_usage_requests_total{family=\"usage\",status=\"200\"} ",
        "agora_usage_rows_written_total{account=\"default\",kind=\"usage_new\"} 1",
        "agora_usage_job_runs_total{account=\"default\",job_name=\"usage\",state=\"done\"} 1",
        "agora_usage_job_last_success_timestamp_seconds{account=\"default\",job_name=\"usage\"} ",
        "agora_usage_lease_held{account=\"default\",lease=\"usage\"} ",
        "agora_usage_database_up 1",
    ] {
        assert!(metrics.contains(line), "'{line}' is missing in\n{metrics}");
    }
    assert!(!metrics.contains("fake-customer"), "the customer id is no label");
    told(&pinged, &Value::Null).await;
    daemon.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn c24_refused_credentials_are_told_to_operators_and_their_end_too() {
    let mut setup = Setup::at(NOW).await;
    setup.api.answer_when(|_: &Asked| true, 401, "");
    let (taken, url) = webhook().await;
    setup.program.set("AGORA_USAGE_ALERT_WEBHOOK_URL", url);
    let daemon = Daemon::start(&setup.program);
    let document = told(&taken, &"unauthorized".into()).await;
    let text = document["text"].as_str().expect("text");
    assert!(text.contains("refuses the credentials of account default"), "{text}");
    daemon.stop();

    setup.api.heal();
    setup.api.list(&["P1"]);
    setup.now("2031-03-12T14:30:00Z");
    let daemon = Daemon::start(&setup.program);
    let document = told(&taken, &"recovered".into()).await;
    assert_eq!(document["event"]["items"][0]["subject"], "unauthorized/credentials");
    daemon.stop();
    let kinds = "select kind, count(*) from agora.alert group by kind order by kind";
    assert_eq!(setup.database.rows(kinds).await, ["(recovered,1)", "(unauthorized,1)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_taken_is_told_with_a_way_out() {
    let mut setup = Setup::at(NOW).await;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("port");
    let address = listener.local_addr().expect("address").to_string();
    setup.program.set("AGORA_USAGE_LISTEN_ADDRESS", &address);
    setup.run(&["daemon"]).exits(1).says(&[&address, "hint: set listen_address"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_does_not_stay_tells_too_and_each_threshold_of_a_month_once() {
    let mut setup = Setup::at("2031-03-11T09:00:00Z").await;
    setup.api.list(&["P1"]);
    for day in 1..=14 {
        setup.api.use_seconds("P1", &format!("2031-03-{day:02}"), &[(AUDIO, 240_000)]);
    }
    let (taken, url) = webhook().await;
    setup.program.set("AGORA_USAGE_ALERT_WEBHOOK_URL", url);
    // 40,000 minutes by the tenth, 10,000 of them free.
    setup.run(&["sync", "usage"]).exits(0);
    for (now, budget) in [("11", "25.00"), ("12", "1000.00"), ("13", "25.00"), ("14", "25.00")] {
        setup.now(&format!("2031-03-{now}T09:00:00Z"));
        setup.run(&["budget", "set", budget]).exits(0);
        setup.run(&["daemon", "--once"]).exits(0);
    }
    let documents = taken.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let of = |kind: &str| -> Vec<String> {
        let items = documents.iter().filter(|document| document["event"]["kind"] == kind);
        let items =
            items.flat_map(|document| document["event"]["items"].as_array().expect("items"));
        items.map(|item| item["subject"].as_str().expect("text").to_owned()).collect()
    };
    let thresholds = ["50", "80", "100"].map(|percent| format!("2031-03/account//{percent}"));
    let mut told = of("budget");
    told.sort_by_key(String::len);
    assert_eq!(told, thresholds);
    assert_eq!(of("free_minutes"), ["2031-03"]);
    assert_eq!(of("recovered").len(), 3, "{:?}", of("recovered"));
}
