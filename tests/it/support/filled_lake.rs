//! A database with something for every dataset of the lake, and what readers of a lake see.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use agora_usage::store::Store;
use agora_usage::store::occupancy::partitions;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::database::TestDatabase;
use super::program::{Outcome, Program};

const DATA: &str = include_str!("lake_data.sql");

/// Partitions of a lake that holds all of the data.
pub(crate) const PARTITIONS: usize = 27;

/// Files by their path within the lake.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// A filled database, and a program that exports it into a folder beside its settings.
pub(crate) struct FilledLake {
    pub(crate) database: TestDatabase,
    pub(crate) program: Program,
    pub(crate) lake: PathBuf,
}

impl FilledLake {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::new();
        let store = database.store().await;
        let first = "2031-03-03".parse().expect("day");
        partitions::ensure(store.pool(), first, 2).await.expect("made");
        Store::close(store).await;
        database.execute(DATA).await;
        let mut program = Program::new();
        let lake = program.folder().join("lake");
        program
            .set("DATABASE_URL", database.url())
            .set("AGORA_USAGE_LAKE_URL", lake.display().to_string())
            .set("AGORA_USAGE_NOW", "2031-03-05T06:00:00Z");
        Self { database, program, lake }
    }

    pub(crate) fn export(&self) -> Outcome {
        self.program.run(&["lake", "export"])
    }

    pub(crate) fn verify(&self) -> Outcome {
        self.program.run(&["lake", "verify"])
    }

    /// Settings of a daemon that works on these accounts, and reaches no platform.
    pub(crate) fn work_on(&mut self, accounts: &[&str]) {
        let rows = accounts.iter().map(|name| format!("{name},id-{name},SECRET\n"));
        let rows: String = rows.collect();
        let file = self.program.folder().join("accounts.csv");
        fs::write(&file, format!("name,customer_id,customer_secret_env\n{rows}")).expect("written");
        self.program
            .set("AGORA_USAGE_ACCOUNTS_FILE", file.display().to_string())
            .set("SECRET", "hush")
            .set("AGORA_USAGE_ATTEMPTS_PER_HOST", "1")
            .set("AGORA_USAGE_ALLOW_HTTP", "true")
            .set("AGORA_BASE_URL", "http://127.0.0.1:9");
    }

    /// Every file of the lake with its content.
    pub(crate) fn files(&self) -> Files {
        files_of(&self.lake)
    }
}

/// Every file below a folder with its content; none where there is no folder.
pub(crate) fn files_of(folder: &Path) -> Files {
    let mut files = Files::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).into_iter().flatten() {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below").display().to_string();
                files.insert(name, fs::read(path).expect("read"));
            }
        }
    }
    files
}

/// What a reader sees who goes by `_manifest.json`, as the README says: the
/// manifest of each partition. Fails the test where a file that one of them
/// lists is not there, or is not the file of its hash.
pub(crate) fn seen(files: &Files) -> BTreeMap<String, Value> {
    let manifests = files.iter().filter_map(|(path, text)| {
        let folder = path.strip_suffix("/_manifest.json")?;
        Some((folder, serde_json::from_slice::<Value>(text).expect("JSON")))
    });
    let checked = manifests.map(|(folder, manifest)| {
        for entry in manifest["files"].as_array().expect("files") {
            let path = format!("{folder}/{}", entry["name"].as_str().expect("name"));
            let bytes = files.get(&path).unwrap_or_else(|| panic!("{path} is not there"));
            let sha256 = format!("{:x}", Sha256::digest(bytes));
            assert_eq!(entry["sha256"].as_str(), Some(sha256.as_str()), "{path}");
        }
        (folder.to_owned(), manifest)
    });
    checked.collect()
}
