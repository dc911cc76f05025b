//! The checks of single keys of a price book.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Zero};
use toml::Spanned;

use super::file::{BookFile, ByService, FreeOrderFile, TierFile};
use super::source::Source;
use super::{
    AUDIENCE, BoughtTopUp, ByType, COEFFICIENT_DECIMALS, DISCOUNT_DECIMALS, LineKind,
    PRICE_DECIMALS, Package, Plan, PriceBookError, PricedType, StandardTerms, Tier, TopUp,
    free_orders,
};
use crate::domain::{AccountId, Currency, Media, Month, Service};

/// Decimal places of a fraction such as the share of the audience.
const SHARE_DECIMALS: usize = 6;

pub(super) fn currency(
    source: Source<'_>,
    code: &Spanned<String>,
) -> Result<Currency, PriceBookError> {
    Currency::from_code(code.get_ref()).ok_or_else(|| {
        source.value_error("currency", code, "a code of ISO 4217 is needed, such as USD")
    })
}

/// The months for which the book holds.
pub(super) fn months(
    source: Source<'_>,
    file: &BookFile,
) -> Result<(Option<Month>, Option<Month>), PriceBookError> {
    let month = |key, value: Option<&Spanned<String>>| {
        value.map(|value| month(source, key, value)).transpose()
    };
    let first = month("valid_from", file.valid_from.as_ref())?;
    let last = month("valid_to", file.valid_to.as_ref())?;
    match &file.valid_to {
        Some(value) if first.is_some() && last < first => {
            Err(source.value_error("valid_to", value, "it is before valid_from"))
        }
        _ => Ok((first, last)),
    }
}

fn month(source: Source<'_>, key: &str, value: &Spanned<String>) -> Result<Month, PriceBookError> {
    Month::parse(value.get_ref())
        .map_err(|_| source.value_error(key, value, "a month is needed, such as \"2026-01\""))
}

pub(super) fn accounts(
    source: Source<'_>,
    names: &[Spanned<String>],
) -> Result<Vec<AccountId>, PriceBookError> {
    let account = |name: &Spanned<String>| {
        AccountId::new(name.get_ref()).map_err(|_| {
            source.value_error("accounts", name, "names of accounts of the settings are needed")
        })
    };
    names.iter().map(account).collect()
}

/// How many minutes are free, and in which order they are taken.
pub(super) fn free_minutes(
    source: Source<'_>,
    file: &BookFile,
) -> Result<(u64, Option<String>, Vec<PricedType>), PriceBookError> {
    let free_minutes = source.required("free_minutes", file.free_minutes.as_ref())?;
    let (name, order) = match file.free_order.as_ref() {
        None => (None, Vec::new()),
        Some(order) => match order.get_ref() {
            FreeOrderFile::List(entries) => (None, free_order(source, entries)?),
            FreeOrderFile::Named(name) => {
                let named = free_orders::named(name).ok_or_else(|| {
                    let value = Spanned::new(order.span(), name);
                    let known = free_orders::NAMES.join(", ");
                    let allowed = format!("write {known}, or a list of service.media");
                    source.value_error("free_order", &value, &allowed)
                })?;
                (Some(name.clone()), named)
            }
        },
    };
    // Standard minutes are counted as one sum, so that nothing comes before another.
    let needs_order = file.coefficients.is_none();
    if *free_minutes.get_ref() > 0 && order.is_empty() && needs_order {
        let allowed = "more than 0 needs a free_order that says which minutes get them";
        return Err(source.value_error("free_minutes", free_minutes, allowed));
    }
    Ok((*free_minutes.get_ref(), name, order))
}

fn free_order(
    source: Source<'_>,
    entries: &[Spanned<String>],
) -> Result<Vec<PricedType>, PriceBookError> {
    let mut order = Vec::with_capacity(entries.len());
    for entry in entries {
        let parts = entry.get_ref().split_once('.');
        let known = parts.and_then(|(label, media)| {
            let (service, kind) = LineKind::from_label(label)?;
            Some((service, kind, Media::from_name(media)?))
        });
        let Some(known) = known else {
            let allowed = format!(
                "write service.media; services: {}; media: {}",
                service_names(),
                media_names()
            );
            return Err(source.value_error("free_order", entry, &allowed));
        };
        if order.contains(&known) {
            return Err(source.value_error("free_order", entry, "each may come once"));
        }
        order.push(known);
    }
    Ok(order)
}

