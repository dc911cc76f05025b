//! FOCUS 1.2 (`FinOps` Open Cost and Usage Specification): `focus.csv` and `focus.parquet`.
//!
//! One row a project, day, service and media with usage, and one for money that
//! belongs to no project. `BilledCost` sums to the bill. `ListCost` is the usage
//! at list price, so what free minutes and volume discounts saved is list less
//! billed cost. Usage without a price is a row too: its costs are 0, and its
//! description says that they are not known.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime};
use num_bigint::BigInt;
use num_rational::BigRational;
use polars::prelude::{Column, DataFrame};

use crate::domain::{DayUsage, Media, Money, Service};
use crate::rating::{ALLOCATION_SCALE, Bill, exact_decimal_units};

use super::format::{MonthContent, ReportFile, ReportFormat};
use super::model::{Background, COST_CENTRE_TAG, UNTAGGED};
use super::month::ProjectMonth;
use super::table::{self, Table};
use super::{ReportError, ReportOptions, csv, parquet};

/// Decimal places of quantities in minutes.
const QUANTITY_SCALE: u32 = 6;

/// Decimal places of a price per minute: 4 of a price per 1,000 and 3 more.
const PRICE_SCALE: u32 = 7;

/// A quantity times a price, exactly.
const LIST_COST_SCALE: u32 = QUANTITY_SCALE + PRICE_SCALE;

/// The format `focus`.
pub(super) struct Focus;

impl ReportFormat for Focus {
    fn name(&self) -> &'static str {
        "focus"
    }

    fn first_file(&self) -> &'static str {
        "focus.csv"
    }

    fn month_files(
        &self,
        month: &MonthContent<'_>,
        options: &ReportOptions,
    ) -> Result<Vec<ReportFile>, ReportError> {
        let table = table(month)?;
        Ok(vec![
            csv::file("focus.csv".to_owned(), &table, options)?,
            parquet::file("focus.parquet".to_owned(), &table)?,
        ])
    }
}

/// One charge.
struct Charge<'a> {
    project: Option<&'a ProjectMonth<'a>>,
    first_day: NaiveDate,
    days: u64,
    /// None for money that no usage caused.
    usage: Option<(Service, Media, i64)>,
    /// Reason of a credit or a charge beside the rated bill.
    adjustment: Option<&'a str>,
    billed_micro_units: i128,
}

fn table(month: &MonthContent<'_>) -> Result<Table, ReportError> {
    let bill = month.report.bill;
    let charges = charges(month)?;
    let priced = priced(&charges, month.report.background)?;
    let total = table::money_units(month.report.amount_due(), ALLOCATION_SCALE)?;
    let billed = billed("BilledCost", &charges)?;
    let sum = table::checked_sum("focus", &billed, charges.len(), total, ALLOCATION_SCALE)?;
    let mut columns = vec![billed];
    columns.extend(account_columns(bill, charges.len()));
    columns.extend(charge_columns(&charges, &priced, bill));
    columns.extend(cost_columns(&charges, &priced)?);
    columns.extend(sku_columns(&charges, &priced, bill)?);
    columns.extend(project_columns(&charges, month.report.background)?);
    columns.sort_by(|one, other| one.name().cmp(other.name()));
    let frame = DataFrame::new(charges.len(), columns)?;
    Ok(Table {
        frame,
        free_text: &["ChargeDescription", "SubAccountName"],
        sums: vec![("BilledCost", sum)],
    })
}

/// Every cell with usage by project, day, service and media, then what has no project.
fn charges<'a>(month: &MonthContent<'a>) -> Result<Vec<Charge<'a>>, ReportError> {
    let bill = month.report.bill;
    let mut charges = Vec::new();
    for project in month.projects {
        let mut costs = costs(project);
        for row in &project.usage {
            for media in Media::ALL {
                let cost = costs.remove(&(row.day, row.service, media)).unwrap_or(0);
                charges.extend(charge(project, row, media, cost));
            }
        }
    }
    if bill.unallocated.minor_units != 0 {
        charges.push(Charge {
            project: None,
            first_day: bill.month.first_day(),
            days: u64::try_from(bill.month.days().day_count()).unwrap_or(1),
            usage: None,
            adjustment: None,
            billed_micro_units: table::money_units(bill.unallocated, ALLOCATION_SCALE)?,
        });
    }
    charges.extend(adjustments(month)?);
    Ok(charges)
}

