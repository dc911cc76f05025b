//! A dead-man ping: as long as it comes, usage arrives.
//!
//! Sent after each usage job that succeeded. A service outside notices when it
//! stays away, be it that the daemon, its machine or its network is gone.

use std::time::Duration;

use backon::{ConstantBuilder, Retryable};

use crate::agora_api::webhook::{HookClient, HookUrl};

const ATTEMPTS_AFTER_THE_FIRST: usize = 2;
const WAIT: Duration = Duration::from_secs(2);

/// Pings the address with GET; a failure after three attempts is logged and fails nothing.
/// Returns whether it was heard.
pub async fn ping(client: &HookClient, url: &HookUrl) -> bool {
    let waits =
        ConstantBuilder::default().with_delay(WAIT).with_max_times(ATTEMPTS_AFTER_THE_FIRST);
    let outcome = (|| client.get(url)).retry(waits).await;
    if let Err(error) = &outcome {
        tracing::warn!(%error, "the dead-man ping was not heard");
    }
    outcome.is_ok()
}
