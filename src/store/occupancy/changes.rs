//! What a snapshot changes in the open intervals of its project. Pure.

use std::borrow::Cow;
use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::domain::OccupancySnapshot;
use crate::store::storable_text;

/// A channel since its user count last changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OpenInterval {
    pub(super) channel_name: String,
    /// First snapshot that saw this count.
    pub(super) from_at: DateTime<Utc>,
    pub(super) user_count: i64,
}

/// A snapshot, held against open intervals one after another.
#[derive(Debug)]
pub(super) struct Comparison<'a> {
    is_complete: bool,
    /// Channels of the snapshot by their stored name; those that go on as they are get marked.
    seen: HashMap<Cow<'a, str>, Seen>,
    closed: Vec<OpenInterval>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    user_count: i64,
    goes_on: bool,
}

impl<'a> Comparison<'a> {
    pub(super) fn new(snapshot: &'a OccupancySnapshot) -> Self {
        let seen = snapshot.channels.iter().map(|channel| {
            let as_yet = Seen { user_count: channel.user_count, goes_on: false };
            (storable_text(&channel.name), as_yet)
        });
        let seen = seen.collect();
        Self { is_complete: snapshot.incompleteness.is_none(), seen, closed: Vec::new() }
    }

    /// Takes an open interval: it goes on, or it ends.
    pub(super) fn see(&mut self, interval: OpenInterval) {
        match self.seen.get_mut(interval.channel_name.as_str()) {
            Some(seen) if seen.user_count == interval.user_count => seen.goes_on = true,
            Some(_) => self.closed.push(interval),
            None if self.is_complete => self.closed.push(interval),
            // It may be among the channels that were not read.
            None => {}
        }
    }

    /// Intervals that end: another count, or gone from a complete snapshot.
    pub(super) fn closed(&self) -> &[OpenInterval] {
        &self.closed
    }

    /// Intervals that begin, by name: channels that are new or have another count.
    pub(super) fn opened(&self) -> Vec<(&str, i64)> {
        let begins = self.seen.iter().filter(|(_, seen)| !seen.goes_on);
        let mut opened: Vec<_> = begins.map(|(name, seen)| (&**name, seen.user_count)).collect();
        opened.sort_unstable();
        opened
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::{Channel, Incompleteness, ProjectId};

    fn snapshot(
        channels: &[(&str, i64)],
        incompleteness: Option<Incompleteness>,
    ) -> OccupancySnapshot {
        let channel = |(name, user_count): &(&str, i64)| Channel {
            name: (*name).to_owned(),
            user_count: *user_count,
        };
        OccupancySnapshot {
            project_id: ProjectId::new("P1").expect("id"),
            observed_at: DateTime::UNIX_EPOCH,
            channels: channels.iter().map(channel).collect(),
            total_channels: i64::try_from(channels.len()).expect("few"),
            incompleteness,
        }
    }

    fn interval(channel_name: &str, user_count: i64) -> OpenInterval {
        let channel_name = channel_name.to_owned();
        OpenInterval { channel_name, from_at: DateTime::UNIX_EPOCH, user_count }
    }

    fn closed_names(comparison: &Comparison<'_>) -> Vec<String> {
        comparison.closed().iter().map(|interval| interval.channel_name.clone()).collect()
    }

    #[test]
    fn only_what_changed_begins_or_ends() {
        let snapshot = snapshot(&[("same", 2), ("more", 5), ("new", 1)], None);
        let mut comparison = Comparison::new(&snapshot);
        for open in [interval("same", 2), interval("more", 4), interval("gone", 1)] {
            comparison.see(open);
        }
        assert_eq!(comparison.opened(), [("more", 5), ("new", 1)]);
        assert_eq!(closed_names(&comparison), ["more", "gone"]);
    }

    #[test]
    fn an_incomplete_snapshot_ends_no_interval_of_a_channel_that_it_lacks() {
        let snapshot = snapshot(&[("more", 5)], Some(Incompleteness::Drift));
        let mut comparison = Comparison::new(&snapshot);
        comparison.see(interval("more", 4));
        comparison.see(interval("unread", 1));
        assert_eq!(closed_names(&comparison), ["more"]);
    }

    #[test]
    fn c37_a_name_with_a_nul_and_one_that_looks_like_it_stay_two() {
        let snapshot = snapshot(&[("a\0", 2), ("a\\u0000", 3)], None);
        let expected = [("a\\\\u0000", 3), ("a\\u0000", 2)];
        assert_eq!(Comparison::new(&snapshot).opened(), expected);
    }

    /// Channels with their users, 0 for those that are not there, and whether all were read.
    fn minutes() -> impl Strategy<Value = Vec<(Vec<i64>, bool)>> {
        let users = proptest::collection::vec(0_i64..3, 5);
        proptest::collection::vec((users, proptest::bool::weighted(0.75)), 0..20)
    }

    #[test]
    fn sweep_open_intervals_are_what_was_last_seen_of_each_channel() {
        crate::sweep::hold(&minutes(), |history| {
            let mut open: Vec<OpenInterval> = Vec::new();
            for (minute, (users, is_complete)) in (0..).zip(history) {
                let now = DateTime::UNIX_EPOCH + chrono::TimeDelta::minutes(minute);
                let live = ["a", "b", "c", "d\0", "e"].into_iter().zip(users);
                let live: Vec<_> = live.filter(|(_, users)| *users > 0).collect();
                let reason = (!is_complete).then_some(Incompleteness::Drift);
                let snapshot = snapshot(&live, reason);
                let mut comparison = Comparison::new(&snapshot);
                open.iter().cloned().for_each(|interval| comparison.see(interval));
                let seen: BTreeMap<_, _> = live
                    .iter()
                    .map(|(name, users)| (storable_text(name).into_owned(), *users))
                    .collect();
                let stays = |interval: &OpenInterval| match seen.get(&interval.channel_name) {
                    Some(users) => *users == interval.user_count,
                    None => !is_complete,
                };
                let (kept, ended): (Vec<_>, Vec<_>) = open.into_iter().partition(stays);
                prop_assert_eq!(comparison.closed(), &ended[..]);
                let is_kept = |name: &str| kept.iter().any(|kept| kept.channel_name == name);
                let begun: Vec<_> = seen.iter().filter(|(name, _)| !is_kept(name)).collect();
                let begun: Vec<_> =
                    begun.into_iter().map(|(name, users)| (name.as_str(), *users)).collect();
                prop_assert_eq!(comparison.opened(), begun.clone());
                let new = begun.into_iter().map(|(name, user_count)| OpenInterval {
                    channel_name: name.to_owned(),
                    from_at: now,
                    user_count,
                });
                open = kept.iter().cloned().chain(new).collect();
            }
            Ok(())
        });
    }
}
