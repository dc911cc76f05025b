//! Other ways to read the price book: what an invoice may have been made with.
//!
//! Every way is an edit of the book's text, so that a reading which this
//! version of the price book does not know is refused by its own checks and
//! left out, and a new one is a line here. The order of [`axes`] is that in
//! which their effects are told apart.

use std::collections::{BTreeMap, BTreeSet};

use num_rational::BigRational;
use toml::{Table, Value};

use super::causes::CauseKind;
use crate::domain::{Media, Service};
use crate::rating::price_book::PRICE_DECIMALS;
use crate::rating::{LineKind, PriceBook};

/// An open point, or another choice, with its other readings.
#[derive(Debug, Clone)]
pub struct Axis {
    /// What a difference by it is called.
    pub cause: CauseKind,
    /// The readings that the book does not have.
    pub choices: Vec<Choice>,
    /// Minutes in a month from which on it can make a difference.
    from_minute: u64,
}

impl Axis {
    /// Whether it can make a difference in a month of so many minutes.
    #[must_use]
    pub fn is_about(&self, minutes: u128) -> bool {
        minutes >= u128::from(self.from_minute)
    }
}

/// A reading that the book does not have.
#[derive(Debug, Clone)]
pub struct Choice {
    /// One sentence for people.
    pub text: String,
    edit: Edit,
}

