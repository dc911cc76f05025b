//! The bill: what a month costs, how it was made, and what it could be as well.
//!
//! Owns the shape of the result and of its faults; [`super::steps`] makes it. Does
//! not store, print or close bills.

use chrono::NaiveDate;
use num_bigint::BigInt;
use num_rational::BigRational;

pub use super::amount::{decimal_units, exact_decimal_units};
use super::assumptions::Assumption;
use super::charges::Charge;
use super::minutes::UnpricedUsage;
use super::price_book::{LineKind, Plan};
use super::{ProjectAllocation, TotalRange};
use crate::domain::{AccountId, Currency, Media, Money, Month, Service};

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
    /// Plan of the price book.
    pub plan: Plan,
    /// Name of the price book.
    pub book_name: String,
    /// SHA-256 of the price book's text in hexadecimal.
    pub book_sha256: String,
    /// In the order of services, media, kinds and tiers; only what was used.
    pub lines: Vec<BillLine>,
    /// What is charged beside the lines: package, top-ups, overage, discount,
    /// commitment and tax, in this order.
    pub charges: Vec<Charge>,
    /// Sum of the lines' amounts and of the charges; may have more decimal
    /// places than [`super::LINE_SCALE`] where a discount or a tax is charged.
    pub exact_total: BigRational,
    /// The exact total, rounded half away from zero to the minor unit.
    pub total: Money,
    /// The least and the greatest total over all readings of the open points.
    pub range: TotalRange,
    /// Usage without a price; not part of the total, and the bill is not final.
    pub unpriced: Vec<UnpricedUsage>,
    /// Open points of Agora's rules that had a say in the total.
    pub assumptions: Vec<Assumption>,
    /// Every project with a row of usage, by the bytes of its id; with
    /// `unallocated`, the costs sum to the total.
    pub projects: Vec<ProjectAllocation>,
    /// What no usage caused: fees of a month without priced usage.
    pub unallocated: Money,
}

impl Bill {
    /// What the rounding of the total added: total less exact total, within half a minor unit.
    #[must_use]
    pub fn rounding(&self) -> BigRational {
        let minor_unit = BigInt::from(10).pow(self.currency.minor_unit_digits());
        BigRational::new(self.total.minor_units.into(), minor_unit) - &self.exact_total
    }
}

/// One service, media and tier of a bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillLine {
    /// Of which service.
    pub service: Service,
    /// Whose minutes.
    pub kind: LineKind,
    /// As it is billed.
    pub media: Media,
    /// Number of the discount tier, from 1.
    pub tier: u32,
    /// Of the whole media, on its first line; none on its later tiers.
    pub seconds: Option<u128>,
    /// Free and billable minutes of this line; under standard minutes those of
    /// usage, rounded up for show, since the sum alone is billed.
    pub minutes: u128,
    /// Taken from the account's free minutes; all on the media's first line. 0
    /// under standard minutes.
    pub free_minutes: u128,
    /// What is charged by the minute; 0 under standard minutes.
    pub billable_minutes: u128,
    /// Standard minutes for one minute; none where minutes have a price of their own.
    pub coefficient: Option<BigRational>,
    /// After the tier's discount; 0 under standard minutes.
    pub unit_price_per_1000: BigRational,
    /// Exact price of the billable minutes; 0 under standard minutes, which the
    /// charges pay.
    pub amount: BigRational,
}

impl BillLine {
    /// Name of the service as price books and reports write it: `rtc_audience` for the
    /// part of rtc that is taken to be audience.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        self.kind.label(self.service)
    }
}
