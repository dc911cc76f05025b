//! `GET /dev/v1/channel/{app_id}`: the live channels of a project, page by page.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};

use super::parameters;
use crate::simulator::answer::Refusal;
use crate::simulator::cast::Fate;
use crate::simulator::channels::live_channels;
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

#[derive(Serialize)]
pub(in crate::simulator) struct ChannelList {
    success: bool,
    data: ChannelPage,
}

#[derive(Serialize)]
struct ChannelPage {
    channels: Vec<ChannelBody>,
    /// Number of channels over all pages.
    total_size: usize,
}

#[derive(Serialize)]
struct ChannelBody {
    channel_name: String,
    user_count: u64,
}

/// Answers one page, counted from 0; past the end it is empty.
pub(in crate::simulator) async fn list(
    State(account): State<Arc<Account>>,
    Path(app_id): Path<String>,
    query: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<ChannelList>, Refusal> {
    let Parameters { page_no, page_size } = parameters(query)?;
    if !(1..=500).contains(&page_size) {
        return Err(Refusal::bad_request("page_size must be between 1 and 500"));
    }
    let project = account.project_of_app(&app_id).filter(|project| project.fate != Fate::Deleted);
    let project = project.ok_or_else(|| Refusal::bad_request("invalid appid"))?;
    let live = live_channels(account.seed, project, account.now());
    let total_size = live.len();
    let page = live.into_iter().skip(page_no.saturating_mul(page_size)).take(page_size);
    let body = page.map(|channel| ChannelBody {
        channel_name: channel.channel_name,
        user_count: channel.user_count,
    });
    Ok(Json(ChannelList {
        success: true,
        data: ChannelPage { channels: body.collect(), total_size },
    }))
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::Value;

    use crate::simulator::testing::{account_at, ask};

    const BUSY: &str = "2031-05-08T18:00:10Z";

    #[tokio::test]
    async fn pages_make_up_the_whole_list() {
        let account = account_at(BUSY);
        let path = format!("/dev/v1/channel/{}", account.projects[2].app_id);
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
            let path = format!("/dev/v1/channel/{}?page_no={page_no}", account.projects[0].app_id);
            let body = ask(&account, &path).await.json();
            assert_eq!(body["data"]["channels"].as_array().map(Vec::len), Some(0));
            assert!(body["data"]["total_size"].as_u64().is_some_and(|total| total > 0));
        }
    }

    #[tokio::test]
    async fn wrong_pages_and_unknown_apps_are_refused() {
        let account = account_at(BUSY);
        let app_id = &account.projects[0].app_id;
        for query in ["page_size=0", "page_size=501", "page_no=-1", "page_no=x"] {
            let answer = ask(&account, &format!("/dev/v1/channel/{app_id}?{query}")).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        }
        let deleted = &account.projects[6].app_id;
        for app_id in ["nobody", deleted] {
            let answer = ask(&account, &format!("/dev/v1/channel/{app_id}")).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST);
            assert_eq!(answer.json(), serde_json::json!({ "message": "invalid appid" }));
        }
    }

    #[tokio::test]
    async fn a_disabled_project_has_an_empty_list() {
        let account = account_at(BUSY);
        let path = format!("/dev/v1/channel/{}/", account.projects[4].app_id);
        let body: Value = ask(&account, &path).await.json();
        assert_eq!(body["data"], serde_json::json!({ "channels": [], "total_size": 0 }));
    }
}
