//! Tables `bill`, `bill_line`, `bill_allocation` and `bill_adjustment`: writing bills.
//!
//! Reading them back is in [`super::stored_bills`].

mod rows;

use chrono::{DateTime, Utc};
use sqlx::postgres::PgPool;
use sqlx::{PgConnection, Postgres, Transaction};

use super::copy::CopyIn;
use super::error::StoreError;
use crate::domain::money::decimal_text;
use crate::domain::{AppliedAdjustment, BillStatus, Money, Service};
use crate::rating::{ALLOCATION_SCALE, Bill, LINE_SCALE, PriceBook, RatingError, decimal_units};
use crate::store::price_books;
use crate::store::statement::{begin_transaction, query, query_scalar};

use rows::LineRow;
pub(super) use rows::{costs_of, line_rows};

/// Revision number of the draft.
pub const DRAFT: i32 = 0;

const COPY_ALLOCATION: &str = "copy agora.bill_allocation from stdin with (format binary)";

/// A bill to store, with what it was made from.
#[derive(Debug, Clone, Copy)]
pub struct BillRecord<'a> {
    /// The rated bill.
    pub bill: &'a Bill,
    /// The book that it was rated with.
    pub book: &'a PriceBook,
    /// Credits and charges beside it.
    pub adjustments: &'a [AppliedAdjustment],
    /// Whether it can be relied on.
    pub status: BillStatus,
    /// Newest request whose values are in it; 0 without any.
    pub known_request_id: i64,
    /// Newest adjustment that was known; 0 without any.
    pub known_adjustment_id: i64,
    /// When it was made.
    pub rated_at: DateTime<Utc>,
}

/// A revision to close.
#[derive(Debug, Clone)]
pub struct NewRevision {
    /// Its number: one more than the newest, from 1.
    pub revision: i32,
    /// What its report says beside the amounts.
    pub closing: serde_json::Value,
}

/// Why a bill could not be stored.
#[derive(Debug, thiserror::Error)]
pub enum BillWriteError {
    /// Another run closed the month in the meantime.
    #[error("another run has closed the month as r{newest} in the meantime")]
    ClosedMeanwhile {
        /// Newest revision there is.
        newest: i32,
    },
    /// The database did not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An amount has more places than a line may have.
    #[error(transparent)]
    Rating(#[from] RatingError),
}

/// A bill that is written but not yet in force.
#[derive(Debug)]
#[must_use = "a bill that is not put in force is given up"]
pub struct PendingBill(Transaction<'static, Postgres>);

impl PendingBill {
    /// Puts the bill in force.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer; all is as it was then.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.0.commit().await.map_err(StoreError::during("writing bill"))
    }
}

/// Writes the draft of the bill's account and month in place of the earlier
/// one; dropped without [`PendingBill::commit`] it is given up.
///
/// # Errors
/// [`BillWriteError`]; the earlier draft stays then.
pub async fn replace_draft(
    pool: &PgPool,
    record: &BillRecord<'_>,
) -> Result<PendingBill, BillWriteError> {
    let mut transaction = begin(pool, record).await?;
    write_draft(&mut transaction, record).await?;
    Ok(PendingBill(transaction))
}

/// Writes a closed revision, and the draft equal to it; dropped without
/// [`PendingBill::commit`] both are given up.
///
/// # Errors
/// [`BillWriteError`]; all is as it was then.
pub async fn close(
    pool: &PgPool,
    record: &BillRecord<'_>,
    new: &NewRevision,
) -> Result<PendingBill, BillWriteError> {
    let mut transaction = begin(pool, record).await?;
    let newest: i32 = query_scalar(
        "select coalesce(max(revision), 0) from agora.bill where account_id = $1 and month = $2",
    )
    .bind(record.bill.account.as_str())
    .bind(record.bill.month.first_day())
    .fetch_one(&mut *transaction)
    .await
    .map_err(StoreError::during("reading bill"))?;
    if newest + 1 != new.revision {
        return Err(BillWriteError::ClosedMeanwhile { newest });
    }
    write_draft(&mut transaction, record).await?;
    insert_whole(&mut transaction, record, new.revision, Some(&new.closing)).await?;
    Ok(PendingBill(transaction))
}

/// Two writers of the bills of one account and month take turns; a month waits for no
/// other one, whose files may take long.
async fn begin(
    pool: &PgPool,
    record: &BillRecord<'_>,
) -> Result<Transaction<'static, Postgres>, BillWriteError> {
    let failed = || StoreError::during("writing bill");
    let bill = record.bill;
    price_books::keep_text(pool, record.book, record.rated_at).await?;
    let mut transaction = begin_transaction(pool).await.map_err(failed())?;
    query("select pg_advisory_xact_lock(hashtextextended($1, 0))")
        .bind(format!("agora.bill {} {}", bill.account, bill.month))
        .execute(&mut *transaction)
        .await
        .map_err(failed())?;
    Ok(transaction)
}

