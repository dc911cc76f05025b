//! Exports that are killed, run out of space or lose their object store: readers
//! see whole revisions all the time, and the next export makes up for it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use agora_usage::domain::AccountId;
use agora_usage::store::Store;
use agora_usage::store::leases::{self, Lease};
use agora_usage::store::occupancy::partitions;
use serde_json::Value;

use crate::support::filled_lake::{Files, FilledLake, PARTITIONS, files_of, seen};
use crate::support::object_server::{Asked, Fault, ObjectServer};
use crate::support::program::Outcome;

const EXPORT: [&str; 2] = ["lake", "export"];
const URL: &str = "s3://bucket/lake";

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

/// A filled lake whose channels leave the database once they may, and what a
/// reader saw last.
struct Watched {
    setup: FilledLake,
    store: Store,
    lease: Lease,
    /// Of an export that nothing disturbed.
    expected: BTreeMap<String, Value>,
    before: BTreeMap<String, Value>,
    changes: u32,
}

impl Watched {
    async fn new() -> Self {
        let undisturbed = FilledLake::new().await;
        undisturbed.export().exits(0);
        let mut setup = FilledLake::new().await;
        let temporary = setup.program.folder().join("tmp");
        fs::create_dir(&temporary).expect("created");
        setup
            .program
            .set("TMPDIR", temporary.display().to_string())
            .set("AGORA_USAGE_OCCUPANCY_ARCHIVE", "true")
            .set("AGORA_USAGE_NOW", "2031-04-01T06:00:00Z");
        let store = setup.database.store().await;
        let account = AccountId::new("default").expect("name");
        let long = Duration::from_hours(1);
        let lease = leases::acquire(store.pool(), &account, "roll_up", "it", long).await;
        let lease = lease.expect("answered").expect("free");
        let expected = seen(&undisturbed.files());
        assert_eq!(expected.len(), PARTITIONS);
        Self { setup, store, lease, expected, before: BTreeMap::new(), changes: 0 }
    }

    /// Changes usage and occupancy of these accounts, so that there is something to export.
    async fn change(&mut self, accounts: &str) {
        self.changes += 1;
        let number = self.changes;
        let statements = format!(
            "update agora.usage_daily set audio_seconds = {number}, request_id = 100 + {number} \
             where project_id = 'P1' and day = '2031-02-11' and account_id in ({accounts}); \
             insert into agora.occupancy_snapshot \
             select account_id, project_id, '2031-03-04 05:00Z'::timestamptz \
                 + {number} * interval '1 minute', 1, 1, 1, true \
             from agora.project where project_id = 'P1' and account_id in ({accounts})"
        );
        self.setup.database.execute(&statements).await;
    }

    /// Readers see what they saw, or a newer revision, whole; what is published
    /// verifies; and no day is marked as archived that the lake does not have.
    async fn assert_whole(&mut self, files: &Files, url: &str) {
        let now = seen(files);
        for (folder, before) in &self.before {
            let revision = before["revision"].as_u64().expect("number");
            let after = now.get(folder).unwrap_or_else(|| panic!("{folder} is gone"));
            // Two more where the export before had made the first one, but no copy of it.
            let is_newer = (revision + 1..=revision + 2).any(|newer| after["revision"] == newer);
            assert!(after == before || is_newer, "{folder}: {before} {after}");
        }
        let verify = ["lake", "verify", "--files-only", "--url", url];
        self.setup.program.run(&verify).exits(0).says(&[" 0 differences"]);
        self.assert_marked(&now).await;
        self.before = now;
    }

    async fn assert_marked(&self, now: &BTreeMap<String, Value>) {
        let marked = "select day, to_char(account_bucket, 'FM00'), snapshots from agora.lake_day";
        for row in self.setup.database.rows(marked).await {
            let mut cells = row.trim_matches(['(', ')']).split(',');
            let (day, bucket) = (cells.next().expect("day"), cells.next().expect("bucket"));
            let snapshots: u64 = cells.next().and_then(|cell| cell.parse().ok()).expect("count");
            let partition = format!("day={day}/account_bucket={bucket}");
            let minutes = &now[&format!("occupancy_minute/{partition}")];
            let published = minutes["sums"]["snapshots"].as_str().and_then(|sum| sum.parse().ok());
            assert!(published >= Some(snapshots), "{partition}: {published:?} of {snapshots}");
            self.assert_channels(now, &format!("occupancy_channel/{partition}"));
        }
    }

