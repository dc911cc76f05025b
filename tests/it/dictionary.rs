//! `query --dictionary`, and the file made from it.

use std::path::Path;

use crate::support::database::TestDatabase;
use crate::support::program::Program;

/// Set to write the file instead of comparing it.
const UPDATE_VARIABLE: &str = "AGORA_TEST_UPDATE_DICTIONARY";

#[test]
fn the_dictionary_in_docs_is_that_of_the_newest_schema() {
    let database = TestDatabase::new();
    let mut program = Program::new();
    program.set("DATABASE_URL", database.url());
    let made = program.run(&["query", "--dictionary"]).exits(0).stdout;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/data-dictionary.md");
    if std::env::var_os(UPDATE_VARIABLE).is_some() {
        std::fs::write(&file, &made).expect("written");
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = made.lines().zip(kept.lines()).find(|(made, kept)| made != kept);
    assert!(
        made == kept,
        "docs/data-dictionary.md is not that of the migrations: run `make dictionary`; \
         first difference: {differs:?}"
    );
}

#[test]
fn it_is_printed_by_itself() {
    let program = Program::new();
    program.run(&["query", "gaps", "--dictionary"]).exits(2);
}
