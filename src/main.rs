//! Picks the command, runs it, prints what went wrong, and exits.

use std::process::ExitCode;

fn main() -> ExitCode {
    agora_usage::cli::main()
}
