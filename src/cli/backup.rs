//! `agora-usage backup` and `agora-usage restore`: the whole database as files, and back.

use std::path::PathBuf;

use super::failure::{Exit, Failure};
use super::print::{one_line, say, say_line};
use super::summary::thousands;
use crate::context::Context;
use crate::store::backup::{self, BackupError, BackupSummary, LeftOutReader};

/// Arguments of `backup`.
#[derive(Debug, clap::Args)]
#[command(after_help = "The folder holds one CSV file a table and manifest.json, and appears \
    when it is whole. A daemon may go on meanwhile. Keep it: the platform itself forgets after \
    12 months.")]
pub(super) struct BackupArguments {
    /// Folder to write; must not exist, or be empty
    folder: PathBuf,
}

/// Arguments of `restore`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Only into a database without data, so that nothing is ever mixed or \
    replaced: give an empty one with --database-url. Files are checked before anything is \
    written; rows come all or not at all. A backup of an older version is brought up to date. Who \
    may read stays as it is there (`agora-usage migrate --grant-reader`); the backup's readers who \
    see less are listed.")]
pub(super) struct RestoreArguments {
    /// Folder that `agora-usage backup` wrote
    folder: PathBuf,
}

pub(super) async fn back_up(
    context: &Context,
    arguments: BackupArguments,
) -> Result<Exit, Failure> {
    let store = context.open_store_for_reading().await?;
    let written = backup::write(store.pool(), &arguments.folder, context.clock.now()).await;
    store.close().await;
    let folder = arguments.folder.display();
    say_line(format_args!("{}, in {folder}", in_words(written?)));
    Ok(Exit::Done)
}

pub(super) async fn restore(
    context: &Context,
    arguments: RestoreArguments,
) -> Result<Exit, Failure> {
    let store = context.open_store_as_it_is().await?;
    let restored = backup::restore(store.pool(), &arguments.folder).await;
    store.close().await;
    let restored = restored?;
    say_line(format_args!("restored {}", in_words(restored.summary)));
    say(format_args!("{}", left_out_in_words(&restored.left_out_readers)));
    Ok(Exit::Done)
}

/// A grant is to a role of a server, so that it is not in a backup.
fn left_out_in_words(readers: &[LeftOutReader]) -> String {
    if readers.is_empty() {
        return String::new();
    }
    let reader = |reader: &LeftOutReader| {
        let accounts = match reader.accounts.as_slice() {
            [only] if only == "*" => "every account".to_owned(),
            accounts => format!("accounts {}", accounts.join(", ")),
        };
        format!("  {}: {accounts}\n", one_line(&reader.role))
    };
    let readers: String = readers.iter().map(reader).collect();
    format!(
        "these roles could read the database of the backup, and were not granted here \
         (`agora-usage migrate --grant-reader ROLE`, with --tenant ACCOUNT for some accounts \
         alone):\n{readers}"
    )
}

fn in_words(summary: BackupSummary) -> String {
    let BackupSummary { tables, rows, bytes, migration } = summary;
    let [rows, bytes] = [rows, bytes].map(|count| thousands(&count.to_string()));
    format!("{tables} tables with {rows} rows and {bytes} bytes, of migration {migration}")
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        if let BackupError::Store(error) = error {
            return error.into();
        }
        let failure = Self::new(Exit::Failed, error.to_string());
        match error {
            BackupError::Exists(_) => {
                failure.hint("a backup is never replaced: name a folder that does not exist")
            }
            BackupError::NotEmpty(_) | BackupError::NewerSchema { .. } => {
                failure.hint("create an empty database and name it with --database-url")
            }
            BackupError::NewerBackup(_) => {
                failure.hint("a newer agora-usage made it; install that version")
            }
            BackupError::Damaged { .. } => failure.hint("take another copy of the backup"),
            _ => failure,
        }
    }
}
