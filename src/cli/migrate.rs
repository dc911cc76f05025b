//! `agora-usage migrate`: bring the schema up to date.

use super::failure::{Exit, Failure};
use super::print::say_line;
use crate::context::Context;
use crate::store::migrate::newest_version;

pub(super) async fn run(context: &Context) -> Result<Exit, Failure> {
    let store = context.open_store().await?;
    say_line(format_args!("the database is at migration {}", newest_version()));
    store.close().await;
    Ok(Exit::Done)
}
