//! `agora-usage api channels ...`.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;

use super::super::failure::Failure;
use super::{parse_app_id, time};
use crate::agora_api::AgoraApi;
use crate::agora_api::channel_users::{ChannelUsers, PresentUser, check_channel_name};
use crate::agora_api::channels::MAX_PAGE_SIZE;
use crate::cli::print::note_line;
use crate::domain::AppId;
use crate::store::analyst_queries::{ResultTable, ValueKind};

/// Calls about live channels.
#[derive(Debug, clap::Subcommand)]
pub(super) enum ChannelsCall {
    /// Live channels of a project with their user counts
    List {
        /// App ID, 32 characters
        #[arg(value_parser = parse_app_id)]
        app_id: AppId,
    },
    /// Users of a channel
    Users {
        /// App ID, 32 characters
        #[arg(value_parser = parse_app_id)]
        app_id: AppId,
        /// Name of the channel
        #[arg(allow_hyphen_values = true, value_parser = parse_channel)]
        channel: String,
        /// Leave the audience out
        #[arg(long)]
        hosts_only: bool,
    },
    /// Role of a user in a channel
    Role {
        /// App ID, 32 characters
        #[arg(value_parser = parse_app_id)]
        app_id: AppId,
        /// User id, 1 to 4294967295
        #[arg(value_parser = clap::value_parser!(u32).range(1..))]
        uid: u32,
        /// Name of the channel
        #[arg(allow_hyphen_values = true, value_parser = parse_channel)]
        channel: String,
    },
    /// Whether a user is a co-host of a channel
    CoHost {
        /// App ID, 32 characters
        #[arg(value_parser = parse_app_id)]
        app_id: AppId,
        /// User id, 1 to 4294967295
        #[arg(value_parser = clap::value_parser!(u32).range(1..))]
        uid: u32,
        /// Name of the channel
        #[arg(allow_hyphen_values = true, value_parser = parse_channel)]
        channel: String,
    },
}

fn parse_channel(name: &str) -> Result<String, String> {
    check_channel_name(name).map(|()| name.to_owned())
}

pub(super) async fn run(api: &AgoraApi, call: ChannelsCall) -> Result<ResultTable, Failure> {
    match call {
        ChannelsCall::List { app_id } => list(api, &app_id).await,
        ChannelsCall::Users { app_id, channel, hosts_only } => {
            Ok(users(&api.channel_users(&app_id, &channel, hosts_only).await?.value))
        }
        ChannelsCall::Role { app_id, uid, channel } => {
            Ok(role(uid, api.user_role(&app_id, uid, &channel).await?.value.as_ref()))
        }
        ChannelsCall::CoHost { app_id, uid, channel } => {
            let is_co_host = api.is_co_host(&app_id, uid, &channel).await?.value;
            let columns = [("uid", ValueKind::Integer), ("is_co_host", ValueKind::Boolean)];
            let mut table = ResultTable::with_columns(&columns);
            table.rows.push(vec![Some(uid.to_string()), Some(is_co_host.to_string())]);
            Ok(table)
        }
    }
}

/// Every page; a channel that moved between pages is shown once.
///
/// A page may hold less than it was asked for, so that only the total and a
/// page without a new name tell the end.
async fn list(api: &AgoraApi, app_id: &AppId) -> Result<ResultTable, Failure> {
    let mut channels: BTreeMap<String, i64> = BTreeMap::new();
    let mut total_channels = 0;
    let mut pages = std::pin::pin!(api.channel_pages(app_id, MAX_PAGE_SIZE));
    while let Some(page) = pages.try_next().await? {
        let before = channels.len();
        total_channels = page.value.total_channels;
        channels.extend(page.value.channels.into_iter().map(|c| (c.name, c.user_count)));
        if channels.len() == before || is_whole(channels.len(), total_channels) {
            break;
        }
    }
    note_rest("channels", channels.len(), total_channels);
    let columns = [("channel", ValueKind::Text), ("users", ValueKind::Integer)];
    let mut table = ResultTable::with_columns(&columns);
    table.rows.extend(
        channels.into_iter().map(|(name, count)| vec![Some(name), Some(count.to_string())]),
    );
    Ok(table)
}

fn users(users: &ChannelUsers) -> ResultTable {
    let columns = [("role", ValueKind::Text), ("uid", ValueKind::Integer)];
    let mut table = ResultTable::with_columns(&columns);
    let mut add = |role: &str, ids: &[i64]| {
        table.rows.extend(ids.iter().map(|id| vec![Some(role.to_owned()), Some(id.to_string())]));
    };
    match users {
        ChannelUsers::NoChannel => note_line(format_args!("there is no such channel now")),
        ChannelUsers::Communication { users, total } => {
            add("user", users);
            note_rest("users", users.len(), *total);
        }
        ChannelUsers::Live { broadcasters, audience, audience_total } => {
            add("broadcaster", broadcasters);
            add("audience", audience);
            note_rest("the audience", audience.len(), audience_total.unwrap_or(0));
        }
    }
    table
}

fn is_whole(listed: usize, total: i64) -> bool {
    i64::try_from(listed).is_ok_and(|listed| listed >= total)
}

/// The platform lists the first 10,000 users alone, and channels move while pages are read.
fn note_rest(whom: &str, listed: usize, total: i64) {
    if !is_whole(listed, total) {
        note_line(format_args!("{whom}: {listed} of {total} are listed"));
    }
}

fn role(uid: u32, user: Option<&PresentUser>) -> ResultTable {
    let mut table = ResultTable::with_columns(&[
        ("uid", ValueKind::Integer),
        ("in_channel", ValueKind::Boolean),
        ("role", ValueKind::Text),
        ("joined_at", ValueKind::Text),
        ("platform", ValueKind::Integer),
    ]);
    table.rows.push(vec![
        Some(uid.to_string()),
        Some(user.is_some().to_string()),
        user.map(|user| user.role.name().to_owned()),
        time(user.and_then(|user| user.joined_at)),
        user.and_then(|user| user.platform).map(|platform| platform.to_string()),
    ]);
    table
}
