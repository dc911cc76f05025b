//! `agora-usage budget`: what may be spent in a month.

use super::failure::{Exit, Failure};
use super::print::{Output, print_rows, say_line};
use super::report::amount;
use crate::account_outlook::OutlookError;
use crate::context::Context;
use crate::domain::{Money, Month, ProjectId};
use crate::outlook::budget::{Budget, BudgetScope, DEFAULT_THRESHOLDS_PERCENT, check_thresholds};
use crate::store::analyst_queries::{ResultTable, ValueKind};
use crate::store::{budgets, projects};

/// What is done with budgets.
#[derive(Debug, clap::Subcommand)]
pub(super) enum BudgetCommand {
    /// Put a budget in force, in place of the one of the same scope
    Set(SetArguments),
    /// Show the budgets of the database
    List(ListArguments),
    /// End a budget
    Remove(ScopeArguments),
}

/// What a budget is for.
#[derive(Debug, clap::Args)]
pub(super) struct ScopeArguments {
    /// For one project [default: the whole account]
    #[arg(long, value_name = "ID", conflicts_with = "cost_centre")]
    project: Option<String>,
    /// For all projects with this cost centre
    #[arg(long, value_name = "NAME")]
    cost_centre: Option<String>,
    /// Account of the settings [default: the only one]
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
}

/// Arguments of `budget set`.
#[derive(Debug, clap::Args)]
pub(super) struct SetArguments {
    /// For each calendar month, in the price book's currency, such as 1200.00
    #[arg(allow_negative_numbers = true)]
    amount: String,
    /// Per cent of it at which operators are told
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_values_t = DEFAULT_THRESHOLDS_PERCENT)]
    thresholds: Vec<u32>,
    #[command(flatten)]
    scope: ScopeArguments,
}

/// Arguments of `budget list`.
#[derive(Debug, clap::Args)]
pub(super) struct ListArguments {
    /// Only this account of the settings [default: all]
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Form of the rows [default: table on a terminal, else csv]
    #[arg(long, value_name = "FORM")]
    output: Option<Output>,
}

pub(super) async fn run(context: &Context, command: BudgetCommand) -> Result<Exit, Failure> {
    match command {
        BudgetCommand::Set(arguments) => set(context, arguments).await,
        BudgetCommand::List(arguments) => list(context, arguments).await,
        BudgetCommand::Remove(arguments) => remove(context, arguments).await,
    }
}

async fn set(context: &Context, arguments: SetArguments) -> Result<Exit, Failure> {
    let settings = only_account(context, arguments.scope.account.as_deref())?;
    let books = settings.price_books()?;
    let book = books.in_force(Month::of(context.clock.today())).map_err(OutlookError::from)?;
    let currency = book.currency;
    let wrong = || {
        let text = &arguments.amount;
        Failure::new(Exit::Usage, format!("'{text}' is not an amount of {}", currency.code()))
            .hint("write a decimal above 0, such as 1200.00")
    };
    let amount_a_month = Money::parse_stated(&arguments.amount, currency)
        .filter(|amount| amount.minor_units > 0)
        .ok_or_else(wrong)?;
    let thresholds_percent = check_thresholds(arguments.thresholds)
        .map_err(|why| Failure::new(Exit::Usage, format!("--thresholds: {why}")))?;
    let scope = scope(&arguments.scope)?;
    let budget = Budget { scope, amount: amount_a_month, thresholds_percent };
    let store = context.open_store().await?;
    let now = context.clock.now();
    projects::ensure_account(store.pool(), &settings.account, now).await?;
    budgets::set(store.pool(), &settings.account, &budget, now).await?;
    store.close().await;
    say_line(format_args!(
        "budget of {}, account {}: {} a month",
        budget.scope,
        settings.account,
        amount(&budget.amount)
    ));
    Ok(Exit::Done)
}

async fn remove(context: &Context, arguments: ScopeArguments) -> Result<Exit, Failure> {
    let settings = only_account(context, arguments.account.as_deref())?;
    let scope = scope(&arguments)?;
    let store = context.open_store().await?;
    let is_removed =
        budgets::remove(store.pool(), &settings.account, &scope, context.clock.now()).await?;
    store.close().await;
    if !is_removed {
        let message = format!("account {} has no budget of {scope}", settings.account);
        return Err(Failure::new(Exit::Failed, message).hint(
            "`agora-usage budget list` shows those of the database; the settings file has its own",
        ));
    }
    say_line(format_args!("budget of {scope}, account {}: removed", settings.account));
    Ok(Exit::Done)
}

const COLUMNS: &[(&str, ValueKind)] = &[
    ("account", ValueKind::Text),
    ("scope", ValueKind::Text),
    ("name", ValueKind::Text),
    ("amount", ValueKind::Decimal),
    ("currency", ValueKind::Text),
    ("thresholds_percent", ValueKind::Text),
];

async fn list(context: &Context, arguments: ListArguments) -> Result<Exit, Failure> {
    let accounts = context.settings.chosen(arguments.account.as_deref())?;
    let store = context.open_store_for_reading().await?;
    let mut rows = ResultTable::with_columns(COLUMNS);
    for settings in accounts {
        for budget in budgets::in_force(store.pool(), &settings.account).await? {
            let (scope, name) = budget.scope.parts();
            let thresholds: Vec<String> =
                budget.thresholds_percent.iter().map(ToString::to_string).collect();
            let (amount, currency) = (budget.amount, budget.amount.currency.code());
            let texts = [
                settings.account.as_str(),
                scope,
                name,
                &amount.to_string(),
                currency,
                &thresholds.join(","),
            ];
            rows.rows.push(texts.map(|text| Some(text.to_owned())).to_vec());
        }
    }
    store.close().await;
    print_rows(&rows, Output::or_default(arguments.output))?;
    Ok(Exit::Done)
}

/// A budget belongs to one account; with several, it must be named.
fn only_account<'a>(
    context: &'a Context,
    name: Option<&str>,
) -> Result<&'a crate::config::AccountSettings, Failure> {
    match context.settings.chosen(name)?[..] {
        [settings] => Ok(settings),
        _ => Err(Failure::new(Exit::Usage, "the settings have several accounts")
            .hint("name one with --account")),
    }
}

fn scope(arguments: &ScopeArguments) -> Result<BudgetScope, Failure> {
    match (&arguments.project, &arguments.cost_centre) {
        (Some(id), _) => ProjectId::new(id)
            .map(BudgetScope::Project)
            .map_err(|error| Failure::new(Exit::Usage, format!("--project '{id}': {error}"))),
        (None, Some(name)) if name.is_empty() => {
            Err(Failure::new(Exit::Usage, "--cost-centre is empty"))
        }
        (None, Some(name)) => Ok(BudgetScope::CostCentre(name.clone())),
        (None, None) => Ok(BudgetScope::Account),
    }
}
