use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::sweep;

/// Good inputs of a parser, from which fuzzing begins too.
fn seeds(parser: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(parser);
    let entries = fs::read_dir(&folder).expect("a folder of seeds");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("read")).collect()
}

/// Pieces that mean something to one of the parsers.
const PIECES: [&str; 32] = [
    "null",
    "-1",
    "0",
    "1e9",
    "9223372036854775808",
    "120.5",
    "\"",
    "\\u0000",
    "{}",
    "[]",
    "[",
    "}",
    ",",
    ":",
    "\n",
    "\r\n",
    "=",
    "..",
    "../",
    "%2e%2e/",
    "%00",
    "\u{feff}",
    "\u{1f3a4}",
    "é",
    "\0",
    "'",
    "#",
    "2031-02-30",
    "0000-00",
    "99999-12-31",
    "true",
    " ",
];

/// A good input with some pieces put in, taken out or doubled, or bytes of no sense at all.
fn inputs(parser: &str) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => select(&PIECES[..]).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..4),
    ];
    let edit = (any::<Index>(), 0..12_usize, piece);
    let edited = (select(seeds(parser)), vec(edit, 0..6)).prop_map(|(mut bytes, edits)| {
        for (at, removed, piece) in edits {
            let at = at.index(bytes.len() + 1);
            let end = (at + removed).min(bytes.len());
            bytes.splice(at..end, piece);
        }
        bytes
    });
    prop_oneof![9 => edited, 1 => vec(any::<u8>(), 0..64)]
}

/// A test a parser: its check holds for good, edited and senseless inputs.
macro_rules! hold_for_any_bytes {
    ($($parser:ident),+) => {$(
        #[test]
        fn $parser() {
            sweep::hold(&inputs(stringify!($parser)), |bytes| {
                super::$parser(&bytes);
                Ok(())
            });
        }
    )+};
}

hold_for_any_bytes!(
    usage_v1,
    usage_v3,
    projects,
    channels,
    settings,
    accounts,
    price_book,
    tags,
    parameters,
    periods,
    invoice,
    http_request
);

#[test]
fn every_parser_has_a_target_and_seeds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = include_str!("../outside_data.rs");
    let parsers = source.lines().filter_map(|line| line.strip_prefix("pub fn "));
    let parsers: Vec<_> = parsers.filter_map(|line| line.split('(').next()).collect();
    assert_eq!(parsers.len(), 12);
    for parser in parsers {
        assert!(root.join("fuzz/fuzz_targets").join(parser).with_extension("rs").is_file());
        assert!(!seeds(parser).is_empty(), "{parser}");
    }
}
