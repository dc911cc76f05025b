//! Acceptance cases and the worked examples of Agora's public pages.

use super::support::{
    assert_parts_equal_the_whole, book, cell, changed, exact, rate_march, rtc_minutes, try_march,
    without_free_minutes,
};
use crate::domain::{Media, MediaSet, Service, UsageSource};
use crate::rating::{Bill, LINE_SCALE, RatingError, exact_decimal_units};

fn project_costs(bill: &Bill) -> Vec<(&str, i128)> {
    let cost = |project: &crate::rating::ProjectAllocation| project.cost_minor_units;
    bill.projects.iter().map(|project| (project.project_id.as_str(), cost(project))).collect()
}

fn minutes_by_tier(bill: &Bill) -> Vec<(Media, u32, u128)> {
    bill.lines.iter().map(|line| (line.media, line.tier, line.billable_minutes)).collect()
}

fn assumption_keys(bill: &Bill) -> Vec<&str> {
    bill.assumptions.iter().map(|assumption| assumption.key).collect()
}

#[test]
fn c27_an_unknown_value_adds_nothing() {
    let mut unknown = cell("P1", 2, Service::Rtc, &[(Media::Audio, 60)]);
    unknown.missing = [Media::Hd].into_iter().collect::<MediaSet>();
    unknown.extra_seconds.insert("durationVideo8K".to_owned(), None);
    let bill = rate_march(&[unknown], &book("tiered"));
    assert_eq!(minutes_by_tier(&bill), [(Media::Audio, 1, 0)]);
    assert!(bill.unpriced.is_empty());
}

#[test]
fn c28_a_bill_of_a_hundred_million_is_exact() {
    let usage: Vec<_> = (0..40)
        .flat_map(|project| (1..=31).map(move |day| (format!("P{project:02}"), day)))
        .map(|(id, day)| cell(&id, day, Service::Rtc, &[(Media::Hd, 2_000_000_000)]))
        .collect();
    let bill = rate_march(&usage, &book("tiered"));
    assert_eq!(bill.lines.iter().map(|line| line.minutes).sum::<u128>(), 41_333_333_334);
    assert_eq!(bill.lines[0].seconds, Some(2_480_000_000_000));
    assert_eq!(bill.total.to_string(), "148428143.64");
    assert_parts_equal_the_whole(&bill);
}

#[test]
fn c29_seconds_of_the_month_are_rounded_up_once() {
    let usage: Vec<_> =
        (1..=3).map(|day| cell("P1", day, Service::Rtc, &[(Media::Audio, 61)])).collect();
    let bill = rate_march(&usage, &book("tiered"));
    assert_eq!((bill.lines[0].seconds, bill.lines[0].minutes), (Some(183), 4));
}

#[test]
fn c30_free_minutes_go_to_audio_before_hd() {
    let usage = rtc_minutes(&[(Media::Audio, 9_000), (Media::Hd, 3_000)]);
    let bill = rate_march(&usage, &book("tiered"));
    let free: Vec<_> =
        bill.lines.iter().map(|line| (line.free_minutes, line.billable_minutes)).collect();
    assert_eq!(free, [(9_000, 0), (1_000, 2_000)]);
    assert_eq!(bill.total.to_string(), "7.98");
}

#[test]
fn c30_free_minutes_belong_to_the_account() {
    let usage = ["A", "B"].map(|id| cell(id, 1, Service::Rtc, &[(Media::Audio, 360_000)]));
    let bill = rate_march(&usage, &book("tiered"));
    assert_eq!(bill.total.to_string(), "1.98");
    assert_eq!(project_costs(&bill), [("A", 99), ("B", 99)]);
}

#[test]
fn c30_rating_again_never_grants_free_minutes_twice() {
    let usage: Vec<_> =
        (1..=31).map(|day| cell("P1", day, Service::Rtc, &[(Media::Audio, 60_000)])).collect();
    let early = rate_march(&usage[..10], &book("tiered"));
    let late = rate_march(&usage, &book("tiered"));
    assert_eq!((early.lines[0].free_minutes, early.total.minor_units), (10_000, 0));
    assert_eq!((late.lines[0].free_minutes, late.lines[0].billable_minutes), (10_000, 21_000));
}

