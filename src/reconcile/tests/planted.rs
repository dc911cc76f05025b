//! Every pair of causes, planted in one invoice.

use num_rational::BigRational;

use crate::domain::{DayUsage, Media, Service, SupersededUsage};
use crate::rating::PriceBook;
use crate::reconcile::amounts::rounded;
use crate::reconcile::testing::{
    account, cell, changed, day, exact, gap, invoice_of, march, rated, superseded, tiered,
};
use crate::reconcile::{
    Amounts, CauseKind, Facts, Gap, Invoice, InvoiceRow, Line, Reconciliation, reconcile,
};

/// What the platform has and what we have, and what we know about it.
struct World {
    theirs: Vec<DayUsage>,
    ours: Vec<DayUsage>,
    superseded: Vec<SupersededUsage>,
    gaps: Vec<Gap>,
    book: PriceBook,
    their_book: PriceBook,
    /// Rows besides usage, and what becomes of the amounts of usage.
    extra: Vec<(Line, &'static str)>,
    percent: Option<&'static str>,
    rounds_lines: bool,
}

impl World {
    /// Uneven usage of two projects above the second tier, with everything that can be read in two ways.
    fn new() -> Self {
        use Media::{Audio, FullHd, Hd, Hdp, Sd, Video2k};
        use Service::{CloudRecording, Recording, Rtc};
        let mut usage = Vec::new();
        for number in 1..=6 {
            let odd = i64::from(number) * 7 + 11;
            usage.extend([
                cell("P1", number, Rtc, &[(Audio, 900_000 + odd), (Hd, 333_333 + odd)]),
                cell("P1", number, Recording, &[(Audio, 30_000 + odd), (Hd, 20_000 + odd)]),
                cell("P1", number, CloudRecording, &[(Audio, 120_000 + odd)]),
                cell(
                    "P2",
                    number,
                    Rtc,
                    &[
                        (Audio, 700_000 + odd),
                        (Sd, 60_000 + odd),
                        (Hdp, 50_000 + odd),
                        (FullHd, 150_000 + odd),
                        (Video2k, 10_000 + odd),
                    ],
                ),
            ]);
        }
        let book = tiered();
        Self {
            theirs: usage.clone(),
            ours: usage,
            superseded: Vec::new(),
            gaps: Vec::new(),
            their_book: book.clone(),
            book,
            extra: Vec::new(),
            percent: None,
            rounds_lines: false,
        }
    }

    fn change_theirs(&mut self, change: impl Fn(&mut DayUsage)) {
        self.theirs.iter_mut().for_each(change);
    }

    fn change_book(&mut self, from: &str, to: &str) {
        self.their_book = changed(&self.their_book, &[(from, to)]);
    }

    fn invoice(&self) -> Invoice {
        let mut invoice = invoice_of(&self.theirs, &self.their_book);
        for row in &mut invoice.rows {
            if let Some(percent) = self.percent {
                row.amount *= exact("1") + exact(percent) / exact("100");
            }
            if self.rounds_lines {
                row.amount = rounded(&row.amount, 2);
            }
        }
        for (line, amount) in &self.extra {
            invoice.rows.push(row(*line, exact(amount)));
        }
        invoice
    }

