//! Snapshots over HTTP from a server that follows a script, into a real database.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::agora_api::AgoraApi;
use crate::agora_api::client::ApiSettings;
use crate::clock::Clock;
use crate::collect::due::DuePolicy;
use crate::collect::{CollectSettings, Records};
use crate::domain::{Incompleteness, Service, UsageSource};
use crate::store::occupancy::testing::TestDatabase;
use crate::store::projects;

/// Numbers of the channels of a page, and how many there are; none: a failure.
type Page = Option<(Range<u32>, u32)>;

/// Answers by App ID, in the order in which they are asked for; after the end: an empty page.
type Script = BTreeMap<String, Vec<Page>>;

struct Platform {
    script: Mutex<Script>,
    asked: Mutex<Vec<u32>>,
}

async fn answer(
    State(platform): State<Arc<Platform>>,
    Path(app_id): Path<String>,
    Query(query): Query<BTreeMap<String, u32>>,
) -> Result<Json<Value>, StatusCode> {
    platform.asked.lock().expect("lock").push(query["page_no"]);
    let mut script = platform.script.lock().expect("lock");
    let pages = script.get_mut(&app_id).expect("a project of the script");
    let page = if pages.is_empty() { Some((0..0, 1_000)) } else { pages.remove(0) };
    let Some((numbers, total)) = page else { return Err(StatusCode::INTERNAL_SERVER_ERROR) };
    let channels: Vec<Value> = numbers
        .map(|number| json!({ "channel_name": format!("c{number}"), "user_count": 2 }))
        .collect();
    Ok(Json(json!({ "success": true, "data": { "channels": channels, "total_size": total } })))
}

struct Bench {
    database: TestDatabase,
    platform: Arc<Platform>,
    api: AgoraApi,
    settings: CollectSettings,
    stop: CancellationToken,
}

impl Bench {
    /// Projects `P1`, `P2` ... whose pages are these.
    async fn new(scripts: Vec<Vec<Page>>) -> Self {
        let database = TestDatabase::new().await;
        let app_id = |number: usize| format!("{number:032}");
        let listed: Vec<Project> = (0..scripts.len())
            .map(|number| Project {
                project_id: ProjectId::new(&format!("P{}", number + 1)).expect("id"),
                name: String::new(),
                app_id: Some(AppId::new(&app_id(number)).expect("id")),
                status: ProjectStatus::Active,
                created_at: None,
                has_certificate: false,
                recording_server: None,
            })
            .collect();
        let pool = database.store.pool();
        let listed_at = DateTime::UNIX_EPOCH;
        projects::write_list(pool, &database.account, &listed, listed_at).await.expect("written");
        let script = (0..).map(app_id).zip(scripts).collect();
        let platform = Arc::new(Platform { script: Mutex::new(script), asked: Mutex::default() });
        let api = serve(Arc::clone(&platform)).await;
        let settings = CollectSettings {
            source: UsageSource::V3,
            services: vec![Service::Rtc],
            only_projects: std::collections::BTreeSet::new(),
            policy: DuePolicy { look_back_days: 7, api_history_months: 12, again: false },
            workers: 1,
            page_size: 500,
        };
        Self { database, platform, api, settings, stop: CancellationToken::new() }
    }

    async fn run(&self) -> OccupancyRun {
        let records = Records {
            store: &self.database.store,
            account: &self.database.account,
            clock: Clock::default(),
            settings: &self.settings,
        };
        let lease = &self.database.lease;
        let collector = Collector { api: &self.api, records, lease, stop: &self.stop };
        collector.sync_occupancy().await.expect("run")
    }

    fn pages_asked(&self) -> Vec<u32> {
        self.platform.asked.lock().expect("lock").clone()
    }

    async fn snapshots(&self) -> Vec<String> {
        let snapshots = "select project_id, total_channels, seen_channels, user_count, complete, \
            coalesce(reason, '-') as reason from agora.occupancy_snapshot order by 1, observed_at";
        self.database.ask(snapshots).await
    }

    async fn intervals(&self) -> Vec<String> {
        let intervals = "select project_id, to_at is null as is_open, count(*) as count \
            from agora.occupancy_channel group by 1, 2 order by 1, 2";
        self.database.ask(intervals).await
    }
}

async fn serve(platform: Arc<Platform>) -> AgoraApi {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let host = format!("http://{}", listener.local_addr().expect("address"));
    let routes = axum::Router::new().route("/dev/v1/channel/{app_id}", get(answer));
    tokio::spawn(async move { axum::serve(listener, routes.with_state(platform)).await });
    let settings = ApiSettings {
        hosts: vec![host.parse().expect("url")],
        customer_id: "id".to_owned(),
        customer_secret: "secret".into(),
        requests_per_second: 0,
        statistics_requests_per_second: 0,
        request_timeout: Duration::from_secs(5),
        attempts_per_host: 2,
        first_retry_wait: Duration::from_millis(1),
        retry_after_cap: Duration::from_secs(1),
        max_body_bytes: 1 << 20,
        authorities: crate::authorities::Authorities::default(),
    };
    AgoraApi::new(settings).expect("client")
}

