//! `occupancy_channel`: channels of a UTC day, one row while a channel's user count stays the same.
//!
//! Each row is the part of an interval that lies in the day. `from_day_start`
//! says that it begins with the day's first complete snapshot, `to_day_end` that
//! it ends with the last: a row that ends so and the channel's next row, if it
//! begins so with the same count, are one interval. The view
//! `agora.occupancy_intervals` has them whole, but not for longer than the retention.

use super::{Column, column, summed};
use crate::store::lake::CellKind::{Flag, Text, Time, Whole};

pub(super) const COLUMNS: &[Column] = &[
    column("account_id", Text),
    column("project_id", Text),
    column("channel_name", Text),
    column("from_at", Time),
    column("to_at", Time),
    summed("user_count", Whole),
    column("from_day_start", Flag),
    column("to_day_end", Flag),
];
