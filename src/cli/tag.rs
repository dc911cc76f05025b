//! `agora-usage tag ...`: which cost centre and team a project belongs to.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::failure::{Exit, Failure};
use super::print::{Output, print_rows, say_line};
use super::summary::counted;
use crate::config::AccountSettings;
use crate::context::Context;
use crate::domain::{AccountId, Month, ProjectId};
use crate::outside_file::{csv_fault, text_of};
use crate::store::analyst_queries::{ResultTable, ValueKind};
use crate::store::tags::{self, NewTag};
use crate::store::{Store, projects};

/// Bytes of a file of tags at most: some hundred thousand projects.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// Longest value of a tag, in characters.
const LONGEST_VALUE: usize = 256;

/// What stands in place of a value.
const UNTAGGED: &str = "(untagged)";

/// What can be done with tags.
#[derive(Debug, clap::Subcommand)]
pub(super) enum TagCommand {
    /// Give a project tags
    Set(SetArguments),
    /// Give many projects tags, from a CSV file
    Import(ImportArguments),
    /// List every project with its tags
    List(ListArguments),
    /// Take a tag from a project
    Clear(ClearArguments),
}

/// Which account, and from when on.
#[derive(Debug, clap::Args)]
pub(super) struct CommonArguments {
    /// Month from which on it counts, YYYY-MM [default: always for a project's first value,
    /// the current month for a later one]
    #[arg(long, value_name = "MONTH", value_parser = Month::parse)]
    from: Option<Month>,
    /// Account of the settings, where there are several
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
}

/// Arguments of `tag set`.
#[derive(Debug, clap::Args)]
pub(super) struct SetArguments {
    /// Project id
    #[arg(value_name = "PROJECT", allow_hyphen_values = true)]
    project: String,
    /// Tags, such as `cost_centre=ops team=platform`
    #[arg(required = true, value_name = "KEY=VALUE")]
    tags: Vec<String>,
    #[command(flatten)]
    common: CommonArguments,
}

/// Arguments of `tag import`.
#[derive(Debug, clap::Args)]
#[command(after_help = "The first line names the columns: project_id, then keys such as \
    cost_centre and team. An empty field leaves the tag as it is. A file with a mistake changes \
    nothing.")]
pub(super) struct ImportArguments {
    /// CSV file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    common: CommonArguments,
}

/// Arguments of `tag list`.
#[derive(Debug, clap::Args)]
pub(super) struct ListArguments {
    /// Only this account of the settings [default: all]
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Form of the rows [default: table on a terminal, else csv]
    #[arg(long, value_name = "FORM")]
    output: Option<Output>,
}

/// Arguments of `tag clear`.
#[derive(Debug, clap::Args)]
pub(super) struct ClearArguments {
    /// Project id
    #[arg(value_name = "PROJECT", allow_hyphen_values = true)]
    project: String,
    /// Key, such as `cost_centre`
    #[arg(value_name = "KEY")]
    key: String,
    #[command(flatten)]
    common: CommonArguments,
}

pub(super) async fn run(context: &Context, command: TagCommand) -> Result<Exit, Failure> {
    match command {
        TagCommand::List(arguments) => list(context, arguments).await,
        TagCommand::Set(SetArguments { project, tags, common }) => {
            let tags = tags.iter().map(|text| set(&project, text, common.from));
            record(context, &common, tags.collect::<Result<_, _>>()?, None).await
        }
        TagCommand::Clear(ClearArguments { project, key, common }) => {
            let tag = NewTag {
                project_id: project_id(&project)?,
                key: checked_key(&key)?,
                value: None,
                valid_from: common.from,
            };
            record(context, &common, vec![Line::alone(tag)], None).await
        }
        TagCommand::Import(ImportArguments { file, common }) => {
            let lines = read_file(&file, common.from)?;
            record(context, &common, lines, Some(&file)).await
        }
    }
}

/// A tag with the line of the file that it came from.
struct Line {
    tag: NewTag,
    line: Option<u64>,
}

impl Line {
    const fn alone(tag: NewTag) -> Self {
        Self { tag, line: None }
    }
}

