//! Every acceptance case has a test that is named after it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;

use crate::support::reports::files_below;

/// Cases are numbered from C01 to this one.
const LAST_CASE: u32 = 48;

/// Numbers of the cases that functions of a source are named after: 7 for `fn c07_...`.
fn cases_of(source: &str) -> impl Iterator<Item = u32> {
    source.lines().filter_map(|line| {
        let (_, name) = line.trim_start().split_once("fn c")?;
        let (number, _) = name.split_once('_')?;
        (number.len() == 2).then(|| number.parse().ok()).flatten()
    })
}

#[test]
fn every_case_has_a_test_that_is_named_after_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = ["src", "tests"].map(|folder| files_below(&root.join(folder)));
    let sources =
        sources.iter().flatten().filter(|(path, _)| path.extension() == Some(OsStr::new("rs")));
    let tested: BTreeSet<u32> = sources
        .flat_map(|(_, source)| cases_of(&String::from_utf8_lossy(source)).collect::<Vec<_>>())
        .collect();
    let untested: Vec<String> = (1..=LAST_CASE)
        .filter(|case| !tested.contains(case))
        .map(|case| format!("C{case:02}"))
        .collect();
    assert!(untested.is_empty(), "without a test `fn c<number>_...`: {}", untested.join(", "));
}
