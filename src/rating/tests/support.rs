//! Usage and price books, written shortly.

use std::collections::BTreeMap;

use num_rational::BigRational;

use crate::domain::{AccountId, DayUsage, Media, MediaSet, Month, ProjectId, Service, UsageSource};
use crate::rating::steps::rate_by_the_book;
use crate::rating::{Bill, PriceBook, RatingError, rate};

/// The book of the independent program in [`super::reference`].
pub(in crate::rating) const REFERENCE_BOOK: &str = r#"
name = "reference"
description = "three prices, four tiers"
plan = "tiered"
currency = "USD"
free_minutes = 10000
free_order = ["rtc.audio", "rtc.hd", "rtc.hdp"]
sd_as = "hd"
[[tiers]]
from_minute = 0
discount_percent = "0"
[[tiers]]
from_minute = 100000
discount_percent = "5"
[[tiers]]
from_minute = 500000
discount_percent = "7"
[[tiers]]
from_minute = 1000000
discount_percent = "10"
[prices.rtc]
audio = "0.99"
hd = "3.99"
hdp = "14.99"
"#;

pub(in crate::rating) fn book(plan: &str) -> PriceBook {
    PriceBook::embedded(plan).expect("a built-in plan").expect("a valid book")
}

/// A built-in book with one text in place of another, which it must hold.
pub(in crate::rating) fn changed(plan: &str, changes: &[(&str, &str)]) -> PriceBook {
    let mut text = book(plan).text;
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    PriceBook::parse("changed.toml", &text).expect("a valid book")
}

pub(in crate::rating) fn without_free_minutes(plan: &str) -> PriceBook {
    changed(plan, &[("free_minutes = 10000", "free_minutes = 0")])
}

/// A book that extends a built-in one by some lines.
pub(in crate::rating) fn contract(base: &str, lines: &str) -> PriceBook {
    let text = format!("name = 'contract'\nextends = '{base}'\n{lines}\n");
    PriceBook::parse("contract.toml", &text).expect("a valid book")
}

/// Standard minutes with a package and some more lines.
pub(in crate::rating) fn package(name: &str, lines: &str) -> PriceBook {
    contract("standard-usd", &format!("package = '{name}'\n{lines}"))
}

pub(in crate::rating) fn march() -> Month {
    Month::parse("2031-03").expect("a month")
}

/// Seconds of some media; the others are not applicable.
pub(in crate::rating) fn cell(
    project: &str,
    day: u32,
    service: Service,
    seconds: &[(Media, i64)],
) -> DayUsage {
    let mut by_media = [None; Media::COUNT];
    for (media, value) in seconds {
        by_media[media.index()] = Some(*value);
    }
    DayUsage {
        project_id: ProjectId::new(project).expect("an id"),
        service,
        day: chrono::NaiveDate::from_ymd_opt(2031, 3, day).expect("a day"),
        source: UsageSource::V3,
        seconds: by_media,
        extra_seconds: BTreeMap::new(),
        missing: MediaSet::EMPTY,
    }
}

/// Minutes of rtc, all of project `P1` on one day.
pub(in crate::rating) fn rtc_minutes(minutes: &[(Media, i64)]) -> Vec<DayUsage> {
    let seconds: Vec<_> = minutes.iter().map(|(media, value)| (*media, value * 60)).collect();
    vec![cell("P1", 1, Service::Rtc, &seconds)]
}

pub(in crate::rating) fn try_march(
    usage: &[DayUsage],
    book: &PriceBook,
) -> Result<Bill, RatingError> {
    rate(&AccountId::new("default").expect("a name"), march(), usage, book)
}

pub(in crate::rating) fn rate_march(usage: &[DayUsage], book: &PriceBook) -> Bill {
    try_march(usage, book).expect("usage that can be rated")
}

/// The same without the range of the total, which takes most of the time.
pub(in crate::rating) fn rate_march_by_the_book(usage: &[DayUsage], book: &PriceBook) -> Bill {
    let account = AccountId::new("default").expect("a name");
    let rated = rate_by_the_book(&account, march(), usage, book);
    rated.expect("usage that can be rated").0
}

/// An exact amount from its decimal text.
pub(in crate::rating) fn exact(text: &str) -> BigRational {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let units: i128 = format!("{whole}{decimals}").parse().expect("digits");
    let scale = 10_i128.pow(u32::try_from(decimals.len()).expect("short"));
    BigRational::new(units.into(), scale.into())
}

/// Every level of the allocation sums to the level above it.
pub(in crate::rating) fn assert_parts_equal_the_whole(bill: &Bill) {
    let projects: i128 = bill.projects.iter().map(|project| project.cost_minor_units).sum();
    assert_eq!(projects + bill.unallocated.minor_units, bill.total.minor_units);
    let unit = 10_i128.pow(6 - bill.currency.minor_unit_digits());
    for project in &bill.projects {
        let days: i128 = project.days.iter().map(|day| day.cost_micro_units).sum();
        assert_eq!(days, project.cost_minor_units * unit, "{}", project.project_id);
        for day in &project.days {
            let lines: i128 = day.lines.iter().map(|line| line.cost_micro_units).sum();
            assert_eq!(lines, day.cost_micro_units, "{} {}", project.project_id, day.day);
        }
    }
}

/// `key value: low to high` of each assumption, then of the bill.
pub(super) fn ranges(bill: &Bill) -> Vec<String> {
    let assumptions = bill
        .assumptions
        .iter()
        .map(|it| format!("{} {}: {} to {}", it.key, it.value, it.range.low, it.range.high));
    let all = format!("all: {} to {}", bill.range.low, bill.range.high);
    assumptions.chain([all]).collect()
}
