//! Contracts, standard minutes, closed bills and credits: what both sides have beside usage.

use super::single::{Known, assert_causes, held_against, rtc};
use crate::domain::{Adjustment, AdjustmentScope, AppliedAdjustment, Media, Money, ProjectId};
use crate::rating::PriceBook;
use crate::reconcile::testing::{changed, contract, exact, invoice_of, march, superseded, tiered};
use crate::reconcile::{CauseKind, InvoiceRow, Line, Reconciliation};

#[test]
fn the_terms_of_a_contract_are_lines_of_both_sides() {
    let terms = "discount_percent = '10'\nminimum_commitment = '5000'\ntax_percent = '19'";
    let book = contract("tiered-usd", &format!("{terms}\nline_rounding = 'line'"));
    let ours = [rtc("P1", 1, &[(Media::Audio, 60_000_000), (Media::Hd, 7_777_777)])];
    let mut invoice = invoice_of(&ours, &book);
    let equal = held_against(&invoice, &ours, &book, &Known::default());
    assert_eq!((equal.causes.as_slice(), equal.difference().minor_units), (&[][..], 0));
    let lines: Vec<&str> = equal.lines.iter().map(|line| line.line.service_name()).collect();
    assert_eq!(lines, ["rtc", "rtc", "discount", "commitment", "tax", "rounding"]);

    invoice.rows.retain(|row| row.line != Line::Discount);
    let reconciled = held_against(&invoice, &ours, &book, &Known::default());
    let kinds: Vec<CauseKind> = reconciled.causes.iter().map(|cause| cause.kind).collect();
    assert_eq!(kinds, [CauseKind::Discount]);
    let text = &reconciled.causes[0].text;
    assert!(text.starts_with("Our bill has a discount of -"), "{text}");
    assert!(text.ends_with("which the invoice does not have."), "{text}");
}

#[test]
fn tax_at_another_rate_is_told_with_both_amounts() {
    let book = contract("tiered-usd", "tax_percent = '19'");
    let ours = [rtc("P1", 1, &[(Media::Audio, 6_600_000)])];
    let mut invoice = invoice_of(&ours, &book);
    // 99.00 of audio.
    invoice.rows.last_mut().expect("tax").amount = exact("19.80");
    let reconciled = held_against(&invoice, &ours, &book, &Known::default());
    assert_causes(&reconciled, &[(CauseKind::Tax, "0.99")]);
    let told = "The invoice has tax of 19.8, 20 % of its other rows; our bill has 18.81.";
    assert_eq!(reconciled.causes[0].text, told);
}

#[test]
fn a_price_changes_the_discount_and_the_tax_that_follow_from_it() {
    let book = contract("tiered-usd", "discount_percent = '10'\ntax_percent = '20'");
    let theirs = contract(
        "tiered-usd",
        "discount_percent = '10'\ntax_percent = '20'\n[prices.rtc]\naudio = '1.99'",
    );
    let ours = [rtc("P1", 1, &[(Media::Audio, 6_600_000), (Media::Hd, 600_000)])];
    let reconciled = held_against(&invoice_of(&ours, &theirs), &ours, &book, &Known::default());
    // 100,000 minutes: 100 more, less 10, and 18 of tax.
    assert_causes(&reconciled, &[(CauseKind::Price, "108")]);
}

#[test]
fn sd_is_a_line_of_its_own_also_for_a_contract_that_extends_a_book() {
    let book = contract("tiered-usd", "[prices.rtc]\nhd = '3.50'");
    let theirs = changed(
        &tiered(),
        &[
            ("sd_as = \"hd\"", ""),
            ("free_order = \"2021-04\"", "free_order = ['rtc.audio', 'rtc.sd', 'rtc.hd']"),
            ("hd = \"3.99\"", "hd = \"3.50\"\nsd = \"3.50\""),
        ],
    );
    let ours = [rtc("P1", 1, &[(Media::Audio, 60_000), (Media::Sd, 660_001), (Media::Hd, 60_001)])];
    let reconciled = held_against(&invoice_of(&ours, &theirs), &ours, &book, &Known::default());
    assert_causes(&reconciled, &[(CauseKind::SdApart, "0")]);
    assert_eq!(reconciled.lines.len(), 4, "{:?}", reconciled.lines);
}

