//! Unit prices, and what a charge costs by them.
//!
//! A unit price times its quantity is the cost to the last place, as FOCUS wants
//! it: that is why these costs have more places than those of the bill.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_rational::BigRational;

use crate::domain::{Media, Service};
use crate::rating::{ALLOCATION_SCALE, decimal_units};

use super::super::ReportError;
use super::super::model::UnitPrices;
use super::charges::{Charge, Kind};

/// Decimal places of quantities in minutes.
pub(super) const QUANTITY_SCALE: u32 = 6;

/// Decimal places of a price per minute: 4 of a price per 1,000, 3 more, and 4 of a
/// discount in per cent. A price with more of them is rounded half away from zero.
pub(super) const PRICE_SCALE: u32 = 11;

/// A quantity times a price, exactly.
pub(super) const COST_SCALE: u32 = QUANTITY_SCALE + PRICE_SCALE;

/// Of one minute, in units of 10^-[`PRICE_SCALE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct UnitPrice {
    /// As published.
    pub(super) list: i128,
    /// By the account's own price book.
    pub(super) contracted: i128,
}

/// Unit prices by service and media.
#[derive(Debug)]
pub(super) struct Prices(BTreeMap<(Service, Media), UnitPrice>);

impl Prices {
    /// The prices of 1,000 minutes as those of one.
    pub(super) fn new(
        per_1000: &BTreeMap<(Service, Media), UnitPrices>,
    ) -> Result<Self, ReportError> {
        let thousand = BigRational::from_integer(BigInt::from(1_000));
        let of_minute = |price: &BigRational| decimal_units(&(price / &thousand), PRICE_SCALE);
        let mut prices = BTreeMap::new();
        for (key, price) in per_1000 {
            let contracted = of_minute(&price.contracted)?;
            prices.insert(*key, UnitPrice { list: of_minute(&price.list)?, contracted });
        }
        Ok(Self(prices))
    }

    /// None where there is no price.
    pub(super) fn of(&self, service: Service, media: Media) -> Option<UnitPrice> {
        self.0.get(&(service, media)).copied()
    }
}

/// What a charge costs before anything is free and before volume discounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Priced {
    /// Minutes, or 1 of what is no usage, in units of 10^-[`QUANTITY_SCALE`]; none for tax.
    pub(super) quantity: Option<i128>,
    /// Of one unit; none where no unit has a price.
    pub(super) unit: Option<UnitPrice>,
    /// At list price, in units of 10^-[`COST_SCALE`].
    pub(super) list_cost: i128,
    /// At the contract's price, in units of 10^-[`COST_SCALE`].
    pub(super) contracted_cost: i128,
}

/// Prices a charge.
///
/// # Errors
/// [`ReportError::TooLarge`] for an amount outside 128-bit integers.
pub(super) fn priced(charge: &Charge<'_>) -> Result<Priced, ReportError> {
    let too_large = || ReportError::TooLarge {
        what: "a cost at list price".to_owned(),
        value: format!("{} millionths", charge.effective_micro_units),
    };
    let one = 10_i128.pow(QUANTITY_SCALE);
    let scaled = |units: i128, scale: u32| {
        units.checked_mul(10_i128.pow(scale - ALLOCATION_SCALE)).ok_or_else(too_large)
    };
    let (quantity, unit) = match charge.kind {
        Kind::Usage(usage) => {
            let minutes = (i128::from(usage.seconds) * one + 30).div_euclid(60);
            (Some(minutes), usage.price)
        }
        // It is one unit of itself.
        Kind::Purchase(_) => {
            let price = scaled(charge.billed_micro_units, PRICE_SCALE)?;
            let unit = UnitPrice { list: price, contracted: price };
            (Some(one), Some(unit).filter(|_| price >= 0))
        }
        Kind::Adjustment(_) => (Some(one), None),
        Kind::Tax => (None, None),
    };
    let Some((quantity, unit)) = quantity.zip(unit) else {
        let cost = match charge.kind {
            Kind::Usage(_) => charge.effective_micro_units,
            _ => charge.billed_micro_units,
        };
        let cost = scaled(cost, COST_SCALE)?;
        return Ok(Priced { quantity, unit, list_cost: cost, contracted_cost: cost });
    };
    let cost = |price: i128| price.checked_mul(quantity).ok_or_else(too_large);
    Ok(Priced {
        quantity: Some(quantity),
        unit: Some(unit),
        list_cost: cost(unit.list)?,
        contracted_cost: cost(unit.contracted)?,
    })
}
