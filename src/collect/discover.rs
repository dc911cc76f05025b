//! Projects that the list does not show any more, found by their usage.
//!
//! A deleted project vanishes from the list, and usage v3 must be asked for
//! each project by its id; so its past usage would be missing from the bill
//! without a word. Usage v1 answers for all projects at once, deleted ones
//! included: one request a month tells their ids. Its minutes are not stored.

use std::collections::{BTreeMap, BTreeSet};

use super::plan::PlannedRequest;
use super::{CollectError, Collector};
use crate::domain::{DateRange, Month, ProjectId, UsageSource};
use crate::store::projects;

impl Collector<'_> {
    /// The requests that `range` needs now, those of rediscovered projects included.
    ///
    /// # Errors
    /// [`CollectError`] when the database fails or a chosen project is unknown.
    /// A platform that no longer answers usage v1 is no error.
    pub async fn plan(&self, range: DateRange) -> Result<Vec<PlannedRequest>, CollectError> {
        let planned = self.records.plan(range).await?;
        let settings = self.records.settings;
        if settings.source != UsageSource::V3 || !settings.only_projects.is_empty() {
            return Ok(planned);
        }
        if self.discover(&planned).await? == 0 {
            return Ok(planned);
        }
        self.records.plan(range).await
    }

    /// Looks for unknown projects in the months of the requests; returns how many it found.
    async fn discover(&self, planned: &[PlannedRequest]) -> Result<u64, CollectError> {
        let mut found: BTreeSet<ProjectId> = BTreeSet::new();
        for range in months(planned) {
            match self.api.usage_v1(&[], range).await {
                Ok(reply) => found.extend(reply.value.into_iter().map(|usage| usage.project_id)),
                Err(error) => {
                    tracing::warn!(
                        usage.days = %range,
                        %error,
                        "deleted projects that were never listed cannot be looked for"
                    );
                    break;
                }
            }
        }
        let found: Vec<ProjectId> = found.into_iter().collect();
        let records = &self.records;
        let now = records.clock.now();
        let added = projects::add_unlisted(records.store.pool(), records.account, &found, now);
        Ok(added.await?)
    }
}

/// The days of the requests, by month.
fn months(planned: &[PlannedRequest]) -> impl Iterator<Item = DateRange> {
    let mut months: BTreeMap<Month, DateRange> = BTreeMap::new();
    for request in planned {
        let hull = months.entry(Month::of(request.range.first())).or_insert(request.range);
        *hull = hull.hull(request.range);
    }
    months.into_values()
}