#[test]
fn standard_minutes_have_a_row_for_their_overage() {
    let book = PriceBook::embedded("standard").expect("built in").expect("a valid book");
    let ours = [rtc("P1", 1, &[(Media::Audio, 900_001), (Media::Hd, 300_001)])];
    let known = Known::default();
    let equal = held_against(&invoice_of(&ours, &book), &ours, &book, &known);
    assert_eq!((equal.causes.as_slice(), equal.difference().minor_units), (&[][..], 0));

    // 35,001 standard minutes less 10,000.
    let dearer = changed(
        &book,
        &[("overage_price_per_1000 = \"0.99\"", "overage_price_per_1000 = \"1.99\"")],
    );
    let reconciled = held_against(&invoice_of(&ours, &dearer), &ours, &book, &known);
    assert_causes(&reconciled, &[(CauseKind::Price, "25")]);
    let told = "charges 1.99 for 1,000 minutes of overage; our price book has 0.99.";
    assert!(reconciled.causes[0].text.ends_with(told), "{}", reconciled.causes[0].text);

    let starter = changed(&book, &[("# package = \"Starter\"", "package = \"Starter\"")]);
    let invoice = invoice_of(&ours, &starter);
    let reconciled = held_against(&invoice, &ours, &starter, &known);
    assert_eq!(reconciled.causes, []);
    let reconciled = held_against(&invoice_of(&ours, &tiered()), &ours, &book, &known);
    let kinds: Vec<CauseKind> = reconciled.causes.iter().map(|cause| cause.kind).collect();
    assert_eq!(kinds, [CauseKind::OtherBook]);
    assert!(reconciled.is_explained());
}

#[test]
fn the_minutes_of_the_audience_are_rounded_up_as_the_bill_rounds_them() {
    let book = contract("tiered-usd", "broadcast_audience_share = '0.3'");
    let ours = [rtc("P1", 1, &[(Media::Audio, 1_200_001), (Media::Hd, 333_333)])];
    let reconciled = held_against(&invoice_of(&ours, &book), &ours, &book, &Known::default());
    assert_eq!((reconciled.causes.as_slice(), reconciled.is_explained()), (&[][..], true));
}

#[test]
fn a_day_that_was_restated_after_the_close_is_found() {
    let book = tiered();
    let closed =
        [rtc("P1", 1, &[(Media::Audio, 1_200_000)]), rtc("P2", 2, &[(Media::Audio, 60_000)])];
    let now = [
        rtc("P1", 1, &[(Media::Audio, 1_260_000)]),
        closed[1].clone(),
        rtc("P3", 4, &[(Media::Audio, 600_000)]),
    ];
    let superseded = [superseded(closed[0].clone(), 20)];
    let known = Known { superseded: &superseded, now: Some(&now), ..Known::default() };
    let reconciled = held_against(&invoice_of(&now, &book), &closed, &book, &known);
    // 11,000 minutes more.
    assert_causes(&reconciled, &[(CauseKind::RestatedDays, "10.89")]);
    let text = &reconciled.causes[0].text;
    assert!(
        text.contains("as it is known now; the platform restated it after our bill was closed")
    );
    assert!(text.ends_with("P1 2031-03-01, P3 2031-03-04."), "{text}");
    let equal = held_against(&invoice_of(&closed, &book), &closed, &book, &known);
    assert_eq!(equal.causes, []);
}

/// Recorded for one project.
fn credit(project: &str, cents: i128) -> AppliedAdjustment {
    let currency = tiered().currency;
    let id = ProjectId::new(project).expect("an id");
    AppliedAdjustment {
        adjustment: Adjustment {
            adjustment_id: 1,
            month: march(),
            amount: Money { minor_units: cents, currency },
            scope: AdjustmentScope::Project(id.clone()),
            reason: "outage".to_owned(),
        },
        shares: vec![(id, cents)],
        unallocated: 0,
    }
}

#[test]
fn a_credit_on_both_sides_stays_with_its_project() {
    let book = tiered();
    let ours = ["P1", "P2"].map(|project| rtc(project, 1, &[(Media::Audio, 6_000_000)]));
    let adjustments = [credit("P1", -1_000)];
    let known = Known { adjustments: &adjustments, ..Known::default() };
    let mut invoice = invoice_of(&ours, &book);
    let parts = |reconciled: &Reconciliation| -> Vec<String> {
        let both = reconciled.projects.iter();
        both.map(|part| format!("{} {}", part.estimate, part.invoice)).collect()
    };
    // 190,000 minutes, 90,000 of them at 5 % off.
    let without = held_against(&invoice, &ours, &book, &known);
    assert_causes(&without, &[(CauseKind::Adjustment, "10")]);
    assert_eq!(
        without.causes[0].text,
        "Our bill has adjustments of -10, which the invoice does not have."
    );
    assert_eq!(parts(&without), ["81.83 91.83", "91.82 91.82"]);
    let amount = exact("-10");
    invoice.rows.push(InvoiceRow { line_number: 9, line: Line::Adjustment, minutes: None, amount });
    let with = held_against(&invoice, &ours, &book, &known);
    assert_eq!(with.causes, []);
    assert_eq!(parts(&with), ["81.83 81.83", "91.82 91.82"]);
    // Of another amount it is the account's, as the rest of the invoice.
    invoice.rows.last_mut().expect("a row").amount = exact("-20");
    let other = held_against(&invoice, &ours, &book, &known);
    assert_causes(&other, &[(CauseKind::Adjustment, "-10")]);
    assert_eq!(parts(&other), ["81.83 81.83", "91.82 81.82"]);
}
