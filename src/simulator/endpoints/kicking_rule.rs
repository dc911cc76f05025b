//! `/dev/v1/kicking-rule`: creates, lists, prolongs and deletes bans.
//!
//! What is not documented is decided here: an empty channel, user 0, address 0
//! and a rule for nobody are answered with id 0 and put no rule in force, as
//! has been seen; a rule that is not in force is not found.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::simulator::answer::{Ordered, Refusal, rule_answer};
use crate::simulator::asked::Asked;
use crate::simulator::rules::{DEFAULT_SECONDS, MAX_SECONDS, Rule, Whom};
use crate::simulator::state::Account;
use crate::simulator::years::Shapes;

/// Longest channel name, in bytes.
const MAX_CHANNEL_NAME_BYTES: usize = 64;

/// `POST`: puts a rule in force.
pub(in crate::simulator) async fn create(
    State(account): State<Arc<Account>>,
    asked: Asked,
) -> Result<Json<Ordered>, Refusal> {
    let app_id = known_app(&account, &asked)?;
    let length_seconds = length_seconds(&asked)?.unwrap_or(DEFAULT_SECONDS);
    let rule_id = match whom(app_id, &asked)? {
        Some(whom) => account.rules().create(whom, length_seconds, account.now()),
        None => 0,
    };
    Ok(rule_answer(account.shapes.status_first, "id", rule_id))
}

/// `GET`: the rules in force.
pub(in crate::simulator) async fn list(
    State(account): State<Arc<Account>>,
    asked: Asked,
) -> Result<Json<Ordered>, Refusal> {
    let app_id = known_app(&account, &asked)?;
    let rules = account.rules().in_force(app_id, account.now());
    let rules: Vec<_> = rules.iter().map(|rule| body(account.shapes, rule)).collect();
    Ok(rule_answer(account.shapes.status_first, "rules", rules))
}

/// `PUT`: lets a rule expire some time from now.
pub(in crate::simulator) async fn prolong(
    State(account): State<Arc<Account>>,
    asked: Asked,
) -> Result<Json<Ordered>, Refusal> {
    let app_id = known_app(&account, &asked)?;
    let rule_id = rule_id(&asked)?;
    let length_seconds = length_seconds(&asked)?;
    let length_seconds = length_seconds.ok_or_else(|| Refusal::bad_request("time is required"))?;
    let prolonged = account.rules().prolong(app_id, rule_id, length_seconds, account.now());
    let expires_at = prolonged.ok_or_else(no_rule)?;
    let result = json!({ "id": rule_id, "ts": stamp(expires_at) });
    Ok(rule_answer(account.shapes.status_first, "result", result))
}

/// `DELETE`: removes a rule.
pub(in crate::simulator) async fn delete(
    State(account): State<Arc<Account>>,
    asked: Asked,
) -> Result<Json<Ordered>, Refusal> {
    let app_id = known_app(&account, &asked)?;
    let rule_id = rule_id(&asked)?;
    if account.rules().delete(app_id, rule_id, account.now()) {
        Ok(rule_answer(account.shapes.status_first, "id", rule_id))
    } else {
        Err(no_rule())
    }
}

fn no_rule() -> Refusal {
    Refusal::not_found("rule not exist")
}

fn known_app<'a>(account: &Account, asked: &'a Asked) -> Result<&'a str, Refusal> {
    let app_id = asked.text("appid")?.filter(|app_id| account.project_of_app(app_id).is_some());
    app_id.ok_or_else(|| Refusal::bad_request("invalid appid"))
}

fn rule_id(asked: &Asked) -> Result<u64, Refusal> {
    let rule_id = asked.whole("id")?.and_then(|rule_id| u64::try_from(rule_id).ok());
    rule_id.ok_or_else(|| Refusal::bad_request("invalid id"))
}

/// `time` in minutes or `time_in_seconds`; the maximum is the platform's cut.
fn length_seconds(asked: &Asked) -> Result<Option<i64>, Refusal> {
    let (name, length, unit_seconds) = match asked.whole("time_in_seconds")? {
        Some(seconds) => ("time_in_seconds", seconds, 1),
        None => match asked.whole("time")? {
            Some(minutes) => ("time", minutes, 60),
            None => return Ok(None),
        },
    };
    if length < 1 {
        return Err(Refusal::bad_request(format!("{name} must be at least 1")));
    }
    Ok(Some(length.saturating_mul(unit_seconds).min(MAX_SECONDS)))
}

