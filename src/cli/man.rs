//! `agora-usage man`: the help of every command as manual pages.

use std::path::{Path, PathBuf};

use clap::Command;
use clap_mangen::{Man, generate_to};

use super::failure::{Exit, Failure};
use super::print::{print_text, say_line};

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Read it at once with: agora-usage man | man -l -")]
pub(super) struct ManArguments {
    /// Folder for a page a command, such as /usr/local/share/man/man1 [default: the first page to stdout]
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

pub(super) fn run(program: Command, arguments: &ManArguments) -> Result<Exit, Failure> {
    if let Some(folder) = &arguments.folder {
        write_pages(program, folder)?;
        say_line(format_args!("wrote the pages of all commands into {}", folder.display()));
    } else {
        let mut page = Vec::new();
        Man::new(program).render(&mut page).map_err(|error| {
            Failure::new(Exit::Failed, format!("the page cannot be made: {error}"))
        })?;
        print_text(&String::from_utf8_lossy(&page))?;
    }
    Ok(Exit::Done)
}

fn write_pages(program: Command, folder: &Path) -> Result<(), Failure> {
    let written = std::fs::create_dir_all(folder).and_then(|()| generate_to(program, folder));
    written.map_err(|error| {
        let message = format!("no pages can be written into {}: {error}", folder.display());
        Failure::new(Exit::Failed, message).hint("choose another folder")
    })
}
