//! Other ways to read the price book: what an invoice may have been made with.
//!
//! Every way but a price, of which thousands are tried, is an edit of the book's
//! text, so that a reading which this version of the price book does not know is
//! refused by its own checks and left out, and a new one is a line here. The
//! order of [`axes`] is that in which their effects are told apart.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use num_rational::BigRational;
use toml::{Table, Value};

use super::amounts::Line;
use super::causes::CauseKind;
use crate::domain::{Media, Service};
use crate::rating::price_book::{COEFFICIENT_DECIMALS, LineRounding, PRICE_DECIMALS, PricedType};
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
    // A line in one tier alone is rounded as the invoice's line is.
    let tiers_apart = if book.line_rounding == LineRounding::None { discounts } else { 0 };
    let axes = [
        (CauseKind::OtherBook, others, 0),
        (CauseKind::FreeOrder, free_orders(book), 0),
        (CauseKind::TierFill, tier_fills(book), discounts),
        (CauseKind::TierEdge, tier_edges(book), discounts),
        (CauseKind::Rates, rates(book), discounts),
        (CauseKind::LineRounding, line_roundings(book), tiers_apart),
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

/// The price of a line for 1,000 minutes; none where the book has none.
#[must_use]
pub fn list_price(book: &PriceBook, line: Line) -> Option<BigRational> {
    match line {
        Line::Usage(service, media) => book.unit_price_per_1000(service, media).cloned(),
        Line::Overage => Some(book.standard.as_ref()?.overage_price_per_1000.clone()),
        _ => None,
    }
}

/// The book with another price of a line for 1,000 minutes; the same for a line without one.
#[must_use]
pub fn with_price(mut book: PriceBook, line: Line, price: &BigRational) -> PriceBook {
    match line {
        Line::Usage(service, media) => {
            book.with_price((service, LineKind::Usage, media), price.clone())
        }
        Line::Overage => {
            if let Some(standard) = &mut book.standard {
                standard.overage_price_per_1000 = price.clone();
            }
            book
        }
        _ => book,
    }
}

/// The book with SD as a line of its own, at the price of HD and before HD in the free minutes.
#[must_use]
pub fn with_sd_apart(book: &PriceBook) -> Option<PriceBook> {
    // A key of the book that it extends can be taken out of the whole text alone.
    let mut table = book.written_out()?;
    table.remove("sd_as");
    let kinds = [LineKind::Usage, LineKind::Audience];
    for (service, kind) in Service::ALL.iter().flat_map(|service| kinds.map(|it| (*service, it))) {
        let (hd, sd) = ((service, kind, Media::Hd), (service, kind, Media::Sd));
        if let Some(price) = book.price(hd, None) {
            set(&mut table, "prices", sd, decimal(price, PRICE_DECIMALS)?)?;
        }
        if let Some(coefficient) = book.coefficient(hd, None) {
            set(&mut table, "coefficients", sd, decimal(coefficient, COEFFICIENT_DECIMALS)?)?;
        }
    }
    let order = book.free_order().iter().flat_map(|(service, kind, media)| {
        let sd = (*media == Media::Hd).then_some((*service, *kind, Media::Sd));
        sd.into_iter().chain([(*service, *kind, *media)])
    });
    table.insert("free_order".to_owned(), words(order));
    parsed(&table)
}

fn set(
    table: &mut Table,
    of: &str,
    (service, kind, media): PricedType,
    value: String,
) -> Option<()> {
    let empty = || Value::Table(Table::new());
    let values = table.entry(of).or_insert_with(empty).as_table_mut()?;
    let of_service = values.entry(kind.label(service)).or_insert_with(empty).as_table_mut()?;
    of_service.insert(media.name().to_owned(), value.into());
    Some(())
}

fn edited(text: &str, edit: impl FnOnce(&mut Table) -> Option<()>) -> Option<PriceBook> {
    let mut table: Table = toml::from_str(text).ok()?;
    edit(&mut table)?;
    parsed(&table)
}

fn parsed(table: &Table) -> Option<PriceBook> {
    PriceBook::parse("reading", &toml::to_string(table).ok()?).ok()
}

/// The value as a book writes it; none where it has too many decimals.
fn decimal(value: &BigRational, places: usize) -> Option<String> {
    let scale = u32::try_from(places).ok()?;
    let units = crate::rating::exact_decimal_units(value, scale).ok()?;
    (units >= 0).then(|| crate::domain::money::decimal_text(units, scale))
}

/// The built-in books of the same currency.
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
    key_choices(
        book,
        "rates",
        book.rates.name(),
        &[
            ("percent", "The invoice takes the discounts as percentages of the list price"),
            ("printed", "The invoice takes the printed discount prices, rounded to cents"),
        ],
    )
}

fn line_roundings(book: &PriceBook) -> Vec<Choice> {
    key_choices(
        book,
        "line_rounding",
        book.line_rounding.name(),
        &[
            ("none", "The invoice rounds no line"),
            ("line", "The invoice rounds the line of each tier"),
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

/// The documented orders (FAQ of 2018 to 2021 and of today), and those that invoices suggest.
fn free_orders(book: &PriceBook) -> Vec<Choice> {
    if book.free_minutes == 0 {
        return Vec::new();
    }
    let own = book.free_order();
    let mut known = BTreeSet::from([own.to_vec()]);
    let mut choices: Vec<Choice> = Vec::new();
    // Standard minutes are one sum, where nothing comes before another.
    if !own.is_empty() {
        let named = PriceBook::documented_free_orders().into_iter();
        let named = named.map(|(name, order)| {
            (format!("takes the free minutes in the order of {name}"), order, Value::from(name))
        });
        let sorted = [
            ("takes the free minutes from one service after the other", by_service(own)),
            ("takes the free minutes from the dearest media first", by_media(own)),
        ];
        let sorted =
            sorted.map(|(what, order)| (what.to_owned(), order.clone(), words(order.into_iter())));
        choices = named
            .chain(sorted)
            .filter(|(_, order, _)| known.insert(order.clone()))
            .map(|(what, _, value)| Choice {
                text: format!("The invoice {what}; our price book has {}.", own_order(book)),
                edit: Edit::Key("free_order", value),
            })
            .collect();
    }
    choices.push(Choice {
        text: format!("The invoice has no free minutes; our price book has {}.", book.free_minutes),
        edit: Edit::NoFreeMinutes,
    });
    choices.retain(|choice| apply(book, &[choice]).is_some());
    choices
}

fn own_order(book: &PriceBook) -> String {
    book.free_order_name
        .as_ref()
        .map_or_else(|| "an order of its own".to_owned(), |name| format!("that of {name}"))
}

fn by_service(order: &[PricedType]) -> Vec<PricedType> {
    let mut order = order.to_vec();
    order.sort_by_key(|(service, _, _)| *service);
    order
}

fn by_media(order: &[PricedType]) -> Vec<PricedType> {
    let mut order = order.to_vec();
    order.sort_by_key(|(_, _, media)| Reverse(media.index()));
    order
}

fn words(order: impl Iterator<Item = PricedType>) -> Value {
    let word = |(service, kind, media): PricedType| format!("{}.{media}", kind.label(service));
    Value::Array(order.map(|entry| word(entry).into()).collect())
}