/// Each project's part of each adjustment, then what belongs to no project.
fn adjustments<'a>(month: &MonthContent<'a>) -> Result<Vec<Charge<'a>>, ReportError> {
    let days = month.report.bill.month.days();
    let mut charges = Vec::new();
    for applied in month.report.adjustments {
        let amount = applied.adjustment.amount;
        let mut charge = |project, minor_units| -> Result<(), ReportError> {
            let part = Money { minor_units, ..amount };
            charges.push(Charge {
                project,
                first_day: days.first(),
                days: u64::try_from(days.day_count()).unwrap_or(1),
                usage: None,
                adjustment: Some(&applied.adjustment.reason),
                billed_micro_units: table::money_units(part, ALLOCATION_SCALE)?,
            });
            Ok(())
        };
        let mut rest = amount.minor_units;
        for (id, share) in applied.shares.iter().filter(|(_, share)| *share != 0) {
            rest -= share;
            charge(month.projects.iter().find(|project| project.id == id), *share)?;
        }
        if rest != 0 {
            charge(None, rest)?;
        }
    }
    Ok(charges)
}

fn costs(project: &ProjectMonth<'_>) -> BTreeMap<(NaiveDate, Service, Media), i128> {
    let mut costs = BTreeMap::new();
    for day in project.allocation.iter().flat_map(|allocation| &allocation.days) {
        for line in &day.lines {
            *costs.entry((day.day, line.service, line.media)).or_default() += line.cost_micro_units;
        }
    }
    costs
}

fn charge<'a>(
    project: &'a ProjectMonth<'a>,
    row: &DayUsage,
    media: Media,
    cost: i128,
) -> Option<Charge<'a>> {
    let seconds = row.seconds[media.index()].unwrap_or(0);
    (seconds != 0 || cost != 0).then_some(Charge {
        project: Some(project),
        first_day: row.day,
        days: 1,
        usage: Some((row.service, media, seconds)),
        adjustment: None,
        billed_micro_units: cost,
    })
}

/// What a charge costs at list price.
struct Priced {
    /// Minutes in units of 10^-[`QUANTITY_SCALE`], half up.
    quantity_units: i128,
    /// For one minute in units of 10^-[`PRICE_SCALE`]; none without a price.
    price_units: Option<i128>,
}

impl Priced {
    /// None where there is no list price, and outside 128-bit integers.
    fn list_cost(&self) -> Option<i128> {
        self.price_units.and_then(|price| price.checked_mul(self.quantity_units))
    }
}

fn priced(charges: &[Charge<'_>], background: &Background) -> Result<Vec<Priced>, ReportError> {
    let mut prices = BTreeMap::new();
    for (key, price) in &background.list_prices {
        let thousand = BigRational::from_integer(BigInt::from(1_000));
        prices.insert(*key, exact_decimal_units(&(price / thousand), PRICE_SCALE)?);
    }
    let one = |charge: &Charge<'_>| match charge.usage {
        Some((service, media, seconds)) => Priced {
            quantity_units: (i128::from(seconds) * 10_i128.pow(QUANTITY_SCALE) + 30).div_euclid(60),
            price_units: prices.get(&(service, media)).copied(),
        },
        // A fee is one unit of itself.
        None => Priced { quantity_units: 10_i128.pow(QUANTITY_SCALE), price_units: None },
    };
    Ok(charges.iter().map(one).collect())
}

fn constant(name: &str, value: &str, height: usize) -> Column {
    table::text(name, &vec![Some(value); height])
}

fn texts(name: &str, values: &[Option<String>]) -> Column {
    let values: Vec<_> = values.iter().map(Option::as_deref).collect();
    table::text(name, &values)
}

