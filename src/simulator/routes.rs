//! Checks every request and hands it to its endpoint.
//!
//! Owns the routes and what all calls have in common: log, request id, faults,
//! credentials, content type and limits, in this order.

use std::future::ready;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};

use super::answer::Refusal;
use super::connection::NoAnswer;
use super::endpoints::{
    channel_users, channels, host_in, kicking_rule, project, project_status, projects,
    recording_config, reset_signkey, signkey, usage_v1, usage_v3, user_property,
};
use super::family::Family;
use super::state::Account;
use super::{admin, faults};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// All routes: one line each, with its family.
pub(super) fn router(account: &Arc<Account>) -> Router {
    use Family::{Channels, CoHosts, KickingRules, Projects, Roles, Usage, Users};
    let route = |family, path, handler| limited(account, family, path, handler);
    let project = get(project::find).post(project::create).delete(project::delete);
    let rule = get(kicking_rule::list)
        .post(kicking_rule::create)
        .put(kicking_rule::prolong)
        .delete(kicking_rule::delete);
    Router::new()
        .merge(route(Projects, "/dev/v1/projects", get(projects::list)))
        .merge(route(Projects, "/dev/v1/project", project))
        .merge(route(Projects, "/dev/v1/project_status", post(project_status::set)))
        .merge(route(Projects, "/dev/v1/recording_config", post(recording_config::set)))
        .merge(route(Projects, "/dev/v1/signkey", post(signkey::set)))
        .merge(route(Projects, "/dev/v1/reset_signkey", post(reset_signkey::reset)))
        .merge(route(Usage, "/dev/v1/usage", get(usage_v1::daily_minutes)))
        .merge(route(Usage, "/dev/v3/usage", get(usage_v3::daily_seconds)))
        .merge(route(KickingRules, "/dev/v1/kicking-rule", rule))
        .merge(route(Channels, "/dev/v1/channel/{app_id}", get(channels::list)))
        .merge(route(Users, "/dev/v1/channel/user/{app_id}/{channel}", get(channel_users::all)))
        .merge(route(
            Users,
            "/dev/v1/channel/user/{app_id}/{channel}/hosts_only",
            get(channel_users::hosts),
        ))
        .merge(route(
            Roles,
            "/dev/v1/channel/user/property/{app_id}/{uid}/{channel}",
            get(user_property::of_user),
        ))
        .merge(route(
            CoHosts,
            "/dev/v1/channel/business/hostin/{app_id}/{uid}/{channel}",
            get(host_in::is_host),
        ))
        .fallback(|| ready(Refusal::not_found("Not Found")))
        .method_not_allowed_fallback(|| ready(Refusal::not_found("Not Found")))
        .layer(from_fn(require_json))
        .layer(from_fn_with_state(Arc::clone(account), require_credentials))
        .layer(from_fn_with_state(Arc::clone(account), faults::strike))
        .layer(from_fn_with_state(Arc::clone(account), add_request_id))
        .layer(from_fn_with_state(Arc::clone(account), log_request))
        .merge(admin::routes())
        .with_state(Arc::clone(account))
}

/// Serves a path with and without a slash at its end, within the limit of its family.
fn limited(
    account: &Arc<Account>,
    family: Family,
    path: &str,
    handler: MethodRouter<Arc<Account>>,
) -> Router<Arc<Account>> {
    let account = Arc::clone(account);
    let check = move |request: Request, next: Next| {
        let account = Arc::clone(&account);
        async move {
            let mut response = if account.limits.accept(family) {
                next.run(request).await
            } else {
                Refusal::too_many_requests().into_response()
            };
            let refusal = response.extensions_mut().remove::<Refusal>();
            refusal.map_or(response, |refusal| refusal.written(account.shapes.errors(family)))
        }
    };
    Router::new()
        .route(path, handler.clone())
        .route(&format!("{path}/"), handler)
        .route_layer(from_fn(check))
}

async fn require_credentials(
    State(account): State<Arc<Account>>,
    request: Request,
    next: Next,
) -> Response {
    if header_text(request.headers(), &AUTHORIZATION).is_some_and(|text| account.authorizes(text)) {
        next.run(request).await
    } else {
        Refusal::unauthorized().into_response()
    }
}

/// The platform asks for the content type of every request, without a body too.
async fn require_json(request: Request, next: Next) -> Response {
    let content_type = header_text(request.headers(), &CONTENT_TYPE).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        next.run(request).await
    } else {
        Refusal::unsupported_media_type().into_response()
    }
}

async fn add_request_id(
    State(account): State<Arc<Account>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    if let Ok(request_id) = HeaderValue::from_str(&account.next_request_id()) {
        response.headers_mut().insert(REQUEST_ID, request_id);
    }
    response
}

async fn log_request(
    State(account): State<Arc<Account>>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let number = account.request_log.received(account.now(), request.method().as_str(), path);
    let response = next.run(request).await;
    if response.extensions().get::<NoAnswer>().is_none() {
        account.request_log.answered(number, response.status().as_u16());
    }
    response
}

