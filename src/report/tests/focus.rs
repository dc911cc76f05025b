//! FOCUS: what is told apart, and that it adds up.

use super::other_formats::of_format;
use super::*;
use crate::domain::money::decimal_text;
use crate::rating::{ALLOCATION_SCALE, ChargeKind, PriceBook, decimal_units, rate};

/// Usage of two projects, some of it of a media and of a field without a price.
fn used(book: &str) -> Sample {
    let book = PriceBook::parse("book.toml", book).expect("valid");
    let mut sample = Sample::empty();
    for (id, seconds) in [("P1", 50_000_011), ("P2", 7_000_003)] {
        let id = ProjectId::new(id).expect("valid");
        for date in ["2031-03-02", "2031-03-03", "2031-03-31"] {
            let mut row = day_usage(&id, day(date), Service::Rtc);
            row.seconds[Media::Audio.index()] = Some(seconds);
            row.seconds[Media::Sd.index()] = Some(seconds / 7);
            sample.usage.push(row);
        }
    }
    sample.usage[0].extra_seconds.insert("durationVideo8K".to_owned(), Some(60));
    let mut row =
        day_usage(&ProjectId::new("P2").expect("valid"), day("2031-03-02"), Service::Transcoding);
    row.seconds[Media::Hd.index()] = Some(90);
    sample.usage.push(row);
    sample.bill =
        rate(&sample.bill.account, sample.bill.month, &sample.usage, &book).expect("rated");
    let prices = [(Media::Audio, "99/100000"), (Media::Sd, "399/100000")];
    for (media, list) in prices {
        let own = book
            .worth_per_1000(Service::Rtc, book.billed_as(media), &book.audience_share)
            .expect("a price");
        let kept = (sample::ratio(100, 1) - &book.terms.discount_percent) / sample::ratio(100, 1);
        let list =
            list.parse::<num_rational::BigRational>().expect("ratio") * sample::ratio(1_000, 1);
        let prices = UnitPrices { list, contracted: own * kept };
        sample.background.unit_prices.insert((Service::Rtc, media), prices);
    }
    sample
}

const CONTRACT: &str = "extends = 'tiered-usd'\nname = 'contract'\ndiscount_percent = '12.5'\n\
                        minimum_commitment = '9876.54'\ntax_percent = '19'\n\
                        [prices.rtc]\naudio = '0.8'\n";

type Row = BTreeMap<String, String>;

fn rows(text: &str) -> Vec<Row> {
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().map(|row| row.expect("a row")).collect()
}

/// A decimal in units of its last place, which is the `scale`th.
fn units(text: &str, scale: u32) -> i128 {
    let (whole, places) = text.split_once('.').expect("a point");
    assert_eq!(places.len(), scale as usize, "{text}");
    format!("{whole}{places}").parse().expect("digits")
}

fn micro(row: &Row, column: &str) -> i128 {
    units(&row[column], ALLOCATION_SCALE)
}

fn sum<'a>(rows: impl IntoIterator<Item = &'a Row>, column: &str) -> i128 {
    rows.into_iter().map(|row| micro(row, column)).sum()
}

fn of<'a>(rows: &'a [Row], category: &str) -> Vec<&'a Row> {
    rows.iter().filter(|row| row["ChargeCategory"] == category).collect()
}

fn charged(sample: &Sample, kind: ChargeKind) -> i128 {
    let charge = sample.bill.charges.iter().find(|charge| charge.kind == kind).expect("charged");
    decimal_units(&charge.amount, ALLOCATION_SCALE).expect("fits")
}

#[test]
fn tax_and_an_unused_commitment_are_rows_of_their_own() {
    let mut sample = used(CONTRACT);
    sample.adjust("P1", -1_234);
    sample.adjust("", 501);
    let rows = rows(&read(of_format("focus", &sample).path(), "focus.csv"));
    let due = sample.report().amount_due();
    assert_eq!(sum(&rows, "BilledCost"), due.minor_units * 10_000);
    assert_eq!(sum(of(&rows, "Tax"), "BilledCost"), charged(&sample, ChargeKind::Tax));
    let commitment = of(&rows, "Purchase");
    assert_eq!(sum(commitment.clone(), "BilledCost"), charged(&sample, ChargeKind::Commitment));
    assert_eq!(sum(commitment.clone(), "EffectiveCost"), 0);
    assert!(commitment.iter().all(|row| row["SkuId"] == "agora.commitment"));
    assert_eq!((commitment.len(), of(&rows, "Tax").len()), (2, 2), "one a project");
    assert_eq!(sum(of(&rows, "Credit"), "BilledCost"), -12_340_000);
    assert_eq!(sum(of(&rows, "Adjustment"), "BilledCost"), 5_010_000);
    // Usage has neither: list price less the discount, and less the free minutes.
    let usage = of(&rows, "Usage");
    let lines: num_rational::BigRational = sample.bill.lines.iter().map(|line| &line.amount).sum();
    let lines = decimal_units(&lines, ALLOCATION_SCALE).expect("fits");
    let net = lines + charged(&sample, ChargeKind::Discount);
    let found = sum(usage.clone(), "BilledCost");
    assert!((found - net).abs() <= 5_001, "{found} and {net} differ by more than the rounding");
    for row in usage {
        assert_eq!(row["EffectiveCost"], row["BilledCost"]);
        assert!(micro(row, "BilledCost") >= 0, "{row:?}");
    }
    for project in sample.projects.iter().map(|project| project.project_id.as_str()) {
        let of_project = rows.iter().filter(|row| row["SubAccountId"] == project);
        let share = sample.bill.projects.iter().find(|one| one.project_id.as_str() == project);
        let adjusted = if project == "P1" { -1_234 } else { 0 };
        let cost = share.expect("listed").cost_minor_units + adjusted;
        assert_eq!(sum(of_project, "BilledCost"), cost * 10_000, "{project}");
    }
}

