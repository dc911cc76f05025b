//! `GET /dev/v1/channel/user/{app_id}/{channel}`: who is in a channel.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Map, Value, json};

use super::live_channel;
use crate::simulator::answer::{Ordered, Refusal, statistics};
use crate::simulator::channels::LiveChannel;
use crate::simulator::state::Account;
use crate::simulator::users::{Mode, Part};

/// No more of an audience is listed (Agora's documentation, 2026).
const MAX_LISTED_AUDIENCE: usize = 10_000;

/// Everybody.
pub(in crate::simulator) async fn all(
    State(account): State<Arc<Account>>,
    Path((app_id, channel_name)): Path<(String, String)>,
) -> Result<Json<Ordered>, Refusal> {
    answer(&account, &app_id, &channel_name, false)
}

/// `.../hosts_only`: without the audience of a live broadcast.
pub(in crate::simulator) async fn hosts(
    State(account): State<Arc<Account>>,
    Path((app_id, channel_name)): Path<(String, String)>,
) -> Result<Json<Ordered>, Refusal> {
    answer(&account, &app_id, &channel_name, true)
}

fn answer(
    account: &Account,
    app_id: &str,
    channel_name: &str,
    hosts_only: bool,
) -> Result<Json<Ordered>, Refusal> {
    let data = match live_channel(account, app_id, channel_name)? {
        Some(channel) => users(account, &channel, hosts_only),
        None => json!({ "channel_exist": false }),
    };
    Ok(statistics(account.shapes.success_first, data))
}

fn users(account: &Account, channel: &LiveChannel, hosts_only: bool) -> Value {
    let shapes = account.shapes;
    let users = channel.users(account.seed);
    if channel.mode() == Mode::Communication {
        let ids: Vec<_> = users.iter().map(|user| user.user_id).collect();
        return json!({ "channel_exist": true, "mode": 1, "total": ids.len(), "users": ids });
    }
    let (audience, broadcasters): (Vec<_>, Vec<_>) =
        users.iter().partition(|user| user.part == Part::Audience);
    let ids = |users: &[_], most: usize| -> Vec<u64> {
        users
            .iter()
            .take(most)
            .map(|user: &crate::simulator::users::ChannelUser| user.user_id)
            .collect()
    };
    let mut data = Map::new();
    data.insert("channel_exist".to_owned(), json!(true));
    data.insert("mode".to_owned(), json!(2));
    data.insert(shapes.broadcasters_key.to_owned(), json!(ids(&broadcasters, usize::MAX)));
    if !hosts_only {
        data.insert("audience".to_owned(), json!(ids(&audience, MAX_LISTED_AUDIENCE)));
        data.insert(shapes.audience_total_key.to_owned(), json!(audience.len()));
    }
    Value::Object(data)
}

#[cfg(test)]
mod tests {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use serde_json::json;

    use crate::simulator::ApiYear;
    use crate::simulator::testing::{account_of, app_id, ask, busy};

    #[tokio::test]
    async fn as_many_users_as_the_list_counts_in_both_modes() {
        let account = busy(ApiYear::Year2026);
        let mut modes = [0, 0, 0];
        for number in [0, 1, 2] {
            let app_id = app_id(&account, number);
            let list = ask(&account, &format!("/dev/v1/channel/{app_id}")).await.json();
            for channel in list["data"]["channels"].as_array().expect("array") {
                let name = channel["channel_name"].as_str().expect("name");
                let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
                let path = format!("/dev/v1/channel/user/{app_id}/{name}");
                let data = ask(&account, &path).await.json()["data"].clone();
                let count = |key: &str| data[key].as_array().map_or(0, Vec::len);
                let users = count("users") + count("broadcasters") + count("audience");
                assert_eq!(channel["user_count"], users, "{path}");
                let mode = usize::try_from(data["mode"].as_u64().expect("mode")).expect("small");
                modes[mode] += 1;
                let hosts = ask(&account, &format!("{path}/hosts_only/")).await.json();
                if mode == 1 {
                    assert_eq!((&data["total"], &hosts["data"]), (&users.into(), &data));
                } else {
                    assert_eq!(data["audience_total"], count("audience"));
                    let broadcasters = &data["broadcasters"];
                    let only =
                        json!({ "channel_exist": true, "mode": 2, "broadcasters": broadcasters });
                    assert_eq!(hosts["data"], only);
                }
            }
        }
        assert!(modes[1] > 0 && modes[2] > 0, "{modes:?}");
    }

    #[tokio::test]
    async fn a_channel_without_users_does_not_exist() {
        for (year, body) in [
            (ApiYear::Year2018, r#"{"success":true,"data":{"channel_exist":false}}"#),
            (ApiYear::Year2020, r#"{"data":{"channel_exist":false},"success":true}"#),
            (ApiYear::Year2026, r#"{"success":true,"data":{"channel_exist":false}}"#),
        ] {
            let account = account_of(year);
            let path = format!("/dev/v1/channel/user/{}/nothing", app_id(&account, 0));
            assert_eq!(ask(&account, &path).await.body, body);
        }
    }

    #[tokio::test]
    async fn c25_the_lobby_holds_the_largest_id() {
        let account = account_of(ApiYear::Year2026);
        let path = format!("/dev/v1/channel/user/{}/lobby/", app_id(&account, 0));
        let data = ask(&account, &path).await.json()["data"].clone();
        assert_eq!((&data["mode"], &data["users"][0]), (&1.into(), &4_294_967_295_u32.into()));
    }

    #[tokio::test]
    async fn keys_are_misspelt_in_the_old_years() {
        for (year, broadcasters, total) in [
            (ApiYear::Year2018, "broadcaster", "auience_total"),
            (ApiYear::Year2020, "broadcasters", "auience_total"),
            (ApiYear::Year2026, "broadcasters", "audience_total"),
        ] {
            let account = busy(year);
            let project = account.project_of_app(&app_id(&account, 2)).expect("exists");
            let channels = account.live_channels(&project, account.now());
            let live = channels.iter().find(|channel| channel.mode() as u8 == 2).expect("one");
            let name = utf8_percent_encode(&live.channel_name, NON_ALPHANUMERIC);
            let path = format!("/dev/v1/channel/user/{}/{name}", project.app_id);
            let data = ask(&account, &path).await.json()["data"].clone();
            assert!(data[broadcasters].is_array() && data[total].is_u64(), "{year}: {data}");
        }
    }

    #[tokio::test]
    async fn an_unknown_app_is_refused_as_the_year_does() {
        for (year, status) in
            [(ApiYear::Year2018, 401), (ApiYear::Year2020, 401), (ApiYear::Year2026, 400)]
        {
            let answer = ask(&account_of(year), "/dev/v1/channel/user/nobody/lobby").await;
            assert_eq!(answer.status, status);
            assert_eq!(answer.json()["message"], "invalid appid");
        }
    }
}
