//! A scripted Dashboard API, for what the simulator cannot serve: any value in
//! any JSON form, failures of single requests, and a log of what was asked.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Fields of usage v3, and the business of real-time audio and video.
pub(crate) const AUDIO: &str = "durationAudioAll";
pub(crate) const HD: &str = "durationVideoHd";
pub(crate) const HDP: &str = "durationVideoHdp";
pub(crate) const FULL_HD: &str = "durationVideo1080P";
pub(crate) const RTC: &str = "default";

/// A request that was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Without a slash at its end.
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
}

impl Asked {
    /// A parameter; empty when it was not sent.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    /// `project_id` of usage v3.
    pub(crate) fn project(&self) -> &str {
        self.parameter("project_id")
    }

    pub(crate) fn is_v3(&self) -> bool {
        self.path == "/dev/v3/usage"
    }

    pub(crate) fn is_v1(&self) -> bool {
        self.path == "/dev/v1/usage"
    }

    fn covers(&self, day: &str) -> bool {
        (self.parameter("from_date")..=self.parameter("to_date")).contains(&day)
    }
}

struct Rule {
    applies: Box<dyn Fn(&Asked) -> bool + Send>,
    status: u16,
    body: String,
}

type ChannelPages = Box<dyn Fn(usize) -> Value + Send>;

#[derive(Default)]
struct Script {
    projects: Vec<Value>,
    /// By project, business and day.
    seconds: BTreeMap<(String, String, String), Value>,
    /// By project and day.
    minutes: BTreeMap<(String, String), Value>,
    /// By App ID.
    channels: BTreeMap<String, ChannelPages>,
    rules: Vec<Rule>,
    asked: Vec<Asked>,
}

/// A running server; it stops when it is dropped.
pub(crate) struct FakeApi {
    script: Arc<Mutex<Script>>,
    port: u16,
    serving: JoinHandle<()>,
}

impl Drop for FakeApi {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl FakeApi {
    /// Serves an account without projects. Needs a runtime with more than one thread.
    pub(crate) async fn start() -> Self {
        let script = Arc::new(Mutex::new(Script::default()));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("address").port();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&script));
        let serving = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("serving");
        });
        Self { script, port, serving }
    }

    /// As `AGORA_BASE_URL` has it.
    pub(crate) fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The project list from now on: active projects of these ids.
    pub(crate) fn list(&self, ids: &[&str]) {
        self.list_bodies(ids.iter().map(|id| project(id, &format!("Project {id}"))).collect());
    }

    /// The project list from now on, as it is sent.
    pub(crate) fn list_bodies(&self, projects: Vec<Value>) {
        self.script().projects = projects;
    }

    /// Real-time seconds of a day; fields that are not given are 0.
    pub(crate) fn use_seconds(&self, project: &str, day: &str, seconds: &[(&str, u64)]) {
        let mut usage: BTreeMap<&str, u64> = fields(RTC).iter().map(|field| (*field, 0)).collect();
        usage.extend(seconds.iter().copied());
        self.use_body(project, RTC, day, json!(usage));
    }

    /// Usage of a day as it is sent.
    pub(crate) fn use_body(&self, project: &str, business: &str, day: &str, usage: Value) {
        self.script().seconds.insert((project.into(), business.into(), day.into()), usage);
    }

    /// Minutes of a day in usage v1, as they are sent.
    pub(crate) fn use_minutes(&self, project: &str, day: &str, minutes: Value) {
        self.script().minutes.insert((project.into(), day.into()), minutes);
    }

    /// Empty answers of usage from now on.
    pub(crate) fn forget_usage(&self) {
        let mut script = self.script();
        script.seconds.clear();
        script.minutes.clear();
    }

    /// The channel list of an App ID: `data` of each page, by its number.
    pub(crate) fn serve_channels(
        &self,
        app_id: &str,
        pages: impl Fn(usize) -> Value + Send + 'static,
    ) {
        self.script().channels.insert(app_id.into(), Box::new(pages));
    }

    /// Answers matching requests with this from now on; the first rule that applies counts.
    pub(crate) fn answer_when(
        &self,
        applies: impl Fn(&Asked) -> bool + Send + 'static,
        status: u16,
        body: &str,
    ) {
        let rule = Rule { applies: Box::new(applies), status, body: body.to_owned() };
        self.script().rules.push(rule);
    }

    /// Forgets every rule.
    pub(crate) fn heal(&self) {
        self.script().rules.clear();
    }

    /// What was asked since the last call of this.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.script().asked)
    }

    /// `project from..to` of each usage v3 request since the last call of [`FakeApi::asked`], sorted.
    pub(crate) fn asked_seconds(&self) -> Vec<String> {
        let asked = self.asked();
        let line = |asked: &Asked| {
            let [from, to] = ["from_date", "to_date"].map(|name| asked.parameter(name));
            format!("{} {from}..{to}", asked.project())
        };
        let mut lines: Vec<String> = asked.iter().filter(|asked| asked.is_v3()).map(line).collect();
        lines.sort();
        lines
    }
}

