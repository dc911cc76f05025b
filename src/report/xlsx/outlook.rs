//! The sheet of what lies ahead: budgets, odd days, and what other plans would have cost.

use rust_xlsxwriter::Workbook;

use crate::domain::Money;
use crate::domain::margin::margin;

use super::super::overview::Overview;
use super::super::wording;
use super::sheet::{Cell, Formats, Sheet};
use super::sheets::Done;

/// Tables one below the other; a sentence where there is nothing to tell.
pub(super) fn sheet(workbook: &mut Workbook, formats: &Formats, overview: &Overview<'_>) -> Done {
    let ahead = &overview.report.background.ahead;
    let mut sheet = Sheet::new(workbook, "Outlook", &[34, 16, 16, 16, 16])?;
    sheet.title("What lies ahead", formats)?;
    if ahead.is_empty() {
        let text = "Nothing: the month is over, or nothing was foretold or compared yet.";
        sheet.row(&[(Cell::Text(text), &formats.text)])?;
        return Ok(sheet.finish(0)?);
    }
    for sentence in wording::month_ahead(overview) {
        sheet.row(&[(Cell::Text(&sentence), &formats.text)])?;
    }
    budgets(&mut sheet, formats, overview)?;
    margins(&mut sheet, formats, overview)?;
    odd_days(&mut sheet, formats, overview)?;
    plans(&mut sheet, formats, overview)?;
    Ok(sheet.finish(0)?)
}

fn money(money: Option<Money>) -> Cell<'static> {
    money.map_or(Cell::Empty, |money| Cell::Number(money.to_string()))
}

fn budgets(sheet: &mut Sheet<'_>, formats: &Formats, overview: &Overview<'_>) -> Done {
    let budgets = &overview.report.background.ahead.budgets;
    if budgets.is_empty() {
        return Ok(());
    }
    sheet.header(&["Budget of", "Amount", "Spent", "Expected", "Used up on"], 1, formats)?;
    for one in budgets {
        let used_up = one.used_up_on.map_or(Cell::Empty, Cell::Day);
        sheet.row(&[
            (Cell::Text(&one.of), &formats.text),
            (money(Some(one.amount)), &formats.money),
            (money(Some(one.to_date)), &formats.money),
            (money(one.expected), &formats.money),
            (used_up, &formats.day),
        ])?;
    }
    Ok(sheet.row(&[])?)
}

fn margins(sheet: &mut Sheet<'_>, formats: &Formats, overview: &Overview<'_>) -> Done {
    let margins = &overview.report.background.ahead.margins;
    if margins.is_empty() {
        return Ok(());
    }
    let header = ["Resold project", "Costs before tax", "Sells for", "Margin"];
    sheet.header(&header, 1, formats)?;
    for one in margins {
        sheet.row(&[
            (Cell::Text(&one.project_id), &formats.text),
            (money(Some(one.cost)), &formats.money),
            (money(Some(one.sell)), &formats.money),
            (money(Some(margin(one.cost, one.sell))), &formats.money),
        ])?;
    }
    Ok(sheet.row(&[])?)
}

fn odd_days(sheet: &mut Sheet<'_>, formats: &Formats, overview: &Overview<'_>) -> Done {
    let odd_days = &overview.report.background.ahead.odd_days;
    if odd_days.is_empty() {
        return Ok(());
    }
    sheet.header(&["Odd project", "Worth", "Usual worth", "Cause", "Day (UTC)"], 1, formats)?;
    for one in odd_days {
        sheet.row(&[
            (Cell::Text(&one.project_id), &formats.text),
            (money(Some(one.worth)), &formats.money),
            (money(Some(one.usual)), &formats.money),
            (Cell::Text(&one.cause), &formats.text),
            (Cell::Day(one.day), &formats.day),
        ])?;
    }
    Ok(sheet.row(&[])?)
}

fn plans(sheet: &mut Sheet<'_>, formats: &Formats, overview: &Overview<'_>) -> Done {
    let ahead = &overview.report.background.ahead;
    if ahead.plans.is_empty() {
        return Ok(());
    }
    let head = format!("Plan, {}", ahead.plan_months);
    let header =
        [head.as_str(), "Would have cost", "Saved", "In force", "As cheap as the first at"];
    sheet.header(&header, 1, formats)?;
    for one in &ahead.plans {
        let note = if one.is_in_force { "yes" } else { "" };
        let break_even = one.break_even.map(|turn| turn.to_string()).unwrap_or_default();
        sheet.row(&[
            (Cell::Text(&one.plan), &formats.text),
            (money(Some(one.total)), &formats.money),
            (money(one.saved), &formats.money),
            (Cell::Text(note), &formats.text),
            (Cell::Text(&break_even), &formats.text),
        ])?;
    }
    Ok(())
}
