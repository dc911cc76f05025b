//! A daemon at work, and its HTTP side.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::program::Program;

/// Bound on waiting for the daemon, so that one that hangs fails its test: far above what a
/// busy machine needs, since a job that begins at a full minute may come a minute late.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_mins(4);

/// A running daemon; killed when the test fails before its end.
pub(crate) struct Daemon {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // One that has ended is no failure.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Daemon {
    /// Starts it and reads from its log where it listens.
    pub(crate) fn start(program: &Program) -> Self {
        let mut command = program.command(&["daemon", "-v"]);
        let mut child =
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("started");
        let mut log = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let address = log.find_map(|line| {
            let line = line.expect("UTF-8");
            let (_, address) = line.split_once("listening address=")?;
            Some(address.parse().expect("address"))
        });
        // Read on, so that it never waits for its log.
        std::thread::spawn(move || log.for_each(drop));
        Self { child, address: address.expect("an address in the log") }
    }

    /// Status and body of a path.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).expect("connected");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        let (head, body) = answer.split_once("\r\n\r\n").expect("head and body");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.expect("status"), body.to_owned())
    }

    /// Runs of a job as `/status` has them, once one of them has ended.
    pub(crate) async fn ended_run(&self, job: &str) -> Value {
        let started = Instant::now();
        while started.elapsed() < LONGEST_WAIT {
            let (_, body) = self.get("/status");
            let status: Value = serde_json::from_str(&body).expect("JSON");
            let jobs = status["accounts"][0]["jobs"].as_array().expect("jobs").clone();
            let found = jobs.into_iter().find(|found| found["job"] == job).expect("job");
            if !found["newest_run"]["finished_at"].is_null() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("job {job} did not end");
    }

    pub(crate) fn stop(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("signalled");
        assert_eq!(self.child.wait().expect("ended").code(), Some(0));
    }
}
