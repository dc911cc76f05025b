//! Plans, terms and open points beyond the tiered plan's own cases.

use super::support::{
    assert_parts_equal_the_whole, book, cell, changed, contract, exact, march, package, ranges,
    rate_march, rtc_minutes,
};
use crate::domain::{Media, Service};
use crate::rating::minutes::StandardLine;
use crate::rating::standard::count;
use crate::rating::{
    Bill, LineKind, exact_month_total, month_total, overage_minutes, rate_with_steps, sum_usage,
};

fn project_costs(bill: &Bill) -> Vec<(&str, i128)> {
    let projects = bill.projects.iter();
    projects.map(|project| (project.project_id.as_str(), project.cost_minor_units)).collect()
}

fn charges(bill: &Bill) -> Vec<String> {
    let charges = bill.charges.iter();
    charges.map(|charge| format!("{} {}", charge.kind.name(), charge.amount)).collect()
}

/// Pricing page of 2025: 360 s of a host's HD and 360 s of a listener's audio.
#[test]
fn the_published_standard_minutes_example_comes_to_28_minutes() {
    let line = |kind, media, coefficient: &str| StandardLine {
        service: Service::Rtc,
        kind,
        media,
        seconds: 360,
        coefficient: exact(coefficient),
    };
    let lines =
        [line(LineKind::Usage, Media::Hd, "4"), line(LineKind::Audience, Media::Audio, "0.57")];
    let terms = book("standard").standard.expect("terms");
    let counted = count(&lines, &terms, 10_000, march());
    assert_eq!(counted.weighted_seconds, exact("1645.2"));
    assert_eq!((counted.minutes, counted.overage_minutes), (28, 0));
}

#[test]
fn standard_minutes_are_summed_before_they_are_rounded_up_and_free_up_to_10_000() {
    let usage = [
        cell("A", 1, Service::Rtc, &[(Media::Audio, 9_345 * 60 + 1), (Media::Hd, 44_999)]),
        cell("B", 2, Service::Rtc, &[(Media::Video2kPlus, 1)]),
    ];
    let bill = rate_march(&usage, &book("standard"));
    // 560,701 + 179,996 + 36 = 740,733 s, which is 12,345.55 minutes.
    let overage = bill.charges[0].clone();
    assert_eq!((overage.minutes, overage.amount), (Some(2_346), exact("2.32254")));
    assert_eq!(bill.total.to_string(), "2.32");
    let lines: Vec<_> = bill
        .lines
        .iter()
        .map(|line| (line.media, line.seconds, line.coefficient.clone().map(|it| it.to_string())))
        .collect();
    let coefficient = |text: &str| Some(text.to_owned());
    assert_eq!(
        lines,
        [
            (Media::Audio, Some(560_701), coefficient("1")),
            (Media::Hd, Some(44_999), coefficient("4")),
            (Media::Video2kPlus, Some(1), coefficient("36")),
        ]
    );
    assert_parts_equal_the_whole(&bill);
}

#[test]
fn a_package_takes_the_place_of_the_free_minutes_and_the_rest_is_overage() {
    let usage = rtc_minutes(&[(Media::Audio, 60_000)]);
    let bill = |lines| rate_march(&usage, &package("Starter", lines));
    assert_eq!(charges(&bill("")), ["package 4599/100", "overage 99/10"]);
    assert_eq!(bill("").total.to_string(), "55.89");
    let bought = "[[top_ups_bought]]\nmonth = '2031-03'\nminutes = 25000\n\
                  [[top_ups_bought]]\nmonth = '2031-04'\nminutes = 1000000";
    assert_eq!(charges(&bill(bought)), ["package 4599/100", "top_up 47/2"]);
    assert_eq!(bill(bought).total.to_string(), "69.49");
    let twice = "[[top_ups_bought]]\nmonth = '2031-03'\nminutes = 25000\ncount = 2";
    assert_eq!(charges(&bill(twice)), ["package 4599/100", "top_up 47"]);
    assert_eq!(bill(twice).total.to_string(), "92.99");
    let paid = &bill(twice).charges[1];
    assert_eq!((paid.minutes, paid.text.as_str()), (Some(50_000), "2 x top-up of 25000 minutes"));
    let more = rate_march(&rtc_minutes(&[(Media::Audio, 120_000)]), &package("Starter", twice));
    assert_eq!(more.charges[2].minutes, Some(20_000));
}

