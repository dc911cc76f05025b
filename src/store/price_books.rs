//! Tables `price_book` and `price_book_use`: the books behind bills, and when each was in force.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::postgres::PgPool;

use super::error::StoreError;
use crate::domain::{AccountId, Month};
use crate::rating::PriceBook;
use crate::store::statement::{alone, query, query_as};

/// A price book as it was stored.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct StoredPriceBook {
    /// Name that the book gives itself.
    pub book_name: String,
    /// The file as it was read.
    pub book_text: String,
    /// When a bill was first made with it.
    pub first_seen_at: DateTime<Utc>,
}

/// Keeps the text of a book, by itself: whoever writes a bill with the same book would
/// else wait for the end of a transaction that lasts as long as its report is written.
pub(super) async fn keep_text(
    pool: &PgPool,
    book: &PriceBook,
    first_seen_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    query(
        "insert into agora.price_book (book_sha256, book_name, book_text, first_seen_at) \
         values ($1, $2, $3, $4) on conflict (book_sha256) do nothing",
    )
    .bind(&book.sha256)
    .bind(&book.name)
    .bind(&book.text)
    .bind(first_seen_at)
    .execute(alone(pool))
    .await
    .map_err(StoreError::during("writing price_book"))?;
    Ok(())
}

/// Notes that the month is rated with a book that is kept, from now on.
pub(super) async fn note_use(
    connection: &mut PgConnection,
    account: &AccountId,
    month: Month,
    book: &PriceBook,
    used_from: DateTime<Utc>,
) -> Result<(), StoreError> {
    query(
        "insert into agora.price_book_use (account_id, month, used_from, book_sha256) \
         select $1, $2, $3, $4 where $4 is distinct from ( \
             select book_sha256 from agora.price_book_use \
             where account_id = $1 and month = $2 order by used_from desc limit 1 \
         ) on conflict (account_id, month, used_from) do nothing",
    )
    .bind(account.as_str())
    .bind(month.first_day())
    .bind(used_from)
    .bind(&book.sha256)
    .execute(&mut *connection)
    .await
    .map_err(StoreError::during("writing price_book_use"))?;
    Ok(())
}

/// The book of this SHA-256; none where no bill was made with it.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn read(pool: &PgPool, sha256: &str) -> Result<Option<StoredPriceBook>, StoreError> {
    query_as(
        "select book_name, book_text, first_seen_at from agora.price_book where book_sha256 = $1",
    )
    .bind(sha256)
    .fetch_optional(alone(pool))
    .await
    .map_err(StoreError::during("reading price_book"))
}

/// The book that the month was rated with at a time; none where it had not been rated.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn in_force(
    pool: &PgPool,
    account: &AccountId,
    month: Month,
    time: DateTime<Utc>,
) -> Result<Option<StoredPriceBook>, StoreError> {
    query_as(
        "select b.book_name, b.book_text, b.first_seen_at \
         from agora.price_book_use as u join agora.price_book as b using (book_sha256) \
         where u.account_id = $1 and u.month = $2 and u.used_from <= $3 \
         order by u.used_from desc limit 1",
    )
    .bind(account.as_str())
    .bind(month.first_day())
    .bind(time)
    .fetch_optional(alone(pool))
    .await
    .map_err(StoreError::during("reading price_book_use"))
}