    /// Of the days whose channels leave the database, the lake has all.
    async fn assert_only_archived_days_go(&self) {
        for day in self.drop_old().await {
            let folder = format!("occupancy_channel/day={day}/");
            for partition in self.expected.keys().filter(|name| name.starts_with(&folder)) {
                self.assert_channels(&self.before, partition);
            }
        }
    }

    fn assert_channels(&self, now: &BTreeMap<String, Value>, partition: &str) {
        let published = now.get(partition).unwrap_or_else(|| panic!("{partition} is not there"));
        assert_eq!(published["rows"], self.expected[partition]["rows"], "{partition}");
    }

    /// Drops the days of channels that may go; gives those that went.
    async fn drop_old(&self) -> Vec<String> {
        let first_kept = "2031-03-20".parse().expect("day");
        let dropped = partitions::drop_before(self.store.pool(), &self.lease, first_kept, true);
        dropped.await.expect("answered").dropped.iter().map(ToString::to_string).collect()
    }

    /// After all: one more export, and everything is there and nothing is left over.
    async fn end(mut self, url: &str, files: impl Fn() -> Files) {
        self.setup.program.run(&["lake", "export", "--to-url", url]).exits(0);
        self.assert_whole(&files(), url).await;
        self.setup.program.run(&["lake", "verify", "--url", url]).exits(0);
        assert_eq!(self.before.len(), PARTITIONS);
        self.assert_only_archived_days_go().await;
        let left = "select count(*) from agora.occupancy_channel";
        assert_eq!(self.setup.database.value(left).await, "0", "every day could go");
        let temporary = files_of(&self.setup.program.folder().join("tmp"));
        assert!(temporary.is_empty(), "{:?}", temporary.keys());
        let unfinished: Vec<String> =
            files().into_keys().filter(|name| name.contains('#')).collect();
        assert!(unfinished.is_empty(), "{unfinished:?}");
        Store::close(self.store).await;
    }
}

const ALL: &str = "'default', 'east', 'west'";

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

/// With a server that holds the lake, as far as it is exported without trouble.
async fn in_an_object_store() -> (Watched, ObjectServer) {
    let mut watched = Watched::new().await;
    let server = ObjectServer::start().await;
    watched
        .setup
        .program
        .set("AWS_ENDPOINT", server.address())
        .set("AWS_ALLOW_HTTP", "true")
        .set("AWS_ACCESS_KEY_ID", "test-id")
        .set("AWS_SECRET_ACCESS_KEY", "hush-secret")
        .set("AWS_REGION", "eu-central-1")
        .set("AGORA_USAGE_LAKE_URL", URL);
    watched.setup.export().exits(0);
    watched.assert_whole(&objects(&server), URL).await;
    (watched, server)
}

fn objects(server: &ObjectServer) -> Files {
    let below = |key: &str| key.strip_prefix("lake/").expect("below").to_owned();
    server.objects().iter().map(|(key, bytes)| (below(key), bytes.to_vec())).collect()
}

/// Each write of an export is the last one, done or not.
#[tokio::test(flavor = "multi_thread")]
async fn an_export_killed_at_any_write_to_an_object_store_leaves_readers_on_whole_revisions() {
    let (mut watched, server) = in_an_object_store().await;
    for carried_out in [false, true] {
        for last_write in 1.. {
            watched.change("'east'").await;
            let mut writes = 0;
            server.go_wrong(Fault::Silence { carried_out }, move |asked| {
                writes += usize::from(asked.is_put);
                asked.is_put && writes == last_write
            });
            let mut command = watched.setup.program.command(&EXPORT);
            let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
            let mut child = child.expect("started");
            while server.faults_happened() == 0 && child.try_wait().expect("asked").is_none() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            child.kill().expect("killed");
            let is_killed = child.wait().expect("ended").code().is_none();
            server.recover();
            watched.assert_whole(&objects(&server), URL).await;
            if !is_killed {
                assert!(last_write > 6, "two partitions at least, three writes each");
                break;
            }
        }
    }
    watched.end(URL, || objects(&server)).await;
}