pub(super) fn tiers(
    source: Source<'_>,
    plan: Plan,
    tiers: &[TierFile],
) -> Result<Vec<Tier>, PriceBookError> {
    let mut checked: Vec<Tier> = Vec::with_capacity(tiers.len());
    for tier in tiers {
        let from_minute = *tier.from_minute.get_ref();
        let fault = match checked.last() {
            _ if plan == Plan::StandardMinutes => Some("standard minutes have no tiers"),
            None if from_minute != 0 => Some("the first tier begins at 0"),
            Some(before) if from_minute <= before.from_minute => {
                Some("each tier begins above the one before it")
            }
            Some(_) if plan == Plan::Fixed => Some("a fixed plan has one tier at most"),
            _ => None,
        };
        if let Some(fault) = fault {
            return Err(source.value_error("tiers.from_minute", &tier.from_minute, fault));
        }
        let discount = Some(&tier.discount_percent);
        let discount_percent =
            percent(source, "tiers.discount_percent", discount, DISCOUNT_DECIMALS)?;
        checked.push(Tier { from_minute, discount_percent });
    }
    if checked.is_empty() {
        checked.push(Tier { from_minute: 0, discount_percent: BigRational::zero() });
    }
    Ok(checked)
}

pub(super) fn prices(
    source: Source<'_>,
    sd_as: Option<Media>,
    services: Option<&ByService>,
) -> Result<ByType, PriceBookError> {
    by_type(source, ("prices", "prices"), sd_as, services, PRICE_DECIMALS)
}

/// Values by service and media; `names` is the table's name, and what its values are.
fn by_type(
    source: Source<'_>,
    (table_name, what): (&str, &str),
    sd_as: Option<Media>,
    services: Option<&ByService>,
    places: usize,
) -> Result<ByType, PriceBookError> {
    let mut values = BTreeMap::new();
    for (label, table) in services.into_iter().flatten() {
        let (service, kind) = LineKind::from_label(label).ok_or_else(|| {
            let name = Spanned::new(table.span(), label);
            let allowed = format!("services: {}", service_names());
            source.value_error(&format!("a table of {what}"), &name, &allowed)
        })?;
        for (media_name, value) in table.get_ref() {
            let key = format!("{table_name}.{label}.{media_name}");
            let Some(media) = Media::from_name(media_name) else {
                let name = Spanned::new(value.span(), media_name);
                let allowed = format!("media: {}", media_names());
                return Err(source.value_error(&format!("a key of {what}"), &name, &allowed));
            };
            if media == Media::Sd && sd_as.is_some() {
                let allowed = "sd_as bills SD at another price, so this one is never used";
                return Err(source.value_error(&key, value, allowed));
            }
            values.insert((service, kind, media), amount(source, &key, value, places)?);
        }
    }
    Ok(values)
}

/// Coefficients, packages and top-ups, which standard minutes alone have.
pub(super) fn standard(
    source: Source<'_>,
    plan: Plan,
    sd_as: Option<Media>,
    file: &BookFile,
) -> Result<Option<StandardTerms>, PriceBookError> {
    if plan != Plan::StandardMinutes {
        let stray = [
            ("coefficients", file.coefficients.is_some()),
            ("overage_price_per_1000", file.overage_price_per_1000.is_some()),
            ("package", file.package.is_some()),
            ("packages", file.packages.is_some()),
            ("top_ups", file.top_ups.is_some()),
            ("top_ups_bought", file.top_ups_bought.is_some()),
        ];
        return match stray.into_iter().find(|(_, is_there)| *is_there) {
            Some((key, _)) => {
                Err(source.fault(format!("{key} belongs to plan = \"standard_minutes\" alone")))
            }
            None => Ok(None),
        };
    }
    let coefficients = source.required("coefficients", file.coefficients.as_ref())?;
    let names = ("coefficients", "coefficients");
    let overage =
        source.required("overage_price_per_1000", file.overage_price_per_1000.as_ref())?;
    let packages = packages(source, file)?;
    let top_ups = top_ups(source, file)?;
    Ok(Some(StandardTerms {
        coefficients: by_type(source, names, sd_as, Some(coefficients), COEFFICIENT_DECIMALS)?,
        overage_price_per_1000: amount(source, "overage_price_per_1000", overage, PRICE_DECIMALS)?,
        package: file.package.as_ref().map(|name| package(source, name, &packages)).transpose()?,
        packages,
        bought: bought(source, file, &top_ups)?,
        top_ups,
    }))
}

fn packages(source: Source<'_>, file: &BookFile) -> Result<Vec<Package>, PriceBookError> {
    let package = |package: &super::file::PackageFile| {
        Ok(Package {
            name: package.name.get_ref().clone(),
            minutes: package.minutes,
            price: amount(source, "packages.price", &package.price, PRICE_DECIMALS)?,
        })
    };
    file.packages.iter().flatten().map(package).collect()
}

fn package(
    source: Source<'_>,
    name: &Spanned<String>,
    packages: &[Package],
) -> Result<Package, PriceBookError> {
    let found = packages.iter().find(|package| &package.name == name.get_ref());
    found.cloned().ok_or_else(|| {
        let known: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
        source.value_error("package", name, &format!("packages: {}", known.join(", ")))
    })
}

