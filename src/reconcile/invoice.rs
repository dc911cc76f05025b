//! The invoice of the platform, as a CSV file states it.
//!
//! Owns the columns `service,media,minutes,amount`, their checks, and the
//! template that is filled in by hand. A wrong figure here would be explained
//! away as a difference, so nothing is guessed: what cannot be read is refused
//! with its line and column.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Zero;
use sha2::{Digest, Sha256};

use super::amounts::{Amounts, Line};
use super::difference::Estimate;
use crate::domain::{Currency, Media, Service};

/// Columns of the file, in the order of the template.
pub const COLUMNS: [&str; 4] = ["service", "media", "minutes", "amount"];

/// Decimal places that an amount may have, as many as a line of a bill.
pub const AMOUNT_DECIMALS: usize = crate::rating::LINE_SCALE as usize;

/// Decimal places that minutes may have.
pub const MINUTE_DECIMALS: usize = 6;

/// Bytes that a file may have; an invoice has some dozens of rows.
pub const MAX_BYTES: usize = 1 << 20;

/// Digits before the point: more is no invoice, and would not fit the table.
const WHOLE_DIGITS: usize = 18;

/// A row of the invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceRow {
    /// Line of the file, from 1.
    pub line_number: usize,
    /// What it charges for; never [`Line::Rounding`].
    pub line: Line,
    /// Used minutes before the free ones are taken off; none where the invoice does not say.
    pub minutes: Option<BigRational>,
    /// What it charges; negative for a credit. Tax has a row of its own.
    pub amount: BigRational,
}

/// An invoice that was read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    /// Name of the file, without folders.
    pub file_name: String,
    /// SHA-256 of the file's bytes in hexadecimal, lower case.
    pub sha256: String,
    /// In the order of the file; each service and media once.
    pub rows: Vec<InvoiceRow>,
}

/// Why a file is no invoice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvoiceError {
    /// The file as a whole.
    #[error("{file}: {fault}")]
    File {
        /// Name of the file.
        file: String,
        /// What is wrong, and what is needed.
        fault: String,
    },
    /// A row that cannot be read as CSV, or with too few or too many fields.
    #[error("{file}, line {line}: {fault}")]
    Row {
        /// Name of the file.
        file: String,
        /// From 1.
        line: usize,
        /// What is wrong, and what is needed.
        fault: String,
    },
    /// A value that its column does not allow.
    #[error("{file}, line {line}, column {column}: '{value}' {fault}")]
    Value {
        /// Name of the file.
        file: String,
        /// From 1.
        line: usize,
        /// Name of the column.
        column: &'static str,
        /// What it holds.
        value: String,
        /// What is wrong, and what is needed.
        fault: String,
    },
}

impl Invoice {
    /// Reads and checks a file; `file_name` is the name given in errors.
    ///
    /// # Errors
    /// [`InvoiceError`] with the line, the column and what is allowed.
    pub fn parse(file_name: &str, bytes: &[u8]) -> Result<Self, InvoiceError> {
        let source = Source { file: file_name };
        if bytes.len() > MAX_BYTES {
            let fault = format!("has {} bytes; an invoice has {MAX_BYTES} at most", bytes.len());
            return Err(source.file_error(fault));
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|_| source.file_error("is not UTF-8; save it as \"CSV UTF-8\""))?;
        // Spreadsheets begin a UTF-8 file with a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let rows = source.rows(text)?;
        if rows.is_empty() {
            let fault = "has no rows below its header; `bill reconcile --template` writes them";
            return Err(source.file_error(fault));
        }
        let sha256 = format!("{:x}", Sha256::digest(bytes));
        Ok(Self { file_name: file_name.to_owned(), sha256, rows })
    }

    /// What it charges by line, with the rounding that makes the sum whole minor units.
    #[must_use]
    pub fn amounts(&self, currency: Currency) -> Amounts {
        let mut amounts = Amounts::default();
        for row in &self.rows {
            amounts.add(row.line, &row.amount);
        }
        amounts.with_rounding(currency)
    }

    /// The minutes that it states.
    #[must_use]
    pub fn minutes(&self) -> BTreeMap<(Service, Media), BigRational> {
        let stated = |row: &InvoiceRow| match row.line {
            Line::Usage(service, media) => Some(((service, media), row.minutes.clone()?)),
            _ => None,
        };
        self.rows.iter().filter_map(stated).collect()
    }

