//! `GET /dev/v1/channel/{app_id}`: the live channels of a project, page by page.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{app, parameters};
use crate::simulator::answer::{Ordered, Refusal, statistics};
use crate::simulator::faults::Struck;
use crate::simulator::state::Account;

#[derive(Deserialize)]
pub(in crate::simulator) struct Parameters {
    #[serde(default)]
    page_no: usize,
    #[serde(default = "default_page_size")]
    page_size: usize,
}

const fn default_page_size() -> usize {
    100
}

/// Answers one page, counted from 0; past the end it is empty.
pub(in crate::simulator) async fn list(
    State(account): State<Arc<Account>>,
    Extension(struck): Extension<Struck>,
    Path(app_id): Path<String>,
    query: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<Ordered>, Refusal> {
    let Parameters { page_no, page_size } = parameters(query)?;
    if !(1..=500).contains(&page_size) {
        return Err(Refusal::bad_request("page_size must be between 1 and 500"));
    }
    let project = app(&account, &app_id)?;
    let live = account.live_channels(&project, account.now());
    let page_no = if struck.pages_are_stuck() { 0 } else { page_no };
    // Whoever reads the first page finds the list as it was before the drift.
    let drifted = if page_no == 0 { 0 } else { struck.drifted_channels() };
    let newcomers = (0..drifted).map(|number| body(&format!("newcomer-{number}"), 1));
    let channels = live.iter().map(|channel| body(&channel.channel_name, channel.user_count));
    let page = newcomers.chain(channels).skip(page_no.saturating_mul(page_size)).take(page_size);
    let total_size = drifted + live.len() as u64;
    let data = json!({ "channels": page.collect::<Vec<_>>(), "total_size": total_size });
    Ok(statistics(account.shapes.success_first, data))
}

fn body(channel_name: &str, user_count: u64) -> Value {
    json!({ "channel_name": channel_name, "user_count": user_count })
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::Value;

    use crate::simulator::SimulatorSettings;
    use crate::simulator::testing::{account, account_at, app_id, ask, unlimited};

    const BUSY: &str = "2031-05-08T18:00:10Z";

    #[tokio::test]
    async fn pages_make_up_the_whole_list() {
        let account = account_at(BUSY);
        let path = format!("/dev/v1/channel/{}", app_id(&account, 2));
        let whole = ask(&account, &path).await.json();
        let all = whole["data"]["channels"].as_array().expect("array").clone();
        assert_eq!(whole["success"], true);
        assert_eq!(whole["data"]["total_size"], all.len());
        assert!(all.len() > 3);
        let mut paged = Vec::new();
        for page_no in 0..=all.len() / 2 + 1 {
            let page = ask(&account, &format!("{path}?page_no={page_no}&page_size=2")).await.json();
            assert_eq!(page["data"]["total_size"], all.len());
            paged.extend(page["data"]["channels"].as_array().expect("array").iter().cloned());
        }
        assert_eq!(paged, all);
    }

    #[tokio::test]
    async fn past_the_end_the_list_is_empty() {
        let account = account_at(BUSY);
        for page_no in ["1000", "18446744073709551615"] {
            let path = format!("/dev/v1/channel/{}?page_no={page_no}", app_id(&account, 0));
            let body = ask(&account, &path).await.json();
            assert_eq!(body["data"]["channels"].as_array().map(Vec::len), Some(0));
            assert!(body["data"]["total_size"].as_u64().is_some_and(|total| total > 0));
        }
    }

    #[tokio::test]
    async fn wrong_pages_and_unknown_apps_are_refused() {
        let account = account_at(BUSY);
        let first = app_id(&account, 0);
        for query in ["page_size=0", "page_size=501", "page_no=-1", "page_no=x"] {
            let answer = ask(&account, &format!("/dev/v1/channel/{first}?{query}")).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        }
        let deleted = app_id(&account, 6);
        for app_id in ["nobody", &deleted] {
            let answer = ask(&account, &format!("/dev/v1/channel/{app_id}")).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST);
            assert_eq!(answer.json(), serde_json::json!({ "message": "invalid appid" }));
        }
    }

    #[tokio::test]
    async fn a_disabled_project_has_an_empty_list() {
        let account = account_at(BUSY);
        let path = format!("/dev/v1/channel/{}/", app_id(&account, 4));
        let body: Value = ask(&account, &path).await.json();
        assert_eq!(body["data"], serde_json::json!({ "channels": [], "total_size": 0 }));
    }

    /// 700 channels and faults.
    fn faulty(faults: &[&str]) -> std::sync::Arc<crate::simulator::state::Account> {
        let faults = faults.iter().map(|fault| fault.parse().expect("a fault")).collect();
        account(&SimulatorSettings { channels: Some(700), faults, ..unlimited() })
    }

    #[tokio::test]
    async fn c15_a_channel_comes_in_front_between_two_pages() {
        let account = faulty(&["drift@channels"]);
        let path = format!("/dev/v1/channel/{}?page_size=500", app_id(&account, 0));
        let first = ask(&account, &path).await.json()["data"].clone();
        let second = ask(&account, &format!("{path}&page_no=1")).await.json()["data"].clone();
        assert_eq!((&first["total_size"], &second["total_size"]), (&700.into(), &701.into()));
        assert_eq!(first["channels"][499], second["channels"][0], "it comes twice");
        assert_eq!(second["channels"].as_array().map(Vec::len), Some(201));
    }

    #[tokio::test]
    async fn c16_stuck_pages_are_always_the_first() {
        let account = faulty(&["stuck-pages"]);
        let path = format!("/dev/v1/channel/{}?page_no", app_id(&account, 0));
        let first = ask(&account, &format!("{path}=0")).await.body;
        assert_eq!(ask(&account, &format!("{path}=5")).await.body, first);
    }
}
