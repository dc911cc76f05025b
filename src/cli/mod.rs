//! The command line: one file a command.
//!
//! Owns the commands' arguments, exit codes and all wording for people. Only
//! composes: what is due is decided in [`crate::collect`], what it costs in
//! [`crate::rating`]. Data goes to stdout, logs and progress to stderr.

mod api;
mod backfill;
mod backup;
mod bill;
mod budget;
mod check;
mod completions;
mod coverage;
mod daemon;
mod demo;
mod failure;
mod forecast;
mod health;
mod init;
mod lake;
mod lease;
mod man;
mod migrate;
mod print;
pub(crate) mod query;
mod report;
mod resale;
mod simulator;
mod summary;
mod sync;
pub(crate) mod tag;

use std::any::TypeId;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, CommandFactory, FromArgMatches, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::config::ConfigError;
use crate::context::Context;
use failure::{Exit, Failure};
use print::note_line;

/// What a company used on Agora real-time audio and video, what it will cost,
/// and which project caused each cent.
#[derive(Debug, Parser)]
#[command(name = "agora-usage", version, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 done; 1 failed or refused; 2 wrong use; 3 done in part; \
    4 another run holds the job; 78 configuration.")]
struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// Heading of the flags that every command has.
const GLOBAL: &str = "Global options";

/// Flags of every command.
#[derive(Debug, clap::Args)]
pub(crate) struct Common {
    /// Settings file [default: ./agora-usage.toml, the user's config folder, /etc/agora-usage]
    #[arg(long, global = true, value_name = "FILE", env = "AGORA_USAGE_CONFIG", help_heading = GLOBAL)]
    config: Option<PathBuf>,
    /// Address of the database [default: from the environment, else a private PostgreSQL]
    #[arg(long, global = true, value_name = "URL", help_heading = GLOBAL)]
    database_url: Option<String>,
    /// Form of the log on stderr
    #[arg(long, global = true, value_name = "FORM", env = "AGORA_USAGE_LOG_FORMAT", default_value = "text", help_heading = GLOBAL)]
    log_format: LogFormat,
    /// Say more on stderr: -v what is done, -vv each request
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = GLOBAL)]
    verbose: u8,
}

/// Form of the log.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum LogFormat {
    /// A line for people
    Text,
    /// An object a line, for programs
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the whole product at work on simulated data, without any set-up
    Demo(demo::DemoArguments),
    /// Run every job at its time, until it is stopped
    Daemon(daemon::DaemonArguments),
    /// Ask the daemon of this machine whether it is ready
    Health,
    /// Run one job once
    #[command(subcommand)]
    Sync(sync::SyncCommand),
    /// Fetch the usage of a range of days; safe to run again
    Backfill(backfill::BackfillArguments),
    /// Show day by day what is known of the usage, and what is not
    Coverage(coverage::CoverageArguments),
    /// Rate whole months and write their reports
    Report(report::ReportArguments),
    /// Tell where the month is going: total, budgets, free minutes, odd days
    Forecast(forecast::ForecastArguments),
    /// Set what may be spent in a month
    #[command(subcommand)]
    Budget(budget::BudgetCommand),
    /// Show, explain, close, adjust, compare, verify and reconcile bills
    #[command(subcommand)]
    Bill(bill::BillCommand),
    /// Show margins, and write statements for customers
    #[command(subcommand)]
    Resale(resale::ResaleCommand),
    /// Say which cost centre and team a project belongs to
    #[command(subcommand)]
    Tag(tag::TagCommand),
    /// Answer a question of analysts from the database
    Query(query::QueryArguments),
    /// Write a commented settings file
    Init(init::InitArguments),
    /// Tell whether settings, database and platform work together
    Check(check::CheckArguments),
    /// Make any call of the Dashboard API
    Api(api::ApiArguments),
    /// Serve the Dashboard API with simulated data
    Simulator(simulator::SimulatorArguments),
    /// Bring the database's schema up to date, and let roles read it
    Migrate(migrate::MigrateArguments),
    /// Write history as Parquet files, check and list them
    #[command(subcommand)]
    Lake(lake::LakeCommand),
    /// Write the whole database into a new folder
    Backup(backup::BackupArguments),
    /// Fill an empty database from a backup
    Restore(backup::RestoreArguments),
    /// Print what a shell completes commands and flags by
    Completions(completions::CompletionsArguments),
    /// Print or write the manual pages
    Man(man::ManArguments),
}

/// The command line with all its commands.
fn program() -> clap::Command {
    with_hyphens(Arguments::command())
}

/// A value of free text may begin with a hyphen, as a reason, a name or a negative amount
/// does; so one rule for all such options, those to come included. An argument without a
/// flag is not among them: it would take a misspelt flag for its value.
fn with_hyphens(command: clap::Command) -> clap::Command {
    let allow = |arg: Arg| if is_free_text(&arg) { arg.allow_hyphen_values(true) } else { arg };
    command.mut_args(allow).mut_subcommands(with_hyphens)
}

fn is_free_text(arg: &Arg) -> bool {
    !arg.is_positional()
        && arg.get_action().takes_values()
        && arg.get_possible_values().is_empty()
        && arg.get_value_parser().type_id() == TypeId::of::<String>()
}

