//! `agora-usage health`: ask the daemon of this machine whether it is ready.
//!
//! For health checks of containers and scripts, which would otherwise need an
//! HTTP client in the image.

use super::Common;
use super::failure::{Exit, Failure};
use super::print::say_line;
use crate::config::Settings;
use crate::observe::probe;

pub(super) async fn run(common: &Common) -> Result<Exit, Failure> {
    let settings = Settings::load(common.config(), common.database_url())?;
    let address = settings.observe.listen_address;
    match probe::readiness(address).await {
        Ok(answer) if answer.is_ready => {
            say_line(format_args!("ready"));
            Ok(Exit::Done)
        }
        Ok(answer) => {
            let message = format!("the daemon is not ready: {}", answer.problems.join("; "));
            Err(Failure::new(Exit::Failed, message))
        }
        Err(error) => Err(Failure::new(Exit::Failed, error.to_string())
            .hint("start it with `agora-usage daemon`; listen_address must be the daemon's")),
    }
}
