//! A server that writes prepared bytes, for what no well-behaved server would say.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

/// A request that was received.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) at: Instant,
    /// Request line and headers.
    pub(crate) head: String,
}

impl Received {
    /// Such as `GET /dev/v1/projects/`.
    pub(crate) fn call(&self) -> &str {
        self.head.split(" HTTP/").next().unwrap_or_default()
    }
}

/// Answers each request with the next prepared bytes, the last ones again and
/// again, and closes the connection after each. Lives as long as the process.
pub(crate) struct RawServer {
    port: u16,
    received: Arc<Mutex<Vec<Received>>>,
}

impl RawServer {
    pub(crate) fn start(answers: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("address").port();
        let received = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&received);
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let Ok(stream) = stream else { return };
                let answer = answers.get(number).or(answers.last()).cloned().unwrap_or_default();
                serve(&stream, &answer, &log);
            }
        });
        Self { port, received }
    }

    /// As `AGORA_BASE_URL` has it.
    pub(crate) fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Of this machine.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Every request so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        lock(&self.received).clone()
    }

    /// Method and path of every request so far.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.received().iter().map(|received| received.call().to_owned()).collect()
    }
}

fn lock(log: &Mutex<Vec<Received>>) -> MutexGuard<'_, Vec<Received>> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads one whole request, then writes; a client that has gone away is no failure.
fn serve(stream: &TcpStream, answer: &[u8], log: &Mutex<Vec<Received>>) {
    let at = Instant::now();
    let mut reader = BufReader::new(stream);
    let (mut head, mut body_bytes) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
            break;
        }
        if let Some(length) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            body_bytes = length.trim().parse().unwrap_or(0);
        }
        head.push_str(&line);
    }
    let _ = reader.take(body_bytes).read_to_end(&mut Vec::new());
    if head.is_empty() {
        return;
    }
    lock(log).push(Received { at, head });
    let _ = { stream }.write_all(answer);
}

/// A whole answer with these headers, each ended by `\r\n`.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A whole answer of JSON.
pub(crate) fn json(status: &str, body: &str) -> Vec<u8> {
    answer(status, "Content-Type: application/json\r\n", body)
}
