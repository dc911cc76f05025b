//! A look at the HTTP side of a daemon from another process of the same machine.
//!
//! Speaks just enough HTTP for [`super::server`], which answers one request a
//! connection; so no proxy of the environment can come in between.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// From the connection to the end of the answer; the daemon itself gives up after five seconds.
const LONGEST_WAIT: Duration = Duration::from_secs(8);

/// An answer about readiness is a few hundred bytes.
const MOST_BYTES: u64 = 64 * 1024;

/// What a daemon says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbedReadiness {
    /// Whether every part of it works.
    pub is_ready: bool,
    /// What does not, each as `part: problem`.
    pub problems: Vec<String>,
}

/// Why nothing is known of a daemon.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// A free port was asked for, so that nobody knows which it is.
    #[error("listen_address {0} has port 0, so that the daemon cannot be found")]
    AnyPort(SocketAddr),
    /// Nobody listens, or the connection broke.
    #[error("no daemon answers at {address}: {source}")]
    Unreachable {
        /// Where it was looked for.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// No answer in time.
    #[error("the daemon at {address} did not answer within {} s", LONGEST_WAIT.as_secs())]
    Timeout {
        /// Where it was looked for.
        address: SocketAddr,
    },
    /// Somebody else listens there.
    #[error("what answers at {address} is not this program's daemon")]
    Stranger {
        /// Where it was looked for.
        address: SocketAddr,
    },
}

#[derive(Deserialize)]
struct Body {
    ready: bool,
    checks: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    name: String,
    problem: Option<String>,
}

/// Asks the daemon that listens at this address for `/readyz`.
///
/// An address that stands for every one of the machine is asked by the loopback one.
///
/// # Errors
/// [`ProbeError`] when there is no answer of a daemon.
pub async fn readiness(listen_address: SocketAddr) -> Result<ProbedReadiness, ProbeError> {
    if listen_address.port() == 0 {
        return Err(ProbeError::AnyPort(listen_address));
    }
    let address = SocketAddr::new(reachable(listen_address.ip()), listen_address.port());
    let answer = tokio::time::timeout(LONGEST_WAIT, ask(address)).await;
    let answer = answer.map_err(|_| ProbeError::Timeout { address })?;
    let answer = answer.map_err(|source| ProbeError::Unreachable { address, source })?;
    parse(&answer).ok_or(ProbeError::Stranger { address })
}

const fn reachable(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        other => other,
    }
}

async fn ask(address: SocketAddr) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(MOST_BYTES).read_to_end(&mut answer).await?;
    Ok(answer)
}

fn parse(answer: &[u8]) -> Option<ProbedReadiness> {
    let (head, body) = std::str::from_utf8(answer).ok()?.split_once("\r\n\r\n")?;
    head.strip_prefix("HTTP/1.1 ")?;
    let body: Body = serde_json::from_str(body).ok()?;
    let problem = |part: Part| part.problem.map(|problem| format!("{}: {problem}", part.name));
    let problems = body.checks.into_iter().filter_map(problem).collect();
    Some(ProbedReadiness { is_ready: body.ready, problems })
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// Somebody that answers one connection with these bytes.
    async fn answering(bytes: &'static [u8]) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("port");
        let address = listener.local_addr().expect("address");
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("asked");
            let mut asked = [0_u8; 512];
            let _ = stream.read(&mut asked).await.expect("read");
            stream.write_all(bytes).await.expect("answered");
        });
        address
    }

    #[tokio::test]
    async fn every_problem_is_told_with_the_part_that_has_it() {
        let address = answering(
            b"HTTP/1.1 503 Service Unavailable\r\n\r\n{\"ready\":false,\"checks\":[\
              {\"name\":\"process\",\"ok\":true},\
              {\"name\":\"database\",\"ok\":false,\"problem\":\"gone\"}]}",
        )
        .await;
        let everywhere = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), address.port());
        let found = readiness(everywhere).await.expect("an answer");
        assert!(!found.is_ready);
        assert_eq!(found.problems, ["database: gone"]);
    }

    #[tokio::test]
    async fn another_program_at_the_address_is_no_healthy_daemon() {
        for bytes in [&b"HTTP/1.1 200 OK\r\n\r\nok\n"[..], b"SSH-2.0-OpenSSH\r\n\r\n{}", b"\xff"] {
            let address = answering(bytes).await;
            let error = readiness(address).await.expect_err("a stranger");
            assert!(matches!(error, ProbeError::Stranger { .. }), "{error}");
        }
    }

    #[tokio::test]
    async fn nobody_at_the_address_and_an_unknown_port_are_told_apart() {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("port");
        let address = free.local_addr().expect("address");
        drop(free);
        let error = readiness(address).await.expect_err("nobody");
        assert!(matches!(error, ProbeError::Unreachable { .. }), "{error}");
        let any = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        let error = readiness(any).await.expect_err("no port");
        assert!(matches!(error, ProbeError::AnyPort(_)), "{error}");
    }
}
