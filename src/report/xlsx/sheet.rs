//! A sheet that is written row by row.

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use rust_xlsxwriter::{
    Color, ExcelDateTime, Format, FormatAlign, FormatBorder, Formula, Workbook, Worksheet,
    XlsxError,
};

use crate::domain::Currency;

/// Longest text of a cell; what is longer is cut, as the file format demands.
const MOST_CHARACTERS: usize = 32_767;

/// Looks of cells.
pub(super) struct Formats {
    pub(super) title: Format,
    pub(super) header: Format,
    pub(super) header_right: Format,
    pub(super) text: Format,
    pub(super) wrapped: Format,
    pub(super) money: Format,
    pub(super) price: Format,
    pub(super) minutes: Format,
    pub(super) count: Format,
    pub(super) percent: Format,
    pub(super) day: Format,
    pub(super) month: Format,
    pub(super) time: Format,
    pub(super) total_text: Format,
    pub(super) total_money: Format,
    pub(super) total_minutes: Format,
    pub(super) total_count: Format,
}

impl Formats {
    pub(super) fn new(currency: Currency) -> Self {
        let places = "0".repeat(currency.minor_unit_digits() as usize);
        let point = if places.is_empty() { "" } else { "." };
        let money = format!("#,##0{point}{places};-#,##0{point}{places}");
        let number = |format: &str| Format::new().set_num_format(format);
        let total = |format: Format| format.set_bold().set_border_top(FormatBorder::Thin);
        let header = Format::new()
            .set_bold()
            .set_text_wrap()
            .set_align(FormatAlign::Top)
            .set_background_color(Color::RGB(0x00E8_EDF2))
            .set_border_bottom(FormatBorder::Thin);
        Self {
            title: Format::new().set_bold().set_font_size(14),
            header_right: header.clone().set_align(FormatAlign::Right),
            header,
            text: Format::new(),
            wrapped: Format::new().set_text_wrap().set_align(FormatAlign::Top),
            price: number("0.0000###"),
            minutes: number("#,##0.00"),
            count: number("#,##0"),
            percent: number("0.0%"),
            day: number("yyyy-mm-dd").set_align(FormatAlign::Left),
            month: number("yyyy-mm").set_align(FormatAlign::Left),
            time: number("yyyy-mm-dd hh:mm:ss").set_align(FormatAlign::Left),
            total_text: total(Format::new()),
            total_money: total(number(&money)),
            total_minutes: total(number("#,##0.00")),
            total_count: total(number("#,##0")),
            money: number(&money),
        }
    }
}

/// A value of a cell.
pub(super) enum Cell<'a> {
    /// Text as it is.
    Text(&'a str),
    /// A decimal number as text.
    Number(String),
    /// A day.
    Day(NaiveDate),
    /// A time of UTC, to the second.
    Time(DateTime<Utc>),
    /// A formula and the decimal number that it comes to.
    Formula(String, String),
    /// Nothing.
    Empty,
}

/// A sheet and the row that comes next.
pub(super) struct Sheet<'w> {
    pub(super) inner: &'w mut Worksheet,
    pub(super) row: u32,
    columns: u16,
}

impl<'w> Sheet<'w> {
    /// A new sheet whose columns are this many characters wide.
    pub(super) fn new(
        workbook: &'w mut Workbook,
        name: &str,
        widths: &[u16],
    ) -> Result<Self, XlsxError> {
        let inner = workbook.add_worksheet();
        inner.set_name(name)?.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
        let mut columns = 0;
        for width in widths {
            inner.set_column_width(columns, f64::from(*width))?;
            columns += 1;
        }
        Ok(Self { inner, row: 0, columns })
    }

