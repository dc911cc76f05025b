//! Settings that are read again (SIGHUP): what holds at once, and what is told to need a restart.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::daemon::LONGEST_WAIT;
use crate::support::setup::Setup;

/// A daemon whose log is a file; killed when the test fails.
struct Reloaded {
    child: Child,
    log: PathBuf,
    settings: PathBuf,
    /// Bytes of the log that were looked at.
    seen: usize,
}

impl Drop for Reloaded {
    fn drop(&mut self) {
        // One that has ended is no failure.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Reloaded {
    async fn start(setup: &Setup, settings: &str) -> Self {
        let file = setup.program.folder().join("agora-usage.toml");
        fs::write(&file, settings).expect("written");
        let log = setup.program.folder().join("log");
        let stderr = fs::File::create(&log).expect("created");
        let mut command = setup.program.command(&["daemon"]);
        let child = command.stdout(Stdio::null()).stderr(stderr).spawn().expect("started");
        let mut daemon = Self { child, log, settings: file, seen: 0 };
        daemon.said("daemon started").await;
        daemon
    }

    /// What the log has since the last call, up to the line with this text.
    async fn said(&mut self, text: &str) -> String {
        let started = Instant::now();
        loop {
            let log = fs::read_to_string(&self.log).expect("read");
            let new = &log[self.seen..];
            if let Some(at) = new.find(text) {
                let end = at + text.len();
                self.seen += end;
                return new[..end].to_owned();
            }
            assert!(started.elapsed() < LONGEST_WAIT, "'{text}' is missing: {log}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What is said about these settings.
    async fn reload(&mut self, settings: &str) -> String {
        fs::write(&self.settings, settings).expect("written");
        kill_process(Pid::from_child(&self.child), Signal::HUP).expect("signalled");
        self.said("settings read again").await
    }
}

const NEEDS_RESTART: &str = "changed, and needs a restart to hold";

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_only_a_restart_takes_are_named_when_settings_are_read_again() {
    let mut setup = Setup::at("2031-03-12T09:00:00Z").await;
    setup.api.list(&["P1"]);
    setup.program.unset("AGORA_USAGE_LISTEN_ADDRESS");
    let first = "listen_address = \"127.0.0.1:0\"\n";
    let mut daemon = Reloaded::start(&setup, first).await;
    for (settings, keys) in [
        ("listen_address = \"127.0.0.1:0\"\n", &[][..]),
        // Taken at once, so that there is nothing to tell.
        ("listen_address = \"127.0.0.1:0\"\nlook_back_days = 9\nworkers = 2\n", &[]),
        ("listen_address = \"127.0.0.1:0\"\nlake_url = \"lake\"\n", &["lake_url"]),
        (
            "listen_address = \"127.0.0.1:1\"\nallowed_hosts = [\"a.example\"]\n\
             accounts_at_once = 3\nreport_folder = \"elsewhere\"\n[schedule]\nusage = \"0 0 1 * * *\"\n",
            &["report_folder", "schedule", "accounts_at_once", "listen_address", "allowed_hosts"],
        ),
        // As the daemon was started.
        (first, &[]),
    ] {
        let said = daemon.reload(settings).await;
        assert_eq!(said.matches(NEEDS_RESTART).count(), keys.len(), "{settings}: {said}");
        for key in keys {
            assert!(said.contains(&format!("key=\"{key}")), "{key}: {said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_moved_needs_a_restart_and_its_address_is_not_told() {
    let mut setup = Setup::at("2031-03-12T09:00:00Z").await;
    setup.api.list(&["P1"]);
    let url = setup.database.url();
    setup.program.unset("DATABASE_URL");
    let mut daemon = Reloaded::start(&setup, &format!("database_url = \"{url}\"\n")).await;
    let said = daemon.reload("database_url = \"postgres://me:hush@db.example/x\"\n").await;
    assert!(said.contains("key=\"database_url or data_folder\""), "{said}");
    assert!(!said.contains("hush"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_whose_secret_is_gone_is_left_out_and_comes_back() {
    let setup = Setup::at("2031-03-12T09:00:00Z").await;
    setup.api.list(&["P1"]);
    let secret = setup.program.folder().join("secret");
    fs::write(&secret, "fake-secret\n").expect("written");
    let settings =
        "[[account]]\nname = \"east\"\ncustomer_id = \"e\"\ncustomer_secret_file = \"secret\"\n";
    let mut daemon = Reloaded::start(&setup, settings).await;
    fs::remove_file(&secret).expect("removed");
    let said = daemon.reload(settings).await;
    assert!(said.contains("an account is left out") && said.contains("'east'"), "{said}");
    fs::write(&secret, "fake-secret\n").expect("written");
    let said = daemon.reload(settings).await;
    assert!(!said.contains("left out"), "{said}");
}
