//! `agora-usage bill reconcile`: an invoice of the platform against our bill.

mod print;
mod rows;

use std::path::{Path, PathBuf};

use super::{month_or_previous, only_account, records};
use crate::cli::failure::{Exit, Failure};
use crate::cli::print::{Output, print_text};
use crate::context::Context;
use crate::domain::Month;
use crate::reconcile::invoice::{MAX_BYTES, template};
use crate::reconcile::stored::{self, KeepError};
use crate::reconcile::{Estimate, Invoice, InvoiceError};
use crate::store::invoices::{self, InvoiceWriteError};

/// Arguments of `bill reconcile`.
#[derive(Debug, clap::Args)]
#[command(after_help = "FILE is CSV: service,media,minutes,amount. Minutes are the used ones \
    before free minutes are taken off (may be empty), amounts are net of tax. Rows of their own, \
    without media and minutes: tax, discount, commitment, package, top_up, overage, adjustment, \
    other. --template writes such a file with our lines and empty amounts.\n\nIt is held against \
    the newest closed revision, or the estimate of a month that was never closed; the answer says \
    which. The invoice is stored and split over the projects. A new import of the same month \
    supersedes the one before it, which stays stored.\n\n\
    Exit codes: 0 equal, or every difference is explained; 3 some of it is not.")]
pub(in crate::cli) struct ReconcileArguments {
    /// Month of the invoice, YYYY-MM [default: the previous one]
    #[arg(long, value_name = "MONTH", value_parser = Month::parse)]
    month: Option<Month>,
    /// The invoice as CSV [default: the one that was imported before]
    #[arg(long, value_name = "FILE", conflicts_with = "template")]
    invoice: Option<PathBuf>,
    /// Write such a CSV to stdout, with our lines and empty amounts
    #[arg(long)]
    template: bool,
    /// Account of the settings [default: the only one]
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Form of the rows [default: table on a terminal, else csv]
    #[arg(long, value_name = "FORM")]
    output: Option<Output>,
}

pub(super) async fn run(context: &Context, arguments: ReconcileArguments) -> Result<Exit, Failure> {
    let month = month_or_previous(arguments.month, context.clock)?;
    let account = only_account(context, arguments.account.as_deref())?;
    let book = account.price_book(month)?;
    // A file that cannot be read needs no database to be refused.
    let given = arguments.invoice.as_deref().map(read_invoice).transpose()?;
    let store = if arguments.template {
        context.open_store_for_reading().await?
    } else {
        context.open_store().await?
    };
    let records = records(&store, account, context.clock);
    let stored = stored::month(&records, month, &book).await?;
    if arguments.template {
        store.close().await;
        print_text(&template(&Estimate::of(&stored.rated.bill, &stored.rated.adjustments)))?;
        return Ok(Exit::Done);
    }
    let invoice = match given {
        Some(invoice) => invoice,
        None => invoices::newest(store.pool(), &account.account, month)
            .await?
            .ok_or_else(|| no_invoice(month))?,
    };
    let reconciled = stored.reconcile(&invoice)?;
    let kept = stored.keep(&records, &invoice, &reconciled, context.clock.now()).await;
    store.close().await;
    print::print(
        &reconciled,
        &invoice,
        kept?,
        &stored.rated.projects,
        Output::or_default(arguments.output),
    )?;
    Ok(if reconciled.is_explained() { Exit::Done } else { Exit::Partial })
}

fn no_invoice(month: Month) -> Failure {
    Failure::new(Exit::Failed, format!("no invoice of {month} was imported yet")).hint(format!(
        "write one: `agora-usage bill reconcile --month {month} --template > invoice.csv`, fill in \
         the amounts, and give it with --invoice invoice.csv"
    ))
}

fn read_invoice(path: &Path) -> Result<Invoice, Failure> {
    use std::io::Read;
    let unreadable = |error: std::io::Error| {
        Failure::new(Exit::Failed, format!("{} cannot be read: {error}", path.display()))
            .hint("`agora-usage bill reconcile --template` writes a file to fill in")
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    // One byte more than allowed is enough to refuse it.
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    Ok(Invoice::parse(&name, &bytes)?)
}

impl From<InvoiceError> for Failure {
    fn from(error: InvoiceError) -> Self {
        Self::new(Exit::Failed, error.to_string())
            .hint("nothing was imported; mend the file and run again")
    }
}

impl From<InvoiceWriteError> for Failure {
    fn from(error: InvoiceWriteError) -> Self {
        match error {
            InvoiceWriteError::Store(error) => error.into(),
            InvoiceWriteError::Rating(error) => error.into(),
        }
    }
}

impl From<KeepError> for Failure {
    fn from(error: KeepError) -> Self {
        match error {
            KeepError::Draft(error) => error.into(),
            KeepError::Invoice(error) => error.into(),
        }
    }
}
