//! `/dev/v1/project`: finds, creates and deletes a project.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::Value;

use super::project_body::{no_project, under};
use crate::simulator::answer::{Refusal, success};
use crate::simulator::asked::Asked;
use crate::simulator::cast::SimulatedProject;
use crate::simulator::state::Account;

/// Longest name, in characters.
const MAX_NAME_CHARS: usize = 255;

/// `GET`: the projects of an id, of a name, or of both.
pub(in crate::simulator) async fn find(
    State(account): State<Arc<Account>>,
    asked: Asked,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let id = asked.text("id")?.filter(|id| !id.is_empty());
    let name = asked.text("name")?.filter(|name| !name.is_empty());
    if id.is_none() && name.is_none() {
        return Err(Refusal::bad_request("id or name is required"));
    }
    let fits = |project: &Arc<SimulatedProject>| {
        project.exists()
            && id.is_none_or(|id| project.project_id == id)
            && name.is_none_or(|name| project.name == name)
    };
    let shapes = account.shapes;
    let found: Vec<_> = account.projects().into_iter().filter(fits).collect();
    if found.is_empty() {
        return Err(no_project(shapes));
    }
    Ok((shapes.project_read_status, under(shapes.one_project, shapes, &found)))
}

/// `POST`: creates a project, with a certificate if asked for.
pub(in crate::simulator) async fn create(
    State(account): State<Arc<Account>>,
    asked: Asked,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let name = asked.required_text("name")?;
    if name.chars().count() > MAX_NAME_CHARS {
        return Err(Refusal::bad_request("name must have at most 255 characters"));
    }
    let with_certificate = asked.flag("enable_sign_key")?.unwrap_or(false);
    let now = account.now();
    let project =
        account.change_projects(|registry| registry.create(name.to_owned(), with_certificate, now));
    let shapes = account.shapes;
    Ok((shapes.project_create_status, under(shapes.changed_project, shapes, &[project])))
}

/// `DELETE`: the project vanishes from the list; its usage stays.
pub(in crate::simulator) async fn delete(
    State(account): State<Arc<Account>>,
    asked: Asked,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let id = asked.required_text("id")?;
    let today = account.now().date_naive();
    let deleted = account.change_projects(|registry| registry.delete(id, today));
    deleted.ok_or_else(|| no_project(account.shapes))?;
    Ok((account.shapes.project_change_status, success()))
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use serde_json::json;

    use crate::simulator::ApiYear;
    use crate::simulator::testing::{account, account_of, ask, project_id, send, unlimited};

    const PATH: &str = "/dev/v1/project/";

    #[tokio::test]
    async fn a_project_is_found_by_id_by_name_or_by_both() {
        let account = account(&unlimited());
        let (first, other) = (project_id(&account, 0), project_id(&account, 2));
        let found = async |query: String| {
            let body = ask(&account, &format!("{PATH}?{query}")).await.json();
            let projects = body["projects"].as_array().cloned().unwrap_or_default();
            projects.iter().map(|project| project["id"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(found(format!("id={first}")).await, [first.as_str()]);
        assert_eq!(found("name=Live%20classroom".to_owned()).await.len(), 2, "two share it");
        assert_eq!(found(format!("name=Live+classroom&id={first}")).await, [first.as_str()]);
        let both = format!("{PATH}?name=Live+classroom&id={other}");
        assert_eq!(ask(&account, &both).await.status, 404);
        assert_eq!(ask(&account, PATH).await.status, 400);
        let by_body = send(&account, Method::GET, PATH, &json!({ "id": first })).await;
        assert_eq!(by_body.json()["projects"][0]["id"], first);
    }

    #[tokio::test]
    async fn a_project_lives_from_creation_to_deletion_in_every_year() {
        for (year, read, created, changed) in [
            (ApiYear::Year2018, "/projects/0", (200, "/project"), 200),
            (ApiYear::Year2020, "/project", (201, "/project/0"), 200),
            (ApiYear::Year2026, "/projects/0", (201, "/project"), 201),
        ] {
            let account = account_of(year);
            let body = json!({ "name": "bar project", "enable_sign_key": true });
            let answer = send(&account, Method::POST, PATH, &body).await;
            assert_eq!(answer.status, created.0, "{year}");
            let new = answer.json().pointer(created.1).expect("the project").clone();
            assert_eq!((&new["name"], &new["status"]), (&"bar project".into(), &1.into()));
            assert_eq!(new["sign_key"].as_str().map(str::len), Some(32));
            assert_eq!(new["vendor_key"].as_str().map(str::len), Some(32));
            let id = new["id"].as_str().expect("an id");
            let one = ask(&account, &format!("/dev/v1/project?id={id}")).await.json();
            assert_eq!(one.pointer(read), Some(&new), "{year}");
            assert!(ask(&account, "/dev/v1/projects").await.body.contains(id));
            let deleted = send(&account, Method::DELETE, PATH, &json!({ "id": id })).await;
            assert_eq!(
                (deleted.status.as_u16(), deleted.body.as_str()),
                (changed, r#"{"success":true}"#)
            );
            assert!(!ask(&account, "/dev/v1/projects").await.body.contains(id));
            let again = send(&account, Method::DELETE, PATH, &json!({ "id": id })).await;
            assert_eq!(again.status, 404);
            let body = match year {
                ApiYear::Year2018 => r#"{"error_msg":"project not exist"}"#,
                ApiYear::Year2020 => r#"{"error_msg":"project not exsit"}"#,
                ApiYear::Year2026 => r#"{"message":"project not exist"}"#,
            };
            assert_eq!(again.body, body);
        }
    }

    #[tokio::test]
    async fn names_may_be_shared_but_not_too_long() {
        let account = account(&unlimited());
        let create =
            async |name: &str| send(&account, Method::POST, PATH, &json!({ "name": name })).await;
        let first = create("会").await;
        assert_eq!(
            (first.status.as_u16(), &first.json()["project"]["sign_key"]),
            (201, &"".into())
        );
        assert_eq!(create("会").await.status, 201);
        assert_eq!(create(&"会".repeat(255)).await.status, 201);
        assert_eq!(create(&"x".repeat(256)).await.status, 400);
        assert_eq!(create("").await.status, 400);
    }

    #[tokio::test]
    async fn a_deleted_project_keeps_its_usage() {
        let account = account(&unlimited());
        let id = project_id(&account, 2);
        let usage = format!("/dev/v1/usage?from_date=2031-04-01&to_date=2031-04-30&projects={id}");
        let before = ask(&account, &usage).await.body;
        assert_eq!(send(&account, Method::DELETE, PATH, &json!({ "id": id })).await.status, 201);
        assert_eq!(ask(&account, &usage).await.body, before);
        let app_id = account.project(&id).expect("kept").app_id.clone();
        assert_eq!(ask(&account, &format!("/dev/v1/channel/{app_id}")).await.status, 400);
    }
}
