//! Rows in PostgreSQL's binary COPY format.
//!
//! The format is described in the manual of PostgreSQL 15 under COPY, "Binary
//! Format"; the values in the manuals of the types' send functions.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use sqlx::PgConnection;
use sqlx::postgres::PgCopyIn;

use super::error::StoreError;

/// Bytes that are collected before they are sent.
const SEND_BYTES: usize = 64 * 1024;

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// Object id of the type `text`.
const TEXT_OID: u32 = 25;

/// Rows of one COPY, encoded in memory.
#[derive(Debug)]
pub(super) struct CopyRows {
    bytes: Vec<u8>,
    columns: i16,
}

impl CopyRows {
    /// An empty stream of rows of `columns` values each.
    pub(super) fn new(columns: i16) -> Self {
        // Room for the row that fills it.
        let mut bytes = Vec::with_capacity(SEND_BYTES + 1024);
        bytes.extend_from_slice(SIGNATURE);
        // Flags, and the length of the header extension.
        bytes.extend_from_slice(&[0; 8]);
        Self { bytes, columns }
    }

    /// Begins a row; its values must follow in the order of the columns.
    pub(super) fn row(&mut self) -> &mut Self {
        self.bytes.extend_from_slice(&self.columns.to_be_bytes());
        self
    }

    /// How much is encoded.
    pub(super) fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    fn value(&mut self, value: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(&length(value.len()));
        self.bytes.extend_from_slice(value);
        self
    }

    /// A value that is put together in place; its length is filled in afterwards.
    fn sized(&mut self, put: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        let at = self.bytes.len();
        self.bytes.extend_from_slice(&length(0));
        put(&mut self.bytes);
        let start = at + size_of::<i32>();
        let size = length(self.bytes.len() - start);
        self.bytes[at..start].copy_from_slice(&size);
        self
    }

    fn null(&mut self) -> &mut Self {
        self.bytes.extend_from_slice(&(-1_i32).to_be_bytes());
        self
    }

    /// A value of type `text`.
    pub(super) fn text(&mut self, value: &str) -> &mut Self {
        self.value(value.as_bytes())
    }

    /// A value of type `integer`.
    pub(super) fn integer(&mut self, value: i32) -> &mut Self {
        self.value(&value.to_be_bytes())
    }

    /// A value of type `bigint`.
    pub(super) fn bigint(&mut self, value: i64) -> &mut Self {
        self.value(&value.to_be_bytes())
    }

    /// A value of type `bigint`, or null.
    pub(super) fn optional_bigint(&mut self, value: Option<i64>) -> &mut Self {
        match value {
            Some(value) => self.bigint(value),
            None => self.null(),
        }
    }

    /// A value of type `date`.
    pub(super) fn date(&mut self, day: NaiveDate) -> &mut Self {
        /// 2000-01-01, counted from the first day of the year 1.
        const EPOCH_DAYS: i32 = 730_120;
        self.value(&(day.num_days_from_ce() - EPOCH_DAYS).to_be_bytes())
    }

    /// A value of type `timestamptz`.
    pub(super) fn timestamp(&mut self, at: DateTime<Utc>) -> &mut Self {
        const EPOCH_MICROS: i64 = 946_684_800_000_000;
        self.value(&(at.timestamp_micros() - EPOCH_MICROS).to_be_bytes())
    }

    /// A value of type `jsonb`.
    pub(super) fn jsonb(&mut self, json: &str) -> &mut Self {
        const VERSION: u8 = 1;
        self.sized(|bytes| {
            bytes.push(VERSION);
            bytes.extend_from_slice(json.as_bytes());
        })
    }

