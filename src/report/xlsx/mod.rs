//! XLSX: one workbook, a sheet a section, in the order of the page.
//!
//! Numbers and days are real ones, totals are formulas that hold their result,
//! and text stays text whatever it begins with. A spreadsheet knows 64-bit
//! floats alone, so an amount becomes one in the last step, from its decimal
//! text; up to 15 digits it reads back as the same decimal.

mod allocation;
mod coverage;
mod invoice;
mod outlook;
mod range;
mod sheet;
mod sheets;

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook, XlsxError};

use super::format::{MonthContent, RangeContent, ReportFile, ReportFormat};
use super::{ReportError, ReportOptions};
use sheet::Formats;

/// The format `xlsx`.
pub(super) struct Xlsx;

impl ReportFormat for Xlsx {
    fn name(&self) -> &'static str {
        "xlsx"
    }

    fn first_file(&self) -> &'static str {
        "report.xlsx"
    }

    fn month_files(
        &self,
        month: &MonthContent<'_>,
        _options: &ReportOptions,
    ) -> Result<Vec<ReportFile>, ReportError> {
        let overview = month.overview()?;
        let bill = overview.bill();
        let formats = Formats::new(bill.currency);
        let mut workbook = Workbook::new();
        // The end of the month, not the time of writing: the same data make the same bytes.
        let made = ExcelDateTime::parse_from_str(&bill.month.last_day().to_string())?;
        let title = format!("{} {}", bill.account, bill.month);
        workbook
            .set_properties(&DocProperties::new().set_title(title).set_creation_datetime(&made));
        sheets::summary(&mut workbook, &formats, &overview)?;
        sheets::bill(&mut workbook, &formats, &overview)?;
        allocation::sheet(&mut workbook, &formats, &overview)?;
        sheets::daily(&mut workbook, &formats, &overview)?;
        sheets::changes(&mut workbook, &formats, &overview)?;
        coverage::sheet(&mut workbook, &formats, &overview)?;
        invoice::sheet(&mut workbook, &formats, &overview)?;
        outlook::sheet(&mut workbook, &formats, &overview)?;
        let bytes = workbook.save_to_buffer()?;
        let sums = [("cost", overview.total().to_string())].into();
        let path = "report.xlsx".to_owned();
        Ok(vec![ReportFile { path, bytes, rows: overview.projects.len(), sums }])
    }

    fn range_files(
        &self,
        range: &RangeContent<'_>,
        _options: &ReportOptions,
    ) -> Result<Vec<ReportFile>, ReportError> {
        let report = range.report;
        let mut workbook = Workbook::new();
        let made = ExcelDateTime::parse_from_str(&report.range.last().to_string())?;
        let title = format!("{} {}", report.account, report.range);
        workbook
            .set_properties(&DocProperties::new().set_title(title).set_creation_datetime(&made));
        range::workbook(&mut workbook, &Formats::new(report.currency), range)?;
        let bytes = workbook.save_to_buffer()?;
        let sums = [("cost", sheets::micro(range.total))].into();
        let path = "report.xlsx".to_owned();
        Ok(vec![ReportFile { path, bytes, rows: range.projects.len(), sums }])
    }

    fn needs_background(&self) -> bool {
        true
    }
}

impl From<XlsxError> for ReportError {
    fn from(error: XlsxError) -> Self {
        Self::Workbook(error.to_string())
    }
}

#[cfg(test)]
mod tests;
