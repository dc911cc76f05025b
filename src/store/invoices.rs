//! Tables `invoice`, `invoice_line` and `invoice_allocation`: what the platform charged.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::postgres::PgPool;

use super::error::StoreError;
use crate::domain::money::decimal_text;
use crate::domain::{AccountId, Money, Month, ProjectId};
use crate::rating::bill::exact_decimal_units;
use crate::rating::{ALLOCATION_SCALE, LINE_SCALE, RatingError};
use crate::reconcile::invoice::{AMOUNT_DECIMALS, MINUTE_DECIMALS, exact_decimal};
use crate::reconcile::{Invoice, InvoiceRow, Line, ProjectDifference, Reconciliation};
use crate::store::statement::{alone, begin_transaction, query, query_as};

/// Why an invoice could not be stored.
#[derive(Debug, thiserror::Error)]
pub enum InvoiceWriteError {
    /// The database did not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An amount has more places than a line may have.
    #[error(transparent)]
    Rating(#[from] RatingError),
}

/// What became of an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvoiceWritten {
    /// Number of the import in force, from 1 for each account and month.
    pub import: i32,
    /// Whether it is new; the same file with the same split is kept once.
    pub is_new: bool,
}

#[derive(sqlx::FromRow)]
struct NewestInvoice {
    import: i32,
    file_name: String,
    file_sha256: String,
    allocation: String,
}

/// Keeps an invoice with its split over projects as the newest import of its month.
///
/// Earlier imports stay as they were.
///
/// # Errors
/// [`InvoiceWriteError`]; nothing is stored then.
pub async fn write(
    pool: &PgPool,
    reconciliation: &Reconciliation,
    invoice: &Invoice,
    imported_at: DateTime<Utc>,
) -> Result<InvoiceWritten, InvoiceWriteError> {
    let failed = || StoreError::during("writing invoice");
    let Reconciliation { account, month, .. } = reconciliation;
    let mut transaction = begin_transaction(pool).await.map_err(failed())?;
    let connection = &mut *transaction;
    // Two imports of one account take turns.
    query("select from agora.account where account_id = $1 for no key update")
        .bind(account.as_str())
        .execute(&mut *connection)
        .await
        .map_err(failed())?;
    let newest: Option<NewestInvoice> = query_as(include_str!("sql/newest_invoice.sql"))
        .bind(account.as_str())
        .bind(month.first_day())
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed())?;
    let is_same = |newest: &&NewestInvoice| {
        newest.file_sha256 == invoice.sha256
            && newest.allocation == allocation_text(&reconciliation.projects)
    };
    if let Some(newest) = newest.as_ref().filter(is_same) {
        return Ok(InvoiceWritten { import: newest.import, is_new: false });
    }
    let import = newest.map_or(1, |newest| newest.import + 1);
    insert_invoice(connection, reconciliation, import, invoice, imported_at).await?;
    insert_lines(connection, reconciliation, import, &invoice.rows).await?;
    insert_allocation(connection, reconciliation, import).await?;
    transaction.commit().await.map_err(failed())?;
    Ok(InvoiceWritten { import, is_new: true })
}

/// The newest import's split over projects, by their ids, as decimal texts; the
/// newest that was imported by a time, where one is given. With its currency.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn allocation(
    pool: &PgPool,
    account: &AccountId,
    month: Month,
    known_by: Option<DateTime<Utc>>,
) -> Result<Vec<(String, String, String)>, StoreError> {
    query_as(include_str!("sql/invoice_allocation.sql"))
        .bind(account.as_str())
        .bind(month.first_day())
        .bind(known_by)
        .fetch_all(alone(pool))
        .await
        .map_err(StoreError::during("reading invoice_allocation"))
}

async fn insert_invoice(
    connection: &mut PgConnection,
    reconciliation: &Reconciliation,
    import: i32,
    invoice: &Invoice,
    imported_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    query(
        "insert into agora.invoice (account_id, month, import, currency, total, file_name, \
         file_sha256, imported_at) values ($1, $2, $3, $4, $5::numeric, $6, $7, $8)",
    )
    .bind(reconciliation.account.as_str())
    .bind(reconciliation.month.first_day())
    .bind(import)
    .bind(reconciliation.currency.code())
    .bind(reconciliation.invoice.to_string())
    .bind(super::storable_text(&invoice.file_name).as_ref())
    .bind(&invoice.sha256)
    .bind(imported_at)
    .execute(connection)
    .await
    .map_err(StoreError::during("writing invoice"))?;
    Ok(())
}

