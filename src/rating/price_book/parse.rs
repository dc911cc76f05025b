//! Reads a price book and refuses what rating could not trust.
//!
//! Owns the shape of the file and every check of it; the meaning is the parent
//! module's. All checks are here, so that rating itself needs none.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Zero;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use toml::Spanned;

use super::{
    DISCOUNT_DECIMALS, PRICE_DECIMALS, Place, Plan, PriceBook, PriceBookError, Tier, TierEdge,
    TierFill,
};
use crate::domain::{Currency, Media, Service};

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BookFile {
    name: Spanned<String>,
    description: String,
    plan: Spanned<String>,
    currency: Spanned<String>,
    free_minutes: Spanned<u64>,
    #[serde(default)]
    free_order: Vec<Spanned<String>>,
    sd_as: Option<Spanned<String>>,
    hdp_as: Option<Spanned<String>>,
    tier_fill: Option<Spanned<String>>,
    tier_edge: Option<Spanned<String>>,
    rates: Option<Spanned<String>>,
    #[serde(default)]
    tiers: Vec<TierFile>,
    prices: BTreeMap<String, Spanned<BTreeMap<String, Spanned<String>>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TierFile {
    from_minute: Spanned<u64>,
    discount_percent: Spanned<String>,
}

pub(super) fn parse(name_of_source: &str, text: &str) -> Result<PriceBook, PriceBookError> {
    let source = Source { name: name_of_source, text };
    let file: BookFile = toml::from_str(text).map_err(|error| source.form_error(&error))?;
    if file.name.get_ref().is_empty() {
        return Err(source.value_error("name", &file.name, "a name of one character or more"));
    }
    let sd_as = source.choice("sd_as", file.sd_as.as_ref(), &[("hd", Media::Hd)])?;
    source.choice("rates", file.rates.as_ref(), &[("percent", ())])?;
    let plan = source.required_choice("plan", &file.plan, &Plan::ALL.map(|it| (it.name(), it)))?;
    Ok(PriceBook {
        plan,
        currency: source.currency(&file.currency)?,
        free_minutes: *file.free_minutes.get_ref(),
        free_order: source.free_order(&file.free_minutes, &file.free_order)?,
        sd_as,
        hdp_as: source.choice("hdp_as", file.hdp_as.as_ref(), &HDP_AS.map(|it| (it.name(), it)))?,
        tier_fill: source
            .choice("tier_fill", file.tier_fill.as_ref(), &TierFill::ALL.map(|it| (it.name(), it)))?
            .unwrap_or(TierFill::CheapestFirst),
        tier_edge: source
            .choice("tier_edge", file.tier_edge.as_ref(), &TierEdge::ALL.map(|it| (it.name(), it)))?
            .unwrap_or(TierEdge::HalfOpen),
        tiers: source.tiers(plan, &file.tiers)?,
        prices: source.prices(sd_as, &file.prices)?,
        sha256: sha256_hex(text),
        text: text.to_owned(),
        name: file.name.into_inner(),
        description: file.description,
    })
}

/// Types of media that an HD+ minute can be under the tiered plan.
const HDP_AS: [Media; 3] = [Media::FullHd, Media::Video2k, Media::Video2kPlus];

/// The text under check, for errors that say where.
#[derive(Clone, Copy)]
struct Source<'a> {
    name: &'a str,
    text: &'a str,
}

