//! `agora-usage bill compare`: the same months under every plan.

use chrono::{DateTime, Utc};

use super::compare_words::{in_words, rows_of, saved};
use super::records;
use crate::billing::used_months::{newest_months, used_months};
use crate::cli::failure::{Exit, Failure};
use crate::cli::print::{Output, print_rows, print_text};
use crate::config::{AccountSettings, price_book};
use crate::context::Context;
use crate::domain::{AccountId, Money, Month};
use crate::outlook::compare::{Candidate, UsedMonth, compare};
use crate::outlook::plans::{PlanChoice, as_written, choices};
use crate::rating::{PriceBook, PriceBooks, month_total};
use crate::store::analyst_queries::{ResultTable, ValueKind};
use crate::store::resale::{self, ComparedPlan};
use crate::store::{Store, StoreError};

/// Arguments of `bill compare`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Rates the months under the account's own price books, the built-in ones of \
    the same currency, and each package of standard minutes with the top-ups that would have been \
    cheapest each month. The past is exact; whether the future is like it is for you to judge.\n\n\
    Exit codes: 0 done; 3 days are not known or not over, or the cheapest plan has no price for some \
    usage."
)]
pub(in crate::cli) struct CompareArguments {
    /// Month, or first and last month: YYYY-MM or YYYY-MM..YYYY-MM [default: the last 12 whole ones]
    #[arg(long, value_name = "MONTHS", value_parser = MonthSpan::parse)]
    month: Option<MonthSpan>,
    /// Only this account of the settings [default: all]
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// A price book to compare as well: a file, or the name of a built-in one; may be repeated
    #[arg(long, value_name = "BOOK")]
    book: Vec<String>,
    /// Form of the rows [default: a text on a terminal, else csv]
    #[arg(long, value_name = "FORM")]
    output: Option<Output>,
}

/// Months from the command line.
#[derive(Debug, Clone)]
struct MonthSpan(Vec<Month>);

impl MonthSpan {
    fn parse(text: &str) -> Result<Self, String> {
        Month::parse_span(text).map(Self).map_err(|error| error.to_string())
    }
}

/// Months that are compared where none are named.
const DEFAULT_MONTHS: usize = 12;

/// An account's months under every plan.
pub(super) struct Compared {
    pub(super) account: AccountId,
    pub(super) months: Vec<UsedMonth>,
    /// Cheapest first.
    pub(super) candidates: Vec<Candidate>,
    /// What the months cost under the books in force; none where a month has none.
    pub(super) in_force: Option<Money>,
    /// Name of the plan in force, where one held for all the months.
    pub(super) plan_in_force: Option<String>,
    /// Books of another currency.
    pub(super) left_out: Vec<String>,
    pub(super) unknown_days: i64,
    /// Days of the months that are not over.
    pub(super) days_to_come: i64,
}

const COLUMNS: &[(&str, ValueKind)] = &[
    ("account_id", ValueKind::Text),
    ("first_month", ValueKind::Text),
    ("last_month", ValueKind::Text),
    ("plan", ValueKind::Text),
    ("total", ValueKind::Decimal),
    ("low", ValueKind::Decimal),
    ("high", ValueKind::Decimal),
    ("saved", ValueKind::Decimal),
    ("currency", ValueKind::Text),
    ("in_force", ValueKind::Text),
    ("prices_all_usage", ValueKind::Text),
    ("break_even_percent", ValueKind::Integer),
    ("break_even_minutes_a_month", ValueKind::Integer),
];

pub(super) async fn run(context: &Context, arguments: CompareArguments) -> Result<Exit, Failure> {
    let current = Month::of(context.clock.today());
    let asked = arguments.month.map(|span| span.0);
    if let Some(month) = asked.iter().flatten().find(|month| **month > current) {
        let message = format!("{month} has not begun; it is {current} (UTC)");
        return Err(Failure::new(Exit::Usage, message));
    }
    let named = |name: &String| Ok::<_, Failure>((name.clone(), price_book(name)?));
    let named = arguments.book.iter().map(named).collect::<Result<Vec<_>, _>>()?;
    let accounts = context.settings.chosen(arguments.account.as_deref())?;
    let output = Output::or_default(arguments.output);
    let store = context.open_store().await?;
    let mut rows = ResultTable::with_columns(COLUMNS);
    let mut exit = Exit::Done;
    for settings in accounts {
        match compared(context, &store, settings, asked.as_deref(), &named).await {
            Ok(found) => {
                exit = exit.and(found.exit());
                found.store(&store, context.clock.now()).await?;
                if output == Output::Table {
                    print_text(&in_words(&found))?;
                } else {
                    rows.rows.extend(rows_of(&found));
                }
            }
            // One account that fails does not stop the others.
            Err(failure) => {
                failure.print();
                exit = exit.and(failure.exit);
            }
        }
    }
    store.close().await;
    if output != Output::Table {
        print_rows(&rows, output)?;
    }
    Ok(exit)
}