async fn insert_lines(
    connection: &mut PgConnection,
    reconciliation: &Reconciliation,
    import: i32,
    rows: &[InvoiceRow],
) -> Result<(), InvoiceWriteError> {
    fn column<T>(rows: &[InvoiceRow], value: impl Fn(&InvoiceRow) -> T) -> Vec<T> {
        rows.iter().map(value).collect()
    }
    let text = |amount| exact_decimal_units(amount, LINE_SCALE);
    let exact = |amount| text(amount).map(|units| decimal_text(units, LINE_SCALE));
    let minutes: Result<Vec<Option<String>>, _> =
        rows.iter().map(|row| row.minutes.as_ref().map(exact).transpose()).collect();
    let amounts: Result<Vec<String>, _> = rows.iter().map(|row| exact(&row.amount)).collect();
    query(include_str!("sql/insert_invoice_lines.sql"))
        .bind(reconciliation.account.as_str())
        .bind(reconciliation.month.first_day())
        .bind(import)
        .bind(column(rows, |row| i32::try_from(row.line_number).unwrap_or(i32::MAX)))
        .bind(column(rows, |row| row.line.service_name()))
        .bind(column(rows, |row| row.line.media_name()))
        .bind(minutes?)
        .bind(amounts?)
        .execute(connection)
        .await
        .map_err(StoreError::during("writing invoice_line"))?;
    Ok(())
}

async fn insert_allocation(
    connection: &mut PgConnection,
    reconciliation: &Reconciliation,
    import: i32,
) -> Result<(), StoreError> {
    let projects = &reconciliation.projects;
    query(include_str!("sql/insert_invoice_allocation.sql"))
        .bind(reconciliation.account.as_str())
        .bind(reconciliation.month.first_day())
        .bind(import)
        .bind(projects.iter().map(id_of).collect::<Vec<_>>())
        .bind(projects.iter().map(|project| cost_text(project.invoice)).collect::<Vec<_>>())
        .execute(connection)
        .await
        .map_err(StoreError::during("writing invoice_allocation"))?;
    Ok(())
}

/// As `newest_invoice.sql` writes it.
fn allocation_text(projects: &[ProjectDifference]) -> String {
    let mut rows: Vec<(&str, String)> =
        projects.iter().map(|project| (id_of(project), cost_text(project.invoice))).collect();
    rows.sort_unstable();
    let rows: Vec<String> = rows.into_iter().map(|(id, cost)| format!("{id}={cost}")).collect();
    rows.join(",")
}

/// Empty for what belongs to no project.
fn id_of(project: &ProjectDifference) -> &str {
    project.project_id.as_ref().map_or("", ProjectId::as_str)
}

fn cost_text(cost: Money) -> String {
    let unit = crate::rating::allocate::units_in_minor_unit(cost.currency);
    decimal_text(cost.minor_units.saturating_mul(unit), ALLOCATION_SCALE)
}

#[derive(sqlx::FromRow)]
struct LineRow {
    line_number: i32,
    service: String,
    media: String,
    minutes: Option<String>,
    amount: String,
}

impl LineRow {
    fn into_row(self) -> Result<InvoiceRow, StoreError> {
        let unknown = |value: &str| StoreError::UnknownValue {
            table: "agora.invoice_line",
            value: value.to_owned(),
        };
        let line = Line::from_names(&self.service, &self.media);
        let minutes = self
            .minutes
            .as_deref()
            .map(|text| exact_decimal(text, MINUTE_DECIMALS).ok_or_else(|| unknown(text)));
        Ok(InvoiceRow {
            line_number: usize::try_from(self.line_number).unwrap_or(0),
            line: line.ok_or_else(|| unknown(&format!("{} {}", self.service, self.media)))?,
            minutes: minutes.transpose()?,
            amount: exact_decimal(&self.amount, AMOUNT_DECIMALS)
                .ok_or_else(|| unknown(&self.amount))?,
        })
    }
}

/// The invoice in force of an account and month, if one was imported.
///
/// # Errors
/// [`StoreError`] when the database does not answer or holds a foreign value.
pub async fn newest(
    pool: &PgPool,
    account: &AccountId,
    month: Month,
) -> Result<Option<Invoice>, StoreError> {
    let failed = || StoreError::during("reading invoice");
    let newest: Option<NewestInvoice> = query_as(include_str!("sql/newest_invoice.sql"))
        .bind(account.as_str())
        .bind(month.first_day())
        .fetch_optional(alone(pool))
        .await
        .map_err(failed())?;
    let Some(newest) = newest else { return Ok(None) };
    let rows: Vec<LineRow> = query_as(include_str!("sql/read_invoice_lines.sql"))
        .bind(account.as_str())
        .bind(month.first_day())
        .bind(newest.import)
        .fetch_all(alone(pool))
        .await
        .map_err(failed())?;
    Ok(Some(Invoice {
        file_name: newest.file_name,
        sha256: newest.file_sha256,
        rows: rows.into_iter().map(LineRow::into_row).collect::<Result<_, _>>()?,
    }))
}