#[test]
fn fees_go_to_projects_by_weighted_seconds() {
    let usage = [
        cell("A", 1, Service::Rtc, &[(Media::Hd, 6_000)]),
        cell("B", 1, Service::Rtc, &[(Media::Audio, 24_000)]),
        cell("C", 1, Service::Rtc, &[(Media::Audio, 0)]),
    ];
    let bill = rate_march(&usage, &package("Starter", ""));
    assert_eq!(project_costs(&bill), [("A", 2_300), ("B", 2_299), ("C", 0)]);
    assert_eq!(bill.unallocated.minor_units, 0);
    assert_parts_equal_the_whole(&bill);
}

#[test]
fn fees_of_a_month_without_usage_belong_to_no_project() {
    let idle = [cell("A", 1, Service::Rtc, &[(Media::Hd, 0)])];
    for usage in [&[][..], &idle] {
        let bill = rate_march(usage, &package("Starter", "tax_percent = '10'"));
        assert_eq!((bill.total.minor_units, bill.unallocated.minor_units), (5_059, 5_059));
        assert_parts_equal_the_whole(&bill);
    }
}

#[test]
fn minutes_with_a_price_of_their_own_stand_beside_standard_minutes() {
    let book = contract("standard-usd", "[prices.cloud_recording]\naudio = '1.49'");
    let usage = [
        cell("A", 1, Service::Rtc, &[(Media::Audio, 660_000)]),
        cell("A", 1, Service::CloudRecording, &[(Media::Audio, 60_000)]),
        cell("A", 1, Service::Miniapp, &[(Media::Audio, 60)]),
    ];
    let bill = rate_march(&usage, &book);
    // 1,000 minutes of overage and 1,000 minutes of cloud recording, none of them free.
    assert_eq!(bill.exact_total, exact("2.48"));
    assert_eq!(bill.unpriced[0].service, Service::Miniapp);
    let lines: Vec<_> =
        bill.projects[0].days[0].lines.iter().map(|line| line.cost_micro_units).collect();
    assert_eq!(lines, [990_000, 1_490_000]);
}

/// Legacy pricing page of 2025, broadcast streaming: five users, sixty minutes.
#[test]
fn the_published_broadcast_example_comes_to_3_39() {
    let book = changed(
        "tiered",
        &[("free_minutes = 10000", "free_minutes = 0"), ("_share = \"0\"", "_share = \"100%\"")],
    );
    let usage =
        rtc_minutes(&[(Media::FullHd, 60), (Media::Video2k, 120), (Media::Video2kPlus, 120)]);
    let bill = rate_march(&usage, &book);
    let amounts: Vec<_> = bill.lines.iter().map(|line| line.amount.clone()).collect();
    assert_eq!(amounts, ["0.2754", "0.9588", "2.1588"].map(exact));
    assert_eq!(bill.exact_total, exact("3.393"));
    assert_eq!(bill.total.to_string(), "3.39");
}

#[test]
fn the_share_of_the_audience_is_split_off_and_named_as_an_assumption() {
    let book = changed("tiered", &[("_share = \"0\"", "_share = \"0.5\"")]);
    let usage = rtc_minutes(&[(Media::Audio, 24_000)]);
    let bill = rate_march(&usage, &book);
    let lines: Vec<_> = bill
        .lines
        .iter()
        .map(|line| (line.label(), line.seconds, line.free_minutes, line.billable_minutes))
        .collect();
    assert_eq!(
        lines,
        [("rtc", Some(720_000), 0, 12_000), ("rtc_audience", Some(720_000), 10_000, 2_000)]
    );
    // 12,000 x 0.99 + 2,000 x 0.59, for 1,000.
    assert_eq!(bill.total.to_string(), "13.06");
    assert_eq!(
        ranges(&bill),
        ["broadcast_audience_share 50 %: 13.06 to 13.06", "all: 13.06 to 13.06"]
    );
    assert_parts_equal_the_whole(&bill);
}

#[test]
fn terms_of_a_contract_count_in_their_order_and_go_to_projects_by_cost() {
    let terms = "free_minutes = 0\ndiscount_percent = '10'\nminimum_commitment = '95'\n\
                 tax_percent = '20'\n[prices.rtc]\naudio = '1'";
    let usage = [
        cell("A", 1, Service::Rtc, &[(Media::Audio, 30_000 * 60)]),
        cell("B", 1, Service::Rtc, &[(Media::Audio, 70_000 * 60)]),
    ];
    let bill = rate_march(&usage, &contract("tiered-usd", terms));
    assert_eq!(charges(&bill), ["discount -10", "commitment 5", "tax 19"]);
    assert_eq!(bill.total.to_string(), "114.00");
    assert_eq!(project_costs(&bill), [("A", 3_420), ("B", 7_980)]);
    assert_eq!(bill.unallocated.minor_units, 0);
    assert_parts_equal_the_whole(&bill);
}

