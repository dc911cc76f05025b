//! Names of files and folders that every system can hold.
//!
//! A project id is any text that the platform sends; as a file name it must
//! stay inside its folder, be no device of Windows, and differ from the others
//! also where upper and lower case are the same.

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};

/// File of the projects and their costs, without extension.
pub(super) const SUMMARY: &str = "summary";

/// File of the bill's lines, without extension.
pub(super) const BILL: &str = "bill";

/// Folder of the files of single projects.
pub(super) const PROJECTS_FOLDER: &str = "projects";

/// Longest id that is a file name as it is.
const PLAIN_LENGTH: usize = 64;

/// Characters of an id that its escaped name keeps, for a reader's eye.
const KEPT_LENGTH: usize = 40;

/// Hexadecimal digits of the id's SHA-256 in its escaped name.
const HASH_LENGTH: usize = 16;

/// A file name without extension for each id, in the order of the ids.
///
/// The id itself where it is plain and no other id equals it without case; else
/// its first characters with `_` for what is not plain, `~`, and the start of
/// its SHA-256. Of ids that differ only by case each is escaped: a reader on a
/// system without case must not find one project's file under another's id.
pub(super) fn stems<'a>(ids: impl Iterator<Item = &'a str> + Clone) -> Vec<String> {
    let mut holders: HashMap<String, usize> = HashMap::new();
    for id in ids.clone() {
        *holders.entry(id.to_ascii_lowercase()).or_default() += 1;
    }
    let mut taken = HashSet::new();
    let stem = |id: &str| {
        if is_plain(id) && holders.get(&id.to_ascii_lowercase()) == Some(&1) {
            return id.to_owned();
        }
        let short = escaped(id, HASH_LENGTH);
        if taken.insert(short.to_ascii_lowercase()) { short } else { escaped(id, usize::MAX) }
    };
    ids.map(stem).collect()
}

fn is_plain_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_' || character == '-'
}

fn is_plain(id: &str) -> bool {
    (1..=PLAIN_LENGTH).contains(&id.len())
        && id.chars().all(is_plain_character)
        && !is_windows_device(id)
}

/// Windows opens a device for these names, whatever extension follows.
fn is_windows_device(id: &str) -> bool {
    let id = id.to_ascii_uppercase();
    let is_port = |port: &str| {
        let number = id.strip_prefix(port).unwrap_or_default();
        number.len() == 1 && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    matches!(id.as_str(), "CON" | "PRN" | "AUX" | "NUL") || is_port("COM") || is_port("LPT")
}

fn escaped(id: &str, hash_length: usize) -> String {
    let kept = id.chars().take(KEPT_LENGTH);
    let kept: String = kept.map(|c| if is_plain_character(c) { c } else { '_' }).collect();
    let hash = format!("{:x}", Sha256::digest(id.as_bytes()));
    format!("{kept}~{}", hash.get(..hash_length).unwrap_or(&hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ids: &[&str]) -> Vec<String> {
        stems(ids.iter().copied())
    }

    #[test]
    fn plain_ids_are_their_own_names() {
        let long = "x".repeat(64);
        let ids = ["Hk12QqzrB", "-x1", "a_b", "COM", "COM12", "CONSOLE", long.as_str()];
        assert_eq!(of(&ids), ids);
    }

    #[test]
    fn c44_every_other_id_has_one_name_without_a_path_in_it() {
        let long = "x".repeat(300);
        let ids =
            ["../../etc/x", "/abs", "..\\win", "CON", "com1", "LPT0", "é", "..", long.as_str()];
        let names = of(&ids);
        for (id, name) in ids.iter().zip(&names) {
            assert_ne!(id, name);
            assert!(name.len() <= 80 && !is_windows_device(name), "{name}");
            assert!(name.chars().all(|c| is_plain_character(c) || c == '~'), "{name}");
        }
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), ids.len());
        assert_eq!(names[0], "______etc_x~56da1a2ef2dfa53b");
    }

    #[test]
    fn ids_that_differ_only_by_case_have_names_that_differ_without_it() {
        let names = of(&["AB", "Ab", "ab", "other"]);
        let folded: HashSet<_> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
        assert_eq!(folded.len(), 4);
        assert!(names[..3].iter().all(|name| name.contains('~')));
        assert_eq!(names[3], "other");
    }
}