#[test]
fn c31_half_a_cent_is_rounded_up() {
    let usage = rtc_minutes(&[(Media::Audio, 10_000), (Media::FullHd, 1_500)]);
    let bill = rate_march(&usage, &book("tiered"));
    assert_eq!(bill.exact_total, exact("13.485"));
    assert_eq!(bill.total.to_string(), "13.49");
    assert_eq!(bill.rounding(), exact("0.005"));
}

#[test]
fn c31_only_the_total_is_rounded() {
    let usage = [Service::Rtc, Service::Recording]
        .map(|service| cell("P1", 1, service, &[(Media::Hd, 60)]));
    let bill = rate_march(&usage, &without_free_minutes("tiered"));
    assert_eq!(bill.exact_total, exact("0.00798"));
    assert_eq!(bill.total.to_string(), "0.01");
}

#[test]
fn c32_discounts_apply_inside_their_tier() {
    let bill = |billable: i64| {
        rate_march(&rtc_minutes(&[(Media::Audio, billable + 10_000)]), &book("tiered"))
    };
    assert_eq!(bill(102_000).total.to_string(), "100.88");
    let audio = |tier, minutes| (Media::Audio, tier, minutes);
    let expected = [audio(1, 100_000), audio(2, 400_000), audio(3, 100_000)];
    assert_eq!(minutes_by_tier(&bill(600_000)), expected);
    let of_first_row: Vec<_> =
        bill(600_000).lines.iter().map(|line| (line.seconds, line.minutes)).collect();
    let seconds = Some(610_000 * 60);
    assert_eq!(of_first_row, [(seconds, 110_000), (None, 400_000), (None, 100_000)]);
}

#[test]
fn c33_cents_go_to_the_largest_remainder_and_then_to_the_smaller_id() {
    let usage = ["c", "B", "a"].map(|id| cell(id, 1, Service::Rtc, &[(Media::Hd, 520)]));
    let bill = rate_march(&usage, &without_free_minutes("tiered"));
    assert_eq!((bill.lines[0].minutes, bill.total.to_string().as_str()), (26, "0.10"));
    assert_eq!(project_costs(&bill), [("B", 4), ("a", 3), ("c", 3)]);
    assert_parts_equal_the_whole(&bill);
}

#[test]
fn c34_usage_without_a_price_is_reported_and_not_billed() {
    let mut usage = rtc_minutes(&[(Media::Audio, 1)]);
    usage[0].extra_seconds.insert("durationVideo8K".to_owned(), Some(60));
    usage[0].extra_seconds.insert("durationVideo16K".to_owned(), Some(0));
    usage.push(cell("P1", 1, Service::Transcoding, &[(Media::Hd, 90)]));
    let bill = rate_march(&usage, &without_free_minutes("tiered"));
    let unpriced: Vec<_> = bill
        .unpriced
        .iter()
        .map(|usage| (usage.service, usage.field.as_str(), usage.seconds))
        .collect();
    let expected = [(Service::Rtc, "durationVideo8K", 60), (Service::Transcoding, "hd", 90)];
    assert_eq!(unpriced, expected);
    assert_eq!(minutes_by_tier(&bill), [(Media::Audio, 1, 1)]);
}

#[test]
fn c34_types_that_a_plan_does_not_know_are_unpriced() {
    let usage = rtc_minutes(&[(Media::Hd, 20_000), (Media::Video2k, 1)]);
    let bill = rate_march(&usage, &book("fixed"));
    assert_eq!(bill.unpriced[0].field, "2k");
    assert_eq!(bill.total.to_string(), "39.90");
}