    /// A row of cells with their looks.
    pub(super) fn row(&mut self, cells: &[(Cell<'_>, &Format)]) -> Result<(), XlsxError> {
        for (column, (cell, format)) in (0..).zip(cells) {
            self.cell(column, cell, format)?;
        }
        self.row += 1;
        Ok(())
    }

    fn cell(&mut self, column: u16, cell: &Cell<'_>, format: &Format) -> Result<(), XlsxError> {
        let row = self.row;
        match cell {
            Cell::Text(text) => {
                let cut: String = text.chars().take(MOST_CHARACTERS).collect();
                self.inner.write_string_with_format(row, column, cut, format)?;
            }
            Cell::Number(text) => match text.parse::<f64>() {
                Ok(number) => {
                    self.inner.write_number_with_format(row, column, number, format)?;
                }
                Err(_) => {
                    self.inner.write_string_with_format(row, column, text, format)?;
                }
            },
            Cell::Day(day) => {
                let date = excel_day(*day)?;
                self.inner.write_datetime_with_format(row, column, &date, format)?;
            }
            Cell::Time(time) => {
                let hour = u16::try_from(time.hour()).unwrap_or(0);
                let minute = u8::try_from(time.minute()).unwrap_or(0);
                let time = excel_day(time.date_naive())?.and_hms(hour, minute, time.second())?;
                self.inner.write_datetime_with_format(row, column, &time, format)?;
            }
            Cell::Formula(formula, result) => {
                let formula = Formula::new(formula).set_result(result);
                self.inner.write_formula_with_format(row, column, formula, format)?;
            }
            Cell::Empty => {
                self.inner.write_blank(row, column, format)?;
            }
        }
        Ok(())
    }

    /// A heading above a table.
    pub(super) fn title(&mut self, text: &str, formats: &Formats) -> Result<(), XlsxError> {
        self.row(&[(Cell::Text(text), &formats.title)])
    }

    /// The header of a table: the first `left` columns hold text.
    pub(super) fn header(
        &mut self,
        names: &[&str],
        left: usize,
        formats: &Formats,
    ) -> Result<(), XlsxError> {
        self.header_of(names, |at| at < left, formats)
    }

    /// The header of a table whose columns of text are those that `is_text` tells.
    pub(super) fn header_of(
        &mut self,
        names: &[&str],
        is_text: impl Fn(usize) -> bool,
        formats: &Formats,
    ) -> Result<(), XlsxError> {
        let cells: Vec<_> = names
            .iter()
            .enumerate()
            .map(|(at, name)| {
                let format = if is_text(at) { &formats.header } else { &formats.header_right };
                (Cell::Text(name), format)
            })
            .collect();
        self.row(&cells)
    }

    /// Keeps everything above the next row, and the first columns, in view; repeats it in print.
    pub(super) fn freeze(&mut self, columns: u16) -> Result<(), XlsxError> {
        self.inner.set_freeze_panes(self.row, columns)?;
        self.inner.set_repeat_rows(self.row.saturating_sub(1), self.row.saturating_sub(1))?;
        Ok(())
    }

    /// Sets what is printed: everything that was written, and `more` rows for a chart below.
    pub(super) fn finish(self, more: u32) -> Result<(), XlsxError> {
        let (last_row, last_column) = (self.row.max(1) - 1 + more, self.columns.max(1) - 1);
        self.inner.set_print_area(0, 0, last_row, last_column)?;
        Ok(())
    }
}

fn excel_day(day: NaiveDate) -> Result<ExcelDateTime, XlsxError> {
    let year = u16::try_from(day.year()).unwrap_or(0);
    let [month, day] = [day.month(), day.day()].map(|part| u8::try_from(part).unwrap_or(0));
    ExcelDateTime::from_ymd(year, month, day)
}

/// Name of a column: `A` for 0.
pub(super) fn column_name(column: usize) -> String {
    rust_xlsxwriter::utility::column_number_to_name(u16::try_from(column).unwrap_or(u16::MAX))
}

/// `=SUM(C2:C9)` for a column and rows counted from 0, the last one not included.
pub(super) fn sum_formula(column: usize, first_row: u32, end_row: u32) -> String {
    let name = column_name(column);
    if end_row <= first_row {
        return "=0".to_owned();
    }
    format!("=SUM({name}{}:{name}{end_row})", first_row + 1)
}