impl Source<'_> {
    fn place(self, byte: Option<usize>) -> Place {
        let before = byte.and_then(|byte| self.text.get(..byte));
        let line = before.map(|before| before.matches('\n').count() + 1);
        Place { file: self.name.to_owned(), line }
    }

    fn form_error(self, error: &toml::de::Error) -> PriceBookError {
        PriceBookError::Form {
            place: self.place(error.span().map(|span| span.start)),
            message: error.message().to_owned(),
        }
    }

    fn value_error<V: ToString>(
        self,
        key: &str,
        value: &Spanned<V>,
        allowed: &str,
    ) -> PriceBookError {
        PriceBookError::Value {
            place: self.place(Some(value.span().start)),
            key: key.to_owned(),
            value: value.get_ref().to_string(),
            allowed: allowed.to_owned(),
        }
    }

    fn required_choice<T: Copy>(
        self,
        key: &str,
        value: &Spanned<String>,
        choices: &[(&str, T)],
    ) -> Result<T, PriceBookError> {
        let found = choices.iter().find(|(name, _)| name == value.get_ref());
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            self.value_error(key, value, &format!("allowed: {}", names.join(", ")))
        })
    }

    fn choice<T: Copy>(
        self,
        key: &str,
        value: Option<&Spanned<String>>,
        choices: &[(&str, T)],
    ) -> Result<Option<T>, PriceBookError> {
        value.map(|value| self.required_choice(key, value, choices)).transpose()
    }

    fn currency(self, code: &Spanned<String>) -> Result<Currency, PriceBookError> {
        Currency::from_code(code.get_ref()).ok_or_else(|| {
            self.value_error("currency", code, "a code of ISO 4217 is needed, such as USD")
        })
    }

    fn free_order(
        self,
        free_minutes: &Spanned<u64>,
        entries: &[Spanned<String>],
    ) -> Result<Vec<(Service, Media)>, PriceBookError> {
        if *free_minutes.get_ref() > 0 && entries.is_empty() {
            let allowed = "more than 0 needs a free_order that says which minutes get them";
            return Err(self.value_error("free_minutes", free_minutes, allowed));
        }
        let mut order = Vec::with_capacity(entries.len());
        for entry in entries {
            let parts = entry.get_ref().split_once('.');
            let known = parts.and_then(|(service, media)| {
                Some((Service::from_name(service)?, Media::from_name(media)?))
            });
            let Some(known) = known else {
                let allowed = format!(
                    "write service.media; services: {}; media: {}",
                    service_names(),
                    media_names()
                );
                return Err(self.value_error("free_order", entry, &allowed));
            };
            if order.contains(&known) {
                return Err(self.value_error("free_order", entry, "each may come once"));
            }
            order.push(known);
        }
        Ok(order)
    }

    fn tiers(self, plan: Plan, tiers: &[TierFile]) -> Result<Vec<Tier>, PriceBookError> {
        let mut checked: Vec<Tier> = Vec::with_capacity(tiers.len());
        for tier in tiers {
            let from_minute = *tier.from_minute.get_ref();
            let fault = match checked.last() {
                None if from_minute != 0 => Some("the first tier begins at 0"),
                Some(before) if from_minute <= before.from_minute => {
                    Some("each tier begins above the one before it")
                }
                Some(_) if plan == Plan::Fixed => Some("a fixed plan has one tier at most"),
                _ => None,
            };
            if let Some(fault) = fault {
                return Err(self.value_error("tiers.from_minute", &tier.from_minute, fault));
            }
            let percent = exact_decimal(tier.discount_percent.get_ref(), DISCOUNT_DECIMALS)
                .filter(|percent| *percent <= BigRational::from_integer(100.into()));
            let discount_percent = percent.ok_or_else(|| {
                let allowed = "a decimal from 0 to 100 with at most 2 decimals is needed";
                self.value_error("tiers.discount_percent", &tier.discount_percent, allowed)
            })?;
            checked.push(Tier { from_minute, discount_percent });
        }
        if checked.is_empty() {
            checked.push(Tier { from_minute: 0, discount_percent: BigRational::zero() });
        }
        Ok(checked)
    }

    fn prices(
        self,
        sd_as: Option<Media>,
        services: &BTreeMap<String, Spanned<BTreeMap<String, Spanned<String>>>>,
    ) -> Result<BTreeMap<(Service, Media), BigRational>, PriceBookError> {
        let mut prices = BTreeMap::new();
        for (service_name, table) in services {
            let service = Service::from_name(service_name).ok_or_else(|| {
                let name = Spanned::new(table.span(), service_name);
                let allowed = format!("services: {}", service_names());
                self.value_error("a table of prices", &name, &allowed)
            })?;
            for (media_name, price) in table.get_ref() {
                let key = format!("prices.{service_name}.{media_name}");
                let Some(media) = Media::from_name(media_name) else {
                    let name = Spanned::new(price.span(), media_name);
                    let allowed = format!("media: {}", media_names());
                    return Err(self.value_error("a key of prices", &name, &allowed));
                };
                if media == Media::Sd && sd_as.is_some() {
                    let allowed = "sd_as bills SD at another price, so this one is never used";
                    return Err(self.value_error(&key, price, allowed));
                }
                let exact = exact_decimal(price.get_ref(), PRICE_DECIMALS).ok_or_else(|| {
                    let allowed = "a decimal of 0 or more with at most 4 decimals is needed";
                    self.value_error(&key, price, allowed)
                })?;
                prices.insert((service, media), exact);
            }
        }
        Ok(prices)
    }
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
    Service::ALL.map(Service::name).join(", ")
}

fn media_names() -> String {
    Media::ALL.map(Media::name).join(", ")
}

fn sha256_hex(text: &str) -> String {
    format!("{:x}", Sha256::digest(text))
}