    /// A value of type `text[]`.
    pub(super) fn text_array<'t>(&mut self, texts: impl Iterator<Item = &'t str>) -> &mut Self {
        let texts = texts.map(str::as_bytes).collect::<Vec<_>>();
        self.sized(|bytes| {
            bytes.extend_from_slice(&length(usize::from(!texts.is_empty())));
            bytes.extend_from_slice(&length(0));
            bytes.extend_from_slice(&TEXT_OID.to_be_bytes());
            if !texts.is_empty() {
                bytes.extend_from_slice(&length(texts.len()));
                bytes.extend_from_slice(&length(1));
            }
            for text in &texts {
                bytes.extend_from_slice(&length(text.len()));
                bytes.extend_from_slice(text);
            }
        })
    }

    /// A value of type `numeric`: `units` x 10^-`scale`.
    pub(super) fn numeric(&mut self, units: i128, scale: u32) -> &mut Self {
        const BASE: u128 = 10_000;
        const BASE_DIGITS: u32 = 4;
        /// Enough for the 39 digits of 128 bits and a fraction that is filled up.
        const MOST_GROUPS: usize = 11;
        // Fill the fraction up to whole groups of four decimal places.
        let filled_scale = scale.div_ceil(BASE_DIGITS) * BASE_DIGITS;
        let mut rest = units.unsigned_abs() * 10_u128.pow(filled_scale - scale);
        let mut groups = [0_u16; MOST_GROUPS];
        let mut count = 0;
        while rest > 0 {
            groups[count] = u16::try_from(rest % BASE).unwrap_or(0);
            rest /= BASE;
            count += 1;
        }
        let int16 = |value: usize| i16::try_from(value).unwrap_or(i16::MAX);
        let weight = int16(count) - int16((filled_scale / BASE_DIGITS) as usize) - 1;
        let sign: u16 = if units < 0 { 0x4000 } else { 0 };
        self.sized(|bytes| {
            bytes.extend_from_slice(&int16(count).to_be_bytes());
            bytes.extend_from_slice(&weight.to_be_bytes());
            bytes.extend_from_slice(&sign.to_be_bytes());
            bytes.extend_from_slice(&int16(scale as usize).to_be_bytes());
            for group in groups[..count].iter().rev() {
                bytes.extend_from_slice(&group.to_be_bytes());
            }
        })
    }
}

/// A length or a count as the format has it.
fn length(value: usize) -> [u8; 4] {
    i32::try_from(value).unwrap_or(i32::MAX).to_be_bytes()
}

/// A COPY under way: what is encoded goes to the database while more is.
pub(super) struct CopyIn<'c> {
    copy: PgCopyIn<&'c mut PgConnection>,
    rows: CopyRows,
    statement: &'static str,
}

impl<'c> CopyIn<'c> {
    /// Begins to send rows of `columns` values each.
    pub(super) async fn begin(
        connection: &'c mut PgConnection,
        statement: &'static str,
        columns: i16,
    ) -> Result<Self, StoreError> {
        let copy = connection.copy_in_raw(statement).await;
        let copy = copy.map_err(StoreError::during(statement))?;
        Ok(Self { copy, rows: CopyRows::new(columns), statement })
    }

    /// Begins a row.
    pub(super) fn row(&mut self) -> &mut CopyRows {
        self.rows.row()
    }

    /// Sends what was collected, once it is worth a message.
    pub(super) async fn send_when_full(&mut self) -> Result<(), StoreError> {
        if self.rows.bytes.len() >= SEND_BYTES {
            self.send().await?;
        }
        Ok(())
    }

    async fn send(&mut self) -> Result<(), StoreError> {
        let sent = self.copy.send(self.rows.bytes.as_slice()).await;
        sent.map_err(StoreError::during(self.statement))?;
        self.rows.bytes.clear();
        Ok(())
    }

    /// Sends the rest; returns how many rows the database took.
    pub(super) async fn finish(mut self) -> Result<u64, StoreError> {
        self.rows.bytes.extend_from_slice(&(-1_i16).to_be_bytes());
        self.send().await?;
        self.copy.finish().await.map_err(StoreError::during(self.statement))
    }
}
