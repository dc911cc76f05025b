//! Open points of Agora's rules that had a say in a bill.
//!
//! Owns when a setting of the book is worth a line on the bill: only where
//! another reading could have made another total. Computes no amount.

use super::PriceBook;
use super::minutes::{LineMinutes, MonthMinutes};
use super::price_book::{TierEdge, TierFill};
use super::tiers::TierShare;
use crate::domain::{Media, Service};

/// A rule that Agora leaves open, and how the bill read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assumption {
    /// Setting of the price book.
    pub key: &'static str,
    /// The reading that was used.
    pub value: String,
    /// One sentence for people.
    pub text: String,
}

/// Every assumption behind the lines, in a fixed order.
#[must_use]
pub fn behind(
    month: &MonthMinutes,
    lines: &[LineMinutes],
    shares: &[TierShare],
    book: &PriceBook,
) -> Vec<Assumption> {
    let reaches_discount = shares.iter().any(|share| share.billable_minutes > 0 && share.tier > 1);
    let found = [
        tier_fill(lines, shares, book).filter(|_| reaches_discount),
        tier_edge(shares, book),
        reaches_discount.then(rates),
        hdp_as(lines, book),
        month.has_hdp_overlap.then(hdp_overlap),
        recording_beside_rtc(lines),
    ];
    found.into_iter().flatten().collect()
}

fn tier_fill(lines: &[LineMinutes], shares: &[TierShare], book: &PriceBook) -> Option<Assumption> {
    let billed = shares.iter().filter(|share| share.billable_minutes > 0);
    let mut prices = billed.map(|share| &lines[share.line].unit_price_per_1000);
    let first = prices.next()?;
    prices.any(|price| price != first).then(|| {
        let which = match book.tier_fill {
            TierFill::CheapestFirst => "cheapest",
            TierFill::DearestFirst => "dearest",
        };
        Assumption {
            key: "tier_fill",
            value: book.tier_fill.name().to_owned(),
            text: format!(
                "Agora does not say which minutes fill the discount tiers first; \
                 here the {which} do."
            ),
        }
    })
}

/// Stated from the first minute on that one of the two readings would discount.
fn tier_edge(shares: &[TierShare], book: &PriceBook) -> Option<Assumption> {
    let second = book.tiers().get(1)?;
    let billable: u128 = shares.iter().map(|share| share.billable_minutes).sum();
    (billable >= u128::from(second.from_minute)).then(|| {
        let price = match book.tier_edge {
            TierEdge::HalfOpen => "the price before it",
            TierEdge::Printed => "its new price",
        };
        Assumption {
            key: "tier_edge",
            value: book.tier_edge.name().to_owned(),
            text: format!(
                "The minute at which a tier begins (minute {} for tier 2) has {price}.",
                second.from_minute
            ),
        }
    })
}

fn rates() -> Assumption {
    Assumption {
        key: "rates",
        value: "percent".to_owned(),
        text: "Discounts are percentages of the list price, not the printed prices that are \
               rounded to cents."
            .to_owned(),
    }
}

fn hdp_as(lines: &[LineMinutes], book: &PriceBook) -> Option<Assumption> {
    let mut hdp = lines.iter().filter(|line| line.media == Media::Hdp);
    let media = hdp.find_map(|line| book.hdp_priced_as(line.service))?;
    Some(Assumption {
        key: "hdp_as",
        value: media.name().to_owned(),
        text: format!("HD+ (hdp) has no price under this plan and is billed at that of {media}."),
    })
}

/// The labels of usage v3 say that `default` includes recording (API reference, 2020).
fn recording_beside_rtc(lines: &[LineMinutes]) -> Option<Assumption> {
    let uses = |service| lines.iter().any(|line| line.service == service);
    (uses(Service::Rtc) && uses(Service::Recording)).then(|| Assumption {
        key: "recording_beside_rtc",
        value: "both_billed".to_owned(),
        text: "On-premise recording was used beside rtc, whose video says that it includes it; \
               both are billed, so recorded minutes may count twice."
            .to_owned(),
    })
}

fn hdp_overlap() -> Assumption {
    Assumption {
        key: "hdp_overlap",
        value: "both_billed".to_owned(),
        text: "HD+ (hdp) was used beside Full HD, 2K or 2K+ on one day of one project; Agora does \
               not say whether they overlap, and both are billed."
            .to_owned(),
    }
}
