//! Job: read the project list and store it. May run twice without harm.

use super::{CollectError, Collector};
use crate::store::projects::{self, ProjectsWritten};

impl Collector<'_> {
    /// Reads the list of projects; those that vanished are marked as deleted.
    ///
    /// # Errors
    /// [`CollectError`] when the call or the database failed; nothing is stored then.
    pub async fn sync_projects(&self) -> Result<ProjectsWritten, CollectError> {
        let pool = self.records.store.pool();
        projects::ensure_account(pool, self.records.account, self.records.clock.now()).await?;
        let reply = self.api.projects().await?;
        let written = projects::write_list(
            pool,
            self.records.account,
            &reply.value,
            self.records.clock.now(),
        )
        .await?;
        tracing::info!(
            account = %self.records.account,
            listed = written.listed,
            newly_deleted = written.newly_deleted,
            "projects stored"
        );
        Ok(written)
    }
}