#[test]
fn a_commitment_goes_by_list_price_where_all_usage_is_free() {
    let book = contract("tiered-usd", "minimum_commitment = '40'");
    let usage = [
        cell("A", 1, Service::Rtc, &[(Media::Audio, 60_000)]),
        cell("B", 1, Service::Rtc, &[(Media::Audio, 180_000)]),
    ];
    let bill = rate_march(&usage, &book);
    assert_eq!(project_costs(&bill), [("A", 1_000), ("B", 3_000)]);
    let nothing_costs = "minimum_commitment = '40'\n[prices.rtc]\naudio = '0'";
    let bill = rate_march(&usage, &contract("tiered-usd", nothing_costs));
    assert_eq!(project_costs(&bill), [("A", 1_000), ("B", 3_000)]);
    let without_usage = rate_march(&[], &book);
    assert_eq!(without_usage.unallocated.to_string(), "40.00");
    // 0.99 x 60,000 to 3.99 x 120,000.
    let of_two_prices = [
        cell("A", 1, Service::Rtc, &[(Media::Audio, 60_000)]),
        cell("B", 1, Service::Rtc, &[(Media::Hd, 120_000)]),
    ];
    let bill = rate_march(&of_two_prices, &book);
    assert_eq!(project_costs(&bill), [("A", 441), ("B", 3_559)]);
}

#[test]
fn a_commitment_goes_by_cost_where_some_usage_costs() {
    let usage = [
        cell("A", 1, Service::Rtc, &[(Media::Audio, 600_000)]),
        cell("B", 1, Service::Rtc, &[(Media::Hd, 60_000)]),
    ];
    // The audio of A is free, and so A has no part in what is topped up.
    let bill = rate_march(&usage, &contract("tiered-usd", "minimum_commitment = '40'"));
    assert_eq!(project_costs(&bill), [("A", 0), ("B", 4_000)]);
}

#[test]
fn hosts_and_audience_of_one_media_are_one_cost() {
    let changes =
        [("free_minutes = 10000", "free_minutes = 0"), ("_share = \"0\"", "_share = \"0.5\"")];
    let usage = [
        cell("A", 1, Service::Rtc, &[(Media::Audio, 120_000)]),
        cell("B", 1, Service::Rtc, &[(Media::Hd, 60_000)]),
    ];
    // 0.99 + 0.59 for A, 1.995 + 0.995 for B.
    assert_eq!(
        project_costs(&rate_march(&usage, &changed("tiered", &changes))),
        [("A", 158), ("B", 299)]
    );
}

#[test]
fn the_sums_of_a_month_alone_come_to_the_same_total() {
    let usage = rtc_minutes(&[(Media::Audio, 12_345), (Media::Hd, 120_000)]);
    let sums = sum_usage(march(), &usage).expect("good usage");
    for book in [book("tiered"), book("standard"), package("Pro", "tax_percent = '19'")] {
        let bill = rate_march(&usage, &book);
        let total = month_total(&sums, march(), &book).expect("a total");
        assert_eq!((total.total, total.range), (bill.total, bill.range));
        assert_eq!((total.assumptions, total.unpriced), (bill.assumptions, bill.unpriced));
        assert_eq!(exact_month_total(&sums, march(), &book), bill.exact_total);
    }
    // 12,345 + 4 x 120,000 standard minutes, less 10,000 free ones or a package of 150,000.
    let overage = |book| overage_minutes(&sums, march(), &book);
    assert_eq!(
        [overage(book("standard")), overage(package("Pro", "")), overage(book("tiered"))],
        [482_345, 342_345, 0]
    );
}

#[test]
fn every_step_of_a_bill_can_be_shown() {
    let usage = rtc_minutes(&[(Media::Sd, 30), (Media::Hd, 120_000)]);
    let account = crate::domain::AccountId::new("default").expect("a name");
    let (bill, steps) = rate_with_steps(&account, march(), &usage, &book("tiered")).expect("rated");
    let sums: Vec<_> = steps.month.media.iter().map(|sum| (sum.media, sum.minutes)).collect();
    assert_eq!(sums, [(Media::Sd, 30), (Media::Hd, 120_000)]);
    assert_eq!((steps.lines.priced[0].minutes, steps.free_minutes[0]), (120_030, 10_000));
    let shares: Vec<_> =
        steps.shares.iter().map(|share| (share.tier, share.billable_minutes)).collect();
    assert_eq!(shares, [(1, 100_000), (2, 10_030)]);
    assert_eq!(steps.exact_total, bill.exact_total);
}
