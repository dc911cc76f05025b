//! A project as the project calls write it.

use std::sync::Arc;

use axum::Json;
use serde_json::{Value, json};

use crate::simulator::answer::{Ordered, Refusal};
use crate::simulator::cast::SimulatedProject;
use crate::simulator::years::{ProjectKey, Shapes};

/// A number of no meaning to callers, in the years that send one.
const COMPANY_ID: u64 = 31_415;

/// One project, with its keys in the platform's order.
pub(super) fn body(shapes: &Shapes, project: &SimulatedProject) -> Ordered {
    let certificate = Some(project.certificate.as_str()).filter(|text| !text.is_empty());
    let created = if shapes.created_in_ms {
        project.created_at.timestamp_millis()
    } else {
        project.created_at.timestamp()
    };
    let mut body = Ordered::default()
        .with("id", project.project_id.as_str())
        .with("name", project.name.as_str());
    if let Some(certificate) = shapes.no_certificate.value(certificate) {
        body = body.with("sign_key", certificate);
    }
    body = body.with("vendor_key", project.app_id.as_str());
    if let Some(server) = shapes.no_recording_server.value(project.recording_server.as_deref()) {
        body = body.with("recording_server", server);
    }
    if shapes.company_id {
        body = body.with("company_id", COMPANY_ID);
    }
    body.with("status", u8::from(project.is_active())).with("created", created)
}

/// Projects under the key that the year has for one.
pub(super) fn under(
    key: ProjectKey,
    shapes: &Shapes,
    projects: &[Arc<SimulatedProject>],
) -> Json<Value> {
    let mut bodies = projects.iter().map(|project| json!(body(shapes, project)));
    Json(match key {
        ProjectKey::ProjectsArray => json!({ "projects": bodies.collect::<Vec<_>>() }),
        ProjectKey::ProjectArray => json!({ "project": bodies.collect::<Vec<_>>() }),
        ProjectKey::ProjectObject => json!({ "project": bodies.next() }),
    })
}

/// What a project that does not exist is answered with.
pub(super) fn no_project(shapes: &Shapes) -> Refusal {
    Refusal::not_found(shapes.no_project)
}
