//! Many accounts behind one address, told apart by their credentials.
//!
//! Each has a state, limits and a log of its own, as on the platform. Calls
//! without credentials of any of them, and those under `/simulator`, meet the
//! first one.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::header::AUTHORIZATION;
use tower::ServiceExt;

use super::routes::router;
use super::state::Account;
use super::{SimulatorError, SimulatorSettings};

/// Far enough apart that the seeds of two crowds rarely meet.
const SEED_STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// The accounts, the first one being that of the seed itself.
pub(super) fn accounts(settings: &SimulatorSettings) -> Result<Vec<Arc<Account>>, SimulatorError> {
    let account = |number: u64| {
        let seed = settings.seed.wrapping_add(number.wrapping_mul(SEED_STEP));
        Account::new(&SimulatorSettings { seed, ..settings.clone() }).map(Arc::new)
    };
    (0..u64::from(settings.accounts.max(1))).map(account).collect()
}

/// Hands every request to the routes of its account.
pub(super) fn routes(accounts: &[Arc<Account>]) -> Router {
    let Some((first, others)) = accounts.split_first() else { return Router::new() };
    let first = router(first);
    if others.is_empty() {
        return first;
    }
    let others: HashMap<String, Router> = others
        .iter()
        .map(|account| (account.authorization().to_owned(), router(account)))
        .collect();
    let others = Arc::new(others);
    Router::new().fallback(move |request: Request| {
        let own = credentials(&request).and_then(|credentials| others.get(credentials));
        let routes = own.unwrap_or(&first).clone();
        async move { routes.oneshot(request).await }
    })
}

fn credentials(request: &Request) -> Option<&str> {
    let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credentials) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("basic").then_some(credentials.trim())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use axum::body::Body;
    use axum::http::StatusCode;
    use axum::http::header::CONTENT_TYPE;

    use super::*;
    use crate::simulator::testing::unlimited;

    #[tokio::test]
    async fn each_credential_sees_projects_of_its_own() {
        let settings = SimulatorSettings { accounts: 3, projects: 2, ..unlimited() };
        let accounts = accounts(&settings).expect("accounts");
        let routes = routes(&accounts);
        let mut seen = BTreeSet::new();
        for account in &accounts {
            let request = Request::get("/dev/v1/projects/")
                .header(AUTHORIZATION, format!("Basic {}", account.authorization()))
                .header(CONTENT_TYPE, "application/json");
            let request = request.body(Body::empty()).expect("request");
            let response = routes.clone().oneshot(request).await.expect("answered");
            assert_eq!(response.status(), StatusCode::CREATED);
            let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("body");
            assert!(String::from_utf8_lossy(&body).contains(&account.projects()[0].project_id));
            assert!(seen.insert(body));
        }
        let request = Request::get("/dev/v1/projects/").body(Body::empty()).expect("request");
        let response = routes.oneshot(request).await.expect("answered");
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }
}
