//! The sheets of the workbook, in their order.

use rust_xlsxwriter::{Chart, ChartFormat, ChartSolidFill, ChartType, Color, Workbook};

use crate::domain::money::decimal_text;
use crate::domain::{Media, Money};
use crate::rating::{ALLOCATION_SCALE, LINE_SCALE};

use super::super::overview::{DayFigures, DayState, EFFECTS, Overview};
use super::super::summary::{MINUTES_SCALE, minute_units};
use super::super::{ReportError, bill_table, colours, wording};
use super::allocation::unallocated;
use super::sheet::{Cell, Formats, Sheet, sum_formula};

/// Projects in the chart of the first sheet.
const CHARTED_PROJECTS: usize = 10;

/// Whether a sheet was written.
pub(super) type Done = Result<(), ReportError>;

/// Units of 1e-6 as a decimal.
pub(super) fn micro(units: i128) -> String {
    decimal_text(units, ALLOCATION_SCALE)
}

/// Seconds as minutes with six places.
pub(super) fn minutes(seconds: i128) -> String {
    decimal_text(minute_units(seconds), MINUTES_SCALE)
}

/// What the month is, in a screen.
pub(super) fn summary(workbook: &mut Workbook, formats: &Formats, overview: &Overview<'_>) -> Done {
    let bill = overview.bill();
    let mut sheet = Sheet::new(workbook, "Summary", &[34, 18, 16, 60])?;
    sheet.title(&format!("Agora usage of account {}, {}", bill.account, bill.month), formats)?;
    let text = &formats.text;
    sheet.row(&[(Cell::Text("Status"), text), (Cell::Text(&wording::status(overview)), text)])?;
    sheet.row(&[(Cell::Text("Currency"), text), (Cell::Text(bill.currency.code()), text)])?;
    if !overview.report.adjustments.is_empty() {
        let adjusted = overview.report.adjusted();
        for (name, money) in [("Rated total", bill.total), ("Adjustments", adjusted)] {
            let amount = (Cell::Number(money.to_string()), &formats.money);
            sheet.row(&[(Cell::Text(name), text), amount])?;
        }
    }
    let total = Cell::Number(overview.total().to_string());
    sheet.row(&[(Cell::Text("Total"), &formats.total_text), (total, &formats.total_money)])?;
    if let Some(change) = overview.change {
        let money = |minor_units| Money { minor_units, ..bill.total }.to_string();
        let mut line = |name: &str, units: i128, why: &str| {
            let amount = Cell::Number(money(units));
            let cells = [
                (Cell::Text(name), text),
                (amount, &formats.money),
                (Cell::Empty, text),
                (Cell::Text(why), text),
            ];
            sheet.row(&cells)
        };
        line("Total of the month before", change.previous, "")?;
        for ((name, why), effect) in EFFECTS.iter().zip(change.effects) {
            line(&format!("  change by {name}"), effect, why)?;
        }
        let first = sheet.row + 1 - u32::try_from(EFFECTS.len()).unwrap_or(0);
        let formula = format!("=SUM(B{first}:B{})", sheet.row);
        let sum = Cell::Formula(formula, money(change.difference));
        sheet.row(&[(Cell::Text("Change"), &formats.total_text), (sum, &formats.total_money)])?;
    }
    sheet.row(&[])?;
    dearest_projects(&mut sheet, formats, overview)?;
    sheet.row(&[])?;
    trend(&mut sheet, formats, overview)?;
    Ok(sheet.finish(0)?)
}

fn dearest_projects(sheet: &mut Sheet<'_>, formats: &Formats, overview: &Overview<'_>) -> Done {
    let projects = overview.projects_by_cost();
    sheet.header(&["Project", "Cost", "Share", "Name"], 1, formats)?;
    let first = sheet.row;
    let shown = projects.len().min(CHARTED_PROJECTS);
    for project in &projects[..shown] {
        let share = share(project.cost, overview.total());
        sheet.row(&[
            (Cell::Text(project.id), &formats.text),
            (Cell::Number(project.cost.to_string()), &formats.money),
            (share, &formats.percent),
            (Cell::Text(project.name), &formats.text),
        ])?;
    }
    if let Some(unallocated) = unallocated(overview) {
        sheet.row(&[
            (Cell::Text("(no project)"), &formats.text),
            (Cell::Number(unallocated.to_string()), &formats.money),
            (share(unallocated, overview.total()), &formats.percent),
        ])?;
    }
    let end = first + u32::try_from(shown).unwrap_or(0);
    if shown > 0 {
        let mut chart = Chart::new(ChartType::Bar);
        let name = "Summary";
        chart
            .add_series()
            .set_categories((name, first, 0, end - 1, 0))
            .set_values((name, first, 1, end - 1, 1))
            .set_format(&mut fill(colours::of(Media::Hd).light));
        chart.legend().set_hidden();
        chart.title().set_name("Where the money went");
        chart.y_axis().set_reverse();
        chart.set_alt_text("Cost of the dearest projects, as in the table beside it");
        sheet.inner.insert_chart(0, 5, &chart)?;
    }
    Ok(())
}

