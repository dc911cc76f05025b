//! The sheet of the allocation: the total by project, then by cost centre.

use rust_xlsxwriter::Workbook;

use crate::domain::money::decimal_text;
use crate::domain::{Media, Money};

use super::super::overview::{Grouping, Overview, ProjectFigures};
use super::super::summary::{MINUTES_SCALE, minute_units};
use super::sheet::{Cell, Formats, Sheet, column_name, sum_formula};
use super::sheets::{Done, micro, minutes};

/// The total by project, then by cost centre.
pub(super) fn sheet(workbook: &mut Workbook, formats: &Formats, overview: &Overview<'_>) -> Done {
    let mut widths = vec![26, 30, 10, 20];
    widths.extend([14; Media::COUNT]);
    widths.extend([14, 14, 14]);
    let mut sheet = Sheet::new(workbook, "Allocation", &widths)?;
    let media: Vec<_> = Media::ALL.iter().map(|media| format!("{media} minutes")).collect();
    let mut header = vec!["Project", "Name", "Status", "Cost centre"];
    header.extend(media.iter().map(String::as_str));
    header.extend(["Cost", "Month before", "Change"]);
    sheet.header(&header, 4, formats)?;
    sheet.freeze(2)?;
    let first = sheet.row;
    for project in &overview.projects {
        project_row(&mut sheet, formats, project)?;
    }
    unallocated_row(&mut sheet, formats, overview)?;
    let end = sheet.row;
    if end > first {
        sheet.inner.autofilter(
            first - 1,
            0,
            end - 1,
            u16::try_from(header.len() - 1).unwrap_or(0),
        )?;
    }
    allocation_total(&mut sheet, formats, overview, (first, end))?;
    sheet.row(&[])?;
    cost_centres(&mut sheet, formats, overview, (first, end))?;
    Ok(sheet.finish(0)?)
}

/// Column of the cost on the sheet of the allocation.
const COST_COLUMN: usize = 4 + Media::COUNT;

fn project_row(sheet: &mut Sheet<'_>, formats: &Formats, project: &ProjectFigures<'_>) -> Done {
    let mut cells = vec![
        (Cell::Text(project.id), &formats.text),
        (Cell::Text(project.name), &formats.text),
        (Cell::Text(project.status.name()), &formats.text),
        (Cell::Text(project.cost_centre), &formats.text),
    ];
    for seconds in project.seconds {
        let value = seconds.map_or(Cell::Empty, |seconds| Cell::Number(minutes(seconds)));
        cells.push((value, &formats.minutes));
    }
    cells.push((Cell::Number(project.cost.to_string()), &formats.money));
    cells.extend(change_cells(sheet.row, project.cost, project.previous, formats));
    Ok(sheet.row(&cells)?)
}

/// What the month before cost, and the difference as a formula.
fn change_cells(
    row: u32,
    cost: Money,
    previous: Option<Money>,
    formats: &Formats,
) -> Vec<(Cell<'static>, &rust_xlsxwriter::Format)> {
    let Some(previous) = previous else {
        return vec![(Cell::Text("n/a"), &formats.text), (Cell::Text("n/a"), &formats.text)];
    };
    let (now, before) = (column_name(COST_COLUMN), column_name(COST_COLUMN + 1));
    let formula = format!("={now}{0}-{before}{0}", row + 1);
    let difference = Money { minor_units: cost.minor_units - previous.minor_units, ..cost };
    vec![
        (Cell::Number(previous.to_string()), &formats.money),
        (Cell::Formula(formula, difference.to_string()), &formats.money),
    ]
}

/// What belongs to no project; none where that is nothing.
pub(super) fn unallocated(overview: &Overview<'_>) -> Option<Money> {
    Some(overview.report.unallocated()).filter(|money| money.minor_units != 0)
}

/// There where money belongs to no project, or did in the month before.
fn unallocated_row(sheet: &mut Sheet<'_>, formats: &Formats, overview: &Overview<'_>) -> Done {
    let before = overview.unallocated_before();
    let has_before = before.is_some_and(|money| money.minor_units != 0);
    if unallocated(overview).is_none() && !has_before {
        return Ok(());
    }
    let unallocated = overview.report.unallocated();
    let mut cells = vec![(Cell::Empty, &formats.text), (Cell::Text("(no project)"), &formats.text)];
    cells.extend((2..COST_COLUMN).map(|_| (Cell::Empty, &formats.text)));
    cells.push((Cell::Number(unallocated.to_string()), &formats.money));
    cells.extend(change_cells(sheet.row, unallocated, before, formats));
    Ok(sheet.row(&cells)?)
}