fn header_text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use axum::http::{Method, StatusCode};
    use serde_json::json;

    use crate::simulator::testing::{
        account, account_of, app_id, ask, ask_with, authorization, project_id, send, unlimited,
    };
    use crate::simulator::{ApiYear, SimulatorSettings};

    const JSON: Option<&str> = Some("application/json");

    #[tokio::test]
    async fn missing_or_wrong_credentials_are_refused() {
        let account = account(&unlimited());
        let wrong = Some("Basic d3Jvbmc6d3Jvbmc=".to_owned());
        for credentials in [None, wrong, Some("Bearer x".to_owned()), Some(String::new())] {
            let answer = ask_with(&account, "/dev/v1/projects/", credentials, JSON).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
            assert_eq!(answer.body, r#"{"message":"Unauthorized"}"#);
            assert!(answer.request_id.is_some());
        }
    }

    #[tokio::test]
    async fn a_request_must_say_that_it_speaks_json() {
        let account = account(&unlimited());
        for (content_type, status) in [
            (None, StatusCode::UNSUPPORTED_MEDIA_TYPE),
            (Some("text/plain"), StatusCode::UNSUPPORTED_MEDIA_TYPE),
            (Some("Application/JSON; charset=utf-8"), StatusCode::CREATED),
        ] {
            let credentials = Some(authorization(&account));
            let answer = ask_with(&account, "/dev/v1/projects", credentials, content_type).await;
            assert_eq!(answer.status, status, "{content_type:?}");
        }
    }

    #[tokio::test]
    async fn other_paths_are_not_found_and_every_request_has_an_id_of_its_own() {
        let account = account(&unlimited());
        let mut request_ids = HashSet::new();
        for path in ["/", "/dev/v1/nothing", "/dev/v2/usage", "/dev/v1/channel/a/b"] {
            let answer = ask(&account, path).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            assert_eq!(answer.body, r#"{"message":"Not Found"}"#);
            request_ids.insert(answer.request_id.expect("request id"));
        }
        assert_eq!(request_ids.len(), 4);
    }

    #[tokio::test]
    async fn over_the_limit_of_a_family_requests_are_refused() {
        let settings = SimulatorSettings { requests_per_second: 10, ..unlimited() };
        let account = account(&settings);
        let mut statuses = Vec::new();
        for _ in 0..40 {
            statuses.push(ask(&account, "/dev/v1/projects/").await.status);
        }
        assert_eq!(statuses[..10], [StatusCode::CREATED; 10]);
        assert!(statuses[10..].contains(&StatusCode::TOO_MANY_REQUESTS));
        let usage = "/dev/v1/usage?from_date=2031-05-01&to_date=2031-05-01";
        assert_eq!(ask(&account, usage).await.status, StatusCode::OK, "another family");
    }

    #[tokio::test]
    async fn each_statistics_call_has_a_limit_of_its_own() {
        let settings = SimulatorSettings { statistics_requests_per_second: 2, ..unlimited() };
        let account = account(&settings);
        let app_id = account.projects()[0].app_id.clone();
        for path in [
            format!("/dev/v1/channel/{app_id}"),
            format!("/dev/v1/channel/user/{app_id}/lobby"),
            format!("/dev/v1/channel/user/property/{app_id}/1/lobby"),
            format!("/dev/v1/channel/business/hostin/{app_id}/1/lobby"),
        ] {
            let mut statuses = Vec::new();
            for _ in 0..3 {
                statuses.push(ask(&account, &path).await.status.as_u16());
            }
            assert_eq!(statuses, [200, 200, 429], "{path}");
        }
    }

    /// Every GET of the oldest document, with the parameter that it shows in a JSON body.
    fn questions(project_id: &str, app_id: &str) -> Vec<(String, Option<(&'static str, String)>)> {
        vec![
            ("projects".to_owned(), None),
            ("project".to_owned(), Some(("id", project_id.to_owned()))),
            ("kicking-rule".to_owned(), Some(("appid", app_id.to_owned()))),
            (format!("channel/{app_id}"), None),
            (format!("channel/user/{app_id}/lobby"), None),
            (format!("channel/user/property/{app_id}/1/lobby"), None),
            (format!("channel/business/hostin/{app_id}/1/lobby"), None),
        ]
    }

    #[tokio::test]
    async fn every_question_answers_with_and_without_slash_body_and_query_string() {
        for year in ApiYear::ALL {
            let account = account_of(year);
            let (project_id, app_id) = (project_id(&account, 0), app_id(&account, 0));
            for (path, parameter) in questions(&project_id, &app_id) {
                let query = parameter.as_ref().map(|(key, value)| format!("?{key}={value}"));
                let query = query.unwrap_or_default();
                let plain = ask(&account, &format!("/dev/v1/{path}{query}")).await;
                assert!(plain.status.is_success(), "{year} {path}: {}", plain.body);
                let slash = ask(&account, &format!("/dev/v1/{path}/{query}")).await;
                assert_eq!((slash.status, &slash.body), (plain.status, &plain.body));
                if let Some((key, value)) = parameter {
                    let path = format!("/dev/v1/{path}/");
                    let by_body = send(&account, Method::GET, &path, &json!({ key: value })).await;
                    assert_eq!((by_body.status, by_body.body), (plain.status, plain.body));
                }
            }
        }
    }
}
