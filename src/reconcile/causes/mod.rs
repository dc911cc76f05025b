//! Why an invoice and our estimate differ, as causes with amounts.
//!
//! A cause is another way of counting the month's usage (`month_usage`) or of
//! reading the price book ([`super::book_readings`]). First the ways of
//! counting are searched by the invoice's minutes (`minutes`), then those of
//! pricing by its amounts (`search`, `fit`). The fewest causes that explain the
//! most lines win; figures that are taken from the invoice, such as a price,
//! count more than a rule. At the end `waterfall` applies the causes one after
//! another and attributes the change of each line to each: what is left is
//! unexplained, so that nothing is ever lost between the two.

mod fit;
mod minutes;
mod month_usage;
mod search;
mod sentences;
mod summed;
mod waterfall;

use num_rational::BigRational;

use super::amounts::Amounts;

pub use minutes::Gap;

pub(super) use search::explain;

/// What a cause is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CauseKind {
    /// The invoice was made from values that were changed later.
    RestatedDays,
    /// The invoice does not charge SD.
    SdLeftOut,
    /// The invoice has a line for SD, which our bill counts as HD.
    SdApart,
    /// We count recording beside rtc, which may include it.
    RecordingTwice,
    /// We count HD+ beside the types above HD, which may be the same minutes.
    HdpOverlap,
    /// The invoice rounds each project's day up to minutes, not the month.
    DailyRounding,
    /// Days are missing on our side.
    MissingDays,
    /// Our minutes come from usage v1, which rounds each day up.
    DayMinutes,
    /// The invoice has the prices of another built-in book.
    OtherBook,
    /// Another order of the free minutes, or none.
    FreeOrder,
    /// Another type of minute fills the discount tiers first.
    TierFill,
    /// A tier begins a minute earlier or later.
    TierEdge,
    /// Discounts as percentages, or as printed prices.
    Rates,
    /// Another price of one line.
    Price,
    /// One percentage on all lines.
    Percentage,
    /// The invoice rounds each line.
    LineRounding,
    /// A package of standard minutes.
    Package,
    /// Standard minutes that were bought once.
    TopUp,
    /// A row of discount.
    Discount,
    /// What is missing to a minimum commitment.
    Commitment,
    /// Credits and charges beside the bill.
    Adjustment,
    /// A row that is no usage.
    Other,
    /// A row of tax.
    Tax,
}

impl CauseKind {
    /// Word used in outputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RestatedDays => "restated_days",
            Self::SdLeftOut => "sd_left_out",
            Self::SdApart => "sd_apart",
            Self::RecordingTwice => "recording_twice",
            Self::HdpOverlap => "hdp_overlap",
            Self::DailyRounding => "daily_rounding",
            Self::MissingDays => "missing_days",
            Self::DayMinutes => "day_minutes",
            Self::OtherBook => "other_book",
            Self::FreeOrder => "free_order",
            Self::TierFill => "tier_fill",
            Self::TierEdge => "tier_edge",
            Self::Rates => "rates",
            Self::Price => "price",
            Self::Percentage => "percentage",
            Self::LineRounding => "line_rounding",
            Self::Package => "package",
            Self::TopUp => "top_up",
            Self::Discount => "discount",
            Self::Commitment => "commitment",
            Self::Adjustment => "adjustment",
            Self::Other => "other",
            Self::Tax => "tax",
        }
    }
}

/// One cause of a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// What it is called.
    pub kind: CauseKind,
    /// One sentence for people, with the evidence.
    pub text: String,
    /// What the invoice has more because of it, by line.
    pub parts: Amounts,
}

impl Cause {
    /// What the invoice has more because of it.
    #[must_use]
    pub fn amount(&self) -> BigRational {
        self.parts.sum()
    }
}

/// The whole difference, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Explanation {
    /// In the order in which they were applied.
    pub(super) causes: Vec<Cause>,
    /// What is left, by line.
    pub(super) unexplained: Amounts,
}
