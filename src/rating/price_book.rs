//! Prices and rules of one plan, as a price book file states them.
//!
//! Owns the meaning of a price book, its checks and the books that are built
//! in. Does not choose the book for a month (that is [`super::price_books`]) and
//! does not store any. A contract may differ from the list in every figure, and
//! Agora leaves some rules open, so all of it is data here and none of it is code.

mod built_in;
mod checks;
mod error;
mod file;
mod free_orders;
mod parse;
pub mod readings;
mod source;
mod terms;

use std::collections::BTreeMap;

use num_rational::BigRational;
use num_traits::Zero;

use crate::domain::{AccountId, Currency, Media, Month, Service};

pub use error::{Place, PriceBookError};
pub use readings::{LineRounding, Rates, Readings, TierEdge, TierFill};
pub use terms::{BoughtTopUp, Package, StandardTerms, Terms, Tier, TopUp};

/// Decimal places that a price may have.
pub const PRICE_DECIMALS: usize = 4;

/// Decimal places that a discount or a tax in percent may have.
pub const DISCOUNT_DECIMALS: usize = 2;

/// Decimal places that a coefficient of the standard minutes may have.
pub const COEFFICIENT_DECIMALS: usize = 4;

/// Which of Agora's plans a book describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// List price less a volume discount (accounts before 2025-08-29).
    Tiered,
    /// One price for every minute (2019 and 2020, still an option).
    Fixed,
    /// Minutes weighed by coefficients, free or from a package, then overage (from 2025-08-29).
    StandardMinutes,
}

impl Plan {
    /// Every plan.
    pub const ALL: [Self; 3] = [Self::Tiered, Self::Fixed, Self::StandardMinutes];

    /// Word used in price books.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tiered => "tiered",
            Self::Fixed => "fixed",
            Self::StandardMinutes => "standard_minutes",
        }
    }
}

/// Whose minutes a line of the bill counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LineKind {
    /// Hosts and interactive audience, or all of a service that tells nobody apart.
    Usage,
    /// The assumed part of rtc that is broadcast audience.
    Audience,
}

impl LineKind {
    /// Word used in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Audience => "audience",
        }
    }

    /// Name of a service in price books and bills: `rtc_audience` for the audience's part.
    #[must_use]
    pub const fn label(self, service: Service) -> &'static str {
        match self {
            Self::Usage => service.name(),
            Self::Audience => AUDIENCE,
        }
    }

    /// The service and kind of a label.
    fn from_label(label: &str) -> Option<(Service, Self)> {
        match label {
            AUDIENCE => Some((Service::Rtc, Self::Audience)),
            _ => Some((Service::from_name(label)?, Self::Usage)),
        }
    }
}

const AUDIENCE: &str = "rtc_audience";

/// What a price or a coefficient is for.
pub type PricedType = (Service, LineKind, Media);

