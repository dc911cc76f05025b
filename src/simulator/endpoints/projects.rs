//! `GET /dev/v1/projects`: every project that is not deleted.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::simulator::cast::{Fate, SimulatedProject};
use crate::simulator::state::Account;

#[derive(Serialize)]
pub(in crate::simulator) struct ProjectList {
    projects: Vec<ProjectBody>,
}

#[derive(Serialize)]
struct ProjectBody {
    id: String,
    name: String,
    sign_key: String,
    vendor_key: String,
    recording_server: Option<String>,
    /// 1 active, 0 disabled.
    status: u8,
    /// Unix seconds; some years of the API sent milliseconds.
    created: i64,
}

/// Lists the account's projects, without pages.
pub(in crate::simulator) async fn list(State(account): State<Arc<Account>>) -> Json<ProjectList> {
    let listed = account.projects.iter().filter(|project| project.fate != Fate::Deleted);
    Json(ProjectList { projects: listed.map(body).collect() })
}

fn body(project: &SimulatedProject) -> ProjectBody {
    ProjectBody {
        id: project.project_id.clone(),
        name: project.name.clone(),
        sign_key: project.certificate.clone(),
        vendor_key: project.app_id.clone(),
        recording_server: None,
        status: u8::from(project.is_active()),
        created: project.created_at.timestamp(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use crate::simulator::SimulatorSettings;
    use crate::simulator::testing::{account, ask, unlimited};

    #[tokio::test]
    async fn the_list_leaves_out_the_deleted_project() {
        let account = account(&unlimited());
        let answer = ask(&account, "/dev/v1/projects/").await;
        assert_eq!(answer.status, StatusCode::OK);
        let body = answer.json();
        let projects = body["projects"].as_array().expect("array");
        assert_eq!(projects.len(), 7);
        assert!(!answer.body.contains("Game lobby"));
        assert_eq!(projects.iter().filter(|project| project["status"] == 0).count(), 1);
        assert!(projects.iter().any(|project| project["name"] == "=Trial rooms"));
        assert!(projects.iter().all(|project| project["recording_server"].is_null()));
    }

    #[tokio::test]
    async fn the_same_seed_gives_the_same_body() {
        let body = async |seed| {
            let account = account(&SimulatorSettings { seed, ..unlimited() });
            ask(&account, "/dev/v1/projects").await.body
        };
        assert_eq!(body(1).await, body(1).await);
        assert_ne!(body(1).await, body(2).await);
    }
}
