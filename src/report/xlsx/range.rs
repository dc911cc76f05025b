//! The workbook of a range of days: what it is, by project, by day.

use rust_xlsxwriter::Workbook;

use crate::domain::money::decimal_text;
use crate::domain::{Media, ProjectStatus};

use super::super::ReportError;
use super::super::format::RangeContent;
use super::super::overview::{DayFigures, DayState, Grouping};
use super::super::summary::{MINUTES_SCALE, minute_units};
use super::sheet::{Cell, Formats, Sheet, sum_formula};
use super::sheets::{Done, micro, minutes};

/// The whole workbook.
pub(super) fn workbook(
    workbook: &mut Workbook,
    formats: &Formats,
    range: &RangeContent<'_>,
) -> Result<(), ReportError> {
    summary(workbook, formats, range)?;
    projects(workbook, formats, range)?;
    daily(workbook, formats, range)
}

fn summary(workbook: &mut Workbook, formats: &Formats, range: &RangeContent<'_>) -> Done {
    let report = range.report;
    let mut sheet = Sheet::new(workbook, "Summary", &[34, 18, 18, 18, 14, 30])?;
    sheet
        .title(&format!("Agora usage of account {}, {}", report.account, report.range), formats)?;
    let text = &formats.text;
    let status = report.status().name().replace('_', " ");
    sheet.row(&[(Cell::Text("Status"), text), (Cell::Text(&status), text)])?;
    let currency = report.currency.code();
    sheet.row(&[(Cell::Text("Currency"), text), (Cell::Text(currency), text)])?;
    let total = (Cell::Number(micro(range.total)), &formats.total_money);
    sheet.row(&[(Cell::Text("Total"), &formats.total_text), total])?;
    sheet.row(&[])?;
    let header = ["Month", "Bill of the month", "First day", "Last day", "Revision", "Status"];
    sheet.header(&header, 1, formats)?;
    for month in report.months {
        let Some(days) = month.bill.month.days().intersection(report.range) else { continue };
        let revision = month
            .closed
            .map_or(Cell::Text("draft"), |closed| Cell::Number(closed.revision.to_string()));
        sheet.row(&[
            (Cell::Day(month.bill.month.first_day()), &formats.month),
            (Cell::Number(month.amount_due().to_string()), &formats.money),
            (Cell::Day(days.first()), &formats.day),
            (Cell::Day(days.last()), &formats.day),
            (revision, &formats.count),
            (Cell::Text(&month.status().name().replace('_', " ")), text),
        ])?;
    }
    for grouping in [Grouping::Media, Grouping::Service, Grouping::CostCentre] {
        sheet.row(&[])?;
        sheet.header(
            &[&format!("By {}", grouping.name().replace('_', " ")), "Cost"],
            1,
            formats,
        )?;
        for group in range.by(grouping)? {
            let key = if group.key.is_empty() { "(no project)" } else { &group.key };
            let amount = Cell::Number(micro(group.cost_micro_units));
            sheet.row(&[(Cell::Text(key), text), (amount, &formats.money)])?;
        }
    }
    Ok(sheet.finish(0)?)
}

/// Column of the cost on the sheet of projects.
const COST_COLUMN: usize = 4 + Media::COUNT;

