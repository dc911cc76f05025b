//! What the schema holds, from the database's own catalogue.

use std::collections::BTreeSet;

use sqlx::{PgConnection, PgExecutor};

use super::BackupError;
use crate::store::error::StoreError;
use crate::store::statement::{query_as, quoted_identifier};

/// A table, with what is needed to copy it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Table {
    /// Its name in the schema.
    #[sqlx(rename = "table_name")]
    pub(super) name: String,
    /// Columns that are copied.
    pub(super) columns: Vec<String>,
    key_columns: Vec<String>,
    references_tables: Option<Vec<String>>,
}

impl Table {
    /// Its quoted name with the schema.
    pub(super) fn quoted(&self) -> String {
        format!("agora.{}", quoted_identifier(&self.name))
    }

    /// Its file in a backup.
    pub(super) fn file_name(&self) -> String {
        format!("{}.csv", self.name)
    }

    /// Writes every row in the order of the key, so that equal tables make equal files.
    pub(super) fn copy_out(&self) -> String {
        let order = if self.key_columns.is_empty() {
            String::new()
        } else {
            format!(" order by {}", list(&self.key_columns))
        };
        // A query, since a partitioned table cannot be copied by its name.
        format!(
            "copy (select {} from {}{order}) to stdout with (format csv, header)",
            list(&self.columns),
            self.quoted(),
        )
    }

    /// Takes rows whose header names the same columns in the same order.
    pub(super) fn copy_in(&self) -> String {
        self.copy_in_as(&self.quoted())
    }

    /// Like [`Table::copy_in`], into another table with such columns.
    pub(super) fn copy_in_as(&self, quoted: &str) -> String {
        let columns = list(&self.columns);
        format!("copy {quoted} ({columns}) from stdin with (format csv, header match)")
    }
}

fn list(columns: &[String]) -> String {
    columns.iter().map(|column| quoted_identifier(column)).collect::<Vec<_>>().join(", ")
}

/// Every table, those that others refer to first.
pub(super) async fn tables(executor: impl PgExecutor<'_>) -> Result<Vec<Table>, BackupError> {
    let tables: Vec<Table> = query_as(include_str!("../sql/schema_tables.sql"))
        .fetch_all(executor)
        .await
        .map_err(StoreError::during("listing the tables"))?;
    Ok(in_order(tables))
}

/// Puts tables after those that they refer to. A circle is left as it is: the
/// database then refuses the rows.
fn in_order(mut rest: Vec<Table>) -> Vec<Table> {
    let mut ordered: Vec<Table> = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let waiting: BTreeSet<String> = rest.iter().map(|table| table.name.clone()).collect();
        let is_free = |table: &Table| {
            table.references_tables.iter().flatten().all(|name| !waiting.contains(name))
        };
        let (free, others): (Vec<_>, Vec<_>) = rest.into_iter().partition(is_free);
        rest = others;
        if free.is_empty() {
            ordered.append(&mut rest);
        }
        ordered.extend(free);
    }
    ordered
}

/// A column that a sequence numbers.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Numbered {
    #[sqlx(rename = "table_name")]
    pub(super) table: String,
    #[sqlx(rename = "column_name")]
    pub(super) column: String,
    /// The quoted name of its sequence.
    #[sqlx(rename = "sequence_name")]
    pub(super) sequence: String,
}

/// Every column that a sequence numbers.
pub(super) async fn numbered(connection: &mut PgConnection) -> Result<Vec<Numbered>, BackupError> {
    let rows = query_as(include_str!("../sql/schema_sequences.sql")).fetch_all(connection).await;
    Ok(rows.map_err(StoreError::during("listing the sequences"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, references: &[&str]) -> Table {
        Table {
            name: name.to_owned(),
            columns: vec!["a".to_owned(), "b\"c".to_owned()],
            key_columns: vec!["a".to_owned()],
            references_tables: Some(references.iter().map(|name| (*name).to_owned()).collect()),
        }
    }

    #[test]
    fn tables_come_after_those_that_they_refer_to() {
        let tables = vec![table("a", &["c"]), table("b", &["a", "c"]), table("c", &[])];
        let names: Vec<_> = in_order(tables).into_iter().map(|table| table.name).collect();
        assert_eq!(names, ["c", "a", "b"]);
    }

    #[test]
    fn names_are_quoted() {
        assert_eq!(
            table("t", &[]).copy_out(),
            "copy (select \"a\", \"b\"\"c\" from agora.\"t\" order by \"a\") \
             to stdout with (format csv, header)"
        );
    }
}
