//! What the host's service manager is told, and what it is told to ask: systemd's
//! protocol as `sd_notify(3)` has it, and `agora-usage health`.

use std::os::unix::net::UnixDatagram;
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::daemon::Daemon;
use crate::support::setup::Setup;

const NOW: &str = "2031-03-12T09:00:00Z";

/// Bound on waiting for a message, so that a daemon that says nothing fails its test.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// A manager that has started a daemon; kills it when the test fails.
struct Manager {
    socket: UnixDatagram,
    child: Child,
}

impl Drop for Manager {
    fn drop(&mut self) {
        // One that has ended is no failure.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Manager {
    fn start(setup: &mut Setup, watchdog: Duration) -> Self {
        let path = setup.program.folder().join("notify");
        let socket = UnixDatagram::bind(&path).expect("bound");
        socket.set_read_timeout(Some(LONGEST_WAIT)).expect("set");
        setup
            .program
            .set("NOTIFY_SOCKET", path.display().to_string())
            .set("WATCHDOG_USEC", watchdog.as_micros().to_string());
        let mut command = setup.program.command(&["daemon"]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("started");
        Self { socket, child }
    }

    fn message(&self) -> String {
        let mut bytes = [0_u8; 4096];
        let length = self.socket.recv(&mut bytes).expect("a message");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    }

    /// The next message that is no sign of life.
    fn event(&self) -> String {
        loop {
            let message = self.message();
            if message != "WATCHDOG=1\n" {
                return message;
            }
        }
    }

    fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("signalled");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manager_is_told_of_start_life_reload_and_end() {
    let mut setup = Setup::at(NOW).await;
    setup.api.list(&["P1"]);
    let mut manager = Manager::start(&mut setup, Duration::from_millis(400));
    let ready = manager.event();
    assert!(ready.starts_with("READY=1\nSTATUS=listening on 127.0.0.1:"), "{ready}");
    assert_eq!(manager.message(), "WATCHDOG=1\n");
    assert_eq!(manager.message(), "WATCHDOG=1\n");

    manager.send(Signal::HUP);
    let reloading = manager.event();
    assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
    assert_eq!(manager.event(), ready);

    manager.send(Signal::TERM);
    assert_eq!(manager.event(), "STOPPING=1\nSTATUS=stopping\n");
    assert_eq!(manager.child.wait().expect("ended").code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_be_read_again_leave_the_service_ready() {
    let mut setup = Setup::at(NOW).await;
    setup.api.list(&["P1"]);
    let manager = Manager::start(&mut setup, Duration::from_mins(10));
    assert!(manager.event().starts_with("READY=1\n"));
    std::fs::write(setup.program.folder().join("agora-usage.toml"), "wokers = 1").expect("written");
    manager.send(Signal::HUP);
    assert!(manager.event().starts_with("RELOADING=1\n"));
    assert!(manager.event().starts_with("READY=1\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_that_of_the_daemon_that_listens_there() {
    let mut setup = Setup::at(NOW).await;
    setup.api.list(&["P1"]);
    let daemon = Daemon::start(&setup.program);
    setup.program.set("AGORA_USAGE_LISTEN_ADDRESS", daemon.address.to_string());
    setup.run(&["health"]).exits(0).says(&["ready"]);

    let future = "insert into _sqlx_migrations \
        (version, description, success, checksum, execution_time) \
        values (9999, 'of tomorrow', true, '', 0)";
    setup.database.execute(future).await;
    let said = "error: the daemon is not ready: migrations: the database is at migration 9999";
    setup.run(&["health"]).exits(1).says(&[said]);

    daemon.stop();
    setup.run(&["health"]).exits(1).says(&["no daemon answers at", "hint: start it with"]);
    setup.program.set("AGORA_USAGE_LISTEN_ADDRESS", "127.0.0.1:0");
    setup.run(&["health"]).exits(1).says(&["has port 0"]);
}
