//! Calls that create, enable, disable and delete projects, and set their recording server.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{AgoraApi, Call, Family, Reply};
use super::error::ApiError;
use super::projects::ProjectsBody;
use super::wire::acknowledged;
use crate::domain::{Project, ProjectId};

const CREATE: &str = "POST project";
const STATUS: &str = "POST project_status";
const DELETE: &str = "DELETE project";
const RECORDING: &str = "POST recording_config";

/// Longest name of a project, in characters.
pub const MAX_NAME_CHARS: usize = 255;

/// A change that was acknowledged; some years answer with the project, others with `success`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Acknowledged {
    Project(ProjectsBody),
    Success(Value),
}

impl Acknowledged {
    fn project(self) -> Result<Option<Project>, String> {
        match self {
            Self::Project(body) => Ok(body.into_projects()?.into_iter().next()),
            Self::Success(body) => acknowledged(&body).map(|()| None),
        }
    }
}

impl AgoraApi {
    /// Creates a project, with an App Certificate where it is asked for.
    ///
    /// A request that may or may not have arrived is never sent again: the list
    /// of projects tells whether there is a new one of that name.
    ///
    /// # Errors
    /// [`ApiError`] when the platform refused, or when no new project is listed
    /// after a request without an answer.
    pub async fn create_project(
        &self,
        name: &str,
        with_certificate: bool,
    ) -> Result<Reply<Project>, ApiError> {
        let before: Vec<ProjectId> =
            self.projects().await?.value.into_iter().map(|project| project.project_id).collect();
        let body = json!({ "name": name, "enable_sign_key": with_certificate });
        let path = ["dev", "v1", "project", ""];
        let call = Call::write(Family::Projects, CREATE, Method::POST, &path, body);
        let outcome = self.send::<ProjectsBody>(call).await.and_then(|reply| {
            reply.try_map(CREATE, |body| {
                let created = body.into_projects()?.into_iter().next();
                created.ok_or_else(|| "the answer holds no project".to_owned())
            })
        });
        match outcome {
            Err(error) if error.may_have_arrived() => {
                tracing::warn!(%error, "looking for the new project in the list");
                self.new_project(name, &before).await.unwrap_or(Err(error))
            }
            outcome => outcome,
        }
    }

    /// The project of that name that was not there before; none when the list does not tell.
    async fn new_project(
        &self,
        name: &str,
        before: &[ProjectId],
    ) -> Option<Result<Reply<Project>, ApiError>> {
        let listed = self.projects().await;
        let after =
            listed.inspect_err(|error| tracing::warn!(%error, "no list to look in")).ok()?;
        let is_new =
            |project: &&Project| project.name == name && !before.contains(&project.project_id);
        let project = after.value.iter().find(is_new).cloned()?;
        Some(after.try_map(CREATE, |_| Ok(project)))
    }

    /// Enables or disables a project. Gives the project where the answer holds it.
    ///
    /// # Errors
    /// [`ApiError`]; `NotFound` for a project that is not there.
    pub async fn set_project_status(
        &self,
        project_id: &ProjectId,
        active: bool,
    ) -> Result<Reply<Option<Project>>, ApiError> {
        let body = json!({ "id": project_id.as_str(), "status": i32::from(active) });
        self.change_project(STATUS, Method::POST, "project_status", body).await
    }

    /// Deletes a project for good. Its past usage still counts in the bill.
    ///
    /// # Errors
    /// [`ApiError`]; `NotFound` for a project that is not there.
    pub async fn delete_project(
        &self,
        project_id: &ProjectId,
    ) -> Result<Reply<Option<Project>>, ApiError> {
        let body = json!({ "id": project_id.as_str() });
        self.change_project(DELETE, Method::DELETE, "project", body).await
    }

    /// Sets the address (`host:port`) of the on-premise recording server.
    ///
    /// Needed by recording SDKs up to 1.9.0, ignored by those after 1.11.0
    /// (Dashboard REST API v1, 2018).
    ///
    /// # Errors
    /// [`ApiError`]; `NotFound` for a project that is not there or is disabled.
    pub async fn set_recording_server(
        &self,
        project_id: &ProjectId,
        recording_server: &str,
    ) -> Result<Reply<Option<Project>>, ApiError> {
        let body = json!({ "id": project_id.as_str(), "recording_server": recording_server });
        self.change_project(RECORDING, Method::POST, "recording_config", body).await
    }

    /// Sends a change and takes whatever acknowledges it.
    pub(super) async fn change_project(
        &self,
        endpoint: &'static str,
        method: Method,
        resource: &str,
        body: Value,
    ) -> Result<Reply<Option<Project>>, ApiError> {
        let path = ["dev", "v1", resource, ""];
        let call = Call::write(Family::Projects, endpoint, method, &path, body);
        let reply: Reply<Acknowledged> = self.send(call).await?;
        reply.try_map(endpoint, Acknowledged::project)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acknowledgement_is_a_project_or_success() {
        let project = |json: &str| {
            serde_json::from_str::<Acknowledged>(json).expect("decodes").project().expect("valid")
        };
        for done in [r#"{"success":true}"#, r#"{"status":"success"}"#, "{}", "null"] {
            assert_eq!(project(done), None, "{done}");
        }
        for other in [r#"{"message":"invalid appid"}"#, "[]", r#""ok""#] {
            let body: Acknowledged = serde_json::from_str(other).expect("decodes");
            assert!(body.project().is_err(), "{other}");
        }
        let named = project(r#"{"project":{"id":"a","status":0}}"#).expect("project");
        assert_eq!(named.project_id.as_str(), "a");
        assert!(project(r#"{"projects":[{"id":"a"}]}"#).is_some());
    }
}
