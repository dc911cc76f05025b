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
    let position = |service, media| {
        tiered.free_position((service, LineKind::Usage, media)).expect("in the order")
    };
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
        (
            "\"tiered\"",
            "\"monthly\"",
            "plan is 'monthly'; allowed: tiered, fixed, standard_minutes",
        ),
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
        (
            "[[tiers]]",
            "tier_fill = \"any\"\n[[tiers]]",
            "allowed: cheapest_first, dearest_first, pro",
        ),
        ("[[tiers]]", "tier_edge = \"open\"\n[[tiers]]", "allowed: half_open, printed"),
        ("[[tiers]]", "rates = \"net\"\n[[tiers]]", "rates is 'net'; allowed: percent, printed"),
        ("[[tiers]]", "line_rounding = \"up\"\n[[tiers]]", "'up'; allowed: none, line"),
        ("[[tiers]]", "valid_from = \"2026\"\n[[tiers]]", "line 9: valid_from is '2026'; a month"),
        (
            "[[tiers]]",
            "valid_from = \"2026-03\"\nvalid_to = \"2026-02\"\n[[tiers]]",
            "line 10: valid_to is '2026-02'; it is before valid_from",
        ),
        ("[[tiers]]", "accounts = [\"a/b\"]\n[[tiers]]", "accounts is 'a/b'; names of accounts"),
        ("[[tiers]]", "tax_percent = \"101\"\n[[tiers]]", "tax_percent is '101'; a decimal from 0"),
        ("[[tiers]]", "minimum_commitment = \"-1\"\n[[tiers]]", "minimum_commitment is '-1'"),
        ("[[tiers]]", "package = \"Pro\"\n[[tiers]]", "package belongs to plan = \"standard_min"),
        (
            "[[tiers]]",
            "extends = \"mine\"\n[[tiers]]",
            "extends is 'mine'; the built-in books are tiered-usd, fixed-usd, standard-usd, \
             tiered-cny, fixed-cny",
        ),
        (
            "[\"rtc.audio\", \"rtc.hd\", \"rtc.hdp\"]",
            "5",
            "integer `5`, expected the name of an order or a list of service.media",
        ),
        (
            "[[tiers]]",
            "broadcast_audience_share = \"130%\"\n[[tiers]]",
            "is '130%'; a share is needed, such as \"30%\"",
        ),
        (
            "[[tiers]]",
            "broadcast_audience_share = \"0.3\"\n[[tiers]]",
            "more than 0 needs prices for the audience, in [prices.rtc_audience]",
        ),
        (
            "[\"rtc.audio\", \"rtc.hd\", \"rtc.hdp\"]",
            "\"2022\"",
            "line 7: free_order is '2022'; write 2018, 2021-01, 2021-04, today, or a list",
        ),
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

#[test]
fn a_book_extends_a_built_in_one() {
    let text = r#"
        name = "contract"
        extends = "tiered-usd"
        valid_from = "2026-01"
        tax_percent = "19"
        tier_fill = "pro_rata"
        [prices.rtc]
        audio = "0.50"
    "#;
    let own = PriceBook::parse("contract.toml", text).expect("valid");
    let base = book("tiered");
    let audio = own.unit_price_per_1000(Service::Rtc, Media::Audio);
    assert_eq!(audio, Some(&exact("0.50")));
    for (service, media) in [(Service::Rtc, Media::Hd), (Service::Recording, Media::Audio)] {
        let prices = [&own, &base].map(|book| book.unit_price_per_1000(service, media));
        assert_eq!(prices[0], prices[1], "{service} {media}");
    }
    assert_eq!((own.name.as_str(), own.tier_fill), ("contract", TierFill::ProRata));
    assert_eq!((own.tiers(), own.free_minutes), (base.tiers(), 10_000));
    assert_eq!(own.description, base.description);
    assert_eq!(own.terms.tax_percent, exact("19"));
    assert_ne!(own.sha256, base.sha256);
    let whole = toml::to_string(&own.written_out().expect("a book")).expect("text");
    let written_out = PriceBook::parse("whole.toml", &whole).expect("valid");
    let alike = PriceBook { text: own.text.clone(), sha256: own.sha256.clone(), ..written_out };
    assert_eq!(alike, own);
}

