//! What holds for any usage.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Signed;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::support::{assert_parts_equal_the_whole, book, cell, changed, rate_march, rtc_minutes};
use crate::domain::{DayUsage, Media, Service};
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
) -> impl Strategy<Value = Vec<DayUsage>> {
    let key = (select(&["a", "B", "c", "_d", "Zz"][..]), 1..=31_u32, select(services));
    let cell_seconds = vec((select(media), seconds()), 0..5);
    proptest::collection::btree_map(key, cell_seconds, 0..30).prop_map(into_cells)
}

fn into_cells(cells: BTreeMap<CellKey, Vec<(Media, i64)>>) -> Vec<DayUsage> {
    cells
        .into_iter()
        .map(|((project, day, service), seconds)| cell(project, day, service, &seconds))
        .collect()
}

fn any_usage() -> impl Strategy<Value = Vec<DayUsage>> {
    usage(&Service::ALL, &Media::ALL)
}

fn dearest_first() -> PriceBook {
    changed("tiered", &[("tier_fill = \"cheapest_first\"", "tier_fill = \"dearest_first\"")])
}

fn any_book() -> impl Strategy<Value = PriceBook> {
    let printed = || changed("tiered", &[("tier_edge = \"half_open\"", "tier_edge = \"printed\"")]);
    select(vec![book("tiered"), book("fixed"), dearest_first(), printed()])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn parts_equal_the_whole_at_every_level(usage in any_usage(), book in any_book()) {
        let bill = rate_march(&usage, &book);
        assert_parts_equal_the_whole(&bill);
        prop_assert_eq!(bill.unallocated.minor_units, 0);
        let rows: usize = bill.projects.iter().map(|project| project.days.len()).sum();
        let mut days: Vec<_> = usage.iter().map(|cell| (&cell.project_id, cell.day)).collect();
        days.dedup();
        prop_assert_eq!(rows, days.len());
    }

    #[test]
    fn minutes_are_free_or_billable_and_never_lost(usage in any_usage(), book in any_book()) {
        let bill = rate_march(&usage, &book);
        let mut free = 0;
        for line in &bill.lines {
            prop_assert_eq!(line.minutes, line.free_minutes + line.billable_minutes);
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
    fn the_order_of_the_usage_makes_no_difference(
        (sorted, shuffled) in any_usage()
            .prop_flat_map(|usage| (Just(usage.clone()), Just(usage).prop_shuffle())),
        book in any_book(),
    ) {
        prop_assert_eq!(rate_march(&sorted, &book), rate_march(&shuffled, &book));
    }

    #[test]
    fn the_total_is_within_half_a_cent_of_the_exact_total(
        usage in any_usage(),
        book in any_book(),
    ) {
        let bill = rate_march(&usage, &book);
        let half_a_cent = BigRational::new(BigInt::from(5), BigInt::from(1000));
        prop_assert!(bill.rounding().abs() <= half_a_cent);
        let amounts: BigRational = bill.lines.iter().map(|line| &line.amount).sum();
        prop_assert_eq!(amounts, bill.exact_total);
    }

    #[test]
    fn more_usage_never_lowers_the_total_where_one_price_counts_or_the_dearest_fill_first(
        usage in any_usage(),
        more in (0..30_usize, select(&Media::ALL[..]), seconds()),
        book in select(vec![book("fixed"), dearest_first()]),
    ) {
        let (before, after) = totals_before_and_after(usage, more, &book);
        prop_assert!(before <= after, "{before} {after}");
    }

    #[test]
    fn more_calls_up_to_full_hd_never_lower_the_total(
        usage in usage(&[Service::Rtc], &[Media::Audio, Media::Sd, Media::Hd, Media::FullHd]),
        more in (0..30_usize, select(&[Media::Audio, Media::Hd, Media::FullHd][..]), seconds()),
    ) {
        let (before, after) = totals_before_and_after(usage, more, &book("tiered"));
        prop_assert!(before <= after, "{before} {after}");
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

fn totals_before_and_after(
    mut usage: Vec<DayUsage>,
    (index, media, seconds): (usize, Media, i64),
    book: &PriceBook,
) -> (i128, i128) {
    let before = rate_march(&usage, book).total.minor_units;
    let count = usage.len().max(1);
    if let Some(cell) = usage.get_mut(index % count) {
        *cell.seconds[media.index()].get_or_insert(0) += seconds;
    }
    (before, rate_march(&usage, book).total.minor_units)
}

/// Agora's marginal discounts do this, and so it is no fault of the arithmetic.
#[test]
fn cheapest_first_can_lower_a_bill_when_audio_pushes_dear_minutes_into_a_discount() {
    let total = |audio| {
        let usage = rtc_minutes(&[(Media::Audio, audio), (Media::Video2kPlus, 110_000)]);
        rate_march(&usage, &book("tiered")).total.minor_units
    };
    assert!(total(20_000) < total(10_000));
}
