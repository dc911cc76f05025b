//! What a price book may hold, and how a wrong one is refused.

use super::*;
use crate::rating::tests::support::{REFERENCE_BOOK, book, exact};

#[test]
fn the_built_in_books_hold_the_list_prices() {
    use Media::{Audio, FullHd, Hd, Hdp, Video2k, Video2kPlus};
    use Service::{CloudRecording, Miniapp, Recording, Rtc, Transcoding};
    let tiered = book("tiered");
    let fixed = book("fixed");
    for (service, media, in_tiered, in_fixed) in [
        (Rtc, Audio, Some("0.99"), Some("0.99")),
        (Rtc, Hd, Some("3.99"), Some("3.99")),
        (Rtc, Hdp, Some("8.99"), Some("14.99")),
        (Rtc, FullHd, Some("8.99"), None),
        (Rtc, Video2k, Some("15.99"), None),
        (Rtc, Video2kPlus, Some("35.99"), None),
        (Recording, Audio, Some("0.99"), Some("0.99")),
        (Recording, Hd, Some("3.99"), Some("3.99")),
        (Recording, Hdp, Some("14.99"), Some("14.99")),
        (Recording, FullHd, Some("8.99"), None),
        (Recording, Video2k, Some("15.99"), None),
        (Recording, Video2kPlus, Some("35.99"), None),
        (CloudRecording, Audio, Some("1.49"), Some("1.49")),
        (CloudRecording, Hd, Some("5.99"), Some("5.99")),
        (CloudRecording, Hdp, Some("22.49"), Some("22.49")),
        (CloudRecording, FullHd, Some("13.49"), None),
        (CloudRecording, Video2k, Some("23.99"), None),
        (CloudRecording, Video2kPlus, Some("53.99"), None),
        (Miniapp, Audio, Some("1.42"), Some("1.42")),
        (Miniapp, Hd, None, None),
        (Miniapp, Hdp, None, None),
        (Transcoding, Audio, None, None),
    ] {
        let prices = [&tiered, &fixed].map(|book| book.unit_price_per_1000(service, media));
        let expected = [in_tiered, in_fixed].map(|text| text.map(exact));
        assert_eq!(prices, [expected[0].as_ref(), expected[1].as_ref()], "{service} {media}");
    }
}

#[test]
fn the_built_in_books_hold_the_rules_of_their_plans() {
    let tiered = book("tiered");
    let tiers: Vec<_> =
        tiered.tiers().iter().map(|tier| (tier.from_minute, &tier.discount_percent)).collect();
    let percent = ["0", "5", "7", "10"].map(exact);
    let starts = [0, 100_000, 500_000, 1_000_000];
    assert_eq!(tiers, starts.into_iter().zip(&percent).collect::<Vec<_>>());
    assert_eq!((tiered.plan, book("fixed").plan), (Plan::Tiered, Plan::Fixed));
    assert_eq!(book("fixed").tiers().len(), 1);
    assert_eq!(tiered.free_minutes, 10_000);
    let position = |service, media| tiered.free_position(service, media).expect("in the order");
    assert!(position(Service::Miniapp, Media::Audio) < position(Service::Rtc, Media::Hd));
    assert!(position(Service::CloudRecording, Media::Hdp) < position(Service::Rtc, Media::FullHd));
    assert_eq!(tiered.billed_as(Media::Sd), Media::Hd);
    assert!(PriceBook::embedded("monthly").is_none());
}

#[test]
fn a_book_is_known_by_the_hash_of_its_text() {
    let first = PriceBook::parse("a.toml", REFERENCE_BOOK).expect("valid");
    let other_file = PriceBook::parse("b.toml", REFERENCE_BOOK).expect("valid");
    let changed = PriceBook::parse("a.toml", &format!("{REFERENCE_BOOK}\n")).expect("valid");
    assert_eq!(first.sha256.len(), 64);
    assert_eq!(first.sha256, other_file.sha256);
    assert_ne!(first.sha256, changed.sha256);
}

