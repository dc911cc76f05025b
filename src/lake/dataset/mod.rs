//! What the lake holds: one file a dataset, with its columns in order.

mod cost_daily;
mod occupancy_channel;
mod occupancy_minute;
mod usage_daily;

use crate::store::lake::{CellKind, LakeRows};

/// A kind of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dataset {
    /// Usage by account, project, day and service.
    UsageDaily,
    /// Cost by account, project, day and service.
    CostDaily,
    /// Users and channels by account, project and minute.
    OccupancyMinute,
    /// Channels by account, project, channel and time of an unchanged count.
    OccupancyChannel,
}

/// A column of a dataset.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: CellKind,
    /// Whether the manifest has its sum.
    pub is_summed: bool,
}

const fn column(name: &'static str, kind: CellKind) -> Column {
    Column { name, kind, is_summed: false }
}

const fn summed(name: &'static str, kind: CellKind) -> Column {
    Column { name, kind, is_summed: true }
}

impl Dataset {
    /// Every dataset.
    pub const ALL: [Self; 4] =
        [Self::UsageDaily, Self::CostDaily, Self::OccupancyMinute, Self::OccupancyChannel];

    /// Its name, and the folder that it is in.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UsageDaily => "usage_daily",
            Self::CostDaily => "cost_daily",
            Self::OccupancyMinute => "occupancy_minute",
            Self::OccupancyChannel => "occupancy_channel",
        }
    }

    /// The dataset of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dataset| dataset.name() == name)
    }

    /// Whether a partition is a month; else it is a day.
    #[must_use]
    pub const fn is_monthly(self) -> bool {
        matches!(self, Self::UsageDaily | Self::CostDaily)
    }

    /// Name of the part of the path that holds the month or day.
    #[must_use]
    pub const fn period_key(self) -> &'static str {
        if self.is_monthly() { "usage_month" } else { "day" }
    }

    /// Its columns in order.
    #[must_use]
    pub const fn columns(self) -> &'static [Column] {
        match self {
            Self::UsageDaily => usage_daily::COLUMNS,
            Self::CostDaily => cost_daily::COLUMNS,
            Self::OccupancyMinute => occupancy_minute::COLUMNS,
            Self::OccupancyChannel => occupancy_channel::COLUMNS,
        }
    }

    /// Where its rows come from.
    #[must_use]
    pub const fn rows(self) -> LakeRows {
        match self {
            Self::UsageDaily => LakeRows::UsageDaily,
            Self::CostDaily => LakeRows::CostDaily,
            Self::OccupancyMinute => LakeRows::OccupancyMinute,
            Self::OccupancyChannel => LakeRows::OccupancyChannel,
        }
    }
}
