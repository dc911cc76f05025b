//! What holds for any usage.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, Zero};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::support::{
    assert_parts_equal_the_whole, book, cell, changed, contract, package, rate_march,
    rate_march_by_the_book, rtc_minutes,
};
use crate::domain::{DayUsage, Media, Service, UsageSource};
use crate::rating::allocate::largest_remainder;
use crate::rating::{LINE_SCALE, PriceBook, exact_decimal_units};

/// Project, day and service.
type CellKey = (&'static str, u32, Service);

/// Seconds from a few to more than a tier holds.
fn seconds() -> impl Strategy<Value = i64> {
    prop_oneof![Just(0), 1..200_i64, 1..1_000_000_i64, 1..4_000_000_000_i64]
}

/// Cells of a few projects, days and services, each at most once.
fn usage(
    services: &'static [Service],
    media: &'static [Media],
    cells: usize,
) -> impl Strategy<Value = Vec<DayUsage>> {
    let key = (select(&["a", "B", "c", "_d", "Zz"][..]), 1..=31_u32, select(services));
    let cell_seconds = vec((select(media), seconds()), 0..5);
    proptest::collection::btree_map(key, cell_seconds, 0..=cells).prop_map(into_cells)
}

/// The same in minutes of usage v1.
fn in_v1_minutes(mut usage: Vec<DayUsage>) -> Vec<DayUsage> {
    for cell in &mut usage {
        cell.source = UsageSource::V1;
        for seconds in cell.seconds.iter_mut().flatten() {
            *seconds = (*seconds + 59) / 60 * 60;
        }
    }
    usage
}

fn into_cells(cells: BTreeMap<CellKey, Vec<(Media, i64)>>) -> Vec<DayUsage> {
    cells
        .into_iter()
        .map(|((project, day, service), seconds)| cell(project, day, service, &seconds))
        .collect()
}

fn any_usage() -> impl Strategy<Value = Vec<DayUsage>> {
    usage(&Service::ALL, &Media::ALL, 30)
}

fn dearest_first() -> PriceBook {
    changed("tiered", &[("tier_fill = \"cheapest_first\"", "tier_fill = \"dearest_first\"")])
}

/// Books of every plan, with every reading and every term in one of them at least.
fn books() -> Vec<PriceBook> {
    let tiered = |from: &str, to: &str| changed("tiered", &[(from, to)]);
    vec![
        book("tiered"),
        book("fixed"),
        book("standard"),
        book("tiered-cny"),
        book("fixed-cny"),
        dearest_first(),
        tiered("\"cheapest_first\"\n", "\"pro_rata\"\n"),
        tiered("\"half_open\"\n", "\"printed\"\n"),
        tiered("rates = \"percent\"", "rates = \"printed\""),
        tiered("line_rounding = \"none\"", "line_rounding = \"line\""),
        tiered("_share = \"0\"", "_share = \"33.3%\""),
        contract("tiered-usd", "discount_percent = '12.5'\ntax_percent = '7.75'"),
        contract("fixed-usd", "minimum_commitment = '5000'\ntax_percent = '19'"),
        package("Starter", ""),
        package("Pro", "broadcast_audience_share = '0.4'\ndiscount_percent = '3'"),
    ]
}

fn any_book() -> impl Strategy<Value = PriceBook> {
    select(books())
}

proptest! {
    #![proptest_config(crate::sweep::config(10_000))]

    /// And neither the order of the usage nor rating again makes a difference: each
    /// month is rated twice, the second time backwards.
    #[test]
    fn parts_equal_the_whole_at_every_level(
        usage in usage(&Service::ALL, &Media::ALL, 10),
        book in any_book(),
    ) {
        let bill = rate_march_by_the_book(&usage, &book);
        assert_parts_equal_the_whole(&bill);
        let has_priced_usage = !bill.lines.is_empty();
        prop_assert!(bill.unallocated.minor_units == 0 || !has_priced_usage);
        let rows: usize = bill.projects.iter().map(|project| project.days.len()).sum();
        let mut days: Vec<_> = usage.iter().map(|cell| (&cell.project_id, cell.day)).collect();
        days.dedup();
        prop_assert_eq!(rows, days.len());
        let backwards: Vec<DayUsage> = usage.into_iter().rev().collect();
        let again = rate_march_by_the_book(&backwards, &book);
        prop_assert_eq!(bill, again);
    }
}

proptest! {
    #![proptest_config(crate::sweep::config(96))]

    #[test]
    fn minutes_are_free_or_billable_and_never_lost(usage in any_usage(), book in any_book()) {
        let bill = rate_march_by_the_book(&usage, &book);
        let mut free = 0;
        for line in &bill.lines {
            let is_standard = line.coefficient.is_some();
            prop_assert!(is_standard || line.minutes == line.free_minutes + line.billable_minutes);
            prop_assert!(exact_decimal_units(&line.amount, LINE_SCALE).is_ok());
            free += line.free_minutes;
        }
        prop_assert!(free <= 10_000);
        let billed: u128 = bill.lines.iter().filter_map(|line| line.seconds).sum();
        let unpriced: u128 = bill.unpriced.iter().map(|usage| usage.seconds).sum();
        let used = usage.iter().flat_map(|cell| cell.seconds).flatten().map(i128::from);
        prop_assert_eq!(billed + unpriced, used.sum::<i128>().unsigned_abs());
    }

    #[test]
    fn the_total_is_within_half_a_cent_of_the_exact_total(
        usage in any_usage(),
        book in any_book(),
    ) {
        let bill = rate_march_by_the_book(&usage, &book);
        let half_a_cent = BigRational::new(BigInt::from(5), BigInt::from(1000));
        prop_assert!(bill.rounding().abs() <= half_a_cent);
        let lines: BigRational = bill.lines.iter().map(|line| &line.amount).sum();
        let charges: BigRational = bill.charges.iter().map(|charge| &charge.amount).sum();
        prop_assert_eq!(lines + charges, bill.exact_total);
    }

    #[test]
    fn more_usage_never_lowers_the_total_where_one_price_counts_or_the_dearest_fill_first(
        usage in any_usage(),
        more in (0..30_usize, select(&Media::ALL[..]), seconds()),
        book in select(vec![
            book("fixed"),
            book("fixed-cny"),
            book("standard"),
            package("Starter", "tax_percent = '19'"),
            dearest_first(),
        ]),
    ) {
        let (before, after) = totals_before_and_after(usage, more, &book);
        prop_assert!(before <= after, "{before} {after}");
    }

    #[test]
    fn more_calls_up_to_full_hd_never_lower_the_total(
        usage in usage(&[Service::Rtc], &[Media::Audio, Media::Sd, Media::Hd, Media::FullHd], 30),
        more in (0..30_usize, select(&[Media::Audio, Media::Hd, Media::FullHd][..]), seconds()),
    ) {
        let (before, after) = totals_before_and_after(usage, more, &book("tiered"));
        prop_assert!(before <= after, "{before} {after}");
    }

    /// From one second below an edge (free minutes, tiers) to some above it, and anywhere.
    #[test]
    fn one_media_alone_never_costs_less_when_it_is_used_more(
        media in select(&Media::ALL[..]),
        edge_minutes in select(&[0_i64, 10_000, 110_000, 510_000, 1_010_000][..]),
        offset in -200..200_i64,
        more in seconds(),
        book in select(books()),
    ) {
        prop_assume!(book.audience_share.is_zero());
        let total = |seconds: i64| {
            let usage = [cell("P1", 1, Service::Rtc, &[(media, seconds)])];
            rate_march_by_the_book(&usage, &book).total.minor_units
        };
        let before = (edge_minutes * 60 + offset).max(0);
        let (total_before, total_after) = (total(before), total(before + more));
        prop_assert!(total_before <= total_after, "{total_before} {total_after}");
    }

    #[test]
    fn a_part_is_within_one_unit_of_its_exact_share(
        total in -1_000_000_000_000_i128..1_000_000_000_000,
        weights in vec(0..1_000_000_u64, 1..40),
    ) {
        let big: Vec<_> = weights.iter().map(|weight| (*weight).into()).collect();
        let parts = largest_remainder(total, &big);
        let whole: i128 = weights.iter().copied().map(i128::from).sum();
        if whole == 0 {
            prop_assert!(parts.iter().all(|part| *part == 0));
            return Ok(());
        }
        prop_assert_eq!(parts.iter().sum::<i128>(), total);
        for (part, weight) in parts.iter().zip(&weights) {
            let difference = part * whole - total * i128::from(*weight);
            prop_assert!(difference.abs() < whole);
        }
        let mirrored: Vec<_> = parts.iter().map(|part| -part).collect();
        prop_assert_eq!(largest_remainder(-total, &big), mirrored);
    }
}

/// Those that rate each month by every reading.
mod with_range {
    use super::*;

    proptest! {
        #![proptest_config(crate::sweep::config(48))]

    #[test]
    fn rating_again_in_any_order_gives_equal_bytes(
        (sorted, shuffled) in any_usage()
            .prop_flat_map(|usage| (Just(usage.clone()), Just(usage).prop_shuffle())),
        book in any_book(),
    ) {
        let [one, other] =
            [&sorted, &shuffled].map(|usage| format!("{:?}", rate_march(usage, &book)));
        prop_assert_eq!(one, other);
    }

    #[test]
    fn the_range_holds_the_total_and_what_each_assumption_could_make_of_it(
        usage in any_usage(),
        is_v1 in any::<bool>(),
        book in any_book(),
    ) {
        let usage = if is_v1 { in_v1_minutes(usage) } else { usage };
        let bill = rate_march(&usage, &book);
        let holds = |low, total, high| low <= total && total <= high;
        let (low, high) = (bill.range.low.minor_units, bill.range.high.minor_units);
        prop_assert!(holds(low, bill.total.minor_units, high));
        for assumption in &bill.assumptions {
            let own = assumption.range;
            prop_assert!(holds(low, own.low.minor_units, bill.total.minor_units));
            prop_assert!(holds(bill.total.minor_units, own.high.minor_units, high));
        }
        prop_assert!(low == high || !bill.assumptions.is_empty());
    }
    }
}

fn totals_before_and_after(
    mut usage: Vec<DayUsage>,
    (index, media, seconds): (usize, Media, i64),
    book: &PriceBook,
) -> (i128, i128) {
    let before = rate_march_by_the_book(&usage, book).total.minor_units;
    let count = usage.len().max(1);
    if let Some(cell) = usage.get_mut(index % count) {
        *cell.seconds[media.index()].get_or_insert(0) += seconds;
    }
    (before, rate_march_by_the_book(&usage, book).total.minor_units)
}

/// Agora's marginal discounts do this, and so it is no fault of the arithmetic:
/// 10,000 more minutes of audio move 10,000 of 2K+ into the discount.
#[test]
fn cheapest_first_can_lower_a_bill_when_audio_pushes_dear_minutes_into_a_discount() {
    let total = |audio| {
        let usage = rtc_minutes(&[(Media::Audio, audio), (Media::Video2kPlus, 60_000)]);
        rate_march(&usage, &book("tiered")).total.to_string()
    };
    assert_eq!((total(80_000).as_str(), total(90_000).as_str()), ("2174.72", "2166.62"));
}