fn allocation_total(
    sheet: &mut Sheet<'_>,
    formats: &Formats,
    overview: &Overview<'_>,
    (first, end): (u32, u32),
) -> Done {
    let mut cells: Vec<_> =
        ["total", "", "", ""].iter().map(|text| (Cell::Text(text), &formats.total_text)).collect();
    for (column, media) in (4..).zip(Media::ALL) {
        let seconds = overview.projects.iter().filter_map(|one| one.seconds[media.index()]);
        // The sum of the rows as they stand, each rounded at its last place.
        let units = seconds.map(minute_units).sum();
        let result = decimal_text(units, MINUTES_SCALE);
        cells
            .push((Cell::Formula(sum_formula(column, first, end), result), &formats.total_minutes));
    }
    let total = overview.total();
    let mut sum = |column: usize, money: Option<Money>| {
        let result =
            money.map(|money| Cell::Formula(sum_formula(column, first, end), money.to_string()));
        cells.push(match result {
            Some(formula) => (formula, &formats.total_money),
            None => (Cell::Text("n/a"), &formats.total_text),
        });
    };
    let before = rows_before(overview);
    let difference = before.map(|before| total.minor_units - before.minor_units);
    sum(COST_COLUMN, Some(total));
    sum(COST_COLUMN + 1, before);
    sum(COST_COLUMN + 2, difference.map(|minor_units| Money { minor_units, ..total }));
    Ok(sheet.row(&cells)?)
}

/// What the rows above the total have of the month before, which is all of it.
fn rows_before(overview: &Overview<'_>) -> Option<Money> {
    let unallocated = overview.unallocated_before()?;
    let previous = overview.projects.iter().filter_map(|one| one.previous);
    let of_projects: i128 = previous.map(|money| money.minor_units).sum();
    Some(Money { minor_units: of_projects + unallocated.minor_units, ..unallocated })
}

fn cost_centres(
    sheet: &mut Sheet<'_>,
    formats: &Formats,
    overview: &Overview<'_>,
    (first, end): (u32, u32),
) -> Done {
    sheet.header(&["Cost centre", "Cost"], 1, formats)?;
    let cost = column_name(COST_COLUMN);
    let rows = |column: &str| format!("${column}${}:${column}${}", first + 1, end.max(first + 1));
    for group in overview.by(Grouping::CostCentre)? {
        if group.key.is_empty() {
            // Money of no project has no cost centre, so that no criterion finds it.
            let amount = Cell::Number(micro(group.cost_micro_units));
            sheet.row(&[(Cell::Text("(no project)"), &formats.text), (amount, &formats.money)])?;
            continue;
        }
        let result = micro(group.cost_micro_units);
        let amount = match exact_text(&group.key) {
            // SUMIF would take "OPS" for "ops" and "01" for "1".
            Some(key) => {
                let chosen = format!("--EXACT({},{key})", rows("D"));
                Cell::Formula(format!("=SUMPRODUCT({chosen},{})", rows(&cost)), result)
            }
            None => Cell::Number(result),
        };
        sheet.row(&[(Cell::Text(&group.key), &formats.text), (amount, &formats.money)])?;
    }
    Ok(())
}

/// The most characters that a text inside a formula may have.
const LONGEST_TEXT: usize = 255;

/// A text as formulas write it; none where it is too long for one.
fn exact_text(text: &str) -> Option<String> {
    let doubled = text.replace('"', "\"\"");
    (doubled.encode_utf16().count() <= LONGEST_TEXT).then(|| format!("\"{doubled}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_a_formula_is_quoted_and_not_too_long() {
        assert_eq!(exact_text("a \"b\" *"), Some("\"a \"\"b\"\" *\"".to_owned()));
        assert!(exact_text(&"7".repeat(255)).is_some());
        assert_eq!(exact_text(&"7".repeat(256)), None);
        assert_eq!(exact_text(&"\"".repeat(128)), None);
    }
}
