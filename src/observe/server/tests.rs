use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Instant;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::observe::testing::Observed;
use crate::observe::watch::{Watch, WatchRules};

const NOW: &str = "2031-03-12T09:00:00Z";

struct Answer {
    status: u16,
    head: String,
    body: String,
}

/// Sends these bytes as they are, and reads until the server closes.
async fn send(address: SocketAddr, request: &str) -> Answer {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    let (head, body) = answer.split_once("\r\n\r\n").expect("head and body");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let head = head.to_lowercase();
    Answer { status: status.expect("status"), head, body: body.to_owned() }
}

async fn get(address: SocketAddr, path: &str) -> Answer {
    send(address, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

async fn served(observed: &Observed) -> (Serving, CancellationToken) {
    let stop = CancellationToken::new();
    let address = (Ipv4Addr::LOCALHOST, 0).into();
    let hosts = AllowedHosts::new(&["usage.example.com".to_owned()]).expect("a name");
    let serving = serve(address, hosts, Arc::clone(&observed.state), stop.clone()).await;
    (serving.expect("listens"), stop)
}

async fn close(observed: Observed, serving: Serving, stop: CancellationToken) {
    stop.cancel();
    serving.ended().await;
    observed.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_ready_until_it_shuts_down_or_the_schema_is_another() {
    let observed = Observed::at(NOW).await;
    let (serving, stop) = served(&observed).await;
    let address = serving.address();
    assert_eq!(get(address, "/livez").await.status, 200);
    let ready = get(address, "/readyz").await;
    assert_eq!((ready.status, &ready.json()["ready"]), (200, &Value::Bool(true)));

    let future = "insert into _sqlx_migrations \
                  (version, description, success, checksum, execution_time) \
                  values (9999, 'of tomorrow', true, '', 0)";
    observed.database.run(future).await;
    let answer = get(address, "/readyz").await;
    assert_eq!(answer.status, 503);
    let migrations = &answer.json()["checks"][2];
    assert_eq!(migrations["name"], "migrations");
    assert!(migrations["problem"].as_str().expect("problem").contains("migration 9999"));
    observed.database.run("delete from _sqlx_migrations where version = 9999").await;

    observed.stopping.cancel();
    let answer = get(address, "/readyz").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["checks"][0]["problem"], "the daemon is shutting down");
    assert_eq!(get(address, "/livez").await.status, 200);
    close(observed, serving, stop).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_database_it_lives_is_not_ready_and_says_so() {
    let observed = Observed::at(NOW).await;
    let (serving, stop) = served(&observed).await;
    let address = serving.address();
    observed.state.observer.close().await;
    assert_eq!(get(address, "/livez").await.status, 200);
    let answer = get(address, "/readyz").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["checks"][1]["ok"], false);
    assert_eq!(get(address, "/status").await.status, 503);
    let metrics = get(address, "/metrics").await;
    assert_eq!(metrics.status, 200);
    assert!(metrics.body.contains("agora_usage_database_up 0"));
    assert!(metrics.body.contains("agora_usage_build_info{version="));
    close(observed, serving, stop).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_reading_without_a_body_is_answered_and_with_safe_headers() {
    let observed = Observed::at(NOW).await;
    let (serving, stop) = served(&observed).await;
    let address = serving.address();
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let request =
            format!("{method} /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
        let answer = send(address, &request).await;
        assert_eq!(answer.status, 405, "{method}");
        assert!(answer.head.contains("allow: get, head"), "{}", answer.head);
    }
    let with_body = "GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc";
    assert_eq!(send(address, with_body).await.status, 413);
    let long = "x".repeat(MOST_HEADER_BYTES);
    let request = format!("GET /livez HTTP/1.1\r\nHost: localhost\r\nCookie: {long}\r\n\r\n");
    assert_eq!(send(address, &request).await.status, 431);
    assert_eq!(get(address, "/reports").await.status, 308);
    assert_eq!(get(address, "/reports/").await.status, 200);
    for path in ["/reports/../Cargo.toml", "/reports/%2e%2e/Cargo.toml", "/reports/%2Fetc/x.csv"] {
        assert_eq!(get(address, path).await.status, 404, "{path}");
    }
    for path in ["/", "/livez", "/readyz", "/status", "/metrics", "/reports/", "/nothing"] {
        let answer = get(address, path).await;
        assert!(answer.head.contains("x-content-type-options: nosniff"), "{}", answer.head);
        assert!(answer.head.contains("default-src 'none'"), "{}", answer.head);
        let is_known = answer.status != 404;
        assert_eq!(answer.head.contains("cache-control: no-store"), is_known, "{}", answer.head);
    }
    close(observed, serving, stop).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn head_is_answered_like_get_without_the_body() {
    let observed = Observed::at(NOW).await;
    let (serving, stop) = served(&observed).await;
    let address = serving.address();
    let sorted = |head: &str| {
        let lines = head.lines().filter(|line| !line.starts_with("date:"));
        lines.map(str::to_owned).collect::<BTreeSet<String>>()
    };
    for path in ["/", "/livez", "/reports", "/reports/", "/reports/none.csv", "/nothing"] {
        let read = sorted(&get(address, path).await.head);
        let request = format!("HEAD {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let answer = send(address, &request).await;
        assert_eq!((sorted(&answer.head), answer.body.as_str()), (read, ""), "{path}");
    }
    close(observed, serving, stop).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_neither_its_own_nor_listed_is_refused() {
    let observed = Observed::at(NOW).await;
    let (serving, stop) = served(&observed).await;
    let address = serving.address();
    let ask = async |path: &str, host: &str| {
        send(address, &format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")).await
    };
    for path in ["/", "/status", "/metrics", "/reports", "/reports/", "/nothing"] {
        let refused = ask(path, "evil.example:9464").await;
        assert_eq!(refused.status, 421, "{path}");
        assert!(refused.body.contains("allowed_hosts"), "{}", refused.body);
        for host in ["usage.example.com", "localhost:9464", "10.42.0.17:9464", "[::1]"] {
            assert_ne!(ask(path, host).await.status, 421, "{path} {host}");
        }
    }
    for path in ["/livez", "/readyz"] {
        assert_eq!(ask(path, "agora-usage.default.svc:9464").await.status, 200, "{path}");
    }
    close(observed, serving, stop).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_front_page_leads_to_everything_that_is_served() {
    let observed = Observed::at(NOW).await;
    let (serving, stop) = served(&observed).await;
    let address = serving.address();
    let front = get(address, "/").await;
    assert_eq!(front.status, 200);
    assert!(front.head.contains("content-type: text/html"), "{}", front.head);
    let links: Vec<_> = front.body.split("href=\"").skip(1).collect();
    let links: Vec<_> = links.iter().filter_map(|link| link.split('"').next()).collect();
    assert_eq!(links, ["/reports/", "/status", "/metrics", "/readyz", "/livez"]);
    for link in links {
        assert_eq!(get(address, link).await.status, 200, "{link}");
    }
    close(observed, serving, stop).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_does_not_arrive_is_cut_off_and_holds_up_no_stop() {
    let observed = Observed::at(NOW).await;
    let (serving, stop) = served(&observed).await;
    // Before the server's own time begins, so that no delay here can make it look short.
    let started = Instant::now();
    let mut slow = TcpStream::connect(serving.address()).await.expect("connected");
    slow.write_all(b"GET /livez HTT").await.expect("sent");
    let mut answer = Vec::new();
    let _ = slow.read_to_end(&mut answer).await;
    assert!(started.elapsed() >= HEADER_TIME);
    assert!(!String::from_utf8_lossy(&answer).contains("200 OK"));
    let mut open = TcpStream::connect(serving.address()).await.expect("connected");
    open.write_all(b"GET /livez HTT").await.expect("sent");
    close(observed, serving, stop).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn status_and_metrics_tell_how_each_job_gets_on() {
    let observed = Observed::at(NOW).await;
    observed.database.project("P1").await;
    observed.ran("usage", "2031-03-12T02:15:00Z", "done", r#"{"requests_answered": 3}"#).await;
    let nothing_through = r#"{"requests_failed": 3, "requests_answered": 0}"#;
    observed.ran("usage", "2031-03-12T08:15:00Z", "partial", nothing_through).await;
    observed.asked("P1", "2031-02-01", "2031-02-28", "2031-03-12T02:15:01Z", "ok").await;
    observed.asked("P1", "2031-03-01", "2031-03-11", "2031-03-12T08:15:02Z", "failed").await;
    observed
        .database
        .run(
            "insert into agora.occupancy_snapshot (account_id, project_id, observed_at, \
             total_channels, seen_channels, user_count, complete) \
             values ('default', 'P1', '2031-03-12T08:58:00Z', 3, 3, 17, true); \
             insert into agora.job_lease values ('default', 'usage', 'this process', 4, \
             clock_timestamp() + interval '1 hour')",
        )
        .await;
    let client = crate::agora_api::webhook::HookClient::new(
        ANSWER_TIME,
        &crate::authorities::Authorities::default(),
    )
    .expect("client");
    let rules = WatchRules {
        no_success_hours: 8,
        outlet: crate::observe::alerts::Outlet { client, webhook: None },
        delivery: crate::observe::alerts::DeliveryRules::default(),
        dead_man_ping: None,
    };
    Watch::new(Arc::clone(&observed.state), rules).look().await.expect("looked");
    let (serving, stop) = served(&observed).await;
    let address = serving.address();

    let status = get(address, "/status?account=default").await.json();
    let account = &status["accounts"][0];
    let usage = &account["jobs"][0];
    assert_eq!(usage["newest_run"]["state"], "partial");
    assert_eq!(usage["newest_good_run"]["slot"], "2031-03-12T02:15:00Z");
    assert!(usage["lag_seconds"].as_i64().expect("lag") >= 24_295, "{usage}");
    assert_eq!(usage["next_slot"], "2031-03-12T14:15:00Z");
    assert_eq!(usage["last_message"], "said by usage");
    assert_eq!(account["holes"]["days"], 11);
    assert_eq!(account["holes"]["holes"][0]["message"], "status 500");
    assert_eq!(account["leases"][1]["is_held"], true);
    assert_eq!(account["alerts"][0]["kind"], "hole");
    assert_eq!(
        get(address, "/status?account=other").await.json()["accounts"],
        Value::Array(vec![])
    );

    let metrics = get(address, "/metrics").await;
    assert!(metrics.head.contains("content-type: text/plain; version=0.0.4"));
    for line in [
        "# TYPE agora_usage_job_last_success_timestamp_seconds gauge",
        "agora_usage_job_last_success_timestamp_seconds{account=\"default\",job_name=\"usage\"} 1931048105",
        "agora_usage_hole_days{account=\"default\"} 11",
        "agora_usage_lease_held{account=\"default\",lease=\"usage\"} 1",
        "agora_usage_lease_held{account=\"default\",lease=\"statistics\"} 0",
        "agora_usage_occupancy_users{account=\"default\",project=\"P1\"} 17",
        "agora_usage_occupancy_channels{account=\"default\",project=\"P1\"} 3",
        "agora_usage_database_up 1",
    ] {
        assert!(metrics.body.contains(line), "'{line}' is missing in\n{}", metrics.body);
    }
    close(observed, serving, stop).await;
}
