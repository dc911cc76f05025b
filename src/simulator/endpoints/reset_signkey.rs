//! `POST /dev/v1/reset_signkey`: gives a project a fresh certificate.

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

/// Enables a certificate where none was (Agora's documentation, 2018).
pub(in crate::simulator) async fn reset(
    State(account): State<Arc<Account>>,
    asked: Asked,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let id = asked.required_text("id")?;
    let change = CertificateChange::Reset;
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
    async fn a_reset_makes_another_certificate_and_enables_a_missing_one() {
        let account = account(&unlimited());
        let certificates = async || {
            let list = ask(&account, "/dev/v1/projects").await.json();
            let of = |number: usize| list["projects"][number]["sign_key"].clone();
            (of(0), of(1))
        };
        let before = certificates().await;
        for number in [0, 1] {
            let body = json!({ "id": project_id(&account, number) });
            let answer = send(&account, Method::POST, "/dev/v1/reset_signkey/", &body).await;
            assert_eq!(answer.body, r#"{"success":true}"#);
        }
        let after = certificates().await;
        assert_ne!(before.0, after.0);
        assert_eq!((before.1, after.1.as_str().map(str::len)), ("".into(), Some(32)));
        let unknown = json!({ "id": "nobody" });
        let answer = send(&account, Method::POST, "/dev/v1/reset_signkey", &unknown).await;
        assert_eq!(answer.status, 404);
    }
}
