//! What surrounds a month: the months before it, cost centres, plans, list prices,
//! occupancy, and for a later revision what changed since the one before.
//!
//! Owns what is gathered, and as of when; earlier months come from
//! [`super::earlier`]. A closed month is surrounded by what was known when it was
//! closed, so that its files never change.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use num_rational::BigRational;

use super::MonthReportError;
use super::earlier::Earlier;
use crate::billing::{BillingError, RatedMonth};
use crate::clock::Clock;
use crate::collect::Records;
use crate::domain::{BillStatus, Currency, DayUsage, Media, Money, Month, ProjectId, Service};
use crate::rating::{Bill, PriceBook, PriceBooks};
use crate::report::{
    Ahead, Background, BudgetAhead, COST_CENTRE_TAG, Correction, MonthEnd, Occupancy, OddDay,
    PlanAhead, ProjectMarginAhead, ReportOptions, UnitPrices,
};
use crate::store::occupancy::hourly;
use crate::store::{forecasts, invoices, resale, tags as stored_tags};

/// What surrounds each closed revision, as it was known at its closing; they come oldest first.
pub(super) async fn of_revisions(
    records: &Records<'_>,
    books: &PriceBooks,
    revisions: &mut [RatedMonth],
    options: &ReportOptions,
) -> Result<(), MonthReportError> {
    for at in 0..revisions.len() {
        let (before, rest) = revisions.split_at_mut(at);
        let Some(revision) = rest.first_mut() else { break };
        let closed_at = revision.closed.as_ref().map(|closed| closed.closed_at);
        let clock = closed_at.map_or(records.clock, Clock::standing_at);
        let records = Records { clock, ..*records };
        revision.background = of(&records, books, revision, before.last(), options).await?;
    }
    Ok(())
}

/// What surrounds a month of the sell side: what a customer may read, and nothing
/// else. The rest is the reseller's own: plans, invoice, cost centres, occupancy.
pub(super) async fn of_statement(
    records: &Records<'_>,
    sell: &RatedMonth,
    options: &ReportOptions,
) -> Result<Background, MonthReportError> {
    let background = Background {
        // Not Agora's: what a customer compares with is the reseller's list.
        unit_prices: unit_prices(&sell.usage.days, &sell.book, None),
        is_for_customer: true,
        ..Background::default()
    };
    if !shows_background(options) {
        return Ok(background);
    }
    let earlier = Earlier { records, book: &sell.book, books: None };
    Ok(Background {
        past_months: Box::pin(earlier.past_months(sell.bill.month)).await?,
        previous: Box::pin(earlier.previous(sell.bill.month)).await?,
        ..background
    })
}

fn shows_background(options: &ReportOptions) -> bool {
    let is_shown = options.formats.iter().any(|format| format.needs_background());
    is_shown || !options.breakdowns.is_empty()
}

/// What surrounds a month, as far as the formats show it; `before` is its earlier
/// revision.
pub(super) async fn of(
    records: &Records<'_>,
    books: &PriceBooks,
    rated: &RatedMonth,
    before: Option<&RatedMonth>,
    options: &ReportOptions,
) -> Result<Background, MonthReportError> {
    let (bill, book) = (&rated.bill, &rated.book);
    let background = of_days(records, rated).await?;
    if !shows_background(options) {
        return Ok(background);
    }
    let (pool, account) = (records.store.pool(), records.account);
    let hours = hourly::hours_of_week(pool, account, bill.month.days()).await;
    let peaks = hourly::peaks(pool, account, bill.month.days()).await;
    let (budget, ahead) = plans(records, rated).await?;
    let earlier = Earlier { records, book, books: Some(books) };
    Ok(Background {
        past_months: Box::pin(earlier.past_months(bill.month)).await?,
        previous: Box::pin(earlier.previous(bill.month)).await?,
        corrections: before.map(|before| corrections(before, rated)).unwrap_or_default(),
        budget,
        ahead,
        invoice: invoice(records, bill).await?,
        occupancy: Occupancy {
            hours: hours.map_err(BillingError::from)?,
            peaks: peaks.map_err(BillingError::from)?,
        },
        ..background
    })
}

/// Prices and cost centres: what every format needs, and a range of days as well.
pub(super) async fn of_days(
    records: &Records<'_>,
    rated: &RatedMonth,
) -> Result<Background, MonthReportError> {
    let published = rated.book.published();
    Ok(Background {
        unit_prices: unit_prices(&rated.usage.days, &rated.book, published.as_ref()),
        tags: tags(records, rated.bill.month).await?,
        ..Background::default()
    })
}