/// Whom the rule bans; nothing for a rule that would ban nobody.
fn whom(app_id: &str, asked: &Asked) -> Result<Option<Whom>, Refusal> {
    let channel_name = asked.text("cname")?;
    if channel_name.is_some_and(|name| name.len() > MAX_CHANNEL_NAME_BYTES) {
        return Err(Refusal::bad_request("cname must have at most 64 bytes"));
    }
    let invalid = |name: &str| Refusal::bad_request(format!("invalid {name}"));
    let user_id = asked.whole("uid")?.map(u32::try_from).transpose();
    let user_id = user_id.map_err(|_| invalid("uid"))?;
    // A zero may come as a number, an address is a text.
    let ip_address = match asked.whole("ip") {
        Ok(Some(0)) => Some("0".to_owned()),
        Ok(None) => None,
        _ => Some(asked.text("ip")?.unwrap_or_default().to_owned()),
    };
    let privileges = asked.texts("privileges")?.unwrap_or_else(|| vec!["join_channel".to_owned()]);
    let is_zero = |text: &str| matches!(text, "" | "0" | "0.0.0.0");
    let bans_nobody = (channel_name.is_none() && user_id.is_none() && ip_address.is_none())
        || channel_name == Some("")
        || user_id == Some(0)
        || ip_address.as_deref().is_some_and(is_zero);
    if bans_nobody {
        return Ok(None);
    }
    if ip_address.as_deref().is_some_and(|text| text.parse::<IpAddr>().is_err()) {
        return Err(invalid("ip"));
    }
    let channel_name = channel_name.map(str::to_owned);
    Ok(Some(Whom { app_id: app_id.to_owned(), channel_name, user_id, ip_address, privileges }))
}

fn body(shapes: &Shapes, rule: &Rule) -> Value {
    let whom = &rule.whom;
    let mut body = json!({
        "id": rule.id,
        "appid": whom.app_id,
        "uid": whom.user_id,
        "opid": rule.operation_id,
        "cname": whom.channel_name,
        "ip": whom.ip_address,
        "ts": stamp(rule.expires_at),
        "createAt": stamp(rule.created_at),
        "updateAt": stamp(rule.updated_at),
    });
    if shapes.rule_privileges {
        body["privileges"] = json!(whom.privileges);
    }
    body
}

