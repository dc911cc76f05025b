//! The sheet of the platform's invoice beside the bill, by project.

use rust_xlsxwriter::Workbook;

use super::super::overview::{InvoiceRow, Overview};
use super::sheet::{Cell, Formats, Sheet, sum_formula};
use super::sheets::Done;

/// Our bill, the invoice and the difference; a sentence where no invoice is known.
pub(super) fn sheet(workbook: &mut Workbook, formats: &Formats, overview: &Overview<'_>) -> Done {
    let mut sheet = Sheet::new(workbook, "Invoice", &[26, 30, 16, 16, 16])?;
    let Some(rows) = overview.invoice() else {
        sheet.title("Invoice", formats)?;
        let text = "No invoice of the month was imported (agora-usage bill reconcile).";
        sheet.row(&[(Cell::Text(text), &formats.text)])?;
        return Ok(sheet.finish(0)?);
    };
    sheet.header(&["Project", "Name", "Our bill", "Invoice", "Difference"], 2, formats)?;
    sheet.freeze(1)?;
    let first = sheet.row;
    for row in &rows {
        let number = sheet.row + 1;
        let difference =
            Cell::Formula(format!("=D{number}-C{number}"), row.difference().to_string());
        sheet.row(&[
            (Cell::Text(row.project_id), &formats.text),
            (Cell::Text(row.name), &formats.text),
            (Cell::Number(row.estimate.to_string()), &formats.money),
            (Cell::Number(row.invoice.to_string()), &formats.money),
            (difference, &formats.money),
        ])?;
    }
    let end = sheet.row;
    let [estimate, invoice, difference] = InvoiceRow::totals(&rows, overview.bill().currency);
    let mut total =
        vec![(Cell::Text("total"), &formats.total_text), (Cell::Empty, &formats.total_text)];
    for (column, money) in (2..).zip([estimate, invoice, difference]) {
        let sum = Cell::Formula(sum_formula(column, first, end), money.to_string());
        total.push((sum, &formats.total_money));
    }
    sheet.row(&total)?;
    Ok(sheet.finish(0)?)
}
