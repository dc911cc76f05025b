//! What a book says beside prices: tiers, packages, and terms of the whole bill.

use num_rational::BigRational;

use super::{ByType, TierEdge};
use crate::domain::Month;

/// A range of the month's billable minutes with a discount of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tier {
    /// Minutes at which it begins; 0 for the first tier.
    pub from_minute: u64,
    /// Off the list price, 0 to 100.
    pub discount_percent: BigRational,
}

impl Tier {
    /// How many billable minutes lie before it, by a reading of its edge.
    #[must_use]
    pub fn minutes_before(&self, edge: TierEdge) -> u64 {
        match edge {
            TierEdge::HalfOpen => self.from_minute,
            TierEdge::Printed => self.from_minute.saturating_sub(1),
        }
    }
}

/// Terms of the bill as a whole, in the order in which they count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Off all usage, 0 to 100.
    pub discount_percent: BigRational,
    /// Least amount of a month after the discount and before tax, in the currency.
    pub minimum_commitment: BigRational,
    /// On top of everything, 0 to 100.
    pub tax_percent: BigRational,
}

/// Standard minutes: what a minute counts, and what it is paid with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandardTerms {
    /// Standard minutes for one minute of each type.
    pub coefficients: ByType,
    /// Price of 1,000 standard minutes beyond those that are free or bought.
    pub overage_price_per_1000: BigRational,
    /// The package that is paid each month; with one there are no free minutes.
    pub package: Option<Package>,
    /// Packages on offer.
    pub packages: Vec<Package>,
    /// Top-ups on offer.
    pub top_ups: Vec<TopUp>,
    /// Top-ups that were bought.
    pub bought: Vec<BoughtTopUp>,
}

/// A number of standard minutes for a price a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Standard minutes.
    pub minutes: u64,
    /// A month, in the currency.
    pub price: BigRational,
}

/// A number of standard minutes for a price, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopUp {
    /// Standard minutes.
    pub minutes: u64,
    /// In the currency.
    pub price: BigRational,
}

/// A top-up that was bought for a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoughtTopUp {
    /// Month in which its minutes count.
    pub month: Month,
    /// What was bought.
    pub top_up: TopUp,
    /// How many times, at least once.
    pub count: u32,
}
