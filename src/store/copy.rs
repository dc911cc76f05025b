//! Rows in PostgreSQL's binary COPY format.
//!
//! The format is described in the manual of PostgreSQL 15 under COPY, "Binary
//! Format"; the values in the manuals of the types' send functions.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use super::error::StoreError;

/// Bytes that are collected before they are sent.
const SEND_BYTES: usize = 256 * 1024;

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
        let mut bytes = Vec::with_capacity(SEND_BYTES);
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

    fn value(&mut self, value: &[u8]) -> &mut Self {
        let length = i32::try_from(value.len()).unwrap_or(i32::MAX);
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(value);
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
        let epoch = NaiveDate::from_ymd_opt(2000, 1, 1).unwrap_or_default();
        let days = i32::try_from((day - epoch).num_days()).unwrap_or(i32::MAX);
        self.value(&days.to_be_bytes())
    }

    /// A value of type `timestamptz`.
    pub(super) fn timestamp(&mut self, at: DateTime<Utc>) -> &mut Self {
        const EPOCH_MICROS: i64 = 946_684_800_000_000;
        self.value(&(at.timestamp_micros() - EPOCH_MICROS).to_be_bytes())
    }

    /// A value of type `jsonb`.
    pub(super) fn jsonb(&mut self, json: &str) -> &mut Self {
        const VERSION: u8 = 1;
        let mut value = Vec::with_capacity(json.len() + 1);
        value.push(VERSION);
        value.extend_from_slice(json.as_bytes());
        self.value(&value)
    }

    /// A value of type `text[]`.
    pub(super) fn text_array(&mut self, texts: &[&str]) -> &mut Self {
        let int = |value: usize| i32::try_from(value).unwrap_or(i32::MAX).to_be_bytes();
        let mut value = Vec::new();
        value.extend_from_slice(&int(usize::from(!texts.is_empty())));
        value.extend_from_slice(&int(0));
        value.extend_from_slice(&TEXT_OID.to_be_bytes());
        if !texts.is_empty() {
            value.extend_from_slice(&int(texts.len()));
            value.extend_from_slice(&int(1));
        }
        for text in texts {
            value.extend_from_slice(&int(text.len()));
            value.extend_from_slice(text.as_bytes());
        }
        self.value(&value)
    }

    /// A value of type `numeric`: `units` x 10^-`scale`.
    pub(super) fn numeric(&mut self, units: i128, scale: u32) -> &mut Self {
        const BASE: u128 = 10_000;
        const BASE_DIGITS: u32 = 4;
        // Fill the fraction up to whole groups of four decimal places.
        let filled_scale = scale.div_ceil(BASE_DIGITS) * BASE_DIGITS;
        let mut rest = units.unsigned_abs() * 10_u128.pow(filled_scale - scale);
        let mut groups = Vec::new();
        while rest > 0 {
            groups.push(u16::try_from(rest % BASE).unwrap_or(0));
            rest /= BASE;
        }
        let int16 = |value: usize| i16::try_from(value).unwrap_or(i16::MAX);
        let weight = int16(groups.len()) - int16((filled_scale / BASE_DIGITS) as usize) - 1;
        let sign: u16 = if units < 0 { 0x4000 } else { 0 };
        let mut value = Vec::with_capacity(8 + 2 * groups.len());
        value.extend_from_slice(&int16(groups.len()).to_be_bytes());
        value.extend_from_slice(&weight.to_be_bytes());
        value.extend_from_slice(&sign.to_be_bytes());
        value.extend_from_slice(&int16(scale as usize).to_be_bytes());
        for group in groups.iter().rev() {
            value.extend_from_slice(&group.to_be_bytes());
        }
        self.value(&value)
    }

    /// Sends the rows; returns how many the database took.
    pub(super) async fn send(
        mut self,
        connection: &mut PgConnection,
        statement: &'static str,
    ) -> Result<u64, StoreError> {
        self.bytes.extend_from_slice(&(-1_i16).to_be_bytes());
        let failed = || StoreError::during(statement);
        let mut copy = connection.copy_in_raw(statement).await.map_err(failed())?;
        for part in self.bytes.chunks(SEND_BYTES) {
            copy.send(part).await.map_err(failed())?;
        }
        copy.finish().await.map_err(failed())
    }
}
