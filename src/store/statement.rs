//! How every statement is sent, so that a pooler in transaction mode does no harm.
//!
//! Behind such a pooler each transaction may meet another connection to the
//! server, and what one leaves there meets others. So no statement has a name
//! (a named one would also stay on the server for as long as the connection
//! lives), each is sent within a transaction (the driver sends its text and its
//! values in two steps, which another client's must not come between), and
//! bounds are set for the transaction alone.

use std::fmt;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use sqlx::postgres::{
    PgArguments, PgPool, PgQueryResult, PgRow, PgStatement, PgTypeInfo, Postgres,
};
use sqlx::query::{Query, QueryAs, QueryScalar};
use sqlx::{Describe, Either, Error, Execute, Executor, FromRow, SqlSafeStr, SqlStr, Transaction};

/// Bounds of every transaction: a statement, a wait for a lock, and an idle
/// transaction, which happens while a report's files are put in place.
const BEGIN: &str = "begin; \
    set local statement_timeout = '10min'; \
    set local lock_timeout = '5min'; \
    set local idle_in_transaction_session_timeout = '15min'";

/// A statement without a name.
#[expect(clippy::disallowed_methods, reason = "the place that takes the names away")]
pub(crate) fn query<'q>(sql: impl SqlSafeStr) -> Query<'q, Postgres, PgArguments> {
    sqlx::query(sql).persistent(false)
}

/// A statement without a name, whose rows become values.
#[expect(clippy::disallowed_methods, reason = "the place that takes the names away")]
pub(crate) fn query_as<'q, O>(sql: impl SqlSafeStr) -> QueryAs<'q, Postgres, O, PgArguments>
where
    O: for<'r> FromRow<'r, PgRow>,
{
    sqlx::query_as(sql).persistent(false)
}

/// A statement without a name, whose rows have one column.
#[expect(clippy::disallowed_methods, reason = "the place that takes the names away")]
pub(crate) fn query_scalar<'q, O>(sql: impl SqlSafeStr) -> QueryScalar<'q, Postgres, O, PgArguments>
where
    (O,): for<'r> FromRow<'r, PgRow>,
{
    sqlx::query_scalar(sql).persistent(false)
}

/// A name of the database in quotes, whatever is in it.
pub(crate) fn quoted_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Begins a transaction with its bounds.
pub(crate) async fn begin_transaction(
    pool: &PgPool,
) -> Result<Transaction<'static, Postgres>, Error> {
    pool.begin_with(BEGIN).await
}

/// For a statement that is a whole transaction by itself.
pub(crate) const fn alone(pool: &PgPool) -> Alone<'_> {
    Alone(pool)
}

/// Runs each statement in a transaction of its own.
#[derive(Clone, Copy)]
pub(crate) struct Alone<'p>(&'p PgPool);

impl fmt::Debug for Alone<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Alone")
    }
}

impl<'p> Executor<'p> for Alone<'p> {
    type Database = Postgres;

    /// The rows are held until the transaction has ended: only then are they true.
    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<PgQueryResult, PgRow>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let answer = async move {
            let mut transaction = begin_transaction(self.0).await?;
            let answer: Vec<_> = transaction.fetch_many(query).try_collect().await?;
            transaction.commit().await?;
            Ok::<_, Error>(stream::iter(answer.into_iter().map(Ok)))
        };
        stream::once(answer).try_flatten().boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        Box::pin(async move {
            let mut transaction = begin_transaction(self.0).await?;
            let row = transaction.fetch_optional(query).await?;
            transaction.commit().await?;
            Ok(row)
        })
    }

    /// Refused: what is prepared would be gone with the transaction.
    fn prepare_with<'e>(
        self,
        _sql: SqlStr,
        _parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, Result<PgStatement, Error>>
    where
        'p: 'e,
    {
        Box::pin(async { Err(nothing_is_prepared()) })
    }

    fn describe<'e>(self, _sql: SqlStr) -> BoxFuture<'e, Result<Describe<Postgres>, Error>>
    where
        'p: 'e,
    {
        Box::pin(async { Err(nothing_is_prepared()) })
    }
}

fn nothing_is_prepared() -> Error {
    Error::Protocol("nothing is prepared outside a transaction".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::occupancy::testing::TestDatabase;

    #[tokio::test]
    async fn c38_a_statement_leaves_nothing_behind_and_has_its_bounds() {
        let database = TestDatabase::new().await;
        let pool = database.store.pool();
        let left = "select count(*) from pg_prepared_statements";
        for _ in 0..20 {
            let left: i64 = query_scalar(left).fetch_one(alone(pool)).await.expect("answered");
            assert_eq!(left, 0);
        }
        let bound = "select current_setting('statement_timeout')";
        let inside: String = query_scalar(bound).fetch_one(alone(pool)).await.expect("answered");
        assert_eq!(inside, "10min");
        // Set for the transaction alone.
        let mut connection = pool.acquire().await.expect("a connection");
        let outside: String =
            query_scalar(bound).fetch_one(&mut *connection).await.expect("answered");
        assert_eq!(outside, "0");
        drop(connection);
        database.close().await;
    }

    #[tokio::test]
    async fn a_statement_that_fails_changes_nothing() {
        let database = TestDatabase::new().await;
        let pool = database.store.pool();
        let two = "with written as (insert into agora.account values ('other', now()) returning 1) \
                   select 1 / 0 from written";
        assert!(query(two).execute(alone(pool)).await.is_err());
        let accounts = database.ask("select account_id from agora.account").await;
        assert_eq!(accounts, ["default"]);
        database.close().await;
    }
}
