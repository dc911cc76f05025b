//! Months and invoices, written shortly.

use std::collections::BTreeMap;

use num_rational::BigRational;

use super::{Amounts, Gap, Invoice, InvoiceRow, Line};
use crate::domain::{
    AccountId, DateRange, DayUsage, Media, MediaSet, Month, ProjectId, Service, SupersededUsage,
    UsageSource,
};
use crate::rating::{Bill, PriceBook, rate};

/// An exact amount from its decimal text.
pub(super) fn exact(text: &str) -> BigRational {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let units: i128 = format!("{whole}{decimals}").parse().expect("digits");
    let scale = 10_i128.pow(u32::try_from(decimals.len()).expect("short"));
    BigRational::new(units.into(), scale.into())
}

pub(super) fn account() -> AccountId {
    AccountId::new("default").expect("a name")
}

pub(super) fn march() -> Month {
    Month::parse("2031-03").expect("a month")
}

pub(super) fn day(number: u32) -> chrono::NaiveDate {
    chrono::NaiveDate::from_ymd_opt(2031, 3, number).expect("a day")
}

/// Seconds of some media; the others are not applicable.
pub(super) fn cell(
    project: &str,
    number: u32,
    service: Service,
    seconds: &[(Media, i64)],
) -> DayUsage {
    let mut by_media = [None; Media::COUNT];
    for (media, value) in seconds {
        by_media[media.index()] = Some(*value);
    }
    DayUsage {
        project_id: ProjectId::new(project).expect("an id"),
        service,
        day: day(number),
        source: UsageSource::V3,
        seconds: by_media,
        extra_seconds: BTreeMap::new(),
        missing: MediaSet::EMPTY,
    }
}

pub(super) fn tiered() -> PriceBook {
    PriceBook::embedded("tiered").expect("built in").expect("a valid book")
}

/// A contract that extends a built-in book by some lines.
pub(super) fn contract(base: &str, lines: &str) -> PriceBook {
    let text = format!("name = 'contract'\nextends = '{base}'\n{lines}\n");
    PriceBook::parse("contract.toml", &text).expect("a valid book")
}

/// A book with one text in place of another.
pub(super) fn changed(book: &PriceBook, changes: &[(&str, &str)]) -> PriceBook {
    let mut text = book.text.clone();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    PriceBook::parse("changed.toml", &text).expect("a valid book")
}

pub(super) fn rated(usage: &[DayUsage], book: &PriceBook) -> Bill {
    rate(&account(), march(), usage, book).expect("usage that can be rated")
}

/// The invoice that the platform would write about this usage with this book.
pub(super) fn invoice_of(usage: &[DayUsage], book: &PriceBook) -> Invoice {
    let bill = rated(usage, book);
    let mut minutes: BTreeMap<Line, u128> = BTreeMap::new();
    let mut amounts = Amounts::default();
    for line in &bill.lines {
        let key = Line::Usage(line.service, line.media);
        *minutes.entry(key).or_default() += line.minutes;
        amounts.add(key, &line.amount);
    }
    for charge in &bill.charges {
        amounts.add(Line::of_charge(charge.kind), &charge.amount);
    }
    let rows = amounts.iter().zip(2..).map(|((line, amount), line_number)| InvoiceRow {
        line_number,
        line,
        minutes: minutes.get(&line).map(|minutes| BigRational::from_integer((*minutes).into())),
        amount: amount.clone(),
    });
    Invoice { file_name: "invoice.csv".to_owned(), sha256: "0".repeat(64), rows: rows.collect() }
}

/// An old value, replaced on a day of the next month.
pub(super) fn superseded(usage: DayUsage, replaced_on: u32) -> SupersededUsage {
    let at = chrono::NaiveDate::from_ymd_opt(2031, 4, replaced_on).expect("a day");
    SupersededUsage { usage, superseded_at: at.and_hms_opt(6, 0, 0).expect("a time").and_utc() }
}

pub(super) fn gap(project: &str, service: Service, number: u32) -> Gap {
    Gap {
        project_id: Some(ProjectId::new(project).expect("an id")),
        service,
        days: DateRange::new(day(number), day(number)).expect("a range"),
    }
}
