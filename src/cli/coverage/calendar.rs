//! The calendar for people: a line a month, a character a day.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use chrono::{Datelike, NaiveDate};

use super::super::print::one_line;
use super::super::summary::counted;
use super::word;
use crate::collect::calendar::{Calendar, CalendarDay, EXPIRY_WARNING_DAYS};
use crate::collect::due::CellState;
use crate::domain::{AccountId, DateRange, Month, ProjectId, ProjectStatus};

/// Days of the longest month.
const LONGEST_MONTH: usize = 31;

/// Width of the longest name of a service, and a gap.
const SERVICE_WIDTH: usize = 17;

const LEGEND: &str = "\
    # stored    . absent: answered without usage    o may still change\n\
    ? missing: never asked for    ! failed    x contradicted\n\
    ~ incomplete: a value is unknown    - unavailable: too old to be asked for\n";

/// The calendars of an account with legend and summary, the summary last.
pub(super) fn text(account: &AccountId, range: DateRange, calendars: &[Calendar]) -> String {
    let mut text = format!("account {account}, {range}\n\n{}", ruler());
    let mut project_before = None;
    for calendar in calendars {
        let project = &calendar.project;
        if project_before != Some(&project.project_id) {
            let deleted = if project.status == ProjectStatus::Deleted { "  (deleted)" } else { "" };
            let title = format!("{}  {}", project.project_id, project.name);
            let _ = writeln!(text, "{}{deleted}", one_line(title.trim_end()));
        }
        project_before = Some(&project.project_id);
        text.push_str(&months(calendar));
    }
    let _ = write!(text, "\n{LEGEND}\n{}\n", summary(account, calendars));
    text
}

/// Days of the month above their columns.
fn ruler() -> String {
    let margin = " ".repeat(2 + SERVICE_WIDTH + "2031-05 ".len());
    let tens = (1..=LONGEST_MONTH).map(|day| match day {
        10 => '1',
        20 => '2',
        30 => '3',
        _ => ' ',
    });
    let tens: String = tens.collect();
    let ones: String = (1..=LONGEST_MONTH).map(|day| (day % 10).to_string()).collect();
    format!("{margin}{}\n{margin}{ones}\n", tens.trim_end())
}

