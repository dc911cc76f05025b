//! `query --dictionary`: the data dictionary as Markdown.

use std::fmt::Write as _;

use crate::cli::failure::{Exit, Failure};
use crate::cli::print::print_text;
use crate::context::Context;
use crate::store::dictionary::{self, Relation};

const INTRODUCTION: &str = "\
# Data dictionary

What the tables and views of the schema `agora` hold. Made from the database's own comments by
`agora-usage query --dictionary`: change a comment by a migration, then run `make dictionary`.

Analysts read the views. Days are UTC days, a month is a calendar month in UTC, and `null` is
unknown or not applicable, never 0. In tables a column may be null only where it says so.
`agora-usage migrate --grant-reader` lets a role read; which rows it sees is in `account_reader`.
";

/// Prints every table and view of the database.
pub(super) async fn print(context: &Context) -> Result<Exit, Failure> {
    let store = context.open_store_for_reading().await?;
    let relations = dictionary::relations(store.pool()).await;
    store.close().await;
    print_text(&markdown(&relations?))?;
    Ok(Exit::Done)
}

fn markdown(relations: &[Relation]) -> String {
    let mut text = INTRODUCTION.to_owned();
    for (title, is_view) in [("Views", true), ("Tables", false)] {
        let listed: Vec<&Relation> =
            relations.iter().filter(|relation| relation.is_view == is_view).collect();
        let links = listed.iter().map(|relation| format!("[{0}](#{0})", relation.name));
        let links: Vec<String> = links.collect();
        // Writing to a text cannot fail.
        let _ = write!(text, "\n## {title}\n\n{}\n", links.join(",\n"));
        for relation in listed {
            text.push_str(&section(relation));
        }
    }
    text
}

fn section(relation: &Relation) -> String {
    let mut text = format!("\n### {}\n\n{}\n", relation.name, escaped(&relation.comment));
    let key = relation.key();
    if !key.is_empty() {
        let _ = write!(text, "\nKey: {}.\n", key.join(", "));
    }
    text.push_str("\n| column | type | meaning |\n|---|---|---|\n");
    for column in &relation.columns {
        let null = if column.is_nullable && !relation.is_view { ", null" } else { "" };
        let comment = escaped(&column.comment);
        let _ = writeln!(text, "| {} | {}{null} | {comment} |", column.name, column.type_name);
    }
    text
}

/// As text in a cell of a table; what looks like mark-up shows as it is.
fn escaped(comment: &str) -> String {
    let mut text = String::with_capacity(comment.len());
    for character in comment.chars() {
        match character {
            '\\' | '|' | '*' | '<' | '`' => text.extend(['\\', character]),
            '\n' | '\r' => text.push(' '),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::dictionary::RelationColumn;

    #[test]
    fn a_table_shows_its_key_and_what_may_be_null() {
        let column = |name: &str, key_position, is_nullable| RelationColumn {
            name: name.to_owned(),
            type_name: "bigint".to_owned(),
            is_nullable,
            key_position,
            comment: "Seconds | *; 0\nto 9.".to_owned(),
        };
        let relation = Relation {
            name: "t".to_owned(),
            is_view: false,
            comment: "What it holds.".to_owned(),
            columns: vec![column("b", 2, false), column("a", 1, false), column("c", 0, true)],
        };
        insta::assert_snapshot!(section(&relation), @r"

        ### t

        What it holds.

        Key: a, b.

        | column | type | meaning |
        |---|---|---|
        | b | bigint | Seconds \| \*; 0 to 9. |
        | a | bigint | Seconds \| \*; 0 to 9. |
        | c | bigint, null | Seconds \| \*; 0 to 9. |
        ");
    }
}