#[test]
fn a_fault_that_an_extended_book_brings_in_is_named_as_such() {
    let text = "name = \"mine\"\nextends = \"tiered-usd\"\nplan = \"fixed\"\n";
    let said = PriceBook::parse("mine.toml", text).expect_err("tiers").to_string();
    let expected = "price book tiered-usd, which mine.toml extends, line ";
    assert!(said.starts_with(expected), "{said}");
    assert!(said.ends_with("a fixed plan has one tier at most"), "{said}");
    let line: usize = said[expected.len()..].split(':').next().expect("one").parse().expect("line");
    let of_base = book("tiered").text;
    assert_eq!(of_base.lines().nth(line - 1), Some("from_minute = 100000"));
}

#[test]
fn prices_in_renminbi_and_those_of_the_audience_are_the_list_prices() {
    use Media::{Audio, FullHd, Hd, Hdp, Video2k, Video2kPlus};
    let (tiered, fixed) = (book("tiered-cny"), book("fixed-cny"));
    assert_eq!((tiered.currency.code(), fixed.currency.code()), ("CNY", "CNY"));
    let price = |book: &PriceBook, service, kind, media| {
        book.price((service, kind, media), None).map(ToString::to_string)
    };
    let usage = |book, service, media| price(book, service, LineKind::Usage, media);
    let some = |text: &str| Some(text.to_owned());
    for (media, in_tiered, in_fixed, of_audience) in [
        (Audio, some("7"), some("7"), some("4")),
        (Hd, some("28"), some("28"), some("14")),
        (Hdp, None, some("105"), None),
        (FullHd, some("63"), None, some("32")),
        (Video2k, some("112"), None, some("56")),
        (Video2kPlus, some("252"), None, some("126")),
    ] {
        assert_eq!(usage(&tiered, Service::Rtc, media), in_tiered, "{media}");
        assert_eq!(usage(&fixed, Service::Rtc, media), in_fixed, "{media}");
        let audience = price(&tiered, Service::Rtc, LineKind::Audience, media);
        assert_eq!(audience, of_audience, "{media}");
    }
    for book in [&tiered, &fixed] {
        let prices = [Audio, Hd, Hdp].map(|media| usage(book, Service::CloudRecording, media));
        assert_eq!(prices, [some("9"), some("36"), some("135")]);
        assert_eq!(usage(book, Service::Miniapp, Audio), some("10"));
        assert_eq!(usage(book, Service::Miniapp, Hd), some("30"));
        assert_eq!(usage(book, Service::Recording, Audio), None);
    }
    let usd = book("tiered");
    let of_audience = [Audio, Hd, FullHd, Video2k, Video2kPlus]
        .map(|media| usd.price((Service::Rtc, LineKind::Audience, media), None).cloned());
    assert_eq!(of_audience, ["0.59", "1.99", "4.59", "7.99", "17.99"].map(|it| Some(exact(it))));
}

