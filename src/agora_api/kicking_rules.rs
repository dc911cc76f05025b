//! Kicking rules: who may not join which channel, for how long.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::client::{AgoraApi, Call, Family, Reply};
use super::error::ApiError;
use super::wire::{Count, acknowledged, null_as_default};
use crate::domain::AppId;

const CREATE: &str = "POST kicking-rule";
const LIST: &str = "GET kicking-rule";
const UPDATE: &str = "PUT kicking-rule";
const DELETE: &str = "DELETE kicking-rule";
const PATH: [&str; 4] = ["dev", "v1", "kicking-rule", ""];

/// Longest ban in minutes; the platform cuts what is above.
pub const MAX_MINUTES: u32 = 1440;

/// Longest channel name in bytes.
pub const MAX_CHANNEL_NAME_BYTES: usize = 64;

/// Why a rule cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// An empty or overlong channel name.
    #[error(
        "a channel name has 1 to {MAX_CHANNEL_NAME_BYTES} bytes; leave it out to mean every channel"
    )]
    ChannelName,
    /// User id 0, which the platform takes for every user.
    #[error("a user id is 1 to 4294967295; leave it out to mean every user")]
    UserId,
    /// An unspecified address, which the platform takes for every address.
    #[error("an IP address of 0 cannot be banned; leave it out to mean every address")]
    IpAddress,
    /// Minutes outside 1 to [`MAX_MINUTES`].
    #[error("a ban lasts 1 to {MAX_MINUTES} minutes")]
    Minutes,
}

/// A rule to create; a part that is left out means every one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRule {
    app_id: AppId,
    channel_name: Option<String>,
    user_id: Option<u32>,
    ip_address: Option<IpAddr>,
    minutes: u32,
    privileges: Vec<String>,
}

impl NewRule {
    /// Checks a rule before it is sent.
    ///
    /// # Errors
    /// [`RuleError`] for a value that the platform would refuse or misread.
    pub fn new(
        app_id: AppId,
        channel_name: Option<String>,
        user_id: Option<u32>,
        ip_address: Option<IpAddr>,
        minutes: u32,
        privileges: Vec<String>,
    ) -> Result<Self, RuleError> {
        let fits = |name: &String| (1..=MAX_CHANNEL_NAME_BYTES).contains(&name.len());
        if channel_name.as_ref().is_some_and(|name| !fits(name)) {
            return Err(RuleError::ChannelName);
        }
        if user_id == Some(0) {
            return Err(RuleError::UserId);
        }
        if ip_address.is_some_and(|address| address.to_canonical().is_unspecified()) {
            return Err(RuleError::IpAddress);
        }
        check_minutes(minutes)?;
        Ok(Self { app_id, channel_name, user_id, ip_address, minutes, privileges })
    }

    fn body(&self) -> Value {
        let mut body = Map::new();
        body.insert("appid".to_owned(), json!(self.app_id.as_str()));
        body.insert("time".to_owned(), json!(self.minutes));
        let ip_address = self.ip_address.map(|address| address.to_string());
        let optional = [
            ("cname", self.channel_name.as_ref().map(|name| json!(name))),
            ("uid", self.user_id.map(|user_id| json!(user_id))),
            ("ip", ip_address.map(|address| json!(address))),
            ("privileges", (!self.privileges.is_empty()).then(|| json!(self.privileges))),
        ];
        for (key, value) in optional {
            if let Some(value) = value {
                body.insert(key.to_owned(), value);
            }
        }
        Value::Object(body)
    }

    fn is(&self, rule: &KickingRule) -> bool {
        let ip_address = self.ip_address.map(|address| address.to_string());
        rule.channel_name == self.channel_name
            && rule.user_id == self.user_id.map(i64::from)
            && rule.ip_address == ip_address
    }
}

fn check_minutes(minutes: u32) -> Result<(), RuleError> {
    if (1..=MAX_MINUTES).contains(&minutes) { Ok(()) } else { Err(RuleError::Minutes) }
}

/// A rule that is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KickingRule {
    /// Number of the rule.
    pub rule_id: i64,
    /// Banned user; none: every user. Up to 4294967295.
    pub user_id: Option<i64>,
    /// Channel; none: every channel.
    pub channel_name: Option<String>,
    /// Banned address; none: every address.
    pub ip_address: Option<String>,
    /// When it expires.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was created.
    pub created_at: Option<DateTime<Utc>>,
    /// What is forbidden; years before privileges forbid joining.
    pub privileges: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct WireRuleId {
    id: Count,
}

#[derive(Debug, Deserialize)]
struct WireList {
    #[serde(default, deserialize_with = "null_as_default")]
    rules: Vec<WireRule>,
}

