//! Calls about App Certificates, the signing secrets of projects.

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::client::{AgoraApi, Call, Family, Reply};
use super::error::ApiError;
use crate::domain::{Project, ProjectId};

const ENABLE: &str = "POST signkey";
const RESET: &str = "POST reset_signkey";
const READ: &str = "GET project";

/// The one wire type that keeps a certificate, for those who ask for it.
#[derive(Deserialize)]
struct Body {
    #[serde(alias = "project")]
    projects: OneOrMany,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    Many(Vec<WireCertificate>),
    One(WireCertificate),
}

#[derive(Deserialize)]
struct WireCertificate {
    id: String,
    #[serde(default)]
    sign_key: Option<SecretString>,
}

impl Body {
    fn certificate_of(self, project_id: &ProjectId) -> Result<Option<SecretString>, String> {
        let projects = match self.projects {
            OneOrMany::Many(projects) => projects,
            OneOrMany::One(project) => vec![project],
        };
        let own = projects.into_iter().find(|project| project.id == project_id.as_str());
        let own = own.ok_or_else(|| "the answer is about another project".to_owned())?;
        Ok(own.sign_key.filter(|key| !key.expose_secret().is_empty()))
    }
}

impl AgoraApi {
    /// Enables or disables a project's App Certificate.
    ///
    /// # Errors
    /// [`ApiError`]; `NotFound` for a project that is not there or is disabled.
    pub async fn set_certificate(
        &self,
        project_id: &ProjectId,
        enabled: bool,
    ) -> Result<Reply<Option<Project>>, ApiError> {
        let body = json!({ "id": project_id.as_str(), "enable": enabled });
        self.change_project(ENABLE, Method::POST, "signkey", body).await
    }

    /// Replaces a project's App Certificate, and enables it where it was not.
    ///
    /// Tokens that were signed with the old one stop working.
    ///
    /// # Errors
    /// [`ApiError`]; `NotFound` for a project that is not there or is disabled.
    pub async fn reset_certificate(
        &self,
        project_id: &ProjectId,
    ) -> Result<Reply<Option<Project>>, ApiError> {
        let body = json!({ "id": project_id.as_str() });
        self.change_project(RESET, Method::POST, "reset_signkey", body).await
    }

    /// The App Certificate itself; none where none is enabled.
    ///
    /// # Errors
    /// [`ApiError`] when the call failed for good.
    pub async fn certificate(
        &self,
        project_id: &ProjectId,
    ) -> Result<Reply<Option<SecretString>>, ApiError> {
        let query = [("id", project_id.as_str())];
        let call = Call::get(Family::Projects, READ, &["dev", "v1", "project", ""], &query);
        let reply: Reply<Body> = self.send(call).await?;
        reply.try_map(READ, |body| body.certificate_of(project_id))
    }
}

/// Decodes a body without a call.
#[cfg(test)]
pub(super) fn decoded(body: &str) -> Result<Option<SecretString>, String> {
    let body: Body = serde_json::from_str(body).map_err(|error| error.to_string())?;
    body.certificate_of(&ProjectId::new("p1").map_err(|error| error.to_string())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_read_where_one_is_enabled() {
        let key =
            |json: &str| decoded(json).map(|key| key.map(|key| key.expose_secret().to_owned()));
        let enabled = r#"{"projects":[{"id":"p1","sign_key":"abc"}]}"#;
        assert_eq!(key(enabled), Ok(Some("abc".to_owned())));
        assert_eq!(key(r#"{"project":{"id":"p1","sign_key":""}}"#), Ok(None));
        assert!(key(r#"{"project":{"id":"p2","sign_key":"abc"}}"#).is_err());
    }
}
