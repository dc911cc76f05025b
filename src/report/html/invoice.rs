//! The platform's invoice beside the bill, as the page shows it.

use serde::Serialize;

use super::super::overview::{InvoiceRow, Overview};
use super::page::Number;
use super::projects::label;

/// A row a project, and the sums.
#[derive(Debug, Serialize)]
pub(super) struct InvoiceView {
    rows: Vec<Row>,
    total: Row,
}

#[derive(Debug, Serialize)]
struct Row {
    id: String,
    name: String,
    estimate: Number,
    invoice: Number,
    difference: Number,
}

/// None where no invoice is known.
pub(super) fn view(overview: &Overview<'_>) -> Option<InvoiceView> {
    let rows = overview.invoice()?;
    let [estimate, invoice, difference] = InvoiceRow::totals(&rows, overview.bill().currency);
    let row = |row: &InvoiceRow<'_>| Row {
        id: row.project_id.to_owned(),
        name: match row.project_id {
            "" => "(no project)",
            id => label(row.name, id),
        }
        .to_owned(),
        estimate: Number::money(row.estimate),
        invoice: Number::money(row.invoice),
        difference: Number::money(row.difference()),
    };
    Some(InvoiceView {
        rows: rows.iter().map(row).collect(),
        total: Row {
            id: String::new(),
            name: "total".to_owned(),
            estimate: Number::money(estimate),
            invoice: Number::money(invoice),
            difference: Number::money(difference),
        },
    })
}
