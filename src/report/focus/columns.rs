//! The columns of FOCUS 1.2 that a charge fills.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime};
use polars::prelude::Column;

use crate::domain::{ProjectId, Service};
use crate::rating::{ALLOCATION_SCALE, ChargeKind};

use super::super::model::{COST_CENTRE_TAG, UNTAGGED};
use super::super::month::ProjectMonth;
use super::super::{MonthReport, ReportError, table};
use super::charges::{Charge, Kind, Purchase, Usage};
use super::prices::{COST_SCALE, PRICE_SCALE, Priced, QUANTITY_SCALE};

/// The column that sums to what is due.
pub(super) const BILLED_COST: &str = "BilledCost";

/// Tag of usage without a price; the part before the `/` tells it from tags of users.
const PRICING_TAG: (&str, &str) = ("agora-usage/pricing", "unpriced");

/// Every column, in no order.
pub(super) fn of(
    report: &MonthReport<'_>,
    charges: &[Charge<'_>],
    priced: &[Priced],
) -> Result<Vec<Column>, ReportError> {
    let mut columns = account_columns(report, charges.len());
    columns.extend(charge_columns(report, charges));
    columns.extend(cost_columns(charges, priced)?);
    columns.extend(sku_columns(report, charges)?);
    columns.extend(project_columns(charges, &report.background.tags)?);
    Ok(columns)
}

fn constant(name: &str, value: &str, height: usize) -> Column {
    table::text(name, &vec![Some(value); height])
}

fn texts(name: &str, values: impl Iterator<Item = Option<String>>) -> Column {
    let values: Vec<_> = values.collect();
    let values: Vec<_> = values.iter().map(Option::as_deref).collect();
    table::text(name, &values)
}

fn account_columns(report: &MonthReport<'_>, height: usize) -> Vec<Column> {
    let bill = report.bill;
    let account = bill.account.as_str();
    // A draft is no invoice, and another revision is another invoice.
    let invoice =
        report.closed.map(|closed| format!("{account}/{}/r{}", bill.month, closed.revision));
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
        table::text("InvoiceId", &vec![invoice.as_deref(); height]),
        constant("ServiceCategory", "Media", height),
        constant("ServiceSubcategory", "Media Streaming", height),
    ]);
    columns
}

fn charge_columns(report: &MonthReport<'_>, charges: &[Charge<'_>]) -> Vec<Column> {
    let category = |charge: &Charge<'_>| {
        Some(match charge.kind {
            Kind::Usage(_) => "Usage",
            Kind::Purchase(_) => "Purchase",
            Kind::Tax => "Tax",
            Kind::Adjustment(_) if charge.billed_micro_units < 0 => "Credit",
            Kind::Adjustment(_) => "Adjustment",
        })
    };
    let frequency = |charge: &Charge<'_>| {
        Some(match charge.kind {
            Kind::Usage(_) => "Usage-Based",
            Kind::Adjustment(_) => "One-Time",
            Kind::Purchase(_) | Kind::Tax => "Recurring",
        })
    };
    let of = |name, value: &dyn Fn(&Charge<'_>) -> Option<&'static str>| {
        table::text(name, &charges.iter().map(value).collect::<Vec<_>>())
    };
    let starts = charges.iter().map(|charge| midnight(charge.days.first(), 0));
    let ends = charges.iter().map(|charge| midnight(charge.days.last(), 1));
    let descriptions = charges.iter().map(|charge| Some(description(report, charge.kind)));
    vec![
        of("ChargeCategory", &category),
        // Each revision is told whole, so that no row corrects one of another file.
        of("ChargeClass", &|_| None),
        texts("ChargeDescription", descriptions),
        of("ChargeFrequency", &frequency),
        table::moments("ChargePeriodStart", starts),
        table::moments("ChargePeriodEnd", ends),
    ]
}

fn midnight(day: NaiveDate, days_later: u64) -> NaiveDateTime {
    let day = day.checked_add_days(Days::new(days_later)).unwrap_or(day);
    day.and_time(NaiveTime::MIN)
}

fn description(report: &MonthReport<'_>, kind: Kind<'_>) -> String {
    let of_bill = |kind: ChargeKind| {
        let charge = report.bill.charges.iter().find(|charge| charge.kind == kind);
        charge.map_or_else(|| kind.name().to_owned(), |charge| charge.text.clone())
    };
    match kind {
        Kind::Adjustment(reason) => format!("Adjustment: {reason}"),
        Kind::Tax => of_bill(ChargeKind::Tax),
        Kind::Purchase(Purchase::Prepaid) => "package and top-ups of standard minutes".to_owned(),
        Kind::Purchase(Purchase::Commitment) => of_bill(ChargeKind::Commitment),
        Kind::Purchase(Purchase::Fee) => "Charges that no usage of a project caused".to_owned(),
        Kind::Usage(Usage { service, meter, is_unpriced: true, .. }) => {
            format!("{service} {meter} minutes without a known price: not part of the bill")
        }
        Kind::Usage(Usage { service, meter, price: None, .. }) => {
            format!("{service} {meter} minutes")
        }
        Kind::Usage(Usage { service, meter, .. }) => {
            format!("{service} {meter} minutes, after free minutes and volume discounts")
        }
    }
}

