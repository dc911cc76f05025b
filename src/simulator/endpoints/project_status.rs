//! `POST /dev/v1/project_status`: disables or enables a project.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::Value;

use super::project_body::{no_project, under};
use crate::simulator::answer::Refusal;
use crate::simulator::asked::Asked;
use crate::simulator::state::Account;

/// Answers with the project as it is now.
pub(in crate::simulator) async fn set(
    State(account): State<Arc<Account>>,
    asked: Asked,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let id = asked.required_text("id")?;
    let active = match asked.whole("status")? {
        Some(0) => false,
        Some(1) => true,
        _ => return Err(Refusal::bad_request("status must be 0 or 1")),
    };
    let today = account.now().date_naive();
    let changed = account.change_projects(|registry| registry.set_active(id, active, today));
    let shapes = account.shapes;
    let project = changed.ok_or_else(|| no_project(shapes))?;
    Ok((shapes.project_change_status, under(shapes.changed_project, shapes, &[project])))
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use serde_json::json;

    use crate::simulator::testing::{account_at, app_id, ask, project_id, send};

    const PATH: &str = "/dev/v1/project_status/";

    #[tokio::test]
    async fn a_disabled_project_has_no_channels_until_it_is_enabled() {
        let account = account_at("2031-05-08T18:00:10Z");
        let (id, app_id) = (project_id(&account, 0), app_id(&account, 0));
        let set = async |status: u8| {
            let body = json!({ "id": id, "status": status });
            send(&account, Method::POST, PATH, &body).await.json()["project"]["status"].clone()
        };
        let channels = async || {
            ask(&account, &format!("/dev/v1/channel/{app_id}")).await.json()["data"]["total_size"]
                .as_u64()
        };
        let before = channels().await;
        assert_eq!((set(0).await, channels().await), (0.into(), Some(0)));
        assert_eq!((set(1).await, channels().await), (1.into(), before));
    }

    #[tokio::test]
    async fn an_unknown_project_and_an_unknown_status_are_refused() {
        let account = account_at("2031-05-08T18:00:10Z");
        let set = async |body| send(&account, Method::POST, PATH, &body).await.status.as_u16();
        assert_eq!(set(json!({ "id": "nobody", "status": 0 })).await, 404);
        assert_eq!(
            set(json!({ "id": project_id(&account, 6), "status": 1 })).await,
            404,
            "deleted"
        );
        assert_eq!(set(json!({ "id": project_id(&account, 0), "status": 2 })).await, 400);
        assert_eq!(set(json!({ "id": project_id(&account, 0) })).await, 400);
    }
}
