//! Settings that a running process cannot take: those of what it made when it started.

use secrecy::ExposeSecret;

use super::Settings;
use crate::store::DatabaseAddress;

impl Settings {
    /// Keys whose new value a process that was started with these settings goes without,
    /// until it is started again.
    #[must_use]
    pub fn changed_for_a_restart(&self, new: &Self) -> Vec<&'static str> {
        let (own, other) = (&self.observe, &new.observe);
        let changed = [
            ("database_url or data_folder", !is_same_database(&self.database, &new.database)),
            // The jobs take it at once.
            ("report_folder of the page /reports/", self.report_folder != new.report_folder),
            // One that is taken away or moved is no new job.
            ("lake_url", self.lake_url.is_none() && new.lake_url.is_some()),
            ("schedule", self.schedule != new.schedule),
            ("accounts_at_once", self.accounts_at_once != new.accounts_at_once),
            ("listen_address", own.listen_address != other.listen_address),
            ("allowed_hosts", own.allowed_hosts != other.allowed_hosts),
        ];
        changed.into_iter().filter_map(|(key, is_changed)| is_changed.then_some(key)).collect()
    }
}

fn is_same_database(one: &DatabaseAddress, other: &DatabaseAddress) -> bool {
    match (one, other) {
        (DatabaseAddress::Given(one), DatabaseAddress::Given(other)) => {
            one.expose_secret() == other.expose_secret()
        }
        (DatabaseAddress::Private(one), DatabaseAddress::Private(other)) => one == other,
        _ => false,
    }
}
