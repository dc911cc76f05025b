//! A program with its database and its simulated platform, on a clock of their own.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::json;

use super::database::TestDatabase;
use super::program::Program;
use super::simulated::Running;

/// Bound on one run, so that one that hangs fails its test: far above what a busy machine needs.
const LONGEST_RUN: Duration = Duration::from_mins(4);

/// Exit code of a panic.
pub(crate) const PANICKED: i32 = 101;

pub(crate) struct World {
    pub(crate) database_url: String,
    pub(crate) program: Program,
    pub(crate) platform: Running,
    log: PathBuf,
}

/// A run under way; what it says goes to the log of its world.
pub(crate) struct Run {
    pub(crate) child: Child,
    listener: JoinHandle<()>,
}

impl Run {
    /// Waits for its end.
    pub(crate) fn end(mut self) -> ExitStatus {
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("asked") {
                break status;
            }
            if started.elapsed() > LONGEST_RUN {
                self.child.kill().expect("killed");
                panic!("a run did not end within {} s", LONGEST_RUN.as_secs());
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        self.listener.join().expect("listened to");
        status
    }
}

impl World {
    /// A platform of these flags; what is said is kept in the file `log`.
    pub(crate) fn start(
        database_url: String,
        mut program: Program,
        now: &str,
        simulator: &[&str],
        log: PathBuf,
    ) -> Self {
        program
            .set("DATABASE_URL", database_url.as_str())
            .set("AGORA_USAGE_NOW", now)
            .set("AGORA_USAGE_FIRST_RETRY_WAIT_MS", "1")
            .set("AGORA_USAGE_ATTEMPTS_PER_HOST", "6")
            .set("AGORA_USAGE_REQUESTS_PER_SECOND", "0")
            .set("AGORA_USAGE_STATISTICS_REQUESTS_PER_SECOND", "0");
        let unlimited = ["--requests-per-second", "0", "--statistics-requests-per-second", "0"];
        let platform = Running::start(&program, &[&unlimited[..], simulator].concat());
        platform.set_up(&mut program);
        File::create(&log).expect("created");
        Self { database_url, program, platform, log }
    }

    /// Moves both clocks.
    pub(crate) fn set_clock(&mut self, now: &str) {
        self.program.set("AGORA_USAGE_NOW", now);
        let (status, answer) =
            self.platform.call("POST", "/simulator/clock", Some(&json!({ "now": now })));
        assert_eq!(status, 200, "{answer}");
    }

    /// What goes wrong at the platform from now on, in place of what did.
    pub(crate) fn set_faults(&self, faults: &[String]) {
        let (status, answer) =
            self.platform.call("POST", "/simulator/faults", Some(&json!({ "faults": faults })));
        assert_eq!(status, 200, "{answer}");
    }

    /// Nothing goes wrong at the platform from now on.
    pub(crate) fn heal(&self) {
        self.set_faults(&[]);
    }

    /// Starts the program.
    pub(crate) fn begin(&self, arguments: &[&str]) -> Run {
        self.begin_command(self.program.command(arguments))
    }

    /// Starts the program within limits of the shell, such as `ulimit -f 8`.
    pub(crate) fn begin_limited(&self, limits: &str, arguments: &[&str]) -> Run {
        self.begin_command(self.program.limited_command(limits, arguments))
    }

    fn begin_command(&self, mut command: Command) -> Run {
        // By a pipe: a limit on the size of files must not strike the log.
        let mut child =
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("started");
        let mut said = child.stderr.take().expect("a pipe");
        let mut log = OpenOptions::new().append(true).open(&self.log).expect("open");
        let listener = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length) = said.read(&mut bytes) {
                if length == 0 {
                    return;
                }
                log.write_all(&bytes[..length]).expect("kept");
            }
        });
        Run { child, listener }
    }

    /// Runs to its end; what it met does not matter, only that it ends by itself.
    pub(crate) fn run_to_the_end(&self, arguments: &[&str]) {
        let code = self.begin(arguments).end().code();
        assert!(code.is_some_and(|code| code != PANICKED), "{code:?}\n{}", self.said());
    }

    /// The only value of a query.
    pub(crate) async fn value(&self, query: &str) -> String {
        let row = self.rows(query).await.concat();
        row.trim_matches(['(', ')', '"']).to_owned()
    }

    /// The rows of a query, as PostgreSQL writes them.
    pub(crate) async fn rows(&self, query: &str) -> Vec<String> {
        TestDatabase::rows_at(&self.database_url, query).await
    }

    /// Adds a line to the log.
    pub(crate) fn note(&self, line: &str) {
        let mut log = OpenOptions::new().append(true).open(&self.log).expect("open");
        writeln!(log, "--- {line}").expect("kept");
    }

    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}
