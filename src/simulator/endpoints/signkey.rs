//! `POST /dev/v1/signkey`: enables or disables a project's certificate.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::Value;

use super::project_body::no_project;
use crate::simulator::answer::{Refusal, success};
use crate::simulator::asked::Asked;
use crate::simulator::registry::CertificateChange;
use crate::simulator::state::Account;

/// Enabling keeps a certificate that is there.
pub(in crate::simulator) async fn set(
    State(account): State<Arc<Account>>,
    asked: Asked,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let id = asked.required_text("id")?;
    let enable = asked.flag("enable")?;
    let enable = enable.ok_or_else(|| Refusal::bad_request("enable is required"))?;
    let change = if enable { CertificateChange::Enable } else { CertificateChange::Disable };
    let changed = account.change_projects(|registry| registry.set_certificate(id, change));
    changed.ok_or_else(|| no_project(account.shapes))?;
    Ok((account.shapes.project_change_status, success()))
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use serde_json::json;

    use crate::simulator::testing::{account, ask, project_id, send, unlimited};

    #[tokio::test]
    async fn a_certificate_is_disabled_and_enabled() {
        let account = account(&unlimited());
        let set = async |number, enable| {
            let body = json!({ "id": project_id(&account, number), "enable": enable });
            send(&account, Method::POST, "/dev/v1/signkey/", &body).await
        };
        let certificate = async || {
            let list = ask(&account, "/dev/v1/projects").await.json();
            list["projects"][0]["sign_key"].as_str().map(str::len)
        };
        assert_eq!(certificate().await, Some(32));
        assert_eq!(set(0, json!(false)).await.body, r#"{"success":true}"#);
        assert_eq!(certificate().await, Some(0));
        assert_eq!(set(0, json!(true)).await.status, 201);
        assert_eq!(certificate().await, Some(32));
        assert_eq!(set(0, json!("yes")).await.status, 400);
        assert_eq!(set(4, json!(true)).await.status, 404, "disabled");
    }
}
