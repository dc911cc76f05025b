//! Whether the process runs (`/livez`) and whether it can work (`/readyz`).

use std::time::Duration;

use serde::Serialize;

use super::state::ObserveState;
use crate::store::health::database_health;
use crate::store::migrate::newest_version;

/// Longest time that the database may take to answer.
const DATABASE_WAIT: Duration = Duration::from_secs(2);

/// One part of being ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Which part.
    pub name: &'static str,
    /// Whether it works.
    pub ok: bool,
    /// What is wrong, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Whether jobs can run here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// Whether every part works.
    pub ready: bool,
    /// The parts, always all of them.
    pub checks: Vec<Check>,
}

impl Check {
    fn new(name: &'static str, problem: Option<String>) -> Self {
        Self { name, ok: problem.is_none(), problem }
    }
}

/// Looks at every part now; takes two seconds at most.
pub async fn readiness(state: &ObserveState) -> Readiness {
    let stopping = state.stopping.is_cancelled().then(|| "the daemon is shutting down".to_owned());
    let asked = tokio::time::timeout(DATABASE_WAIT, database_health(&state.observer)).await;
    let (database, migrations, leases) = match asked {
        Ok(Ok(health)) => {
            let migrations = (!health.is_current()).then(|| {
                let (found, known) = (health.migration, newest_version());
                format!("the database is at migration {found}, this program at {known}")
            });
            let leases = (!health.takes_writes)
                .then(|| "the database is read-only, so that no lease can be had".to_owned());
            (None, migrations, leases)
        }
        Ok(Err(error)) => unknown(error.to_string()),
        Err(_) => unknown(format!("no answer within {} s", DATABASE_WAIT.as_secs())),
    };
    let checks = vec![
        Check::new("process", stopping),
        Check::new("database", database),
        Check::new("migrations", migrations),
        Check::new("leases", leases),
    ];
    Readiness { ready: checks.iter().all(|check| check.ok), checks }
}

/// Without the database nothing is known of what it holds.
fn unknown(problem: String) -> (Option<String>, Option<String>, Option<String>) {
    let because = Some("not known without the database".to_owned());
    (Some(problem), because.clone(), because)
}