/// A listed, active project.
pub(crate) fn project(id: &str, name: &str) -> Value {
    json!({
        "id": id,
        "name": name,
        "vendor_key": app_id(id),
        "sign_key": "",
        "recording_server": null,
        "status": 1,
        "created": 1_893_456_000,
    })
}

/// App ID of a project id.
pub(crate) fn app_id(id: &str) -> String {
    format!("{:x}", Sha256::digest(id))[..32].to_owned()
}

/// One page of channels.
pub(crate) fn channel_page(
    names: impl IntoIterator<Item = String>,
    users: u64,
    total: usize,
) -> Value {
    let channel = |name| json!({ "channel_name": name, "user_count": users });
    let channels: Vec<Value> = names.into_iter().map(channel).collect();
    json!({ "channels": channels, "total_size": total })
}

/// Keys of `meta` of a business.
fn fields(business: &str) -> &'static [&'static str] {
    const ALL: [&str; 6] = [AUDIO, HD, HDP, FULL_HD, "durationVideo2K", "durationVideo4K"];
    match business {
        "miniapp" => &ALL[..1],
        _ => &ALL,
    }
}

async fn answer(
    State(script): State<Arc<Mutex<Script>>>,
    uri: Uri,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    let asked = Asked { path: uri.path().trim_end_matches('/').to_owned(), query };
    let mut script = script.lock().unwrap_or_else(PoisonError::into_inner);
    script.asked.push(asked.clone());
    let (status, body) = match script.rules.iter().find(|rule| (rule.applies)(&asked)) {
        Some(rule) => (rule.status, rule.body.clone()),
        None => match script.body(&asked) {
            Some(body) => (200, body.to_string()),
            None => (404, json!({ "message": "Project not found" }).to_string()),
        },
    };
    let status = StatusCode::from_u16(status).expect("status");
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

impl Script {
    /// The answer that no rule replaces; none for what does not exist.
    fn body(&self, asked: &Asked) -> Option<Value> {
        match asked.path.as_str() {
            "/dev/v1/projects" => Some(json!({ "projects": self.projects })),
            "/dev/v1/usage" => Some(self.usage_minutes(asked)),
            "/dev/v3/usage" => self.usage_seconds(asked),
            path => {
                let pages = self.channels.get(path.strip_prefix("/dev/v1/channel/")?)?;
                let page_no = asked.parameter("page_no").parse().ok()?;
                Some(json!({ "success": true, "data": pages(page_no) }))
            }
        }
    }

    fn usage_minutes(&self, asked: &Asked) -> Value {
        let wanted: Vec<&str> =
            asked.parameter("projects").split(',').filter(|id| !id.is_empty()).collect();
        let mut daily: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for ((project, day), minutes) in &self.minutes {
            let is_wanted = wanted.is_empty() || wanted.contains(&project.as_str());
            if is_wanted && asked.covers(day) {
                let mut minutes = minutes.clone();
                minutes["date"] = json!(day.replace('-', "").parse::<u32>().expect("day"));
                daily.entry(project).or_default().push(minutes);
            }
        }
        let usages = daily.iter().map(|(id, daily)| json!({ "project": id, "daily": daily }));
        json!({ "usages": usages.collect::<Vec<_>>() })
    }

    /// Deleted projects answer by their id as long as they have usage.
    fn usage_seconds(&self, asked: &Asked) -> Option<Value> {
        let id = asked.project();
        let is_listed = self.projects.iter().any(|project| project["id"] == id);
        if !is_listed && !self.seconds.keys().any(|(project, ..)| project == id) {
            return None;
        }
        let business = asked.parameter("business");
        let days = self
            .seconds
            .iter()
            .filter(|((project, of, day), _)| project == id && of == business && asked.covers(day));
        let usages = days.map(
            |((.., day), usage)| json!({ "date": format!("{day}T00:00:00.000Z"), "usage": usage }),
        );
        let meta: BTreeMap<&str, Value> =
            fields(business).iter().map(|field| (*field, json!({ "unit": "second" }))).collect();
        Some(json!({ "meta": meta, "usages": usages.collect::<Vec<_>>() }))
    }
}
