//! Exports into a folder that are killed or run out of space: readers see whole
//! revisions all the time, and the next export makes up for it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::filled_lake::{Files, FilledLake, files_of};
use crate::support::program::Outcome;
use crate::support::watched_lake::Watched;

const EXPORT: [&str; 2] = ["lake", "export"];

const ALL: &str = "'default', 'east', 'west'";

/// Exit code of the script below where this machine mounts nothing for it.
const NO_MOUNT: i32 = 125;

/// Exports into a volume of so many KiB that holds the lake, and brings back
/// what is there afterwards. The volume is in a name space of its own.
const ON_A_SMALL_VOLUME: &str = r#"
mount -t tmpfs -o "size=$KIB"k none "$LAKE" || exit 125
cp -a "$COPY/." "$LAKE"
"$PROGRAM" lake export
code=$?
rm -rf "$COPY"
cp -a "$LAKE" "$COPY"
exit $code
"#;

fn lake_url(watched: &Watched) -> String {
    watched.setup.lake.display().to_string()
}

/// Kills an export when so many files more are in its lake; false when it was too late.
fn killed_at(setup: &FilledLake, new_files: usize) -> bool {
    let count = || walk(setup.lake.clone());
    let wanted = count() + new_files;
    let mut command = setup.program.command(&EXPORT);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut child = child.expect("started");
    while count() < wanted && child.try_wait().expect("asked").is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().expect("killed");
    child.wait().expect("ended").code().is_none()
}

/// Number of files below a folder; they come and go meanwhile.
fn walk(folder: PathBuf) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { walk(entry.path()) } else { 1 }).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_export_leaves_readers_on_whole_revisions() {
    let mut watched = Watched::new().await;
    let url = lake_url(&watched);
    let mut killed = 0;
    // Before anything is published, and so on until much of it is.
    for new_files in [0, 1, 2, 3, 4, 10, 20, 25] {
        killed += usize::from(killed_at(&watched.setup, new_files));
        let files = watched.setup.files();
        watched.assert_whole(&files, &url).await;
        watched.assert_only_archived_days_go().await;
    }
    assert!(killed > 4, "{killed}");
    watched.setup.export().exits(0);
    let files = watched.setup.files();
    watched.assert_whole(&files, &url).await;
    for new_files in 0..12 {
        watched.change(ALL).await;
        killed_at(&watched.setup, new_files);
        let files = watched.setup.files();
        watched.assert_whole(&files, &url).await;
    }
    let lake = watched.setup.lake.clone();
    watched.end(&url, || files_of(&lake)).await;
}

fn limited_export(setup: &FilledLake, limits: &str) -> Outcome {
    let output = setup.program.limited_command(limits, &EXPORT).output().expect("the program runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Outcome {
        exit_code: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// By a limit of the system on the size of any file, which ordinary users have too.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_fails_or_kills_leaves_readers_on_whole_revisions() {
    let mut watched = Watched::new().await;
    let url = lake_url(&watched);
    // Nothing can be written; then some partitions, as large as they are.
    limited_export(&watched.setup, "trap '' XFSZ; ulimit -f 1").exits(1);
    let nothing = watched.setup.files();
    watched.assert_whole(&nothing, &url).await;
    assert!(watched.before.is_empty());
    watched.setup.export().exits(0);
    let files = watched.setup.files();
    watched.assert_whole(&files, &url).await;
    let is_changed = |name: &str| {
        let is_of_the_days =
            name.contains("day=2031-03-04") || name.contains("usage_month=2031-02");
        is_of_the_days && name.ends_with(".parquet") && !name.starts_with("cost_daily")
    };
    let sizes = files.iter().filter(|(name, _)| is_changed(name)).map(|(_, file)| file.len());
    let mut sizes: Vec<usize> = sizes.collect();
    sizes.sort_unstable();
    for third in 0..=3 {
        let blocks = (sizes[(sizes.len() - 1) * third / 3] - 1) / 512;
        for (ignored, exit_code) in [("trap '' XFSZ; ", Some(1)), ("", None)] {
            watched.change(ALL).await;
            let outcome = limited_export(&watched.setup, &format!("{ignored}ulimit -f {blocks}"));
            assert_eq!(outcome.exit_code, exit_code, "{blocks}: {outcome:?}");
            let files = watched.setup.files();
            watched.assert_whole(&files, &url).await;
        }
    }
    let lake = watched.setup.lake.clone();
    watched.end(&url, || files_of(&lake)).await;
}

/// On a volume that is full, where this machine lets the test mount one.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_volume_leaves_readers_on_whole_revisions() {
    let mut watched = Watched::new().await;
    let url = lake_url(&watched);
    watched.setup.export().exits(0);
    let files = watched.setup.files();
    watched.assert_whole(&files, &url).await;
    let mut failed = 0;
    for pages in [0, 1, 2, 3, 4, 5, 9, 14, 20, 30] {
        watched.change(ALL).await;
        let kib = 4 * (pages + pages_of(&watched.setup.files()));
        let Some(outcome) = export_on_a_small_volume(&watched.setup, kib) else {
            println!("left out: no volume can be mounted here");
            break;
        };
        if outcome.exit_code == Some(1) {
            outcome.says(&["No space left on device"]);
            failed += 1;
        } else {
            outcome.exits(0);
        }
        let files = watched.setup.files();
        watched.assert_whole(&files, &url).await;
        assert!(failed > pages.min(4), "the first ones had no space");
    }
    let lake = watched.setup.lake.clone();
    watched.end(&url, || files_of(&lake)).await;
}

/// Pages of 4 KiB that the files take on a volume in memory.
fn pages_of(files: &Files) -> usize {
    files.values().map(|file| file.len().div_ceil(4096)).sum()
}

/// None where nothing can be mounted.
fn export_on_a_small_volume(setup: &FilledLake, kib: usize) -> Option<Outcome> {
    let copy = setup.lake.with_file_name("copy");
    fs::create_dir_all(&setup.lake).expect("created");
    let copied = Command::new("cp").arg("-a").args([&setup.lake, &copy]).status();
    assert!(copied.expect("run").success());
    let exported = setup.program.command(&EXPORT);
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command.args(["--mount", "sh", "-c", ON_A_SMALL_VOLUME]);
    command.current_dir(setup.program.folder()).env_clear();
    command.envs(exported.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("PROGRAM", exported.get_program()).env("KIB", kib.to_string());
    command.env("LAKE", &setup.lake).env("COPY", &copy);
    let output = command.output().ok()?;
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    let is_mounted = output.status.code() != Some(NO_MOUNT) && !stderr.contains("unshare: ");
    if is_mounted {
        fs::remove_dir_all(&setup.lake).expect("removed");
        fs::rename(&copy, &setup.lake).expect("renamed");
    } else {
        fs::remove_dir_all(&copy).expect("removed");
    }
    is_mounted.then(|| Outcome { exit_code: output.status.code(), stdout, stderr })
}