/// The newest invoice of the month that was known, in the currency of the bill.
async fn invoice(
    records: &Records<'_>,
    bill: &Bill,
) -> Result<Option<BTreeMap<String, Money>>, MonthReportError> {
    let (pool, known_by) = (records.store.pool(), records.clock.known_by());
    let parts = invoices::allocation(pool, records.account, bill.month, known_by).await;
    let parts = parts.map_err(BillingError::from)?;
    let is_of_bill = |part: &(String, String, String)| part.2 == bill.currency.code();
    if parts.is_empty() || !parts.iter().all(is_of_bill) {
        return Ok(None);
    }
    let money = |(project, cost, _): (String, String, String)| {
        Some((project, Money::parse(&cost, bill.currency)?))
    };
    Ok(Some(parts.into_iter().filter_map(money).collect()))
}

/// The cost centre of each project that has one.
async fn tags(
    records: &Records<'_>,
    month: Month,
) -> Result<BTreeMap<ProjectId, BTreeMap<String, String>>, MonthReportError> {
    let (pool, known_by) = (records.store.pool(), records.clock.known_by());
    let found = stored_tags::cost_centres(pool, records.account, month, known_by).await;
    let found = found.map_err(BillingError::from)?.into_iter();
    let tag = |(project_id, value)| (project_id, [(COST_CENTRE_TAG.to_owned(), value)].into());
    Ok(found.map(tag).collect())
}

/// The account's budget, and what lies ahead of a month under way.
async fn plans(
    records: &Records<'_>,
    rated: &RatedMonth,
) -> Result<(Option<Money>, Ahead), MonthReportError> {
    if rated.status() != BillStatus::InProgress || records.clock.known_by().is_some() {
        return Ok((None, Ahead::default()));
    }
    let (pool, account) = (records.store.pool(), records.account);
    let facts = forecasts::newest(pool, &[account.as_str()]).await.map_err(BillingError::from)?;
    let compared = resale::comparison(pool, account).await.map_err(BillingError::from)?;
    let (month, currency) = (rated.bill.month.first_day(), rated.bill.currency);
    let money = |text: &str| Money::parse(text, currency);
    let forecast = facts.forecasts.iter().find(|fact| fact.month == month);
    let ahead = Ahead {
        margins: margins(records, month, currency).await?,
        plans: of_plans(&compared, currency),
        plan_months: plan_months(&compared),
        ..Ahead::default()
    };
    let Some(forecast) = forecast.filter(|fact| fact.currency == currency.code()) else {
        return Ok((None, ahead));
    };
    let of_month = |fact: &&forecasts::BudgetFact| fact.month == month;
    let budget = facts.budgets.iter().filter(of_month).find(|fact| fact.scope == "account");
    let one = |fact: &forecasts::BudgetFact| {
        Some(BudgetAhead {
            of: format!("{} {}", fact.scope.replace('_', " "), fact.name).trim_end().to_owned(),
            amount: money(&fact.amount)?,
            to_date: money(&fact.to_date)?,
            expected: fact.expected.as_deref().and_then(money),
            used_up_on: fact.used_up_on,
        })
    };
    let odd = |fact: &forecasts::AnomalyFact| {
        Some(OddDay {
            day: fact.day,
            project_id: fact.project_id.clone(),
            cause: format!("{} {}", fact.service, fact.media),
            worth: money(&fact.worth)?,
            usual: money(&fact.usual)?,
        })
    };
    let ahead = Ahead {
        budgets: facts.budgets.iter().filter(of_month).filter_map(one).collect(),
        odd_days: facts.anomalies.iter().filter_map(odd).collect(),
        last_day: Some(forecast.last_day),
        month_end: month_end(forecast, currency),
        first_billed_day: forecast.first_billed_day,
        ..ahead
    };
    Ok((budget.and_then(|fact| money(&fact.amount)), ahead))
}

fn month_end(forecast: &forecasts::ForecastFact, currency: Currency) -> Option<MonthEnd> {
    let money = |text: &Option<String>| Money::parse(text.as_deref()?, currency);
    Some(MonthEnd {
        expected: money(&forecast.expected)?,
        low: money(&forecast.low)?,
        high: money(&forecast.high)?,
    })
}

async fn margins(
    records: &Records<'_>,
    month: NaiveDate,
    currency: Currency,
) -> Result<Vec<ProjectMarginAhead>, MonthReportError> {
    let stored = resale::margins(records.store.pool(), records.account, month).await;
    let stored = stored.map_err(BillingError::from)?;
    let in_currency = stored.into_iter().filter(|one| one.currency == currency.code());
    let margin = |one: resale::StoredMargin| {
        Some(ProjectMarginAhead {
            cost: Money::parse(&one.cost, currency)?,
            sell: Money::parse(&one.sell, currency)?,
            project_id: one.project_id,
        })
    };
    Ok(in_currency.filter_map(margin).collect())
}