fn wrong(message: String) -> Failure {
    Failure::new(Exit::Usage, message)
}

fn set(project: &str, text: &str, valid_from: Option<Month>) -> Result<Line, Failure> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| wrong(format!("'{text}' is no tag; write it as cost_centre=ops")))?;
    let value = Some(checked_value(value)?);
    let (project_id, key) = (project_id(project)?, checked_key(key)?);
    Ok(Line::alone(NewTag { project_id, key, value, valid_from }))
}

fn project_id(text: &str) -> Result<ProjectId, Failure> {
    ProjectId::new(text).map_err(|error| wrong(format!("'{text}' is no project id: {error}")))
}

fn checked_key(key: &str) -> Result<String, Failure> {
    let key = key.trim();
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let is_key = key.starts_with(|c: char| c.is_ascii_lowercase())
        && key.len() <= 64
        && key.chars().all(is_allowed);
    if is_key {
        return Ok(key.to_owned());
    }
    Err(wrong(format!("'{key}' is no key for a tag"))
        .hint("use a to z, 0 to 9 and _, such as cost_centre, team or env"))
}

fn checked_value(value: &str) -> Result<String, Failure> {
    let value = value.trim();
    if value.is_empty() {
        return Err(wrong("the value of a tag is empty".to_owned())
            .hint("`agora-usage tag clear PROJECT KEY` takes a tag away"));
    }
    if value.chars().count() > LONGEST_VALUE || value.chars().any(char::is_control) {
        return Err(wrong(format!(
            "the value of a tag has one line of at most {LONGEST_VALUE} characters"
        )));
    }
    if value == UNTAGGED || value == "(unallocated)" {
        return Err(wrong(format!("'{value}' stands for projects without a value")));
    }
    Ok(value.to_owned())
}

/// The tags of a CSV file.
fn read_file(file: &Path, valid_from: Option<Month>) -> Result<Vec<Line>, Failure> {
    let shown = file.display();
    let text = text_of(file, MOST_BYTES).map_err(|why| {
        Failure::new(Exit::Failed, format!("{shown} {why}"))
            .hint("name a CSV file with the columns project_id,cost_centre,team")
    })?;
    lines_of(&text, &shown.to_string(), valid_from)
}

