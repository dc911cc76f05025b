//! Single causes in their variants, with their amounts and their evidence.

use num_rational::BigRational;

use super::planted::assert_adds_up;
use crate::domain::{AppliedAdjustment, DayUsage, Media, Service, SupersededUsage, UsageSource};
use crate::rating::PriceBook;
use crate::reconcile::testing::{
    account, cell, changed, exact, gap, invoice_of, march, rated, superseded, tiered,
};
use crate::reconcile::{
    CauseKind, Facts, Gap, Invoice, InvoiceRow, Line, Reconciliation, reconcile,
};

const AUDIO: Line = Line::Usage(Service::Rtc, Media::Audio);
const HD: Line = Line::Usage(Service::Rtc, Media::Hd);

/// What is known on our side besides the usage.
#[derive(Default)]
pub(super) struct Known<'a> {
    pub(super) superseded: &'a [SupersededUsage],
    pub(super) gaps: &'a [Gap],
    pub(super) now: Option<&'a [DayUsage]>,
    pub(super) adjustments: &'a [AppliedAdjustment],
}

pub(super) fn held_against(
    invoice: &Invoice,
    usage: &[DayUsage],
    book: &PriceBook,
    known: &Known<'_>,
) -> Reconciliation {
    let account = account();
    let facts = Facts {
        account: &account,
        month: march(),
        revision: None,
        adjustments: known.adjustments,
        now: known.now,
        usage,
        superseded: known.superseded,
        gaps: known.gaps,
        book,
    };
    let reconciled = reconcile(&facts, &rated(usage, book), invoice).expect("reconciled");
    assert_adds_up(&reconciled);
    reconciled
}

/// Its causes, each with its amount.
#[track_caller]
pub(super) fn assert_causes(reconciled: &Reconciliation, expected: &[(CauseKind, &str)]) {
    let found: Vec<(CauseKind, BigRational)> =
        reconciled.causes.iter().map(|cause| (cause.kind, cause.amount())).collect();
    let expected: Vec<(CauseKind, BigRational)> =
        expected.iter().map(|(kind, amount)| (*kind, exact(amount))).collect();
    assert_eq!(found, expected);
    assert!(reconciled.is_explained(), "{:?}", reconciled.unexplained);
}

pub(super) fn rtc(project: &str, day: u32, seconds: &[(Media, i64)]) -> DayUsage {
    cell(project, day, Service::Rtc, seconds)
}

#[test]
fn c29_daily_rounding_is_told_with_the_days_that_it_changes() {
    let book = changed(&tiered(), &[("free_minutes = 10000", "free_minutes = 0")]);
    let ours: Vec<_> = (1..=9).map(|day| rtc("P1", day, &[(Media::Audio, 61)])).collect();
    let theirs: Vec<_> = (1..=9).map(|day| rtc("P1", day, &[(Media::Audio, 120)])).collect();
    let reconciled = held_against(&invoice_of(&theirs, &book), &ours, &book, &Known::default());
    // 18 minutes instead of 10, 0.01782 instead of 0.0099: two cents instead of one.
    assert_causes(&reconciled, &[(CauseKind::DailyRounding, "0.01")]);
    let text = &reconciled.causes[0].text;
    assert!(text.contains("P1 2031-03-01, P1 2031-03-02, P1 2031-03-03, P1 2031-03-04 and 5 more"));
    assert_eq!(reconciled.lines[0].invoice_minutes, Some(exact("18")));
}

#[test]
fn without_minutes_on_the_invoice_the_amounts_decide() {
    let book = changed(&tiered(), &[("free_minutes = 10000", "free_minutes = 0")]);
    let ours: Vec<_> = (1..=9).map(|day| rtc("P1", day, &[(Media::Hd, 3_001)])).collect();
    let theirs: Vec<_> = (1..=9).map(|day| rtc("P1", day, &[(Media::Hd, 3_060)])).collect();
    let mut invoice = invoice_of(&theirs, &book);
    invoice.rows[0].minutes = None;
    let reconciled = held_against(&invoice, &ours, &book, &Known::default());
    // 459 minutes instead of 451.
    assert_causes(&reconciled, &[(CauseKind::DailyRounding, "0.03")]);
}