/// Prices or coefficients by what they are for.
pub(super) type ByType = BTreeMap<PricedType, BigRational>;

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
    /// First month that it holds for; none: without a beginning.
    pub valid_from: Option<Month>,
    /// Last month that it holds for; none: without an end.
    pub valid_to: Option<Month>,
    /// Accounts that it holds for; empty: all.
    pub accounts: Vec<AccountId>,
    /// Free minutes for each account and calendar month.
    pub free_minutes: u64,
    /// Name of the documented order in which they are taken; none: an order of the book's own.
    pub free_order_name: Option<String>,
    /// Which minutes fill the tiers first.
    pub tier_fill: TierFill,
    /// Where a tier begins.
    pub tier_edge: TierEdge,
    /// What a discounted minute costs.
    pub rates: Rates,
    /// What is rounded besides the total.
    pub line_rounding: LineRounding,
    /// Part of the seconds of rtc that is taken to be broadcast audience, 0 to 1; an assumption.
    pub audience_share: BigRational,
    /// Discount, commitment and tax of the bill as a whole.
    pub terms: Terms,
    /// Coefficients and packages; only under standard minutes.
    pub standard: Option<StandardTerms>,
    /// SHA-256 of the text, and of the text that it extends, in hexadecimal, lower case.
    pub sha256: String,
    /// The file's text as it was read.
    pub text: String,
    sd_as: Option<Media>,
    hdp_as: Option<Media>,
    free_order: Vec<PricedType>,
    tiers: Vec<Tier>,
    prices: ByType,
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

    /// The built-in book of a plan (`tiered`) or of that name (`tiered-usd`); none for another.
    ///
    /// The inner result is an error only where the built-in text itself is
    /// wrong, which the tests exclude.
    #[must_use]
    pub fn embedded(plan_or_name: &str) -> Option<Result<Self, PriceBookError>> {
        let (name, text) = built_in::find(plan_or_name)?;
        Some(Self::parse(&format!("{name}.toml"), text))
    }

    /// Names of the built-in books.
    #[must_use]
    pub fn embedded_names() -> Vec<&'static str> {
        built_in::names().into()
    }

    /// Plans that have a built-in book, as settings call them.
    #[must_use]
    pub fn embedded_plans() -> Vec<&'static str> {
        built_in::plans().into()
    }

    /// The text with what it extends written out, so that a key can be taken out of
    /// it too; none for text that is no book.
    #[must_use]
    pub fn written_out(&self) -> Option<toml::Table> {
        source::written_out(&self.text)
    }

    /// The documented orders of the free minutes, by the name that books give them.
    #[must_use]
    pub fn documented_free_orders() -> Vec<(&'static str, Vec<PricedType>)> {
        let named = |name: &'static str| Some((name, free_orders::named(name)?));
        free_orders::NAMES.into_iter().filter_map(named).collect()
    }

    /// The book with another price for 1,000 minutes, with at most [`PRICE_DECIMALS`]
    /// places, for a trial: its text stays as it is.
    #[must_use]
    pub fn with_price(mut self, of: PricedType, price: BigRational) -> Self {
        self.prices.insert(of, price);
        self
    }

    /// Whether it holds for that account and month.
    #[must_use]
    pub fn holds_for(&self, account: &AccountId, month: Month) -> bool {
        let of_account = self.accounts.is_empty() || self.accounts.contains(account);
        let begun = self.valid_from.is_none_or(|first| first <= month);
        of_account && begun && self.valid_to.is_none_or(|last| month <= last)
    }

    /// How the book reads every open point.
    #[must_use]
    pub fn readings(&self) -> Readings {
        Readings {
            tier_fill: self.tier_fill,
            tier_edge: self.tier_edge,
            rates: self.rates,
            line_rounding: self.line_rounding,
            hdp_turn: readings::HdpTurn::AsDocumented,
            hdp_as: self.hdp_as,
            hdp_overlap: readings::Overlap::BothBilled,
            recording_beside_rtc: readings::Overlap::BothBilled,
            v1_minutes: readings::V1Minutes::AsShown,
        }
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
        let own = (service, LineKind::Usage, Media::Hdp);
        let coefficients = self.standard.as_ref().map(|standard| &standard.coefficients);
        let has_own = |values: &ByType| values.contains_key(&own);
        self.hdp_as.filter(|_| !has_own(&self.prices) && !coefficients.is_some_and(has_own))
    }

    /// List price for 1,000 minutes, before any discount; none where the usage is unpriced.
    #[must_use]
    pub fn unit_price_per_1000(&self, service: Service, media: Media) -> Option<&BigRational> {
        self.price((service, LineKind::Usage, media), self.hdp_as)
    }

    /// What 1,000 minutes cost before any discount: their list price, or under standard
    /// minutes that of minutes beyond the free or bought ones; none where unpriced.
    ///
    /// Of rtc, `audience_share` (0 to 1) of the minutes at the price of the audience.
    #[must_use]
    pub fn worth_per_1000(
        &self,
        service: Service,
        media: Media,
        audience_share: &BigRational,
    ) -> Option<BigRational> {
        let of_audience = match service {
            Service::Rtc => audience_share.clone(),
            _ => BigRational::zero(),
        };
        let of_hosts = BigRational::from_integer(1.into()) - &of_audience;
        let parts = [(LineKind::Usage, of_hosts), (LineKind::Audience, of_audience)];
        let mut worth = BigRational::zero();
        for (kind, share) in parts.into_iter().filter(|(_, share)| !share.is_zero()) {
            worth += share * self.worth_of((service, kind, media))?;
        }
        Some(worth)
    }

    fn worth_of(&self, of: PricedType) -> Option<BigRational> {
        let by_price = self.price(of, self.hdp_as).cloned();
        let overage = self.standard.as_ref().map(|standard| &standard.overage_price_per_1000);
        by_price.or_else(|| Some(self.coefficient(of, self.hdp_as)? * overage?))
    }

    /// The built-in book of the same plan and currency, whose prices are those that
    /// Agora publishes; none where there is no such book.
    #[must_use]
    pub fn published(&self) -> Option<Self> {
        let plan = match self.plan {
            Plan::Tiered => "tiered",
            Plan::Fixed => "fixed",
            Plan::StandardMinutes => "standard",
        };
        let name = format!("{plan}-{}", self.currency.code().to_lowercase());
        Self::embedded(&name)?.ok()
    }

    /// List price for 1,000 minutes of any kind of line, by any reading of `hdp_as`.
    #[must_use]
    pub fn price(&self, of: PricedType, hdp_as: Option<Media>) -> Option<&BigRational> {
        value_of(&self.prices, of, hdp_as)
    }

    /// How many standard minutes a minute is; none where the usage is not counted in them.
    #[must_use]
    pub fn coefficient(&self, of: PricedType, hdp_as: Option<Media>) -> Option<&BigRational> {
        value_of(&self.standard.as_ref()?.coefficients, of, hdp_as)
    }

    /// Place in the order in which free minutes are taken; none where the usage gets none.
    #[must_use]
    pub fn free_position(&self, of: PricedType) -> Option<usize> {
        self.free_order.iter().position(|entry| *entry == of)
    }

    /// The same prices without tax.
    ///
    /// For what compares plans or tells a margin: tax is owed on to the state, and
    /// the built-in books state none.
    #[must_use]
    pub fn before_tax(&self) -> Self {
        let mut book = self.clone();
        book.terms.tax_percent = BigRational::zero();
        book
    }

    /// The order in which free minutes are taken.
    #[must_use]
    pub fn free_order(&self) -> &[PricedType] {
        &self.free_order
    }

    /// The tiers in rising order; the first begins at 0.
    #[must_use]
    pub fn tiers(&self) -> &[Tier] {
        &self.tiers
    }

    /// Whether a part of rtc is taken to be broadcast audience.
    #[must_use]
    pub fn has_audience(&self) -> bool {
        !self.audience_share.is_zero()
    }
}

fn value_of(values: &ByType, of: PricedType, hdp_as: Option<Media>) -> Option<&BigRational> {
    let (service, kind, media) = of;
    let rule = hdp_as.filter(|_| media == Media::Hdp);
    values.get(&of).or_else(|| values.get(&(service, kind, rule?)))
}

#[cfg(test)]
mod tests;
