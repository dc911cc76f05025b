//! Job: read the live channels of every active project and store a snapshot each.

mod reading;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use futures_util::StreamExt;

use super::{CollectError, Collector};
use crate::agora_api::ApiError;
use crate::domain::{AppId, OccupancySnapshot, Project, ProjectId, ProjectStatus};
use crate::store::occupancy;
use reading::{Next, Pass, Reading};

/// Bound on the pages of one pass: 500,000 channels at 500 a page.
const MAX_PAGES: usize = 1_000;

/// What a run did.
#[derive(Debug, Default)]
pub struct OccupancyRun {
    /// Snapshots stored.
    pub snapshots: Vec<OccupancySnapshot>,
    /// Projects without a snapshot, since a page failed for good.
    pub failed: Vec<(ProjectId, ApiError)>,
    /// Active projects whose App ID is not known.
    pub without_app_id: Vec<ProjectId>,
}

impl Collector<'_> {
    /// Takes a snapshot of each active project. One that fails does not stop the others.
    ///
    /// # Errors
    /// [`CollectError`] when the database fails.
    pub async fn sync_occupancy(&self) -> Result<OccupancyRun, CollectError> {
        let mut run = OccupancyRun::default();
        for stored in self.records.chosen_projects().await? {
            let Project { project_id, app_id, status, .. } = stored.project;
            if self.stop.is_cancelled() {
                break;
            }
            if status != ProjectStatus::Active {
                continue;
            }
            let Some(app_id) = app_id else {
                run.without_app_id.push(project_id);
                continue;
            };
            match self.snapshot(&project_id, &app_id).await {
                Ok(snapshot) => {
                    occupancy::write(self.records.store.pool(), self.lease, &snapshot).await?;
                    run.snapshots.push(snapshot);
                }
                Err(error) => {
                    tracing::warn!(project.id = %project_id, %error, "no snapshot");
                    run.failed.push((project_id, error));
                }
            }
        }
        Ok(run)
    }

    /// Reads the pages, once more from the start where channels were lost between them.
    ///
    /// The snapshot's time is that of the first page, so that snapshots keep
    /// the pace of the schedule however long the reading takes.
    async fn snapshot(
        &self,
        project_id: &ProjectId,
        app_id: &AppId,
    ) -> Result<OccupancySnapshot, ApiError> {
        let mut reading = Reading::default();
        let (first, observed_at) = self.pass(app_id).await?;
        reading.add(first);
        while reading.needs_another_pass() && !self.stop.is_cancelled() {
            reading.add(self.pass(app_id).await?.0);
        }
        Ok(reading.into_snapshot(project_id, observed_at))
    }

    /// One pass over the pages, and when its first page was received.
    async fn pass(&self, app_id: &AppId) -> Result<(Pass, DateTime<Utc>), ApiError> {
        let page_size = self.records.settings.page_size;
        let mut pass = Pass::default();
        let mut received_at = None;
        let pages = self.api.channel_pages(app_id, page_size).take(MAX_PAGES);
        let mut pages = std::pin::pin!(pages);
        while let Some(page) = pages.next().await {
            let page = page?.value;
            let received_at = *received_at.get_or_insert_with(|| self.records.clock.now());
            if pass.take(page) == Next::EndOfPass {
                return Ok((pass, received_at));
            }
        }
        pass.cut_off();
        Ok((pass, received_at.unwrap_or_else(|| self.records.clock.now())))
    }
}
