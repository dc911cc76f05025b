//! Fourth step: the bill, with the one rounding that a month has.
//!
//! Owns the order of the steps, the bill and its exact and rounded total. Does
//! not store, print or close bills, and rates only whole months of one account.

use chrono::NaiveDate;
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::ToPrimitive;

use super::allocate::{self, LineCost};
use super::assumptions::{self, Assumption};
use super::minutes::{self, LineMinutes, UnpricedUsage};
use super::tiers::{self, TierShare};
use super::{PriceBook, ProjectAllocation, free_minutes};
use crate::domain::{AccountId, Currency, DayUsage, Media, Money, Month, Service};

/// Why usage cannot be rated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RatingError {
    /// A month is rated from its own days alone.
    #[error("{day} is not a day of {month}, the month to be rated")]
    DayOutsideMonth {
        /// Month asked for.
        month: Month,
        /// Day that came with it.
        day: NaiveDate,
    },
    /// Usage below 0.
    #[error("negative usage of {cell}")]
    NegativeUsage {
        /// Project, service and day.
        cell: String,
    },
    /// Two values for one cell: either would be a guess, and both would count twice.
    #[error("two values of {cell}")]
    RepeatedUsage {
        /// Project, service and day.
        cell: String,
    },
    /// An amount outside 128-bit integers.
    #[error("the amount {amount} is too large")]
    AmountTooLarge {
        /// The amount as a fraction.
        amount: String,
    },
    /// An amount with more decimal places than there is room for.
    #[error("the amount {amount} has more than {scale} decimal places")]
    NotExact {
        /// The amount as a fraction.
        amount: String,
        /// Decimal places asked for.
        scale: u32,
    },
}

/// What one account owes for one month, and who caused it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    /// Whose bill.
    pub account: AccountId,
    /// Calendar month in UTC.
    pub month: Month,
    /// Of every amount.
    pub currency: Currency,
    /// Name of the price book.
    pub book_name: String,
    /// SHA-256 of the price book's text in hexadecimal.
    pub book_sha256: String,
    /// In the order of services, media and tiers; only what was used.
    pub lines: Vec<BillLine>,
    /// Sum of the lines' amounts.
    pub exact_total: BigRational,
    /// The exact total, rounded half away from zero to the minor unit.
    pub total: Money,
    /// Usage without a price; not part of the total, and the bill is not final.
    pub unpriced: Vec<UnpricedUsage>,
    /// Open points of Agora's rules that had a say in the total.
    pub assumptions: Vec<Assumption>,
    /// Every project with a row of usage, by the bytes of its id; with
    /// `unallocated`, the costs sum to the total.
    pub projects: Vec<ProjectAllocation>,
    /// What no usage caused; 0 under the month plans.
    pub unallocated: Money,
}

impl Bill {
    /// What the rounding of the total added: total less exact total, within half a minor unit.
    #[must_use]
    pub fn rounding(&self) -> BigRational {
        let minor_unit = power_of_ten(self.currency.minor_unit_digits());
        BigRational::new(self.total.minor_units.into(), minor_unit) - &self.exact_total
    }
}

/// One service, media and tier of a bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillLine {
    /// Of which service.
    pub service: Service,
    /// As it is billed.
    pub media: Media,
    /// Number of the discount tier, from 1.
    pub tier: u32,
    /// Of the whole media, on its first line; none on its later tiers.
    pub seconds: Option<u128>,
    /// Free and billable minutes of this line.
    pub minutes: u128,
    /// Taken from the account's free minutes; all on the media's first line.
    pub free_minutes: u128,
    /// What is charged.
    pub billable_minutes: u128,
    /// After the tier's discount.
    pub unit_price_per_1000: BigRational,
    /// Exact price of the billable minutes.
    pub amount: BigRational,
}

/// Rates one month of one account and splits the bill over its projects.
///
/// The order of `usage` makes no difference.
///
/// # Errors
/// Usage that is negative, outside the month or there twice, and a total
/// that is outside 128-bit integers.
pub fn rate(
    account: &AccountId,
    month: Month,
    usage: &[DayUsage],
    book: &PriceBook,
) -> Result<Bill, RatingError> {
    let cells = minutes::cells_in_order(month, usage)?;
    let month_minutes = minutes::sum_month(&cells);
    let (lines, unpriced) = minutes::bill_lines(&month_minutes, book);
    let free = free_minutes::grant(&lines, book);
    let shares = tiers::fill(&lines, &free, book);
    let exact_total: BigRational = shares.iter().map(|share| &share.amount).sum();
    let total = rounded(&exact_total, book.currency)?;
    let (projects, unallocated) =
        allocate::allocate(total, &line_costs(&lines, &shares), &cells, book);
    Ok(Bill {
        account: account.clone(),
        month,
        currency: book.currency,
        book_name: book.name.clone(),
        book_sha256: book.sha256.clone(),
        assumptions: assumptions::behind(&month_minutes, &lines, &shares, book),
        lines: bill_lines(&lines, &free, shares),
        exact_total,
        total,
        unpriced,
        projects,
        unallocated,
    })
}

