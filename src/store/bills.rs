//! Tables `bill`, `bill_line` and `bill_allocation`.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::postgres::PgPool;
use sqlx::{PgConnection, Postgres, Transaction};

use super::copy::CopyRows;
use super::error::StoreError;
use crate::domain::money::decimal_text;
use crate::domain::{AccountId, BillStatus, DateRange, Media, Month, Service};
use crate::rating::bill::exact_decimal_units;
use crate::rating::{ALLOCATION_SCALE, Bill, BillLine, DayAllocation, LINE_SCALE, RatingError};
use crate::store::statement::{alone, begin_transaction, query, query_as};

/// Revision number of the draft.
const DRAFT: i32 = 0;

const COPY_ALLOCATION: &str = "copy agora.bill_allocation from stdin with (format binary)";

/// Why a draft could not be stored.
#[derive(Debug, thiserror::Error)]
pub enum BillWriteError {
    /// The database did not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An amount has more places than a line may have.
    #[error(transparent)]
    Rating(#[from] RatingError),
}

/// Statuses of the drafts of the months that begin in `range`.
///
/// # Errors
/// [`StoreError`] when the database does not answer or holds a foreign value.
pub async fn draft_statuses(
    pool: &PgPool,
    account: &AccountId,
    range: DateRange,
) -> Result<BTreeMap<Month, BillStatus>, StoreError> {
    let rows: Vec<(NaiveDate, String)> = query_as(
        "select month, status from agora.bill \
         where account_id = $1 and month between $2 and $3 and revision = $4",
    )
    .bind(account.as_str())
    .bind(range.first())
    .bind(range.last())
    .bind(DRAFT)
    .fetch_all(alone(pool))
    .await
    .map_err(StoreError::during("reading bill"))?;
    let known = |(month, status): (NaiveDate, String)| {
        let found = BillStatus::from_name(&status);
        let found = found.ok_or(StoreError::UnknownValue { table: "agora.bill", value: status });
        found.map(|status| (Month::of(month), status))
    };
    rows.into_iter().map(known).collect()
}

/// A new draft that is written but not yet in force.
#[derive(Debug)]
#[must_use = "a draft that is not put in force is given up"]
pub struct PendingDraft(Transaction<'static, Postgres>);

impl PendingDraft {
    /// Puts the draft in force.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer; the earlier draft stays then.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.0.commit().await.map_err(StoreError::during("writing bill"))
    }
}

/// Writes the draft of the bill's account and month in place of the earlier
/// one; dropped without [`PendingDraft::commit`] it is given up.
///
/// # Errors
/// [`BillWriteError`]; the earlier draft stays then.
pub async fn replace_draft(
    pool: &PgPool,
    bill: &Bill,
    status: BillStatus,
    rated_at: DateTime<Utc>,
) -> Result<PendingDraft, BillWriteError> {
    let failed = || StoreError::during("writing bill");
    let mut transaction = begin_transaction(pool).await.map_err(failed())?;
    let connection = &mut *transaction;
    // Two reports of one month take turns.
    query("select from agora.account where account_id = $1 for no key update")
        .bind(bill.account.as_str())
        .execute(&mut *connection)
        .await
        .map_err(failed())?;
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
            .map_err(failed())?;
    }
    insert_bill(connection, bill, status, rated_at).await?;
    insert_lines(connection, bill).await?;
    copy_allocation(connection, bill).await?;
    Ok(PendingDraft(transaction))
}

async fn insert_bill(
    connection: &mut PgConnection,
    bill: &Bill,
    status: BillStatus,
    rated_at: DateTime<Utc>,
) -> Result<(), BillWriteError> {
    let exact_total = exact_decimal_units(&bill.exact_total, LINE_SCALE)?;
    query(
        "insert into agora.bill (account_id, month, revision, status, currency, \
         minor_unit_digits, exact_total, total, unallocated, book_name, book_sha256, rated_at) \
         values ($1, $2, $3, $4, $5, $6, $7::numeric, $8::numeric, $9::numeric, $10, $11, $12)",
    )
    .bind(bill.account.as_str())
    .bind(bill.month.first_day())
    .bind(DRAFT)
    .bind(status.name())
    .bind(bill.currency.code())
    .bind(i16::try_from(bill.currency.minor_unit_digits()).unwrap_or(2))
    .bind(decimal_text(exact_total, LINE_SCALE))
    .bind(bill.total.to_string())
    .bind(bill.unallocated.to_string())
    .bind(&bill.book_name)
    .bind(&bill.book_sha256)
    .bind(rated_at)
    .execute(connection)
    .await
    .map_err(StoreError::during("writing bill"))?;
    Ok(())
}

async fn insert_lines(connection: &mut PgConnection, bill: &Bill) -> Result<(), BillWriteError> {
    fn column<T>(lines: &[BillLine], value: impl Fn(&BillLine) -> T) -> Vec<T> {
        lines.iter().map(value).collect()
    }
    let exact = |amount| exact_decimal_units(amount, LINE_SCALE);
    let prices: Result<Vec<_>, _> =
        bill.lines.iter().map(|line| exact(&line.unit_price_per_1000)).collect();
    let amounts: Result<Vec<_>, _> = bill.lines.iter().map(|line| exact(&line.amount)).collect();
    let texts = |units: Vec<i128>| -> Vec<String> {
        units.into_iter().map(|units| decimal_text(units, LINE_SCALE)).collect()
    };
    query(include_str!("sql/insert_bill_lines.sql"))
        .bind(bill.account.as_str())
        .bind(bill.month.first_day())
        .bind(DRAFT)
        .bind(column(&bill.lines, |line| line.service.name()))
        .bind(column(&bill.lines, |line| line.media.name()))
        .bind(column(&bill.lines, |line| i32::try_from(line.tier).unwrap_or(i32::MAX)))
        .bind(column(&bill.lines, |line| line.seconds.map(|seconds| seconds.to_string())))
        .bind(column(&bill.lines, |line| line.minutes.to_string()))
        .bind(column(&bill.lines, |line| line.free_minutes.to_string()))
        .bind(column(&bill.lines, |line| line.billable_minutes.to_string()))
        .bind(texts(prices?))
        .bind(texts(amounts?))
        .execute(connection)
        .await
        .map_err(StoreError::during("writing bill_line"))?;
    Ok(())
}

async fn copy_allocation(connection: &mut PgConnection, bill: &Bill) -> Result<(), BillWriteError> {
    let mut rows = CopyRows::new(14);
    for project in &bill.projects {
        for day in &project.days {
            for service in Service::ALL {
                let Some(costs) = costs_of(day, service) else { continue };
                let row = rows.row();
                row.text(bill.account.as_str())
                    .date(bill.month.first_day())
                    .integer(DRAFT)
                    .text(project.project_id.as_str())
                    .date(day.day)
                    .text(service.name());
                for micro_units in costs {
                    row.numeric(micro_units, ALLOCATION_SCALE);
                }
                row.numeric(costs.iter().sum(), ALLOCATION_SCALE);
            }
        }
    }
    rows.send(connection, COPY_ALLOCATION).await?;
    Ok(())
}

/// Cost by media of a service on a day, in 1e-6 units; none without a line.
fn costs_of(day: &DayAllocation, service: Service) -> Option<[i128; Media::COUNT]> {
    let mut lines = day.lines.iter().filter(|line| line.service == service).peekable();
    lines.peek()?;
    let mut costs = [0; Media::COUNT];
    for line in lines {
        costs[line.media.index()] += line.cost_micro_units;
    }
    Some(costs)
}