#[test]
fn standard_minutes_have_the_published_coefficients_packages_and_top_ups() {
    use Media::{Audio, FullHd, Hd, Video2k, Video2kPlus};
    let book = book("standard");
    let coefficients = |kind| {
        [Audio, Hd, FullHd, Video2k, Video2kPlus]
            .map(|media| book.coefficient((Service::Rtc, kind, media), None).cloned())
    };
    let expected = |texts: [&str; 5]| texts.map(|text| Some(exact(text)));
    assert_eq!(coefficients(LineKind::Usage), expected(["1", "4", "9", "16", "36"]));
    assert_eq!(coefficients(LineKind::Audience), expected(["0.57", "2", "4.57", "8", "18"]));
    let standard = book.standard.expect("terms");
    assert_eq!((standard.overage_price_per_1000, book.free_minutes), (exact("0.99"), 10_000));
    let packages: Vec<_> =
        standard.packages.iter().map(|it| (it.name.as_str(), it.minutes, &it.price)).collect();
    let prices = ["45.99", "133.99", "339.99", "659.99", "1217.99"].map(exact);
    let minutes = [50_000, 150_000, 400_000, 800_000, 1_500_000];
    let names = ["Starter", "Pro", "Business", "Advanced", "Plus"];
    let expected: Vec<_> =
        (0..5).map(|place| (names[place], minutes[place], &prices[place])).collect();
    assert_eq!(packages, expected);
    let top_ups: Vec<_> = standard.top_ups.iter().map(|it| (it.minutes, &it.price)).collect();
    let prices = ["23.50", "230", "891"].map(exact);
    assert_eq!(top_ups, [25_000, 250_000, 1_000_000].into_iter().zip(&prices).collect::<Vec<_>>());
}

#[test]
fn the_built_in_books_are_found_by_their_name_and_by_their_plan() {
    let names = ["tiered-usd", "fixed-usd", "standard-usd", "tiered-cny", "fixed-cny"];
    let plans = ["tiered", "fixed", "standard", "tiered-cny", "fixed-cny"];
    assert_eq!(PriceBook::embedded_names(), names);
    assert_eq!(PriceBook::embedded_plans(), plans);
    for (name, plan) in names.into_iter().zip(plans) {
        assert_eq!((book(plan).name.as_str(), book(name)), (name, book(plan)));
    }
    let kinds = [LineKind::Usage, LineKind::Audience].map(LineKind::name);
    assert_eq!(kinds, ["usage", "audience"]);
}

#[test]
fn the_documented_orders_are_given_by_name() {
    let orders = PriceBook::documented_free_orders();
    let lengths: Vec<_> = orders.iter().map(|(name, order)| (*name, order.len())).collect();
    assert_eq!(lengths, [("2018", 12), ("2021-01", 12), ("2021-04", 30), ("today", 25)]);
    assert_eq!(orders[2].1, book("tiered").free_order());
}

#[test]
fn a_price_on_trial_and_the_price_before_tax_leave_the_rest_as_it_is() {
    let taxed = PriceBook::parse("a.toml", &format!("tax_percent = '19'\n{REFERENCE_BOOK}"));
    let taxed = taxed.expect("valid");
    let before = taxed.before_tax();
    assert_eq!(before.terms.tax_percent, exact("0"));
    assert_eq!(PriceBook { terms: taxed.terms.clone(), ..before }, taxed);
    let audio = (Service::Rtc, LineKind::Usage, Media::Audio);
    let trial = taxed.clone().with_price(audio, exact("0.5"));
    assert_eq!(trial.price(audio, None), Some(&exact("0.5")));
    assert_eq!(trial.with_price(audio, exact("0.99")), taxed);
}

#[test]
fn the_published_prices_are_those_of_the_built_in_book_of_plan_and_currency() {
    let contract = "extends = 'tiered-usd'\nname = 'contract'\n[prices.rtc]\naudio = '0.8'\n";
    let contract = PriceBook::parse("contract.toml", contract).expect("valid");
    let audio = |book: &PriceBook| book.worth_per_1000(Service::Rtc, Media::Audio, &exact("0"));
    assert_eq!(audio(&contract), Some(exact("0.8")));
    let published = contract.published().expect("built in");
    assert_eq!((published.name.as_str(), audio(&published)), ("tiered-usd", Some(exact("0.99"))));
    for name in PriceBook::embedded_names() {
        let own = PriceBook::embedded(name).expect("known").expect("valid");
        assert_eq!(own.published().map(|book| book.name).as_deref(), Some(name));
    }
    let elsewhere = "extends = 'tiered-usd'\nname = 'contract'\ncurrency = 'EUR'\n";
    let elsewhere = PriceBook::parse("contract.toml", elsewhere).expect("valid");
    assert_eq!(elsewhere.published(), None);
    // 4 standard minutes beyond the package, of 0.99 the thousand.
    let standard = PriceBook::embedded("standard-usd").expect("known").expect("valid");
    let worth =
        |book: &PriceBook, share: &str| book.worth_per_1000(Service::Rtc, Media::Hd, &exact(share));
    assert_eq!(worth(&standard, "0"), Some(exact("3.96")));
    // Of the audience 3.99 - 1.99 = 2.00 less the thousand in tiers.
    let tiered = PriceBook::embedded("tiered-usd").expect("known").expect("valid");
    assert_eq!(worth(&tiered, "0"), Some(exact("3.99")));
    assert_eq!(worth(&tiered, "1"), Some(exact("1.99")));
    assert_eq!(worth(&tiered, "0.3"), Some(exact("3.39")));
}

