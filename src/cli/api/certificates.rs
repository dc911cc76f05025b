//! `agora-usage api certificates ...`.

use super::super::failure::Failure;
use super::projects::after;
use super::{add_certificate, confirmed, parse_project_id};
use crate::agora_api::AgoraApi;
use crate::domain::ProjectId;
use crate::store::analyst_queries::ResultTable;

/// Calls about App Certificates.
#[derive(Debug, clap::Subcommand)]
pub(super) enum CertificatesCall {
    /// Enable a project's App Certificate
    Enable {
        /// Project id, a short token
        #[arg(allow_hyphen_values = true, value_parser = parse_project_id)]
        id: ProjectId,
        /// Print the App Certificate
        #[arg(long)]
        show_secret: bool,
    },
    /// Disable a project's App Certificate
    Disable {
        /// Project id, a short token
        #[arg(allow_hyphen_values = true, value_parser = parse_project_id)]
        id: ProjectId,
    },
    /// Replace a project's App Certificate; tokens signed with the old one stop working
    Reset {
        /// Project id, a short token
        #[arg(allow_hyphen_values = true, value_parser = parse_project_id)]
        id: ProjectId,
        /// Confirm what cannot be undone
        #[arg(long)]
        yes: bool,
        /// Print the new App Certificate
        #[arg(long)]
        show_secret: bool,
    },
}

pub(super) async fn run(api: &AgoraApi, call: CertificatesCall) -> Result<ResultTable, Failure> {
    let (id, show_secret) = match call {
        CertificatesCall::Enable { id, show_secret } => {
            api.set_certificate(&id, true).await?;
            (id, show_secret)
        }
        CertificatesCall::Disable { id } => {
            api.set_certificate(&id, false).await?;
            (id, false)
        }
        CertificatesCall::Reset { id, yes, show_secret } => {
            confirmed(yes, &format!("resetting the App Certificate of project {id}"))?;
            api.reset_certificate(&id).await?;
            (id, show_secret)
        }
    };
    let mut table = after(api, &id).await?;
    if show_secret {
        add_certificate(api, &mut table, &id).await?;
    }
    Ok(table)
}
