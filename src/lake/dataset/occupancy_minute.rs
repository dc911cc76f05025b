//! `occupancy_minute`: users and live channels of each account, project and UTC minute.
//!
//! The snapshot with the most users of the minute, so that peaks are kept, with
//! the times of the first and the last snapshot in it, so that gaps can be
//! told. A minute without a row was not observed, which is not the same as empty.

use super::{Column, column, summed};
use crate::store::lake::CellKind::{Flag, Text, Time, Whole};

pub(super) const COLUMNS: &[Column] = &[
    column("account_id", Text),
    column("project_id", Text),
    column("minute", Time),
    summed("user_count", Whole),
    summed("total_channels", Whole),
    summed("seen_channels", Whole),
    column("complete", Flag),
    column("observed_at", Time),
    summed("snapshots", Whole),
    column("first_observed_at", Time),
    column("last_observed_at", Time),
];
