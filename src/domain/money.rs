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

impl Money {
    /// Reads an amount such as `12.50`; more decimal places than the currency has must be zeros.
    #[must_use]
    pub fn parse(text: &str, currency: Currency) -> Option<Self> {
        let (is_negative, digits) =
            text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let places = currency.minor_unit_digits() as usize;
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let is_exact = fraction.bytes().skip(places).all(|byte| byte == b'0');
        if whole.is_empty() || !is_number(whole) || !is_number(fraction) || !is_exact {
            return None;
        }
        let fraction: String =
            fraction.chars().chain(std::iter::repeat('0')).take(places).collect();
        let minor_units: i128 = format!("{whole}{fraction}").parse().ok()?;
        Some(Self { minor_units: if is_negative { -minor_units } else { minor_units }, currency })
    }

    /// Reads an amount that somebody states; none also for one that no account can owe.
    #[must_use]
    pub fn parse_stated(text: &str, currency: Currency) -> Option<Self> {
        /// Ten trillion dollars in cents; a slip of the keyboard must not be closed with a bill.
        const MOST_MINOR_UNITS: i128 = 1_000_000_000_000_000;
        Self::parse(text, currency).filter(|money| money.minor_units.abs() <= MOST_MINOR_UNITS)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&decimal_text(self.minor_units, self.currency.minor_unit_digits()))
    }
}

/// Reads a decimal in units of 10^-`scale`, exactly: (`-0.5`, 2) is -50.
///
/// None for a text that is no decimal, has more than `scale` places, or does not fit.
#[must_use]
pub fn decimal_units(text: &str, scale: u32) -> Option<i128> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let has_point_alone = digits.contains('.') && fraction.is_empty();
    if whole.is_empty() || has_point_alone || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let missing_places = (scale as usize).checked_sub(fraction.len())?;
    let units: i128 = format!("{whole}{fraction}{}", "0".repeat(missing_places)).parse().ok()?;
    Some(if text.starts_with('-') { -units } else { units })
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
    fn amounts_read_back_and_nothing_is_rounded() {
        let dollars = Currency::from_code("USD").expect("known");
        for text in ["0.10", "-0.05", "1234567.89", "42.00"] {
            assert_eq!(Money::parse(text, dollars).expect("an amount").to_string(), text);
        }
        assert!(Money::parse_stated("-10000000000000.00", dollars).is_some());
        assert_eq!(Money::parse_stated("10000000000000.01", dollars), None);
        assert_eq!(Money::parse("7", dollars).expect("an amount").minor_units, 700);
        assert_eq!(Money::parse("12.500000", dollars).expect("an amount").minor_units, 1_250);
        for text in
            ["", ".5", "1,000", "1.005", "1e3", "--1", "+1", "1.2.3", "9".repeat(40).as_str()]
        {
            assert_eq!(Money::parse(text, dollars), None, "{text}");
        }
        let yen = Currency::from_code("JPY").expect("known");
        assert_eq!(Money::parse("42", yen).expect("an amount").minor_units, 42);
    }

    #[test]
    fn decimals_are_read_exactly_or_refused() {
        let units = |text| decimal_units(text, 2);
        assert_eq!([units("-12.50"), units("0.5"), units("7")], [Some(-1250), Some(50), Some(700)]);
        assert_eq!(units("-0.01"), Some(-1));
        for text in ["", "-", ".5", "5.", "1.234", "1,5", "+1", "1e3", "--1", "\u{661}"] {
            assert_eq!(units(text), None, "{text}");
        }
        assert_eq!(decimal_units(&"9".repeat(40), 2), None);
        let yen = Currency::from_code("JPY").expect("known");
        assert_eq!(Money::parse("1.5", yen), None);
        assert_eq!(Money::parse("-15", yen).map(|money| money.minor_units), Some(-15));
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
