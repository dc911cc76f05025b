//! Standard minutes: the plan of accounts opened from 2025-08-29 on.
//!
//! Owns the weighing of seconds, the one round-up of their sum, and what pays
//! for them: free minutes or a package, then top-ups, then overage. Source:
//! Agora's pricing page, 2025. Which project pays is [`super::allocate`]'s.

use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{ToPrimitive, Zero};

use super::amount::{self, AMOUNT_SCALE, PRICE_SCALE};
use super::charges::{Charge, ChargeKind};
use super::minutes::StandardLine;
use super::price_book::{BoughtTopUp, Package, StandardTerms};
use crate::domain::Month;

/// Seconds in a minute, in the unit of a coefficient.
const MINUTE_UNITS: u32 = 60 * 10_000;

/// How the standard minutes of a month are paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandardMinutes {
    /// Seconds times coefficient, of all lines together, exactly.
    pub weighted_seconds: BigRational,
    /// The sum in minutes, rounded up once.
    pub minutes: u128,
    /// Minutes that are free; 0 with a package.
    pub free_minutes: u128,
    /// The package, paid whether it is used or not.
    pub package: Option<Package>,
    /// Top-ups whose minutes count in this month.
    pub top_ups: Vec<BoughtTopUp>,
    /// Minutes beyond all of these.
    pub overage_minutes: u128,
    /// Price of 1,000 of them.
    pub overage_price_per_1000: BigRational,
}

/// Seconds times coefficient.
pub(super) fn weighted_seconds(line: &StandardLine) -> BigRational {
    &line.coefficient * BigRational::from_integer(line.seconds.into())
}

/// Weighs, sums and rounds up once, then takes what is free or bought.
#[must_use]
pub fn count(
    lines: &[StandardLine],
    terms: &StandardTerms,
    free_minutes: u64,
    month: Month,
) -> StandardMinutes {
    let units: BigInt =
        lines.iter().map(|line| amount::units(&line.coefficient, PRICE_SCALE) * line.seconds).sum();
    let minutes = units.div_ceil(&MINUTE_UNITS.into()).to_u128().unwrap_or(u128::MAX);
    let free = if terms.package.is_some() { 0 } else { u128::from(free_minutes) };
    let top_ups: Vec<BoughtTopUp> =
        terms.bought.iter().filter(|bought| bought.month == month).cloned().collect();
    let in_package = terms.package.as_ref().map_or(0, |package| u128::from(package.minutes));
    let topped_up: u128 = top_ups
        .iter()
        .map(|bought| u128::from(bought.top_up.minutes) * u128::from(bought.count))
        .sum();
    StandardMinutes {
        weighted_seconds: amount::exact(units, PRICE_SCALE),
        minutes,
        free_minutes: free,
        package: terms.package.clone(),
        top_ups,
        overage_minutes: minutes.saturating_sub(free + in_package + topped_up),
        overage_price_per_1000: terms.overage_price_per_1000.clone(),
    }
}

impl StandardMinutes {
    /// What is charged: package, top-ups, overage.
    pub(super) fn charges(&self) -> Vec<Charge> {
        let mut charges = Vec::new();
        if let Some(package) = &self.package {
            charges.push(Charge {
                kind: ChargeKind::Package,
                text: format!("package {}", package.name),
                minutes: Some(package.minutes.into()),
                unit_price_per_1000: None,
                amount: package.price.clone(),
            });
        }
        for bought in &self.top_ups {
            let count = u128::from(bought.count);
            charges.push(Charge {
                kind: ChargeKind::TopUp,
                text: format!("{count} x top-up of {} minutes", bought.top_up.minutes),
                minutes: Some(u128::from(bought.top_up.minutes) * count),
                unit_price_per_1000: None,
                amount: &bought.top_up.price * BigRational::from_integer(count.into()),
            });
        }
        if self.overage_minutes > 0 {
            let price = amount::units(&self.overage_price_per_1000, PRICE_SCALE);
            charges.push(Charge {
                kind: ChargeKind::Overage,
                text: "standard minutes beyond those that are free or bought".to_owned(),
                minutes: Some(self.overage_minutes),
                unit_price_per_1000: Some(self.overage_price_per_1000.clone()),
                amount: amount::exact(price * self.overage_minutes, PRICE_SCALE + 3),
            });
        }
        charges
    }

    /// What is charged, in units of [`AMOUNT_SCALE`].
    pub(super) fn total_units(&self) -> BigInt {
        let fees = self
            .top_ups
            .iter()
            .map(|bought| amount::units(&bought.top_up.price, AMOUNT_SCALE) * bought.count);
        let package = self.package.iter().map(|it| amount::units(&it.price, AMOUNT_SCALE));
        let overage = amount::units(&self.overage_price_per_1000, AMOUNT_SCALE - 3);
        fees.chain(package).sum::<BigInt>() + overage * self.overage_minutes
    }

    /// Each line's part of what is charged, by weighted seconds.
    pub(super) fn costs(&self, lines: &[StandardLine]) -> Vec<BigRational> {
        let total = amount::exact(self.total_units(), AMOUNT_SCALE);
        if self.weighted_seconds.is_zero() {
            return vec![BigRational::zero(); lines.len()];
        }
        let rate = total / &self.weighted_seconds;
        lines.iter().map(|line| weighted_seconds(line) * &rate).collect()
    }
}