#[test]
fn c35_sd_is_billed_as_hd() {
    let mut usage = rtc_minutes(&[(Media::Sd, 30), (Media::Hd, 20)]);
    usage[0].source = UsageSource::V1;
    let bill = rate_march(&usage, &without_free_minutes("tiered"));
    assert_eq!(minutes_by_tier(&bill), [(Media::Hd, 1, 50)]);
    assert_eq!(bill.lines[0].seconds, Some(3_000));
    let day = &bill.projects[0].days[0];
    let lines: Vec<_> = day.lines.iter().map(|line| (line.media, line.cost_micro_units)).collect();
    assert_eq!(lines, [(Media::Sd, 120_000), (Media::Hd, 80_000)]);
}

/// RTC billing page of 2021: three sessions of February, before free minutes.
#[test]
fn the_published_tiered_example_comes_to_90_cents() {
    let usage = [
        cell("Test", 3, Service::Rtc, &[(Media::Audio, 2_500)]),
        cell("Test", 8, Service::Rtc, &[(Media::Audio, 1_808), (Media::Hd, 5_424)]),
        cell(
            "Test",
            11,
            Service::Rtc,
            &[(Media::Audio, 568), (Media::Hd, 600), (Media::FullHd, 1_736), (Media::Video2k, 600)],
        ),
    ];
    let bill = rate_march(&usage, &without_free_minutes("tiered"));
    let minutes: Vec<_> = bill.lines.iter().map(|line| line.minutes).collect();
    assert_eq!(minutes, [82, 101, 29, 10]);
    let amounts: Vec<_> = bill.lines.iter().map(|line| line.amount.clone()).collect();
    assert_eq!(amounts, ["0.08118", "0.40299", "0.26071", "0.1599"].map(exact));
    assert_eq!(bill.exact_total, exact("0.90478"));
    assert_eq!(bill.total.to_string(), "0.90");
    assert_eq!(rate_march(&usage, &book("tiered")).total.to_string(), "0.00");
}

/// Legacy pricing page of 2025: five users, sixty minutes.
#[test]
fn the_published_legacy_example_comes_to_6_78() {
    let usage =
        rtc_minutes(&[(Media::FullHd, 60), (Media::Video2k, 120), (Media::Video2kPlus, 120)]);
    let bill = rate_march(&usage, &without_free_minutes("tiered"));
    assert_eq!(bill.exact_total, exact("6.777"));
    assert_eq!(bill.total.to_string(), "6.78");
}

/// RTC billing page of 2020: thirty minutes of HD and fifteen of HD+.
#[test]
fn the_published_fixed_example_is_exact() {
    let usage = rtc_minutes(&[(Media::Hd, 30), (Media::Hdp, 15)]);
    let bill = rate_march(&usage, &without_free_minutes("fixed"));
    assert_eq!(bill.exact_total, exact("0.34455"));
    assert_eq!(bill.total.to_string(), "0.34");
    assert_eq!(bill.assumptions, []);
}

#[test]
fn hd_plus_under_the_tiered_plan_is_billed_by_a_rule_that_the_bill_names() {
    let usage = rtc_minutes(&[(Media::Hdp, 1_000)]);
    let bill = |book: &_| rate_march(&usage, book);
    let free = without_free_minutes("tiered");
    assert_eq!(minutes_by_tier(&bill(&free)), [(Media::Hdp, 1, 1_000)]);
    assert_eq!(bill(&free).total.to_string(), "8.99");
    assert_eq!(assumption_keys(&bill(&free)), ["hdp_as"]);
    assert_eq!(bill(&free).assumptions[0].value, "full_hd");
    let dearer = changed(
        "tiered",
        &[
            ("free_minutes = 10000", "free_minutes = 0"),
            ("hdp_as = \"full_hd\"", "hdp_as = \"2k\""),
        ],
    );
    assert_eq!(bill(&dearer).total.to_string(), "15.99");
    let recording = [cell("P1", 1, Service::Recording, &[(Media::Hdp, 60_000)])];
    let own_price = rate_march(&recording, &free);
    assert_eq!((own_price.total.to_string().as_str(), own_price.assumptions.len()), ("14.99", 0));
}

#[test]
fn hd_plus_beside_full_hd_in_one_cell_is_flagged() {
    let together = rtc_minutes(&[(Media::Hdp, 1), (Media::FullHd, 1)]);
    assert_eq!(assumption_keys(&rate_march(&together, &book("tiered"))), ["hdp_as", "hdp_overlap"]);
}

