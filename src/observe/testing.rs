//! A watched account on a database of its own, and a webhook that takes what it is sent.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{ObserveState, WatchedAccount, WatchedJob};
use crate::clock::Clock;
use crate::collect::CollectSettings;
use crate::collect::due::DuePolicy;
use crate::domain::{Service, UsageSource};
use crate::schedule::runner::Workplace;
use crate::store::occupancy::testing::{TestDatabase, at};
use crate::store::{DatabaseAddress, Store};

/// A state over an account with the jobs `usage` and `occupancy`.
pub(crate) struct Observed {
    pub(crate) database: TestDatabase,
    pub(crate) state: Arc<ObserveState>,
    pub(crate) stopping: CancellationToken,
}

impl Observed {
    pub(crate) async fn at(now: &str) -> Self {
        let database = TestDatabase::new().await;
        let cluster = database.store.cluster().expect("private");
        let url = cluster.connection_url("agora_usage");
        let stopping = CancellationToken::new();
        let state = Self::watching(&url, &database, now, stopping.clone()).await;
        Self { database, state, stopping }
    }

    /// Another process that watches the same account.
    pub(crate) async fn another(&self, now: &str) -> Arc<ObserveState> {
        let cluster = self.database.store.cluster().expect("private");
        let url = cluster.connection_url("agora_usage");
        Self::watching(&url, &self.database, now, CancellationToken::new()).await
    }

    async fn watching(
        url: &str,
        database: &TestDatabase,
        now: &str,
        stopping: CancellationToken,
    ) -> Arc<ObserveState> {
        let address = DatabaseAddress::Given(url.to_owned().into());
        let store = Store::open(&address, 2).await.expect("opened");
        let clock = Clock::starting_at(at(now));
        let workplace = Workplace { store, clock, holder: "this process".to_owned() };
        let accounts =
            vec![WatchedAccount { account: database.account.clone(), collect: collect() }];
        let job = |name, schedule: &str| WatchedJob {
            name,
            schedule: schedule.parse().expect("schedule"),
        };
        let jobs = vec![job("usage", "0 15 2,8,14,20 * * *"), job("occupancy", "0 * * * * *")];
        let workplace = Arc::new(workplace);
        ObserveState::new(workplace, accounts, jobs, "reports".into(), stopping).expect("collects")
    }

    /// A run of a job as the daemon writes it.
    pub(crate) async fn ran(&self, job: &str, slot: &str, state: &str, figures: &str) {
        self.database
            .run(&format!(
                "insert into agora.job_run (account_id, job, slot, state, holder, attempt, \
                 started_at, finished_at, figures, message) values ('default', '{job}', '{slot}', \
                 '{state}', 'test', 1, '{slot}', timestamptz '{slot}' + interval '5 seconds', \
                 '{figures}', 'said by {job}')"
            ))
            .await;
    }

    /// A usage request of one project over a range of days, and how it ended.
    pub(crate) async fn asked(&self, project: &str, from: &str, to: &str, at: &str, outcome: &str) {
        let message = if outcome == "failed" { "'status 500'" } else { "null" };
        self.database
            .run(&format!(
                "insert into agora.sync_request (account_id, endpoint, project_id, service, \
                 from_day, to_day, started_at, finished_at, outcome, attempts, message, \
                 rows_received) values ('default', 'usage_v3', '{project}', 'rtc', '{from}', \
                 '{to}', '{at}', '{at}', '{outcome}', 1, {message}, 0)"
            ))
            .await;
    }

    pub(crate) async fn close(self) {
        self.state.close().await;
        self.state.workplace.store.pool().close().await;
        self.database.close().await;
    }
}

fn collect() -> CollectSettings {
    CollectSettings {
        source: UsageSource::V3,
        services: vec![Service::Rtc],
        only_projects: BTreeSet::new(),
        policy: DuePolicy { look_back_days: 7, api_history_months: 12, again: false },
        workers: 1,
        page_size: 500,
    }
}

/// What is answered, and what was sent.
type Kept = Arc<Mutex<(StatusCode, Vec<Value>)>>;

/// A webhook on this machine; it keeps what it is sent.
pub(crate) struct Webhook {
    address: SocketAddr,
    kept: Kept,
    stop: CancellationToken,
}

impl Webhook {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("port");
        let address = listener.local_addr().expect("address");
        let kept = Kept::new(Mutex::new((StatusCode::OK, Vec::new())));
        let (routes, stop) = (Router::new().fallback(keep), CancellationToken::new());
        let server = axum::serve(listener, routes.with_state(Arc::clone(&kept)))
            .with_graceful_shutdown(stop.clone().cancelled_owned());
        tokio::spawn(async move { server.await.expect("served") });
        Self { address, kept, stop }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook/secret", self.address)
    }

    /// Answers with this status from now on; what is not answered with 200 is not kept.
    pub(crate) fn answer(&self, status: StatusCode) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).0 = status;
    }

    /// What came since the last look; `null` for a request without a document.
    pub(crate) fn taken(&self) -> Vec<Value> {
        std::mem::take(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner).1)
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn keep(State(kept): State<Kept>, body: String) -> StatusCode {
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.0.is_success() {
        kept.1.push(serde_json::from_str(&body).unwrap_or(Value::Null));
    }
    kept.0
}