fn top_ups(source: Source<'_>, file: &BookFile) -> Result<Vec<TopUp>, PriceBookError> {
    let top_up = |top_up: &super::file::TopUpFile| {
        let price = amount(source, "top_ups.price", &top_up.price, PRICE_DECIMALS)?;
        Ok(TopUp { minutes: *top_up.minutes.get_ref(), price })
    };
    file.top_ups.iter().flatten().map(top_up).collect()
}

fn bought(
    source: Source<'_>,
    file: &BookFile,
    top_ups: &[TopUp],
) -> Result<Vec<BoughtTopUp>, PriceBookError> {
    let bought = |bought: &super::file::BoughtFile| {
        let minutes = *bought.minutes.get_ref();
        let top_up = top_ups.iter().find(|top_up| top_up.minutes == minutes).ok_or_else(|| {
            let known: Vec<_> = top_ups.iter().map(|top_up| top_up.minutes.to_string()).collect();
            let allowed = format!("top_ups: {}", known.join(", "));
            source.value_error("top_ups_bought.minutes", &bought.minutes, &allowed)
        })?;
        Ok(BoughtTopUp {
            month: month(source, "top_ups_bought.month", &bought.month)?,
            top_up: top_up.clone(),
            count: bought.count.unwrap_or(1).max(1),
        })
    };
    file.top_ups_bought.iter().flatten().map(bought).collect()
}

/// `"30%"` or `"0.3"`; it needs prices, or coefficients, for the audience.
pub(super) fn audience_share(
    source: Source<'_>,
    file: &BookFile,
    prices: &ByType,
    standard: Option<&StandardTerms>,
) -> Result<BigRational, PriceBookError> {
    const KEY: &str = "broadcast_audience_share";
    let Some(value) = file.broadcast_audience_share.as_ref() else { return Ok(Zero::zero()) };
    let share = match value.get_ref().strip_suffix('%') {
        Some(percent) => exact_decimal(percent.trim_end(), SHARE_DECIMALS - 2)
            .map(|percent| percent / BigRational::from_integer(100.into())),
        None => exact_decimal(value.get_ref(), SHARE_DECIMALS),
    };
    let share = share.filter(|share| *share <= BigRational::one()).ok_or_else(|| {
        source.value_error(KEY, value, "a share is needed, such as \"30%\" or \"0.3\"")
    })?;
    let of_audience =
        |values: &ByType| values.keys().any(|(_, kind, _)| *kind == LineKind::Audience);
    let has_prices =
        of_audience(prices) || standard.is_some_and(|it| of_audience(&it.coefficients));
    if !has_prices && !share.is_zero() {
        let allowed = format!("more than 0 needs prices for the audience, in [prices.{AUDIENCE}]");
        return Err(source.value_error(KEY, value, &allowed));
    }
    Ok(share)
}

/// A part in a hundred; 0 where the key is left out.
pub(super) fn percent(
    source: Source<'_>,
    key: &str,
    value: Option<&Spanned<String>>,
    places: usize,
) -> Result<BigRational, PriceBookError> {
    let Some(value) = value else { return Ok(BigRational::zero()) };
    exact_decimal(value.get_ref(), places)
        .filter(|percent| *percent <= BigRational::from_integer(100.into()))
        .ok_or_else(|| {
            let allowed =
                format!("a decimal from 0 to 100 with at most {places} decimals is needed");
            source.value_error(key, value, &allowed)
        })
}

/// A decimal of 0 or more.
pub(super) fn amount(
    source: Source<'_>,
    key: &str,
    value: &Spanned<String>,
    places: usize,
) -> Result<BigRational, PriceBookError> {
    exact_decimal(value.get_ref(), places).ok_or_else(|| {
        let allowed = format!("a decimal of 0 or more with at most {places} decimals is needed");
        source.value_error(key, value, &allowed)
    })
}

/// The exact value of plain digits with at most `places` decimals; no sign and no exponent.
fn exact_decimal(text: &str, places: usize) -> Option<BigRational> {
    let digits_only =
        |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    if !digits_only(whole) || !digits_only(decimals) || decimals.len() > places {
        return None;
    }
    let units: u64 = format!("{whole}{decimals:0<places$}").parse().ok()?;
    Some(BigRational::new(units.into(), BigInt::from(10).pow(u32::try_from(places).ok()?)))
}

fn service_names() -> String {
    let names: Vec<&str> = Service::ALL.map(Service::name).into_iter().chain([AUDIENCE]).collect();
    names.join(", ")
}

fn media_names() -> String {
    Media::ALL.map(Media::name).join(", ")
}
