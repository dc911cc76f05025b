//! The program's simulator as a process of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::program::Program;

/// A running simulator; killed when the test fails before its end.
pub(crate) struct Running {
    child: Child,
    pub(crate) lines: Vec<(String, String)>,
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
    pub(crate) fn start(program: &Program, arguments: &[&str]) -> Self {
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

    pub(crate) fn stop(mut self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("signalled");
        let status = self.child.wait().expect("ended");
        assert_eq!(status.code(), Some(0), "{status}");
    }

    /// Points the program at it.
    pub(crate) fn set_up(&self, program: &mut Program) {
        for (name, value) in &self.lines {
            program.set(name, value.as_str());
        }
    }

    /// Address, customer id and secret.
    pub(crate) fn access(&self) -> [&str; 3] {
        [0, 1, 2].map(|at| self.lines[at].1.as_str())
    }

    /// One call as a client of no library makes it: status and body.
    pub(crate) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let [base_url, id, secret] = self.access();
        let host = base_url.trim_start_matches("http://");
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Basic {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            STANDARD.encode(format!("{id}:{secret}")),
            body.len(),
        );
        let mut stream = TcpStream::connect(host).expect("connected");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let body = serde_json::from_str(body).unwrap_or_else(|_| panic!("not JSON: {body}"));
        (status.expect("a status"), body)
    }
}
