//! From pages of live channels to one list, and whether it is whole. Pure.
//!
//! Channels move between pages while one reads: one can come twice, another
//! not at all. A pass over the pages that saw fewer names than there are is
//! followed by another from the first page on; what two passes in a row saw is
//! merged by name. A name that both lack has left, so nothing is made up.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::agora_api::channels::ChannelPage;
use crate::domain::{Channel, Incompleteness, OccupancySnapshot, ProjectId};

/// Passes of one reading: the first, and two to repair it.
const MAX_PASSES: usize = 3;

/// What to do after a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Read the page after it.
    Page,
    /// This pass has seen what it can.
    EndOfPass,
}

/// One pass over the pages, each channel once by name.
#[derive(Debug, Default)]
pub(super) struct Pass {
    channels: Vec<Channel>,
    position: HashMap<String, usize>,
    /// The most that a page of this pass counted: channels may leave while one reads.
    total_channels: i64,
    newest_page: Vec<String>,
    shortfall: Option<Incompleteness>,
}

impl Pass {
    /// Takes a page in; ends the pass when all is seen, or nothing new comes.
    pub(super) fn take(&mut self, page: ChannelPage) -> Next {
        self.total_channels = self.total_channels.max(page.total_channels);
        let names: Vec<String> = page.channels.iter().map(|c| c.name.clone()).collect();
        let before = self.channels.len();
        for channel in page.channels {
            self.add(channel);
        }
        let is_the_same_page = !names.is_empty() && names == self.newest_page;
        self.newest_page = names;
        if count(&self.channels) >= self.total_channels {
            return Next::EndOfPass;
        }
        if self.channels.len() > before {
            return Next::Page;
        }
        let stuck = is_the_same_page.then_some(Incompleteness::StuckPage);
        self.shortfall = Some(stuck.unwrap_or(Incompleteness::Drift));
        Next::EndOfPass
    }

    fn add(&mut self, channel: Channel) {
        if let Some(at) = self.position.get(&channel.name) {
            // It moved to a later page meanwhile; the newer count is right.
            self.channels[*at].user_count = channel.user_count;
        } else {
            self.position.insert(channel.name.clone(), self.channels.len());
            self.channels.push(channel);
        }
    }

    /// Ends the pass at the bound on pages.
    pub(super) fn cut_off(&mut self) {
        self.shortfall = Some(Incompleteness::PageLimit);
    }
}

/// Passes over the pages of one project.
#[derive(Debug, Default)]
pub(super) struct Reading {
    passes: usize,
    newest: Pass,
    before: Option<Pass>,
}

impl Reading {
    /// Adds a pass that has ended.
    pub(super) fn add(&mut self, pass: Pass) {
        self.passes += 1;
        let before = std::mem::replace(&mut self.newest, pass);
        self.before = (self.passes > 1).then_some(before);
    }

    /// Whether reading the pages once more may bring to light what is missing.
    ///
    /// A server that sends one page again and again, or more pages than the
    /// bound, would do so again.
    pub(super) fn needs_another_pass(&self) -> bool {
        let incompleteness = self.incompleteness();
        incompleteness == Some(Incompleteness::Drift) && self.passes < MAX_PASSES
    }

    /// Channels that the newest pass lacks and the one before it saw.
    fn only_before(&self) -> impl Iterator<Item = &Channel> {
        // A pass that is whole by itself needs no help: what it lacks has left.
        let before = self.before.iter().filter(|_| self.newest.shortfall.is_some());
        let channels = before.flat_map(|pass| &pass.channels);
        channels.filter(|channel| !self.newest.position.contains_key(&channel.name))
    }

    fn incompleteness(&self) -> Option<Incompleteness> {
        let seen = self.newest.channels.len() + self.only_before().count();
        let is_short = i64::try_from(seen).unwrap_or(i64::MAX) < self.newest.total_channels;
        self.newest.shortfall.filter(|_| is_short)
    }

    /// The snapshot that the passes make.
    pub(super) fn into_snapshot(
        self,
        project_id: &ProjectId,
        observed_at: DateTime<Utc>,
    ) -> OccupancySnapshot {
        let incompleteness = self.incompleteness();
        let only_before: Vec<Channel> = self.only_before().cloned().collect();
        let mut channels = self.newest.channels;
        channels.extend(only_before);
        OccupancySnapshot {
            project_id: project_id.clone(),
            observed_at,
            channels,
            total_channels: self.newest.total_channels,
            incompleteness,
        }
    }
}