#[test]
fn list_prices_are_the_published_ones_and_contracted_those_of_the_contract() {
    let sample = used(CONTRACT);
    let rows = rows(&read(of_format("focus", &sample).path(), "focus.csv"));
    let audio: Vec<_> = rows.iter().filter(|row| row["SkuId"] == "rtc.audio").collect();
    assert_eq!(audio.len(), 6);
    for row in audio {
        assert_eq!(row["ListUnitPrice"], "0.00099000000");
        assert_eq!(row["ContractedUnitPrice"], "0.00070000000");
        assert_eq!(row["SkuPriceId"], "contract/rtc.audio");
        let quantity = units(&row["PricingQuantity"], 6);
        for (cost, price) in
            [("ListCost", "ListUnitPrice"), ("ContractedCost", "ContractedUnitPrice")]
        {
            assert_eq!(units(&row[cost], 17), units(&row[price], 11) * quantity);
        }
    }
    for row in of(&rows, "Tax") {
        let empty =
            ["ListUnitPrice", "ContractedUnitPrice", "PricingQuantity", "PricingUnit", "SkuId"];
        assert!(empty.iter().all(|name| row[*name].is_empty()), "{row:?}");
        assert_eq!(row["ChargeDescription"], "tax of 19 %");
    }
}

#[test]
fn c34_usage_without_a_price_has_rows_that_say_so() {
    let sample = used(CONTRACT);
    assert_eq!(sample.report().status(), BillStatus::Incomplete);
    let rows = rows(&read(of_format("focus", &sample).path(), "focus.csv"));
    let unpriced: Vec<_> = rows.iter().filter(|row| row["Tags"].contains("unpriced")).collect();
    let told: Vec<_> =
        unpriced.iter().map(|row| (&*row["SkuId"], &*row["ConsumedQuantity"])).collect();
    assert_eq!(told, [("rtc.durationVideo8K", "60.0"), ("transcoding.hd", "90.0")]);
    for row in unpriced {
        assert_eq!(row["BilledCost"], "0.000000");
        for name in ["EffectiveCost", "ListCost", "ContractedCost"] {
            assert!(row[name].chars().all(|digit| ['0', '.'].contains(&digit)), "{name}");
        }
        assert!(row["ListUnitPrice"].is_empty() && row["ContractedUnitPrice"].is_empty());
        assert!(row["ChargeDescription"].contains("without a known price"), "{row:?}");
        let tags: BTreeMap<String, String> = serde_json::from_str(&row["Tags"]).expect("JSON");
        assert_eq!(tags["agora-usage/pricing"], "unpriced");
    }
}

#[test]
fn a_package_is_a_purchase_that_usage_consumes() {
    let book =
        "extends = 'standard-usd'\nname = 'package'\npackage = 'Starter'\ntax_percent = '10'\n";
    let mut sample = used(book);
    let rows_of = |sample: &Sample| rows(&read(of_format("focus", sample).path(), "focus.csv"));
    let rows = rows_of(&sample);
    let package = of(&rows, "Purchase");
    assert_eq!(sum(package.clone(), "BilledCost"), charged(&sample, ChargeKind::Package));
    assert_eq!(sum(package.clone(), "EffectiveCost"), 0);
    assert!(package.iter().all(|row| row["SkuId"] == "agora.package"));
    let due = sample.bill.total.minor_units * 10_000;
    assert_eq!((sum(&rows, "BilledCost"), sum(&rows, "EffectiveCost")), (due, due));
    // Without usage it belongs to no project, and has the rounding of the total.
    sample.usage.clear();
    let book = PriceBook::parse("book.toml", book).expect("valid");
    sample.bill = rate(&sample.bill.account, sample.bill.month, &[], &book).expect("rated");
    let rows = rows_of(&sample);
    let told: Vec<_> = rows
        .iter()
        .map(|row| (&*row["ChargeCategory"], &*row["SubAccountId"], &*row["BilledCost"]))
        .collect();
    assert_eq!(told[0], ("Purchase", "", "45.991000"));
    assert_eq!(told.last().expect("tax").0, "Tax");
    let billed: i128 = sum(&rows, "BilledCost");
    assert_eq!(decimal_text(billed, ALLOCATION_SCALE), format!("{}0000", sample.bill.total));
}

#[test]
fn only_a_closed_bill_is_an_invoice_and_another_revision_another_one() {
    let sample = used(CONTRACT);
    let ids = |closed: Option<i32>| {
        let out = TempDir::new().expect("folder");
        let note = closed.map(|revision| ClosedNote {
            revision,
            closed_at: chrono::DateTime::UNIX_EPOCH,
            forced: true,
            reservations: Vec::new(),
        });
        let mut options = options(out.path());
        options.formats = vec![Format::from_name("focus").expect("known")];
        let report = MonthReport { closed: note.as_ref(), ..sample.report() };
        write_month(&report, &options).expect("written");
        let mut ids = column(&read(out.path(), "focus.csv"), "InvoiceId");
        ids.dedup();
        ids
    };
    assert_eq!(ids(None), [""]);
    assert_eq!(ids(Some(1)), ["default/2031-03/r1"]);
    assert_eq!(ids(Some(2)), ["default/2031-03/r2"]);
}
