//! What an invoice may say, and what is refused.

use super::*;
use crate::reconcile::testing::exact;

fn parse(text: &str) -> Result<Invoice, InvoiceError> {
    Invoice::parse("invoice.csv", text.as_bytes())
}

fn refused(row: &str) -> String {
    parse(&format!("service,media,minutes,amount\nrtc,audio,1,2\n{row}\n"))
        .expect_err(row)
        .to_string()
}

#[test]
fn rows_are_read_exactly_in_any_order_of_columns() {
    let text = "\u{feff}amount,service,media,minutes\r\n\
                -0.000000000001, rtc ,hd,101\r\n\"12.50\",tax,,\r\n\r\n3,rtc,2k_plus,\r\n";
    let invoice = parse(text).expect("an invoice");
    let rows: Vec<_> = invoice.rows.iter().map(|row| (row.line_number, row.line)).collect();
    let hd = Line::Usage(Service::Rtc, Media::Hd);
    let best = Line::Usage(Service::Rtc, Media::Video2kPlus);
    assert_eq!(rows, [(2, hd), (3, Line::Tax), (5, best)]);
    assert_eq!(invoice.rows[0].amount, exact("-0.000000000001"));
    assert_eq!(invoice.minutes(), [((Service::Rtc, Media::Hd), exact("101"))].into());
    assert_eq!(invoice.sha256.len(), 64);
}

#[test]
fn discounts_and_other_rows_may_come_often() {
    let text = "service,media,minutes,amount\ndiscount,,,-1\ndiscount,,,-2\nother,,,5.5\n";
    let amounts = parse(text).expect("an invoice").amounts(usd());
    assert_eq!(amounts.get(Line::Discount), exact("-3"));
    assert_eq!(amounts.get(Line::Other), exact("5.5"));
}

fn usd() -> Currency {
    Currency::from_code("USD").expect("known")
}

#[test]
fn what_cannot_be_read_is_refused_with_its_place_and_the_way_out() {
    for (row, words) in [
        ("rtx,audio,1,2", &["line 3, column service: 'rtx'", "cloud_recording", "discount"][..]),
        ("rtc,4k,1,2", &["line 3, column media: '4k'", "2k_plus"]),
        ("rtc,,1,2", &["column media: ''"]),
        ("tax,audio,,2", &["column media: 'audio'", "leave the field empty"]),
        ("tax,,7,2", &["column minutes: '7'"]),
        ("rtc,hd,-1,2", &["column minutes: '-1'"]),
        ("rtc,hd,1.0000001,2", &["column minutes"]),
        ("rtc,hd,1,", &["column amount: ''", "is missing"]),
        ("rtc,hd,1,\"1,234.50\"", &["column amount: '1,234.50'", "such as 1234.50"]),
        ("rtc,hd,1,$5", &["column amount: '$5'"]),
        ("rtc,hd,1,1e3", &["column amount"]),
        ("rtc,hd,1,+3", &["column amount"]),
        ("rtc,hd,1,0.0000000000001", &["column amount"]),
        ("rtc,hd,1,1234567890123456789", &["column amount"]),
        ("rtc,hd,1,1,5", &["line 3: has 5 fields"]),
        ("rtc,hd", &["line 3: has 2 fields"]),
        ("rtc,audio,5,6", &["'rtc audio' is on line 2 already"]),
        ("rounding,,,0.01", &["column service: 'rounding'"]),
    ] {
        let said = refused(row);
        for word in words {
            assert!(said.contains(word), "{row}: {said}");
        }
    }
}

#[test]
fn a_file_without_rows_or_header_is_refused() {
    for (text, word) in [
        ("", "is empty"),
        ("service,media,minutes,amount\n", "has no rows"),
        ("service,media,amount\nrtc,hd,1\n", "line 1: the header is 'service,media,amount'"),
        ("rtc,hd,1,2\n", "the header is 'rtc,hd,1,2'"),
    ] {
        let said = parse(text).expect_err(text).to_string();
        assert!(said.contains(word), "{said}");
    }
    let said = Invoice::parse("x.csv", &[0xff, 0xfe]).expect_err("UTF-16").to_string();
    assert!(said.contains("UTF-8"), "{said}");
    let long = vec![b' '; MAX_BYTES + 1];
    assert!(Invoice::parse("x.csv", &long).is_err());
}
