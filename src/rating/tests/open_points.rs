//! What Agora's documents leave open: the readings of a book, and the range of all of them.

use super::support::{book, cell, changed, ranges, rate_march, rtc_minutes, without_free_minutes};
use crate::domain::{DayUsage, Media, Service, UsageSource};

#[test]
fn the_range_of_the_fill_holds_every_way_of_filling() {
    let usage = rtc_minutes(&[(Media::Audio, 80_000), (Media::Video2kPlus, 60_000)]);
    let total = |fill: &str| {
        let fill = format!("\"{fill}\"\n");
        rate_march(&usage, &changed("tiered", &[("\"cheapest_first\"\n", &fill)])).total.to_string()
    };
    let totals = ["cheapest_first", "dearest_first", "pro_rata"].map(total);
    assert_eq!(totals, ["2174.72", "2227.22", "2202.98"]);
    let ranges = ranges(&rate_march(&usage, &book("tiered")));
    assert_eq!(ranges[0], "tier_fill cheapest_first: 2174.72 to 2227.22");
    assert_eq!(ranges.last().expect("one"), "all: 2174.69 to 2227.22");
}

#[test]
fn minutes_of_usage_v1_give_a_low_and_a_high_bill() {
    let usage: Vec<DayUsage> = (1..=10)
        .map(|day| DayUsage {
            source: UsageSource::V1,
            ..cell("P1", day, Service::Rtc, &[(Media::Hd, 60)])
        })
        .collect();
    let bill = rate_march(&usage, &without_free_minutes("tiered"));
    // 600 s at most, 10 s at least: 10 minutes or one.
    assert_eq!(bill.total.to_string(), "0.04");
    assert_eq!(ranges(&bill), ["v1_minutes as_shown: 0.00 to 0.04", "all: 0.00 to 0.04"]);
}

/// A day of v1 for each of 30 days and of as many projects.
fn many_v1_values(projects: usize, seconds: i64) -> Vec<DayUsage> {
    let days = (0..projects).flat_map(|project| (1..=30).map(move |day| (project, day)));
    days.map(|(project, day)| DayUsage {
        source: UsageSource::V1,
        ..cell(&format!("P{project:02}"), day, Service::Rtc, &[(Media::Audio, seconds)])
    })
    .collect()
}

#[test]
fn the_least_that_v1_minutes_stand_for_is_a_second_more_than_a_minute_less() {
    // 600 values of 40 minutes: 24,000 minutes, or 1,404,600 s, which are 23,410 minutes.
    let usage = many_v1_values(20, 2_400);
    let of = |book: &_| ranges(&rate_march(&usage, book));
    assert_eq!(of(&book("tiered")), ["v1_minutes as_shown: 13.28 to 13.86", "all: 13.28 to 13.86"]);
    assert_eq!(
        of(&book("standard")),
        ["v1_minutes as_shown: 13.28 to 13.86", "all: 13.28 to 13.86"]
    );
    // 3,000 values of one minute are 3,000 s at least, which are 50 minutes.
    let shortest = rate_march(&many_v1_values(100, 60), &without_free_minutes("tiered"));
    assert_eq!(ranges(&shortest)[0], "v1_minutes as_shown: 0.05 to 2.97");
}

#[test]
fn recorded_video_is_at_most_as_much_of_rtc_as_there_is_of_the_same_media() {
    let usage = [
        cell("P1", 1, Service::Rtc, &[(Media::Audio, 6_000), (Media::Hd, 24_000)]),
        cell("P1", 1, Service::Recording, &[(Media::Hd, 60_000)]),
    ];
    let bill = rate_march(&usage, &without_free_minutes("tiered"));
    // 400 of the 1,000 recorded minutes, at 3.99 for 1,000.
    assert_eq!(
        ranges(&bill),
        ["recording_beside_rtc both_billed: 4.09 to 5.69", "all: 4.09 to 5.69"]
    );
    let usage = [
        cell("P1", 1, Service::Rtc, &[(Media::Hd, 60_000)]),
        cell("P1", 1, Service::Recording, &[(Media::Hd, 24_000)]),
    ];
    let bill = rate_march(&usage, &without_free_minutes("tiered"));
    assert_eq!(ranges(&bill)[0], "recording_beside_rtc both_billed: 3.99 to 5.59", "rtc stays");
}

#[test]
fn the_time_that_hd_plus_shares_is_taken_off_hd_plus() {
    // 14.99 for 1,000 of HD+, 8.99 for 1,000 of Full HD.
    let shared =
        [cell("P1", 1, Service::Recording, &[(Media::Hdp, 60_000), (Media::FullHd, 36_000)])];
    let bill = rate_march(&shared, &without_free_minutes("tiered"));
    assert_eq!(ranges(&bill), ["hdp_overlap both_billed: 11.39 to 20.38", "all: 11.39 to 20.38"]);
}

#[test]
fn sound_that_is_recorded_is_in_no_reading_a_part_of_rtc() {
    let usage = [Service::Rtc, Service::Recording]
        .map(|service| cell("P1", 1, service, &[(Media::Audio, 60_000)]));
    let bill = rate_march(&usage, &without_free_minutes("tiered"));
    assert_eq!(
        ranges(&bill),
        ["recording_beside_rtc both_billed: 1.98 to 1.98", "all: 1.98 to 1.98"]
    );
}

