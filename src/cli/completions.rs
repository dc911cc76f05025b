//! `agora-usage completions`: what a shell needs to complete commands and flags.

use clap::Command;
use clap_complete::{Shell, generate};

use super::failure::{Exit, Failure};
use super::print::print_text;

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(super) struct CompletionsArguments {
    /// Shell that will read it
    shell: Shell,
}

const HELP: &str = "\
Where it belongs:
  bash  agora-usage completions bash > ~/.local/share/bash-completion/completions/agora-usage
  zsh   agora-usage completions zsh > ~/.zfunc/_agora-usage, with ~/.zfunc in $fpath
  fish  agora-usage completions fish > ~/.config/fish/completions/agora-usage.fish";

pub(super) fn run(mut program: Command, arguments: &CompletionsArguments) -> Result<Exit, Failure> {
    let name = program.get_name().to_owned();
    let mut script = Vec::new();
    generate(arguments.shell, &mut program, name, &mut script);
    print_text(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
