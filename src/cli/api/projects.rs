//! `agora-usage api projects ...`.

use super::super::failure::{Exit, Failure};
use super::{add_certificate, confirmed, parse_project_id, time};
use crate::agora_api::AgoraApi;
use crate::agora_api::project_changes::MAX_NAME_CHARS;
use crate::domain::{AppId, Project, ProjectId};
use crate::store::analyst_queries::{ResultTable, ValueKind};

/// Calls about projects.
#[derive(Debug, clap::Subcommand)]
pub(super) enum ProjectsCall {
    /// All projects that are not deleted
    List,
    /// The projects of an id, of a name, or of both
    #[command(group = clap::ArgGroup::new("which").required(true).multiple(true))]
    Get {
        /// Project id, a short token
        #[arg(long, group = "which", allow_hyphen_values = true, value_parser = parse_project_id)]
        id: Option<ProjectId>,
        /// Name; several projects may have it
        #[arg(long, group = "which", value_parser = parse_name)]
        name: Option<String>,
    },
    /// Create a project
    Create {
        /// Name, up to 255 characters
        #[arg(value_parser = parse_name)]
        name: String,
        /// Enable an App Certificate for it
        #[arg(long)]
        certificate: bool,
        /// Print the App Certificate
        #[arg(long, requires = "certificate")]
        show_secret: bool,
    },
    /// Let a disabled project be used again
    Enable {
        /// Project id, a short token
        #[arg(allow_hyphen_values = true, value_parser = parse_project_id)]
        id: ProjectId,
    },
    /// Keep a project from being used
    Disable {
        /// Project id, a short token
        #[arg(allow_hyphen_values = true, value_parser = parse_project_id)]
        id: ProjectId,
    },
    /// Delete a project for good
    Delete {
        /// Project id, a short token
        #[arg(allow_hyphen_values = true, value_parser = parse_project_id)]
        id: ProjectId,
        /// Confirm what cannot be undone
        #[arg(long)]
        yes: bool,
    },
    /// Set the address of the on-premise recording server (recording SDK up to 1.9.0)
    RecordingServer {
        /// Project id, a short token
        #[arg(allow_hyphen_values = true, value_parser = parse_project_id)]
        id: ProjectId,
        /// Address of the server
        #[arg(value_name = "HOST:PORT")]
        server: String,
    },
}

fn parse_name(name: &str) -> Result<String, String> {
    match name.chars().count() {
        0 => Err("a name is not empty".to_owned()),
        length if length > MAX_NAME_CHARS => {
            Err(format!("a name has up to {MAX_NAME_CHARS} characters, this one {length}"))
        }
        _ => Ok(name.to_owned()),
    }
}

pub(super) async fn run(api: &AgoraApi, call: ProjectsCall) -> Result<ResultTable, Failure> {
    match call {
        ProjectsCall::List => Ok(projects(&api.projects().await?.value)),
        ProjectsCall::Get { id, name } => {
            let found = api.project(id.as_ref(), name.as_deref()).await?.value;
            if found.is_empty() {
                return Err(Failure::new(Exit::Failed, "there is no such project")
                    .hint("`agora-usage api projects list` shows all"));
            }
            Ok(projects(&found))
        }
        ProjectsCall::Create { name, certificate, show_secret } => {
            let created = api.create_project(&name, certificate).await?.value;
            let mut table = projects(std::slice::from_ref(&created));
            if show_secret {
                add_certificate(api, &mut table, &created.project_id).await.map_err(|failure| {
                    // The new id must not be lost with it.
                    let id = &created.project_id;
                    failure.hint(format!(
                        "project {id} is there; `agora-usage api certificates enable {id} \
                         --show-secret` shows its certificate"
                    ))
                })?;
            }
            Ok(table)
        }
        ProjectsCall::Enable { id } => {
            api.set_project_status(&id, true).await?;
            after(api, &id).await
        }
        ProjectsCall::Disable { id } => {
            api.set_project_status(&id, false).await?;
            after(api, &id).await
        }
        ProjectsCall::Delete { id, yes } => {
            confirmed(yes, &format!("deleting project {id}"))?;
            api.delete_project(&id).await?;
            let mut table = ResultTable::with_columns(&[
                ("project_id", ValueKind::Text),
                ("status", ValueKind::Text),
            ]);
            table.rows.push(vec![Some(id.to_string()), Some("deleted".to_owned())]);
            Ok(table)
        }
        ProjectsCall::RecordingServer { id, server } => {
            api.set_recording_server(&id, &server).await?;
            after(api, &id).await
        }
    }
}

/// The project as it is now: not every year answers a change with it.
pub(super) async fn after(api: &AgoraApi, id: &ProjectId) -> Result<ResultTable, Failure> {
    let now = api.project(Some(id), None).await.map_err(|error| not_read_back(&error))?;
    Ok(projects(&now.value))
}

/// A change that was made must not look as if it had failed.
pub(super) fn not_read_back(error: &crate::agora_api::ApiError) -> Failure {
    Failure::new(Exit::Failed, format!("the change was made, but not read back: {error}"))
        .hint("`agora-usage api projects list` shows how it is now")
}

fn projects(projects: &[Project]) -> ResultTable {
    let mut table = ResultTable::with_columns(&[
        ("project_id", ValueKind::Text),
        ("name", ValueKind::Text),
        ("status", ValueKind::Text),
        ("app_id", ValueKind::Text),
        ("has_certificate", ValueKind::Boolean),
        ("recording_server", ValueKind::Text),
        ("created_at", ValueKind::Text),
    ]);
    table.rows.extend(projects.iter().map(|project| {
        vec![
            Some(project.project_id.to_string()),
            Some(project.name.clone()),
            Some(project.status.name().to_owned()),
            project.app_id.as_ref().map(AppId::to_string),
            Some(project.has_certificate.to_string()),
            project.recording_server.clone(),
            time(project.created_at),
        ]
    }));
    table
}
