//! `agora-usage migrate`: bring the schema up to date.

use super::failure::{Exit, Failure};
use crate::context::Context;
use crate::store::migrate::newest_version;

pub(super) async fn run(context: &Context) -> Result<Exit, Failure> {
    let store = context.open_store().await?;
    println!("the database is at migration {}", newest_version());
    store.close().await;
    Ok(Exit::Done)
}
