//! The files of a month's report, read as a user's program reads them.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A row of a CSV file, by column.
pub(crate) type Row = BTreeMap<String, String>;

/// A month's folder.
pub(crate) struct MonthFolder {
    folder: PathBuf,
}

impl MonthFolder {
    pub(crate) fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    pub(crate) fn text(&self, file: &str) -> String {
        let path = self.path(file);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The rows of a CSV file.
    pub(crate) fn rows(&self, file: &str) -> Vec<Row> {
        let text = self.text(file);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        reader.deserialize().map(|row| row.expect("a row of the header's length")).collect()
    }

    pub(crate) fn manifest(&self) -> Value {
        serde_json::from_str(&self.text("manifest.json")).expect("JSON")
    }

    /// Total of the bill, as the manifest has it.
    pub(crate) fn total(&self) -> String {
        self.manifest()["bill_total"].as_str().expect("text").to_owned()
    }

    /// `id cost` of every row of the summary.
    pub(crate) fn costs(&self) -> Vec<String> {
        let rows = self.rows("summary.csv");
        rows.iter().map(|row| format!("{} {}", row["project_id"], row["cost"])).collect()
    }

    /// `media tier: minutes, free, billable` of every line of the bill.
    pub(crate) fn lines(&self) -> Vec<String> {
        let rows = self.rows("bill.csv");
        let line = |row: &Row| {
            format!(
                "{} {}: {}, {}, {}",
                row["media"],
                row["tier"],
                row["minutes"],
                row["free_minutes"],
                row["billable_minutes"]
            )
        };
        rows.iter().filter(|row| !row["media"].is_empty()).map(line).collect()
    }

    /// Fails the test unless every file agrees on the total.
    #[track_caller]
    pub(crate) fn assert_adds_up(&self) {
        let (manifest, total) = (self.manifest(), self.total());
        let sum =
            |rows: &[Row], column: &str| rows.iter().map(|row| units(&row[column])).sum::<i128>();
        let summary = self.rows("summary.csv");
        assert_eq!(sum(&summary, "cost"), units(&total), "summary");
        let bill = self.rows("bill.csv");
        let (last, lines) = bill.split_last().expect("a total row");
        assert_eq!(last["service"], "total");
        assert_eq!(units(&last["amount"]), units(&total), "total row");
        assert_eq!(sum(lines, "amount"), units(&total), "bill lines and rounding");
        for project in summary.iter().filter(|row| !row["project_id"].is_empty()) {
            let id = project["project_id"].as_str();
            let name = manifest["escaped_file_names"][id].as_str().unwrap_or(id);
            let days = self.rows(&format!("projects/{name}.csv"));
            assert_eq!(sum(&days, "cost"), units(&project["cost"]), "{id}");
        }
    }
}

/// A decimal in units of 1e-12, exactly.
pub(crate) fn units(decimal: &str) -> i128 {
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    format!("{whole}{fraction:0<12}").parse().unwrap_or_else(|_| panic!("'{decimal}'"))
}

/// Every file below a folder, by its path inside it.
pub(crate) fn files_below(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(current) = folders.pop() {
        let Ok(entries) = fs::read_dir(&current) else { continue };
        for entry in entries {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below").to_owned();
                files.insert(name, fs::read(&path).expect("read"));
            }
        }
    }
    files
}

/// Everything that a file holds; of a workbook every part of it.
pub(crate) fn contents(path: &Path) -> String {
    let bytes = fs::read(path).expect("read");
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    if path.extension().is_some_and(|ending| ending == "xlsx") {
        let mut parts = zip::ZipArchive::new(io::Cursor::new(bytes)).expect("a workbook");
        for at in 0..parts.len() {
            parts.by_index(at).expect("a part").read_to_string(&mut text).expect("text");
        }
    }
    text
}
