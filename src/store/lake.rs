//! Rows for the lake, and function `account_bucket`; table `lake_day` is [`archive`]'s.
//!
//! Owns the statements whose rows become the lake's files, read as a stream,
//! so that memory does not grow with a month. Which columns a file has is
//! [`crate::lake`]'s.

pub mod archive;

use chrono::{DateTime, Days, NaiveDate, Utc};
use futures_util::TryStreamExt;
use sqlx::Row;
use sqlx::postgres::{PgPool, PgRow};

use super::error::StoreError;
use super::occupancy::partitions;
use crate::domain::{AccountId, DateRange};
use crate::store::statement::{alone, query, query_as, query_scalar};

/// One snapshot of the database for all rows of a file, for as long as it takes.
const BEGIN: &str = "begin isolation level repeatable read, read only; \
    set local statement_timeout = 0; \
    set local idle_in_transaction_session_timeout = 0; \
    set local lock_timeout = '1min'";

/// Places of the lake's decimals.
pub const DECIMAL_SCALE: u32 = 12;

/// What a column of a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellKind {
    /// Text.
    Text,
    /// A 64-bit whole number.
    Whole,
    /// An exact decimal with [`DECIMAL_SCALE`] places.
    Decimal,
    /// A UTC day.
    Day,
    /// A UTC time in microseconds.
    Time,
    /// Yes or no.
    Flag,
}

/// A value of a row; null is no cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Text.
    Text(String),
    /// A 64-bit whole number.
    Whole(i64),
    /// Units of 10^-[`DECIMAL_SCALE`].
    Decimal(i128),
    /// A UTC day.
    Day(NaiveDate),
    /// A UTC time.
    Time(DateTime<Utc>),
    /// Yes or no.
    Flag(bool),
}

/// The statements that make rows of the lake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LakeRows {
    /// Current usage.
    UsageDaily,
    /// Costs of the bills in force.
    CostDaily,
    /// Occupancy by minute.
    OccupancyMinute,
    /// Parts of channels' intervals within one day.
    OccupancyChannel,
}

impl LakeRows {
    const fn statement(self) -> &'static str {
        match self {
            Self::UsageDaily => include_str!("sql/lake_usage_daily.sql"),
            Self::CostDaily => include_str!("sql/lake_cost_daily.sql"),
            Self::OccupancyMinute => include_str!("sql/lake_occupancy_minute.sql"),
            Self::OccupancyChannel => include_str!("sql/lake_occupancy_channel.sql"),
        }
    }
}

/// A month with something in it, and the text that changes when that does.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct LakeMonth {
    /// First day of the month.
    pub month: NaiveDate,
    /// State of its usage.
    pub usage_state: String,
    /// State of its bills.
    pub cost_state: String,
    /// Whether there is usage.
    pub has_usage: bool,
    /// Whether there are bills.
    pub has_bills: bool,
}

/// A day with snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct LakeDay {
    /// UTC day.
    pub day: NaiveDate,
    /// Snapshots of it.
    pub snapshots: i64,
}

/// Why rows could not be handed on.
#[derive(Debug, thiserror::Error)]
pub enum StreamError<E> {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Whoever takes the rows failed.
    #[error("{0}")]
    Taker(E),
}

/// Hands every row of the accounts and days to `take`, in the order of the file.
/// All rows are of one moment; no more than one is held.
///
/// # Errors
/// [`StreamError`] of the database or of `take`.
pub async fn stream<E>(
    pool: &PgPool,
    rows: LakeRows,
    kinds: &[CellKind],
    accounts: &[AccountId],
    range: DateRange,
    mut take: impl FnMut(Vec<Option<Cell>>) -> Result<(), E>,
) -> Result<(), StreamError<E>> {
    let failed = || StoreError::during("reading rows for the lake");
    let names: Vec<&str> = accounts.iter().map(AccountId::as_str).collect();
    let mut transaction = pool.begin_with(BEGIN).await.map_err(failed())?;
    let mut found = query(rows.statement())
        .bind(names)
        .bind(range.first())
        .bind(after(range))
        .fetch(&mut *transaction);
    while let Some(row) = found.try_next().await.map_err(failed())? {
        take(cells(&row, kinds).map_err(failed())?).map_err(StreamError::Taker)?;
    }
    drop(found);
    transaction.rollback().await.map_err(failed())?;
    Ok(())
}

