//! Questions of analysts: SQL of the files in `queries/`, read-only.
//!
//! A file names its parameters as psql does, `:'month'`, so that it also runs
//! with `psql -v month=2026-10 -f`. Here each becomes a bound text parameter,
//! and lines for psql itself, which begin with a backslash, are left out.

use std::collections::BTreeMap;

use sqlx::postgres::{PgArguments, PgColumn, PgPool, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Column, PgConnection, Postgres, Row, TypeInfo};

use super::error::StoreError;
use crate::store::statement::{begin_transaction, query};

/// A result as text, with what is needed to print it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultTable {
    /// Columns in order.
    pub columns: Vec<ResultColumn>,
    /// Values in PostgreSQL's own text form; none is null.
    pub rows: Vec<Vec<Option<String>>>,
}

impl ResultTable {
    /// A table without rows.
    #[must_use]
    pub fn with_columns(columns: &[(&str, ValueKind)]) -> Self {
        let column = |(name, kind): &(&str, ValueKind)| ResultColumn {
            name: (*name).to_owned(),
            kind: *kind,
        };
        Self { columns: columns.iter().map(column).collect(), rows: Vec::new() }
    }
}

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultColumn {
    /// Its name.
    pub name: String,
    /// How its values are to be read.
    pub kind: ValueKind,
}

/// How the text of a value is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// Whole number.
    Integer,
    /// Exact decimal number.
    Decimal,
    /// `true` or `false`.
    Boolean,
    /// Anything else.
    Text,
}

/// Names of the parameters of a statement, each once, in order of appearance.
#[must_use]
pub fn parameters_of(sql: &str) -> Vec<String> {
    bind_parameters(sql).1
}

/// Puts `$1`, `$2` ... in place of `:'name'` and leaves out what is for psql;
/// comments stay as they are.
fn bind_parameters(sql: &str) -> (String, Vec<String>) {
    let mut bound = String::with_capacity(sql.len());
    let mut names: Vec<String> = Vec::new();
    for line in sql.split_inclusive('\n').filter(|line| !line.starts_with('\\')) {
        let (code, comment) = line.find("--").map_or((line, ""), |at| line.split_at(at));
        let mut rest = code;
        while let Some(start) = rest.find(":'") {
            let after = &rest[start + 2..];
            let Some(end) = after.find('\'') else { break };
            let name = &after[..end];
            let number = names.iter().position(|known| known == name).unwrap_or_else(|| {
                names.push(name.to_owned());
                names.len() - 1
            });
            bound.push_str(&rest[..start]);
            bound.push('$');
            bound.push_str(&(number + 1).to_string());
            bound.push_str("::text");
            rest = &after[end + 1..];
        }
        bound.push_str(rest);
        bound.push_str(comment);
    }
    (bound, names)
}

/// Runs one question in a read-only transaction.
///
/// # Errors
/// [`StoreError::Statement`] with what the database said; a parameter without
/// a value is sent as an empty text.
pub async fn run(
    pool: &PgPool,
    sql: &str,
    values: &BTreeMap<String, String>,
) -> Result<ResultTable, StoreError> {
    let failed = || StoreError::during("running the query");
    let (sql, names) = bind_parameters(sql.trim_end().trim_end_matches(';'));
    let mut transaction = begin_transaction(pool).await.map_err(failed())?;
    query("set transaction read only").execute(&mut *transaction).await.map_err(failed())?;
    let columns = columns_of(&mut transaction, &sql, &names, values).await.map_err(failed())?;
    // The database turns every value into text, so that each type prints as in psql.
    let texts: Vec<String> = (1..=columns.len()).map(|number| format!("c{number}::text")).collect();
    let aliases: Vec<String> = (1..=columns.len()).map(|number| format!("c{number}")).collect();
    let as_text = format!(
        "select {} from (\n{sql}\n) as question ({})",
        texts.join(", "),
        aliases.join(", "),
    );
    let rows =
        bound(as_text, &names, values).fetch_all(&mut *transaction).await.map_err(failed())?;
    let texts = |row: &PgRow| (0..columns.len()).map(|at| row.try_get(at)).collect();
    let rows: Result<Vec<Vec<Option<String>>>, sqlx::Error> = rows.iter().map(texts).collect();
    Ok(ResultTable { rows: rows.map_err(failed())?, columns })
}

/// The columns of a question, without running it: a join that never holds
/// leaves one row of nulls. Asked so, no statement has to be prepared by name.
async fn columns_of(
    connection: &mut PgConnection,
    sql: &str,
    names: &[String],
    values: &BTreeMap<String, String>,
) -> Result<Vec<ResultColumn>, sqlx::Error> {
    let one_row = format!(
        "select question.* from (values (1)) as one left join (\n{sql}\n) as question on false"
    );
    let row = bound(one_row, names, values).fetch_one(connection).await?;
    let column = |column: &PgColumn| ResultColumn {
        name: column.name().to_owned(),
        kind: kind_of(column.type_info().name()),
    };
    Ok(row.columns().iter().map(column).collect())
}

fn bound<'q>(
    sql: String,
    names: &[String],
    values: &BTreeMap<String, String>,
) -> Query<'q, Postgres, PgArguments> {
    let bind = |query: Query<'q, Postgres, PgArguments>, name: &String| {
        query.bind(values.get(name).cloned().unwrap_or_default())
    };
    names.iter().fold(query(AssertSqlSafe(sql)), bind)
}

fn kind_of(type_name: &str) -> ValueKind {
    match type_name {
        "INT2" | "INT4" | "INT8" => ValueKind::Integer,
        "NUMERIC" => ValueKind::Decimal,
        "BOOL" => ValueKind::Boolean,
        _ => ValueKind::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_bound_once_and_comments_stay() {
        let (sql, names) = bind_parameters("select :'a', :'b', :'a' -- not :'c'\n, 'it''s'::text");
        assert_eq!(sql, "select $1::text, $2::text, $1::text -- not :'c'\n, 'it''s'::text");
        assert_eq!(names, ["a", "b"]);
    }

    #[test]
    fn lines_for_psql_are_left_out() {
        let (sql, names) = bind_parameters("\\set a ':b'\nselect :'a';\n");
        assert_eq!(sql, "select $1::text;\n");
        assert_eq!(names, ["a"]);
    }
}