fn account_columns(bill: &Bill, height: usize) -> Vec<Column> {
    let account = bill.account.as_str();
    let invoice = format!("{account}/{}", bill.month);
    let period = |name, day: NaiveDate| {
        table::moments(name, std::iter::repeat_n(day.and_time(NaiveTime::MIN), height))
    };
    let agora = ["InvoiceIssuerName", "ProviderName", "PublisherName"];
    let mut columns: Vec<_> = agora.iter().map(|name| constant(name, "Agora", height)).collect();
    columns.extend([
        constant("BillingAccountId", account, height),
        constant("BillingAccountName", account, height),
        constant("BillingAccountType", "Account", height),
        constant("BillingCurrency", bill.currency.code(), height),
        period("BillingPeriodStart", bill.month.first_day()),
        period("BillingPeriodEnd", bill.month.next().first_day()),
        constant("InvoiceId", &invoice, height),
        constant("ServiceCategory", "Media", height),
        constant("ServiceSubcategory", "Media Streaming", height),
    ]);
    columns
}

fn charge_columns(charges: &[Charge<'_>], priced: &[Priced], bill: &Bill) -> Vec<Column> {
    let category = |charge: &Charge<'_>| {
        Some(match (charge.usage, charge.adjustment) {
            (Some(_), _) => "Usage",
            (None, Some(_)) if charge.billed_micro_units < 0 => "Credit",
            (None, Some(_)) => "Adjustment",
            (None, None) => "Purchase",
        })
    };
    let frequency = |charge: &Charge<'_>| {
        Some(match (charge.usage, charge.adjustment) {
            (Some(_), _) => "Usage-Based",
            (None, Some(_)) => "One-Time",
            (None, None) => "Recurring",
        })
    };
    let of = |name, value: &dyn Fn(&Charge<'_>) -> Option<&'static str>| {
        table::text(name, &charges.iter().map(value).collect::<Vec<_>>())
    };
    let starts = charges.iter().map(|charge| midnight(charge.first_day, 0));
    let ends = charges.iter().map(|charge| midnight(charge.first_day, charge.days));
    let descriptions: Vec<_> = charges
        .iter()
        .zip(priced)
        .map(|(charge, priced)| Some(description(charge, priced, bill)))
        .collect();
    vec![
        of("ChargeCategory", &category),
        of("ChargeClass", &|_| None),
        texts("ChargeDescription", &descriptions),
        of("ChargeFrequency", &frequency),
        table::moments("ChargePeriodStart", starts),
        table::moments("ChargePeriodEnd", ends),
    ]
}

fn midnight(day: NaiveDate, days_later: u64) -> NaiveDateTime {
    let day = day.checked_add_days(Days::new(days_later)).unwrap_or(day);
    day.and_time(NaiveTime::MIN)
}

fn description(charge: &Charge<'_>, priced: &Priced, bill: &Bill) -> String {
    match charge.usage {
        None if charge.adjustment.is_some() => {
            format!("Adjustment: {}", charge.adjustment.unwrap_or_default())
        }
        None => "Charges that no usage of a project caused".to_owned(),
        Some((service, media, _)) if is_unpriced(service, media, bill) => {
            format!("{service} {media} minutes without a known price: not part of the bill")
        }
        Some((service, media, _)) if priced.price_units.is_none() => {
            format!("{service} {media} minutes")
        }
        Some((service, media, _)) => {
            format!("{service} {media} minutes, after free minutes and volume discounts")
        }
    }
}

fn is_unpriced(service: Service, media: Media, bill: &Bill) -> bool {
    bill.unpriced.iter().any(|usage| usage.service == service && usage.field == media.name())
}

