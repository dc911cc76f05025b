//! What is delivered beside the program: completions, manual pages, settings,
//! and the files of `deploy/`, held against the program that they are for.

mod containers;
mod dashboards;
mod folders;
mod shells;

use std::path::{Path, PathBuf};

/// A file of the repository.
fn read(path: &str) -> String {
    let file = repository().join(path);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}
