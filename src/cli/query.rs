//! `agora-usage query`: the questions of `queries/`, answered from the database.

mod dictionary;
mod parameters;
mod questions;

use std::collections::BTreeMap;

use super::Common;
use super::failure::{Exit, Failure};
use super::print::{Output, plain_table, print_rows, print_text, trimmed};
use crate::store::analyst_queries::{ResultTable, ValueKind};
use crate::store::{StoreError, analyst_queries};
use questions::{QUESTIONS, Question};

/// Arguments of `query`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Without a name, lists the questions with their parameters; the header of \
    queries/NAME.sql tells more. The same files run with `psql -v month=2026-10 -f \
    queries/NAME.sql`.")]
pub(super) struct QueryArguments {
    /// Name of the question
    name: Option<String>,
    /// Value of a parameter; can be repeated
    #[arg(short, long = "parameter", value_name = "KEY=VALUE", value_parser = parse_parameter)]
    parameter: Vec<(String, String)>,
    /// Form of the rows [default: table on a terminal, else csv]
    #[arg(long, value_name = "FORM")]
    output: Option<Output>,
    /// Print what every table, view and column of the database holds, as Markdown
    #[arg(long, conflicts_with_all = ["name", "parameter", "output"])]
    dictionary: bool,
}

fn parse_parameter(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .ok_or_else(|| "write it as key=value".to_owned())
}

/// Whether a text is a value of that kind of parameter; none for a kind that does not exist.
pub(crate) fn is_value_of(kind: &str, text: &str) -> Option<bool> {
    parameters::ParameterKind::from_name(kind).map(|kind| kind.check(text).is_ok())
}

pub(super) async fn run(common: &Common, arguments: QueryArguments) -> Result<Exit, Failure> {
    if arguments.dictionary {
        return dictionary::print(&common.context()?).await;
    }
    let Some(name) = arguments.name else {
        print_text(&list()?)?;
        return Ok(Exit::Done);
    };
    let question = find(&name)?;
    let values = values(&question, arguments.parameter)?;
    let context = common.context()?;
    let store = context.open_store_for_reading().await?;
    let result = analyst_queries::run(store.pool(), question.sql, &values).await;
    store.close().await;
    let mut result = result.map_err(|error| refused(error, &values))?;
    let output = Output::or_default(arguments.output);
    if output == Output::Csv {
        write_booleans_as_psql(&mut result);
    }
    print_rows(&result, output)?;
    Ok(Exit::Done)
}

/// `t` and `f`, so that a file has one CSV whether the program or `psql --csv` asks.
fn write_booleans_as_psql(result: &mut ResultTable) {
    for row in &mut result.rows {
        for (value, column) in row.iter_mut().zip(&result.columns) {
            if let (Some(value), ValueKind::Boolean) = (value, column.kind) {
                value.truncate(1);
            }
        }
    }
}

/// A value that the database cannot read is the user's to mend, with the parameters in sight.
fn refused(error: StoreError, values: &BTreeMap<String, String>) -> Failure {
    let StoreError::Statement { cause: sqlx::Error::Database(cause), .. } = &error else {
        return error.into();
    };
    let given: Vec<String> =
        values.iter().map(|(key, value)| format!("{key} = '{value}'")).collect();
    let message = format!("the database refused the question: {}", cause.message());
    Failure::new(Exit::Failed, message).hint(format!("check the parameters: {}", given.join(", ")))
}

fn find(name: &str) -> Result<Question, Failure> {
    let found = QUESTIONS.iter().find(|(known, _)| *known == name);
    let (name, sql) = found.ok_or_else(|| {
        Failure::new(Exit::Usage, format!("there is no question '{name}'"))
            .hint("`agora-usage query` lists them")
    })?;
    Question::parse(name, sql).map_err(|error| Failure::new(Exit::Failed, error))
}

/// The given values, and defaults for the others; an empty text asks for the default.
fn values(
    question: &Question,
    given: Vec<(String, String)>,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut values: BTreeMap<String, String> =
        question.parameters.iter().map(|p| (p.name.clone(), p.default.clone())).collect();
    for (key, value) in given {
        let Some(parameter) = question.parameters.iter().find(|known| known.name == key) else {
            let known: Vec<&str> = values.keys().map(String::as_str).collect();
            let message = format!("'{}' has no parameter '{key}'", question.name);
            return Err(Failure::new(Exit::Usage, message)
                .hint(format!("its parameters are {}", known.join(", "))));
        };
        if value.is_empty() {
            values.insert(key, parameter.default.clone());
            continue;
        }
        parameter.kind.check(&value).map_err(|expected| {
            let message =
                format!("'{value}' is no value of the parameter '{key}' of '{}'", question.name);
            Failure::new(Exit::Usage, message).hint(expected)
        })?;
        values.insert(key, value);
    }
    refuse_backwards(&values)?;
    refuse_two_ranges(&values)?;
    Ok(values)
}

/// One month within a range of months would be one of the two, and not say which.
fn refuse_two_ranges(values: &BTreeMap<String, String>) -> Result<(), Failure> {
    let is_given = |name: &str| values.get(name).is_some_and(|value| !value.is_empty());
    if is_given("month") && (is_given("from_month") || is_given("to_month")) {
        return Err(Failure::new(Exit::Usage, "month goes without from_month and to_month")
            .hint("give the month alone, or the first and the last one"));
    }
    Ok(())
}

/// A range that ends before it begins would have an empty answer, which tells nothing.
fn refuse_backwards(values: &BTreeMap<String, String>) -> Result<(), Failure> {
    for (first, last) in [("from", "to"), ("from_month", "to_month")] {
        if let (Some(from), Some(to)) = (values.get(first), values.get(last))
            && !from.is_empty()
            && !to.is_empty()
            && to < from
        {
            let message = format!("{last} = {to} is before {first} = {from}");
            return Err(Failure::new(Exit::Usage, message).hint("swap them"));
        }
    }
    Ok(())
}

fn list() -> Result<String, Failure> {
    let mut table = plain_table();
    table.set_header(["name", "parameters", "question"]);
    for (name, sql) in QUESTIONS {
        let question =
            Question::parse(name, sql).map_err(|error| Failure::new(Exit::Failed, error))?;
        let parameters: Vec<&str> =
            question.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        table.add_row([*name, &parameters.join(", "), &question.text]);
    }
    Ok(format!("{}\n", trimmed(&table)))
}