/// Rounds half away from zero; leaves room for the same amount in allocation units.
fn rounded(amount: &BigRational, currency: Currency) -> Result<Money, RatingError> {
    let scaled = amount * BigRational::from_integer(power_of_ten(currency.minor_unit_digits()));
    let minor_units = scaled.round().to_integer().to_i128();
    let with_room = minor_units
        .filter(|units| units.checked_mul(allocate::units_in_minor_unit(currency)).is_some());
    let too_large = || RatingError::AmountTooLarge { amount: amount.to_string() };
    Ok(Money { minor_units: with_room.ok_or_else(too_large)?, currency })
}

/// What each line costs over all its tiers.
fn line_costs(lines: &[LineMinutes], shares: &[TierShare]) -> Vec<LineCost> {
    let cost = |index: usize, line: &LineMinutes| LineCost {
        service: line.service,
        media: line.media,
        seconds: line.seconds,
        amount: shares.iter().filter(|share| share.line == index).map(|share| &share.amount).sum(),
    };
    lines.iter().enumerate().map(|(index, line)| cost(index, line)).collect()
}

fn bill_lines(lines: &[LineMinutes], free: &[u128], shares: Vec<TierShare>) -> Vec<BillLine> {
    let mut bill_lines = Vec::with_capacity(shares.len());
    let mut line_before = None;
    for share in shares {
        let line = &lines[share.line];
        let is_first = line_before != Some(share.line);
        line_before = Some(share.line);
        let free_minutes = if is_first { free[share.line] } else { 0 };
        bill_lines.push(BillLine {
            service: line.service,
            media: line.media,
            tier: share.tier,
            seconds: is_first.then_some(line.seconds),
            minutes: free_minutes + share.billable_minutes,
            free_minutes,
            billable_minutes: share.billable_minutes,
            unit_price_per_1000: share.unit_price_per_1000,
            amount: share.amount,
        });
    }
    bill_lines
}

/// The amount in units of 10^-`scale`, exactly.
///
/// # Errors
/// [`RatingError::NotExact`] where it has more decimal places, and
/// [`RatingError::AmountTooLarge`] outside 128-bit integers.
pub fn exact_decimal_units(amount: &BigRational, scale: u32) -> Result<i128, RatingError> {
    let scaled = amount * BigRational::from_integer(power_of_ten(scale));
    if !scaled.is_integer() {
        return Err(RatingError::NotExact { amount: amount.to_string(), scale });
    }
    let too_large = || RatingError::AmountTooLarge { amount: amount.to_string() };
    scaled.to_integer().to_i128().ok_or_else(too_large)
}

fn power_of_ten(exponent: u32) -> BigInt {
    BigInt::from(10).pow(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rating::tests::support::exact;

    #[test]
    fn c31_totals_are_rounded_half_away_from_zero() {
        let currency = Currency::from_code("USD").expect("known");
        for (amount, text) in [
            ("13.485", "13.49"),
            ("13.4849999", "13.48"),
            ("0.005", "0.01"),
            ("0.0049999", "0.00"),
            ("-13.485", "-13.49"),
            ("-0.004", "0.00"),
        ] {
            let total = rounded(&exact(amount), currency).expect("in range");
            assert_eq!(total.to_string(), text, "{amount}");
        }
    }

    #[test]
    fn a_total_leaves_room_for_allocation_units() {
        let currency = Currency::from_code("USD").expect("known");
        let largest = BigRational::new(i128::MAX.into(), power_of_ten(6));
        let above = BigRational::new(i128::MAX.into(), power_of_ten(2));
        assert!(rounded(&largest.floor(), currency).is_ok());
        assert!(matches!(rounded(&above, currency), Err(RatingError::AmountTooLarge { .. })));
    }

    #[test]
    fn decimal_units_are_exact_or_refused() {
        assert_eq!(exact_decimal_units(&exact("13.485"), 3), Ok(13_485));
        assert_eq!(exact_decimal_units(&exact("-0.5"), 12), Ok(-500_000_000_000));
        let third = BigRational::new(1.into(), 3.into());
        for (amount, scale) in [(exact("13.485"), 2), (third, 12)] {
            let refused = exact_decimal_units(&amount, scale);
            assert!(matches!(refused, Err(RatingError::NotExact { .. })), "{amount}");
        }
        let huge = BigRational::from_integer(i128::MAX.into());
        assert!(matches!(exact_decimal_units(&huge, 1), Err(RatingError::AmountTooLarge { .. })));
    }
}
