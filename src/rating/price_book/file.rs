//! The shape of a price book file, and how it takes over what it extends.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

/// Values by service, then by media.
pub(super) type ByService = BTreeMap<String, Spanned<BTreeMap<String, Spanned<String>>>>;

/// The file as it is written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BookFile {
    pub(super) extends: Option<Spanned<String>>,
    pub(super) name: Option<Spanned<String>>,
    pub(super) description: Option<String>,
    pub(super) plan: Option<Spanned<String>>,
    pub(super) currency: Option<Spanned<String>>,
    pub(super) valid_from: Option<Spanned<String>>,
    pub(super) valid_to: Option<Spanned<String>>,
    pub(super) accounts: Option<Vec<Spanned<String>>>,
    pub(super) free_minutes: Option<Spanned<u64>>,
    pub(super) free_order: Option<Spanned<FreeOrderFile>>,
    pub(super) sd_as: Option<Spanned<String>>,
    pub(super) hdp_as: Option<Spanned<String>>,
    pub(super) tier_fill: Option<Spanned<String>>,
    pub(super) tier_edge: Option<Spanned<String>>,
    pub(super) rates: Option<Spanned<String>>,
    pub(super) line_rounding: Option<Spanned<String>>,
    pub(super) broadcast_audience_share: Option<Spanned<String>>,
    pub(super) discount_percent: Option<Spanned<String>>,
    pub(super) minimum_commitment: Option<Spanned<String>>,
    pub(super) tax_percent: Option<Spanned<String>>,
    pub(super) overage_price_per_1000: Option<Spanned<String>>,
    pub(super) package: Option<Spanned<String>>,
    pub(super) tiers: Option<Vec<TierFile>>,
    pub(super) packages: Option<Vec<PackageFile>>,
    pub(super) top_ups: Option<Vec<TopUpFile>>,
    pub(super) top_ups_bought: Option<Vec<BoughtFile>>,
    pub(super) prices: Option<ByService>,
    pub(super) coefficients: Option<ByService>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TierFile {
    pub(super) from_minute: Spanned<u64>,
    pub(super) discount_percent: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PackageFile {
    pub(super) name: Spanned<String>,
    pub(super) minutes: u64,
    pub(super) price: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TopUpFile {
    pub(super) minutes: Spanned<u64>,
    pub(super) price: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BoughtFile {
    pub(super) month: Spanned<String>,
    pub(super) minutes: Spanned<u64>,
    pub(super) count: Option<u32>,
}

/// The name of a documented order, or an order of its own.
pub(super) enum FreeOrderFile {
    Named(String),
    List(Vec<Spanned<String>>),
}

impl<'de> Deserialize<'de> for FreeOrderFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = FreeOrderFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of an order or a list of service.media")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
                Ok(FreeOrderFile::Named(name.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = list.next_element()? {
                    entries.push(entry);
                }
                Ok(FreeOrderFile::List(entries))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl BookFile {
    /// Takes over from `base` what this file leaves out; prices and coefficients one by one.
    ///
    /// Its months and accounts are not taken over: they say where `base` itself holds.
    pub(super) fn over(self, base: Self) -> Self {
        Self {
            extends: self.extends,
            name: self.name,
            description: self.description.or(base.description),
            plan: self.plan.or(base.plan),
            currency: self.currency.or(base.currency),
            valid_from: self.valid_from,
            valid_to: self.valid_to,
            accounts: self.accounts,
            free_minutes: self.free_minutes.or(base.free_minutes),
            free_order: self.free_order.or(base.free_order),
            sd_as: self.sd_as.or(base.sd_as),
            hdp_as: self.hdp_as.or(base.hdp_as),
            tier_fill: self.tier_fill.or(base.tier_fill),
            tier_edge: self.tier_edge.or(base.tier_edge),
            rates: self.rates.or(base.rates),
            line_rounding: self.line_rounding.or(base.line_rounding),
            broadcast_audience_share: self
                .broadcast_audience_share
                .or(base.broadcast_audience_share),
            discount_percent: self.discount_percent.or(base.discount_percent),
            minimum_commitment: self.minimum_commitment.or(base.minimum_commitment),
            tax_percent: self.tax_percent.or(base.tax_percent),
            overage_price_per_1000: self.overage_price_per_1000.or(base.overage_price_per_1000),
            package: self.package.or(base.package),
            tiers: self.tiers.or(base.tiers),
            packages: self.packages.or(base.packages),
            top_ups: self.top_ups.or(base.top_ups),
            top_ups_bought: self.top_ups_bought.or(base.top_ups_bought),
            prices: merged(self.prices, base.prices),
            coefficients: merged(self.coefficients, base.coefficients),
        }
    }
}

fn merged(own: Option<ByService>, base: Option<ByService>) -> Option<ByService> {
    let (own, mut base) = match (own, base) {
        (Some(own), Some(base)) => (own, base),
        (own, base) => return own.or(base),
    };
    for (service, table) in own {
        match base.get_mut(&service) {
            Some(known) => known.get_mut().extend(table.into_inner()),
            None => drop(base.insert(service, table)),
        }
    }
    Some(base)
}
