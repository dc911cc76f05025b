//! Who is in which channel, at one moment.

use chrono::{DateTime, Utc};

use super::ProjectId;

/// A live channel and how many users it held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Up to 64 bytes on Agora's side; taken as it comes.
    pub name: String,
    /// Users in it, 0 or more.
    pub user_count: i64,
}

/// Why a snapshot may not show every channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Incompleteness {
    /// Channels moved between pages: fewer distinct names than the total says.
    Drift,
    /// The server sent the same page again.
    StuckPage,
    /// The bound on pages was reached.
    PageLimit,
}

impl Incompleteness {
    /// Word used in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Drift => "drift",
            Self::StuckPage => "stuck_page",
            Self::PageLimit => "page_limit",
        }
    }
}

/// One reading of a project's live channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OccupancySnapshot {
    /// Whose channels.
    pub project_id: ProjectId,
    /// When the first page was received.
    pub observed_at: DateTime<Utc>,
    /// Each channel once, in the order in which it was first seen.
    pub channels: Vec<Channel>,
    /// How many channels the platform says there are.
    pub total_channels: i64,
    /// None when every channel was seen.
    pub incompleteness: Option<Incompleteness>,
}

impl OccupancySnapshot {
    /// Users over all channels seen, `i64::MAX` at the most.
    #[must_use]
    pub fn user_count(&self) -> i64 {
        let counts = self.channels.iter().map(|channel| channel.user_count);
        counts.fold(0, i64::saturating_add)
    }
}

/// One hour of the week, averaged over some days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HourOfWeek {
    /// 0 for Monday to 6 for Sunday.
    pub weekday: u8,
    /// Hour of the day in UTC, 0 to 23.
    pub hour: u8,
    /// Users on average over the observed time, all projects together, in thousandths.
    pub milli_users: i64,
    /// Calendar hours that were observed at least in part.
    pub observed_hours: i64,
}

/// The fullest moment of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peak {
    /// Which project.
    pub project_id: ProjectId,
    /// Users at that moment.
    pub users: i64,
    /// Live channels at their own fullest moment.
    pub channels: i64,
    /// When the users were most.
    pub at: DateTime<Utc>,
}
