//! Who is in a channel, in which role, and whether a user is a co-host.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::client::{AgoraApi, Call, Family, Reply};
use super::error::ApiError;
use super::kicking_rules::MAX_CHANNEL_NAME_BYTES;
use super::wire::{Count, unix_moment};
use crate::domain::AppId;

const USERS: &str = "GET channel users";
const ROLE: &str = "GET user role";
const CO_HOST: &str = "GET co-host";

/// Users of a channel, by its mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelUsers {
    /// There is no such channel now.
    NoChannel,
    /// Everybody may speak (mode 1).
    Communication {
        /// Ids of the users, up to 4294967295 each.
        users: Vec<i64>,
        /// How many there are.
        total: i64,
    },
    /// Some broadcast, others listen (mode 2).
    Live {
        /// Ids of the broadcasters.
        broadcasters: Vec<i64>,
        /// Ids of the first 10,000 of the audience; empty when only hosts were asked for.
        audience: Vec<i64>,
        /// How many there are in the audience; none when only hosts were asked for.
        audience_total: Option<i64>,
    },
}

/// Role of a user in a channel, by the platform's numbers (Dashboard REST API v1, 2018).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserRole {
    /// 0, or a number that is not documented.
    Unknown,
    /// 1: user of a channel in communication mode.
    Communication,
    /// 2: video broadcaster.
    VideoBroadcaster,
    /// 3: audience.
    Audience,
    /// 4: audio broadcaster, not used since 2019.
    AudioBroadcaster,
}

impl UserRole {
    fn from_number(number: i64) -> Self {
        match number {
            1 => Self::Communication,
            2 => Self::VideoBroadcaster,
            3 => Self::Audience,
            4 => Self::AudioBroadcaster,
            _ => Self::Unknown,
        }
    }

    /// Word for people and programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Communication => "communication",
            Self::VideoBroadcaster => "video_broadcaster",
            Self::Audience => "audience",
            Self::AudioBroadcaster => "audio_broadcaster",
        }
    }
}

/// A user who is in a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentUser {
    /// Role in it.
    pub role: UserRole,
    /// When the user joined, where the year tells it.
    pub joined_at: Option<DateTime<Utc>>,
    /// Number of the user's platform, where the year tells it.
    pub platform: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct Body<T> {
    data: T,
}

/// Both modes in one, in all their spellings.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireUsers {
    channel_exist: Option<bool>,
    mode: Count,
    total: Count,
    users: Option<Vec<Count>>,
    #[serde(alias = "broadcaster")]
    broadcasters: Option<Vec<Count>>,
    audience: Option<Vec<Count>>,
    #[serde(alias = "auience_total")]
    audience_total: Count,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireRole {
    in_channel: Option<bool>,
    role: Count,
    join: Count,
    platform: Count,
}

#[derive(Debug, Deserialize)]
struct WireCoHost {
    #[serde(rename = "isHostIn", alias = "is_host_in")]
    is_host_in: bool,
}

/// Checks the name of a channel that is asked for.
///
/// # Errors
/// A text that says what a name must be.
pub fn check_channel_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name.len() > MAX_CHANNEL_NAME_BYTES {
        return Err(format!("a channel name has 1 to {MAX_CHANNEL_NAME_BYTES} bytes"));
    }
    if matches!(name, "." | "..") {
        return Err(format!(
            "a channel named '{name}' cannot be asked for: in an address it \
             means another place"
        ));
    }
    Ok(())
}

fn may_ask(endpoint: &'static str, channel_name: &str) -> Result<(), ApiError> {
    check_channel_name(channel_name).map_err(|cause| ApiError::not_sent(endpoint, cause))
}

fn known(count: &Count) -> Option<i64> {
    if let Count::Known(value) = count { Some(*value) } else { None }
}

fn ids(counts: Option<Vec<Count>>) -> Result<Vec<i64>, String> {
    let id = |count: Count| match count {
        Count::Known(value) => Ok(value),
        Count::Unknown => Err("a user id is null".to_owned()),
        Count::Odd(text) => Err(format!("a user id is {text}, not a whole number")),
    };
    counts.unwrap_or_default().into_iter().map(id).collect()
}

impl WireUsers {
    fn into_users(self) -> Result<ChannelUsers, String> {
        if self.channel_exist == Some(false) {
            return Ok(ChannelUsers::NoChannel);
        }
        let live = match known(&self.mode) {
            Some(mode) => mode == 2,
            None => self.broadcasters.is_some(),
        };
        if live {
            return Ok(ChannelUsers::Live {
                broadcasters: ids(self.broadcasters)?,
                audience: ids(self.audience)?,
                audience_total: known(&self.audience_total),
            });
        }
        if self.users.is_none() && known(&self.total).is_none() {
            return Err("neither users nor broadcasters are listed".to_owned());
        }
        let users = ids(self.users)?;
        let counted = i64::try_from(users.len()).unwrap_or(i64::MAX);
        Ok(ChannelUsers::Communication { total: known(&self.total).unwrap_or(counted), users })
    }
}

impl WireRole {
    fn into_user(self) -> Option<PresentUser> {
        (self.in_channel == Some(true)).then(|| PresentUser {
            role: known(&self.role).map_or(UserRole::Unknown, UserRole::from_number),
            joined_at: known(&self.join).and_then(unix_moment),
            platform: known(&self.platform),
        })
    }
}