#[test]
fn c02_the_moment_of_the_restated_value_is_named() {
    let book = tiered();
    let now = [rtc("P1", 1, &[(Media::Audio, 1_200_000)]), rtc("P2", 2, &[(Media::Audio, 60_000)])];
    let old = |seconds| rtc("P1", 1, &[(Media::Audio, seconds)]);
    let superseded = [superseded(old(900_000), 3), superseded(old(1_000_020), 4)];
    let theirs = [old(1_000_020), now[1].clone()];
    let known = Known { superseded: &superseded, ..Known::default() };
    let reconciled = held_against(&invoice_of(&theirs, &book), &now, &book, &known);
    // 17,667 minutes instead of 21,000: 7.59033 and 10.89, rounded.
    assert_causes(&reconciled, &[(CauseKind::RestatedDays, "-3.30")]);
    let text = &reconciled.causes[0].text;
    assert!(
        text.contains("before 2031-04-04T06:00:00Z") && text.ends_with("P1 2031-03-01."),
        "{text}"
    );
}

#[test]
fn recording_can_be_taken_off_rtc() {
    let book = tiered();
    let recording = cell("P1", 1, Service::Recording, &[(Media::Hd, 90_000)]);
    let ours = [rtc("P1", 1, &[(Media::Hd, 900_000)]), recording.clone()];
    let theirs = [rtc("P1", 1, &[(Media::Hd, 810_000)]), recording];
    let reconciled = held_against(&invoice_of(&theirs, &book), &ours, &book, &Known::default());
    // 1,500 minutes of HD.
    assert_causes(&reconciled, &[(CauseKind::RecordingTwice, "-5.99")]);
    assert!(reconciled.causes[0].text.contains("rtc without what on-premise recording used"));
}

#[test]
fn hd_plus_can_stand_for_what_is_above_hd() {
    let book = tiered();
    let ours = [
        rtc("P1", 1, &[(Media::Hdp, 900_000), (Media::FullHd, 300_000), (Media::Video2k, 6_000)]),
        rtc("P1", 2, &[(Media::FullHd, 600_000)]),
    ];
    let theirs = [rtc("P1", 1, &[(Media::Hdp, 900_000)]), ours[1].clone()];
    let reconciled = held_against(&invoice_of(&theirs, &book), &ours, &book, &Known::default());
    // 5,000 minutes of Full HD and 100 of 2K: 44.95 + 1.599.
    assert_causes(&reconciled, &[(CauseKind::HdpOverlap, "-46.55")]);
}

#[test]
fn a_service_that_is_not_fetched_is_a_missing_one() {
    let book = tiered();
    let ours = [rtc("P1", 1, &[(Media::Audio, 1_200_000)])];
    let theirs =
        [ours[0].clone(), cell("P1", 1, Service::CloudRecording, &[(Media::Audio, 60_000)])];
    let gaps = [Gap::of_service(Service::CloudRecording, march().days())];
    let known = Known { gaps: &gaps, ..Known::default() };
    let reconciled = held_against(&invoice_of(&theirs, &book), &ours, &book, &known);
    // 1,000 minutes of cloud recording.
    assert_causes(&reconciled, &[(CauseKind::MissingDays, "1.49")]);
    let text = &reconciled.causes[0].text;
    assert!(text.contains("1000 of cloud_recording audio"), "{text}");
    assert!(text.contains("all projects cloud_recording 2031-03-01..2031-03-31"), "{text}");
    let unexplained = held_against(&invoice_of(&theirs, &book), &ours, &book, &Known::default());
    assert_eq!(unexplained.unexplained.sum(), exact("1.49"));
}

#[test]
fn missing_days_explain_more_minutes_and_never_fewer() {
    let book = tiered();
    let ours = [rtc("P1", 1, &[(Media::Audio, 1_200_000)])];
    let theirs = [rtc("P1", 1, &[(Media::Audio, 1_140_000)])];
    let gaps = [gap("P1", Service::Rtc, 2)];
    let known = Known { gaps: &gaps, ..Known::default() };
    let reconciled = held_against(&invoice_of(&theirs, &book), &ours, &book, &known);
    assert_eq!(reconciled.causes, []);
    assert_eq!(reconciled.unexplained.get(AUDIO), exact("-0.99"));
}

