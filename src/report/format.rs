//! The formats of a report: one file each, behind one small trait.

use std::fmt;

use super::manifest::Sums;
use super::month::ProjectMonth;
use super::overview::Overview;
pub(super) use super::range::RangeContent;
use super::table::Table;
use super::{MonthReport, ReportError, ReportOptions, csv, focus, html, json, parquet, xlsx};

/// Every format. A new one is a file beside this one, and a line here.
static FORMATS: [&dyn ReportFormat; 6] =
    [&csv::Csv, &parquet::Parquet, &xlsx::Xlsx, &html::Html, &focus::Focus, &json::Json];

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

    /// Whether a month with these files is there in it.
    pub(super) fn is_among(self, paths: &[String]) -> bool {
        paths.iter().any(|path| path == self.0.first_file())
    }

    /// Whether it shows what surrounds the month, such as the month before.
    #[must_use]
    pub fn needs_background(self) -> bool {
        self.0.needs_background()
    }

    pub(super) fn month_files(
        self,
        month: &MonthContent<'_>,
        options: &ReportOptions,
    ) -> Result<Vec<ReportFile>, ReportError> {
        self.0.month_files(month, options)
    }

    pub(super) fn range_files(
        self,
        range: &RangeContent<'_>,
        options: &ReportOptions,
    ) -> Result<Vec<ReportFile>, ReportError> {
        self.0.range_files(range, options)
    }

    pub(super) fn has_project_files(self) -> bool {
        self.0.has_project_files()
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

/// What the files about the whole month are made of.
#[derive(Debug)]
pub(super) struct MonthContent<'a> {
    /// Bill, usage and what surrounds them.
    pub(super) report: &'a MonthReport<'a>,
    /// Every project, by the bytes of its id.
    pub(super) projects: &'a [ProjectMonth<'a>],
    /// One row a project.
    pub(super) summary: Table,
    /// One row a line of the bill.
    pub(super) bill: Table,
}

impl<'a> MonthContent<'a> {
    /// The figures that people look at; not gathered for formats of plain rows.
    pub(super) fn overview(&self) -> Result<Overview<'a>, ReportError> {
        Overview::new(self.report, self.projects)
    }
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

    /// Name of a file that every month in this format has.
    fn first_file(&self) -> &'static str;

    /// The files about the whole month.
    fn month_files(
        &self,
        month: &MonthContent<'_>,
        options: &ReportOptions,
    ) -> Result<Vec<ReportFile>, ReportError>;

    /// The files about a whole range of days.
    fn range_files(
        &self,
        range: &RangeContent<'_>,
        options: &ReportOptions,
    ) -> Result<Vec<ReportFile>, ReportError>;

    /// The file about one project; none in a format that has no such files.
    fn project_file(
        &self,
        _file_stem: &str,
        _days: &Table,
        _options: &ReportOptions,
    ) -> Result<Option<ReportFile>, ReportError> {
        Ok(None)
    }

    /// Whether it shows what surrounds the month.
    fn needs_background(&self) -> bool {
        false
    }

    /// Whether it has a file a project.
    fn has_project_files(&self) -> bool {
        false
    }
}
