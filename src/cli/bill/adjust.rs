//! `agora-usage bill adjust`: credits and charges beside the rated usage.

use super::{only_account, words};
use crate::cli::failure::{Exit, Failure};
use crate::cli::print::note_line;
use crate::cli::print::say_line;
use crate::cli::report::amount;
use crate::config::AccountSettings;
use crate::context::Context;
use crate::domain::{AdjustmentScope, Money, Month, ProjectId};
use crate::store::adjustments::{self, NewAdjustment};
use crate::store::{Store, projects, stored_bills, tags};

/// Arguments of `bill adjust`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "An adjustment stands on the bill below the rated total and is part of what \
    every report adds up to. It is never changed; --void takes it back. A closed month takes it up \
    with `bill close --revise`."
)]
pub(in crate::cli) struct AdjustArguments {
    /// Month whose bill it belongs to, YYYY-MM
    #[arg(long, value_name = "MONTH", value_parser = Month::parse, required_unless_present = "void")]
    month: Option<Month>,
    /// Amount in the currency of the price book, such as -12.50 for a credit
    #[arg(long, value_name = "AMOUNT", required_unless_present = "void")]
    amount: Option<String>,
    /// Why, in a few words
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// All of it to this project id [default: split over all projects by cost]
    #[arg(long, value_name = "ID", conflicts_with = "cost_centre")]
    project: Option<String>,
    /// Split over the projects of this cost centre by cost
    #[arg(long, value_name = "NAME")]
    cost_centre: Option<String>,
    /// Take this adjustment back
    #[arg(long, value_name = "ID",
          conflicts_with_all = ["month", "amount", "project", "cost_centre"])]
    void: Option<i64>,
    /// Account of the settings, where there are several
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
}

pub(super) async fn run(context: &Context, arguments: AdjustArguments) -> Result<Exit, Failure> {
    let account = only_account(context, arguments.account.as_deref())?;
    if arguments.reason.trim().is_empty() {
        return Err(Failure::new(Exit::Usage, "--reason is empty; say why in a few words"));
    }
    let new = match arguments.void {
        Some(_) => None,
        None => Some(new_adjustment(context, account, &arguments)?),
    };
    let store = context.open_store().await?;
    projects::ensure_account(store.pool(), &account.account, context.clock.now()).await?;
    let done = match (new, arguments.void) {
        (Some(new), _) => add(context, &store, account, &new).await,
        (None, Some(number)) => void(context, &store, account, number, &arguments.reason).await,
        (None, None) => Ok(()),
    };
    store.close().await;
    done.map(|()| Exit::Done)
}

/// The adjustment that the arguments describe.
fn new_adjustment(
    context: &Context,
    account: &AccountSettings,
    arguments: &AdjustArguments,
) -> Result<NewAdjustment, Failure> {
    let wrong = |message: String| Failure::new(Exit::Usage, message);
    let current = Month::of(context.clock.today());
    let month = arguments
        .month
        .filter(|month| *month <= current)
        .ok_or_else(|| wrong(format!("the month has not begun; it is {current} (UTC)")))?;
    let currency = account.price_book(month)?.currency;
    let text = arguments.amount.as_deref().unwrap_or_default();
    let money = Money::parse_stated(text, currency).ok_or_else(|| {
        wrong(format!("'{text}' is not an amount in {}", currency.code())).hint(format!(
            "write it with a point and at most {} decimals, such as -12.50; a credit is negative",
            currency.minor_unit_digits()
        ))
    })?;
    if money.minor_units == 0 {
        return Err(wrong("an adjustment of 0 changes nothing".to_owned()));
    }
    let scope = match (&arguments.project, &arguments.cost_centre) {
        (Some(id), _) => AdjustmentScope::Project(
            ProjectId::new(id)
                .map_err(|error| wrong(format!("'{id}' is no project id: {error}")))?,
        ),
        (None, Some(name)) => AdjustmentScope::CostCentre(name.trim().to_owned()),
        (None, None) => AdjustmentScope::Account,
    };
    Ok(NewAdjustment { month, amount: money, scope, reason: arguments.reason.trim().to_owned() })
}

async fn add(
    context: &Context,
    store: &Store,
    account: &AccountSettings,
    new: &NewAdjustment,
) -> Result<(), Failure> {
    check_scope(store, account, new).await?;
    let account_id = &account.account;
    let number = adjustments::add(store.pool(), account_id, new, context.clock.now()).await?;
    say_line(format_args!(
        "account {account_id}, {}: adjustment {number} of {} recorded",
        new.month,
        amount(&new.amount)
    ));
    tell_of_close(store, account, new.month).await
}

/// Whether the project or the cost centre is there.
async fn check_scope(
    store: &Store,
    account: &AccountSettings,
    new: &NewAdjustment,
) -> Result<(), Failure> {
    let account = &account.account;
    match &new.scope {
        AdjustmentScope::Account => Ok(()),
        AdjustmentScope::Project(id) => {
            let stored = projects::read_all(store.pool(), account).await?;
            if stored.iter().any(|stored| stored.project.project_id == *id) {
                return Ok(());
            }
            let message = format!("project {id} is not known in account {account}");
            Err(Failure::new(Exit::Failed, message).hint("`agora-usage query projects` lists them"))
        }
        AdjustmentScope::CostCentre(name) => {
            let known = tags::cost_centres(store.pool(), account, new.month, None).await?;
            if known.values().any(|value| value == name) {
                return Ok(());
            }
            let message = format!("no project has the cost centre '{name}' in {}", new.month);
            Err(Failure::new(Exit::Failed, message)
                .hint("`agora-usage tag list` shows the tags, `tag set` makes one"))
        }
    }
}

async fn void(
    context: &Context,
    store: &Store,
    account: &AccountSettings,
    number: i64,
    reason: &str,
) -> Result<(), Failure> {
    let (pool, account_id) = (store.pool(), &account.account);
    let voided =
        adjustments::void(pool, account_id, number, reason.trim(), context.clock.now()).await;
    let (by, voided) = voided?;
    say_line(format_args!(
        "account {account_id}, {}: adjustment {number} of {} ({}) taken back by {by}",
        voided.month,
        amount(&voided.amount),
        words::scope(&voided)
    ));
    tell_of_close(store, account, voided.month).await
}

/// A closed bill does not change by itself.
async fn tell_of_close(
    store: &Store,
    account: &AccountSettings,
    month: Month,
) -> Result<(), Failure> {
    let closed = stored_bills::closed(store.pool(), &account.account, month).await?;
    if let Some(head) = closed.last() {
        note_line(format_args!(
            "{month} is closed as r{}; `agora-usage bill close --month {month} --revise` brings \
             this onto the bill",
            head.revision
        ));
    }
    Ok(())
}
