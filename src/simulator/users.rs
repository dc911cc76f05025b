//! Who is in a live channel: user ids, roles and when they joined.
//!
//! Owns the users of a channel, drawn from the channel's life, so that every
//! call about one channel tells the same within a minute, and as many users as
//! the list counts. Ids are distinct within a channel and use the whole range:
//! half of them are above 2,147,483,647, and the one user of `lobby` has the
//! largest of all.

use super::channels::{LiveChannel, STANDING};
use super::draw::{Topic, draw};

/// Largest user id.
const MAX_USER_ID: u64 = u32::MAX as u64;

/// Distance between the ids of a channel; prime, so that no id comes twice.
const STEP: u64 = 2_654_435_761;

/// Most of those who send in a live broadcast.
const MAX_BROADCASTERS: u64 = 4;

/// Kind of a channel, as the platform numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Communication = 1,
    LiveBroadcast = 2,
}

/// Somebody in a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChannelUser {
    pub(super) user_id: u64,
    pub(super) part: Part,
    /// Unix seconds.
    pub(super) joined_at: u64,
    pub(super) platform: u64,
}

/// What a user does in a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Caller,
    /// Sends in a live broadcast; the number counts them from 0.
    Broadcaster(usize),
    Audience,
}

impl LiveChannel {
    /// Every crowd and a third of the rest are live broadcasts.
    pub(super) fn mode(&self) -> Mode {
        let is_live = self.user_count >= 10
            || draw(self.identity, Topic::Mode, &[]).is_multiple_of(3) && self.identity != STANDING;
        if is_live { Mode::LiveBroadcast } else { Mode::Communication }
    }

    /// Everybody in the channel, those who send first.
    pub(super) fn users(&self, seed: u64) -> Vec<ChannelUser> {
        let broadcasters = 1 + draw(self.identity, Topic::Mode, &[1]) % MAX_BROADCASTERS;
        let user = |place: u64| {
            let drawn = |what| draw(seed, Topic::ChannelUser, &[self.identity, place, what]);
            let part = match self.mode() {
                Mode::Communication => Part::Caller,
                Mode::LiveBroadcast if place < broadcasters => {
                    Part::Broadcaster(usize::try_from(place).unwrap_or(0))
                }
                Mode::LiveBroadcast => Part::Audience,
            };
            let joined_at = self.start_minute * 60 + drawn(0) % 60;
            ChannelUser {
                user_id: self.user_id(seed, place),
                part,
                joined_at,
                platform: 1 + drawn(1) % 8,
            }
        };
        (0..self.user_count).map(user).collect()
    }

    fn user_id(&self, seed: u64, place: u64) -> u64 {
        let first = if self.identity == STANDING {
            MAX_USER_ID - 1
        } else {
            draw(seed, Topic::ChannelUser, &[self.identity]) % MAX_USER_ID
        };
        (first + place * STEP) % MAX_USER_ID + 1
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn channel(user_count: u64, identity: u64) -> LiveChannel {
        LiveChannel { channel_name: "c".to_owned(), user_count, start_minute: 30_000_000, identity }
    }

    #[test]
    fn as_many_distinct_users_as_counted() {
        for identity in 1..50 {
            let users = channel(500, identity).users(7);
            let ids: HashSet<_> = users.iter().map(|user| user.user_id).collect();
            assert_eq!(ids.len(), 500);
            assert!(ids.iter().all(|id| (1..=MAX_USER_ID).contains(id)));
            assert!(ids.iter().any(|id| *id > 2_147_483_647));
        }
    }

    #[test]
    fn both_modes_and_all_parts_are_there() {
        let small: HashSet<_> = (1..50).map(|identity| channel(2, identity).mode() as u8).collect();
        assert_eq!(small.len(), 2);
        let crowd = channel(30, 5);
        assert_eq!(crowd.mode(), Mode::LiveBroadcast);
        let parts: Vec<_> = crowd.users(7).iter().map(|user| user.part).collect();
        assert_eq!(parts[0], Part::Broadcaster(0));
        assert_eq!(parts[29], Part::Audience);
    }

    #[test]
    fn c25_the_user_of_the_lobby_has_the_largest_id() {
        let lobby = channel(1, STANDING);
        assert_eq!(lobby.mode(), Mode::Communication);
        assert_eq!(lobby.users(7)[0].user_id, 4_294_967_295);
    }
}
