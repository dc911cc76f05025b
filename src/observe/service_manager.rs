//! What the service manager of the host is told: systemd's notification protocol.
//!
//! Without a manager (`NOTIFY_SOCKET` is not set) nothing is sent. That a
//! message cannot be sent is logged and no reason to stop working.

use std::time::Duration;

use sd_notify::NotifyState;

/// The manager that started this process, if there is one.
#[derive(Debug, Clone, Copy)]
pub struct ServiceManager {
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// The manager that the environment names.
    #[must_use]
    pub fn of_this_process() -> Self {
        Self { watchdog: sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero()) }
    }

    /// Time from one [`ServiceManager::alive`] to the next: half of the manager's
    /// limit, as `sd_watchdog_enabled(3)` advises. None when it waits for none.
    #[must_use]
    pub fn alive_every(&self) -> Option<Duration> {
        self.watchdog.map(|limit| limit / 2)
    }

    /// The daemon works, from the start on or again after new settings.
    pub fn ready(&self, status: &str) {
        tell(&[NotifyState::Ready, NotifyState::Status(status)]);
    }

    /// Settings are read again; [`ServiceManager::ready`] follows. The time is
    /// what managers since systemd 253 tell the reload by.
    pub fn reloading(&self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => tell(&[NotifyState::Reloading, now]),
            Err(error) => tracing::warn!(%error, "the service manager is not told of the reload"),
        }
    }

    /// The daemon ends: runs under way finish.
    pub fn stopping(&self) {
        tell(&[NotifyState::Stopping, NotifyState::Status("stopping")]);
    }

    /// The daemon is not stuck.
    pub fn alive(&self) {
        tell(&[NotifyState::Watchdog]);
    }
}

fn tell(states: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}
