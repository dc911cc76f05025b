//! Job: read the live channels of every active project and store a snapshot each.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures_util::StreamExt;

use super::{CollectError, Collector};
use crate::agora_api::ApiError;
use crate::agora_api::channels::ChannelPage;
use crate::domain::{
    AppId, Channel, Incompleteness, OccupancySnapshot, Project, ProjectId, ProjectStatus,
};
use crate::store::occupancy;

/// Bound on the pages of one snapshot: 500,000 channels at 500 a page.
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

    async fn snapshot(
        &self,
        project_id: &ProjectId,
        app_id: &AppId,
    ) -> Result<OccupancySnapshot, ApiError> {
        let page_size = self.records.settings.page_size;
        let mut reading = Reading::default();
        let mut observed_at = self.records.clock.now();
        let pages = self.api.channel_pages(app_id, page_size).take(MAX_PAGES);
        let mut pages = std::pin::pin!(pages.enumerate());
        while let Some((page_no, page)) = pages.next().await {
            let page = page?.value;
            if page_no == 0 {
                observed_at = self.records.clock.now();
            }
            if reading.take(page, page_size) == Next::Stop {
                return Ok(reading.into_snapshot(project_id, observed_at));
            }
        }
        reading.incompleteness = Some(Incompleteness::PageLimit);
        Ok(reading.into_snapshot(project_id, observed_at))
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Next {
    Page,
    Stop,
}

/// Pages read so far, each channel once by name.
#[derive(Debug, Default)]
struct Reading {
    channels: Vec<Channel>,
    position: BTreeMap<String, usize>,
    total_channels: i64,
    incompleteness: Option<Incompleteness>,
}

impl Reading {
    /// Takes a page in; stops when all is seen, or nothing new comes.
    fn take(&mut self, page: ChannelPage, page_size: u32) -> Next {
        self.total_channels = page.total_channels;
        let (listed, before) = (page.channels.len(), self.channels.len());
        for channel in page.channels {
            if let Some(at) = self.position.get(&channel.name) {
                // It moved to a later page meanwhile; the newer count is right.
                self.channels[*at].user_count = channel.user_count;
            } else {
                self.position.insert(channel.name.clone(), self.channels.len());
                self.channels.push(channel);
            }
        }
        let seen = i64::try_from(self.channels.len()).unwrap_or(i64::MAX);
        if seen >= self.total_channels {
            return Next::Stop;
        }
        let nothing_new = self.channels.len() == before;
        if nothing_new && listed > 0 {
            self.incompleteness = Some(Incompleteness::StuckPage);
            return Next::Stop;
        }
        if nothing_new || listed < page_size as usize {
            self.incompleteness = Some(Incompleteness::Drift);
            return Next::Stop;
        }
        Next::Page
    }

    fn into_snapshot(
        self,
        project_id: &ProjectId,
        observed_at: DateTime<Utc>,
    ) -> OccupancySnapshot {
        OccupancySnapshot {
            project_id: project_id.clone(),
            observed_at,
            channels: self.channels,
            total_channels: self.total_channels,
            incompleteness: self.incompleteness,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(names: std::ops::Range<u32>, total_channels: i64) -> ChannelPage {
        let channel = |number| Channel { name: format!("c{number}"), user_count: 1 };
        ChannelPage { channels: names.map(channel).collect(), total_channels }
    }

    #[test]
    fn c14_an_exact_multiple_of_the_page_size_ends_without_an_extra_page() {
        let mut reading = Reading::default();
        assert_eq!(reading.take(page(0..500, 1000), 500), Next::Page);
        assert_eq!(reading.take(page(500..1000, 1000), 500), Next::Stop);
        assert_eq!((reading.channels.len(), reading.incompleteness), (1000, None));
        let mut empty = Reading::default();
        assert_eq!(empty.take(page(0..0, 0), 500), Next::Stop);
        assert_eq!(empty.incompleteness, None);
    }

    #[test]
    fn c15_a_channel_that_comes_twice_is_counted_once_and_the_lost_one_is_known() {
        let mut reading = Reading::default();
        assert_eq!(reading.take(page(1..501, 700), 500), Next::Page);
        assert_eq!(reading.take(page(500..701, 701), 500), Next::Stop);
        assert_eq!(reading.channels.len(), 700);
        assert_eq!(reading.incompleteness, Some(Incompleteness::Drift));
    }

    #[test]
    fn c16_a_stuck_page_ends_the_reading() {
        let mut reading = Reading::default();
        assert_eq!(reading.take(page(0..100, 100_000), 100), Next::Page);
        assert_eq!(reading.take(page(0..100, 100_000), 100), Next::Stop);
        assert_eq!(reading.incompleteness, Some(Incompleteness::StuckPage));
    }
}