fn billed(name: &str, charges: &[Charge<'_>]) -> Result<Column, ReportError> {
    let units = charges.iter().map(|charge| Some(charge.billed_micro_units));
    table::decimals(name, units, ALLOCATION_SCALE)
}

/// There are no commitments: what is contracted and effective is what is billed.
fn cost_columns(charges: &[Charge<'_>], priced: &[Priced]) -> Result<Vec<Column>, ReportError> {
    let scale_up = 10_i128.pow(LIST_COST_SCALE - ALLOCATION_SCALE);
    let list_cost = charges.iter().zip(priced).map(|(charge, priced)| {
        priced.list_cost().or_else(|| charge.billed_micro_units.checked_mul(scale_up))
    });
    let quantity = priced.iter().map(|priced| Some(priced.quantity_units));
    let price = priced.iter().map(|priced| priced.price_units);
    Ok(vec![
        billed("ContractedCost", charges)?,
        billed("EffectiveCost", charges)?,
        table::decimals("ListCost", list_cost, LIST_COST_SCALE)?,
        table::decimals("ListUnitPrice", price, PRICE_SCALE)?,
        table::decimals("PricingQuantity", quantity, QUANTITY_SCALE)?,
    ])
}

fn sku_columns(
    charges: &[Charge<'_>],
    priced: &[Priced],
    bill: &Bill,
) -> Result<Vec<Column>, ReportError> {
    let of = |name, value: &dyn Fn(Service, Media) -> String| {
        let usages = charges.iter().map(|charge| charge.usage);
        let values: Vec<_> =
            usages.map(|usage| usage.map(|(service, media, _)| value(service, media))).collect();
        texts(name, &values)
    };
    let services: Vec<_> = charges
        .iter()
        .map(|charge| Some(charge.usage.map_or("Agora", |(service, ..)| service_name(service))))
        .collect();
    let units: Vec<_> = charges
        .iter()
        .map(|charge| Some(if charge.usage.is_some() { "Minutes" } else { "Units" }))
        .collect();
    let price_ids: Vec<_> = charges
        .iter()
        .zip(priced)
        .map(|(charge, priced)| {
            let (service, media, _) = charge.usage.filter(|_| priced.price_units.is_some())?;
            Some(format!("{}/{service}.{media}", bill.book_name))
        })
        .collect();
    // Whole seconds with a decimal point, as every number of this file has one.
    let seconds = charges.iter().map(|charge| charge.usage.map(|(.., s)| i128::from(s) * 10));
    Ok(vec![
        table::decimals("ConsumedQuantity", seconds, 1)?,
        of("ConsumedUnit", &|_, _| "Seconds".to_owned()),
        of("PricingCategory", &|_, _| "Standard".to_owned()),
        table::text("PricingUnit", &units),
        table::text("ServiceName", &services),
        of("SkuId", &|service, media| format!("{service}.{media}")),
        of("SkuMeter", &|_, media| format!("{media} minutes")),
        texts("SkuPriceId", &price_ids),
    ])
}

/// As Agora's price pages call it.
const fn service_name(service: Service) -> &'static str {
    match service {
        Service::Rtc => "Agora Real-Time Communication",
        Service::Recording => "Agora On-Premise Recording",
        Service::CloudRecording => "Agora Cloud Recording",
        Service::Transcoding => "Agora Transcoding",
        Service::Miniapp => "Agora Mini App",
    }
}

fn project_columns(
    charges: &[Charge<'_>],
    background: &Background,
) -> Result<Vec<Column>, ReportError> {
    let of = |value: &dyn Fn(&ProjectMonth<'_>) -> Option<String>| -> Vec<Option<String>> {
        charges.iter().map(|charge| charge.project.and_then(value)).collect()
    };
    let mut tags = Vec::with_capacity(charges.len());
    for charge in charges {
        let of_project = charge.project.and_then(|project| background.tags.get(project.id));
        let mut of_project = of_project.cloned().unwrap_or_default();
        let cost_centre = of_project.entry(COST_CENTRE_TAG.to_owned());
        cost_centre.or_insert_with(|| UNTAGGED.to_owned());
        tags.push(Some(serde_json::to_string(&of_project)?));
    }
    Ok(vec![
        texts("SubAccountId", &of(&|project| Some(project.id.to_string()))),
        texts("SubAccountName", &of(&|project| project.project.map(|listed| listed.name.clone()))),
        texts("SubAccountType", &of(&|_| Some("Project".to_owned()))),
        texts("Tags", &tags),
    ])
}
