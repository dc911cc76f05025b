//! What surrounds a month: the months before it, list prices and occupancy.
//!
//! Owns which months are looked at. Earlier months are rated from sums of their
//! stored seconds with the same price book, since a total depends on nothing
//! else; the month before is rated in full, for its projects' costs.

use std::collections::BTreeMap;

use num_traits::ToPrimitive;

use super::MonthReportError;
use crate::collect::Records;
use crate::domain::{DateRange, DayUsage, Media, Month, ProjectId, Service};
use crate::rating::{ALLOCATION_SCALE, Bill, PriceBook, rate};
use crate::report::{Background, Occupancy, PastMonth};
use crate::store::occupancy::hourly;
use crate::store::{bills, usage};

/// Months of the trend before the one that is reported.
const PAST_MONTHS: usize = 11;

/// Everything that a report shows around its month.
pub(super) async fn gather(
    records: &Records<'_>,
    book: &PriceBook,
    bill: &Bill,
    usage: &[DayUsage],
) -> Result<Background, MonthReportError> {
    let (pool, account) = (records.store.pool(), records.account);
    Ok(Background {
        past_months: past_months(records, book, bill.month).await?,
        previous: previous(records, book, bill.month).await?,
        list_prices: list_prices(usage, book),
        occupancy: Occupancy {
            hours: hourly::hours_of_week(pool, account, bill.month.days()).await?,
            peaks: hourly::peaks(pool, account, bill.month.days()).await?,
        },
        ..Background::default()
    })
}

/// What formats of plain rows show of it.
pub(super) fn without_history(usage: &[DayUsage], book: &PriceBook) -> Background {
    Background { list_prices: list_prices(usage, book), ..Background::default() }
}

/// List price of each service and media that was used, by the media as the API counts it.
fn list_prices(
    usage: &[DayUsage],
    book: &PriceBook,
) -> BTreeMap<(Service, Media), num_rational::BigRational> {
    let mut is_used = [[false; Media::COUNT]; Service::ALL.len()];
    for row in usage {
        for (is_used, seconds) in is_used[row.service as usize].iter_mut().zip(row.seconds) {
            *is_used |= seconds.is_some_and(|seconds| seconds != 0);
        }
    }
    let mut prices = BTreeMap::new();
    for (service, is_used) in Service::ALL.into_iter().zip(is_used) {
        for media in Media::ALL.into_iter().filter(|media| is_used[media.index()]) {
            let price = book.unit_price_per_1000(service, book.billed_as(media));
            prices.extend(price.map(|price| ((service, media), price.clone())));
        }
    }
    prices
}

async fn previous(
    records: &Records<'_>,
    book: &PriceBook,
    month: Month,
) -> Result<Option<Bill>, MonthReportError> {
    let before = month.previous();
    let usage = usage::read(records.store.pool(), records.account, before.days()).await?;
    if usage.is_empty() {
        return Ok(None);
    }
    Ok(Some(rate(records.account, before, &usage, book)?))
}

async fn past_months(
    records: &Records<'_>,
    book: &PriceBook,
    month: Month,
) -> Result<Vec<PastMonth>, MonthReportError> {
    let (pool, account) = (records.store.pool(), records.account);
    let months = std::iter::successors(Some(month.previous()), |month| Some(month.previous()));
    let mut months: Vec<Month> = months.take(PAST_MONTHS).collect();
    months.reverse();
    let Some(range) = months
        .first()
        .and_then(|first| DateRange::new(first.first_day(), month.previous().last_day()).ok())
    else {
        return Ok(Vec::new());
    };
    // A total knows no projects: this one stands for all.
    let Ok(stand_in) = ProjectId::new("all") else { return Ok(Vec::new()) };
    let mut sums: BTreeMap<Month, Vec<DayUsage>> = BTreeMap::new();
    for sum in usage::read_month_sums(pool, account, range).await? {
        sums.entry(Month::of(sum.month)).or_default().push(DayUsage {
            project_id: stand_in.clone(),
            service: sum.service,
            day: sum.month,
            source: crate::domain::UsageSource::V3,
            seconds: sum.seconds,
            extra_seconds: BTreeMap::new(),
            missing: crate::domain::MediaSet::EMPTY,
        });
    }
    let statuses = bills::draft_statuses(pool, account, range).await?;
    let mut past = Vec::with_capacity(sums.len());
    for (month, usage) in sums {
        let bill = rate(account, month, &usage, book)?;
        past.push(PastMonth {
            month,
            total: bill.total,
            cost_micro_units: media_costs(&bill),
            status: statuses.get(&month).copied(),
        });
    }
    Ok(past)
}

fn media_costs(bill: &Bill) -> [i128; Media::COUNT] {
    let unit = num_bigint::BigInt::from(10).pow(ALLOCATION_SCALE);
    let mut costs = [0; Media::COUNT];
    for line in &bill.lines {
        let units = (&line.amount * &unit).trunc().to_integer().to_i128();
        costs[line.media.index()] += units.unwrap_or(0);
    }
    costs
}
