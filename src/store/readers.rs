//! Roles that may read: their grants, and which accounts each of them sees.
//!
//! A grant says what a role may do, `account_reader` says with whose rows, and
//! the policies of all tables ask that (`secure_rows`, migration 22). The owner
//! of the tables, under whom the program writes, is not bound by any of it.

use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, PgConnection};

use super::error::StoreError;
use crate::domain::AccountId;
use crate::store::statement::{
    begin_transaction, query, query_as, query_scalar, quoted_identifier,
};

/// Longest name of a role, in bytes; the database cuts a longer one.
const LONGEST_NAME: usize = 63;

/// In `account_reader`: every account.
const EVERY_ACCOUNT: &str = "*";

/// Longest wait for users of the tables, as for a migration.
const BOUNDS: &str = "set local lock_timeout = '1min'";

/// What a role is to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// Name of the role, as the server has it.
    pub role: String,
    /// Accounts that it sees; none: every account.
    pub accounts: Vec<AccountId>,
    /// Whether to create the role, able to log in and without a password, where there is none.
    pub create: bool,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granted {
    /// Whether the role was created.
    pub is_new: bool,
    /// Tables and views that it may read.
    pub relations: usize,
}

/// Why a role cannot be made a reader; nothing is changed then.
#[derive(Debug, thiserror::Error)]
pub enum ReaderError {
    /// No name that a role can have.
    #[error("'{0}' cannot be the name of a reader")]
    Name(String),
    /// There is no such role.
    #[error("the database server has no role '{0}'")]
    NoSuchRole(String),
    /// Nothing was ever fetched for the account.
    #[error("the database has no account '{0}'")]
    NoSuchAccount(String),
    /// It could do more than read.
    #[error("the role '{role}' is no reader: {reason}")]
    CanDoMore {
        /// The role.
        role: String,
        /// What it can do, and by what.
        reason: String,
    },
    /// It would see more accounts than it should.
    #[error("the role '{role}' would see more accounts: {reason}")]
    SeesMore {
        /// The role.
        role: String,
        /// By what.
        reason: String,
    },
    /// The database does not answer, or refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(sqlx::FromRow)]
struct Facts {
    bypasses_rows: bool,
    owns: bool,
    writable: Option<String>,
    wider: Option<String>,
    reads_all_data: Option<String>,
    may_connect: bool,
}

/// Lets a role read every table and view of the schema, those of later
/// migrations included, and see the rows of its accounts alone. What it was
/// allowed to see by an earlier call is replaced.
///
/// # Errors
/// [`ReaderError`]; nothing is changed then.
pub async fn grant(
    pool: &PgPool,
    reader: &Reader,
    planned_accounts: &[AccountId],
) -> Result<Granted, ReaderError> {
    check_name(&reader.role)?;
    let failed = || StoreError::during("granting to a reader");
    let mut transaction = begin_transaction(pool).await.map_err(failed())?;
    let connection = &mut *transaction;
    sqlx::raw_sql(BOUNDS).execute(&mut *connection).await.map_err(failed())?;
    check_accounts(connection, reader, planned_accounts).await?;
    let is_new = ensure_role(connection, reader).await?;
    let may_connect = check_role(connection, reader).await?;
    write_accounts(connection, reader).await?;
    let relations: Vec<String> = query_scalar(include_str!("sql/readable_relations.sql"))
        .fetch_all(&mut *connection)
        .await
        .map_err(failed())?;
    for statement in statements(&quoted_identifier(&reader.role), &relations) {
        query(AssertSqlSafe(statement)).execute(&mut *connection).await.map_err(failed())?;
    }
    if !may_connect {
        let database: String = query_scalar("select quote_ident(current_database())")
            .fetch_one(&mut *connection)
            .await
            .map_err(failed())?;
        let role = quoted_identifier(&reader.role);
        let statement = format!("grant connect on database {database} to {role}");
        query(AssertSqlSafe(statement)).execute(&mut *connection).await.map_err(failed())?;
    }
    query("select agora.secure_rows()").execute(&mut *connection).await.map_err(failed())?;
    transaction.commit().await.map_err(failed())?;
    Ok(Granted { is_new, relations: relations.len() })
}

fn statements(role: &str, relations: &[String]) -> [String; 3] {
    [
        format!("grant usage on schema agora to {role}"),
        format!("grant select on {} to {role}", relations.join(", ")),
        format!("alter default privileges in schema agora grant select on tables to {role}"),
    ]
}

/// The server's own roles and words that stand for roles are nobody's reader.
fn check_name(role: &str) -> Result<(), ReaderError> {
    let is_reserved = role.starts_with("pg_")
        || ["public", "none", "current_role", "current_user", "session_user"].contains(&role);
    let is_name = (1..=LONGEST_NAME).contains(&role.len()) && !role.chars().any(char::is_control);
    if is_name && !is_reserved { Ok(()) } else { Err(ReaderError::Name(role.to_owned())) }
}

async fn check_accounts(
    connection: &mut PgConnection,
    reader: &Reader,
    planned: &[AccountId],
) -> Result<(), ReaderError> {
    let known: Vec<String> = query_scalar("select account_id from agora.account")
        .fetch_all(connection)
        .await
        .map_err(StoreError::during("reading account"))?;
    let is_known = |account: &AccountId| {
        planned.contains(account) || known.iter().any(|name| name == account.as_str())
    };
    match reader.accounts.iter().find(|account| !is_known(account)) {
        Some(account) => Err(ReaderError::NoSuchAccount(account.as_str().to_owned())),
        None => Ok(()),
    }
}

/// Creates the role where that is asked for. Returns whether it is new.
async fn ensure_role(connection: &mut PgConnection, reader: &Reader) -> Result<bool, ReaderError> {
    let failed = || StoreError::during("looking for the role");
    let exists: bool =
        query_scalar("select exists (select from pg_catalog.pg_roles where rolname = $1)")
            .bind(&reader.role)
            .fetch_one(&mut *connection)
            .await
            .map_err(failed())?;
    if exists {
        return Ok(false);
    }
    if !reader.create {
        return Err(ReaderError::NoSuchRole(reader.role.clone()));
    }
    let statement = format!("create role {} login", quoted_identifier(&reader.role));
    query(AssertSqlSafe(statement))
        .execute(connection)
        .await
        .map_err(StoreError::during("creating the role"))?;
    Ok(true)
}

/// Refuses a role that could do more than read its accounts. Returns whether it may connect.
async fn check_role(connection: &mut PgConnection, reader: &Reader) -> Result<bool, ReaderError> {
    let facts: Facts = query_as(include_str!("sql/reader_facts.sql"))
        .bind(&reader.role)
        .bind(account_ids(reader))
        .fetch_one(connection)
        .await
        .map_err(StoreError::during("reading what the role may do"))?;
    let role = || reader.role.clone();
    let can_do_more = |reason: String| Err(ReaderError::CanDoMore { role: role(), reason });
    if facts.bypasses_rows {
        return can_do_more("it is or may become a superuser, or bypasses row security".to_owned());
    }
    if facts.owns {
        return can_do_more("it owns the tables, or may create some".to_owned());
    }
    if let Some(table) = facts.writable {
        return can_do_more(format!("it may write to agora.{table}"));
    }
    if let Some(other) = facts.wider.or(facts.reads_all_data) {
        let reason = format!("it is a member of '{other}', which sees them");
        return Err(ReaderError::SeesMore { role: role(), reason });
    }
    Ok(facts.may_connect)
}

async fn write_accounts(connection: &mut PgConnection, reader: &Reader) -> Result<(), ReaderError> {
    let failed = || StoreError::during("writing account_reader");
    query("delete from agora.account_reader where role_name = $1")
        .bind(&reader.role)
        .execute(&mut *connection)
        .await
        .map_err(failed())?;
    query(
        "insert into agora.account_reader (account_id, role_name) \
         select distinct a.account_id, $1 from unnest($2) as a (account_id)",
    )
    .bind(&reader.role)
    .bind(account_ids(reader))
    .execute(connection)
    .await
    .map_err(failed())?;
    Ok(())
}

/// As `account_reader` has them.
fn account_ids(reader: &Reader) -> Vec<String> {
    if reader.accounts.is_empty() {
        return vec![EVERY_ACCOUNT.to_owned()];
    }
    reader.accounts.iter().map(|account| account.as_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_server_itself_are_refused() {
        for good in ["finance", "Finance Team", "x'\"; drop role postgres; --", "数据"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "public", "none", "pg_monitor", "a\0b", "a\nb", &"x".repeat(64)] {
            assert!(matches!(check_name(bad), Err(ReaderError::Name(_))), "{bad}");
        }
    }
}