fn fill(colour: u32) -> ChartFormat {
    let mut format = ChartFormat::new();
    format.set_solid_fill(ChartSolidFill::new().set_color(Color::RGB(colour)));
    format
}

/// Part of the total with four places; nothing where the total is 0.
fn share(part: Money, total: Money) -> Cell<'static> {
    if total.minor_units == 0 {
        return Cell::Empty;
    }
    let units = part.minor_units * 10_000 / total.minor_units;
    Cell::Number(decimal_text(units, 4))
}

fn trend(sheet: &mut Sheet<'_>, formats: &Formats, overview: &Overview<'_>) -> Done {
    sheet.header(&["Month", "Total", "Status"], 1, formats)?;
    for month in &overview.trend {
        let status = month.status.map_or("n/a", |status| status.name());
        sheet.row(&[
            (Cell::Day(month.month.first_day()), &formats.month),
            (Cell::Number(month.total.to_string()), &formats.money),
            (Cell::Text(&status.replace('_', " ")), &formats.text),
        ])?;
    }
    Ok(())
}

/// How the total was made, line by line.
pub(super) fn bill(workbook: &mut Workbook, formats: &Formats, overview: &Overview<'_>) -> Done {
    let mut sheet = Sheet::new(workbook, "Bill", &[18, 12, 6, 16, 14, 14, 16, 14, 16])?;
    let header = [
        "Service",
        "Media",
        "Tier",
        "Seconds",
        "Minutes",
        "Free minutes",
        "Billable minutes",
        "Price per 1,000",
        "Amount",
    ];
    sheet.header(&header, 2, formats)?;
    sheet.freeze(2)?;
    let first = sheet.row;
    let mut rows = bill_table::rows(overview.report)?;
    // The last one is the total, which is a formula here.
    rows.pop();
    for row in &rows {
        let count = |value: Option<u128>| {
            value.map_or(Cell::Empty, |value| Cell::Number(value.to_string()))
        };
        let price = row.unit_price.map_or(Cell::Empty, |units| {
            Cell::Number(decimal_text(units, bill_table::UNIT_PRICE_SCALE))
        });
        sheet.row(&[
            (Cell::Text(row.service), &formats.text),
            (Cell::Text(row.media.as_deref().unwrap_or_default()), &formats.text),
            (count(row.tier), &formats.count),
            (count(row.seconds), &formats.count),
            (count(row.minutes), &formats.count),
            (count(row.free_minutes), &formats.count),
            (count(row.billable_minutes), &formats.count),
            (price, &formats.price),
            (Cell::Number(decimal_text(row.amount, LINE_SCALE)), &formats.price),
        ])?;
    }
    bill_total(&mut sheet, formats, overview, (first, &rows))?;
    Ok(sheet.finish(0)?)
}

fn bill_total(
    sheet: &mut Sheet<'_>,
    formats: &Formats,
    overview: &Overview<'_>,
    (first, rows): (u32, &[bill_table::Row]),
) -> Done {
    let end = sheet.row;
    let sum = |of: &dyn Fn(&bill_table::Row) -> Option<u128>| {
        rows.iter().filter_map(of).sum::<u128>().to_string()
    };
    let sums = [
        sum(&|row| row.seconds),
        sum(&|row| row.minutes),
        sum(&|row| row.free_minutes),
        sum(&|row| row.billable_minutes),
    ];
    let mut total: Vec<_> =
        ["total", "", ""].iter().map(|text| (Cell::Text(text), &formats.total_text)).collect();
    for (column, result) in (3..).zip(sums) {
        let formula = Cell::Formula(sum_formula(column, first, end), result);
        total.push((formula, &formats.total_count));
    }
    total.push((Cell::Empty, &formats.total_text));
    let formula = Cell::Formula(sum_formula(8, first, end), overview.total().to_string());
    total.push((formula, &formats.total_money));
    Ok(sheet.row(&total)?)
}

