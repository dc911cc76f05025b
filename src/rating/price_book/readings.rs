//! The readings of what Agora's public pages leave open.
//!
//! Owns the words of each open point and which readings it has. What a reading
//! does is decided by the step that asks for it; which one counts is a setting
//! of the book.

use crate::domain::Media;

/// Which minutes fill the discount tiers first; Agora does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TierFill {
    /// By list price, the lowest first: the discounts fall on the dearest minutes.
    CheapestFirst,
    /// By list price, the highest first.
    DearestFirst,
    /// Every line has the same part of its minutes in each tier.
    ProRata,
}

impl TierFill {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::CheapestFirst, Self::DearestFirst, Self::ProRata];

    /// Word used in price books and bills.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CheapestFirst => "cheapest_first",
            Self::DearestFirst => "dearest_first",
            Self::ProRata => "pro_rata",
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
    /// Every reading.
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

/// What a discounted minute costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rates {
    /// The list price less the percentage, exactly.
    Percent,
    /// The same, rounded half up to the minor unit for 1,000 minutes, as Agora's
    /// page of 2021 prints it (0.94, 3.79, ...).
    Printed,
}

impl Rates {
    /// Every reading.
    pub const ALL: [Self; 2] = [Self::Percent, Self::Printed];

    /// Word used in price books and bills.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Percent => "percent",
            Self::Printed => "printed",
        }
    }
}

/// What is rounded besides the total.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineRounding {
    /// Nothing: only the total is rounded (Agora's worked examples, 2021).
    None,
    /// Each line of the bill is rounded half up to the minor unit.
    Line,
}

impl LineRounding {
    /// Every reading.
    pub const ALL: [Self; 2] = [Self::None, Self::Line];

    /// Word used in price books and bills.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Line => "line",
        }
    }
}

/// Where HD+ stands in the order of the free minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HdpTurn {
    /// Where the book's order has it: before Full HD in that of April 2021, though it costs more.
    AsDocumented,
    /// Right behind the last Full HD, by its price.
    AfterFullHd,
}

impl HdpTurn {
    /// Word used on bills.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AsDocumented => "as_documented",
            Self::AfterFullHd => "hdp_after_full_hd",
        }
    }
}

/// What becomes of time that may be counted under two names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    /// Both are billed, as counted.
    BothBilled,
    /// What both can share is billed once.
    BilledOnce,
}

impl Overlap {
    /// Word used on bills.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BothBilled => "both_billed",
            Self::BilledOnce => "billed_once",
        }
    }
}

/// What a day's minutes of usage v1 stand for; the platform rounds them up each day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum V1Minutes {
    /// m minutes are 60 m seconds, the most that they can be.
    AsShown,
    /// m minutes are 60 (m - 1) + 1 seconds, the least.
    Least,
}

/// One reading of every open point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readings {
    /// Which minutes fill the tiers first.
    pub tier_fill: TierFill,
    /// Where a tier begins.
    pub tier_edge: TierEdge,
    /// What a discounted minute costs.
    pub rates: Rates,
    /// What is rounded besides the total.
    pub line_rounding: LineRounding,
    /// Where HD+ stands in the order of the free minutes.
    pub hdp_turn: HdpTurn,
    /// The media whose price HD+ takes where it has none; none: it is unpriced.
    pub hdp_as: Option<Media>,
    /// HD+ beside Full HD, 2K or 2K+ in one cell.
    pub hdp_overlap: Overlap,
    /// On-premise recording beside rtc.
    pub recording_beside_rtc: Overlap,
    /// What v1 minutes stand for.
    pub v1_minutes: V1Minutes,
}

/// Types of media that an HD+ minute can be under the tiered plan.
pub const HDP_AS: [Media; 3] = [Media::FullHd, Media::Video2k, Media::Video2kPlus];