#[tokio::test]
async fn c14_pages_of_an_exact_multiple_and_of_nothing_are_complete_snapshots() {
    let full = vec![Some((0..500, 1_000)), Some((500..1_000, 1_000))];
    let bench = Bench::new(vec![full, vec![Some((0..0, 0))]]).await;
    bench.run().await;
    assert_eq!(bench.pages_asked(), [0, 1, 0]);
    assert_eq!(bench.snapshots().await, ["P1 1000 1000 2000 true -", "P2 0 0 0 true -"]);
    bench.database.close().await;
}

#[tokio::test]
async fn c15_drift_that_stays_is_told_after_two_more_passes() {
    let drift = [Some((1..501, 700)), Some((500..701, 701)), Some((0..0, 701))];
    let bench = Bench::new(vec![[drift.clone(), drift.clone(), drift].concat()]).await;
    let run = bench.run().await;
    assert_eq!(run.snapshots[0].incompleteness.map(Incompleteness::name), Some("drift"));
    assert_eq!(bench.pages_asked(), [0, 1, 2, 0, 1, 2, 0, 1, 2]);
    assert_eq!(bench.snapshots().await, ["P1 701 700 1400 false drift"]);
    assert_eq!(bench.intervals().await, ["P1 true 700"]);
    bench.database.close().await;
}

#[tokio::test]
async fn c15_drift_is_mended_by_reading_again() {
    let drift = vec![Some((1..501, 700)), Some((500..701, 701)), Some((0..0, 701))];
    let again = vec![Some((0..500, 701)), Some((500..701, 701))];
    let bench = Bench::new(vec![[drift, again].concat()]).await;
    bench.run().await;
    assert_eq!(bench.pages_asked(), [0, 1, 2, 0, 1]);
    assert_eq!(bench.snapshots().await, ["P1 701 701 1402 true -"]);
    bench.database.close().await;
}

#[tokio::test]
async fn a_run_that_is_to_end_does_not_begin_another_pass() {
    let drift = vec![Some((1..501, 700)), Some((500..701, 701)), Some((0..0, 701))];
    let bench = Bench::new(vec![drift]).await;
    let app_id = AppId::new(&"0".repeat(32)).expect("id");
    let project_id = ProjectId::new("P1").expect("id");
    let records = Records {
        store: &bench.database.store,
        account: &bench.database.account,
        clock: Clock::default(),
        settings: &bench.settings,
    };
    bench.stop.cancel();
    let lease = &bench.database.lease;
    let collector = Collector { api: &bench.api, records, lease, stop: &bench.stop };
    let snapshot = collector.snapshot(&project_id, &app_id).await.expect("read");
    assert_eq!((snapshot.channels.len(), bench.pages_asked().len()), (700, 3));
    bench.database.close().await;
}

#[tokio::test]
async fn c16_a_server_that_ignores_the_page_is_asked_twice() {
    let bench = Bench::new(vec![vec![Some((0..100, 100_000)), Some((0..100, 100_000))]]).await;
    bench.run().await;
    assert_eq!(bench.pages_asked(), [0, 1]);
    assert_eq!(bench.snapshots().await, ["P1 100000 100 200 false stuck_page"]);
    bench.database.close().await;
}

#[tokio::test]
async fn c17_a_page_that_fails_for_good_publishes_nothing_and_closes_nothing() {
    let whole = vec![Some((0..500, 1_200)), Some((500..1_000, 1_200)), Some((1_000..1_200, 1_200))];
    // Channels 0 to 99 are gone, and the last page is lost: both attempts fail.
    let lost = vec![Some((100..600, 1_100)), Some((600..1_100, 1_100)), None, None];
    let other = vec![Some((0..1, 1)), Some((0..1, 1))];
    let bench = Bench::new(vec![[whole, lost].concat(), other]).await;
    assert!(bench.run().await.failed.is_empty());
    let run = bench.run().await;
    let failed: Vec<&str> = run.failed.iter().map(|(project, _)| project.as_str()).collect();
    assert_eq!(failed, ["P1"]);
    assert_eq!(
        bench.snapshots().await,
        ["P1 1200 1200 2400 true -", "P2 1 1 2 true -", "P2 1 1 2 true -"]
    );
    assert_eq!(bench.intervals().await, ["P1 true 1200", "P2 true 1"]);
    bench.database.close().await;
}
