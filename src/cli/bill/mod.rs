//! `agora-usage bill`: what a month costs, one file a subcommand.

mod reconcile;

use clap::Subcommand;

use super::failure::{Exit, Failure};
use crate::context::Context;

/// Arguments of `bill`.
#[derive(Debug, clap::Args)]
pub(super) struct BillArguments {
    #[command(subcommand)]
    command: BillCommand,
}

#[derive(Debug, Subcommand)]
enum BillCommand {
    /// Hold an invoice of the platform against the bill, and say why they differ
    Reconcile(reconcile::ReconcileArguments),
}

pub(super) async fn run(context: &Context, arguments: BillArguments) -> Result<Exit, Failure> {
    match arguments.command {
        BillCommand::Reconcile(arguments) => reconcile::run(context, arguments).await,
    }
}