fn plan_months(compared: &[resale::StoredPlan]) -> String {
    compared.first().map(|one| one.months.clone()).unwrap_or_default()
}

fn of_plans(compared: &[resale::StoredPlan], currency: Currency) -> Vec<PlanAhead> {
    let money = |text: &str| Money::parse(text, currency);
    let plan = |one: &resale::StoredPlan| {
        Some(PlanAhead {
            plan: one.plan.clone(),
            total: money(&one.total)?,
            saved: one.saved.as_deref().and_then(money),
            is_in_force: one.is_in_force,
            break_even: one.break_even(),
        })
    };
    let in_currency = compared.iter().filter(|one| one.currency == currency.code());
    in_currency.filter_map(plan).collect()
}

/// Every value that is another one, by project, service, day and media.
fn corrections(before: &RatedMonth, after: &RatedMonth) -> Vec<Correction> {
    let observed_at = after.closed.as_ref().map(|closed| closed.closed_at).unwrap_or_default();
    let key = |row: &DayUsage| (row.project_id.clone(), row.service, row.day);
    let by_key = |month: &RatedMonth| -> BTreeMap<_, _> {
        month.usage.days.iter().map(|row| (key(row), row.seconds)).collect()
    };
    let (old, new) = (by_key(before), by_key(after));
    let keys: std::collections::BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let nothing = [None; Media::COUNT];
    let mut found = Vec::new();
    for key in keys {
        let (project_id, service, day) = key;
        let (old, new) = (old.get(key).unwrap_or(&nothing), new.get(key).unwrap_or(&nothing));
        for media in Media::ALL.into_iter().filter(|media| old[media.index()] != new[media.index()])
        {
            found.push(Correction {
                project_id: project_id.clone(),
                service: *service,
                day: *day,
                media,
                before_seconds: old[media.index()],
                after_seconds: new[media.index()],
                observed_at,
            });
        }
    }
    found
}

/// Prices of each service and media that was used, by the media as the API counts it.
fn unit_prices(
    usage: &[DayUsage],
    book: &PriceBook,
    published: Option<&PriceBook>,
) -> BTreeMap<(Service, Media), UnitPrices> {
    let mut is_used = [[false; Media::COUNT]; Service::ALL.len()];
    for row in usage {
        for (is_used, seconds) in is_used[row.service as usize].iter_mut().zip(row.seconds) {
            *is_used |= seconds.is_some_and(|seconds| seconds != 0);
        }
    }
    let hundred = BigRational::from_integer(100.into());
    let discounted = (&hundred - &book.terms.discount_percent) / hundred;
    let price = |priced: &PriceBook, service, media| {
        priced.worth_per_1000(service, priced.billed_as(media), &book.audience_share)
    };
    let mut prices = BTreeMap::new();
    for (service, is_used) in Service::ALL.into_iter().zip(is_used) {
        for media in Media::ALL.into_iter().filter(|media| is_used[media.index()]) {
            let Some(own) = price(book, service, media) else { continue };
            let contracted = &own * &discounted;
            let list = published.and_then(|book| price(book, service, media)).unwrap_or(own);
            prices.insert((service, media), UnitPrices { list, contracted });
        }
    }
    prices
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{MediaSet, UsageSource};

    #[test]
    fn unit_prices_have_the_share_of_the_audience_in_them() {
        let book = "name = 'c'\nextends = 'tiered-usd'\nbroadcast_audience_share = '30%'\n\
                    discount_percent = '10'";
        let book = PriceBook::parse("c.toml", book).expect("valid");
        let mut seconds = [None; Media::COUNT];
        seconds[Media::Hd.index()] = Some(60);
        let used = |service| DayUsage {
            project_id: ProjectId::new("a").expect("valid"),
            service,
            day: NaiveDate::default(),
            source: UsageSource::V3,
            seconds,
            extra_seconds: BTreeMap::new(),
            missing: MediaSet::default(),
        };
        let usage = [used(Service::Rtc)];
        let prices = unit_prices(&usage, &book, book.published().as_ref());
        let of = |thousandths: i64| BigRational::new(thousandths.into(), 1_000.into());
        // 0.7 x 3.99 + 0.3 x 1.99, the contracted price less a tenth.
        let expected = UnitPrices { list: of(3_390), contracted: of(3_051) };
        assert_eq!(prices, BTreeMap::from([((Service::Rtc, Media::Hd), expected)]));
    }
}