#[derive(Debug, Clone)]
enum Edit {
    /// Another book altogether, by its text.
    Book(String),
    /// Another value of a key.
    Key(&'static str, Value),
    /// No free minutes at all.
    NoFreeMinutes,
}

/// Every axis of the book with at least one other reading.
#[must_use]
pub fn axes(book: &PriceBook) -> Vec<Axis> {
    let others = other_books(book);
    let books = others.iter().filter_map(|choice| apply(book, &[choice]));
    let second_tier = |book: PriceBook| book.tiers().get(1).map(|tier| tier.from_minute);
    let discounts = books.chain([book.clone()]).filter_map(second_tier).min();
    let discounts = discounts.unwrap_or(u64::MAX);
    let axes = [
        (CauseKind::OtherBook, others, 0),
        (CauseKind::FreeOrder, free_orders(book), 0),
        (CauseKind::TierFill, tier_fills(book), discounts),
        (CauseKind::TierEdge, tier_edges(book), discounts),
        (CauseKind::Rates, rates(book), discounts),
    ];
    axes.into_iter()
        .map(|(cause, choices, from_minute)| Axis { cause, choices, from_minute })
        .filter(|axis| !axis.choices.is_empty())
        .collect()
}

/// The book with these readings in place of its own; none where they do not go together.
#[must_use]
pub fn apply(book: &PriceBook, choices: &[&Choice]) -> Option<PriceBook> {
    let other = choices.iter().find_map(|choice| match &choice.edit {
        Edit::Book(text) => Some(text),
        _ => None,
    });
    if let (Some(text), [_]) = (other, choices) {
        return PriceBook::parse("reading", text).ok();
    }
    edited(other.unwrap_or(&book.text), |table| {
        for choice in choices {
            match &choice.edit {
                Edit::Book(_) => {}
                Edit::Key(key, value) => drop(table.insert((*key).to_owned(), value.clone())),
                Edit::NoFreeMinutes => drop(table.insert("free_minutes".to_owned(), 0.into())),
            }
        }
        Some(())
    })
}

/// The book with other prices for 1,000 minutes; none where a book cannot state them.
#[must_use]
pub fn with_prices(
    book: &PriceBook,
    prices: &BTreeMap<(Service, Media), BigRational>,
) -> Option<PriceBook> {
    edited(&book.text, |table| {
        prices.iter().try_for_each(|(line, price)| set_price(table, *line, decimal(price)?))
    })
}

/// The book with SD as a line of its own, at the price of HD and before HD in the free minutes.
#[must_use]
pub fn with_sd_apart(book: &PriceBook) -> Option<PriceBook> {
    edited(&book.text, |table| {
        // What a book extends cannot be taken out of it.
        take_over_extended(table)?;
        table.remove("sd_as");
        for service in Service::ALL {
            if let Some(price) = book.unit_price_per_1000(service, Media::Hd) {
                set_price(table, (service, Media::Sd), decimal(price)?)?;
            }
        }
        let order = free_order(book, &Media::ALL, &Service::ALL).into_iter().flat_map(
            |(service, media)| {
                let sd = (media == Media::Hd).then_some((service, Media::Sd));
                sd.into_iter().chain([(service, media)])
            },
        );
        table.insert("free_order".to_owned(), words(order));
        Some(())
    })
}

/// Puts the text of the extended book into the own one, as parsing does.
fn take_over_extended(table: &mut Table) -> Option<()> {
    let Some(extended) = table.remove("extends") else { return Some(()) };
    let base = PriceBook::embedded(extended.as_str()?)?.ok()?;
    let base: Table = toml::from_str(&base.text).ok()?;
    // These say where the extended book itself holds.
    let is_own = |key: &str| matches!(key, "name" | "valid_from" | "valid_to" | "accounts");
    for (key, value) in base.into_iter().filter(|(key, _)| !is_own(key)) {
        match (table.get_mut(&key), value) {
            (Some(Value::Table(own)), Value::Table(services)) => {
                for (service, prices) in services {
                    match (own.get_mut(&service), prices) {
                        (Some(Value::Table(own)), Value::Table(prices)) => {
                            for (media, price) in prices {
                                own.entry(media).or_insert(price);
                            }
                        }
                        (None, prices) => drop(own.insert(service, prices)),
                        _ => {}
                    }
                }
            }
            (None, value) => drop(table.insert(key, value)),
            _ => {}
        }
    }
    Some(())
}

fn set_price(table: &mut Table, (service, media): (Service, Media), price: String) -> Option<()> {
    let empty = || Value::Table(Table::new());
    let prices = table.entry("prices").or_insert_with(empty).as_table_mut()?;
    let of_service = prices.entry(service.name()).or_insert_with(empty).as_table_mut()?;
    of_service.insert(media.name().to_owned(), price.into());
    Some(())
}

fn edited(text: &str, edit: impl FnOnce(&mut Table) -> Option<()>) -> Option<PriceBook> {
    let mut table: Table = toml::from_str(text).ok()?;
    edit(&mut table)?;
    PriceBook::parse("reading", &toml::to_string(&table).ok()?).ok()
}

/// The price as a book writes it; none where it has too many decimals.
fn decimal(price: &BigRational) -> Option<String> {
    let scale = u32::try_from(PRICE_DECIMALS).ok()?;
    let units = crate::rating::exact_decimal_units(price, scale).ok()?;
    (units >= 0).then(|| crate::domain::money::decimal_text(units, scale))
}

fn other_books(book: &PriceBook) -> Vec<Choice> {
    let mut known = BTreeSet::from([book.sha256.clone()]);
    PriceBook::embedded_names()
        .into_iter()
        .filter_map(|name| PriceBook::embedded(name)?.ok())
        .filter(|other| other.currency == book.currency && known.insert(other.sha256.clone()))
        .map(|other| Choice {
            text: format!(
                "The invoice has the prices of the built-in book {}, our bill those of {}.",
                other.name, book.name
            ),
            edit: Edit::Book(other.text),
        })
        .collect()
}

fn tier_fills(book: &PriceBook) -> Vec<Choice> {
    key_choices(
        book,
        "tier_fill",
        book.tier_fill.name(),
        &[
            (
                "cheapest_first",
                "The invoice fills the discount tiers with the cheapest minutes first",
            ),
            (
                "dearest_first",
                "The invoice fills the discount tiers with the dearest minutes first",
            ),
            ("pro_rata", "The invoice gives every type of minute its part of each discount tier"),
        ],
    )
}

fn tier_edges(book: &PriceBook) -> Vec<Choice> {
    key_choices(
        book,
        "tier_edge",
        book.tier_edge.name(),
        &[
            (
                "half_open",
                "The invoice begins a discount tier after the minute that it is named by",
            ),
            ("printed", "The invoice begins a discount tier with the minute that it is named by"),
        ],
    )
}

fn rates(book: &PriceBook) -> Vec<Choice> {
    let own = toml::from_str::<Table>(&book.text).ok();
    let own = own.as_ref().and_then(|table| table.get("rates")?.as_str()).unwrap_or("percent");
    key_choices(
        book,
        "rates",
        own,
        &[
            ("percent", "The invoice takes the discounts as percentages of the list price"),
            ("printed", "The invoice takes the printed discount prices, rounded to cents"),
        ],
    )
}

/// Choices of one key; those that the price book refuses are left out.
///
/// A book without tiers has them too, for the tiers of another book.
fn key_choices(
    book: &PriceBook,
    key: &'static str,
    own: &str,
    readings: &[(&str, &str)],
) -> Vec<Choice> {
    let choices = readings.iter().filter(|(word, _)| *word != own).map(|(word, text)| Choice {
        text: format!("{text} ({key} = {word}); our price book has {own}."),
        edit: Edit::Key(key, Value::from(*word)),
    });
    choices.filter(|choice| apply(book, &[choice]).is_some()).collect()
}

/// Documented orders (FAQ of 2018 to 2021 and of today), and those that invoices suggest.
fn free_orders(book: &PriceBook) -> Vec<Choice> {
    if book.free_minutes == 0 {
        return Vec::new();
    }
    let mut rising = Media::ALL;
    rising.reverse();
    let without_hdp: Vec<Media> =
        Media::ALL.into_iter().filter(|media| *media != Media::Hdp).collect();
    let services_first = by_service(book);
    let own = free_order(book, &Media::ALL, &Service::ALL);
    let orders = [
        ("gives no free minutes to HD+", free_order(book, &without_hdp, &Service::ALL)),
        ("takes the free minutes from one service after the other", services_first),
        ("takes the free minutes from the dearest media first", by_media(book, &rising)),
    ];
    let mut choices: Vec<Choice> = orders
        .into_iter()
        .filter(|(_, order)| !order.is_empty() && *order != own)
        .map(|(what, order)| Choice {
            text: format!("The invoice {what}; our price book has another free_order."),
            edit: Edit::Key("free_order", words(order.into_iter())),
        })
        .collect();
    choices.push(Choice {
        text: format!("The invoice has no free minutes; our price book has {}.", book.free_minutes),
        edit: Edit::NoFreeMinutes,
    });
    choices.retain(|choice| apply(book, &[choice]).is_some());
    choices
}

/// What the book gives free minutes to, in its own order, as far as media and services allow.
fn free_order(book: &PriceBook, media: &[Media], services: &[Service]) -> Vec<(Service, Media)> {
    let mut found: Vec<(usize, (Service, Media))> = Vec::new();
    for service in services {
        for media in media {
            let position = book.free_position((*service, LineKind::Usage, *media));
            found.extend(position.map(|position| (position, (*service, *media))));
        }
    }
    found.sort_unstable_by_key(|(position, _)| *position);
    found.into_iter().map(|(_, entry)| entry).collect()
}

fn by_service(book: &PriceBook) -> Vec<(Service, Media)> {
    Service::ALL.iter().flat_map(|service| free_order(book, &Media::ALL, &[*service])).collect()
}

fn by_media(book: &PriceBook, order: &[Media]) -> Vec<(Service, Media)> {
    order.iter().flat_map(|media| free_order(book, &[*media], &Service::ALL)).collect()
}

fn words(order: impl Iterator<Item = (Service, Media)>) -> Value {
    Value::Array(order.map(|(service, media)| format!("{service}.{media}").into()).collect())
}
