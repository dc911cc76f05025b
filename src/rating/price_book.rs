//! Prices and rules of one plan, as a price book file states them.
//!
//! Owns the meaning of a price book, its checks and the two books that are
//! built in. Does not choose the book for a month and does not store any. A
//! contract may differ from the list in every figure, and Agora leaves some
//! rules open, so all of it is data here and none of it is code.

mod parse;

use std::collections::BTreeMap;
use std::fmt;

use num_rational::BigRational;

use crate::domain::{Currency, Media, Service};

/// Decimal places that a price may have.
pub const PRICE_DECIMALS: usize = 4;

/// Decimal places that a discount in percent may have.
pub const DISCOUNT_DECIMALS: usize = 2;

/// Built-in books: plan, name of the file, its text.
const EMBEDDED: [(&str, &str, &str); 2] = [
    ("tiered", "tiered-usd.toml", include_str!("../../pricebooks/tiered-usd.toml")),
    ("fixed", "fixed-usd.toml", include_str!("../../pricebooks/fixed-usd.toml")),
];

/// Which of Agora's month plans a book describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// List price less a volume discount (accounts before 2025-08-29).
    Tiered,
    /// One price for every minute (2019 and 2020, still an option).
    Fixed,
}

impl Plan {
    /// Every plan.
    pub const ALL: [Self; 2] = [Self::Tiered, Self::Fixed];

    /// Word used in price books and settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tiered => "tiered",
            Self::Fixed => "fixed",
        }
    }
}

/// Which minutes fill the discount tiers first; Agora does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TierFill {
    /// By list price, the lowest first: the discounts fall on the dearest minutes.
    CheapestFirst,
    /// By list price, the highest first.
    DearestFirst,
}

impl TierFill {
    /// Every supported way.
    pub const ALL: [Self; 2] = [Self::CheapestFirst, Self::DearestFirst];

    /// Word used in price books and bills.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CheapestFirst => "cheapest_first",
            Self::DearestFirst => "dearest_first",
        }
    }
}

/// Where a tier begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TierEdge {
    /// After `from_minute` minutes: the first 100,000 are full price.
    HalfOpen,
    /// With minute `from_minute`, as the printed ranges read: the first 99,999 are full price.
    Printed,
}

impl TierEdge {
    /// Every supported reading.
    pub const ALL: [Self; 2] = [Self::HalfOpen, Self::Printed];

    /// Word used in price books and bills.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HalfOpen => "half_open",
            Self::Printed => "printed",
        }
    }
}

/// A range of the month's billable minutes with a discount of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tier {
    /// Minutes at which it begins; 0 for the first tier.
    pub from_minute: u64,
    /// Off the list price, 0 to 100.
    pub discount_percent: BigRational,
}

/// A checked price book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceBook {
    /// Name given in the file.
    pub name: String,
    /// One sentence for people.
    pub description: String,
    /// Which plan it describes.
    pub plan: Plan,
    /// Of every price in it.
    pub currency: Currency,
    /// Free minutes for each account and calendar month.
    pub free_minutes: u64,
    /// Which minutes fill the tiers first.
    pub tier_fill: TierFill,
    /// Where a tier begins.
    pub tier_edge: TierEdge,
    /// SHA-256 of the text in hexadecimal, lower case.
    pub sha256: String,
    /// The file's text as it was read.
    pub text: String,
    sd_as: Option<Media>,
    hdp_as: Option<Media>,
    free_order: Vec<(Service, Media)>,
    tiers: Vec<Tier>,
    prices: BTreeMap<(Service, Media), BigRational>,
}

impl PriceBook {
    /// Reads and checks the text of a price book; `name_of_source` is the file named in errors.
    ///
    /// # Errors
    /// [`PriceBookError`] for text that is no TOML, a key that is unknown or
    /// missing, and a value outside what its key allows.
    pub fn parse(name_of_source: &str, text: &str) -> Result<Self, PriceBookError> {
        parse::parse(name_of_source, text)
    }

    /// The built-in book of a plan (`tiered` or `fixed`); none for another name.
    ///
    /// The inner result is an error only where the built-in text itself is
    /// wrong, which the tests exclude.
    #[must_use]
    pub fn embedded(plan: &str) -> Option<Result<Self, PriceBookError>> {
        let (_, file, text) = EMBEDDED.into_iter().find(|(name, _, _)| *name == plan)?;
        Some(Self::parse(file, text))
    }

    /// The media as which a media is counted and priced: SD joins HD under `sd_as`.
    #[must_use]
    pub fn billed_as(&self, media: Media) -> Media {
        self.sd_as.filter(|_| media == Media::Sd).unwrap_or(media)
    }

    /// The media whose price an HD+ line of this service takes by the rule `hdp_as`.
    ///
    /// None where the service has an HD+ price of its own, or the book no rule.
    #[must_use]
    pub fn hdp_priced_as(&self, service: Service) -> Option<Media> {
        self.hdp_as.filter(|_| !self.prices.contains_key(&(service, Media::Hdp)))
    }

    /// List price for 1,000 minutes, before any discount; none where the usage is unpriced.
    #[must_use]
    pub fn unit_price_per_1000(&self, service: Service, media: Media) -> Option<&BigRational> {
        let rule = self.hdp_priced_as(service).filter(|_| media == Media::Hdp);
        self.prices.get(&(service, rule.unwrap_or(media)))
    }

    /// Place in the order in which free minutes are taken; none where the usage gets none.
    #[must_use]
    pub fn free_position(&self, service: Service, media: Media) -> Option<usize> {
        self.free_order.iter().position(|entry| *entry == (service, media))
    }

    /// The tiers in rising order; the first begins at 0.
    #[must_use]
    pub fn tiers(&self) -> &[Tier] {
        &self.tiers
    }

    /// How many billable minutes lie before a tier, by the book's reading of its edge.
    #[must_use]
    pub fn minutes_before(&self, tier: &Tier) -> u64 {
        match self.tier_edge {
            TierEdge::HalfOpen => tier.from_minute,
            TierEdge::Printed => tier.from_minute.saturating_sub(1),
        }
    }
}

/// Where in a price book something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Name of the source.
    pub file: String,
    /// Line, from 1, where it is known.
    pub line: Option<usize>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "price book {}, line {line}", self.file),
            None => write!(f, "price book {}", self.file),
        }
    }
}

/// Why a text is no price book.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PriceBookError {
    /// No TOML, or a key that is unknown, missing or of another type.
    #[error("{place}: {message}")]
    Form {
        /// Where.
        place: Place,
        /// What the parser found.
        message: String,
    },
    /// A value that its key does not allow.
    #[error("{place}: {key} is '{value}'; {allowed}")]
    Value {
        /// Where.
        place: Place,
        /// Which key, with the tables that it lies in.
        key: String,
        /// What it holds.
        value: String,
        /// What it may hold.
        allowed: String,
    },
}

#[cfg(test)]
mod tests;