/// Parses the arguments, runs the command and gives its exit code.
#[must_use]
pub fn main() -> ExitCode {
    let matches = program().get_matches();
    let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    // A daemon is known by its log alone: one line a run, without being asked.
    let is_daemon = matches!(arguments.command, Command::Daemon(_));
    start_log(&arguments.common, arguments.common.verbose + u8::from(is_daemon));
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            note_line(format_args!("error: the program cannot start its threads: {error}"));
            return Exit::Failed.into();
        }
    };
    match runtime.block_on(run(arguments)) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.print();
            failure.exit.into()
        }
    }
}

async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let Arguments { common, command } = arguments;
    match command {
        Command::Demo(arguments) => Box::pin(demo::run(&common, arguments)).await,
        Command::Daemon(arguments) => daemon::run(&common, arguments).await,
        Command::Health => health::run(&common).await,
        Command::Simulator(arguments) => simulator::run(arguments).await,
        Command::Sync(command) => sync::run(&common.context()?, command).await,
        Command::Backfill(arguments) => backfill::run(&common.context()?, arguments).await,
        Command::Coverage(arguments) => coverage::run(&common.context()?, arguments).await,
        Command::Report(arguments) => report::run(&common.context()?, arguments).await,
        Command::Forecast(arguments) => forecast::run(&common.context()?, arguments).await,
        Command::Budget(command) => budget::run(&common.context()?, command).await,
        Command::Bill(command) => bill::run(&common.context()?, command).await,
        Command::Resale(command) => resale::run(&common.context()?, command).await,
        Command::Tag(command) => tag::run(&common.context()?, command).await,
        Command::Query(arguments) => query::run(&common, arguments).await,
        Command::Api(arguments) => api::run(&common.context()?, arguments).await,
        Command::Init(arguments) => init::run(arguments),
        Command::Completions(arguments) => completions::run(program(), &arguments),
        Command::Man(arguments) => man::run(program(), &arguments),
        Command::Check(arguments) => check::run(&common.context()?, arguments).await,
        Command::Lake(command) => lake::run(&common.context()?, command).await,
        Command::Backup(arguments) => backup::back_up(&common.context()?, arguments).await,
        Command::Restore(arguments) => backup::restore(&common.context()?, arguments).await,
        Command::Migrate(arguments) => migrate::run(&common.context()?, arguments).await,
    }
}

fn start_log(common: &Common, verbosity: u8) {
    let level = ["warn", "agora_usage=info,warn", "agora_usage=debug,info"];
    let level = level[usize::from(verbosity).min(level.len() - 1)];
    let filter = EnvFilter::try_from_env("AGORA_USAGE_LOG").unwrap_or_else(|_| level.into());
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start, as in tests, is refused and does no harm.
    let _ = match common.log_format {
        LogFormat::Text => log.with_ansi(colour).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
}

impl Common {
    /// The settings file that was asked for.
    pub(crate) fn config(&self) -> Option<&std::path::Path> {
        self.config.as_deref()
    }

    /// The database address that was asked for.
    pub(crate) fn database_url(&self) -> Option<&str> {
        self.database_url.as_deref()
    }

    /// Settings and clock of the command.
    fn context(&self) -> Result<Context, ConfigError> {
        Context::load(self.config(), self.database_url())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_well_formed() {
        program().debug_assert();
    }

    /// Every option of text, as the words of its command and its flag.
    fn text_options(words: &[String], command: &clap::Command, found: &mut Vec<Vec<String>>) {
        let of_text = |arg: &&Arg| is_free_text(arg) && arg.get_long().is_some();
        for arg in command.get_arguments().filter(of_text) {
            let flag = format!("--{}", arg.get_long().expect("a flag"));
            found.push(words.iter().cloned().chain([flag]).collect());
        }
        for inner in command.get_subcommands() {
            let words: Vec<_> =
                words.iter().cloned().chain([inner.get_name().to_owned()]).collect();
            text_options(&words, inner, found);
        }
    }

    #[test]
    fn every_option_of_text_takes_a_value_that_begins_with_a_hyphen() {
        let mut options = Vec::new();
        text_options(&["agora-usage".to_owned()], &program(), &mut options);
        for known in ["bill adjust --reason", "bill adjust --amount", "budget set --cost-centre"] {
            let is_it = |option: &Vec<String>| option.join(" ").ends_with(known);
            assert!(options.iter().any(is_it), "{known} is among them");
        }
        for option in options {
            let line = option.iter().cloned().chain(["-1.5 x".to_owned()]);
            let kind = program().try_get_matches_from(line).map_err(|error| error.kind()).err();
            assert!(
                !matches!(kind, Some(clap::error::ErrorKind::UnknownArgument)),
                "{option:?}: {kind:?}"
            );
        }
    }

    #[test]
    fn a_misspelt_flag_is_no_value() {
        let error = program().try_get_matches_from(["agora-usage", "query", "--ouput", "csv"]);
        let error = error.expect_err("refused");
        assert_eq!(error.kind(), clap::error::ErrorKind::UnknownArgument);
        assert!(error.to_string().contains("--output"), "{error}");
    }
}
