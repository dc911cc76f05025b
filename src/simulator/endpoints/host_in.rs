//! `GET /dev/v1/channel/business/hostin/{app_id}/{uid}/{channel}`: is a user a co-host?

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::json;

use super::present_user;
use crate::simulator::answer::{Ordered, Refusal, statistics};
use crate::simulator::state::Account;
use crate::simulator::users::Part;

/// A co-host is whoever sends in a live broadcast.
pub(in crate::simulator) async fn is_host(
    State(account): State<Arc<Account>>,
    Path((app_id, uid, channel_name)): Path<(String, String, String)>,
) -> Result<Json<Ordered>, Refusal> {
    let user = present_user(&account, &app_id, &uid, &channel_name)?;
    let is_host = user.is_some_and(|user| matches!(user.part, Part::Broadcaster(_)));
    Ok(statistics(account.shapes.success_first, json!({ "isHostIn": is_host })))
}

#[cfg(test)]
mod tests {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

    use crate::simulator::ApiYear;
    use crate::simulator::testing::{app_id, ask, busy};
    use crate::simulator::users::Part;

    #[tokio::test]
    async fn broadcasters_are_co_hosts_and_others_are_not() {
        let account = busy(ApiYear::Year2026);
        let project = account.project_of_app(&app_id(&account, 2)).expect("exists");
        let channels = account.live_channels(&project, account.now());
        let crowd = channels.iter().max_by_key(|channel| channel.user_count).expect("one");
        let name = utf8_percent_encode(&crowd.channel_name, NON_ALPHANUMERIC);
        for user in crowd.users(account.seed) {
            let path = "/dev/v1/channel/business/hostin";
            let path = format!("{path}/{}/{}/{name}", project.app_id, user.user_id);
            let body = ask(&account, &path).await.json();
            let is_host = matches!(user.part, Part::Broadcaster(_));
            assert_eq!(body["data"]["isHostIn"], is_host, "{user:?}");
        }
        let path = format!("/dev/v1/channel/business/hostin/{}/1/{name}", project.app_id);
        assert_eq!(ask(&account, &path).await.json()["data"]["isHostIn"], false);
    }
}
