//! The formats of a report: one file each, behind one small trait.

use std::fmt;

use super::manifest::Sums;
use super::table::Table;
use super::{ReportError, ReportOptions, csv, parquet};

/// Every format. A new one is a file beside this one, and a line here.
static FORMATS: [&dyn ReportFormat; 2] = [&csv::Csv, &parquet::Parquet];

/// A format that reports can be written in.
#[derive(Clone, Copy)]
pub struct Format(pub(super) &'static dyn ReportFormat);

impl Format {
    /// Every format, in the order of the help text.
    pub fn all() -> impl Iterator<Item = Self> {
        FORMATS.iter().copied().map(Self)
    }

    /// The format of that name, such as `csv`, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|format| format.name() == name)
    }

    /// Word used in flags; for formats of one file a table also the extension.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    pub(super) fn month_files(
        self,
        month: &MonthTables,
        options: &ReportOptions,
    ) -> Result<Vec<ReportFile>, ReportError> {
        self.0.month_files(month, options)
    }

    pub(super) fn project_file(
        self,
        file_stem: &str,
        days: &Table,
        options: &ReportOptions,
    ) -> Result<Option<ReportFile>, ReportError> {
        self.0.project_file(file_stem, days, options)
    }
}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Format({})", self.name())
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Format {}

/// The tables that are about the whole month.
#[derive(Debug)]
pub(super) struct MonthTables {
    /// One row a project.
    pub(super) summary: Table,
    /// One row a line of the bill.
    pub(super) bill: Table,
}

/// A finished file, not yet written.
#[derive(Debug)]
pub(super) struct ReportFile {
    /// Path below the month's folder, with `/` between its parts.
    pub(super) path: String,
    /// Content.
    pub(super) bytes: Vec<u8>,
    /// Rows of data, without a header.
    pub(super) rows: usize,
    /// Columns of money and what their rows add up to.
    pub(super) sums: Sums,
}

impl ReportFile {
    /// The file of one table.
    pub(super) fn of_table(path: String, table: &Table, bytes: Vec<u8>) -> Self {
        let sums = table.sums.iter().cloned().collect();
        Self { path, bytes, rows: table.frame.height(), sums }
    }
}

/// What a format makes of a month.
pub(super) trait ReportFormat: Sync {
    /// Word used in flags.
    fn name(&self) -> &'static str;

    /// The files about the whole month.
    fn month_files(
        &self,
        month: &MonthTables,
        options: &ReportOptions,
    ) -> Result<Vec<ReportFile>, ReportError>;

    /// The file about one project; none in a format that has no such files.
    fn project_file(
        &self,
        file_stem: &str,
        days: &Table,
        options: &ReportOptions,
    ) -> Result<Option<ReportFile>, ReportError>;
}
