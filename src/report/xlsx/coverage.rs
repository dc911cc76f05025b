//! The sheet of what is known of the month, and what was assumed.

use rust_xlsxwriter::{Format, Workbook};

use crate::domain::Money;

use super::super::overview::Overview;
use super::super::wording::{self, Fact};
use super::sheet::{Cell, Formats, Sheet};
use super::sheets::Done;

/// What is known, and what was assumed.
pub(super) fn sheet(workbook: &mut Workbook, formats: &Formats, overview: &Overview<'_>) -> Done {
    let mut sheet = Sheet::new(workbook, "Coverage", &[38, 24, 16, 16, 70])?;
    sheet.title("What is known", formats)?;
    for (name, fact) in wording::coverage(overview) {
        let mut cells = vec![(Cell::Text(name), &formats.text)];
        cells.extend(fact_cells(&fact, formats));
        sheet.row(&cells)?;
    }
    sheet.row(&[])?;
    missing_days(&mut sheet, formats, overview)?;
    sheet.row(&[])?;
    assumptions(&mut sheet, formats, overview)?;
    Ok(sheet.finish(0)?)
}

fn missing_days(sheet: &mut Sheet<'_>, formats: &Formats, overview: &Overview<'_>) -> Done {
    let header = ["Project", "Service", "First day", "Last day", "Missing because"];
    sheet.header(&header, 5, formats)?;
    let missing = &overview.report.coverage.missing_days;
    for hole in missing {
        for range in &hole.days {
            let project = hole.project_id.as_ref().map_or("(all)", |id| id.as_str());
            sheet.row(&[
                (Cell::Text(project), &formats.text),
                (Cell::Text(hole.service.name()), &formats.text),
                (Cell::Day(range.first()), &formats.day),
                (Cell::Day(range.last()), &formats.day),
                (Cell::Text(&hole.reason), &formats.wrapped),
            ])?;
        }
    }
    if missing.is_empty() {
        sheet.row(&[(Cell::Text("No day is missing."), &formats.text)])?;
    }
    Ok(())
}

/// What stands beside the name of a fact: numbers as numbers.
fn fact_cells<'a>(fact: &'a Fact, formats: &'a Formats) -> Vec<(Cell<'a>, &'a Format)> {
    let money = |money: Money| (Cell::Number(money.to_string()), &formats.money);
    match fact {
        Fact::Text(text) => vec![(Cell::Text(text), &formats.text)],
        Fact::Count(count) => vec![(Cell::Number(count.to_string()), &formats.count)],
        Fact::Amount(amount, words) => {
            vec![money(*amount), (Cell::Text(words), &formats.text)]
        }
        Fact::Range(range) => vec![money(range.low), money(range.high)],
    }
}

/// Each with the totals that the bill could have when it alone is read otherwise.
fn assumptions(sheet: &mut Sheet<'_>, formats: &Formats, overview: &Overview<'_>) -> Done {
    let header = ["Assumption", "Value", "Least total", "Greatest total", "In words"];
    sheet.header_of(&header, |at| !(2..4).contains(&at), formats)?;
    for assumption in &overview.bill().assumptions {
        let range = overview.report.range_due(&assumption.range);
        sheet.row(&[
            (Cell::Text(assumption.key), &formats.text),
            (Cell::Text(&assumption.value), &formats.text),
            (Cell::Number(range.low.to_string()), &formats.money),
            (Cell::Number(range.high.to_string()), &formats.money),
            (Cell::Text(&assumption.text), &formats.wrapped),
        ])?;
    }
    Ok(())
}
