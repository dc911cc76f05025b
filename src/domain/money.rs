//! Amounts in whole minor units of a currency. Never a float.

use std::fmt;

/// ISO 4217 currency of a price book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// The currency of a code such as `USD`, if it exists and has a minor unit.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        let currency = iso_currency::Currency::from_code(code)?;
        currency.exponent().map(|_| Self(currency))
    }

    /// Three-letter code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Decimal places of the minor unit: 2 for USD, 0 for JPY.
    #[must_use]
    pub fn minor_unit_digits(self) -> u32 {
        self.0.exponent().map_or(2, u32::from)
    }
}

/// Amount in whole minor units, such as cents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Money {
    /// Whole minor units; negative for a credit.
    pub minor_units: i128,
    /// Whose minor units.
    pub currency: Currency,
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&decimal_text(self.minor_units, self.currency.minor_unit_digits()))
    }
}

/// Writes `units` x 10^-`scale` with exactly `scale` decimal places: (-5, 2) is `-0.05`.
#[must_use]
pub fn decimal_text(units: i128, scale: u32) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let digits = format!("{:0width$}", units.unsigned_abs(), width = scale as usize + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale as usize);
    let point = if scale == 0 { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

/// Sets the thousands of a decimal number apart by commas: `-1234.5` is `-1,234.5`.
#[must_use]
pub fn thousands(text: &str) -> String {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(w, f)| (w, Some(f)));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let fraction = fraction.map(|fraction| format!(".{fraction}")).unwrap_or_default();
    format!("{sign}{grouped}{fraction}")
}

/// Units of 10^-`scale` as units of 10^-`kept`, rounded half away from zero.
#[must_use]
pub fn rounded_units(units: i128, scale: u32, kept: u32) -> i128 {
    let divisor = 10_i128.pow(scale.saturating_sub(kept));
    let (quotient, rest) = (units / divisor, units % divisor);
    let up = rest.unsigned_abs() * 2 >= divisor.unsigned_abs();
    quotient + if up { units.signum() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minor_units_come_from_the_currency() {
        let of = |code, minor_units| {
            Money { minor_units, currency: Currency::from_code(code).expect("known") }.to_string()
        };
        assert_eq!(of("USD", 10), "0.10");
        assert_eq!(of("USD", -5), "-0.05");
        assert_eq!(of("CNY", 123_456), "1234.56");
        assert_eq!(of("JPY", 42), "42");
        assert_eq!(of("BHD", 1), "0.001");
        assert!(Currency::from_code("XXQ").is_none());
    }

    #[test]
    fn decimal_text_keeps_every_place() {
        assert_eq!(decimal_text(0, 6), "0.000000");
        assert_eq!(decimal_text(1, 6), "0.000001");
        assert_eq!(decimal_text(i128::MAX, 2).len(), 40);
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(thousands("-1234567.891"), "-1,234,567.891");
        assert_eq!(thousands("0"), "0");
        assert_eq!(thousands("999"), "999");
    }

    #[test]
    fn places_are_dropped_half_away_from_zero() {
        assert_eq!(rounded_units(5_000, 6, 2), 1);
        assert_eq!(rounded_units(4_999, 6, 2), 0);
        assert_eq!(rounded_units(-5_000, 6, 2), -1);
        assert_eq!(rounded_units(7, 6, 6), 7);
    }
}