#[derive(Debug, Deserialize)]
struct WireRule {
    id: Count,
    #[serde(default)]
    uid: Count,
    #[serde(default)]
    cname: Option<String>,
    #[serde(default)]
    ip: Option<String>,
    #[serde(default)]
    ts: Option<String>,
    #[serde(default, rename = "createAt")]
    created_at: Option<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    privileges: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct WireUpdate {
    #[serde(default)]
    result: Option<WireUpdated>,
}

#[derive(Debug, Deserialize)]
struct WireUpdated {
    #[serde(default)]
    ts: Option<String>,
}

fn known(count: &Count, what: &str) -> Result<i64, String> {
    match count {
        Count::Known(value) => Ok(*value),
        _ => Err(format!("{what} is missing or no whole number")),
    }
}

/// When an updated rule expires, where the answer tells.
fn expiry(body: Value) -> Option<DateTime<Utc>> {
    moment(serde_json::from_value::<WireUpdate>(body).ok()?.result?.ts)
}

fn moment(text: Option<String>) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(&text?).ok().map(|moment| moment.to_utc())
}

impl WireRule {
    fn into_rule(self) -> Result<KickingRule, String> {
        let user_id = match self.uid {
            Count::Known(0) | Count::Unknown => None,
            count => Some(known(&count, "uid of a rule")?),
        };
        Ok(KickingRule {
            rule_id: known(&self.id, "id of a rule")?,
            user_id,
            channel_name: self.cname.filter(|name| !name.is_empty()),
            ip_address: self.ip.filter(|address| !address.is_empty()),
            expires_at: moment(self.ts),
            created_at: moment(self.created_at),
            privileges: self.privileges,
        })
    }
}

impl AgoraApi {
    /// Creates a rule and gives its number; 0 has been seen for a rule that did nothing.
    ///
    /// A request that may or may not have arrived is never sent again: the list
    /// of rules tells whether there is a new one like it.
    ///
    /// # Errors
    /// [`ApiError`] when the platform refused, or when no new rule is listed
    /// after a request without an answer.
    pub async fn create_kicking_rule(&self, rule: &NewRule) -> Result<Reply<i64>, ApiError> {
        let before = self.rule_ids(&rule.app_id).await?;
        let call = Call::write(Family::KickingRules, CREATE, Method::POST, &PATH, rule.body());
        let outcome = self.send::<WireRuleId>(call).await.and_then(|reply| {
            reply.try_map(CREATE, |body| known(&body.id, "the number of the rule"))
        });
        match outcome {
            Err(error) if error.may_have_arrived() => {
                tracing::warn!(%error, "looking for the new rule in the list");
                self.new_rule(rule, &before).await.unwrap_or(Err(error))
            }
            outcome => outcome,
        }
    }

    /// The rule like this one that was not there before; none when the list does not tell.
    async fn new_rule(
        &self,
        rule: &NewRule,
        before: &[i64],
    ) -> Option<Result<Reply<i64>, ApiError>> {
        let listed = self.kicking_rules(&rule.app_id).await;
        let after =
            listed.inspect_err(|error| tracing::warn!(%error, "no list to look in")).ok()?;
        let is_new = |listed: &&KickingRule| rule.is(listed) && !before.contains(&listed.rule_id);
        let rule_id = after.value.iter().find(is_new)?.rule_id;
        Some(after.try_map(CREATE, |_| Ok(rule_id)))
    }

    async fn rule_ids(&self, app_id: &AppId) -> Result<Vec<i64>, ApiError> {
        let rules = self.kicking_rules(app_id).await?.value;
        Ok(rules.into_iter().map(|rule| rule.rule_id).collect())
    }

    /// Rules of a project that are in force.
    ///
    /// # Errors
    /// [`ApiError`] when the call failed for good.
    pub async fn kicking_rules(&self, app_id: &AppId) -> Result<Reply<Vec<KickingRule>>, ApiError> {
        let query = [("appid", app_id.as_str())];
        let call = Call::get(Family::KickingRules, LIST, &PATH, &query);
        let reply: Reply<WireList> = self.send(call).await?;
        reply.try_map(LIST, |body| body.rules.into_iter().map(WireRule::into_rule).collect())
    }

    /// Lets a rule expire `minutes` (1 to [`MAX_MINUTES`]) from now; gives the time where the answer holds it.
    ///
    /// # Errors
    /// [`ApiError`] when the call failed for good, or the minutes are out of range.
    pub async fn update_kicking_rule(
        &self,
        app_id: &AppId,
        rule_id: i64,
        minutes: u32,
    ) -> Result<Reply<Option<DateTime<Utc>>>, ApiError> {
        check_minutes(minutes).map_err(|error| ApiError::not_sent(UPDATE, error.to_string()))?;
        let body = json!({ "appid": app_id.as_str(), "id": rule_id, "time": minutes });
        let call = Call::write(Family::KickingRules, UPDATE, Method::PUT, &PATH, body);
        let reply: Reply<Value> = self.send(call).await?;
        reply.try_map(UPDATE, |body| acknowledged(&body).map(|()| expiry(body)))
    }