#[test]
fn assumptions_on_tiers_appear_where_another_reading_gives_another_total() {
    let keys = |minutes: &[(Media, i64)]| {
        let bill = rate_march(&rtc_minutes(minutes), &without_free_minutes("tiered"));
        assumption_keys(&bill).join(" ")
    };
    assert_eq!(keys(&[(Media::Audio, 99_999)]), "");
    assert_eq!(keys(&[(Media::Audio, 100_000)]), "tier_edge");
    assert_eq!(keys(&[(Media::Audio, 100_001)]), "tier_edge rates");
    assert_eq!(keys(&[(Media::Audio, 100_000), (Media::Hd, 1)]), "tier_fill tier_edge rates");
}

#[test]
fn a_project_without_cost_keeps_its_days() {
    let usage = [
        cell("A", 1, Service::Rtc, &[(Media::Audio, 0)]),
        cell("B", 2, Service::Transcoding, &[(Media::Hd, 60)]),
        cell("C", 3, Service::Rtc, &[(Media::Audio, 600_060)]),
    ];
    let bill = rate_march(&usage, &book("tiered"));
    assert_eq!(project_costs(&bill), [("A", 0), ("B", 0), ("C", 0)]);
    assert!(bill.projects.iter().all(|project| project.days.len() == 1));
    assert_eq!(bill.projects[1].days[0].lines, []);
    assert_eq!(bill.projects[2].days[0].lines.len(), 1);
}

#[test]
fn a_month_without_usage_is_a_bill_of_0() {
    let bill = rate_march(&[], &book("tiered"));
    assert_eq!((bill.total.minor_units, bill.lines.len(), bill.projects.len()), (0, 0, 0));
}

#[test]
fn usage_that_cannot_be_trusted_is_refused() {
    let good = cell("P1", 1, Service::Rtc, &[(Media::Hd, 60)]);
    let mut negative_extra = good.clone();
    negative_extra.extra_seconds.insert("durationVideo8K".to_owned(), Some(-1));
    let mut april = good.clone();
    april.day = chrono::NaiveDate::from_ymd_opt(2031, 4, 1).expect("a day");
    let negative = cell("P1", 1, Service::Rtc, &[(Media::Hd, -5)]);
    let refusal = |usage: &[_]| try_march(usage, &book("tiered")).expect_err("refused");
    assert!(matches!(refusal(&[april]), RatingError::DayOutsideMonth { .. }));
    assert!(matches!(refusal(&[negative]), RatingError::NegativeUsage { .. }));
    assert!(matches!(refusal(&[negative_extra]), RatingError::NegativeUsage { .. }));
    let twice = refusal(&[good.clone(), good]);
    assert_eq!(twice.to_string(), "two values of project P1, rtc, 2031-03-01");
}

#[test]
fn the_line_scale_holds_the_finest_price_and_discount() {
    let book = changed(
        "tiered",
        &[
            ("free_minutes = 10000", "free_minutes = 0"),
            ("audio = \"0.99\"", "audio = \"0.0001\""),
            ("discount_percent = \"0\"", "discount_percent = \"0.01\""),
        ],
    );
    let bill = rate_march(&rtc_minutes(&[(Media::Audio, 1)]), &book);
    let units = exact_decimal_units(&bill.lines[0].amount, LINE_SCALE);
    assert_eq!(units, Ok(99_990));
}

#[test]
fn the_currency_decides_what_a_total_is_rounded_to() {
    let total = |code: &str| {
        let currency = format!("currency = \"{code}\"");
        let changes = [
            ("free_minutes = 10000", "free_minutes = 0"),
            ("currency = \"USD\"", currency.as_str()),
        ];
        let usage = rtc_minutes(&[(Media::Hd, 1_234)]);
        let bill = rate_march(&usage, &changed("tiered", &changes));
        assert_parts_equal_the_whole(&bill);
        bill.total.to_string()
    };
    assert_eq!([total("USD"), total("JPY"), total("BHD")], ["4.92", "5", "4.924"]);
}
