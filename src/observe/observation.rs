//! Server and watch of a daemon as one thing: started, given new settings, ended.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch::Sender;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::error::ObserveError;
use super::server::{Serving, serve};
use super::state::{ObserveState, WatchedAccount, WatchedJob};
use super::watch::{Watch, WatchRules};
use crate::config::Settings;
use crate::schedule::runner::Workplace;

/// A daemon that is seen from outside.
#[derive(Debug)]
pub struct Observation {
    state: Arc<ObserveState>,
    serving: Serving,
    watching: JoinHandle<()>,
    rules: Sender<WatchRules>,
    stop: CancellationToken,
}

impl Observation {
    /// Begins to serve and to watch. `stopping` is cancelled when the daemon
    /// begins to end; the server goes on until [`Observation::stop`].
    ///
    /// # Errors
    /// [`ObserveError`] when the address cannot be had.
    pub async fn start(
        workplace: Arc<Workplace>,
        jobs: Vec<WatchedJob>,
        settings: &Settings,
        stopping: CancellationToken,
    ) -> Result<Self, ObserveError> {
        let state = ObserveState::new(
            workplace,
            accounts(settings),
            jobs,
            settings.report_folder.clone(),
            stopping,
        )?;
        let rules = WatchRules::new(&settings.observe).map_err(ObserveError::Client)?;
        let stop = CancellationToken::new();
        let address = settings.observe.listen_address;
        let hosts = settings.observe.allowed_hosts.clone();
        let serving = serve(address, hosts, Arc::clone(&state), stop.clone()).await?;
        tracing::info!(address = %serving.address(), "listening");
        let (sender, receiver) = tokio::sync::watch::channel(rules.clone());
        let watch = Watch::new(Arc::clone(&state), rules);
        let watching = tokio::spawn(watch.run(receiver, stop.clone()));
        Ok(Self { state, serving, watching, rules: sender, stop })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.serving.address()
    }

    /// Goes by new settings from the next look on; the address and its names stay.
    ///
    /// # Errors
    /// [`ObserveError::Client`]; the last good rules stay.
    pub fn reassign(&self, settings: &Settings) -> Result<(), ObserveError> {
        let rules = WatchRules::new(&settings.observe).map_err(ObserveError::Client)?;
        self.state.reassign(accounts(settings));
        self.rules.send_replace(rules);
        Ok(())
    }

    /// Ends both, after the jobs have ended.
    pub async fn stop(self) {
        self.stop.cancel();
        self.serving.ended().await;
        if let Err(error) = self.watching.await {
            tracing::error!(%error, "the watch ended by itself");
        }
        self.state.close().await;
    }
}

/// Looks once and tells what is to be told, for a process that does not stay.
/// What is not taken is told by the next one.
///
/// # Errors
/// [`ObserveError`] when there is nothing to tell with, or the database does not answer.
pub async fn look_once(
    workplace: Arc<Workplace>,
    jobs: Vec<WatchedJob>,
    settings: &Settings,
    stopping: CancellationToken,
) -> Result<(), ObserveError> {
    let folder = settings.report_folder.clone();
    let state = ObserveState::new(workplace, accounts(settings), jobs, folder, stopping)?;
    let rules = WatchRules::new(&settings.observe).map_err(ObserveError::Client)?;
    let looked = Watch::new(Arc::clone(&state), rules).look().await;
    state.close().await;
    Ok(looked?)
}

fn accounts(settings: &Settings) -> Vec<WatchedAccount> {
    let watched = |own: &crate::config::AccountSettings| WatchedAccount {
        account: own.account.clone(),
        collect: own.collect.clone(),
    };
    settings.accounts.iter().map(watched).collect()
}
