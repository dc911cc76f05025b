use tempfile::TempDir;

use super::*;

fn write(staging: &Staging, path: &str, bytes: &[u8]) -> Result<(), ReportError> {
    staging.below("")?.write_bytes(path, bytes)
}

fn publish(parent: &Path, content: &str) -> Result<PathBuf, ReportError> {
    let staging = Staging::begin(parent, "2031-03")?;
    write(&staging, "summary.csv", content.as_bytes())?;
    let listing = r#"{"files": [{"path": "summary.csv"}]}"#;
    write(&staging, manifest::FILE_NAME, listing.as_bytes())?;
    staging.publish()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("folder");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("entry").file_name();
    let mut names: Vec<_> =
        entries.map(|entry| name(entry).to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn nothing_is_under_the_final_name_before_publication() {
    let parent = TempDir::new().expect("folder");
    let staging = Staging::begin(parent.path(), "2031-03").expect("begun");
    write(&staging, "summary.csv", b"x").expect("written");
    assert!(!parent.path().join("2031-03").exists());
    drop(staging);
    assert!(names(parent.path()).is_empty());
}

#[test]
fn both_ways_of_replacing_leave_the_new_report_alone() {
    let parent = TempDir::new().expect("folder");
    publish(parent.path(), "first").expect("published");
    publish(parent.path(), "second").expect("published");
    let mut staging = Staging::begin(parent.path(), "2031-03").expect("begun");
    write(&staging, "summary.csv", b"third").expect("written");
    staging.leftover = Some(staging.move_aside_and_rename().expect("renamed"));
    drop(staging);
    assert_eq!(names(parent.path()), ["2031-03"]);
    let content = fs::read_to_string(parent.path().join("2031-03/summary.csv"));
    assert_eq!(content.expect("file"), "third");
}

#[test]
fn folders_of_dead_runs_are_removed_and_those_of_living_ones_stay() {
    let parent = TempDir::new().expect("folder");
    let living = Staging::begin(parent.path(), "2031-02").expect("begun");
    for name in [".2031-03.999-0.partial", ".2031-01.7-12.partial", ".mine.partial", "note"] {
        fs::create_dir(parent.path().join(name)).expect("folder");
    }
    publish(parent.path(), "x").expect("published");
    let left = names(parent.path());
    assert_eq!(left.len(), 4, "{left:?}");
    for name in ["2031-03", ".mine.partial", "note"] {
        assert!(left.contains(&name.to_owned()), "{left:?}");
    }
    assert!(living.folder.exists());
}

#[test]
fn a_report_that_a_dead_run_moved_aside_comes_back() {
    let parent = TempDir::new().expect("folder");
    let target = publish(parent.path(), "earlier").expect("published");
    fs::rename(&target, parent.path().join(".2031-03.999-0.old")).expect("moved");
    drop(Staging::begin(parent.path(), "2031-03").expect("begun"));
    assert_eq!(fs::read_to_string(target.join("summary.csv")).expect("file"), "earlier");
    assert_eq!(names(parent.path()), ["2031-03"]);
}

#[test]
fn files_that_no_report_wrote_stay() {
    let parent = TempDir::new().expect("folder");
    let target = publish(parent.path(), "first").expect("published");
    fs::write(target.join("notes.txt"), "mine").expect("file");
    fs::create_dir(target.join("r1")).expect("folder");
    fs::write(target.join("r1/summary.csv"), "closed").expect("file");
    publish(parent.path(), "second").expect("published");
    let read = |path: &str| fs::read_to_string(target.join(path)).expect("file");
    assert_eq!(read("summary.csv"), "second");
    assert_eq!(read("notes.txt"), "mine");
    assert_eq!(read("r1/summary.csv"), "closed");
}

#[test]
fn a_foreign_file_in_the_way_is_an_error_and_stays() {
    let parent = TempDir::new().expect("folder");
    let target = parent.path().join("2031-03");
    fs::create_dir(&target).expect("folder");
    fs::write(target.join("summary.csv"), "mine").expect("file");
    let error = publish(parent.path(), "x").expect_err("refused");
    assert!(matches!(error, ReportError::ForeignFile { .. }), "{error}");
    assert_eq!(fs::read_to_string(target.join("summary.csv")).expect("file"), "mine");
    assert_eq!(names(parent.path()), ["2031-03"]);
}

#[test]
fn runs_at_the_same_moment_each_publish_whole() {
    let parent = TempDir::new().expect("folder");
    std::thread::scope(|scope| {
        for content in ["a", "b", "c", "d"] {
            let parent = parent.path();
            scope.spawn(move || {
                for _ in 0..20 {
                    publish(parent, content).expect("published");
                }
            });
        }
    });
    drop(Staging::begin(parent.path(), "2031-03").expect("begun"));
    assert_eq!(names(parent.path()), ["2031-03"]);
    assert_eq!(names(&parent.path().join("2031-03")), ["manifest.json", "summary.csv"]);
}

#[test]
fn a_file_where_a_folder_should_be_is_found_before_the_work() {
    let parent = TempDir::new().expect("folder");
    let file = parent.path().join("reports");
    assert!(check_writable(&file.join("deep/er")).is_ok());
    assert!(check_writable(Path::new("")).is_ok());
    fs::write(&file, "x").expect("file");
    for out in [file.clone(), file.join("deeper")] {
        let error = check_writable(&out).expect_err("refused");
        assert!(error.to_string().contains("--out"), "{error}");
        let error = Staging::begin(&out, "2031-03").expect_err("refused");
        assert!(error.to_string().contains("--out"), "{error}");
    }
    assert_eq!(names(parent.path()), ["reports"]);
}