async fn compared(
    context: &Context,
    store: &Store,
    settings: &AccountSettings,
    asked: Option<&[Month]>,
    named: &[(String, PriceBook)],
) -> Result<Compared, Failure> {
    let own = settings.price_books()?;
    let records = records(store, settings, context.clock);
    let months = match asked {
        Some(months) => months.to_vec(),
        None => newest_months(&records, DEFAULT_MONTHS).await?,
    };
    let used = used_months(&records, &months).await?;
    let (plans, left_out) = plans(own.all(), named)?;
    let candidates = compare(&used.months, &plans)?;
    Ok(Compared {
        account: settings.account.clone(),
        in_force: in_force(&own, &used.months)?,
        plan_in_force: plan_in_force(&own, &months),
        months: used.months,
        candidates,
        left_out,
        unknown_days: used.unknown_days,
        days_to_come: used.days_to_come,
    })
}

/// The plans of own, named and built-in books, in the currency of the newest own
/// book, and the names of those in another. All before tax, which the built-in
/// books do not have.
fn plans(
    own: &[PriceBook],
    named: &[(String, PriceBook)],
) -> Result<(Vec<PlanChoice>, Vec<String>), Failure> {
    let mut books: Vec<(String, &PriceBook)> = own.iter().map(|book| (since(book), book)).collect();
    books.extend(named.iter().map(|(name, book)| (name.clone(), book)));
    let mut built_in = Vec::new();
    for name in PriceBook::embedded_names() {
        built_in.extend(
            PriceBook::embedded(name).transpose().map_err(crate::config::ConfigError::from)?,
        );
    }
    books.extend(built_in.iter().map(|book| ("built-in".to_owned(), book)));
    let newest = own.iter().max_by_key(|book| book.valid_from);
    let currency = newest.or(named.first().map(|named| &named.1)).map(|book| book.currency);
    let (mut plans, mut left_out) = (Vec::<PlanChoice>::new(), Vec::new());
    for (at, (source, book)) in books.iter().enumerate() {
        if books[..at].iter().any(|(_, known)| known.sha256 == book.sha256) {
            continue;
        }
        if Some(book.currency) != currency {
            left_out.push(format!("{} is in {}", book.name, book.currency.code()));
            continue;
        }
        let has_namesake = books[..at].iter().any(|(_, known)| known.name == book.name);
        let note = if has_namesake { format!(" ({source})") } else { String::new() };
        let book = book.before_tax();
        // As it is paid now, with the package and the top-ups that were bought.
        let as_paid = (at < own.len()).then(|| as_written(&book));
        for mut choice in as_paid.into_iter().chain(choices(&book)) {
            choice.name.push_str(&note);
            if !plans.iter().any(|known| known.name == choice.name) {
                plans.push(choice);
            }
        }
    }
    Ok((plans, left_out))
}

/// What tells an own book from another of its name.
fn since(book: &PriceBook) -> String {
    book.valid_from.map_or_else(|| "own".to_owned(), |month| format!("from {month}"))
}

/// What the months cost under the books that were in force, before tax.
fn in_force(own: &PriceBooks, months: &[UsedMonth]) -> Result<Option<Money>, Failure> {
    let mut sum: Option<Money> = None;
    for used in months {
        let Ok(book) = own.in_force(used.month) else { return Ok(None) };
        let total = month_total(&used.sums, used.month, &book.before_tax())?.total;
        match &mut sum {
            None => sum = Some(total),
            Some(sum) if sum.currency == total.currency => sum.minor_units += total.minor_units,
            Some(_) => return Ok(None),
        }
    }
    Ok(sum)
}

fn plan_in_force(own: &PriceBooks, months: &[Month]) -> Option<String> {
    let name = |month: &Month| own.in_force(*month).ok().map(|book| book.name.clone());
    let first = name(months.first()?)?;
    months.iter().all(|month| name(month).as_ref() == Some(&first)).then_some(first)
}

impl Compared {
    /// Keeps it for views and questions.
    async fn store(&self, store: &Store, now: DateTime<Utc>) -> Result<(), StoreError> {
        let months = self.months.first().zip(self.months.last());
        let Some(months) =
            months.map(|(first, last)| (first.month.first_day(), last.month.first_day()))
        else {
            return Ok(());
        };
        let plan = |plan: &Candidate| ComparedPlan {
            plan: plan.plan.name.clone(),
            total: plan.total,
            low: plan.range.low,
            high: plan.range.high,
            saved: saved(self, plan),
            is_in_force: self.plan_in_force.as_ref() == Some(&plan.plan.name),
            prices_all_usage: plan.unpriced_seconds.is_empty(),
            break_even: plan.break_even,
        };
        let plans: Vec<ComparedPlan> = self.candidates.iter().map(plan).collect();
        resale::replace_comparison(store.pool(), &self.account, months, &plans, now).await
    }

    fn exit(&self) -> Exit {
        let is_priced = self.candidates.first().is_some_and(|it| it.unpriced_seconds.is_empty());
        let is_whole = self.unknown_days == 0 && self.days_to_come == 0;
        if is_whole && is_priced { Exit::Done } else { Exit::Partial }
    }
}