    /// Removes a rule.
    ///
    /// # Errors
    /// [`ApiError`] when the call failed for good.
    pub async fn delete_kicking_rule(
        &self,
        app_id: &AppId,
        rule_id: i64,
    ) -> Result<Reply<()>, ApiError> {
        let body = json!({ "appid": app_id.as_str(), "id": rule_id });
        let call = Call::write(Family::KickingRules, DELETE, Method::DELETE, &PATH, body);
        let reply: Reply<Value> = self.send(call).await?;
        reply.try_map(DELETE, |body| acknowledged(&body))
    }
}

/// Decodes a body without a call, as each of the calls would.
#[cfg(test)]
pub(super) fn decoded(body: &str) -> Result<Vec<KickingRule>, String> {
    let _ = serde_json::from_str::<WireUpdate>(body).map(|body| moment(body.result?.ts));
    let _ = serde_json::from_str::<WireRuleId>(body).map(|body| known(&body.id, "id"));
    let list: WireList = serde_json::from_str(body).map_err(|error| error.to_string())?;
    list.rules.into_iter().map(WireRule::into_rule).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app_id() -> AppId {
        AppId::new(&"a".repeat(32)).expect("id")
    }

    fn rule(
        name: Option<&str>,
        user_id: Option<u32>,
        ip: Option<&str>,
        minutes: u32,
    ) -> Result<NewRule, RuleError> {
        let ip_address = ip.map(|text| text.parse().expect("address"));
        NewRule::new(app_id(), name.map(str::to_owned), user_id, ip_address, minutes, Vec::new())
    }

    #[test]
    fn values_that_would_ban_everybody_are_refused_before_they_are_sent() {
        assert_eq!(rule(Some(""), None, None, 60), Err(RuleError::ChannelName));
        assert_eq!(rule(Some(&"x".repeat(65)), None, None, 60), Err(RuleError::ChannelName));
        assert_eq!(rule(None, Some(0), None, 60), Err(RuleError::UserId));
        assert_eq!(rule(None, None, Some("0.0.0.0"), 60), Err(RuleError::IpAddress));
        assert_eq!(rule(None, None, Some("::ffff:0.0.0.0"), 60), Err(RuleError::IpAddress));
        assert_eq!(rule(None, None, None, 0), Err(RuleError::Minutes));
        assert_eq!(rule(None, None, None, 1441), Err(RuleError::Minutes));
    }

    #[test]
    fn parts_that_are_left_out_are_not_sent() {
        let body = rule(Some("c"), None, None, 60).expect("valid").body();
        assert_eq!(body, json!({ "appid": "a".repeat(32), "cname": "c", "time": 60 }));
        let body = rule(None, Some(u32::MAX), Some("10.0.0.1"), 1).expect("valid").body();
        assert_eq!(body["uid"], 4_294_967_295_u32);
        assert_eq!(body["ip"], "10.0.0.1");
        assert!(body.get("cname").is_none());
    }

    #[test]
    fn nulls_stand_for_what_is_not_there() {
        assert_eq!(decoded(r#"{"status":"success","rules":null}"#), Ok(Vec::new()));
        let rule = r#"{"rules":[{"id":7,"uid":null,"cname":null,"ip":null,"privileges":null}]}"#;
        assert_eq!(decoded(rule).map(|rules| rules[0].privileges.len()), Ok(0));
        assert_eq!(expiry(json!({ "status": "success", "result": null })), None);
        assert_eq!(expiry(Value::Null), None);
    }

    #[test]
    fn rules_of_2018_and_of_today_are_read() {
        let list: WireList = serde_json::from_str(
            r#"{"status":"success","rules":[
                {"id":1953,"appid":"","uid":1,"opid":1406,"cname":"11","ip":null,
                 "ts":"2018-01-09T07:23:06.000Z","createAt":"2018-01-09T06:23:06.000Z"},
                {"id":7,"uid":589517928,"cname":"","ip":"192.168.0.1","privileges":["join_channel"]}]}"#,
        )
        .expect("decodes");
        let rules: Vec<KickingRule> =
            list.rules.into_iter().map(|rule| rule.into_rule().expect("valid")).collect();
        assert_eq!((rules[0].rule_id, rules[0].user_id), (1953, Some(1)));
        assert_eq!(
            rules[0].expires_at.map(|at| at.to_rfc3339()).as_deref(),
            Some("2018-01-09T07:23:06+00:00")
        );
        assert_eq!(
            (rules[1].channel_name.as_deref(), rules[1].ip_address.as_deref()),
            (None, Some("192.168.0.1"))
        );
        assert_eq!(rules[1].privileges, ["join_channel"]);
    }
}
