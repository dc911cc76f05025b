//! Rows that PostgreSQL sends in its binary COPY format.
//!
//! For reads of many thousand rows: a value is taken straight from the message,
//! where a query's row is first taken apart into columns with types. COPY has no
//! parameters, so that only texts without quotes may become part of a statement.

use chrono::NaiveDate;
use futures_util::TryStreamExt;
use sqlx::PgConnection;

use super::error::StoreError;

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// Signature, flags, and the length of an extension that no server sends.
const HEADER_BYTES: usize = SIGNATURE.len() + 8;

/// Puts texts in quotes in place of `$1`, `$2` and so on.
///
/// # Errors
/// [`StoreError::Statement`] for a text that could end its quotes.
pub(super) fn with_texts(
    statement: &str,
    texts: &[&str],
    context: &'static str,
) -> Result<String, StoreError> {
    let mut whole = statement.to_owned();
    for (at, text) in texts.iter().enumerate().rev() {
        if text.contains(['\'', '\\']) {
            let cause = format!("'{text}' cannot be part of a statement");
            return Err(StoreError::during(context)(sqlx::Error::Protocol(cause)));
        }
        whole = whole.replace(&format!("${}", at + 1), &format!("'{text}'"));
    }
    Ok(whole)
}

/// Runs a query and hands over its rows one by one.
pub(super) async fn copy_out(
    connection: &mut PgConnection,
    query: &str,
    context: &'static str,
    mut take: impl FnMut(&mut RowReader<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let statement = format!("copy (\n{query}\n) to stdout (format binary)");
    let failed = || StoreError::during(context);
    let mut messages = connection.copy_out_raw(&statement).await.map_err(failed())?;
    // The server sends a row a message (manual of PostgreSQL 15, "Message
    // Formats", CopyData); the header may be a message or come before a row.
    let mut header_bytes = HEADER_BYTES;
    let mut outcome = Ok(());
    while let Some(message) = messages.try_next().await.map_err(failed())? {
        let skipped = header_bytes.min(message.len());
        header_bytes -= skipped;
        let mut row = RowReader { rest: &message[skipped..], context };
        // Read to its end even then, so that the connection can be used again.
        if outcome.is_ok() && !row.rest.is_empty() {
            outcome = row.begin().and_then(|is_row| if is_row { take(&mut row) } else { Ok(()) });
        }
    }
    outcome
}

/// The values of one row, taken in the order of the columns.
#[derive(Debug)]
pub(super) struct RowReader<'a> {
    rest: &'a [u8],
    context: &'static str,
}

impl<'a> RowReader<'a> {
    /// Whether this is a row and not the end.
    fn begin(&mut self) -> Result<bool, StoreError> {
        let columns = i16::from_be_bytes(self.take()?);
        Ok(columns >= 0)
    }

    fn broken(&self) -> StoreError {
        StoreError::during(self.context)(sqlx::Error::Protocol("a row of COPY is cut".to_owned()))
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let (value, rest) = self.rest.split_first_chunk().ok_or_else(|| self.broken())?;
        self.rest = rest;
        Ok(*value)
    }

    /// The bytes of the next value; none for null.
    pub(super) fn value(&mut self) -> Result<Option<&'a [u8]>, StoreError> {
        let Ok(length) = usize::try_from(i32::from_be_bytes(self.take()?)) else {
            return Ok(None);
        };
        let (value, rest) = self.rest.split_at_checked(length).ok_or_else(|| self.broken())?;
        self.rest = rest;
        Ok(Some(value))
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let value = self.value()?.and_then(|value| value.try_into().ok());
        value.ok_or_else(|| self.broken())
    }

    /// A value of type `text`.
    pub(super) fn text(&mut self) -> Result<&'a str, StoreError> {
        let text = self.value()?.and_then(|value| str::from_utf8(value).ok());
        text.ok_or_else(|| self.broken())
    }

    /// A value of type `text`, or null.
    pub(super) fn optional_text(&mut self) -> Result<Option<&'a str>, StoreError> {
        let value = self.value()?;
        value.map(|value| str::from_utf8(value).map_err(|_| self.broken())).transpose()
    }

    /// A value of type `bigint`.
    pub(super) fn bigint(&mut self) -> Result<i64, StoreError> {
        self.fixed().map(i64::from_be_bytes)
    }

    /// A value of type `bigint`, or null.
    pub(super) fn optional_bigint(&mut self) -> Result<Option<i64>, StoreError> {
        match self.value()? {
            None => Ok(None),
            Some(value) => {
                let value = value.try_into().map_err(|_| self.broken())?;
                Ok(Some(i64::from_be_bytes(value)))
            }
        }
    }

    /// A value of type `date`.
    pub(super) fn date(&mut self) -> Result<NaiveDate, StoreError> {
        /// 2000-01-01, counted from the first day of the year 1.
        const EPOCH_DAYS: i32 = 730_120;
        let days = i32::from_be_bytes(self.fixed()?).checked_add(EPOCH_DAYS);
        days.and_then(NaiveDate::from_num_days_from_ce_opt).ok_or_else(|| self.broken())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_could_end_its_quotes_is_refused() {
        let put = |text| with_texts("select $1, $2", &["a-b", text], "testing");
        assert_eq!(put("2031-03-01").expect("plain"), "select 'a-b', '2031-03-01'");
        for text in ["'", "a'b", "\\"] {
            assert!(put(text).is_err(), "{text}");
        }
    }

    #[test]
    fn values_are_read_in_order_and_a_cut_row_is_an_error() {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&3_i16.to_be_bytes());
        bytes.extend_from_slice(&2_i32.to_be_bytes());
        bytes.extend_from_slice(b"ab");
        bytes.extend_from_slice(&(-1_i32).to_be_bytes());
        bytes.extend_from_slice(&4_i32.to_be_bytes());
        bytes.extend_from_slice(&11_381_i32.to_be_bytes());
        let reader = |rest| RowReader { rest, context: "testing" };
        let mut row = reader(&bytes);
        assert!(row.begin().expect("a row"));
        assert_eq!(row.text().expect("text"), "ab");
        assert_eq!(row.optional_bigint().expect("null"), None);
        assert_eq!(row.date().expect("date").to_string(), "2031-02-28");
        assert!(row.value().is_err());
        let mut cut = reader(&bytes[..7]);
        assert!(cut.begin().expect("a row") && cut.text().is_err());
        assert!(!reader(&(-1_i16).to_be_bytes()).begin().expect("the end"));
    }
}
