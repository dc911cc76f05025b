//! One file a path: reads the parameters and writes the body.
//!
//! Owns the shape of each answer, as far as it is the same in every year; what
//! differs stands in [`years`](super::years). The numbers come from the modules
//! above; what all calls share is checked by the routes.

pub(super) mod channel_users;
pub(super) mod channels;
pub(super) mod host_in;
pub(super) mod kicking_rule;
pub(super) mod project;
mod project_body;
pub(super) mod project_status;
pub(super) mod projects;
pub(super) mod recording_config;
pub(super) mod reset_signkey;
pub(super) mod signkey;
pub(super) mod usage_v1;
pub(super) mod usage_v3;
pub(super) mod user_property;

use std::sync::Arc;

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;

use super::answer::Refusal;
use super::cast::SimulatedProject;
use super::channels::LiveChannel;
use super::state::Account;
use super::users::ChannelUser;
use crate::domain::DateRange;
use crate::domain::period::parse_day;

/// Reads `from_date` and `to_date`, both included.
fn asked_days(from_date: Option<&str>, to_date: Option<&str>) -> Result<DateRange, Refusal> {
    let day = |name, text: Option<&str>| {
        let day = text.and_then(|text| parse_day(text).ok());
        day.ok_or_else(|| Refusal::bad_request(format!("{name} must be YYYY-MM-DD")))
    };
    DateRange::new(day("from_date", from_date)?, day("to_date", to_date)?)
        .map_err(|_| Refusal::bad_request("from_date must not be after to_date"))
}

/// The parameters, or a refusal in the API's own shape.
fn parameters<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, Refusal> {
    query.map(|Query(query)| query).map_err(|error| Refusal::bad_request(error.body_text()))
}

/// The project that a channel call names by its App ID.
fn app(account: &Account, app_id: &str) -> Result<Arc<SimulatedProject>, Refusal> {
    let unknown = || Refusal::new(account.shapes.unknown_app_id, "invalid appid");
    account.project_of_app(app_id).ok_or_else(unknown)
}

/// The live channel of a name, now.
fn live_channel(
    account: &Account,
    app_id: &str,
    channel_name: &str,
) -> Result<Option<LiveChannel>, Refusal> {
    let project = app(account, app_id)?;
    let channels = account.live_channels(&project, account.now());
    Ok(channels.iter().find(|channel| channel.channel_name == channel_name).cloned())
}

/// A user who is in a channel now.
fn present_user(
    account: &Account,
    app_id: &str,
    uid: &str,
    channel_name: &str,
) -> Result<Option<ChannelUser>, Refusal> {
    let user_id = uid.parse::<u32>().ok().filter(|user_id| *user_id > 0);
    let user_id = user_id.ok_or_else(|| Refusal::bad_request("invalid uid"))?;
    let channel = live_channel(account, app_id, channel_name)?;
    let users = channel.map_or_else(Vec::new, |channel| channel.users(account.seed));
    Ok(users.into_iter().find(|user| user.user_id == u64::from(user_id)))
}
