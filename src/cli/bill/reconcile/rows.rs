//! A reconciliation as rows for programs.

use num_rational::BigRational;
use num_traits::Zero;

use super::print::{short, twelve_places};
use crate::domain::money::decimal_text;
use crate::domain::{Money, ProjectId};
use crate::reconcile::{Cause, Line, LineDifference, ProjectDifference, Reconciliation};
use crate::store::analyst_queries::{ResultTable, ValueKind};
use crate::store::bills::DRAFT;

/// Columns: a row a line, cause and line, unexplained line, project, and the total.
const COLUMNS: &[(&str, ValueKind)] = &[
    ("account_id", ValueKind::Text),
    ("month", ValueKind::Text),
    ("revision", ValueKind::Integer),
    ("section", ValueKind::Text),
    ("name", ValueKind::Text),
    ("service", ValueKind::Text),
    ("media", ValueKind::Text),
    ("estimate_minutes", ValueKind::Decimal),
    ("invoice_minutes", ValueKind::Decimal),
    ("estimate", ValueKind::Decimal),
    ("invoice", ValueKind::Decimal),
    ("difference", ValueKind::Decimal),
    ("text", ValueKind::Text),
];

/// A row; what is not given is null.
#[derive(Default)]
struct Row<'a> {
    section: &'a str,
    name: Option<&'a str>,
    line: Option<Line>,
    minutes: [Option<String>; 2],
    /// Our bill and the invoice.
    sides: [Option<String>; 2],
    difference: String,
    text: Option<&'a str>,
}

/// Every section, the total last.
pub(super) fn rows(reconciled: &Reconciliation) -> ResultTable {
    let unexplained = reconciled.unexplained.iter().map(|(line, amount)| Row {
        section: "unexplained",
        line: Some(line),
        difference: twelve_places(amount),
        ..Row::default()
    });
    let total = Row {
        section: "total",
        sides: [reconciled.estimate, reconciled.invoice].map(|it| Some(it.to_string())),
        difference: reconciled.difference().to_string(),
        ..Row::default()
    };
    let rows = reconciled
        .lines
        .iter()
        .map(of_line)
        .chain(reconciled.causes.iter().flat_map(of_cause))
        .chain(unexplained)
        .chain(reconciled.projects.iter().map(of_project))
        .chain([total]);
    let mut table = ResultTable::with_columns(COLUMNS);
    table.rows = rows.map(|row| row.values(reconciled)).collect();
    table
}

fn of_line(line: &LineDifference) -> Row<'_> {
    Row {
        section: "line",
        line: Some(line.line),
        minutes: [
            line.estimate_minutes.map(|minutes| minutes.to_string()),
            line.invoice_minutes.as_ref().map(|minutes| short(minutes, 0)),
        ],
        sides: [&line.estimate, &line.invoice].map(|amount| Some(twelve_places(amount))),
        difference: twelve_places(&line.difference()),
        ..Row::default()
    }
}

/// A row a line; one without a line where the cause changes minutes alone.
fn of_cause(cause: &Cause) -> Vec<Row<'_>> {
    let row = |line: Option<Line>, amount: &BigRational| Row {
        section: "cause",
        name: Some(cause.kind.name()),
        line,
        difference: twelve_places(amount),
        text: Some(&cause.text),
        ..Row::default()
    };
    if cause.parts.is_zero() {
        return vec![row(None, &BigRational::zero())];
    }
    cause.parts.iter().map(|(line, amount)| row(Some(line), amount)).collect()
}

fn of_project(part: &ProjectDifference) -> Row<'_> {
    let Money { minor_units, currency } = part.invoice;
    let difference = minor_units - part.estimate.minor_units;
    Row {
        section: "project",
        name: Some(part.project_id.as_ref().map_or("", ProjectId::as_str)),
        sides: [part.estimate, part.invoice].map(|it| Some(it.to_string())),
        difference: decimal_text(difference, currency.minor_unit_digits()),
        ..Row::default()
    }
}

impl Row<'_> {
    /// In the order of [`COLUMNS`].
    fn values(self, reconciled: &Reconciliation) -> Vec<Option<String>> {
        let own = |text: &str| Some(text.to_owned());
        let [estimate_minutes, invoice_minutes] = self.minutes;
        let [estimate, invoice] = self.sides;
        vec![
            own(reconciled.account.as_str()),
            Some(reconciled.month.to_string()),
            Some(reconciled.revision.unwrap_or(DRAFT).to_string()),
            own(self.section),
            self.name.and_then(own),
            self.line.and_then(|line| own(line.service_name())),
            self.line.and_then(|line| own(line.media_name())),
            estimate_minutes,
            invoice_minutes,
            estimate,
            invoice,
            Some(self.difference),
            self.text.and_then(own),
        ]
    }
}
