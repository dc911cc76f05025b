//! `GET /dev/v1/projects/` and `GET /dev/v1/project/`: all projects, or some of them.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::client::{AgoraApi, Call, Family, Reply};
use super::error::ApiError;
use super::wire::{Count, unix_moment};
use crate::domain::{AppId, Project, ProjectId, ProjectStatus};

const LIST: &str = "GET projects";
const ONE: &str = "GET project";

/// `projects` or `project`, a list or a single object.
#[derive(Debug, Deserialize)]
pub(super) struct ProjectsBody {
    #[serde(alias = "project")]
    projects: OneOrMany,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "neither a project nor a list of projects, each with an id as text")]
enum OneOrMany {
    Many(Vec<WireProject>),
    One(Box<WireProject>),
}

/// A project as sent. Of `sign_key` only its presence leaves this type.
#[derive(Debug, Deserialize)]
struct WireProject {
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    vendor_key: Option<String>,
    #[serde(default, deserialize_with = "is_filled")]
    sign_key: bool,
    #[serde(default)]
    recording_server: Option<String>,
    #[serde(default)]
    status: Count,
    #[serde(default)]
    created: Count,
}

/// Tells whether a text was sent and is not empty, and forgets the text.
fn is_filled<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let text = Option::<std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
    Ok(text.is_some_and(|text| !text.is_empty()))
}

impl WireProject {
    fn into_project(self) -> Result<Project, String> {
        let project_id = ProjectId::new(&self.id).map_err(|error| {
            format!("the answer lists a project whose id is not usable: {error}")
        })?;
        let status = match self.status {
            Count::Known(1) => ProjectStatus::Active,
            Count::Known(0) => ProjectStatus::Disabled,
            _ => ProjectStatus::Unknown,
        };
        let created_at = match self.created {
            Count::Known(moment) => unix_moment(moment),
            _ => None,
        };
        Ok(Project {
            project_id,
            name: self.name.unwrap_or_default(),
            app_id: self.vendor_key.and_then(|key| AppId::new(&key).ok()),
            status,
            created_at,
            has_certificate: self.sign_key,
            recording_server: self.recording_server.filter(|server| !server.is_empty()),
        })
    }
}

impl ProjectsBody {
    /// The projects in the order of the body.
    pub(super) fn into_projects(self) -> Result<Vec<Project>, String> {
        let projects = match self.projects {
            OneOrMany::Many(projects) => projects,
            OneOrMany::One(project) => vec![*project],
        };
        let mut seen = BTreeSet::new();
        let mut once = Vec::with_capacity(projects.len());
        for project in projects {
            let project = project.into_project()?;
            // A project that is listed twice is one project.
            if seen.insert(project.project_id.clone()) {
                once.push(project);
            }
        }
        Ok(once)
    }
}

impl AgoraApi {
    /// All projects that are not deleted.
    ///
    /// # Errors
    /// [`ApiError`] when the call failed for good, or a project has no usable id.
    pub async fn projects(&self) -> Result<Reply<Vec<Project>>, ApiError> {
        let call = Call::get(Family::Projects, LIST, &["dev", "v1", "projects", ""], &[]);
        let reply: Reply<ProjectsBody> = self.send(call).await?;
        reply.try_map(LIST, ProjectsBody::into_projects)
    }

    /// The projects of that id, of that name, or of both; names need not be unique.
    ///
    /// # Errors
    /// [`ApiError`] when the call failed for good; `NotFound` when there is none.
    pub async fn project(
        &self,
        project_id: Option<&ProjectId>,
        name: Option<&str>,
    ) -> Result<Reply<Vec<Project>>, ApiError> {
        let id = project_id.map(|id| ("id", id.as_str()));
        let query: Vec<(&str, &str)> =
            id.into_iter().chain(name.map(|name| ("name", name))).collect();
        let call = Call::get(Family::Projects, ONE, &["dev", "v1", "project", ""], &query);
        let reply: Reply<ProjectsBody> = self.send(call).await?;
        reply.try_map(ONE, |body| {
            let mut projects = body.into_projects()?;
            // A server that does not read the query string lists all of them.
            projects.retain(|project| project_id.is_none_or(|id| project.project_id == *id));
            Ok(projects)
        })
    }
}

/// Decodes a body without a call.
pub(crate) fn decoded(body: &str) -> Result<Vec<Project>, String> {
    serde_json::from_str::<ProjectsBody>(body).map_err(|error| error.to_string())?.into_projects()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn projects(json: &str) -> Vec<Project> {
        let body: ProjectsBody = serde_json::from_str(json).expect("decodes");
        body.into_projects().expect("valid")
    }

    #[test]
    fn a_list_of_2019_with_milliseconds_and_an_empty_certificate_is_read() {
        let list = projects(include_str!("../../tests/fixtures/projects/list_2019.json"));
        assert_eq!(list.len(), 2);
        assert_eq!(list[0].name, "测试环境");
        assert!(list[0].has_certificate && !list[1].has_certificate);
        let created = list[0].created_at.map(|at| at.to_rfc3339());
        assert_eq!(created.as_deref(), Some("2019-01-08T11:56:48.688+00:00"));
    }

    #[test]
    fn one_object_under_project_and_missing_fields_are_read() {
        let list = projects(r#"{"project":{"id":"Hk12QqzrB","company_id":7}}"#);
        assert_eq!(list[0].project_id.as_str(), "Hk12QqzrB");
        assert_eq!(list[0].status, ProjectStatus::Unknown);
        assert_eq!((list[0].app_id.clone(), list[0].created_at), (None, None));
    }

    #[test]
    fn the_certificate_never_leaves_the_wire_type() {
        let key = "4855898a22ae4102a29b81ba76f2eae2";
        let json = format!(r#"{{"projects":[{{"id":"a","sign_key":"{key}"}}]}}"#);
        let body: ProjectsBody = serde_json::from_str(&json).expect("decodes");
        assert!(!format!("{body:?}").contains(key));
    }
}