    /// Whether it has a row of that line.
    #[must_use]
    pub fn has(&self, line: Line) -> bool {
        self.rows.iter().any(|row| row.line == line)
    }
}

/// An invoice to fill in: our lines with their minutes, without amounts, our charges, and a
/// row for tax.
#[must_use]
pub fn template(estimate: &Estimate) -> String {
    let header = format!("{}\n", COLUMNS.join(","));
    let row = |((service, media), minutes): (&(Service, Media), &u128)| {
        format!("{service},{media},{minutes},\n")
    };
    let rows: String = estimate.minutes.iter().map(row).collect();
    let has = |line: Line| !estimate.amounts.get(line).is_zero();
    let charge = |(name, line): &(&'static str, Line)| has(*line).then_some([*name, ",,,\n"]);
    let charges: String = Line::EXTRA.iter().filter_map(charge).flatten().collect();
    let tax = if has(Line::Tax) { "" } else { "tax,,,0\n" };
    format!("{header}{rows}{charges}{tax}")
}

/// The file under check, for errors that say where.
#[derive(Clone, Copy)]
struct Source<'a> {
    file: &'a str,
}

impl Source<'_> {
    fn file_error(self, fault: impl Into<String>) -> InvoiceError {
        InvoiceError::File { file: self.file.to_owned(), fault: fault.into() }
    }

    fn rows(self, text: &str) -> Result<Vec<InvoiceRow>, InvoiceError> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let mut lines = LineCount { text, byte: 0, ended: 0 };
        let mut places: Option<[usize; 4]> = None;
        let mut rows: Vec<InvoiceRow> = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| self.file_error(error.to_string()))?;
            let line = lines.number_at(record.position().map_or(0, csv::Position::byte));
            let Some(places) = places else {
                places = Some(self.header(line, &record)?);
                continue;
            };
            let row = RowSource { file: self.file, line };
            if record.len() != COLUMNS.len() {
                let fault = format!(
                    "has {} fields; {} are needed: {}. A decimal is written with a point",
                    record.len(),
                    COLUMNS.len(),
                    COLUMNS.join(",")
                );
                return Err(row.error(fault));
            }
            let read = row.read(places.map(|place| record.get(place).unwrap_or("")))?;
            row.refuse_repeated(&read, &rows)?;
            rows.push(read);
        }
        match places {
            Some(_) => Ok(rows),
            None => Err(self.file_error("is empty; `bill reconcile --template` writes a header")),
        }
    }

    /// Where each column is.
    fn header(self, line: usize, record: &csv::StringRecord) -> Result<[usize; 4], InvoiceError> {
        let row = RowSource { file: self.file, line };
        let place = |name: &&str| record.iter().position(|field| field == *name);
        let places: Option<Vec<usize>> = COLUMNS.iter().map(place).collect();
        let places = places.and_then(|places| <[usize; 4]>::try_from(places).ok());
        places.filter(|_| record.len() == COLUMNS.len()).ok_or_else(|| {
            let found: Vec<&str> = record.iter().collect();
            row.error(format!(
                "the header is '{}'; it must be '{}'",
                found.join(","),
                COLUMNS.join(",")
            ))
        })
    }
}

/// Counts lines as an editor does; the reader's own count is late where lines end in `\r\n`.
struct LineCount<'a> {
    text: &'a str,
    byte: usize,
    /// Lines that end before `byte`.
    ended: usize,
}

impl LineCount<'_> {
    /// Number, from 1, of the first line with something on it from that byte on.
    fn number_at(&mut self, byte: u64) -> usize {
        let start = usize::try_from(byte).unwrap_or(usize::MAX).min(self.text.len());
        let blank = |byte: &&u8| matches!(**byte, b'\r' | b'\n');
        let bytes = self.text.as_bytes();
        let start = start + bytes[start..].iter().take_while(blank).count();
        self.ended += self.text.get(self.byte..start).map_or(0, |text| text.matches('\n').count());
        self.byte = self.byte.max(start);
        self.ended + 1
    }
}

/// A row under check.
#[derive(Clone, Copy)]
struct RowSource<'a> {
    file: &'a str,
    line: usize,
}