/// What the bill says of its assumptions, by the readings that a book can choose.
#[test]
fn each_reading_is_told_in_a_sentence_of_its_own() {
    use Media::{Audio, FullHd, Hdp, Video2kPlus};
    let tiered = rtc_minutes(&[(Audio, 80_000), (Video2kPlus, 60_000)]);
    // Five minutes of each are billed: 0.00495 twice.
    let rounded = [
        cell("P1", 1, Service::Rtc, &[(Audio, 600_300)]),
        cell("P1", 1, Service::Recording, &[(Audio, 300)]),
    ];
    let hdp_first = [cell("P1", 1, Service::Recording, &[(Hdp, 480_000), (FullHd, 480_000)])];
    for (usage, key, from, to, said) in [
        (&tiered[..], "tier_fill", "", "", "here the cheapest do."),
        (&tiered, "tier_fill", "cheapest_first\"\n", "dearest_first\"\n", "here the dearest do."),
        (&tiered, "tier_fill", "cheapest_first\"\n", "pro_rata\"\n", "all do in proportion."),
        (&tiered, "tier_edge", "", "", "(minute 100000 for tier 2) has the price before it."),
        (&tiered, "tier_edge", "half_open", "printed", "(minute 100000 for tier 2) has its new"),
        (&tiered, "rates", "", "", "Discounts are percentages of the list price, not the printed"),
        (
            &tiered,
            "rates",
            "rates = \"percent",
            "rates = \"printed",
            "are the printed ones, rounded",
        ),
        (&rounded, "line_rounding", "", "", "Only the total is rounded, not each line."),
        (&rounded, "line_rounding", "g = \"none", "g = \"line", "Each line is rounded, and so is"),
        (&hdp_first, "free_order", "", "", "where the documented order has it"),
        (&rounded, "recording_beside_rtc", "", "", "so recorded minutes may count twice"),
        (&hdp_first, "hdp_overlap", "", "", "does not say whether they overlap"),
    ] {
        let book = if from.is_empty() { book("tiered") } else { changed("tiered", &[(from, to)]) };
        let bill = rate_march(usage, &book);
        let named = bill.assumptions.iter().find(|assumption| assumption.key == key);
        let text = named.map(|assumption| assumption.text.as_str()).unwrap_or_default();
        assert!(text.contains(said), "{key}: {text}\nshould hold: {said}");
    }
}

#[test]
fn what_may_be_counted_twice_or_by_another_price_has_its_range() {
    let free = without_free_minutes("tiered");
    let ranges_of = |usage: &[DayUsage]| ranges(&rate_march(usage, &free));
    let hdp = rtc_minutes(&[(Media::Hdp, 1_000)]);
    assert_eq!(ranges_of(&hdp), ["hdp_as full_hd: 8.99 to 35.99", "all: 8.99 to 35.99"]);
    let both = rtc_minutes(&[(Media::Hdp, 1_000), (Media::FullHd, 600)]);
    assert_eq!(
        ranges_of(&both),
        [
            "hdp_as full_hd: 14.38 to 41.38",
            "hdp_overlap both_billed: 8.99 to 14.38",
            "all: 8.99 to 41.38"
        ]
    );
    let recorded = [Service::Rtc, Service::Recording]
        .map(|service| cell("P1", 1, service, &[(Media::Hd, 60_000)]));
    assert_eq!(
        ranges_of(&recorded),
        ["recording_beside_rtc both_billed: 3.99 to 7.98", "all: 3.99 to 7.98"]
    );
}

#[test]
fn rounded_lines_are_an_open_point_where_they_make_another_total() {
    let usage = [Service::Rtc, Service::CloudRecording]
        .map(|service| cell("P1", 1, service, &[(Media::Hd, 60)]));
    let bill = rate_march(&usage, &without_free_minutes("tiered"));
    // 0.00399 + 0.00599: a cent together, and a cent for the second line alone.
    assert_eq!((bill.total.to_string(), bill.assumptions.len()), ("0.01".to_owned(), 0));
    let usage = [Service::Rtc, Service::Recording]
        .map(|service| cell("P1", 1, service, &[(Media::Audio, 300)]));
    let bill = rate_march(&usage, &without_free_minutes("tiered"));
    // 0.00495 twice.
    assert_eq!(ranges(&bill)[0], "line_rounding none: 0.00 to 0.01");
}

#[test]
fn free_minutes_before_or_after_full_hd_are_an_open_point() {
    let usage =
        [cell("P1", 1, Service::Recording, &[(Media::Hdp, 480_000), (Media::FullHd, 480_000)])];
    let bill = rate_march(&usage, &book("tiered"));
    // 6,000 minutes of Full HD at 8.99, or of HD+ at 14.99.
    assert_eq!(bill.total.to_string(), "53.94");
    assert_eq!(ranges(&bill)[0], "free_order as_documented: 53.94 to 89.94");
}
