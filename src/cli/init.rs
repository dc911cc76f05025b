//! `agora-usage init`: write a commented settings file.

use std::fs::{OpenOptions, Permissions};
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use super::failure::{Exit, Failure};
use super::print::say_line;
use crate::config::EXAMPLE;

/// Usage APIs, the default first.
const USAGE_APIS: [&str; 2] = ["v3", "v1"];

/// Plans, the default first.
const PLANS: [&str; 5] = ["tiered", "standard", "fixed", "tiered-cny", "fixed-cny"];

/// Arguments of `init`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Asks on a terminal for what no flag gives. The secret itself is never \
    written: the file names a file that holds it, or AGORA_CUSTOMER_SECRET gives it.")]
pub(super) struct InitArguments {
    /// File to write
    #[arg(long, value_name = "FILE", default_value = "agora-usage.toml")]
    file: PathBuf,
    /// Customer id, from the Console
    #[arg(long, value_name = "ID")]
    customer_id: Option<String>,
    /// File that holds the customer secret
    #[arg(long, value_name = "FILE")]
    customer_secret_file: Option<PathBuf>,
    /// Usage endpoint: v3 (seconds) or v1 (minutes)
    #[arg(long, value_parser = USAGE_APIS)]
    usage_api: Option<String>,
    /// Plan: tiered (accounts before 2025-08-29), standard (later ones), fixed (2019 to 2020)
    #[arg(long, value_parser = PLANS)]
    plan: Option<String>,
    /// Replace the file where there is one
    #[arg(long)]
    force: bool,
}

pub(super) fn run(arguments: InitArguments) -> Result<Exit, Failure> {
    let InitArguments { file, customer_id, customer_secret_file, usage_api, plan, force } =
        arguments;
    if file.exists() && !force {
        return Err(already_there(&file));
    }
    let secret_file = customer_secret_file.map(|path| path.display().to_string());
    let answers = [
        ("customer_id", customer_id.or_else(|| ask("Customer id", ""))),
        ("customer_secret_file", secret_file.or_else(|| ask("File with the customer secret", ""))),
        ("usage_api", usage_api.or_else(|| ask_one_of("Usage API", &USAGE_APIS))),
        ("plan", plan.or_else(|| ask_one_of("Plan", &PLANS))),
    ];
    let given = answers.into_iter().filter_map(|(key, value)| Some((key, value?)));
    let text = given.fold(EXAMPLE.to_owned(), |text, (key, value)| set(&text, key, &value));
    write(&file, &text, force)?;
    say_line(format_args!("wrote {}", file.display()));
    say_line(format_args!("next: agora-usage check --online"));
    Ok(Exit::Done)
}

fn already_there(file: &Path) -> Failure {
    Failure::new(Exit::Failed, format!("{} is already there", file.display()))
        .hint("choose another with --file, or replace it with --force")
}

/// Asks on a terminal; none elsewhere, and for an empty answer without a default.
fn ask(question: &str, default: &str) -> Option<String> {
    if !io::stdin().is_terminal() {
        return None;
    }
    let shown = if default.is_empty() { String::new() } else { format!(" [{default}]") };
    let _ = write!(std::io::stderr(), "{question}{shown}: ");
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).ok()?;
    let answer = line.trim();
    let answer = if answer.is_empty() { default } else { answer };
    Some(answer.to_owned()).filter(|answer| !answer.is_empty())
}

/// Asks until the answer is one of these; an empty one means the first.
fn ask_one_of(question: &str, names: &[&str]) -> Option<String> {
    let question = format!("{question}: {}", names.join(", "));
    loop {
        let answer = ask(&question, names[0])?;
        if names.contains(&answer.as_str()) {
            return Some(answer);
        }
    }
}

/// Puts a value in place of the commented line of its key.
fn set(text: &str, key: &str, value: &str) -> String {
    let assignment = format!("{key} = {}", toml::Value::from(value));
    let is_key = |line: &str| line.trim_start_matches("# ").starts_with(&format!("{key} = "));
    let mut placed = false;
    let lines = text.lines().map(|line| {
        if is_key(line) && !placed {
            placed = true;
            assignment.as_str()
        } else {
            line
        }
    });
    let lines: Vec<&str> = lines.collect();
    format!("{}\n", lines.join("\n"))
}

/// The file may come to hold a secret, so that it is for its owner alone.
fn write(file: &Path, text: &str, force: bool) -> Result<(), Failure> {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => already_there(file),
        _ => Failure::new(Exit::Failed, format!("{} cannot be written: {error}", file.display()))
            .hint("choose another with --file"),
    };
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    if force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    let mut opened = options.open(file).map_err(failed)?;
    // A file that was there keeps its mode when it is opened.
    opened.set_permissions(Permissions::from_mode(0o600)).map_err(failed)?;
    opened.write_all(text.as_bytes()).and_then(|()| opened.sync_all()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_takes_the_place_of_its_commented_line() {
        let text = set(EXAMPLE, "customer_id", "a \"b\"");
        let value: toml::Table = text.parse().expect("valid");
        assert_eq!(value["customer_id"].as_str(), Some("a \"b\""));
        assert_eq!(text.lines().count(), EXAMPLE.lines().count());
    }

    #[test]
    fn every_built_in_plan_can_be_chosen_and_the_first_is_the_default() {
        let mut offered = PLANS.to_vec();
        let mut built_in = crate::rating::PriceBook::embedded_plans();
        offered.sort_unstable();
        built_in.sort_unstable();
        assert_eq!(offered, built_in);
        assert!(EXAMPLE.contains(&format!("# plan = \"{}\"", PLANS[0])));
    }
}