fn projects(workbook: &mut Workbook, formats: &Formats, range: &RangeContent<'_>) -> Done {
    let mut widths = vec![26, 30, 10, 20];
    widths.extend([14; Media::COUNT + 1]);
    let mut sheet = Sheet::new(workbook, "Allocation", &widths)?;
    let media: Vec<_> = Media::ALL.iter().map(|media| format!("{media} minutes")).collect();
    let mut header = vec!["Project", "Name", "Status", "Cost centre"];
    header.extend(media.iter().map(String::as_str));
    header.push("Cost");
    sheet.header(&header, 4, formats)?;
    sheet.freeze(2)?;
    let first = sheet.row;
    for (project, cost) in range.projects.iter().zip(&range.costs) {
        let listed = project.project;
        let status = listed.map_or(ProjectStatus::Unknown, |listed| listed.status);
        let mut cells = vec![
            (Cell::Text(project.id.as_str()), &formats.text),
            (Cell::Text(listed.map_or("", |listed| &listed.name)), &formats.text),
            (Cell::Text(status.name()), &formats.text),
            (Cell::Text(range.cost_centre(project)), &formats.text),
        ];
        cells.extend(
            Media::ALL.map(|media| (minutes_cell(project.seconds(media)), &formats.minutes)),
        );
        cells.push((Cell::Number(micro(*cost)), &formats.money));
        sheet.row(&cells)?;
    }
    if range.unallocated != 0 {
        let mut cells =
            vec![(Cell::Empty, &formats.text), (Cell::Text("(no project)"), &formats.text)];
        cells.extend((2..COST_COLUMN).map(|_| (Cell::Empty, &formats.text)));
        cells.push((Cell::Number(micro(range.unallocated)), &formats.money));
        sheet.row(&cells)?;
    }
    let end = sheet.row;
    let mut total: Vec<_> =
        ["total", "", "", ""].iter().map(|text| (Cell::Text(text), &formats.total_text)).collect();
    for (column, media) in (4..).zip(Media::ALL) {
        let seconds = range.projects.iter().filter_map(|one| one.seconds(media));
        // The sum of the rows as they stand, each rounded at its last place.
        let result = decimal_text(seconds.map(minute_units).sum(), MINUTES_SCALE);
        let sum = Cell::Formula(sum_formula(column, first, end), result);
        total.push((sum, &formats.total_minutes));
    }
    let sum = Cell::Formula(sum_formula(COST_COLUMN, first, end), micro(range.total));
    total.push((sum, &formats.total_money));
    sheet.row(&total)?;
    Ok(sheet.finish(0)?)
}

fn minutes_cell(seconds: Option<i128>) -> Cell<'static> {
    seconds.map_or(Cell::Empty, |seconds| Cell::Number(minutes(seconds)))
}

/// Days have no adjustments and no fees that no usage caused, so that they are a
/// line of their own below.
fn daily(workbook: &mut Workbook, formats: &Formats, range: &RangeContent<'_>) -> Done {
    let mut widths = vec![12, 10];
    widths.extend([14; Media::COUNT + 1]);
    let mut sheet = Sheet::new(workbook, "Daily", &widths)?;
    let media: Vec<_> = Media::ALL.iter().map(|media| format!("{media} minutes")).collect();
    let mut header = vec!["Day (UTC)", "Known"];
    header.extend(media.iter().map(String::as_str));
    header.push("Cost");
    sheet.header(&header, 2, formats)?;
    sheet.freeze(1)?;
    let first = sheet.row;
    let days = range.days();
    for day in &days {
        let is_gap = matches!(day.state, DayState::Missing | DayState::NotYet);
        let mut cells =
            vec![(Cell::Day(day.day), &formats.day), (Cell::Text(day.state.name()), &formats.text)];
        cells.extend(day.seconds.map(|seconds| (minutes_cell(seconds), &formats.minutes)));
        let cost = if is_gap { Cell::Empty } else { Cell::Number(micro(day.cost())) };
        cells.push((cost, &formats.money));
        sheet.row(&cells)?;
    }
    let of_days: i128 = days.iter().map(DayFigures::cost).sum();
    let mut end = vec![(Cell::Text("no day"), &formats.text)];
    end.extend((1..2 + Media::COUNT).map(|_| (Cell::Empty, &formats.text)));
    end.push((Cell::Number(micro(range.total - of_days)), &formats.money));
    sheet.row(&end)?;
    let mut total = vec![(Cell::Text("total"), &formats.total_text)];
    total.extend((1..2 + Media::COUNT).map(|_| (Cell::Empty, &formats.total_text)));
    let sum = sum_formula(2 + Media::COUNT, first, sheet.row);
    total.push((Cell::Formula(sum, micro(range.total)), &formats.total_money));
    sheet.row(&total)?;
    Ok(sheet.finish(0)?)
}
