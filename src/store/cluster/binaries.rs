//! Where the programs of PostgreSQL are.
//!
//! Owns the search order: PATH, then the system's packages, then what
//! `scripts/get-postgres` unpacked into the user's cache folder. Does not
//! download anything. An existing cluster needs the major version that made it.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use etcetera::BaseStrategy;

use super::error::ClusterError;

/// Oldest major version that the database schema works with.
const OLDEST_MAJOR_VERSION: u32 = 15;

/// A folder with `initdb` and `postgres`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    folder: PathBuf,
    version: String,
    major_version: u32,
}

impl Binaries {
    /// Folder that holds the programs, symbolic links resolved.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Path of `initdb`.
    pub(super) fn initdb(&self) -> PathBuf {
        self.folder.join("initdb")
    }

    /// Path of `postgres`.
    pub(super) fn postgres(&self) -> PathBuf {
        self.folder.join("postgres")
    }
}

/// The places to search, in their order.
#[derive(Debug, Clone)]
pub(super) struct SearchPlaces {
    /// Value of PATH.
    pub(super) path: Option<OsString>,
    /// Folders whose subfolders `*/bin` hold programs, the version in the subfolder's name.
    pub(super) version_folders: Vec<PathBuf>,
}

impl SearchPlaces {
    /// PATH, the packages of Debian and Ubuntu, and this user's cache folder.
    pub(super) fn of_this_user() -> Self {
        Self {
            path: env::var_os("PATH"),
            version_folders: vec![PathBuf::from("/usr/lib/postgresql"), cache_folder()],
        }
    }

    /// Finds programs: of `needed_major` for an existing cluster, else the first usable ones.
    ///
    /// # Errors
    /// [`ClusterError::NoBinaries`], or [`ClusterError::WrongMajorVersion`] for `cluster`.
    pub(super) fn find(
        &self,
        cluster: &Path,
        needed_major: Option<u32>,
    ) -> Result<Binaries, ClusterError> {
        let mut found = Vec::new();
        for folder in self.candidate_folders() {
            let Some(binaries) = inspect(&folder) else { continue };
            if needed_major.is_none_or(|needed| needed == binaries.major_version) {
                return Ok(binaries);
            }
            found.push(binaries.version);
        }
        match needed_major {
            Some(needed) => Err(ClusterError::WrongMajorVersion {
                folder: cluster.to_path_buf(),
                needed,
                found: if found.is_empty() { "none".to_owned() } else { found.join(", ") },
            }),
            None => Err(ClusterError::NoBinaries {
                searched: self
                    .version_folders
                    .iter()
                    .map(|folder| folder.display().to_string())
                    .collect::<Vec<_>>()
                    .join(", "),
            }),
        }
    }

    fn candidate_folders(&self) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> =
            self.path.iter().flat_map(env::split_paths).filter(|path| path.is_absolute()).collect();
        for parent in &self.version_folders {
            folders.extend(newest_first(parent).into_iter().map(|version| version.join("bin")));
        }
        folders
    }
}

/// Cache folder of `scripts/get-postgres`; root's is open to the user that runs the server.
fn cache_folder() -> PathBuf {
    let caches = if rustix::process::geteuid().is_root() {
        PathBuf::from("/var/cache")
    } else {
        etcetera::choose_base_strategy()
            .map_or_else(|_| PathBuf::from("/nonexistent"), |strategy| strategy.cache_dir())
    };
    caches.join("agora-usage/postgres")
}

fn newest_first(parent: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    let mut versions: Vec<(Vec<u32>, PathBuf)> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let name = entry.file_name();
            let numbers: Result<Vec<u32>, _> = name.to_str()?.split('.').map(str::parse).collect();
            Some((numbers.ok()?, entry.path()))
        })
        .collect();
    versions.sort_unstable();
    versions.into_iter().rev().map(|(_, path)| path).collect()
}