impl AgoraApi {
    /// Users of a channel; `hosts_only` leaves the audience out.
    ///
    /// # Errors
    /// [`ApiError`] when the call failed for good, or a user id is no whole number.
    pub async fn channel_users(
        &self,
        app_id: &AppId,
        channel_name: &str,
        hosts_only: bool,
    ) -> Result<Reply<ChannelUsers>, ApiError> {
        may_ask(USERS, channel_name)?;
        let mut path = vec!["dev", "v1", "channel", "user", app_id.as_str(), channel_name];
        if hosts_only {
            path.push("hosts_only");
        }
        let call = Call::get(Family::ChannelUsers, USERS, &path, &[]);
        let reply: Reply<Body<WireUsers>> = self.send(call).await?;
        reply.try_map(USERS, |body| body.data.into_users())
    }

    /// Role of a user in a channel; none when the user is not in it.
    ///
    /// # Errors
    /// [`ApiError`] when the call failed for good.
    pub async fn user_role(
        &self,
        app_id: &AppId,
        user_id: u32,
        channel_name: &str,
    ) -> Result<Reply<Option<PresentUser>>, ApiError> {
        may_ask(ROLE, channel_name)?;
        let user_id = user_id.to_string();
        let path =
            ["dev", "v1", "channel", "user", "property", app_id.as_str(), &user_id, channel_name];
        let call = Call::get(Family::UserRole, ROLE, &path, &[]);
        let reply: Reply<Body<WireRole>> = self.send(call).await?;
        reply.try_map(ROLE, |body| Ok(body.data.into_user()))
    }

    /// Whether a user is a co-host of a channel.
    ///
    /// # Errors
    /// [`ApiError`] when the call failed for good.
    pub async fn is_co_host(
        &self,
        app_id: &AppId,
        user_id: u32,
        channel_name: &str,
    ) -> Result<Reply<bool>, ApiError> {
        may_ask(CO_HOST, channel_name)?;
        let user_id = user_id.to_string();
        let path =
            ["dev", "v1", "channel", "business", "hostin", app_id.as_str(), &user_id, channel_name];
        let call = Call::get(Family::CoHost, CO_HOST, &path, &[]);
        let reply: Reply<Body<WireCoHost>> = self.send(call).await?;
        reply.try_map(CO_HOST, |body| Ok(body.data.is_host_in))
    }
}

/// Decodes a body without a call, as each of the three questions would.
#[cfg(test)]
pub(super) fn decoded(body: &str) -> Result<ChannelUsers, String> {
    let _ = serde_json::from_str::<Body<WireRole>>(body).map(|body| body.data.into_user());
    let _ = serde_json::from_str::<Body<WireCoHost>>(body).map(|body| body.data.is_host_in);
    let body: Body<WireUsers> = serde_json::from_str(body).map_err(|error| error.to_string())?;
    body.data.into_users()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(json: &str) -> Result<ChannelUsers, String> {
        serde_json::from_str::<WireUsers>(json).map_err(|e| e.to_string())?.into_users()
    }

    #[test]
    fn both_modes_are_read_in_every_spelling() {
        assert_eq!(
            users(r#"{"channel_exist":true,"mode":1,"total":1,"users":[906218805]}"#),
            Ok(ChannelUsers::Communication { users: vec![906_218_805], total: 1 })
        );
        let live = |audience_total| ChannelUsers::Live {
            broadcasters: vec![2_206_227_541],
            audience: vec![4_294_967_295],
            audience_total,
        };
        for json in [
            r#"{"channel_exist":true,"mode":2,"broadcasters":[2206227541],"audience":[4294967295],"audience_total":1}"#,
            r#"{"channel_exist":true,"mode":2,"broadcaster":[2206227541],"audience":[4294967295],"auience_total":1}"#,
        ] {
            assert_eq!(users(json), Ok(live(Some(1))));
        }
        let hosts = r#"{"channel_exist":true,"mode":2,"broadcasters":[]}"#;
        assert!(matches!(users(hosts), Ok(ChannelUsers::Live { audience_total: None, .. })));
        assert_eq!(users(r#"{"channel_exist":false}"#), Ok(ChannelUsers::NoChannel));
        assert!(users(r#"{"channel_exist":true}"#).is_err());
    }

    #[test]
    fn c25_user_ids_above_two_billion_stay_positive() {
        let json = r#"{"mode":1,"total":2,"users":[2147483648,4294967295]}"#;
        let expected = vec![2_147_483_648, 4_294_967_295];
        assert_eq!(users(json), Ok(ChannelUsers::Communication { users: expected, total: 2 }));
        assert!(users(r#"{"mode":1,"total":1,"users":[-1]}"#).is_err());
    }

    #[test]
    fn a_name_that_addresses_something_else_is_not_asked_for() {
        for name in ["", ".", "..", &"x".repeat(65)] {
            assert!(check_channel_name(name).is_err(), "{name}");
        }
        for name in ["-", "...", "a/b", &"x".repeat(64)] {
            assert!(check_channel_name(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn a_role_has_a_name_and_an_absent_user_none() {
        let user =
            |json: &str| serde_json::from_str::<WireRole>(json).expect("decodes").into_user();
        let present =
            user(r#"{"join":1640330382,"uid":2845863044,"in_channel":true,"platform":7,"role":2}"#);
        let present = present.expect("in the channel");
        assert_eq!((present.role.name(), present.platform), ("video_broadcaster", Some(7)));
        assert_eq!(present.joined_at.map(|at| at.timestamp()), Some(1_640_330_382));
        assert_eq!(user(r#"{"in_channel":false}"#), None);
        assert_eq!(UserRole::from_number(9), UserRole::Unknown);
    }
}