#[test]
fn minutes_of_usage_v1_may_be_a_little_too_many() {
    let book = changed(&tiered(), &[("free_minutes = 10000", "free_minutes = 0")]);
    let ours: Vec<_> = (1..=30)
        .map(|day| DayUsage {
            source: UsageSource::V1,
            ..rtc("P1", day, &[(Media::Audio, 60_000), (Media::Sd, 60), (Media::Hd, 60)])
        })
        .collect();
    let mut invoice = invoice_of(&ours, &book);
    invoice.rows[0].minutes = Some(exact("29980"));
    invoice.rows[0].amount = exact("29.6802");
    let reconciled = held_against(&invoice, &ours, &book, &Known::default());
    assert_causes(&reconciled, &[(CauseKind::DayMinutes, "-0.02")]);
    // Thirty days can hide under thirty minutes.
    invoice.rows[0].minutes = Some(exact("29970"));
    invoice.rows[0].amount = exact("29.6703");
    let reconciled = held_against(&invoice, &ours, &book, &Known::default());
    assert!(!reconciled.is_explained());
}

#[test]
fn a_price_is_solved_also_where_the_book_has_none() {
    let book = tiered();
    let ours = [
        rtc("P1", 1, &[(Media::Audio, 1_200_000)]),
        cell("P1", 1, Service::Transcoding, &[(Media::Hd, 600_000)]),
    ];
    let mut invoice = invoice_of(&ours, &book);
    invoice.rows[0].amount = exact("11");
    invoice.rows.push(InvoiceRow {
        line_number: 3,
        line: Line::Usage(Service::Transcoding, Media::Hd),
        minutes: Some(exact("10000")),
        amount: exact("25"),
    });
    let reconciled = held_against(&invoice, &ours, &book, &Known::default());
    let texts: Vec<&str> = reconciled.causes.iter().map(|cause| cause.text.as_str()).collect();
    assert_causes(&reconciled, &[(CauseKind::Price, "1.1"), (CauseKind::Price, "25")]);
    assert!(
        texts[0].contains("charges 1.1 for 1,000 minutes of rtc audio; our price book has 0.99")
    );
    assert!(texts[1].contains("charges 2.5 for 1,000 minutes of transcoding hd"));
    assert!(texts[1].contains("no price for it"));
}

#[test]
fn a_line_that_is_not_charged_is_named_so() {
    let book = tiered();
    let ours = [rtc("P1", 1, &[(Media::Audio, 1_200_000), (Media::Hd, 60_000)])];
    let mut invoice = invoice_of(&ours, &book);
    invoice.rows[1].amount = exact("0");
    let reconciled = held_against(&invoice, &ours, &book, &Known::default());
    assert_causes(&reconciled, &[(CauseKind::Price, "-3.99")]);
    assert!(reconciled.causes[0].text.contains("does not charge rtc hd"));
}

#[test]
fn one_percentage_on_all_lines_is_no_price_of_each() {
    let book = tiered();
    let ours =
        [rtc("P1", 1, &[(Media::Audio, 1_200_000), (Media::Hd, 60_000), (Media::FullHd, 60)])];
    let mut invoice = invoice_of(&ours, &book);
    invoice.rows.iter_mut().for_each(|row| row.amount *= exact("0.85"));
    let reconciled = held_against(&invoice, &ours, &book, &Known::default());
    assert_causes(&reconciled, &[(CauseKind::Percentage, "-2.09")]);
    assert!(reconciled.causes[0].text.contains("15 % below ours: a discount"));
}

#[test]
fn the_tax_row_is_told_with_its_rate() {
    let book = tiered();
    let ours = [rtc("P1", 1, &[(Media::Audio, 1_200_000)])];
    let mut invoice = invoice_of(&ours, &book);
    let amount = exact("1.98");
    invoice.rows.push(InvoiceRow { line_number: 3, line: Line::Tax, minutes: None, amount });
    let reconciled = held_against(&invoice, &ours, &book, &Known::default());
    assert_causes(&reconciled, &[(CauseKind::Tax, "1.98")]);
    assert!(reconciled.causes[0].text.contains("20 % of its other rows"));
}

