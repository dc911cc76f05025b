//! `agora-usage api ...`: every call of the Dashboard API, one file a family.

mod certificates;
mod channels;
mod projects;
mod rules;
mod usage;

use chrono::{DateTime, SecondsFormat, Utc};

use super::failure::{Exit, Failure};
use super::print::{Output, print_rows};
use crate::agora_api::AgoraApi;
use crate::context::Context;
use crate::domain::{AppId, ProjectId};
use crate::store::analyst_queries::ResultTable;

/// Calls of the Dashboard API.
#[derive(Debug, clap::Args)]
pub(super) struct ApiArguments {
    /// Account of the settings [default: the only one]
    #[arg(long, global = true, value_name = "NAME")]
    account: Option<String>,
    /// Form of the answer [default: table on a terminal, else csv]
    #[arg(long, global = true, value_name = "FORM")]
    output: Option<Output>,
    #[command(subcommand)]
    call: ApiCall,
}

#[derive(Debug, clap::Subcommand)]
enum ApiCall {
    /// List, create, enable, disable and delete projects
    #[command(subcommand)]
    Projects(projects::ProjectsCall),
    /// Enable, disable and reset App Certificates
    #[command(subcommand)]
    Certificates(certificates::CertificatesCall),
    /// Ban users from channels
    #[command(subcommand)]
    Rules(rules::RulesCall),
    /// Look at live channels and their users
    #[command(subcommand)]
    Channels(channels::ChannelsCall),
    /// Ask for usage without storing it
    Usage(usage::UsageCall),
}

pub(super) async fn run(context: &Context, arguments: ApiArguments) -> Result<Exit, Failure> {
    let accounts = context.settings.chosen(arguments.account.as_deref())?;
    let [account] = accounts[..] else {
        let names: Vec<&str> = accounts.iter().map(|account| account.account.as_str()).collect();
        return Err(Failure::new(Exit::Usage, "the settings describe several accounts")
            .hint(format!("choose one with --account: {}", names.join(", "))));
    };
    let api = context.api(account)?;
    let output = Output::or_default(arguments.output);
    let table = match arguments.call {
        ApiCall::Projects(call) => projects::run(&api, call).await?,
        ApiCall::Certificates(call) => certificates::run(&api, call).await?,
        ApiCall::Rules(call) => rules::run(&api, call).await?,
        ApiCall::Channels(call) => channels::run(&api, call).await?,
        ApiCall::Usage(call) => usage::run(&api, call).await?,
    };
    print_rows(&table, output)?;
    Ok(Exit::Done)
}

fn parse_project_id(text: &str) -> Result<ProjectId, String> {
    ProjectId::new(text).map_err(|error| error.to_string())
}

fn parse_app_id(text: &str) -> Result<AppId, String> {
    AppId::new(text).map_err(|error| format!("{error}; `agora-usage api projects list` shows them"))
}

/// Refuses what cannot be undone unless it was confirmed.
fn confirmed(yes: bool, what: &str) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    Err(Failure::new(Exit::Usage, format!("{what} cannot be undone")).hint("confirm with --yes"))
}

fn time(at: Option<DateTime<Utc>>) -> Option<String> {
    at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// Adds the certificate of a project to its row, for those who ask for it.
async fn add_certificate(
    api: &AgoraApi,
    table: &mut ResultTable,
    project_id: &ProjectId,
) -> Result<(), Failure> {
    use crate::store::analyst_queries::{ResultColumn, ValueKind};
    use secrecy::ExposeSecret;
    let certificate =
        api.certificate(project_id).await.map_err(|error| projects::not_read_back(&error))?.value;
    let column = ResultColumn { name: "certificate".to_owned(), kind: ValueKind::Text };
    table.columns.push(column);
    for row in &mut table.rows {
        row.push(certificate.as_ref().map(|certificate| certificate.expose_secret().to_owned()));
    }
    Ok(())
}
