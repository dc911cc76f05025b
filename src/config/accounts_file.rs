//! Accounts in a file of their own, for those who have many.
//!
//! TOML with the same `[[account]]` tables as the settings, or CSV with their
//! keys as its header. Secrets are best named there, not written
//! (`customer_secret_file`, `customer_secret_env`).

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

use super::raw::RawAccount;
use super::{ConfigError, value};
use crate::outside_file::{csv_fault, text_of};

/// Several times what ten thousand accounts take.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Accounts {
    #[serde(default)]
    account: Vec<RawAccount>,
}

/// Reads the accounts of a file; what it is, its name says.
pub(super) fn read(path: &Path) -> Result<Vec<RawAccount>, ConfigError> {
    let text = text_of(path, MOST_BYTES)
        .map_err(|why| value(format!("accounts_file {} {why}", path.display())))?;
    let is_csv = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    let read = from_text(&text, is_csv);
    read.map_err(|why| value(format!("accounts_file {}: {why}", path.display())))
}

pub(super) fn from_text(text: &str, is_csv: bool) -> Result<Vec<RawAccount>, String> {
    if is_csv { from_csv(text) } else { from_toml(text) }
}

fn from_toml(text: &str) -> Result<Vec<RawAccount>, String> {
    // The message alone: the usual wording quotes the line, which may hold a secret.
    toml::from_str::<Accounts>(text).map(|file| file.account).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        format!("line {}: {}", before.matches('\n').count() + 1, told(&error))
    })
}

/// What is wrong, without the value: it may be a secret in the wrong column.
fn told(error: &toml::de::Error) -> String {
    let message = error.message();
    match (message.starts_with("invalid"), message.rsplit_once(", expected ")) {
        (true, Some((_, expected))) => format!("a value is of the wrong kind, expected {expected}"),
        _ => message.to_owned(),
    }
}

fn from_csv(text: &str) -> Result<Vec<RawAccount>, String> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| csv_fault(&error))?.clone();
    let mut columns = BTreeSet::new();
    if let Some(twice) = header.iter().find(|column| !columns.insert(*column)) {
        return Err(format!("line 1: the column '{twice}' is there twice"));
    }
    let account = |row: Result<csv::StringRecord, csv::Error>| {
        let row = row.map_err(|error| csv_fault(&error))?;
        let line = row.position().map_or(0, csv::Position::line);
        let mut table = toml::Table::new();
        // An empty field is a key that is left out.
        for (key, field) in header.iter().zip(&row).filter(|(_, field)| !field.is_empty()) {
            let is_number = key.ends_with("requests_per_second");
            let number = field.parse::<i64>().ok().filter(|_| is_number);
            let field = number.map_or_else(|| field.into(), toml::Value::Integer);
            table.insert(key.to_owned(), field);
        }
        table.try_into::<RawAccount>().map_err(|error| format!("line {line}: {}", told(&error)))
    };
    reader.records().map(account).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_and_toml_say_the_same() {
        let toml = "[[account]]\nname = \"a\"\ncustomer_id = \"1\"\nservices = [\"rtc\", \"miniapp\"]\n\
                    requests_per_second = 5\n[[account]]\nname = \"b\"\nplan = \"fixed\"\n";
        let csv = "name,customer_id,services,requests_per_second,plan\n\
                   a,1,\"rtc,miniapp\",5,\nb,,,,fixed\n";
        let (toml, csv) = (from_toml(toml).expect("TOML"), from_csv(csv).expect("CSV"));
        assert_eq!(format!("{toml:?}"), format!("{csv:?}"));
        assert_eq!(csv.len(), 2);
        assert_eq!(csv[0].requests_per_second, Some(5));
    }

    #[test]
    fn an_error_names_the_line_and_no_secret() {
        let toml =
            from_toml("[[account]]\nname = \"a\"\ncustomer_secret = 12345\n").expect_err("refused");
        assert!(toml.contains("line 3") && !toml.contains("12345"), "{toml}");
        let csv = from_csv("name,secret\na,hush\n").expect_err("refused");
        assert!(csv.contains("line 2") && csv.contains("secret") && !csv.contains("hush"), "{csv}");
    }
}