fn stamp(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use chrono::{DateTime, TimeDelta};
    use serde_json::{Value, json};

    use crate::clock::Clock;
    use crate::simulator::ApiYear;
    use crate::simulator::testing::{account_of, app_id, ask, send};

    const PATH: &str = "/dev/v1/kicking-rule/";

    #[tokio::test]
    async fn a_rule_lives_from_creation_to_deletion_in_every_year() {
        for year in ApiYear::ALL {
            let account = account_of(year);
            let app_id = app_id(&account, 0);
            let body =
                json!({ "appid": app_id, "cname": "c 1", "uid": 4_294_967_295_u32, "time": 60 });
            let created = send(&account, Method::POST, PATH, &body).await;
            let expected = match year {
                ApiYear::Year2018 => r#"{"id":1953,"status":"success"}"#,
                _ => r#"{"status":"success","id":1953}"#,
            };
            assert_eq!((created.status.as_u16(), created.body.as_str()), (200, expected));
            let listed = ask(&account, &format!("{PATH}?appid={app_id}")).await.json();
            let by_body = send(&account, Method::GET, PATH, &json!({ "appid": app_id })).await;
            assert_eq!(by_body.json(), listed);
            let rule = &listed["rules"][0];
            assert_eq!((&rule["cname"], &rule["ip"]), (&"c 1".into(), &Value::Null));
            assert_eq!(rule["uid"], 4_294_967_295_u32);
            assert_eq!(rule.get("privileges").is_some(), year == ApiYear::Year2026);
            let change = json!({ "appid": app_id, "id": 1953, "time": 30 });
            let changed = send(&account, Method::PUT, PATH, &change).await.json();
            assert_eq!(
                (&changed["status"], &changed["result"]["id"]),
                (&"success".into(), &1953.into())
            );
            let by_text = json!({ "appid": app_id, "id": "1953" });
            let deleted = send(&account, Method::DELETE, PATH, &by_text).await;
            assert_eq!(deleted.json()["id"], 1953);
            let again = send(&account, Method::DELETE, PATH, &by_text).await;
            assert_eq!(again.status, 404);
            let is_2026 = year == ApiYear::Year2026;
            assert_eq!(again.json().get("status").is_none(), is_2026, "{}", again.body);
        }
    }

    #[tokio::test]
    async fn a_ban_lasts_an_hour_by_default_and_a_day_at_most() {
        let account = account_of(ApiYear::Year2026);
        let app_id = app_id(&account, 0);
        for (time, minutes) in [
            (json!({}), 60),
            (json!({ "time": 5000 }), 1_440),
            (json!({ "time": "2" }), 2),
            (json!({ "time_in_seconds": 120 }), 2),
        ] {
            let mut body = json!({ "appid": app_id, "uid": 7 });
            body.as_object_mut().expect("object").extend(time.as_object().expect("object").clone());
            assert_eq!(send(&account, Method::POST, PATH, &body).await.status, 200);
            let rules = ask(&account, &format!("{PATH}?appid={app_id}")).await.json();
            let rule =
                rules["rules"].as_array().and_then(|rules| rules.last()).expect("a rule").clone();
            let at = |key: &str| {
                DateTime::parse_from_rfc3339(rule[key].as_str().expect("text")).expect("time")
            };
            assert_eq!(at("ts") - at("createAt"), TimeDelta::minutes(minutes), "{time}");
        }
        account.set_clock(Clock::from_setting(Some("2031-05-08T12:59:00Z")).expect("time"));
        let count = async || {
            let rules = ask(&account, &format!("{PATH}?appid={app_id}")).await.json();
            rules["rules"].as_array().map(Vec::len)
        };
        assert_eq!(count().await, Some(2), "the short ones are over");
        account.set_clock(Clock::from_setting(Some("2031-05-10T12:00:00Z")).expect("time"));
        assert_eq!(count().await, Some(0));
    }

    #[tokio::test]
    async fn a_rule_for_nobody_has_the_number_0() {
        let account = account_of(ApiYear::Year2026);
        let app_id = app_id(&account, 0);
        for nobody in [
            json!({}),
            json!({ "cname": "" }),
            json!({ "uid": 0 }),
            json!({ "cname": "c", "ip": 0 }),
            json!({ "ip": "0.0.0.0" }),
        ] {
            let mut body = json!({ "appid": app_id });
            body.as_object_mut()
                .expect("object")
                .extend(nobody.as_object().expect("object").clone());
            let answer = send(&account, Method::POST, PATH, &body).await;
            assert_eq!(answer.body, r#"{"status":"success","id":0}"#, "{nobody}");
        }
        let rules = ask(&account, &format!("{PATH}?appid={app_id}")).await.json();
        assert_eq!(rules["rules"], json!([]));
    }

    #[tokio::test]
    async fn wrong_values_are_refused() {
        let account = account_of(ApiYear::Year2026);
        let app_id = app_id(&account, 0);
        for body in [
            json!({ "uid": 1 }),
            json!({ "appid": "nobody", "uid": 1 }),
            json!({ "appid": app_id, "uid": 4_294_967_296_u64 }),
            json!({ "appid": app_id, "uid": -1 }),
            json!({ "appid": app_id, "ip": "1.2.3" }),
            json!({ "appid": app_id, "cname": "x".repeat(65) }),
            json!({ "appid": app_id, "uid": 1, "time": 0 }),
            json!({ "appid": app_id, "uid": 1, "time": "an hour" }),
        ] {
            assert_eq!(send(&account, Method::POST, PATH, &body).await.status, 400, "{body}");
        }
        let unknown = ask(&account, &format!("{PATH}?appid=nobody")).await;
        assert_eq!(unknown.body, r#"{"message":"invalid appid"}"#);
        let without_time = json!({ "appid": app_id, "id": 1953 });
        assert_eq!(send(&account, Method::PUT, PATH, &without_time).await.status, 400);
    }
}
