//! Where an account's month is going, from stored usage: load, foretell, hold
//! against budgets, look for odd days, store.
//!
//! Used by the command and by the daemon. Foretells nothing itself and words
//! nothing for people.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate};

use crate::collect::{CollectError, Records};
use crate::domain::{AccountId, Currency, DateRange, DayUsage, Money, Month};
use crate::outlook::anomaly::{Anomaly, odd_projects};
use crate::outlook::budget::{Budget, BudgetScope, BudgetState, states};
use crate::outlook::month::{Known, forecast};
use crate::outlook::series::{UnknownDays, UsageSeries, history};
use crate::outlook::{DAYS_OF_LOOKING_BACK, Outlook, backtest};
use crate::rating::{PriceBooks, PriceBooksError, RatingError};
use crate::store::forecasts::{self, NewForecast};
use crate::store::leases::Lease;
use crate::store::{StoreError, budgets, requests, tags, usage};

/// Why an account has no outlook.
#[derive(Debug, thiserror::Error)]
pub enum OutlookError {
    /// The account was never fetched.
    #[error("nothing is stored for account '{0}'")]
    NothingStored(AccountId),
    /// Usage could not be read, or the outlook not be stored.
    #[error(transparent)]
    Collect(#[from] CollectError),
    /// The usage cannot be rated.
    #[error(transparent)]
    Rating(#[from] RatingError),
    /// No book holds for the month.
    #[error(transparent)]
    PriceBook(#[from] PriceBooksError),
    /// An amount of the settings that the currency does not have.
    #[error("{key} of the settings, '{text}', is no amount of {currency}")]
    Amount {
        /// Which setting.
        key: &'static str,
        /// As it is written.
        text: String,
        /// ISO 4217 code of the price book's currency.
        currency: &'static str,
    },
}

impl From<StoreError> for OutlookError {
    fn from(error: StoreError) -> Self {
        Self::Collect(error.into())
    }
}

/// A budget as the settings have it: the currency is that of the price book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetSetting {
    /// For what.
    pub scope: BudgetScope,
    /// For a month; a decimal text above 0.
    pub amount: String,
    /// Rising, in per cent.
    pub thresholds_percent: Vec<u32>,
}

/// What settings say about looking ahead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutlookSettings {
    /// Budgets of the settings; one of the table with the same scope takes their place.
    pub budgets: Vec<BudgetSetting>,
    /// Difference below which no day is odd, as a decimal text of the book's currency.
    pub anomaly_floor: String,
}

impl OutlookSettings {
    /// Five of the currency, whichever it is.
    pub const DEFAULT_ANOMALY_FLOOR: &'static str = "5.00";

    fn floor(&self, currency: Currency) -> Result<Money, OutlookError> {
        amount("anomaly_floor", &self.anomaly_floor, currency)
    }

    fn budgets(&self, currency: Currency) -> Result<Vec<Budget>, OutlookError> {
        let budget = |setting: &BudgetSetting| {
            Ok(Budget {
                amount: amount("a budget", &setting.amount, currency)?,
                scope: setting.scope.clone(),
                thresholds_percent: setting.thresholds_percent.clone(),
            })
        };
        self.budgets.iter().map(budget).collect()
    }
}

fn amount(key: &'static str, text: &str, currency: Currency) -> Result<Money, OutlookError> {
    let wrong = || OutlookError::Amount { key, text: text.to_owned(), currency: currency.code() };
    Money::parse_stated(text, currency).ok_or_else(wrong)
}

/// The outlook of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountOutlook {
    /// Newest day that was over.
    pub last_day: NaiveDate,
    /// The month.
    pub outlook: Outlook,
    /// How budgets stand.
    pub budgets: Vec<BudgetState>,
    /// Budgets in another currency than the price book.
    pub left_out: Vec<Budget>,
    /// Odd projects of the newest day.
    pub anomalies: Vec<Anomaly>,
    /// Days of the month so far that are not known.
    pub unknown_days: i64,
}

/// Looks ahead from the newest day that is known of any project, at most yesterday,
/// and stores what is seen, in the first week of a month also how the one before
/// it ended; with a lease only while it is held.
///
/// # Errors
/// [`OutlookError`]; what was stored before it stays.
pub async fn look_ahead(
    records: &Records<'_>,
    books: &PriceBooks,
    settings: &OutlookSettings,
    lease: Option<&Lease>,
) -> Result<AccountOutlook, OutlookError> {
    let last_day = last_day(records).await?;
    if last_day.day() <= DAYS_OF_LOOKING_BACK {
        let month_before = Month::of(last_day).previous();
        look_from(records, books, settings, lease, month_before.last_day()).await?;
    }
    look_from(records, books, settings, lease, last_day).await
}