fn lines_of(text: &str, shown: &str, valid_from: Option<Month>) -> Result<Vec<Line>, Failure> {
    let failed = |error: csv::Error| {
        Failure::new(Exit::Usage, format!("{shown}, {}", csv_fault(&error)))
            .hint("give every line as many fields as the first one has")
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().map_err(failed)?.clone();
    let keys = keys_of(&header).map_err(|error| error.at(&format!("{shown}, line 1")))?;
    let mut lines = Vec::new();
    let mut seen = BTreeSet::new();
    for record in reader.records() {
        let record = record.map_err(failed)?;
        let number = record.position().map_or(0, csv::Position::line);
        let place = format!("{shown}, line {number}");
        let project_id = project_id(record.get(0).unwrap_or_default().trim())
            .map_err(|error| error.at(&place))?;
        if !seen.insert(project_id.clone()) {
            return Err(wrong(format!("{place}: project {project_id} stands there twice")));
        }
        for (key, value) in keys.iter().zip(record.iter().skip(1)) {
            if !value.trim().is_empty() {
                let value = Some(checked_value(value).map_err(|error| error.at(&place))?);
                let tag =
                    NewTag { project_id: project_id.clone(), key: key.clone(), value, valid_from };
                lines.push(Line { tag, line: Some(number) });
            }
        }
    }
    Ok(lines)
}

/// Tags of a CSV text as project, key and value; none where it is refused.
pub(crate) fn tags_of(text: &str) -> Option<Vec<(ProjectId, String, String)>> {
    let lines = lines_of(text, "tags.csv", None).ok()?;
    let tags = lines.into_iter().map(|line| line.tag);
    Some(tags.map(|tag| (tag.project_id, tag.key, tag.value.unwrap_or_default())).collect())
}

/// The keys of the columns after the first.
fn keys_of(header: &csv::StringRecord) -> Result<Vec<String>, Failure> {
    let mut columns = header.iter().map(str::trim);
    if columns.next() != Some("project_id") || header.len() < 2 {
        return Err(wrong("the first line is no header of tags".to_owned())
            .hint("write project_id,cost_centre,team"));
    }
    let keys = columns.map(checked_key).collect::<Result<Vec<_>, _>>()?;
    let distinct: BTreeSet<&String> = keys.iter().collect();
    if distinct.len() != keys.len() {
        return Err(wrong("two columns have the same name".to_owned()));
    }
    Ok(keys)
}

async fn record(
    context: &Context,
    common: &CommonArguments,
    lines: Vec<Line>,
    file: Option<&Path>,
) -> Result<Exit, Failure> {
    let accounts = context.settings.chosen(common.account.as_deref())?;
    let [account] = accounts[..] else {
        return Err(wrong("the settings describe several accounts".to_owned())
            .hint("name one with --account"));
    };
    let store = context.open_store().await?;
    let recorded = record_in(context, &store, account, lines, file).await;
    store.close().await;
    let (changed, all) = recorded?;
    say_line(format_args!(
        "account {}: {} recorded, {} as before",
        account.account,
        counted(changed, "tag"),
        all - changed
    ));
    Ok(Exit::Done)
}

async fn record_in(
    context: &Context,
    store: &Store,
    account: &AccountSettings,
    lines: Vec<Line>,
    file: Option<&Path>,
) -> Result<(u64, u64), Failure> {
    let account = &account.account;
    check_projects(store, account, &lines, file).await?;
    let tags: Vec<NewTag> = lines.into_iter().map(|line| line.tag).collect();
    let changed = tags::record(store.pool(), account, &tags, context.clock.now()).await?;
    Ok((changed, tags.len() as u64))
}

/// Whether every project is known; the error names the line of one that is not.
async fn check_projects(
    store: &Store,
    account: &AccountId,
    lines: &[Line],
    file: Option<&Path>,
) -> Result<(), Failure> {
    let stored = projects::read_all(store.pool(), account).await?;
    let known: BTreeSet<_> = stored.iter().map(|stored| &stored.project.project_id).collect();
    let Some(unknown) = lines.iter().find(|line| !known.contains(&line.tag.project_id)) else {
        return Ok(());
    };
    let message = format!("project {} is not known in account {account}", unknown.tag.project_id);
    let failure = Failure::new(Exit::Failed, message)
        .hint("`agora-usage query projects` lists them; `sync projects` reads the list anew");
    Err(match (file, unknown.line) {
        (Some(file), Some(line)) => failure.at(&format!("{}, line {line}", file.display())),
        _ => failure,
    })
}

/// Columns of the list.
const COLUMNS: &[(&str, ValueKind)] = &[
    ("account_id", ValueKind::Text),
    ("project_id", ValueKind::Text),
    ("project_name", ValueKind::Text),
    ("key", ValueKind::Text),
    ("value", ValueKind::Text),
    ("from", ValueKind::Text),
];

async fn list(context: &Context, arguments: ListArguments) -> Result<Exit, Failure> {
    let accounts = context.settings.chosen(arguments.account.as_deref())?;
    let store = context.open_store().await?;
    let mut rows = ResultTable::with_columns(COLUMNS);
    for account in accounts {
        for tag in tags::list(store.pool(), &account.account).await? {
            let from = tag.valid_from.map(|day| {
                if day == tags::always() { "always".to_owned() } else { Month::of(day).to_string() }
            });
            rows.rows.push(vec![
                Some(account.account.to_string()),
                Some(tag.project_id),
                Some(tag.project_name),
                Some(tag.tag_key.unwrap_or_else(|| tags::COST_CENTRE.to_owned())),
                Some(tag.tag_value.unwrap_or_else(|| UNTAGGED.to_owned())),
                Some(from.unwrap_or_else(|| "always".to_owned())),
            ]);
        }
    }
    store.close().await;
    print_rows(&rows, Output::or_default(arguments.output))?;
    Ok(Exit::Done)
}