#[test]
fn rules_that_a_book_leaves_out_have_their_documented_reading() {
    let book = PriceBook::parse("a.toml", REFERENCE_BOOK).expect("valid");
    assert_eq!((book.tier_fill, book.tier_edge), (TierFill::CheapestFirst, TierEdge::HalfOpen));
    assert_eq!(book.hdp_priced_as(Service::Rtc), None);
    let without_sd = REFERENCE_BOOK.replace("sd_as = \"hd\"\n", "");
    let book = PriceBook::parse("a.toml", &without_sd).expect("valid");
    assert_eq!(book.billed_as(Media::Sd), Media::Sd);
}

#[test]
fn errors_name_the_file_the_line_the_key_and_what_is_allowed() {
    let refusal = |from: &str, to: &str| {
        assert!(REFERENCE_BOOK.contains(from), "{from}");
        let text = REFERENCE_BOOK.replacen(from, to, 1);
        PriceBook::parse("my.toml", &text).expect_err(to).to_string()
    };
    for (from, to, expected) in [
        ("\"0.99\"", "\"0.99999\"", "line 22: prices.rtc.audio is '0.99999'; a decimal of 0 or"),
        ("\"0.99\"", "\"-1\"", "prices.rtc.audio is '-1'"),
        ("\"0.99\"", "\"1e3\"", "prices.rtc.audio is '1e3'"),
        ("\"0.99\"", "\"1.\"", "prices.rtc.audio is '1.'"),
        ("\"0.99\"", "\"\"", "prices.rtc.audio is ''"),
        ("\"0.99\"", "0.99", "line 22: invalid type: floating point"),
        ("audio = ", "sound = ", "a key of prices is 'sound'; media: audio, sd, hd"),
        ("audio = ", "sd = ", "prices.rtc.sd is '0.99'; sd_as bills SD"),
        ("[prices.rtc]", "[prices.video]", "a table of prices is 'video'; services: rtc, rec"),
        ("\"USD\"", "\"US$\"", "line 5: currency is 'US$'; a code of ISO 4217"),
        ("\"tiered\"", "\"monthly\"", "plan is 'monthly'; allowed: tiered, fixed"),
        ("\"tiered\"", "\"fixed\"", "tiers.from_minute is '100000'; a fixed plan has one tier"),
        ("\"rtc.hd\"", "\"rtc.audio\"", "free_order is 'rtc.audio'; each may come once"),
        ("\"rtc.hd\"", "\"rtc.hd3\"", "line 7: free_order is 'rtc.hd3'; write service.media"),
        ("\"rtc.hd\"", "\"hd\"", "free_order is 'hd'; write service.media"),
        (
            "free_order = [\"rtc.audio\", \"rtc.hd\", \"rtc.hdp\"]",
            "",
            "free_minutes is '10000'; more than 0 needs a free_order",
        ),
        ("= 10000", "= -1", "line 6: invalid value: integer `-1`"),
        ("sd_as = \"hd\"", "sd_as = \"2k\"", "sd_as is '2k'; allowed: hd"),
        ("sd_as", "hdp_as", "hdp_as is 'hd'; allowed: full_hd, 2k, 2k_plus"),
        ("[[tiers]]", "tier_fill = \"pro_rata\"\n[[tiers]]", "allowed: cheapest_first, dearest"),
        ("[[tiers]]", "tier_edge = \"open\"\n[[tiers]]", "allowed: half_open, printed"),
        ("[[tiers]]", "rates = \"printed\"\n[[tiers]]", "rates is 'printed'; allowed: percent"),
        ("[[tiers]]", "free_hours = 1\n[[tiers]]", "line 9: unknown field `free_hours`"),
        ("from_minute = 0", "from_minute = 1", "the first tier begins at 0"),
        ("= 500000", "= 100000", "each tier begins above the one before it"),
        ("\"5\"", "\"100.01\"", "line 14: tiers.discount_percent is '100.01'; a decimal from 0"),
        ("\"5\"", "\"5.001\"", "tiers.discount_percent is '5.001'"),
        ("name = \"reference\"", "name = \"\"", "name is ''"),
        ("name = \"reference\"", "", "missing field `name`"),
        ("name = \"reference\"", "name =", "price book my.toml, line 2: "),
    ] {
        let message = refusal(from, to);
        assert!(message.starts_with("price book my.toml"), "{message}");
        assert!(message.contains(expected), "{message}\nshould hold: {expected}");
    }
}