#[test]
fn an_amount_without_a_cause_stays_unexplained_and_hides_no_other() {
    let book = tiered();
    let ours = [rtc("P1", 1, &[(Media::Audio, 60_000_000), (Media::Hd, 60_000_000)])];
    let mut invoice = invoice_of(&ours, &book);
    // No price with four decimals leads to it.
    invoice.rows[1].amount += exact("0.123456");
    let amount = exact("50");
    invoice.rows.push(InvoiceRow { line_number: 4, line: Line::Tax, minutes: None, amount });
    let reconciled = held_against(&invoice, &ours, &book, &Known::default());
    let kinds: Vec<CauseKind> = reconciled.causes.iter().map(|cause| cause.kind).collect();
    assert_eq!(kinds, [CauseKind::Tax]);
    assert_eq!(reconciled.unexplained.get(HD), exact("0.123456"));
}

#[test]
fn minutes_without_a_cause_leave_the_other_causes_in_sight() {
    let book = tiered();
    let ours = [rtc("P1", 1, &[(Media::Audio, 1_200_000), (Media::Hd, 600_000)])];
    let theirs = [rtc("P1", 1, &[(Media::Audio, 1_260_000), (Media::Hd, 600_000)])];
    let other = changed(&book, &[("hd = \"3.99\"", "hd = \"3.5\"")]);
    let reconciled = held_against(&invoice_of(&theirs, &other), &ours, &book, &Known::default());
    let found: Vec<_> = reconciled.causes.iter().map(|it| (it.kind, it.amount())).collect();
    assert_eq!(found, [(CauseKind::Price, exact("-4.9"))]);
    assert_eq!(reconciled.unexplained.sum(), exact("0.99"));
}

#[test]
fn a_line_of_the_invoice_alone_is_unexplained() {
    let book = tiered();
    let ours = [rtc("P1", 1, &[(Media::Audio, 1_200_000)])];
    let mut invoice = invoice_of(&ours, &book);
    let (line, amount) = (Line::Usage(Service::Miniapp, Media::Audio), exact("7.1"));
    invoice.rows.push(InvoiceRow { line_number: 3, line, minutes: Some(exact("5000")), amount });
    let reconciled = held_against(&invoice, &ours, &book, &Known::default());
    assert_eq!((reconciled.causes.len(), reconciled.unexplained.get(line)), (0, exact("7.1")));
}

#[test]
fn a_month_without_usage_belongs_to_no_project() {
    let book = tiered();
    let amount = exact("5");
    let row = InvoiceRow { line_number: 2, line: Line::Other, minutes: None, amount };
    let invoice = Invoice { file_name: "i.csv".to_owned(), sha256: String::new(), rows: vec![row] };
    let reconciled = held_against(&invoice, &[], &book, &Known::default());
    assert_causes(&reconciled, &[(CauseKind::Other, "5")]);
    let projects = &reconciled.projects;
    assert_eq!((projects.len(), &projects[0].project_id), (1, &None));
    assert_eq!(projects[0].invoice.to_string(), "5.00");
}

#[test]
fn c33_the_invoice_goes_to_the_projects_as_the_bill_does() {
    let book = changed(&tiered(), &[("free_minutes = 10000", "free_minutes = 0")]);
    let ours = ["a", "B", "c"].map(|project| rtc(project, 1, &[(Media::Hd, 520)]));
    let mut invoice = invoice_of(&ours, &book);
    invoice.rows[0].amount = exact("0.11");
    let reconciled = held_against(&invoice, &ours, &book, &Known::default());
    let parts: Vec<String> = reconciled
        .projects
        .iter()
        .map(|part| {
            let id = part.project_id.as_ref().expect("a project");
            format!("{id} {} {}", part.estimate, part.invoice)
        })
        .collect();
    assert_eq!(parts, ["B 0.04 0.04", "a 0.03 0.04", "c 0.03 0.03"]);
}