/// Every day of the month, and a chart.
pub(super) fn daily(workbook: &mut Workbook, formats: &Formats, overview: &Overview<'_>) -> Done {
    let media = overview.used_media();
    let mut widths = vec![12, 10];
    widths.resize(2 + 2 * media.len(), 14);
    widths.push(14);
    let mut sheet = Sheet::new(workbook, "Daily", &widths)?;
    let minute_names: Vec<_> = media.iter().map(|media| format!("{media} minutes")).collect();
    let cost_names: Vec<_> = media.iter().map(|media| format!("{media} cost")).collect();
    let mut header = vec!["Day (UTC)", "Known"];
    header.extend(minute_names.iter().chain(&cost_names).map(String::as_str));
    header.push("Cost");
    sheet.header(&header, 2, formats)?;
    sheet.freeze(1)?;
    let first = sheet.row;
    for day in &overview.days {
        let mut cells =
            vec![(Cell::Day(day.day), &formats.day), (Cell::Text(day.state.name()), &formats.text)];
        let is_gap = matches!(day.state, DayState::Missing | DayState::NotYet);
        for media in &media {
            let seconds = day.seconds[media.index()];
            let value = seconds.map_or(Cell::Empty, |seconds| Cell::Number(minutes(seconds)));
            cells.push((value, &formats.minutes));
        }
        let amount = |units: i128| if is_gap { Cell::Empty } else { Cell::Number(micro(units)) };
        cells.extend(media.iter().map(|one| (amount(day.costs[one.index()]), &formats.money)));
        cells.push((amount(day.cost()), &formats.money));
        sheet.row(&cells)?;
    }
    let end = sheet.row;
    daily_total(&mut sheet, formats, overview, &media, (first, end))?;
    let mut chart = Chart::new(ChartType::ColumnStacked);
    for (at, media) in media.iter().enumerate() {
        let column = u16::try_from(2 + minute_names.len() + at).unwrap_or(u16::MAX);
        chart
            .add_series()
            .set_name(("Daily", first - 1, column))
            .set_categories(("Daily", first, 0, end - 1, 0))
            .set_values(("Daily", first, column, end - 1, column))
            .set_format(&mut fill(colours::of(*media).light));
    }
    chart.title().set_name("Cost by day and media");
    chart.set_width(900).set_alt_text("Cost by day and media, as in the table above it");
    if media.is_empty() {
        return Ok(sheet.finish(0)?);
    }
    sheet.inner.insert_chart(sheet.row + 1, 0, &chart)?;
    Ok(sheet.finish(17)?)
}

fn daily_total(
    sheet: &mut Sheet<'_>,
    formats: &Formats,
    overview: &Overview<'_>,
    media: &[Media],
    (first, end): (u32, u32),
) -> Done {
    let mut cells =
        vec![(Cell::Text("total"), &formats.total_text), (Cell::Empty, &formats.total_text)];
    for (column, media) in (2..).zip(media) {
        let seconds = overview.days.iter().filter_map(|day| day.seconds[media.index()]);
        let result = decimal_text(seconds.map(minute_units).sum(), MINUTES_SCALE);
        cells
            .push((Cell::Formula(sum_formula(column, first, end), result), &formats.total_minutes));
    }
    let costs = media
        .iter()
        .map(|one| -> i128 { overview.days.iter().map(|day| day.costs[one.index()]).sum() });
    let all = overview.days.iter().map(DayFigures::cost).sum();
    for (column, units) in (2 + media.len()..).zip(costs.chain([all])) {
        let formula = Cell::Formula(sum_formula(column, first, end), micro(units));
        cells.push((formula, &formats.total_money));
    }
    Ok(sheet.row(&cells)?)
}

/// Values that are others than in the revision before.
pub(super) fn changes(workbook: &mut Workbook, formats: &Formats, overview: &Overview<'_>) -> Done {
    let mut sheet = Sheet::new(workbook, "Changes since close", &[26, 18, 12, 12, 16, 16, 24])?;
    let header = [
        "Project",
        "Service",
        "Day (UTC)",
        "Media",
        "Seconds before",
        "Seconds now",
        "Seen at (UTC)",
    ];
    sheet.header(&header, 4, formats)?;
    sheet.freeze(1)?;
    let corrections = &overview.report.background.corrections;
    for one in corrections {
        let seconds = |value: Option<i64>| match value {
            Some(value) => (Cell::Number(value.to_string()), &formats.count),
            None => (Cell::Text("none"), &formats.text),
        };
        sheet.row(&[
            (Cell::Text(one.project_id.as_str()), &formats.text),
            (Cell::Text(one.service.name()), &formats.text),
            (Cell::Day(one.day), &formats.day),
            (Cell::Text(one.media.name()), &formats.text),
            seconds(one.before_seconds),
            seconds(one.after_seconds),
            (Cell::Time(one.observed_at), &formats.time),
        ])?;
    }
    if corrections.is_empty() {
        sheet.row(&[(
            Cell::Text("No value is another one than in the revision before."),
            &formats.text,
        )])?;
    }
    Ok(sheet.finish(0)?)
}
