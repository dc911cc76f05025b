//! Listens until it is stopped.
//!
//! On the loopback address unless another one was asked for, because the account
//! is open to whoever knows the seed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::connection::{Door, DoorListener};
use super::crowd;
use super::state::Account;
use super::{SimulatorError, SimulatorSettings};

/// How long a stop waits for answers that are being written.
const STOP_WAIT: Duration = Duration::from_secs(2);

/// A running simulator; it stops when it is dropped.
pub struct Simulator {
    /// At least one.
    accounts: Vec<Arc<Account>>,
    address: SocketAddr,
    serving: JoinHandle<()>,
    stop_on_drop: DropGuard,
}

impl Simulator {
    /// Makes the account and begins to serve it.
    ///
    /// # Errors
    /// The address cannot be had, or the history is too long.
    pub async fn start(settings: SimulatorSettings) -> Result<Self, SimulatorError> {
        let accounts = crowd::accounts(&settings)?;
        let address = SocketAddr::new(settings.listen, settings.port);
        let cannot_listen = |source| SimulatorError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(cannot_listen)?;
        let address = listener.local_addr().map_err(cannot_listen)?;
        let stopped = CancellationToken::new();
        let until_stopped = stopped.clone().cancelled_owned();
        let service = crowd::routes(&accounts).into_make_service_with_connect_info::<Door>();
        let server =
            axum::serve(DoorListener(listener), service).with_graceful_shutdown(until_stopped);
        let serving = tokio::spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "the simulator stopped serving");
            }
        });
        Ok(Self { accounts, address, serving, stop_on_drop: stopped.drop_guard() })
    }

    /// Scheme, host and port, without a path, as this machine reaches it.
    #[must_use]
    pub fn base_url(&self) -> String {
        let ip = match self.address.ip() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => IpAddr::V6(Ipv6Addr::LOCALHOST),
            other => other,
        };
        format!("http://{}", SocketAddr::new(ip, self.address.port()))
    }

    /// User name of the first account's credentials.
    #[must_use]
    pub fn customer_id(&self) -> &str {
        self.accounts.first().map_or("", |account| &account.customer_id)
    }

    /// Password of the first account's credentials.
    #[must_use]
    pub fn customer_secret(&self) -> &str {
        self.accounts.first().map_or("", |account| &account.customer_secret)
    }

    /// User names and passwords of all accounts.
    pub fn credentials(&self) -> impl Iterator<Item = (&str, &str)> {
        self.accounts
            .iter()
            .map(|account| (account.customer_id.as_str(), account.customer_secret.as_str()))
    }

    /// Finishes the answers under way, for two seconds at most, and frees the port.
    pub async fn stop(self) {
        drop(self.stop_on_drop);
        let abort = self.serving.abort_handle();
        if tokio::time::timeout(STOP_WAIT, self.serving).await.is_err() {
            abort.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;
    use crate::simulator::testing::{authorization, unlimited};

    /// Sends one request and reads until the connection ends.
    async fn exchange(simulator: &Simulator, method: &str, path: &str, body: &str) -> Vec<u8> {
        let address = simulator.base_url().strip_prefix("http://").expect("scheme").to_owned();
        let mut stream = TcpStream::connect(&address).await.expect("connected");
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            authorization(&simulator.accounts[0]),
            body.len()
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut received = Vec::new();
        stream.read_to_end(&mut received).await.expect("received");
        received
    }

    async fn started(fault: &str) -> Simulator {
        let faults = vec![fault.parse().expect("a fault")];
        Simulator::start(SimulatorSettings { faults, ..unlimited() }).await.expect("started")
    }

    #[tokio::test]
    async fn a_refused_connection_ends_without_a_byte_and_does_nothing() {
        let simulator = started("refuse*1").await;
        let body = r#"{"name":"new"}"#;
        assert!(exchange(&simulator, "POST", "/dev/v1/project/", body).await.is_empty());
        assert_eq!(simulator.accounts[0].projects().len(), 8);
        assert!(!exchange(&simulator, "POST", "/dev/v1/project/", body).await.is_empty());
        let log = serde_json::to_value(simulator.accounts[0].request_log.list()).expect("JSON");
        assert_eq!((&log[0]["status"], &log[1]["status"]), (&().into(), &201.into()));
    }

    #[tokio::test]
    async fn an_unanswered_change_is_made() {
        let simulator = started("no-answer=close@projects*1").await;
        let list = exchange(&simulator, "GET", "/dev/v1/projects/", "").await;
        assert!(!list.is_empty(), "a question is answered");
        let body = r#"{"name":"new"}"#;
        assert!(exchange(&simulator, "POST", "/dev/v1/project/", body).await.is_empty());
        assert_eq!(simulator.accounts[0].projects().len(), 9);
    }

    #[tokio::test]
    async fn an_unanswered_change_stays_so_while_the_caller_waits() {
        let simulator = started("no-answer*1").await;
        let body = r#"{"name":"new"}"#;
        let exchange = exchange(&simulator, "POST", "/dev/v1/project/", body);
        assert!(tokio::time::timeout(Duration::from_millis(300), exchange).await.is_err());
        assert_eq!(simulator.accounts[0].projects().len(), 9);
    }

    #[tokio::test]
    async fn a_cut_body_is_shorter_than_its_length() {
        let simulator = started("cut-body=40*1").await;
        let received = exchange(&simulator, "GET", "/dev/v1/projects/", "").await;
        let text = String::from_utf8(received).expect("text");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        assert_eq!(body.len(), 40);
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        assert!(length.expect("a length").parse::<usize>().expect("a number") > 1_000);
    }

    #[tokio::test]
    async fn it_serves_over_tcp_until_it_is_stopped() {
        let simulator = Simulator::start(unlimited()).await.expect("started");
        let address = simulator.base_url().strip_prefix("http://").expect("scheme").to_owned();
        let mut stream = TcpStream::connect(&address).await.expect("connected");
        let request = format!(
            "GET /dev/v1/projects/ HTTP/1.1\r\nHost: {address}\r\nAuthorization: {}\r\n\
             Content-Type: application/json\r\n\r\n",
            authorization(&simulator.accounts[0])
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut start = [0; 15];
        stream.read_exact(&mut start).await.expect("received");
        assert_eq!(&start, b"HTTP/1.1 201 Cr");
        // The connection stays open: a stop must not wait for its client.
        simulator.stop().await;
        assert!(TcpStream::connect(&address).await.is_err());
    }
}
