//! When channels are full: the heat map of the week, and peaks.

use serde::Serialize;

use crate::domain::money::{rounded_units, thousands};
use crate::domain::{HourOfWeek, Peak};

use super::super::overview::Overview;
use super::page::Number;
use super::projects::label;

/// Names by the number of the weekday.
const WEEKDAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Steps of the heat map's colour, besides the one of nothing.
const STEPS: i64 = 6;

/// Peaks that are listed, the highest first.
const LISTED_PEAKS: usize = 20;

/// The section on occupancy.
#[derive(Debug, Serialize)]
pub(super) struct OccupancyView {
    finding: String,
    observed_hours: i64,
    rows: Vec<WeekdayRow>,
    peaks: Vec<PeakRow>,
}

#[derive(Debug, Serialize)]
struct WeekdayRow {
    name: &'static str,
    cells: Vec<HourCell>,
}

#[derive(Debug, Serialize)]
struct HourCell {
    /// 0 to [`STEPS`]; none where the hour was never observed.
    step: Option<i64>,
    users: String,
    title: String,
}

#[derive(Debug, Serialize)]
struct PeakRow {
    project: String,
    name: String,
    users: Number,
    channels: Number,
    at: String,
}

pub(super) fn view(overview: &Overview<'_>) -> OccupancyView {
    let occupancy = &overview.report.background.occupancy;
    let highest = occupancy.hours.iter().map(|hour| hour.milli_users).max().unwrap_or(0);
    let rows = (0..7).map(|weekday| WeekdayRow {
        name: WEEKDAYS[usize::from(weekday)],
        cells: (0..24)
            .map(|hour| {
                let found =
                    occupancy.hours.iter().find(|one| (one.weekday, one.hour) == (weekday, hour));
                cell(weekday, hour, found, highest)
            })
            .collect(),
    });
    let mut peaks: Vec<_> = occupancy.peaks.iter().collect();
    peaks.sort_by(|one, other| {
        other.users.cmp(&one.users).then_with(|| one.project_id.cmp(&other.project_id))
    });
    let busiest = occupancy.hours.iter().max_by_key(|hour| hour.milli_users);
    OccupancyView {
        finding: match busiest {
            Some(hour) => format!(
                "Fullest on {} at {:02}:00 UTC: {} users on average",
                WEEKDAYS[usize::from(hour.weekday % 7)],
                hour.hour,
                users(hour.milli_users)
            ),
            None => "No hour was observed".to_owned(),
        },
        observed_hours: occupancy.hours.iter().map(|hour| hour.observed_hours).sum(),
        rows: rows.collect(),
        peaks: peaks.into_iter().take(LISTED_PEAKS).map(|peak| peak_row(overview, peak)).collect(),
    }
}

fn users(milli_users: i64) -> String {
    thousands(&rounded_units(milli_users.into(), 3, 0).to_string())
}

fn cell(weekday: u8, hour: u8, found: Option<&HourOfWeek>, highest: i64) -> HourCell {
    let place = format!("{} {hour:02}:00", WEEKDAYS[usize::from(weekday)]);
    match found {
        None => {
            HourCell { step: None, users: String::new(), title: format!("{place}: not observed") }
        }
        Some(found) => HourCell {
            step: Some(if highest == 0 {
                0
            } else {
                (found.milli_users.saturating_mul(STEPS) + highest - 1) / highest
            }),
            users: users(found.milli_users),
            title: format!(
                "{place}: {} users on average, {} hours observed",
                users(found.milli_users),
                found.observed_hours
            ),
        },
    }
}

fn peak_row(overview: &Overview<'_>, peak: &Peak) -> PeakRow {
    let id = peak.project_id.as_str();
    let project = overview.projects.iter().find(|project| project.id == id);
    PeakRow {
        project: id.to_owned(),
        name: label(project.map_or("", |project| project.name), id).to_owned(),
        users: Number::count(u128::try_from(peak.users).unwrap_or(0)),
        channels: Number::count(u128::try_from(peak.channels).unwrap_or(0)),
        at: peak.at.format("%Y-%m-%d %H:%M").to_string(),
    }
}
