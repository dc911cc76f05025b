//! `cost_daily`: what each account, project, UTC day and service has of the bill in force.
//!
//! The newest closed revision, else the draft (`bill_revision` 0). Rated by this
//! program: readers only add up. Amounts are in `currency`; those of a month
//! sum to what is due, adjustments included. Money that belongs to no project has
//! an empty project and service, and the month's first day; a project's part of
//! the adjustments has the service `adjustment` and the month's last day.

use super::{Column, column, summed};
use crate::store::lake::CellKind::{Day, Decimal, Text, Whole};

pub(super) const COLUMNS: &[Column] = &[
    column("account_id", Text),
    column("project_id", Text),
    column("day", Day),
    column("service", Text),
    summed("audio_cost", Decimal),
    summed("sd_cost", Decimal),
    summed("hd_cost", Decimal),
    summed("hdp_cost", Decimal),
    summed("full_hd_cost", Decimal),
    summed("video_2k_cost", Decimal),
    summed("video_2k_plus_cost", Decimal),
    summed("cost", Decimal),
    column("currency", Text),
    column("bill_status", Text),
    column("bill_revision", Whole),
];
