//! `GET /dev/v1/projects`: every project that is not deleted.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;

use super::project_body::body;
use crate::simulator::answer::Ordered;
use crate::simulator::state::Account;

#[derive(Serialize)]
pub(in crate::simulator) struct ProjectList {
    projects: Vec<Ordered>,
}

/// Lists the account's projects, without pages.
pub(in crate::simulator) async fn list(
    State(account): State<Arc<Account>>,
) -> (StatusCode, Json<ProjectList>) {
    let projects = account.projects();
    let listed = projects.iter().filter(|project| project.exists());
    let projects = listed.map(|project| body(account.shapes, project)).collect();
    (account.shapes.project_read_status, Json(ProjectList { projects }))
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::Value;

    use crate::simulator::testing::{account, account_of, ask, unlimited};
    use crate::simulator::{ApiYear, SimulatorSettings};

    #[tokio::test]
    async fn the_list_leaves_out_the_deleted_project() {
        let account = account(&unlimited());
        let answer = ask(&account, "/dev/v1/projects/").await;
        assert_eq!(answer.status, StatusCode::CREATED);
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

    #[tokio::test]
    async fn each_year_has_its_own_keys_and_stamps() {
        let of = async |year| {
            let answer = ask(&account_of(year), "/dev/v1/projects").await;
            // The second project has no certificate.
            (answer.status.as_u16(), answer.json()["projects"][1].clone())
        };
        let (status, project) = of(ApiYear::Year2018).await;
        assert_eq!((status, &project["sign_key"]), (200, &Value::from("")));
        assert!(project.get("recording_server").is_none());
        let seconds = project["created"].as_i64().expect("seconds");
        let (status, project) = of(ApiYear::Year2020).await;
        assert_eq!((status, project.get("sign_key")), (200, None));
        assert_eq!(project.get("recording_server"), Some(&Value::Null));
        assert_eq!(project["created"].as_i64(), Some(seconds * 1_000));
        assert!(project["company_id"].is_u64());
        let (status, project) = of(ApiYear::Year2026).await;
        assert_eq!((status, &project["sign_key"]), (201, &Value::from("")));
        assert_eq!(project.get("recording_server"), Some(&Value::Null));
        assert_eq!(project["created"].as_i64(), Some(seconds));
        assert!(project.get("company_id").is_none());
    }
}
