//! The built program, run as a user runs it, in an environment of its own.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

/// Bound on one run, so that a program that hangs fails its test.
const LONGEST_RUN: Duration = Duration::from_mins(2);

/// How the program is run: its environment and the folder it is started in.
pub(crate) struct Program {
    folder: TempDir,
    variables: BTreeMap<String, String>,
}

/// How a run ended and what it said.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) exit_code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Program {
    /// An empty home, no settings, nothing of the caller's environment but where programs are.
    pub(crate) fn new() -> Self {
        // Open to the user that runs the private PostgreSQL of root.
        let open = std::fs::Permissions::from_mode(0o755);
        let folder = tempfile::Builder::new().permissions(open).tempdir().expect("folder");
        let home = folder.path().display().to_string();
        // Found first, so that a file of the machine plays no part.
        std::fs::write(folder.path().join("agora-usage.toml"), "").expect("written");
        let mut variables = BTreeMap::new();
        // Where PostgreSQL's programs may be: unpacked ones are in the caller's cache folder.
        for name in ["PATH", "LD_LIBRARY_PATH"] {
            variables.extend(std::env::var(name).ok().map(|value| (name.to_owned(), value)));
        }
        let caches = std::env::var("XDG_CACHE_HOME")
            .or_else(|_| std::env::var("HOME").map(|home| format!("{home}/.cache")));
        variables.extend(caches.ok().map(|caches| ("XDG_CACHE_HOME".to_owned(), caches)));
        for name in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"] {
            variables.insert(name.to_owned(), home.clone());
        }
        Self { folder, variables }
    }

    /// Sets a variable for the runs to come.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) -> &mut Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    /// What a variable is set to.
    pub(crate) fn variable(&self, name: &str) -> &str {
        &self.variables[name]
    }

    /// Takes a variable away.
    pub(crate) fn unset(&mut self, name: &str) -> &mut Self {
        self.variables.remove(name);
        self
    }

    /// The folder that the program is started in.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        let mut command = assert_cmd::Command::from_std(self.command(arguments));
        let output = command.timeout(LONGEST_RUN).output().expect("the program runs");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Outcome {
            exit_code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// The command of a run, for tests that do not wait for its end.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_agora-usage"));
        command.args(arguments).current_dir(self.folder()).env_clear().envs(&self.variables);
        command
    }

    /// The command of a run within limits that the shell sets, such as `ulimit -f 8`.
    pub(crate) fn limited_command(&self, limits: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("sh");
        let script = format!("{limits}; exec \"$0\" \"$@\"");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_agora-usage")]).args(arguments);
        command.current_dir(self.folder()).env_clear().envs(&self.variables);
        command
    }
}

impl Outcome {
    /// Fails the test, showing what was said, unless the run ended with this code.
    #[track_caller]
    pub(crate) fn exits(self, exit_code: i32) -> Self {
        let Self { stdout, stderr, .. } = &self;
        assert_eq!(self.exit_code, Some(exit_code), "\nstdout:\n{stdout}\nstderr:\n{stderr}");
        self
    }

    /// Fails the test unless stdout or stderr holds each of these texts.
    #[track_caller]
    pub(crate) fn says(self, texts: &[&str]) -> Self {
        let Self { stdout, stderr, .. } = &self;
        for text in texts {
            let is_said = stdout.contains(text) || stderr.contains(text);
            assert!(is_said, "'{text}' is missing\nstdout:\n{stdout}\nstderr:\n{stderr}");
        }
        self
    }
}