impl RowSource<'_> {
    fn error(self, fault: impl Into<String>) -> InvoiceError {
        InvoiceError::Row { file: self.file.to_owned(), line: self.line, fault: fault.into() }
    }

    fn value_error(
        self,
        column: &'static str,
        value: &str,
        fault: impl Into<String>,
    ) -> InvoiceError {
        let (file, value) = (self.file.to_owned(), value.to_owned());
        InvoiceError::Value { file, line: self.line, column, value, fault: fault.into() }
    }

    fn read(
        self,
        [service, media, minutes, amount]: [&str; 4],
    ) -> Result<InvoiceRow, InvoiceError> {
        let line = self.line(service, media)?;
        Ok(InvoiceRow {
            line_number: self.line,
            line,
            minutes: self.minutes(line, minutes)?,
            amount: self.amount(amount)?,
        })
    }

    fn line(self, service: &str, media: &str) -> Result<Line, InvoiceError> {
        if let Some((_, line)) = Line::EXTRA.iter().find(|(name, _)| *name == service) {
            if media.is_empty() {
                return Ok(*line);
            }
            let fault = format!("has no place in a row of {service}; leave the field empty");
            return Err(self.value_error("media", media, fault));
        }
        let known_service = Service::from_name(service).ok_or_else(|| {
            let extra = Line::EXTRA.map(|(name, _)| name).join(", ");
            let known = Service::ALL.map(Service::name).join(", ");
            let fault = format!("is no service; known: {known}; rows of their own: {extra}");
            self.value_error("service", service, fault)
        })?;
        let known_media = Media::from_name(media).ok_or_else(|| {
            let known = Media::ALL.map(Media::name).join(", ");
            self.value_error("media", media, format!("is no type of media; known: {known}"))
        })?;
        Ok(Line::Usage(known_service, known_media))
    }

    fn minutes(self, line: Line, text: &str) -> Result<Option<BigRational>, InvoiceError> {
        if text.is_empty() {
            return Ok(None);
        }
        if !matches!(line, Line::Usage(..)) {
            let fault = format!("has no place in a row of {}; leave it empty", line.label());
            return Err(self.value_error("minutes", text, fault));
        }
        let minutes = exact_decimal(text, MINUTE_DECIMALS);
        let minutes = minutes.filter(|minutes| *minutes >= BigRational::from_integer(0.into()));
        minutes.map(Some).ok_or_else(|| {
            let fault = "is no number of minutes; write the used minutes before free ones as \
                         digits, such as 12345, or leave the field empty";
            self.value_error("minutes", text, fault)
        })
    }

    fn amount(self, text: &str) -> Result<BigRational, InvoiceError> {
        exact_decimal(text, AMOUNT_DECIMALS).ok_or_else(|| {
            let fault = if text.is_empty() {
                "is missing; write what the invoice charges, 0 where it charges nothing"
            } else {
                "is no exact amount; write digits with a point and without currency, spaces or \
                 separators of thousands, such as 1234.50 or -12.00"
            };
            self.value_error("amount", text, fault)
        })
    }

    /// Two rows of one media are one too many, or tiers whose minutes nobody can tell apart.
    fn refuse_repeated(self, row: &InvoiceRow, rows: &[InvoiceRow]) -> Result<(), InvoiceError> {
        let is_usage = matches!(row.line, Line::Usage(..));
        let before = rows.iter().find(|other| is_usage && other.line == row.line);
        before.map_or(Ok(()), |before| {
            let fault = format!("is on line {} already; add the two up", before.line_number);
            Err(self.value_error("media", &row.line.label(), fault))
        })
    }
}

/// The exact value of digits with at most `places` decimals and perhaps a minus; no exponent.
pub(crate) fn exact_decimal(text: &str, places: usize) -> Option<BigRational> {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
    let fits = whole.len() <= WHOLE_DIGITS && decimals.len() <= places;
    if !is_digits(whole) || !is_digits(decimals) || !fits {
        return None;
    }
    let units: i128 = format!("{whole}{decimals}").parse().ok()?;
    let scale = BigInt::from(10).pow(u32::try_from(decimals.len()).ok()?);
    Some(BigRational::new((sign * units).into(), scale))
}

#[cfg(test)]
mod tests;
