//! `POST /dev/v1/recording_config`: sets a project's recording server.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::Value;

use super::project_body::no_project;
use crate::simulator::answer::{Refusal, success};
use crate::simulator::asked::Asked;
use crate::simulator::state::Account;

/// An empty address takes the server away.
pub(in crate::simulator) async fn set(
    State(account): State<Arc<Account>>,
    asked: Asked,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let id = asked.required_text("id")?;
    let server = asked.text("recording_server")?;
    let server = server.ok_or_else(|| Refusal::bad_request("recording_server is required"))?;
    let changed =
        account.change_projects(|registry| registry.set_recording_server(id, server.to_owned()));
    changed.ok_or_else(|| no_project(account.shapes))?;
    Ok((account.shapes.project_change_status, success()))
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use serde_json::json;

    use crate::simulator::testing::{account, ask, project_id, send, unlimited};

    #[tokio::test]
    async fn the_server_is_shown_from_then_on() {
        let account = account(&unlimited());
        let set = async |number| {
            let body = json!({
                "id": project_id(&account, number),
                "recording_server": "10.12.1.5:8080",
            });
            send(&account, Method::POST, "/dev/v1/recording_config/", &body).await
        };
        assert_eq!(set(0).await.body, r#"{"success":true}"#);
        let list = ask(&account, "/dev/v1/projects").await.json();
        assert_eq!(list["projects"][0]["recording_server"], "10.12.1.5:8080");
        assert_eq!(set(4).await.status, 404, "disabled");
        assert_eq!(set(6).await.status, 404, "deleted");
    }
}