fn cost_columns(charges: &[Charge<'_>], priced: &[Priced]) -> Result<Vec<Column>, ReportError> {
    let cost = |name, value: &dyn Fn(&Charge<'_>) -> i128| {
        let units = charges.iter().map(|charge| Some(value(charge)));
        table::decimals(name, units, ALLOCATION_SCALE)
    };
    let of = |name, scale, value: &dyn Fn(&Priced) -> Option<i128>| {
        table::decimals(name, priced.iter().map(value), scale)
    };
    Ok(vec![
        cost(BILLED_COST, &|charge| charge.billed_micro_units)?,
        cost("EffectiveCost", &|charge| charge.effective_micro_units)?,
        of("ContractedCost", COST_SCALE, &|priced| Some(priced.contracted_cost))?,
        of("ContractedUnitPrice", PRICE_SCALE, &|one| Some(one.unit?.contracted))?,
        of("ListCost", COST_SCALE, &|priced| Some(priced.list_cost))?,
        of("ListUnitPrice", PRICE_SCALE, &|priced| Some(priced.unit?.list))?,
        of("PricingQuantity", QUANTITY_SCALE, &|priced| priced.quantity)?,
    ])
}

/// What was sold: the id of it and what is counted; none for tax and adjustments.
fn sku(kind: Kind<'_>) -> Option<(String, String)> {
    let owned = |id: &str, meter: &str| Some((id.to_owned(), meter.to_owned()));
    match kind {
        Kind::Usage(Usage { service, meter, .. }) => {
            Some((format!("{service}.{meter}"), format!("{meter} minutes")))
        }
        Kind::Purchase(Purchase::Prepaid) => owned("agora.package", "standard minutes"),
        Kind::Purchase(Purchase::Commitment) => owned("agora.commitment", "minimum commitment"),
        Kind::Purchase(Purchase::Fee) => owned("agora.fee", "fees"),
        Kind::Tax | Kind::Adjustment(_) => None,
    }
}

fn sku_columns(
    report: &MonthReport<'_>,
    charges: &[Charge<'_>],
) -> Result<Vec<Column>, ReportError> {
    let service = |charge: &Charge<'_>| {
        Some(charge.usage().map_or("Agora", |usage| service_name(usage.service)))
    };
    let unit = |charge: &Charge<'_>| match charge.kind {
        Kind::Usage(_) => Some("Minutes"),
        Kind::Purchase(_) | Kind::Adjustment(_) => Some("Units"),
        Kind::Tax => None,
    };
    let price_id = |charge: &Charge<'_>| {
        let has_price = charge.usage().is_none_or(|usage| usage.price.is_some());
        let (id, _) = sku(charge.kind).filter(|_| has_price)?;
        Some(format!("{}/{id}", report.bill.book_name))
    };
    let of = |name, value: &dyn Fn(&Charge<'_>) -> Option<&'static str>| {
        table::text(name, &charges.iter().map(value).collect::<Vec<_>>())
    };
    // Whole seconds with a decimal point, as every number of this file has one.
    let seconds = charges.iter().map(|charge| Some(i128::from(charge.usage()?.seconds) * 10));
    Ok(vec![
        table::decimals("ConsumedQuantity", seconds, 1)?,
        of("ConsumedUnit", &|charge| charge.usage().map(|_| "Seconds")),
        of("PricingCategory", &|charge| sku(charge.kind).map(|_| "Standard")),
        of("PricingUnit", &unit),
        of("ServiceName", &service),
        texts("SkuId", charges.iter().map(|charge| Some(sku(charge.kind)?.0))),
        texts("SkuMeter", charges.iter().map(|charge| Some(sku(charge.kind)?.1))),
        texts("SkuPriceId", charges.iter().map(price_id)),
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
    tags: &BTreeMap<ProjectId, BTreeMap<String, String>>,
) -> Result<Vec<Column>, ReportError> {
    let of = |name, value: &dyn Fn(&ProjectMonth<'_>) -> Option<String>| {
        texts(name, charges.iter().map(|charge| charge.project.and_then(value)))
    };
    let tags: Vec<_> =
        charges.iter().map(|charge| tags_of(charge, tags)).collect::<Result<_, _>>()?;
    Ok(vec![
        of("SubAccountId", &|project| Some(project.id.to_string())),
        of("SubAccountName", &|project| project.project.map(|listed| listed.name.clone())),
        of("SubAccountType", &|_| Some("Project".to_owned())),
        texts("Tags", tags.into_iter().map(Some)),
    ])
}

fn tags_of(
    charge: &Charge<'_>,
    tags: &BTreeMap<ProjectId, BTreeMap<String, String>>,
) -> Result<String, ReportError> {
    let mut tags =
        charge.project.and_then(|project| tags.get(project.id)).cloned().unwrap_or_default();
    tags.entry(COST_CENTRE_TAG.to_owned()).or_insert_with(|| UNTAGGED.to_owned());
    if matches!(charge.kind, Kind::Usage(Usage { is_unpriced: true, .. })) {
        let (key, value) = PRICING_TAG;
        tags.insert(key.to_owned(), value.to_owned());
    }
    Ok(serde_json::to_string(&tags)?)
}