async fn write_draft(
    connection: &mut PgConnection,
    record: &BillRecord<'_>,
) -> Result<(), BillWriteError> {
    let bill = record.bill;
    for statement in [
        "delete from agora.bill_allocation where account_id = $1 and month = $2 and revision = $3",
        "delete from agora.bill where account_id = $1 and month = $2 and revision = $3",
    ] {
        query(statement)
            .bind(bill.account.as_str())
            .bind(bill.month.first_day())
            .bind(DRAFT)
            .execute(&mut *connection)
            .await
            .map_err(StoreError::during("writing bill"))?;
    }
    insert_whole(connection, record, DRAFT, None).await
}

async fn insert_whole(
    connection: &mut PgConnection,
    record: &BillRecord<'_>,
    revision: i32,
    closing: Option<&serde_json::Value>,
) -> Result<(), BillWriteError> {
    let BillRecord { bill, book, .. } = record;
    price_books::note_use(connection, &bill.account, bill.month, book, record.rated_at).await?;
    insert_bill(connection, record, revision, closing).await?;
    insert_lines(connection, bill, revision).await?;
    copy_allocation(connection, bill, revision).await?;
    insert_adjustments(connection, record, revision).await
}

async fn insert_bill(
    connection: &mut PgConnection,
    record: &BillRecord<'_>,
    revision: i32,
    closing: Option<&serde_json::Value>,
) -> Result<(), BillWriteError> {
    let bill = record.bill;
    let exact_total = decimal_units(&bill.exact_total, LINE_SCALE)?;
    let adjustment_total = Money {
        minor_units: record.adjustments.iter().map(|a| a.adjustment.amount.minor_units).sum(),
        currency: bill.currency,
    };
    query(
        "insert into agora.bill (account_id, month, revision, status, currency, \
         minor_unit_digits, exact_total, total, unallocated, book_name, book_sha256, rated_at, \
         plan, total_low, total_high, assumptions, \
         closed_at, known_request_id, known_adjustment_id, adjustment_total, closing) \
         values ($1, $2, $3, $4, $5, $6, $7::numeric, $8::numeric, $9::numeric, $10, $11, $12, \
         $13, $14::numeric, $15::numeric, $16, $17, $18, $19, $20::numeric, $21)",
    )
    .bind(bill.account.as_str())
    .bind(bill.month.first_day())
    .bind(revision)
    .bind(record.status.name())
    .bind(bill.currency.code())
    .bind(i16::try_from(bill.currency.minor_unit_digits()).unwrap_or(2))
    .bind(decimal_text(exact_total, LINE_SCALE))
    .bind(bill.total.to_string())
    .bind(bill.unallocated.to_string())
    .bind(&bill.book_name)
    .bind(&bill.book_sha256)
    .bind(record.rated_at)
    .bind(bill.plan.name())
    .bind(bill.range.low.to_string())
    .bind(bill.range.high.to_string())
    .bind(assumptions(bill))
    .bind(closing.map(|_| record.rated_at))
    .bind(record.known_request_id)
    .bind(record.known_adjustment_id)
    .bind(adjustment_total.to_string())
    .bind(closing)
    .execute(connection)
    .await
    .map_err(StoreError::during("writing bill"))?;
    Ok(())
}