async fn look_from(
    records: &Records<'_>,
    books: &PriceBooks,
    settings: &OutlookSettings,
    lease: Option<&Lease>,
    last_day: NaiveDate,
) -> Result<AccountOutlook, OutlookError> {
    let (pool, account) = (records.store.pool(), records.account);
    let range = history(last_day).ok_or_else(|| OutlookError::NothingStored(account.clone()))?;
    let book = books.in_force(Month::of(last_day))?;
    let loaded = load(records, range).await?;
    let known = Known { account, last_day, usage: &loaded.usage, unknown: &loaded.unknown, book };
    let outlook = forecast(known)?;
    let of_settings = settings.budgets(book.currency)?;
    let all_budgets = together(of_settings, budgets::in_force(pool, account).await?);
    let month = outlook.to_date().month;
    let cost_centres = tags::cost_centres(pool, account, month, None).await?;
    let budgets = states(&all_budgets, &outlook, &cost_centres);
    let series = UsageSeries::of(range, &loaded.usage, &loaded.unknown);
    let anomalies = odd_projects(&series, book, settings.floor(book.currency)?);
    let new = NewForecast {
        account,
        last_day,
        made_at: records.clock.now(),
        outlook: &outlook,
        budgets: &budgets,
        anomalies: &anomalies,
    };
    forecasts::replace(pool, lease, new).await?;
    let month = outlook.to_date().month.days();
    let of_month = |days: UnknownDays| days.range.intersection(month).map(DateRange::day_count);
    let unknown_days = loaded.unknown.into_iter().filter_map(of_month).sum();
    let is_other = |budget: &Budget| budget.amount.currency != book.currency;
    let left_out = all_budgets.into_iter().filter(is_other).collect();
    Ok(AccountOutlook { last_day, outlook, budgets, left_out, anomalies, unknown_days })
}

/// How good forecasts of the stored months would have been.
///
/// # Errors
/// [`OutlookError`].
pub async fn try_past_months(
    records: &Records<'_>,
    books: &PriceBooks,
) -> Result<Vec<backtest::Tried>, OutlookError> {
    let account = records.account;
    let pool = records.store.pool();
    let first = requests::first_day_asked(pool, account).await?;
    let yesterday = records.clock.today().checked_sub_days(Days::new(1));
    let range = first.zip(yesterday).and_then(|(first, last)| DateRange::new(first, last).ok());
    let range = range.ok_or_else(|| OutlookError::NothingStored(account.clone()))?;
    let loaded = load(records, range).await?;
    let book_of = |month| books.in_force(month).ok();
    let last_whole = Month::of(records.clock.today()).previous();
    let months: Vec<Month> = range.by_month().map(|days| Month::of(days.first())).collect();
    let months: Vec<Month> = months.into_iter().filter(|month| *month <= last_whole).collect();
    Ok(backtest::backtest(account, &loaded.usage, &loaded.unknown, book_of, &months)?)
}

/// Yesterday, or the day before as long as yesterday was not answered for.
async fn last_day(records: &Records<'_>) -> Result<NaiveDate, OutlookError> {
    let nothing = || OutlookError::NothingStored(records.account.clone());
    let newest = requests::newest_day_answered(records.store.pool(), records.account).await?;
    let yesterday = records.clock.today().checked_sub_days(Days::new(1));
    newest.zip(yesterday).map(|(newest, yesterday)| newest.min(yesterday)).ok_or_else(nothing)
}

struct Loaded {
    usage: Vec<DayUsage>,
    unknown: Vec<UnknownDays>,
}

async fn load(records: &Records<'_>, range: DateRange) -> Result<Loaded, OutlookError> {
    let usage = usage::read(records.store.pool(), records.account, range).await?.days;
    let holes = records.coverage(range).await?.holes;
    let unknown = holes.into_iter().map(|hole| UnknownDays {
        project_id: hole.project_id,
        service: hole.service,
        range: hole.range,
    });
    Ok(Loaded { usage, unknown: unknown.collect() })
}

/// A budget that was set by command takes the place of one of the settings.
fn together(of_settings: Vec<Budget>, of_table: Vec<Budget>) -> Vec<Budget> {
    let mut by_scope: BTreeMap<_, Budget> = BTreeMap::new();
    for budget in of_settings.into_iter().chain(of_table) {
        by_scope.insert(budget.scope.clone(), budget);
    }
    by_scope.into_values().collect()
}
