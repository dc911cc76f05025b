//! `agora-usage api rules ...`.

use std::net::IpAddr;

use super::super::failure::{Exit, Failure};
use super::{parse_app_id, time};
use crate::agora_api::AgoraApi;
use crate::agora_api::kicking_rules::{KickingRule, MAX_MINUTES, NewRule};
use crate::cli::print::note_line;
use crate::domain::AppId;
use crate::store::analyst_queries::{ResultTable, ValueKind};

/// Calls about kicking rules.
#[derive(Debug, clap::Subcommand)]
pub(super) enum RulesCall {
    /// Rules of a project that are in force
    List {
        /// App ID, 32 characters
        #[arg(value_parser = parse_app_id)]
        app_id: AppId,
    },
    /// Ban a user, an address or a channel, or what they have in common
    #[command(group = clap::ArgGroup::new("whom").required(true).multiple(true))]
    Create {
        /// App ID, 32 characters
        #[arg(value_parser = parse_app_id)]
        app_id: AppId,
        /// Channel; left out: every channel
        #[arg(long, group = "whom", value_name = "NAME")]
        channel: Option<String>,
        /// User id, 1 to 4294967295; left out: every user
        #[arg(long, group = "whom", value_name = "UID", value_parser = clap::value_parser!(u32).range(1..))]
        uid: Option<u32>,
        /// IP address; left out: every address
        #[arg(long, group = "whom", value_name = "ADDRESS")]
        ip: Option<IpAddr>,
        /// How long it lasts
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_MINUTES)))]
        minutes: u32,
        /// What is forbidden, such as `join_channel`; can be repeated
        #[arg(long, value_name = "NAME")]
        privilege: Vec<String>,
    },
    /// Let a rule expire some minutes from now
    Update {
        /// App ID, 32 characters
        #[arg(value_parser = parse_app_id)]
        app_id: AppId,
        /// Number of the rule, 1 or more
        #[arg(value_parser = clap::value_parser!(i64).range(1..))]
        rule_id: i64,
        /// Minutes from now
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_MINUTES)))]
        minutes: u32,
    },
    /// Remove a rule
    Delete {
        /// App ID, 32 characters
        #[arg(value_parser = parse_app_id)]
        app_id: AppId,
        /// Number of the rule, 1 or more
        #[arg(value_parser = clap::value_parser!(i64).range(1..))]
        rule_id: i64,
    },
}

pub(super) async fn run(api: &AgoraApi, call: RulesCall) -> Result<ResultTable, Failure> {
    match call {
        RulesCall::List { app_id } => Ok(rules(&api.kicking_rules(&app_id).await?.value)),
        RulesCall::Create { app_id, channel, uid, ip, minutes, privilege } => {
            let rule = NewRule::new(app_id, channel, uid, ip, minutes, privilege)
                .map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
            let rule_id = api.create_kicking_rule(&rule).await?.value;
            if rule_id == 0 {
                note_line(format_args!(
                    "warning: the platform answered with rule 0, which bans nobody"
                ));
            }
            Ok(outcome(rule_id, "created", None))
        }
        RulesCall::Update { app_id, rule_id, minutes } => {
            let expires_at = api.update_kicking_rule(&app_id, rule_id, minutes).await?.value;
            Ok(outcome(rule_id, "updated", time(expires_at)))
        }
        RulesCall::Delete { app_id, rule_id } => {
            api.delete_kicking_rule(&app_id, rule_id).await?;
            Ok(outcome(rule_id, "deleted", None))
        }
    }
}

fn outcome(rule_id: i64, outcome: &str, expires_at: Option<String>) -> ResultTable {
    let mut table = ResultTable::with_columns(&[
        ("rule_id", ValueKind::Integer),
        ("outcome", ValueKind::Text),
        ("expires_at", ValueKind::Text),
    ]);
    table.rows.push(vec![Some(rule_id.to_string()), Some(outcome.to_owned()), expires_at]);
    table
}

fn rules(rules: &[KickingRule]) -> ResultTable {
    let mut table = ResultTable::with_columns(&[
        ("rule_id", ValueKind::Integer),
        ("channel", ValueKind::Text),
        ("uid", ValueKind::Integer),
        ("ip", ValueKind::Text),
        ("privileges", ValueKind::Text),
        ("created_at", ValueKind::Text),
        ("expires_at", ValueKind::Text),
    ]);
    table.rows.extend(rules.iter().map(|rule| {
        vec![
            Some(rule.rule_id.to_string()),
            rule.channel_name.clone(),
            rule.user_id.map(|user_id| user_id.to_string()),
            rule.ip_address.clone(),
            Some(rule.privileges.join(" ")),
            time(rule.created_at),
            time(rule.expires_at),
        ]
    }));
    table
}
