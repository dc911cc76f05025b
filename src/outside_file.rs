//! Files from outside, read within a bound: whatever a path leads to, memory stays small.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The whole text of a file that has at most so many bytes.
///
/// # Errors
/// What is wrong, as the end of a sentence that begins with the file's name.
pub(crate) fn text_of(path: &Path, most_bytes: u64) -> Result<String, String> {
    let bytes = bytes_of(path, most_bytes)?;
    String::from_utf8(bytes).map_err(|_| "is not valid UTF-8".to_owned())
}

/// The same of a file that need not be UTF-8.
///
/// # Errors
/// As [`text_of`].
pub(crate) fn bytes_of(path: &Path, most_bytes: u64) -> Result<Vec<u8>, String> {
    let unread = |error: std::io::Error| format!("cannot be read: {error}");
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unread)?;
    file.take(most_bytes + 1).read_to_end(&mut bytes).map_err(unread)?;
    if bytes.len() as u64 > most_bytes {
        return Err(format!("is larger than the {most_bytes} bytes that it may have"));
    }
    Ok(bytes)
}

/// What is wrong with a CSV text, with the line where it is known.
pub(crate) fn csv_fault(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            format!("line {line}: has {len} fields; {expected_len} are needed")
        }
        csv::ErrorKind::Utf8 { pos, .. } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            format!("line {line}: is not valid UTF-8")
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_another_length_is_named_by_its_line() {
        let mut reader = csv::Reader::from_reader("a,b\n1,2\n3\n".as_bytes());
        let error = reader.records().find_map(Result::err).expect("short");
        assert_eq!(csv_fault(&error), "line 3: has 1 fields; 2 are needed");
    }

    #[test]
    fn a_file_without_an_end_is_refused_and_one_at_the_bound_is_read() {
        assert!(text_of(Path::new("/dev/zero"), 10).expect_err("endless").contains("10 bytes"));
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("file");
        std::fs::write(&path, "0123456789").expect("written");
        assert_eq!(text_of(&path, 10).as_deref(), Ok("0123456789"));
        assert!(text_of(&path, 9).is_err());
        assert!(text_of(folder.path(), 9).expect_err("a folder").contains("cannot be read"));
    }
}
