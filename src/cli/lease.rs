//! Leave to work for one command, so that a daemon and a person share the platform's limit.

use tokio_util::sync::CancellationToken;

use super::failure::{Exit, Failure};
use super::simulator::until_stopped;
use crate::cli::print::note_line;
use crate::clock::Clock;
use crate::domain::AccountId;
use crate::schedule::HeldLease;
use crate::schedule::held_lease::holder_name;
use crate::store::{Store, projects};

/// Takes the lease of an account. While another run holds it, waits or refuses.
pub(super) async fn lease(
    store: &Store,
    account: &AccountId,
    name: &str,
    clock: Clock,
    no_wait: bool,
) -> Result<HeldLease, Failure> {
    projects::ensure_account(store.pool(), account, clock.now()).await?;
    let holder = holder_name();
    if let Some(held) = HeldLease::take(store.pool(), account, name, &holder).await? {
        return Ok(held);
    }
    if no_wait {
        let message = format!("another run works on account '{account}' ({name})");
        return Err(
            Failure::new(Exit::Busy, message).hint("wait for it to end, or leave out --no-wait")
        );
    }
    note_line(format_args!("waiting for another run that works on account '{account}' ({name})"));
    Ok(HeldLease::wait_for(store.pool(), account, name, &holder).await?)
}

/// Frees the lease for the next run; if that fails, it expires by itself.
pub(super) async fn release(held: HeldLease) {
    if let Err(error) = held.release().await {
        tracing::warn!(%error, "the lease could not be freed and will expire");
    }
}

/// Cancelled by the first Ctrl-C or SIGTERM; the second one ends the program at once.
pub(super) fn stop_on_interrupt() -> CancellationToken {
    let stop = CancellationToken::new();
    let cancel = stop.clone();
    tokio::spawn(async move {
        if until_stopped().await.is_ok() {
            note_line(format_args!("stopping after what is under way; once more to stop at once"));
            cancel.cancel();
        }
        if until_stopped().await.is_ok() {
            std::process::exit(130);
        }
    });
    stop
}
