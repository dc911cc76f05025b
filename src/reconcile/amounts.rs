//! Exact amounts by line, and the one rounding of their sum.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{ToPrimitive, Zero};

use crate::domain::{Currency, Media, Money, Service};
use crate::rating::{Bill, ChargeKind, RatingError};

/// What a line of an invoice or of our estimate is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Line {
    /// Minutes of a service and media.
    Usage(Service, Media),
    /// A package of standard minutes.
    Package,
    /// Standard minutes that were bought once.
    TopUp,
    /// Standard minutes beyond those that are free or bought.
    Overage,
    /// A discount that stands on the invoice as a row, or on the bill as a charge.
    Discount,
    /// What is missing to a minimum commitment.
    Commitment,
    /// Credits and charges that were recorded beside the bill.
    Adjustment,
    /// Any other row of the invoice that is no usage.
    Other,
    /// A row of tax.
    Tax,
    /// What the rounding of the total adds to the exact lines.
    Rounding,
}

impl Line {
    /// Rows of an invoice that are no usage, by their word in the `service` column.
    pub const EXTRA: [(&'static str, Self); 8] = [
        ("package", Self::Package),
        ("top_up", Self::TopUp),
        ("overage", Self::Overage),
        ("discount", Self::Discount),
        ("commitment", Self::Commitment),
        ("adjustment", Self::Adjustment),
        ("other", Self::Other),
        ("tax", Self::Tax),
    ];

    /// The line of the two words of a row of an invoice; none for unknown ones.
    #[must_use]
    pub fn from_names(service: &str, media: &str) -> Option<Self> {
        let extra = Self::EXTRA.iter().find(|(name, _)| *name == service && media.is_empty());
        let usage = || Some(Self::Usage(Service::from_name(service)?, Media::from_name(media)?));
        extra.map(|(_, line)| *line).or_else(usage)
    }

    /// Word of the `service` column.
    #[must_use]
    pub const fn service_name(self) -> &'static str {
        match self {
            Self::Usage(service, _) => service.name(),
            Self::Package => "package",
            Self::TopUp => "top_up",
            Self::Overage => "overage",
            Self::Discount => "discount",
            Self::Commitment => "commitment",
            Self::Adjustment => "adjustment",
            Self::Other => "other",
            Self::Tax => "tax",
            Self::Rounding => "rounding",
        }
    }

    /// The line of a charge of the bill.
    #[must_use]
    pub const fn of_charge(kind: ChargeKind) -> Self {
        match kind {
            ChargeKind::Package => Self::Package,
            ChargeKind::TopUp => Self::TopUp,
            ChargeKind::Overage => Self::Overage,
            ChargeKind::Discount => Self::Discount,
            ChargeKind::Commitment => Self::Commitment,
            ChargeKind::Tax => Self::Tax,
        }
    }

    /// Whether it follows from minutes and a price, so that either can be what differs.
    #[must_use]
    pub const fn is_metered(self) -> bool {
        matches!(self, Self::Usage(..) | Self::Overage)
    }

    /// Word of the `media` column; empty for what is no usage.
    #[must_use]
    pub const fn media_name(self) -> &'static str {
        match self {
            Self::Usage(_, media) => media.name(),
            _ => "",
        }
    }

    /// Both words, for sentences.
    #[must_use]
    pub fn label(self) -> String {
        format!("{} {}", self.service_name(), self.media_name()).trim_end().to_owned()
    }
}

/// Exact amounts by line; a line that is not there is 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Amounts(BTreeMap<Line, BigRational>);

impl Amounts {
    /// The lines of a bill over all tiers and its charges, with the rounding of its total.
    #[must_use]
    pub fn of_bill(bill: &Bill) -> Self {
        let mut amounts = Self::default();
        for line in &bill.lines {
            amounts.add(Line::Usage(line.service, line.media), &line.amount);
        }
        for charge in &bill.charges {
            amounts.add(Line::of_charge(charge.kind), &charge.amount);
        }
        amounts.set(Line::Rounding, bill.rounding());
        amounts
    }

    /// The same with what was recorded beside the bill.
    #[must_use]
    pub fn with_adjustments(mut self, adjustments: Money) -> Self {
        if adjustments.minor_units != 0 {
            self.set(Line::Adjustment, exact(adjustments));
        }
        self
    }

    /// The amount of a line.
    #[must_use]
    pub fn get(&self, line: Line) -> BigRational {
        self.0.get(&line).cloned().unwrap_or_else(BigRational::zero)
    }

