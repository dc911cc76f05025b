//! Every case of the list of faults has a test that is named after it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Cases are numbered from c01 to this one.
const LAST_CASE: u32 = 48;

/// Names of test functions below a folder.
fn tests_below(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            tests_below(&path, names);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).expect("text");
            let mut is_test = false;
            for line in text.lines().map(str::trim) {
                if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                    is_test = true;
                } else if is_test && !line.starts_with("#[") {
                    let name = line.trim_start_matches("async ").strip_prefix("fn ");
                    names.extend(name.and_then(|rest| rest.split('(').next()).map(str::to_owned));
                    is_test = false;
                }
            }
        }
    }
}

#[test]
fn every_case_has_a_test_that_begins_with_its_number() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut names = BTreeSet::new();
    // Those that run the program itself.
    tests_below(&root.join("tests/it"), &mut names);
    assert!(names.len() > 300, "only {} tests were found", names.len());
    let missing: Vec<String> = (1..=LAST_CASE)
        .map(|number| format!("c{number:02}_"))
        .filter(|case| !names.iter().any(|name| name.starts_with(case.as_str())))
        .collect();
    assert!(missing.is_empty(), "no test for {missing:?}");
}