#[test]
fn values_at_the_edge_of_what_is_allowed_are_taken() {
    let with = |lines: &str| PriceBook::parse("a.toml", &format!("{lines}\n{REFERENCE_BOOK}"));
    let one_month = with("valid_from = '2031-03'\nvalid_to = '2031-03'").expect("valid");
    assert_eq!(one_month.valid_from, one_month.valid_to);
    let none_free = REFERENCE_BOOK
        .replace("free_minutes = 10000\n", "free_minutes = 0\n")
        .replace("free_order = [\"rtc.audio\", \"rtc.hd\", \"rtc.hdp\"]\n", "");
    assert_eq!(PriceBook::parse("a.toml", &none_free).expect("valid").free_order(), []);
    assert_eq!(with("tax_percent = '100'").expect("valid").terms.tax_percent, exact("100"));
    let share = |text: &str| {
        let lines = format!("extends = 'tiered-usd'\nbroadcast_audience_share = '{text}'");
        let book = PriceBook::parse("a.toml", &format!("name = 'a'\n{lines}"));
        book.map(|book| book.audience_share)
    };
    assert_eq!(share("33.3333%"), Ok(exact("0.333333")));
    assert_eq!(share("0.333333"), share("33.3333%"));
    assert_eq!(share("0"), Ok(exact("0")));
    assert!(share("33.33333%").is_err() && share("0.3333333").is_err());
    // Nobody asks for prices of an audience that there is not.
    assert!(with("broadcast_audience_share = '0'").is_ok());
}

#[test]
fn the_audience_needs_prices_or_coefficients_of_its_own() {
    let standard = book("standard");
    let share = "name = 'a'\nextends = 'standard-usd'\nbroadcast_audience_share = '0.3'";
    let by_coefficients = PriceBook::parse("a.toml", share).expect("it has coefficients");
    assert!(by_coefficients.has_audience() && !standard.has_audience());
    let cny = "name = 'a'\nextends = 'fixed-cny'\nbroadcast_audience_share = '0.3'";
    let said = PriceBook::parse("a.toml", cny).expect_err("no prices").to_string();
    assert!(said.contains("needs prices for the audience"), "{said}");
}

#[test]
fn standard_minutes_have_no_tiers_and_name_their_packages() {
    let refusal = |lines: &str| {
        let text = format!("name = 'a'\nextends = 'standard-usd'\n{lines}");
        PriceBook::parse("a.toml", &text).expect_err(lines).to_string()
    };
    let tier = "[[tiers]]\nfrom_minute = 0\ndiscount_percent = '0'";
    assert!(refusal(tier).contains("tiers.from_minute is '0'; standard minutes have no tiers"));
    let packages = "package is 'Huge'; packages: Starter, Pro, Business, Advanced, Plus";
    assert!(refusal("package = 'Huge'").contains(packages));
    let bought = "[[top_ups_bought]]\nmonth = '2031-03'\nminutes = 7";
    let said = refusal(bought);
    assert!(said.contains("minutes is '7'; top_ups: 25000, 250000, 1000000"), "{said}");
}
