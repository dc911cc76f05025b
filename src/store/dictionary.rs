//! What every table, view and column holds, from the database's own comments.

use sqlx::postgres::PgPool;

use super::error::StoreError;
use crate::store::statement::{alone, query_as};

/// A table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// Its name in the schema `agora`.
    pub name: String,
    /// Whether it is a view.
    pub is_view: bool,
    /// What it holds.
    pub comment: String,
    /// Its columns in order.
    pub columns: Vec<RelationColumn>,
}

impl Relation {
    /// Names of the primary key's columns, in its order; none for a view.
    #[must_use]
    pub fn key(&self) -> Vec<&str> {
        let mut columns: Vec<&RelationColumn> =
            self.columns.iter().filter(|column| column.key_position > 0).collect();
        columns.sort_by_key(|column| column.key_position);
        columns.into_iter().map(|column| column.name.as_str()).collect()
    }
}

/// A column of a table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationColumn {
    /// Its name.
    pub name: String,
    /// Its type, as PostgreSQL writes it.
    pub type_name: String,
    /// Whether a table's column may be null. The columns of a view always may.
    pub is_nullable: bool,
    /// Place in the primary key from 1 on; 0 outside of it.
    pub key_position: i32,
    /// What it holds, with the unit.
    pub comment: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    relation: String,
    is_view: bool,
    relation_comment: String,
    column_name: String,
    type_name: String,
    is_nullable: bool,
    key_position: i32,
    column_comment: String,
}

/// Every table and view of the schema, by name.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn relations(pool: &PgPool) -> Result<Vec<Relation>, StoreError> {
    let rows: Vec<Row> = query_as(include_str!("sql/dictionary.sql"))
        .fetch_all(alone(pool))
        .await
        .map_err(StoreError::during("reading the comments of the schema"))?;
    let mut relations: Vec<Relation> = Vec::new();
    for row in rows {
        if relations.last().is_none_or(|last| last.name != row.relation) {
            relations.push(Relation {
                name: row.relation,
                is_view: row.is_view,
                comment: row.relation_comment,
                columns: Vec::new(),
            });
        }
        if let Some(relation) = relations.last_mut() {
            relation.columns.push(RelationColumn {
                name: row.column_name,
                type_name: row.type_name,
                is_nullable: row.is_nullable,
                key_position: row.key_position,
                comment: row.column_comment,
            });
        }
    }
    Ok(relations)
}
