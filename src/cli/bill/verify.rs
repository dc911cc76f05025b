//! `agora-usage bill verify`: compute every stored bill again and compare.

use std::collections::{BTreeMap, BTreeSet};

use super::records;
use crate::billing::BillingError;
use crate::billing::reproduce::{FigureDifference, differences, reproduce};
use crate::cli::failure::{Exit, Failure};
use crate::cli::print::note_line;
use crate::cli::print::{Output, print_rows};
use crate::cli::summary::counted;
use crate::collect::Records;
use crate::context::Context;
use crate::domain::{Money, Month};
use crate::rating::TotalRange;
use crate::store::analyst_queries::{ResultTable, ValueKind};
use crate::store::stored_bills::{self, BillHead};

/// Arguments of `bill verify`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Drafts and closed revisions are computed again from the values, the price \
    book and the adjustments that they were made from, and every stored figure is compared: total, \
    lines, costs by project and day.\n\nExit codes: 0 all are the same; 1 some differ."
)]
pub(in crate::cli) struct VerifyArguments {
    /// Month, or first and last month: YYYY-MM or YYYY-MM..YYYY-MM [default: every month]
    #[arg(long, value_name = "MONTHS")]
    month: Option<String>,
    /// Only this account of the settings [default: all]
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Form of the rows [default: table on a terminal, else csv]
    #[arg(long, value_name = "FORM")]
    output: Option<Output>,
}

/// Columns of the rows: one a bill that is the same, or one a figure that differs.
const COLUMNS: &[(&str, ValueKind)] = &[
    ("account_id", ValueKind::Text),
    ("month", ValueKind::Text),
    ("revision", ValueKind::Integer),
    ("result", ValueKind::Text),
    ("figure", ValueKind::Text),
    ("stored", ValueKind::Text),
    ("recomputed", ValueKind::Text),
];

pub(super) async fn run(context: &Context, arguments: VerifyArguments) -> Result<Exit, Failure> {
    let months = match arguments.month.as_deref().map(Month::parse_span).transpose()? {
        Some(span) => span.first().copied().zip(span.last().copied()),
        None => None,
    };
    let accounts = context.settings.chosen(arguments.account.as_deref())?;
    let store = context.open_store().await?;
    let mut rows = ResultTable::with_columns(COLUMNS);
    let (mut exit, mut bills) = (Exit::Done, 0_u64);
    for account in accounts {
        let records = records(&store, account, context.clock);
        let heads = stored_bills::heads(store.pool(), &account.account, months).await?;
        for (month, revision) in missing_revisions(&heads) {
            let head = [account.account.to_string(), month.to_string(), revision.to_string()];
            let told = ["missing".to_owned(), format!("revision {revision}")];
            let row = head.into_iter().chain(told).map(Some).chain([None, None]);
            rows.rows.push(row.collect());
            exit = exit.and(Exit::Failed);
        }
        for head in heads {
            let found = verify(&records, &head).await?;
            exit = exit.and(found.exit());
            rows.rows.extend(found.rows(&head));
            bills += 1;
        }
    }
    store.close().await;
    print_rows(&rows, Output::or_default(arguments.output))?;
    let outcome = match exit {
        Exit::Done => "all are as their facts make them",
        Exit::Partial => "some were stored without what they were made from",
        _ => "some differ from what their facts make",
    };
    let outcome = if bills == 0 { "there are none" } else { outcome };
    note_line(format_args!("{} verified: {outcome}", counted(bills, "bill")));
    Ok(exit)
}

/// Closed revisions that are gone though a later one is there: they come without a gap.
fn missing_revisions(heads: &[BillHead]) -> Vec<(Month, i32)> {
    let mut closed: BTreeMap<Month, BTreeSet<i32>> = BTreeMap::new();
    for head in heads.iter().filter(|head| head.revision > 0) {
        closed.entry(head.month).or_default().insert(head.revision);
    }
    let missing = |(month, known): (Month, BTreeSet<i32>)| {
        let newest = known.last().copied().unwrap_or(0);
        let gone: Vec<i32> = (1..newest).filter(|revision| !known.contains(revision)).collect();
        gone.into_iter().map(move |revision| (month, revision))
    };
    closed.into_iter().flat_map(missing).collect()
}

/// What became of one bill.
enum Found {
    Same,
    Differs(Vec<FigureDifference>),
    /// A draft of a version that did not record what it was made from.
    UnknownOrigin(String),
    /// It cannot be computed again.
    Failed(String),
}

async fn verify(records: &Records<'_>, head: &BillHead) -> Result<Found, Failure> {
    let month = match reproduce(records, head).await {
        Ok(month) => month,
        // A database that fails is no finding.
        Err(error @ BillingError::Collect(_)) => return Err(error.into()),
        Err(error @ BillingError::UnknownOrigin { .. }) if head.closed_at.is_none() => {
            return Ok(Found::UnknownOrigin(error.to_string()));
        }
        Err(error) => return Ok(Found::Failed(error.to_string())),
    };
    let mut differences = differences(records, head, &month).await?;
    differences.extend(range_differences(head, &month.bill.range));
    Ok(if differences.is_empty() { Found::Same } else { Found::Differs(differences) })
}

/// Of the range of totals: told here alone, so that a new reading of an open rule
/// keeps no closed month from its report.
fn range_differences(head: &BillHead, made: &TotalRange) -> Vec<FigureDifference> {
    let Some([low, high]) = &head.range else { return Vec::new() };
    let ends = [("least total", low, made.low), ("greatest total", high, made.high)];
    let differs = |(_, stored, made): &(&str, &String, Money)| {
        Money::parse(stored, made.currency) != Some(*made)
    };
    let difference = |(name, stored, made): (&str, &String, Money)| FigureDifference {
        name: name.to_owned(),
        stored: Some(stored.clone()),
        recomputed: Some(made.to_string()),
    };
    ends.into_iter().filter(differs).map(difference).collect()
}

impl Found {
    const fn exit(&self) -> Exit {
        match self {
            Self::Same => Exit::Done,
            Self::UnknownOrigin(_) => Exit::Partial,
            Self::Differs(_) | Self::Failed(_) => Exit::Failed,
        }
    }

    fn rows(self, head: &BillHead) -> Vec<Vec<Option<String>>> {
        let row = |result: &str, figure, stored, recomputed| {
            let bill =
                [head.account.to_string(), head.month.to_string(), head.revision.to_string()];
            let told = [Some(result.to_owned()), figure, stored, recomputed];
            bill.map(Some).into_iter().chain(told).collect()
        };
        match self {
            Self::Same => vec![row("same", None, None, None)],
            Self::UnknownOrigin(cause) => vec![row("not recorded", Some(cause), None, None)],
            Self::Failed(cause) => vec![row("failed", Some(cause), None, None)],
            Self::Differs(differences) => differences
                .into_iter()
                .map(|found| row("differs", Some(found.name), found.stored, found.recomputed))
                .collect(),
        }
    }
}