fn is_data(asked: &Asked<'_>) -> bool {
    asked.is_put && asked.key.ends_with(".parquet")
}

fn is_revision(asked: &Asked<'_>) -> bool {
    asked.is_put && asked.key.contains("/manifest-r")
}

fn is_copy(asked: &Asked<'_>) -> bool {
    asked.is_put && asked.key.ends_with("/_manifest.json")
}

fn is_manifest_read(asked: &Asked<'_>) -> bool {
    !asked.is_put && asked.key.contains("manifest")
}

/// What is exported of occupancy is read again.
fn is_read_back(asked: &Asked<'_>) -> bool {
    !asked.is_put && asked.key.ends_with(".parquet")
}

type Chosen = fn(&Asked<'_>) -> bool;

#[tokio::test(flavor = "multi_thread")]
async fn an_object_store_that_fails_for_good_leaves_readers_on_whole_revisions() {
    let (mut watched, server) = in_an_object_store().await;
    let (lost, unheard) = (Fault::Cut { carried_out: false }, Fault::Cut { carried_out: true });
    let cases: [(Fault, Chosen, i32); 14] = [
        (Fault::Status(500), is_data, 1),
        (Fault::Status(403), is_data, 1),
        (Fault::Silence { carried_out: false }, is_data, 1),
        (unheard, is_data, 1),
        (Fault::Status(503), is_revision, 1),
        (lost, is_revision, 1),
        // Done but not answered: the revision is found to be there.
        (unheard, is_revision, 0),
        (Fault::Silence { carried_out: true }, is_revision, 0),
        (Fault::Status(500), is_copy, 1),
        (lost, is_copy, 1),
        (unheard, is_copy, 1),
        (Fault::Status(503), is_manifest_read, 1),
        (Fault::HalfAnswer, is_read_back, 1),
        (Fault::Status(404), is_read_back, 3),
    ];
    for (fault, chosen, exit_code) in cases {
        watched.change("'east'").await;
        if matches!(fault, Fault::Silence { .. }) {
            watched.setup.program.set("AWS_TIMEOUT", "500ms");
        }
        server.go_wrong(fault, chosen);
        let outcome = watched.setup.export().exits(exit_code);
        assert!(server.faults_happened() > 0, "{fault:?}: {outcome:?}");
        assert!(!format!("{outcome:?}").contains("hush"), "{outcome:?}");
        if exit_code == 1 {
            outcome.says(&["error: ", "s3://bucket/lake"]);
        }
        server.recover();
        watched.setup.program.unset("AWS_TIMEOUT");
        watched.assert_whole(&objects(&server), URL).await;
    }
    watched.end(URL, || objects(&server)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_store_that_fails_once_is_asked_again() {
    let (mut watched, server) = in_an_object_store().await;
    let lost = Fault::Cut { carried_out: false };
    let cases: [(Fault, Chosen); 7] = [
        (Fault::Status(503), is_data),
        (lost, is_data),
        (Fault::Status(500), is_revision),
        (Fault::Status(500), is_copy),
        (lost, is_copy),
        (Fault::Status(503), is_manifest_read),
        (lost, is_read_back),
    ];
    for (fault, chosen) in cases {
        watched.change("'east'").await;
        let mut has_failed = false;
        server.go_wrong(fault, move |asked| {
            let fails = !has_failed && chosen(asked);
            has_failed |= fails;
            fails
        });
        watched.setup.export().exits(0);
        assert_eq!(server.faults_happened(), 1, "{fault:?}");
        server.recover();
        watched.assert_whole(&objects(&server), URL).await;
    }
    watched.end(URL, || objects(&server)).await;
}
