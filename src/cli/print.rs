//! Rows for people and programs: table, CSV or JSON.

use std::fmt;
use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

use super::failure::{Exit, Failure};
use crate::store::analyst_queries::{ResultTable, ValueKind};

/// Form in which rows are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// Aligned columns
    Table,
    /// Comma-separated, with a header
    Csv,
    /// A list of objects; exact decimals are texts
    Json,
}

impl Output {
    /// The form that was asked for; else a table for a person, and CSV for a program.
    pub(super) fn or_default(asked: Option<Self>) -> Self {
        asked.unwrap_or(if is_for_people() { Self::Table } else { Self::Csv })
    }
}

/// Prints a result to stdout.
pub(super) fn print_rows(result: &ResultTable, output: Output) -> Result<(), Failure> {
    let text = match output {
        Output::Table => table(result),
        Output::Csv => csv(result)?,
        Output::Json => json(result),
    };
    print_text(&text)
}

/// Writes a line for people to stderr. One that cannot be written, on a full disk or
/// to a reader that has gone away, changes nothing of what was done.
pub(super) fn note_line(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Prints a text to stdout; a reader that has gone away is no failure.
pub(super) fn print_text(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Failed, format!("stdout cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Tells something on stdout; where nobody listens any more, that is no failure.
pub(super) fn say(text: fmt::Arguments<'_>) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_fmt(text).and_then(|()| stdout.flush());
}

/// Like [`say`], with an end of line.
pub(super) fn say_line(text: fmt::Arguments<'_>) {
    say(format_args!("{text}\n"));
}

/// Whether a person looks at stdout.
pub(super) fn is_for_people() -> bool {
    io::stdout().is_terminal()
}

/// A table without lines, numbers to the right, with the count of rows last.
fn table(result: &ResultTable) -> String {
    let mut table = plain_table();
    table.set_header(result.columns.iter().map(|column| aligned(&column.name, column.kind)));
    for row in &result.rows {
        let cells = row.iter().zip(&result.columns);
        table.add_row(
            cells.map(|(value, column)| aligned(value.as_deref().unwrap_or("n/a"), column.kind)),
        );
    }
    let count = result.rows.len();
    let rows = if count == 1 { "row" } else { "rows" };
    format!("{}\n({count} {rows})\n", trimmed(&table))
}

/// An empty table in the one style of the program.
pub(super) fn plain_table() -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table
}

/// The table as text, without blanks at line ends.
pub(super) fn trimmed(table: &Table) -> String {
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

pub(super) fn aligned(text: &str, kind: ValueKind) -> Cell {
    let cell = Cell::new(one_line(text));
    match kind {
        ValueKind::Integer | ValueKind::Decimal => cell.set_alignment(CellAlignment::Right),
        ValueKind::Boolean | ValueKind::Text => cell,
    }
}

/// Control characters would move the terminal's cursor, and those that turn the direction
/// of writing would turn what comes after.
pub(super) fn one_line(text: &str) -> String {
    let turns = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if c.is_control() || turns(c) { ' ' } else { c }).collect()
}

fn csv(result: &ResultTable) -> Result<String, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Failed, format!("the rows cannot be written as CSV: {error}"))
    };
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = result.columns.iter().map(|column| column.name.as_str());
    writer.write_record(header).map_err(|error| failed(&error))?;
    for row in &result.rows {
        let fields = row.iter().map(|value| value.as_deref().unwrap_or(""));
        writer.write_record(fields).map_err(|error| failed(&error))?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(&error))?;
    String::from_utf8(bytes).map_err(|error| failed(&error))
}

fn json(result: &ResultTable) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let value = |value: Option<&str>, kind| match (value, kind) {
        (None, _) => "null".to_owned(),
        (Some(text), ValueKind::Integer | ValueKind::Boolean) => text.to_owned(),
        (Some(text), ValueKind::Decimal | ValueKind::Text) => quoted(text),
    };
    let objects = result.rows.iter().map(|row| {
        let fields = row.iter().zip(&result.columns).map(|(text, column)| {
            format!("{}: {}", quoted(&column.name), value(text.as_deref(), column.kind))
        });
        format!("  {{{}}}", fields.collect::<Vec<_>>().join(", "))
    });
    let objects: Vec<String> = objects.collect();
    if objects.is_empty() { "[]\n".to_owned() } else { format!("[\n{}\n]\n", objects.join(",\n")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::analyst_queries::ResultColumn;

    fn result() -> ResultTable {
        let column = |name: &str, kind| ResultColumn { name: name.to_owned(), kind };
        ResultTable {
            columns: vec![
                column("project_name", ValueKind::Text),
                column("cost", ValueKind::Decimal),
                column("days", ValueKind::Integer),
            ],
            rows: vec![
                vec![Some("say \"hi\",\nthere".into()), Some("10.50".into()), Some("3".into())],
                vec![Some("测试".into()), None, Some("12".into())],
            ],
        }
    }

    #[test]
    fn a_table_aligns_numbers_and_stays_on_its_lines() {
        insta::assert_snapshot!(table(&result()), @r#"
         project_name      cost  days
         say "hi", there  10.50     3
         测试               n/a    12
        (2 rows)
        "#);
    }

    #[test]
    fn csv_parses_back_to_the_same_values() {
        let text = csv(&result()).expect("written");
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().map(|r| r.expect("record")).collect();
        assert_eq!(&rows[0][0], "say \"hi\",\nthere");
        assert_eq!(&rows[1][1], "");
    }

    #[test]
    fn json_keeps_exact_decimals_as_texts() {
        let value: serde_json::Value = serde_json::from_str(&json(&result())).expect("valid");
        assert_eq!(value[0]["cost"], "10.50");
        assert_eq!(value[0]["days"], 3);
        assert_eq!(value[1]["cost"], serde_json::Value::Null);
        let empty = ResultTable { columns: vec![], rows: vec![] };
        assert_eq!(json(&empty), "[]\n");
    }
}
