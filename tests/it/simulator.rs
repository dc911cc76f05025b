//! `simulator`: the account that it prints, the program as its client, and its end.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::database::TestDatabase;
use crate::support::program::Program;

/// A running simulator; killed when the test fails before its end.
struct Running {
    child: Child,
    lines: Vec<(String, String)>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended is no failure.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    /// Starts it and reads the variables that it prints.
    fn start(program: &Program, arguments: &[&str]) -> Self {
        let mut command = program.command(&[&["simulator"], arguments].concat());
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("started");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let lines = stdout.lines().take(3).map(|line| {
            let line = line.expect("UTF-8");
            let (name, value) = line.split_once('=').expect("name=value");
            let value = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\''));
            (name.to_owned(), value.expect("quoted for a shell").to_owned())
        });
        Self { lines: lines.collect(), child }
    }

    fn stop(mut self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("signalled");
        let status = self.child.wait().expect("ended");
        assert_eq!(status.code(), Some(0), "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_prints_its_account_serves_and_stops_when_told() {
    let database = TestDatabase::new();
    let mut program = Program::new();
    program.set("AGORA_USAGE_NOW", "2031-05-08T18:00:00Z").set("DATABASE_URL", database.url());
    let simulator = Running::start(&program, &["--projects", "4", "--seed", "7"]);
    let names: Vec<_> = simulator.lines.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["AGORA_BASE_URL", "AGORA_CUSTOMER_ID", "AGORA_CUSTOMER_SECRET"]);
    for (name, value) in &simulator.lines {
        program.set(name, value.as_str());
    }
    program.run(&["sync", "projects"]).exits(0).says(&["4 projects listed"]);
    simulator.stop(Signal::TERM);
}

#[test]
fn the_same_seed_is_the_same_account_and_a_taken_port_is_refused() {
    let mut program = Program::new();
    program.set("AGORA_USAGE_NOW", "2031-05-08T18:00:00Z");
    let first = Running::start(&program, &["--seed", "7"]);
    let second = Running::start(&program, &["--seed", "7"]);
    let other = Running::start(&program, &["--seed", "8"]);
    assert_eq!(first.lines[1..], second.lines[1..]);
    assert_ne!(first.lines[1..], other.lines[1..]);
    let (_, port) = first.lines[0].1.rsplit_once(':').expect("a port");
    let said = format!("error: cannot listen on 127.0.0.1:{port}");
    program.run(&["simulator", "--port", port]).exits(1).says(&[&said]);
    first.stop(Signal::INT);
}