fn cells(row: &PgRow, kinds: &[CellKind]) -> Result<Vec<Option<Cell>>, sqlx::Error> {
    let cell = |(index, kind): (usize, &CellKind)| {
        Ok(match kind {
            CellKind::Text => row.try_get::<Option<String>, _>(index)?.map(Cell::Text),
            CellKind::Whole => row.try_get::<Option<i64>, _>(index)?.map(Cell::Whole),
            CellKind::Decimal => {
                let text = row.try_get::<Option<String>, _>(index)?;
                text.map(|text| decimal_units(&text).map(Cell::Decimal)).transpose()?
            }
            CellKind::Day => row.try_get::<Option<NaiveDate>, _>(index)?.map(Cell::Day),
            CellKind::Time => row.try_get::<Option<DateTime<Utc>>, _>(index)?.map(Cell::Time),
            CellKind::Flag => row.try_get::<Option<bool>, _>(index)?.map(Cell::Flag),
        })
    };
    kinds.iter().enumerate().map(cell).collect()
}

/// "-1.05" in units of 10^-[`DECIMAL_SCALE`]; more places than that are refused, not cut.
fn decimal_units(text: &str) -> Result<i128, sqlx::Error> {
    let refused = || sqlx::Error::Decode(format!("'{text}' is no amount of the lake").into());
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, places) = digits.split_once('.').unwrap_or((digits, ""));
    let places = places.trim_end_matches('0');
    let scale = DECIMAL_SCALE as usize;
    if places.len() > scale {
        return Err(refused());
    }
    let units: i128 = format!("{whole}{places:0<scale$}").parse().map_err(|_| refused())?;
    Ok(sign * units)
}

/// Every account of the database, in byte order of the name.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn accounts(pool: &PgPool) -> Result<Vec<AccountId>, StoreError> {
    let names: Vec<String> =
        query_scalar("select account_id from agora.account order by account_id collate \"C\"")
            .fetch_all(alone(pool))
            .await
            .map_err(StoreError::during("reading account"))?;
    let known = |name: String| {
        AccountId::new(&name)
            .map_err(|_| StoreError::UnknownValue { table: "account.account_id", value: name })
    };
    names.into_iter().map(known).collect()
}

/// Months of the accounts that hold usage or a bill.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn months(pool: &PgPool, accounts: &[AccountId]) -> Result<Vec<LakeMonth>, StoreError> {
    query_as(include_str!("sql/lake_months.sql"))
        .bind(accounts.iter().map(AccountId::as_str).collect::<Vec<_>>())
        .fetch_all(alone(pool))
        .await
        .map_err(StoreError::during("reading months for the lake"))
}

/// Days of the range on which the accounts have snapshots.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn days(
    pool: &PgPool,
    accounts: &[AccountId],
    range: DateRange,
) -> Result<Vec<LakeDay>, StoreError> {
    query_as(include_str!("sql/lake_days.sql"))
        .bind(accounts.iter().map(AccountId::as_str).collect::<Vec<_>>())
        .bind(range.first())
        .bind(after(range))
        .fetch_all(alone(pool))
        .await
        .map_err(StoreError::during("reading days for the lake"))
}

/// Days whose channels are still in the database, oldest first.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn channel_days(pool: &PgPool) -> Result<Vec<NaiveDate>, StoreError> {
    let names = partitions::names(alone(pool)).await?;
    Ok(names.iter().filter_map(|name| partitions::day_of(name)).collect())
}

/// First day after the range.
fn after(range: DateRange) -> NaiveDate {
    range.last().checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly_or_refused() {
        assert_eq!(decimal_units("1").expect("read"), 1_000_000_000_000);
        assert_eq!(decimal_units("-0.05").expect("read"), -50_000_000_000);
        assert_eq!(decimal_units("0.000000000001").expect("read"), 1);
        assert_eq!(decimal_units("2.500000000000000").expect("read"), 2_500_000_000_000);
        assert!(decimal_units("0.0000000000001").is_err());
        assert!(decimal_units("NaN").is_err());
    }
}
