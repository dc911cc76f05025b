//! A reconciliation as tables for people.

use std::fmt::Write;

use comfy_table::{Cell, CellAlignment};
use num_rational::BigRational;

use crate::cli::failure::Failure;
use crate::cli::print::note_line;
use crate::cli::print::{Output, one_line, plain_table, print_rows, print_text, trimmed};
use crate::cli::summary::thousands;
use crate::domain::money::decimal_text;
use crate::domain::{Project, ProjectId};
use crate::rating::{LINE_SCALE, exact_decimal_units};
use crate::reconcile::amounts::rounded;
use crate::reconcile::{Invoice, Reconciliation};
use crate::store::invoices::InvoiceWritten;

/// Prints it to stdout; what was stored is told on stderr where stdout is for programs.
pub(super) fn print(
    reconciled: &Reconciliation,
    invoice: &Invoice,
    kept: InvoiceWritten,
    projects: &[Project],
    output: Output,
) -> Result<(), Failure> {
    let stored = format!(
        "{}, import {} of {}{}",
        invoice.file_name,
        kept.import,
        reconciled.month,
        if kept.is_new { "" } else { " (unchanged)" }
    );
    if output == Output::Table {
        return print_text(&format!("{}\nstored as {stored}\n", text(reconciled, projects)));
    }
    note_line(format_args!("{}\nstored as {stored}", outcome(reconciled)));
    print_rows(&super::rows::rows(reconciled), output)
}

/// The finding in one sentence.
fn outcome(reconciled: &Reconciliation) -> String {
    let Reconciliation { account, month, currency, estimate, invoice, .. } = reconciled;
    let ours = match reconciled.revision {
        Some(revision) => format!("our bill (closed r{revision})"),
        None => "our estimate (not closed)".to_owned(),
    };
    let [estimate, invoice, difference] =
        [*estimate, *invoice, reconciled.difference()].map(|it| thousands(&it.to_string()));
    let finding = if reconciled.causes.is_empty() && reconciled.is_explained() {
        "equal".to_owned()
    } else if reconciled.is_explained() {
        "explained in full".to_owned()
    } else {
        format!("{} unexplained", exact(&reconciled.unexplained.sum(), reconciled))
    };
    format!(
        "account {account}, {month}: invoice {} {invoice}, {ours} {estimate}, difference \
         {difference}: {finding}",
        currency.code()
    )
}

fn text(reconciled: &Reconciliation, projects: &[Project]) -> String {
    let mut text = format!("{}\n", lines_table(reconciled));
    if !reconciled.causes.is_empty() || !reconciled.is_explained() {
        let _ = writeln!(text, "\nwhy ({}):", reconciled.currency.code());
        let unexplained = reconciled.unexplained.sum();
        let mut entries: Vec<(String, String)> = reconciled
            .causes
            .iter()
            .map(|cause| (exact(&cause.amount(), reconciled), cause.text.clone()))
            .collect();
        if !reconciled.is_explained() {
            entries.push((exact(&unexplained, reconciled), unexplained_text(reconciled)));
        }
        let width = entries.iter().map(|(amount, _)| amount.len()).max().unwrap_or(0);
        for (amount, sentence) in entries {
            let _ = writeln!(text, "  {amount:>width$}  {}", one_line(&sentence));
        }
    }
    let _ = writeln!(text, "\n{}\n\n{}", projects_table(reconciled, projects), outcome(reconciled));
    text.trim_end().to_owned()
}

fn unexplained_text(reconciled: &Reconciliation) -> String {
    let lines: Vec<String> = reconciled
        .unexplained
        .iter()
        .map(|(line, amount)| format!("{} {}", line.label(), exact(amount, reconciled)))
        .collect();
    format!("Unexplained: {}.", lines.join(", "))
}

fn lines_table(reconciled: &Reconciliation) -> String {
    let code = reconciled.currency.code();
    let mut table = plain_table();
    let titles = [
        "our minutes".to_owned(),
        "invoiced minutes".to_owned(),
        format!("our bill {code}"),
        format!("invoice {code}"),
        format!("difference {code}"),
    ];
    let head = ["service", "media"].map(Cell::new).into_iter();
    table.set_header(head.chain(titles.iter().map(|title| right(title))));
    for line in &reconciled.lines {
        let ours = line.estimate_minutes.map(|minutes| thousands(&minutes.to_string()));
        let theirs = line.invoice_minutes.as_ref().map(|minutes| thousands(&short(minutes, 0)));
        let amounts = [&line.estimate, &line.invoice, &line.difference()]
            .map(|amount| exact(amount, reconciled));
        let words = [line.line.service_name(), line.line.media_name()].map(Cell::new).into_iter();
        let minutes = [ours, theirs].map(Option::unwrap_or_default);
        table.add_row(words.chain(minutes.iter().chain(&amounts).map(|text| right(text))));
    }
    let totals = [reconciled.estimate, reconciled.invoice, reconciled.difference()]
        .map(|total| thousands(&total.to_string()));
    let words = ["total", "", "", ""].map(Cell::new).into_iter();
    table.add_row(words.chain(totals.iter().map(|text| right(text))));
    trimmed(&table)
}

fn projects_table(reconciled: &Reconciliation, projects: &[Project]) -> String {
    let code = reconciled.currency.code();
    let mut table = plain_table();
    let titles =
        [format!("our bill {code}"), format!("invoice {code}"), format!("difference {code}")];
    let head = ["project", "name"].map(Cell::new).into_iter();
    table.set_header(head.chain(titles.iter().map(|title| right(title))));
    for part in &reconciled.projects {
        let id = part.project_id.as_ref();
        let known = projects.iter().find(|project| Some(&project.project_id) == id);
        let name = known.map_or("", |project| project.name.as_str());
        let amounts = [part.estimate, part.invoice].map(|it| thousands(&it.to_string()));
        let difference = decimal_text(
            part.invoice.minor_units - part.estimate.minor_units,
            reconciled.currency.minor_unit_digits(),
        );
        let words = [id.map_or("(no project)", ProjectId::as_str), name].map(one_line);
        let amounts = amounts.into_iter().chain([thousands(&difference)]);
        table.add_row(words.iter().map(Cell::new).chain(amounts.map(|text| right(&text))));
    }
    trimmed(&table)
}

fn right(text: &str) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

/// An exact amount for people: as many decimals as it has, at least those of the minor unit.
fn exact(amount: &BigRational, reconciled: &Reconciliation) -> String {
    thousands(&short(amount, reconciled.currency.minor_unit_digits()))
}

pub(super) fn short(amount: &BigRational, fewest_digits: u32) -> String {
    let text = twelve_places(amount);
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
    let least = usize::try_from(fewest_digits).unwrap_or(0);
    let kept = decimals.trim_end_matches('0').len().max(least);
    match decimals.get(..kept) {
        Some(decimals) if kept > 0 => format!("{whole}.{decimals}"),
        _ => whole.to_owned(),
    }
}

/// With the places of a line of a bill; a part of a cause can have more and is rounded.
pub(super) fn twelve_places(amount: &BigRational) -> String {
    exact_decimal_units(&rounded(amount, LINE_SCALE), LINE_SCALE)
        .map_or_else(|_| amount.to_string(), |units| decimal_text(units, LINE_SCALE))
}
