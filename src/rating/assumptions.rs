//! Open points of Agora's rules that had a say in a bill, in words.
//!
//! Owns when an open point is worth a line on the bill, and the words. What each
//! could change is found in [`super::range`].

use super::amount::percent_text;
use super::price_book::readings::{HdpTurn, LineRounding, Rates, TierEdge, TierFill};
use super::range::{Effect, Explored, OpenPoint};
use super::steps::RatingSteps;
use super::{PriceBook, TotalRange};

/// A rule that Agora leaves open, and how the bill read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assumption {
    /// Setting of the price book, or what is flagged.
    pub key: &'static str,
    /// The reading that was used.
    pub value: String,
    /// One sentence for people.
    pub text: String,
    /// The totals that the bill could have when this point alone is read otherwise.
    pub range: TotalRange,
}

/// Every assumption behind the bill, in a fixed order.
///
/// Rules of pricing are named where another reading makes another total; what
/// the usage itself leaves open is always named.
#[must_use]
pub fn behind(steps: &RatingSteps, explored: &Explored, book: &PriceBook) -> Vec<Assumption> {
    let named = explored.effects.iter().filter(|effect| effect.matters || is_flag(effect.point));
    let mut assumptions: Vec<Assumption> =
        named.map(|effect| in_words(effect, steps, book)).collect();
    if book.has_audience() {
        assumptions.push(audience_share(explored, book));
    }
    assumptions
}

const fn is_flag(point: OpenPoint) -> bool {
    matches!(
        point,
        OpenPoint::HdpAs
            | OpenPoint::HdpOverlap
            | OpenPoint::RecordingBesideRtc
            | OpenPoint::V1Minutes
    )
}

fn in_words(effect: &Effect, steps: &RatingSteps, book: &PriceBook) -> Assumption {
    let readings = &steps.readings;
    let (key, value, text) = match effect.point {
        OpenPoint::TierFill => {
            ("tier_fill", readings.tier_fill.name(), tier_fill(readings.tier_fill))
        }
        OpenPoint::TierEdge => {
            ("tier_edge", readings.tier_edge.name(), tier_edge(readings.tier_edge, book))
        }
        OpenPoint::Rates => ("rates", readings.rates.name(), rates(readings.rates)),
        OpenPoint::FreeOrder => {
            ("free_order", readings.hdp_turn.name(), free_order(readings.hdp_turn))
        }
        OpenPoint::LineRounding => {
            ("line_rounding", readings.line_rounding.name(), line_rounding(readings.line_rounding))
        }
        OpenPoint::HdpAs => {
            let media = readings.hdp_as.map_or("none", crate::domain::Media::name);
            let text =
                format!("HD+ (hdp) has no price under this plan and is billed at that of {media}.");
            ("hdp_as", media, text)
        }
        OpenPoint::HdpOverlap => {
            ("hdp_overlap", readings.hdp_overlap.name(), HDP_OVERLAP.to_owned())
        }
        OpenPoint::RecordingBesideRtc => (
            "recording_beside_rtc",
            readings.recording_beside_rtc.name(),
            RECORDING_BESIDE_RTC.to_owned(),
        ),
        OpenPoint::V1Minutes => ("v1_minutes", "as_shown", V1_MINUTES.to_owned()),
    };
    Assumption { key, value: value.to_owned(), text, range: effect.range }
}

fn tier_fill(reading: TierFill) -> String {
    let how = match reading {
        TierFill::CheapestFirst => "the cheapest do",
        TierFill::DearestFirst => "the dearest do",
        TierFill::ProRata => "all do in proportion",
    };
    format!("Agora does not say which minutes fill the discount tiers first; here {how}.")
}

fn tier_edge(reading: TierEdge, book: &PriceBook) -> String {
    let price = match reading {
        TierEdge::HalfOpen => "the price before it",
        TierEdge::Printed => "its new price",
    };
    let second = book.tiers().get(1).map_or(0, |tier| tier.from_minute);
    format!("The minute at which a tier begins (minute {second} for tier 2) has {price}.")
}

fn rates(reading: Rates) -> String {
    match reading {
        Rates::Percent => {
            "Discounts are percentages of the list price, not the printed prices that are \
             rounded to cents."
        }
        Rates::Printed => {
            "Discounted prices are the printed ones, rounded to cents, not exact percentages of \
             the list price."
        }
    }
    .to_owned()
}

fn free_order(reading: HdpTurn) -> String {
    match reading {
        HdpTurn::AsDocumented => {
            "Free minutes go to HD+ (hdp) where the documented order has it, which may be before \
             Full HD although HD+ costs more."
        }
        HdpTurn::AfterFullHd => "Free minutes go to HD+ (hdp) after Full HD.",
    }
    .to_owned()
}

fn line_rounding(reading: LineRounding) -> String {
    match reading {
        LineRounding::None => "Only the total is rounded, not each line.",
        LineRounding::Line => "Each line is rounded, and so is the total.",
    }
    .to_owned()
}

const HDP_OVERLAP: &str = "HD+ (hdp) was used beside Full HD, 2K or 2K+ on one day of one project; \
    Agora does not say whether they overlap, and both are billed.";

/// The labels of usage v3 say that `default` includes recording (API reference, 2020).
const RECORDING_BESIDE_RTC: &str = "On-premise recording was used beside rtc, whose video says that \
    it includes it; both are billed, so recorded minutes may count twice.";

const V1_MINUTES: &str = "Usage v1 gives minutes that are rounded up each day, so the month's \
    seconds are known within bounds only; the bill takes the most that they can be.";

fn audience_share(explored: &Explored, book: &PriceBook) -> Assumption {
    let percent = &book.audience_share * num_rational::BigRational::from_integer(100.into());
    let value = format!("{} %", percent_text(&percent));
    let text = format!(
        "The usage API does not tell broadcast audience from hosts; {value} of the seconds of rtc \
         are taken to be audience."
    );
    let total = explored.total;
    Assumption { key: "broadcast_audience_share", value, text, range: TotalRange::only(total) }
}