    fn reconciled(&self) -> Reconciliation {
        let account = account();
        let facts = Facts {
            account: &account,
            month: march(),
            revision: None,
            adjustments: &[],
            now: None,
            usage: &self.ours,
            superseded: &self.superseded,
            gaps: &self.gaps,
            book: &self.book,
        };
        let bill = rated(&self.ours, &self.book);
        let reconciled = reconcile(&facts, &bill, &self.invoice()).expect("reconciled");
        assert_adds_up(&reconciled);
        reconciled
    }
}

fn row(line: Line, amount: BigRational) -> InvoiceRow {
    InvoiceRow { line_number: 99, line, minutes: None, amount }
}

/// Causes and what is unexplained are the whole difference, by line and in total.
pub(super) fn assert_adds_up(reconciled: &Reconciliation) {
    let mut explained = Amounts::default();
    reconciled.causes.iter().for_each(|cause| explained.add_all(&cause.parts));
    explained.add_all(&reconciled.unexplained);
    for line in &reconciled.lines {
        assert_eq!(explained.get(line.line), line.difference(), "{:?}", line.line);
    }
    let known: Vec<Line> = reconciled.lines.iter().map(|line| line.line).collect();
    let strange: Vec<Line> =
        explained.iter().map(|(line, _)| line).filter(|line| !known.contains(line)).collect();
    assert_eq!(strange, [], "no amount lies outside the lines");
    let difference = explained.total(reconciled.currency).expect("whole");
    assert_eq!(difference, reconciled.difference());
    let projects: i128 = reconciled.projects.iter().map(|it| it.invoice.minor_units).sum();
    assert_eq!(projects, reconciled.invoice.minor_units);
    let projects: i128 = reconciled.projects.iter().map(|it| it.estimate.minor_units).sum();
    assert_eq!(projects, reconciled.estimate.minor_units);
}

/// Makes the platform's side, or ours, differ.
type Plant = fn(&mut World);

/// A cause and how to plant it. Ways of counting come first, in the order of the search.
const PLANTS: [(CauseKind, Plant); 23] = [
    (CauseKind::RestatedDays, |world| {
        world.superseded.push(superseded(world.ours[0].clone(), 5));
        world.ours[0].seconds[Media::Audio.index()] = Some(950_123);
    }),
    (CauseKind::SdLeftOut, |world| {
        world.change_theirs(|cell| cell.seconds[Media::Sd.index()] = None);
    }),
    (CauseKind::RecordingTwice, |world| {
        world.theirs.retain(|cell| cell.service != Service::Recording);
    }),
    (CauseKind::HdpOverlap, |world| {
        world.change_theirs(|cell| cell.seconds[Media::Hdp.index()] = None);
    }),
    (CauseKind::DailyRounding, |world| {
        world.change_theirs(|cell| {
            for value in cell.seconds.iter_mut().flatten() {
                *value = (*value + 59) / 60 * 60;
            }
        });
    }),
    (CauseKind::MissingDays, |world| {
        world.gaps.push(gap("P1", Service::CloudRecording, 3));
        world.ours.retain(|cell| cell.service != Service::CloudRecording || cell.day != day(3));
    }),
    (CauseKind::FreeOrder, |world| world.change_book("free_minutes = 10000", "free_minutes = 0")),
    (CauseKind::TierFill, |world| {
        world.change_book("tier_fill = \"cheapest_first\"", "tier_fill = \"dearest_first\"");
    }),
    (CauseKind::TierFill, |world| {
        world.change_book("tier_fill = \"cheapest_first\"", "tier_fill = \"pro_rata\"");
    }),
    (CauseKind::Rates, |world| {
        world.change_book("rates = \"percent\"", "rates = \"printed\"");
    }),
    (CauseKind::TierEdge, |world| {
        world.change_book("tier_edge = \"half_open\"", "tier_edge = \"printed\"");
    }),
    (CauseKind::Price, |world| world.change_book("audio = \"1.49\"", "audio = \"1.25\"")),
    (CauseKind::Percentage, |world| world.percent = Some("19")),
    (CauseKind::LineRounding, |world| world.rounds_lines = true),
    (CauseKind::Package, |world| world.extra.push((Line::Package, "45.99"))),
    (CauseKind::TopUp, |world| world.extra.push((Line::TopUp, "23.5"))),
    (CauseKind::Commitment, |world| world.extra.push((Line::Commitment, "7.77"))),
    (CauseKind::Adjustment, |world| world.extra.push((Line::Adjustment, "-3.21"))),
    (CauseKind::Discount, |world| world.extra.push((Line::Discount, "-12.5"))),
    (CauseKind::Other, |world| world.extra.push((Line::Other, "99"))),
    (CauseKind::Tax, |world| world.extra.push((Line::Tax, "31.41"))),
    (CauseKind::SdApart, |world| {
        world.change_book("sd_as = \"hd\"", "");
        world.change_book(
            "free_order = \"2021-04\"",
            "free_order = ['rtc.audio', 'rtc.sd', 'rtc.hd']",
        );
        world.change_book("hd = \"3.99\"", "hd = \"3.99\"\nsd = \"3.99\"");
    }),
    (CauseKind::OtherBook, |world| {
        world.book = PriceBook::embedded("fixed").expect("built in").expect("a valid book");
    }),
];

/// Pairs of which one takes away what the other is about, or hides it.
const EXCLUDED: [(CauseKind, CauseKind); 2] = [
    (CauseKind::SdLeftOut, CauseKind::SdApart),
    // One minute's discount is less than half a cent.
    (CauseKind::TierEdge, CauseKind::LineRounding),
];

/// What our side looks like is changed by these, so that amounts cannot be compared.
const OUR_SIDE: [CauseKind; 3] =
    [CauseKind::RestatedDays, CauseKind::MissingDays, CauseKind::OtherBook];

fn planted(plants: &[Plant]) -> Reconciliation {
    let mut world = World::new();
    for plant in plants {
        plant(&mut world);
    }
    let reconciled = world.reconciled();
    assert!(reconciled.is_explained(), "{:#?}", reconciled.unexplained);
    reconciled
}

fn kinds(reconciled: &Reconciliation) -> Vec<CauseKind> {
    let mut kinds: Vec<CauseKind> = reconciled.causes.iter().map(|cause| cause.kind).collect();
    kinds.sort_unstable();
    kinds
}

#[test]
fn nothing_is_found_where_both_sides_are_equal() {
    let reconciled = World::new().reconciled();
    assert_eq!((reconciled.causes.as_slice(), reconciled.difference().minor_units), (&[][..], 0));
    assert!(reconciled.is_explained());
}

#[test]
fn every_cause_is_found_alone_and_is_the_whole_difference() {
    for (kind, plant) in &PLANTS {
        let reconciled = planted(&[*plant]);
        assert_eq!(kinds(&reconciled), [*kind]);
        let cause = &reconciled.causes[0];
        for line in &reconciled.lines {
            assert_eq!(cause.parts.get(line.line), line.difference(), "{kind:?} {:?}", line.line);
        }
        assert!(cause.text.ends_with('.'), "{}", cause.text);
    }
}

#[test]
fn every_pair_of_causes_is_found_with_its_amounts() {
    let alone: Vec<Reconciliation> = PLANTS.iter().map(|(_, plant)| planted(&[*plant])).collect();
    for (at, (one, plant_one)) in PLANTS.iter().enumerate() {
        for (other, plant_other) in &PLANTS[at + 1..] {
            if EXCLUDED.contains(&(*one, *other)) || one == other {
                continue;
            }
            let reconciled = planted(&[*plant_one, *plant_other]);
            let mut expected = [*one, *other];
            expected.sort_unstable();
            assert_eq!(kinds(&reconciled), expected);
            assert_first_as_alone(&reconciled, &alone);
        }
    }
}

/// The cause that is applied first has the amounts that it has alone.
fn assert_first_as_alone(reconciled: &Reconciliation, alone: &[Reconciliation]) {
    if reconciled.causes.iter().any(|cause| OUR_SIDE.contains(&cause.kind)) {
        return;
    }
    let first = &reconciled.causes[0];
    // A kind can have several readings.
    let mut alone = alone.iter().map(|alone| &alone.causes[0]);
    let is_alike = alone.any(|alone| (alone.kind, &alone.parts) == (first.kind, &first.parts));
    assert!(is_alike, "{:?} {:?}", kinds(reconciled), first.parts);
}