    /// Adds to a line.
    pub fn add(&mut self, line: Line, amount: &BigRational) {
        *self.0.entry(line).or_insert_with(BigRational::zero) += amount;
    }

    /// Puts an amount in place of the earlier one.
    pub fn set(&mut self, line: Line, amount: BigRational) {
        self.0.insert(line, amount);
    }

    /// The lines in order, with their amounts.
    pub fn iter(&self) -> impl Iterator<Item = (Line, &BigRational)> {
        self.0.iter().map(|(line, amount)| (*line, amount))
    }

    /// The lines that follow from minutes and prices in order, with their amounts.
    pub fn metered(&self) -> impl Iterator<Item = (Line, &BigRational)> {
        self.iter().filter(|(line, _)| line.is_metered())
    }

    /// All lines together.
    #[must_use]
    pub fn sum(&self) -> BigRational {
        self.0.values().sum()
    }

    /// Makes the sum whole minor units: rounds it half away from zero, into the row of the rounding.
    #[must_use]
    pub fn with_rounding(mut self, currency: Currency) -> Self {
        self.0.remove(&Line::Rounding);
        let sum = self.sum();
        let rounding = rounded(&sum, currency.minor_unit_digits()) - sum;
        self.set(Line::Rounding, rounding);
        self
    }

    /// What these have more than `other`, by line; lines without a difference are left out.
    #[must_use]
    pub fn less(&self, other: &Self) -> Self {
        let mut difference = self.clone();
        for (line, amount) in other.iter() {
            difference.add(line, &-amount);
        }
        difference.0.retain(|_, amount| !amount.is_zero());
        difference
    }

    /// Adds all lines of `other`.
    pub fn add_all(&mut self, other: &Self) {
        for (line, amount) in other.iter() {
            self.add(line, amount);
        }
        self.0.retain(|_, amount| !amount.is_zero());
    }

    /// Whether every line is 0.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0.values().all(Zero::is_zero)
    }

    /// The sum as money.
    ///
    /// # Errors
    /// [`RatingError::AmountTooLarge`] outside 128-bit integers, and
    /// [`RatingError::NotExact`] where the sum is not in whole minor units.
    pub fn total(&self, currency: Currency) -> Result<Money, RatingError> {
        let sum = self.sum();
        let units = &sum * BigRational::from_integer(minor_unit(currency));
        if !units.is_integer() {
            let scale = currency.minor_unit_digits();
            return Err(RatingError::NotExact { amount: sum.to_string(), scale });
        }
        let too_large = || RatingError::AmountTooLarge { amount: sum.to_string() };
        let minor_units = units.to_integer().to_i128().ok_or_else(too_large)?;
        Ok(Money { minor_units, currency })
    }
}

/// Rounds half away from zero to that many decimal places.
#[must_use]
pub fn rounded(amount: &BigRational, digits: u32) -> BigRational {
    let scale = BigRational::from_integer(BigInt::from(10).pow(digits));
    (amount * &scale).round() / scale
}

/// Money as an exact amount.
fn exact(money: Money) -> BigRational {
    BigRational::new(money.minor_units.into(), minor_unit(money.currency))
}

fn minor_unit(currency: Currency) -> BigInt {
    BigInt::from(10).pow(currency.minor_unit_digits())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::testing::exact;

    const AUDIO: Line = Line::Usage(Service::Rtc, Media::Audio);

    #[test]
    fn the_rounding_makes_the_sum_whole() {
        let currency = Currency::from_code("USD").expect("known");
        let mut amounts = Amounts::default();
        amounts.set(AUDIO, exact("13.485"));
        amounts.set(Line::Tax, exact("-0.001"));
        let settled = amounts.with_rounding(currency);
        assert_eq!(settled.get(Line::Rounding), exact("-0.004"));
        assert_eq!(settled.total(currency).expect("whole").to_string(), "13.48");
        assert_eq!(settled.clone().with_rounding(currency), settled);
    }

    #[test]
    fn a_difference_leaves_equal_lines_out() {
        let mut one = Amounts::default();
        one.set(AUDIO, exact("5"));
        one.set(Line::Tax, exact("1"));
        let mut other = one.clone();
        other.set(AUDIO, exact("3"));
        let difference = one.less(&other);
        assert_eq!(difference.iter().collect::<Vec<_>>(), [(AUDIO, &exact("2"))]);
        other.add_all(&difference);
        assert!(one.less(&other).is_zero());
    }
}