async fn insert_adjustments(
    connection: &mut PgConnection,
    record: &BillRecord<'_>,
    revision: i32,
) -> Result<(), BillWriteError> {
    let bill = record.bill;
    let (mut numbers, mut projects, mut costs) = (Vec::new(), Vec::new(), Vec::new());
    for applied in record.adjustments {
        let shares = applied.shares.iter().map(|(id, share)| (id.as_str(), *share));
        let unallocated = Some(("", applied.unallocated)).filter(|(_, units)| *units != 0);
        for (project_id, minor_units) in shares.chain(unallocated) {
            numbers.push(applied.adjustment.adjustment_id);
            projects.push(project_id);
            costs.push(Money { minor_units, currency: bill.currency }.to_string());
        }
    }
    query(
        "insert into agora.bill_adjustment \
         (account_id, month, revision, adjustment_id, project_id, cost) \
         select $1, $2, $3, adjustment_id, project_id, cost::numeric \
         from unnest($4::bigint[], $5::text[], $6::text[]) as r (adjustment_id, project_id, cost)",
    )
    .bind(bill.account.as_str())
    .bind(bill.month.first_day())
    .bind(revision)
    .bind(numbers)
    .bind(projects)
    .bind(costs)
    .execute(connection)
    .await
    .map_err(StoreError::during("writing bill_adjustment"))?;
    Ok(())
}

/// The assumptions as the table keeps them; amounts are strings, so that no reader makes floats.
fn assumptions(bill: &Bill) -> serde_json::Value {
    let entries = bill.assumptions.iter().map(|assumption| {
        serde_json::json!({
            "key": assumption.key,
            "value": assumption.value,
            "text": assumption.text,
            "low": assumption.range.low.to_string(),
            "high": assumption.range.high.to_string(),
        })
    });
    entries.collect()
}

async fn insert_lines(
    connection: &mut PgConnection,
    bill: &Bill,
    revision: i32,
) -> Result<(), BillWriteError> {
    fn column<'a, T>(rows: &'a [LineRow], value: impl Fn(&'a LineRow) -> T) -> Vec<T> {
        rows.iter().map(value).collect()
    }
    let text = |units: i128| decimal_text(units, LINE_SCALE);
    let rows = line_rows(bill)?;
    query(include_str!("sql/insert_bill_lines.sql"))
        .bind(bill.account.as_str())
        .bind(bill.month.first_day())
        .bind(revision)
        .bind(column(&rows, |row| row.kind))
        .bind(column(&rows, |row| row.service))
        .bind(column(&rows, |row| row.media))
        .bind(column(&rows, |row| i32::try_from(row.tier).unwrap_or(i32::MAX)))
        .bind(column(&rows, |row| row.seconds.map(|seconds| seconds.to_string())))
        .bind(column(&rows, |row| row.minutes.to_string()))
        .bind(column(&rows, |row| row.free_minutes.to_string()))
        .bind(column(&rows, |row| row.billable_minutes.to_string()))
        .bind(column(&rows, |row| row.coefficient.map(text)))
        .bind(column(&rows, |row| text(row.unit_price_per_1000)))
        .bind(column(&rows, |row| text(row.amount)))
        .bind(column(&rows, |row| row.note.as_deref()))
        .execute(connection)
        .await
        .map_err(StoreError::during("writing bill_line"))?;
    Ok(())
}

async fn copy_allocation(
    connection: &mut PgConnection,
    bill: &Bill,
    revision: i32,
) -> Result<(), BillWriteError> {
    let mut rows = CopyIn::begin(connection, COPY_ALLOCATION, 14).await?;
    for project in &bill.projects {
        for day in &project.days {
            for service in Service::ALL {
                let Some(costs) = costs_of(day, service) else { continue };
                let row = rows.row();
                row.text(bill.account.as_str())
                    .date(bill.month.first_day())
                    .integer(revision)
                    .text(project.project_id.as_str())
                    .date(day.day)
                    .text(service.name());
                for micro_units in costs {
                    row.numeric(micro_units, ALLOCATION_SCALE);
                }
                row.numeric(costs.iter().sum(), ALLOCATION_SCALE);
                rows.send_when_full().await?;
            }
        }
    }
    rows.finish().await?;
    Ok(())
}

#[cfg(test)]
mod tests;
