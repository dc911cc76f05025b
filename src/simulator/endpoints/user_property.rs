//! `GET /dev/v1/channel/user/property/{app_id}/{uid}/{channel}`: a user's role.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::present_user;
use crate::simulator::answer::{Ordered, Refusal, statistics};
use crate::simulator::state::Account;
use crate::simulator::users::{ChannelUser, Part};
use crate::simulator::years::Shapes;

/// Says whether the user is in the channel, and in which role.
pub(in crate::simulator) async fn of_user(
    State(account): State<Arc<Account>>,
    Path((app_id, uid, channel_name)): Path<(String, String, String)>,
) -> Result<Json<Ordered>, Refusal> {
    let data = match present_user(&account, &app_id, &uid, &channel_name)? {
        Some(user) => property(account.shapes, user),
        None => json!({ "in_channel": false }),
    };
    Ok(statistics(account.shapes.success_first, data))
}

fn property(shapes: &Shapes, user: ChannelUser) -> Value {
    let role = role(shapes, user.part);
    if !shapes.user_details {
        return json!({ "in_channel": true, "role": role });
    }
    json!({
        "join": user.joined_at,
        "uid": user.user_id,
        "in_channel": true,
        "platform": user.platform,
        "role": role,
    })
}

/// As the platform numbers roles; 4 was not used after 2018.
fn role(shapes: &Shapes, part: Part) -> u8 {
    match part {
        Part::Caller => 1,
        Part::Broadcaster(place) => {
            shapes.broadcaster_roles.iter().cycle().nth(place).copied().unwrap_or(2)
        }
        Part::Audience => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::ApiYear;
    use crate::simulator::testing::{account_of, app_id, ask};

    #[tokio::test]
    async fn a_user_of_the_list_is_in_the_channel() {
        for (year, keys) in [(ApiYear::Year2018, 2), (ApiYear::Year2020, 5), (ApiYear::Year2026, 5)]
        {
            let account = account_of(year);
            let path = format!("/dev/v1/channel/user/property/{}", app_id(&account, 0));
            let body = ask(&account, &format!("{path}/4294967295/lobby/")).await.json();
            let data = body["data"].as_object().expect("object");
            assert_eq!(data.len(), keys, "{year}");
            assert_eq!((&data["in_channel"], &data["role"]), (&true.into(), &1.into()));
            if let Some(join) = data.get("join").and_then(Value::as_i64) {
                assert!(join <= account.now().timestamp());
            }
            let absent = ask(&account, &format!("{path}/7/lobby")).await.json();
            assert_eq!(absent["data"], json!({ "in_channel": false }));
        }
    }

    #[tokio::test]
    async fn a_uid_out_of_range_is_refused() {
        let account = account_of(ApiYear::Year2026);
        for uid in ["0", "4294967296", "-1", "x"] {
            let path = format!("/dev/v1/channel/user/property/{}/{uid}/lobby", app_id(&account, 0));
            assert_eq!(ask(&account, &path).await.status, 400, "{uid}");
        }
    }

    #[test]
    fn role_4_belongs_to_2018() {
        let roles = |year: ApiYear| {
            [Part::Broadcaster(0), Part::Broadcaster(1), Part::Audience]
                .map(|part| role(year.shapes(), part))
        };
        assert_eq!(roles(ApiYear::Year2018), [2, 4, 3]);
        assert_eq!(roles(ApiYear::Year2026), [2, 2, 3]);
    }
}
