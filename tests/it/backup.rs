//! `backup` and `restore`: the whole database as files, and back, on another
//! database and on another version of PostgreSQL.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use agora_usage::store::migrate::newest_version;
use sha2::{Digest, Sha256};

use crate::support::database::TestDatabase;
use crate::support::fake_api::{AUDIO, app_id, channel_page};
use crate::support::program::Program;
use crate::support::setup::Setup;

/// Programs of PostgreSQL of another major version than the tests' server.
const OTHER_POSTGRES_VARIABLE: &str = "AGORA_TEST_OTHER_POSTGRES";

/// Usage with a correction, live channels, reports and runs of jobs.
async fn account() -> Setup {
    let mut setup = Setup::at("2031-03-12T09:00:00Z").await;
    setup.api.list(&["P1", "P2"]);
    for day in 1..=11 {
        let day_name = format!("2031-03-{day:02}");
        setup.api.use_seconds("P1", &day_name, &[(AUDIO, 3_600_000 * day)]);
    }
    let names = || ["a", "b \"c\"", ""].map(str::to_owned);
    setup.api.serve_channels(&app_id("P1"), move |_| channel_page(names(), 2, 3));
    setup.run(&["daemon", "--once"]).exits(0);
    setup.api.use_seconds("P1", "2031-03-11", &[(AUDIO, 1)]);
    setup.now("2031-03-12T15:00:00Z");
    setup.run(&["daemon", "--once"]).exits(0);
    setup
}

/// SHA-256 of each file of a folder, by name; the manifest tells when it was made.
fn hashes(folder: &Path) -> BTreeMap<String, String> {
    let files = fs::read_dir(folder).expect("folder").map(|entry| entry.expect("entry").path());
    let tables = files.filter(|path| path.extension().is_some_and(|end| end == "csv"));
    let hash = |path: PathBuf| {
        let name = path.file_name().expect("name").to_string_lossy().into_owned();
        (name, format!("{:x}", Sha256::digest(fs::read(&path).expect("read"))))
    };
    tables.map(hash).collect()
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_database_holds_the_same_and_goes_on() {
    let mut setup = account().await;
    let folder = setup.program.folder().to_path_buf();
    let (first, second) = (folder.join("backups/first"), folder.join("backups/second"));
    let said = [format!("of migration {}", newest_version())];
    let said: Vec<&str> = said.iter().map(String::as_str).collect();
    setup.run(&["backup", &text(&first)]).exits(0).says(&said);
    let refused = setup.run(&["backup", &text(&first)]).exits(1);
    refused.says(&["exists and is not empty", "hint: a backup is never replaced"]);
    let refused = setup.run(&["restore", &text(&first)]).exits(1);
    refused.says(&["holds data already", "hint: create an empty database"]);

    let restored = TestDatabase::empty();
    setup.program.set("DATABASE_URL", restored.url());
    setup.run(&["restore", &text(&first)]).exits(0).says(&["restored"]);
    setup.run(&["backup", &text(&second)]).exits(0);
    assert_eq!(hashes(&first), hashes(&second));
    assert!(hashes(&first).len() > 10);
    let corrected = "select count(*) from agora.usage_revision where audio_seconds = 39600000";
    assert_eq!(restored.value(corrected).await, "1");
    // A slot that was run is not run again, and the next one is.
    setup.api.asked();
    setup.run(&["daemon", "--once"]).exits(0);
    assert_eq!(setup.api.asked_seconds(), [""; 0]);
    setup.now("2031-03-13T09:00:00Z");
    setup.run(&["daemon", "--once"]).exits(0);
    let numbers = "select count(*) = count(distinct request_id) from agora.sync_request";
    assert_eq!(restored.value(numbers).await, "t");
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_who_were_granted_before_a_restore_stay_and_others_are_told() {
    let mut setup = account().await;
    for role in ["it_restored_wide", "it_restored_tenant", "it_restored_gone"] {
        setup.database.url_of_a_role(role).await;
    }
    setup.run(&["migrate", "--grant-reader", "it_restored_wide"]).exits(0);
    for role in ["it_restored_tenant", "it_restored_gone"] {
        setup.run(&["migrate", "--grant-reader", role, "--tenant", "default"]).exits(0);
    }
    let folder = text(&setup.program.folder().join("backup"));
    setup.run(&["backup", &folder]).exits(0);

    let restored = TestDatabase::empty();
    setup.program.set("DATABASE_URL", restored.url());
    setup.run(&["migrate", "--grant-reader", "it_restored_tenant"]).exits(0);
    let outcome = setup.run(&["restore", &folder]).exits(0);
    let said = outcome.says(&["were not granted here", "migrate --grant-reader ROLE"]).stdout;
    assert!(said.contains("\n  it_restored_gone: accounts default\n"), "{said}");
    assert!(said.contains("\n  it_restored_wide: every account\n"), "{said}");
    assert!(!said.contains("it_restored_tenant"), "{said}");
    let readers = "select account_id, role_name from agora.account_reader";
    assert_eq!(restored.rows(readers).await, ["(*,it_restored_tenant)"]);
    // What the reader was granted before shows the rows that came.
    let url = restored.url_of_a_role("it_restored_tenant").await;
    setup.program.set("DATABASE_URL", url);
    let projects = setup.run(&["query", "projects"]).exits(0).stdout;
    assert_eq!(projects.lines().count(), 3, "{projects}");
    // Rows of any other table still speak against it.
    setup.program.set("DATABASE_URL", restored.url());
    setup.run(&["restore", &folder]).exits(1).says(&["holds data already"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_moves_to_another_version_of_postgresql_and_back() {
    let Some(other_postgres) = other_postgres() else {
        println!("left out: {OTHER_POSTGRES_VARIABLE} names no other version of PostgreSQL");
        return;
    };
    let setup = account().await;
    let folder = setup.program.folder().to_path_buf();
    let [first, second, third] = ["first", "second", "third"].map(|name| text(&folder.join(name)));
    setup.run(&["backup", &first]).exits(0);

    // A private PostgreSQL of the other version.
    let mut other = Program::new();
    let path: OsString = std::env::join_paths(
        std::iter::once(other_postgres)
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    )
    .expect("a path");
    let data_folder = text(&other.folder().join("data"));
    other
        .set("PATH", path.to_string_lossy())
        .set("AGORA_USAGE_DATA_FOLDER", data_folder)
        .set("AGORA_USAGE_NOW", "2031-03-12T15:00:00Z");
    other.run(&["restore", &first]).exits(0);
    other.run(&["backup", &second]).exits(0);
    assert_eq!(hashes(Path::new(&first)), hashes(Path::new(&second)));
    let major = |folder: &str| {
        let manifest = fs::read_to_string(Path::new(folder).join("manifest.json")).expect("read");
        let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
        let version = manifest["postgresql"].as_str().expect("version").to_owned();
        version.split('.').next().map(str::to_owned)
    };
    assert_ne!(major(&first), major(&second));

    let back = TestDatabase::empty();
    let mut program = Program::new();
    program.set("DATABASE_URL", back.url()).set("AGORA_USAGE_NOW", "2031-03-12T15:00:00Z");
    program.run(&["restore", &second]).exits(0);
    program.run(&["backup", &third]).exits(0);
    assert_eq!(hashes(Path::new(&first)), hashes(Path::new(&third)));
}

/// Programs of another major version: the folder that the variable names.
fn other_postgres() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os(OTHER_POSTGRES_VARIABLE)?);
    let version = Command::new(folder.join("postgres")).arg("--version").output();
    version.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    Some(folder)
}
