//! Whatever the invoice says, nothing is lost between causes and what is unexplained.

use num_rational::BigRational;
use proptest::prelude::*;

use super::planted::assert_adds_up;
use crate::domain::{DayUsage, Media, Service};
use crate::reconcile::testing::{account, cell, gap, march, rated, superseded, tiered};
use crate::reconcile::{Facts, Invoice, InvoiceRow, Line, reconcile};

fn usage() -> impl Strategy<Value = Vec<DayUsage>> {
    let value = prop_oneof![Just(0_i64), 1..5_000_i64, 100_000..9_000_000_i64];
    let cells = prop::collection::btree_map(
        (0..2_usize, 1..4_u32, 0..Service::ALL.len()),
        prop::collection::vec((0..Media::COUNT, value), 1..4),
        0..8,
    );
    cells.prop_map(|cells| {
        let cell =
            |((project, day, service), seconds): ((usize, u32, usize), Vec<(usize, i64)>)| {
                let seconds: Vec<(Media, i64)> =
                    seconds.into_iter().map(|(media, value)| (Media::ALL[media], value)).collect();
                cell(["P1", "P2"][project], day, Service::ALL[service], &seconds)
            };
        cells.into_iter().map(cell).collect()
    })
}

/// A line with its minutes, and its amount as units and decimal places.
type Drawn = (Line, (Option<u32>, (i64, u32)));

fn lines() -> impl Strategy<Value = Vec<InvoiceRow>> {
    let line = prop_oneof![
        4 => (0..Service::ALL.len(), 0..Media::COUNT)
            .prop_map(|(service, media)| Line::Usage(Service::ALL[service], Media::ALL[media])),
        1 => prop::sample::select(vec![Line::Tax, Line::Discount, Line::Other]),
    ];
    let minutes = prop::option::of(0..200_000_u32);
    let amount = (-1_000_000..100_000_000_i64, 0..7_u32);
    prop::collection::btree_map(line, (minutes, amount), 1..6).prop_map(|rows| {
        let row = |(line, (minutes, (units, places))): Drawn| InvoiceRow {
            line_number: 2,
            line,
            minutes: minutes
                .filter(|_| matches!(line, Line::Usage(..)))
                .map(|minutes| BigRational::from_integer(minutes.into())),
            amount: BigRational::new(i128::from(units).into(), 10_i128.pow(places).into()),
        };
        rows.into_iter().map(row).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn causes_and_what_is_unexplained_are_the_whole_difference(
        usage in usage(),
        rows in lines(),
        old_seconds in 0..900_000_i64,
        has_gap: bool,
    ) {
        let (account, book) = (account(), tiered());
        let old = usage.first().map(|now| {
            let mut old = now.clone();
            old.seconds[0] = Some(old_seconds);
            superseded(old, 5)
        });
        let superseded: Vec<_> = old.into_iter().collect();
        let gaps = if has_gap { vec![gap("P1", Service::Rtc, 20)] } else { Vec::new() };
        let facts = Facts {
            account: &account,
            month: march(),
            revision: None,
            adjustments: &[],
            now: None,
            usage: &usage,
            superseded: &superseded,
            gaps: &gaps,
            book: &book,
        };
        let invoice =
            Invoice { file_name: "i.csv".to_owned(), sha256: String::new(), rows };
        let reconciled = reconcile(&facts, &rated(&usage, &book), &invoice).expect("reconciled");
        assert_adds_up(&reconciled);
    }
}
