//! The bill and its parts, held against a second way of working them out.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;

use super::support::{assert_parts_equal_the_whole, book, cell, rate_march_by_the_book};
use crate::domain::{DayUsage, Media, Service};
use crate::sweep;

#[path = "../../../tests/independent/bill.rs"]
mod independent;

/// From nothing to several tiers, and around the edges of a minute.
fn seconds() -> impl Strategy<Value = i64> {
    prop_oneof![
        Just(0),
        1..200_i64,
        (0..20_000_i64, -2..=2_i64).prop_map(|(minutes, off)| (minutes * 60 + off).max(0)),
        1..4_000_000_i64,
        1..40_000_000_000_i64,
    ]
}

/// What has a price: the mini app has one for audio alone.
fn priced() -> Vec<(Service, Media)> {
    let all = Service::ALL.iter().flat_map(|service| Media::ALL.map(|media| (*service, media)));
    all.filter(|(service, media)| independent::price_cents(service.name(), media.name()).is_some())
        .collect()
}

fn usage() -> impl Strategy<Value = Vec<DayUsage>> {
    let key = (select(&["a", "B", "c", "_d", "Zz"][..]), 1..=31_u32, select(priced()));
    let of_cell = |((project, day, (service, media)), seconds)| {
        cell(project, day, service, &[(media, seconds)])
    };
    // One media a cell here; a cell of several is the same sum.
    btree_map(key, seconds(), 0..10).prop_map(move |cells| {
        let mut days: Vec<DayUsage> = Vec::new();
        for one in cells.into_iter().map(of_cell) {
            let same = days.iter_mut().find(|day| {
                (&day.project_id, day.day, day.service) == (&one.project_id, one.day, one.service)
            });
            match same {
                Some(day) => one.seconds.iter().enumerate().for_each(|(at, seconds)| {
                    day.seconds[at] = day.seconds[at].or(*seconds);
                }),
                None => days.push(one),
            }
        }
        days
    })
}

#[test]
fn bills_and_their_parts_are_what_other_code_makes_of_them() {
    let book = book("tiered");
    sweep::hold(&usage(), |usage| {
        let bill = rate_march_by_the_book(&usage, &book);
        assert_parts_equal_the_whole(&bill);
        let used: Vec<independent::Used> = usage
            .iter()
            .flat_map(|cell| {
                let known = Media::ALL
                    .into_iter()
                    .filter_map(|media| Some((media.name(), cell.seconds[media.index()]?)));
                known.map(|(media, seconds)| {
                    (cell.project_id.as_str(), cell.service.name(), media, seconds)
                })
            })
            .collect();
        prop_assert_eq!(bill.total.minor_units, independent::total_cents(&used));
        let parts = independent::project_cents(&used);
        let found = bill.projects.iter();
        let found = found.map(|part| (part.project_id.to_string(), part.cost_minor_units));
        prop_assert_eq!(found.collect::<std::collections::BTreeMap<_, _>>(), parts);
        Ok(())
    });
}

#[test]
fn adjustments_and_small_totals_are_dealt_out_without_losing_a_unit() {
    let cases = (any::<i64>(), vec(prop_oneof![Just(0_u64), 0..5_u64, any::<u64>()], 0..12));
    sweep::hold(&cases, |(total, weights)| {
        let big: Vec<_> = weights.iter().map(|weight| (*weight).into()).collect();
        let parts = crate::rating::allocate::largest_remainder(total.into(), &big);
        let dealt = if weights.iter().any(|weight| *weight > 0) { i128::from(total) } else { 0 };
        prop_assert_eq!(parts.iter().sum::<i128>(), dealt);
        for (part, weight) in parts.iter().zip(&weights) {
            prop_assert!(*weight > 0 || *part == 0);
            prop_assert!(*part == 0 || part.signum() == i128::from(total.signum()));
        }
        Ok(())
    });
}
