//! `usage_daily`: the current value of each account, project, UTC day and service.
//!
//! As the table of that name: seconds are null when unknown (`missing_media`
//! names the media) or not applicable. A day without a row was idle or is not
//! known; the view `agora.coverage` tells which.

use super::{Column, column, summed};
use crate::store::lake::CellKind::{Day, Text, Time, Whole};

pub(super) const COLUMNS: &[Column] = &[
    column("account_id", Text),
    column("project_id", Text),
    column("day", Day),
    column("service", Text),
    column("source", Text),
    summed("audio_seconds", Whole),
    summed("sd_seconds", Whole),
    summed("hd_seconds", Whole),
    summed("hdp_seconds", Whole),
    summed("full_hd_seconds", Whole),
    summed("video_2k_seconds", Whole),
    summed("video_2k_plus_seconds", Whole),
    // JSON: seconds by the platform's name of a field that has no column.
    column("extra_seconds", Text),
    // Names with commas; empty when everything is known.
    column("missing_media", Text),
    column("observed_at", Time),
    column("request_id", Whole),
];
