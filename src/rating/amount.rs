//! Exact amounts as whole numbers of a small unit.
//!
//! Rating multiplies and adds; with one unit for all amounts of a step it needs
//! no fractions, whose greatest common divisors would cost more than the
//! arithmetic. Amounts leave this module as [`BigRational`].

use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive};

use super::RatingError;
use crate::domain::Currency;
use crate::domain::money::decimal_text;

/// Decimal places of a list price in a book.
pub(super) const PRICE_SCALE: u32 = 4;

/// Decimal places of a price after a discount in percent, which has two of its own.
pub(super) const DISCOUNTED_SCALE: u32 = 8;

/// Decimal places of the price of minutes, whose price is for a thousand.
pub(super) const AMOUNT_SCALE: u32 = 11;

/// Decimal places after one more percentage.
pub(super) const SETTLED_SCALE: u32 = 15;

/// Decimal places of a total, tax included.
pub(super) const TOTAL_SCALE: u32 = 19;

/// Hundredths of a per cent in the whole.
pub(super) const WHOLE: u32 = 10_000;

pub(super) fn power_of_ten(exponent: u32) -> BigInt {
    BigInt::from(10).pow(exponent)
}

/// A decimal of a price book in units of 10^-`scale`; it has no more places than that.
pub(super) fn units(decimal: &BigRational, scale: u32) -> BigInt {
    decimal.numer() * power_of_ten(scale) / decimal.denom()
}

/// Hundredths of a per cent.
pub(super) fn percent_units(percent: &BigRational) -> BigInt {
    units(percent, 2)
}

/// A per cent of a book as people write it: without zeros at its end.
pub(super) fn percent_text(percent: &BigRational) -> String {
    let hundredths = percent_units(percent).to_i128().unwrap_or(0);
    let text = decimal_text(hundredths, 2);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Units of 10^-`scale` as an exact amount.
pub(super) fn exact(units: BigInt, scale: u32) -> BigRational {
    BigRational::new(units, power_of_ten(scale))
}

/// Rounds half away from zero to a multiple of 10^`places` units.
pub(super) fn rounded_to(units: &BigInt, places: u32) -> BigInt {
    let step = power_of_ten(places);
    let (whole, rest) = units.abs().div_rem(&step);
    let up = u32::from(rest * 2 >= step);
    (whole + up) * step * units.signum()
}

/// Whole minor units of a currency, rounded half away from zero; none outside 128-bit integers.
pub(super) fn minor_units(units: &BigInt, scale: u32, currency: Currency) -> Option<i128> {
    let places = scale - currency.minor_unit_digits();
    (rounded_to(units, places) / power_of_ten(places)).to_i128()
}

/// The amount in units of 10^-`scale`, exactly.
///
/// # Errors
/// [`RatingError::NotExact`] where it has more decimal places, and
/// [`RatingError::AmountTooLarge`] outside 128-bit integers.
pub fn exact_decimal_units(amount: &BigRational, scale: u32) -> Result<i128, RatingError> {
    let scaled = amount.numer() * power_of_ten(scale);
    let (units, rest) = scaled.div_rem(amount.denom());
    if rest != BigInt::ZERO {
        return Err(RatingError::NotExact { amount: amount.to_string(), scale });
    }
    let too_large = || RatingError::AmountTooLarge { amount: amount.to_string() };
    units.to_i128().ok_or_else(too_large)
}

/// The amount in units of 10^-`scale`, rounded half away from zero where it has more places.
///
/// For amounts that are only shown or stored: a discount or a tax in percent can
/// have more places than a line ([`super::LINE_SCALE`]).
///
/// # Errors
/// [`RatingError::AmountTooLarge`] outside 128-bit integers.
pub fn decimal_units(amount: &BigRational, scale: u32) -> Result<i128, RatingError> {
    let scaled = amount * BigRational::from_integer(power_of_ten(scale));
    let too_large = || RatingError::AmountTooLarge { amount: amount.to_string() };
    scaled.round().to_integer().to_i128().ok_or_else(too_large)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rating::tests::support::exact as decimal;

    #[test]
    fn c31_totals_are_rounded_half_away_from_zero() {
        let currency = Currency::from_code("USD").expect("known");
        for (amount, cents) in [
            ("13.485", 1_349),
            ("13.4849999", 1_348),
            ("0.005", 1),
            ("0.0049999", 0),
            ("-13.485", -1_349),
            ("-0.004", 0),
        ] {
            let total = units(&decimal(amount), TOTAL_SCALE);
            assert_eq!(minor_units(&total, TOTAL_SCALE, currency), Some(cents), "{amount}");
        }
    }

    #[test]
    fn decimal_units_are_exact_or_refused() {
        assert_eq!(exact_decimal_units(&decimal("13.485"), 3), Ok(13_485));
        assert_eq!(exact_decimal_units(&decimal("-0.5"), 12), Ok(-500_000_000_000));
        let third = BigRational::new(1.into(), 3.into());
        for (amount, scale) in [(decimal("13.485"), 2), (third.clone(), 12)] {
            let refused = exact_decimal_units(&amount, scale);
            assert!(matches!(refused, Err(RatingError::NotExact { .. })), "{amount}");
        }
        let huge = BigRational::from_integer(i128::MAX.into());
        assert!(matches!(exact_decimal_units(&huge, 1), Err(RatingError::AmountTooLarge { .. })));
        assert_eq!(decimal_units(&third, 3), Ok(333));
        assert_eq!(decimal_units(&decimal("-0.0005"), 3), Ok(-1));
        assert!(decimal_units(&huge, 1).is_err());
    }
}