/// The programs in a folder, when both are there, run, and are not too old.
fn inspect(folder: &Path) -> Option<Binaries> {
    // A link on PATH leads to the folder that holds the libraries and the time zones too.
    let postgres = fs::canonicalize(folder.join("postgres")).ok()?;
    let folder = postgres.parent()?.to_path_buf();
    if !folder.join("initdb").is_file() {
        return None;
    }
    let output = Command::new(&postgres).arg("--version").output().ok()?;
    let version = parse_version(&String::from_utf8_lossy(&output.stdout))?;
    let major_version = leading_number(&version)?;
    (major_version >= OLDEST_MAJOR_VERSION).then_some(Binaries { folder, version, major_version })
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` -> `15.18`.
fn parse_version(text: &str) -> Option<String> {
    let (_, after_name) = text.split_once("(PostgreSQL) ")?;
    after_name.split_whitespace().next().map(str::to_owned)
}

/// Major version of a version such as `15.18`, or `18beta1`.
pub(super) fn leading_number(version: &str) -> Option<u32> {
    let digits = version.chars().take_while(char::is_ascii_digit).count();
    version.get(..digits)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn fake_programs(folder: &Path, version: &str) {
        fs::create_dir_all(folder).expect("create");
        for name in ["initdb", "postgres"] {
            let program = folder.join(name);
            fs::write(&program, format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n"))
                .expect("write");
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("chmod");
        }
    }

    fn places(path: Option<&Path>, versions: &Path) -> SearchPlaces {
        SearchPlaces {
            path: path.map(|path| path.as_os_str().to_owned()),
            version_folders: vec![versions.to_path_buf()],
        }
    }

    #[test]
    fn versions_of_packages_and_betas_are_read() {
        let debian = "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n";
        assert_eq!(parse_version(debian).as_deref(), Some("15.18"));
        assert_eq!(leading_number("18beta1"), Some(18));
        assert_eq!(leading_number("devel"), None);
        assert_eq!(parse_version("another program"), None);
    }

    #[test]
    fn path_comes_first_then_the_newest_version() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let (on_path, versions) = (folder.path().join("programs"), folder.path().join("versions"));
        fake_programs(&on_path, "16.2");
        fake_programs(&versions.join("9/bin"), "9.6");
        fake_programs(&versions.join("17.9/bin"), "17.9");
        fake_programs(&versions.join("17.10/bin"), "17.10");
        let cluster = Path::new("/nowhere");
        let version = |places: SearchPlaces, needed| {
            places.find(cluster, needed).expect("found").version.clone()
        };
        assert_eq!(version(places(Some(&on_path), &versions), None), "16.2");
        assert_eq!(version(places(None, &versions), None), "17.10");
        assert_eq!(version(places(Some(&on_path), &versions), Some(17)), "17.10");
    }

    #[test]
    fn without_programs_the_error_tells_how_to_get_them() {
        let folder = tempfile::tempdir().expect("temporary folder");
        fake_programs(&folder.path().join("14/bin"), "14.2");
        let error = places(None, folder.path()).find(Path::new("/nowhere"), None);
        let error = error.expect_err("14 is too old");
        assert!(matches!(error, ClusterError::NoBinaries { .. }));
        let text = error.to_string();
        assert!(text.contains("scripts/get-postgres") && text.contains("DATABASE_URL"), "{text}");
        assert!(!text.contains('\n'));
    }

    #[test]
    fn an_existing_cluster_needs_the_version_that_made_it() {
        let folder = tempfile::tempdir().expect("temporary folder");
        fake_programs(&folder.path().join("18/bin"), "18.4");
        let error = places(None, folder.path()).find(Path::new("/data/postgres"), Some(15));
        let text = error.expect_err("no 15").to_string();
        assert!(text.contains("made by PostgreSQL 15"), "{text}");
        assert!(text.contains("found: 18.4"), "{text}");
    }
}