fn months(calendar: &Calendar) -> String {
    let mut by_month: BTreeMap<Month, Vec<&CalendarDay>> = BTreeMap::new();
    for told in &calendar.days {
        by_month.entry(Month::of(told.day)).or_default().push(told);
    }
    let mut text = String::new();
    for (number, (month, days)) in by_month.iter().enumerate() {
        let service = if number == 0 { calendar.service.name() } else { "" };
        let mut marks = [' '; LONGEST_MONTH];
        for told in days {
            if let Some(mark) = marks.get_mut(told.day.day0() as usize) {
                *mark = self::mark(**told);
            }
        }
        let marks: String = marks.iter().collect();
        let holes = days.iter().filter(|told| told.state.is_hole()).count();
        let holes = if holes > 0 { format!("  {holes} not known") } else { String::new() };
        let line = format!("  {service:<SERVICE_WIDTH$}{month} {marks}{holes}");
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

const fn mark(told: CalendarDay) -> char {
    match told.state {
        CellState::Ahead => ' ',
        CellState::Final if told.is_stored => '#',
        CellState::Final => '.',
        CellState::Open => 'o',
        CellState::Missing => '?',
        CellState::Failed => '!',
        CellState::Contradicted => 'x',
        CellState::Incomplete => '~',
        CellState::Unavailable => '-',
    }
}

/// One line: how many days are known, how many are not, and what is urgent.
pub(super) fn summary(account: &AccountId, calendars: &[Calendar]) -> String {
    let days: Vec<&CalendarDay> = calendars.iter().flat_map(|calendar| &calendar.days).collect();
    let projects: BTreeSet<&ProjectId> = calendars.iter().map(|c| &c.project.project_id).collect();
    let count = |which: &dyn Fn(&CalendarDay) -> bool| {
        days.iter().filter(|told| which(told)).count() as u64
    };
    let stored = count(&|told| word(*told) == "stored");
    let absent = count(&|told| word(*told) == "absent");
    let mut text = format!(
        "account {account}: {} of {}: {stored} stored, {absent} absent",
        counted(days.len() as u64, "day"),
        counted(projects.len() as u64, "project"),
    );
    let open = count(&|told| told.state == CellState::Open);
    if open > 0 {
        let _ = write!(text, " ({open} may still change)");
    }
    let holes = [
        CellState::Missing,
        CellState::Failed,
        CellState::Contradicted,
        CellState::Incomplete,
        CellState::Unavailable,
    ];
    let holes: Vec<String> = holes
        .into_iter()
        .map(|state| (state, count(&|told| told.state == state)))
        .filter(|(_, count)| *count > 0)
        .map(|(state, count)| format!("{count} {}", state.name()))
        .collect();
    if holes.is_empty() {
        text.push_str("; every day is known");
    } else {
        let _ = write!(text, "; not known: {}", holes.join(", "));
    }
    text.push_str(&urgent(&days));
    text
}

/// What must be asked for soon, if anything.
fn urgent(days: &[&CalendarDay]) -> String {
    let expiring = || days.iter().filter(|told| told.expires_soon);
    let first: Option<NaiveDate> = expiring().map(|told| told.day).min();
    first.map_or_else(String::new, |first| {
        format!(
            "; {} can be asked for only in the next {EXPIRY_WARNING_DAYS} days, first {first}: run backfill",
            counted(expiring().count() as u64, "day"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Project, Service};

    fn calendar(
        id: &str,
        status: ProjectStatus,
        service: Service,
        from: &str,
        marks: &str,
    ) -> Calendar {
        let first: NaiveDate = from.parse().expect("day");
        let told = |(day, mark): (NaiveDate, char)| {
            let state = match mark {
                '#' | '.' => CellState::Final,
                'o' => CellState::Open,
                '?' | 'E' => CellState::Missing,
                '!' => CellState::Failed,
                'x' => CellState::Contradicted,
                '~' => CellState::Incomplete,
                _ => CellState::Unavailable,
            };
            let (is_stored, expires_soon) = (matches!(mark, '#' | 'o'), mark == 'E');
            CalendarDay { day, state, is_stored, expires_soon }
        };
        let project = Project {
            project_id: ProjectId::new(id).expect("id"),
            name: "Meeting\nrooms".to_owned(),
            app_id: None,
            status,
            created_at: None,
            has_certificate: false,
            recording_server: None,
        };
        let days = first.iter_days().zip(marks.chars()).map(told).collect();
        Calendar { project, service, days }
    }

    fn account() -> AccountId {
        AccountId::new("default").expect("name")
    }

    #[test]
    fn a_calendar_has_a_line_a_month_and_ends_with_the_summary() {
        let calendars = [
            calendar("Hk12QqzrB", ProjectStatus::Active, Service::Rtc, "2031-04-28", "##.!?x~o"),
            calendar(
                "Hk12QqzrB",
                ProjectStatus::Active,
                Service::CloudRecording,
                "2031-04-28",
                "--.....o",
            ),
            calendar("Zz", ProjectStatus::Deleted, Service::Rtc, "2031-05-01", "EE"),
        ];
        let range =
            DateRange::new("2031-04-28".parse().expect("day"), "2031-05-05".parse().expect("day"));
        insta::assert_snapshot!(text(&account(), range.expect("range"), &calendars), @r"
        account default, 2031-04-28..2031-05-05

                                            1         2         3
                                   1234567890123456789012345678901
        Hk12QqzrB  Meeting rooms
          rtc              2031-04                            ##.
                           2031-05 !?x~o                            4 not known
          cloud_recording  2031-04                            --.   2 not known
                           2031-05 ....o
        Zz  Meeting rooms  (deleted)
          rtc              2031-05 ??                               2 not known

        # stored    . absent: answered without usage    o may still change
        ? missing: never asked for    ! failed    x contradicted
        ~ incomplete: a value is unknown    - unavailable: too old to be asked for

        account default: 18 days of 2 projects: 4 stored, 6 absent (2 may still change); not known: 3 missing, 1 failed, 1 contradicted, 1 incomplete, 2 unavailable; 2 days can be asked for only in the next 30 days, first 2031-05-01: run backfill
        ");
    }

    #[test]
    fn without_holes_every_day_is_known() {
        let calendars = [calendar("P1", ProjectStatus::Active, Service::Rtc, "2031-04-28", "##.")];
        assert_eq!(
            summary(&account(), &calendars),
            "account default: 3 days of 1 project: 2 stored, 1 absent; every day is known"
        );
    }
}