fn count(channels: &[Channel]) -> i64 {
    i64::try_from(channels.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(numbers: impl IntoIterator<Item = u32>, total_channels: i64) -> ChannelPage {
        let channel = |number| Channel { name: format!("c{number}"), user_count: 1 };
        ChannelPage { channels: numbers.into_iter().map(channel).collect(), total_channels }
    }

    fn pass(pages: Vec<ChannelPage>) -> Pass {
        let mut pass = Pass::default();
        let last = pages.len() - 1;
        for (number, page) in pages.into_iter().enumerate() {
            let next = pass.take(page);
            assert_eq!(next == Next::EndOfPass, number == last, "page {number}");
        }
        pass
    }

    fn snapshot(reading: Reading) -> OccupancySnapshot {
        let project_id = ProjectId::new("P1").expect("id");
        reading.into_snapshot(&project_id, DateTime::UNIX_EPOCH)
    }

    fn read(passes: impl IntoIterator<Item = Pass>) -> Reading {
        let mut reading = Reading::default();
        for pass in passes {
            assert!(reading.passes == 0 || reading.needs_another_pass());
            reading.add(pass);
        }
        reading
    }

    fn names(snapshot: &OccupancySnapshot) -> Vec<&str> {
        snapshot.channels.iter().map(|channel| channel.name.as_str()).collect()
    }

    #[test]
    fn c14_an_exact_multiple_of_the_page_size_ends_without_an_extra_page() {
        let snapshot = snapshot(read([pass(vec![page(0..500, 1000), page(500..1000, 1000)])]));
        assert_eq!((snapshot.channels.len(), snapshot.incompleteness), (1000, None));
    }

    #[test]
    fn c14_no_channel_is_a_reading_too() {
        let snapshot = snapshot(read([pass(vec![page(0..0, 0)])]));
        assert_eq!((snapshot.channels.len(), snapshot.incompleteness), (0, None));
    }

    #[test]
    fn c15_a_channel_that_comes_twice_is_counted_once_and_the_lost_one_is_known() {
        let drifted = || pass(vec![page(1..501, 700), page(500..701, 701), page(0..0, 701)]);
        let reading = read([drifted(), drifted(), drifted()]);
        assert!(!reading.needs_another_pass(), "three passes are the bound");
        let snapshot = snapshot(reading);
        assert_eq!((snapshot.channels.len(), snapshot.total_channels), (700, 701));
        assert_eq!(snapshot.incompleteness, Some(Incompleteness::Drift));
    }

    #[test]
    fn c15_a_second_pass_finds_the_lost_channel() {
        let first = pass(vec![page(1..501, 700), page(500..701, 701), page(0..0, 701)]);
        let second = pass(vec![page(0..500, 701), page(500..701, 701)]);
        let snapshot = snapshot(read([first, second]));
        assert_eq!((snapshot.channels.len(), snapshot.incompleteness), (701, None));
    }

    #[test]
    fn two_short_passes_make_up_for_each_other() {
        let first = pass(vec![page([1, 2], 4), page([2, 3], 4), page([], 4)]);
        let second = pass(vec![page([1, 2], 4), page([2, 4], 4), page([], 4)]);
        let snapshot = snapshot(read([first, second]));
        assert_eq!(names(&snapshot), ["c1", "c2", "c4", "c3"]);
        assert_eq!(snapshot.incompleteness, None);
    }

    #[test]
    fn a_channel_that_a_whole_later_pass_lacks_has_left() {
        let first = pass(vec![page([1, 2], 4), page([2, 3], 4), page([], 4)]);
        let second = pass(vec![page([1, 3], 3), page([4], 3)]);
        let snapshot = snapshot(read([first, second]));
        assert_eq!(names(&snapshot), ["c1", "c3", "c4"]);
        assert_eq!((snapshot.total_channels, snapshot.incompleteness), (3, None));
    }

    #[test]
    fn a_channel_that_two_passes_in_a_row_lack_has_left() {
        let first = pass(vec![page([9, 1], 5), page([1, 2], 5), page([], 5)]);
        let second = pass(vec![page([1, 2], 5), page([2, 3], 5), page([], 5)]);
        let third = pass(vec![page([1, 2], 5), page([2, 4], 5), page([], 5)]);
        let snapshot = snapshot(read([first, second, third]));
        assert_eq!(names(&snapshot), ["c1", "c2", "c4", "c3"]);
        assert_eq!(snapshot.incompleteness, Some(Incompleteness::Drift));
    }

    #[test]
    fn channels_that_leave_while_one_reads_do_not_make_a_pass_whole() {
        // Of 1,200 channels the first 300 leave after page 0; the last 200 move up unread.
        let first = pass(vec![page(0..500, 1200), page(800..1200, 900), page([], 900)]);
        assert_eq!(first.shortfall, Some(Incompleteness::Drift));
    }

    #[test]
    fn c16_a_stuck_page_ends_the_reading() {
        let reading = read([pass(vec![page(0..100, 100_000), page(0..100, 100_000)])]);
        assert!(!reading.needs_another_pass());
        let snapshot = snapshot(reading);
        assert_eq!(snapshot.channels.len(), 100);
        assert_eq!(snapshot.incompleteness, Some(Incompleteness::StuckPage));
    }

    #[test]
    fn a_last_page_without_news_is_drift_and_not_a_stuck_page() {
        let first = pass(vec![page(0..500, 501), page([499], 501)]);
        assert_eq!(first.shortfall, Some(Incompleteness::Drift));
    }

    #[test]
    fn the_bound_on_pages_is_not_tried_again() {
        let mut first = Pass::default();
        assert_eq!(first.take(page(0..500, 1_000_000)), Next::Page);
        first.cut_off();
        let reading = read([first]);
        assert!(!reading.needs_another_pass());
        assert_eq!(snapshot(reading).incompleteness, Some(Incompleteness::PageLimit));
    }
}
