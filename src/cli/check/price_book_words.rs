//! A price book in words, so that people see what they will be billed by.

use num_rational::BigRational;
use num_traits::Zero;

use super::super::summary::thousands;
use crate::domain::money::decimal_text;
use crate::domain::{AccountId, Media, Service};
use crate::rating::price_book::readings::{LineRounding, Rates, TierEdge, TierFill};
use crate::rating::price_book::{Package, PricedType, StandardTerms};
use crate::rating::price_books::months;
use crate::rating::{LineKind, Plan, PriceBook, exact_decimal_units};

/// Every rule of the book, a line each; the first one names it.
pub(super) fn explain(book: &PriceBook) -> Vec<String> {
    let mut lines = vec![format!("plan       ok: {} ({})", book.name, book.description.trim())];
    let mut say = |line: String| lines.push(format!("           {line}"));
    say(in_force(book));
    match &book.standard {
        Some(standard) => standard_minutes(book, standard).into_iter().for_each(&mut say),
        None => month_plan(book).into_iter().for_each(&mut say),
    }
    by_service("prices per 1,000 minutes", book, PriceBook::price).into_iter().for_each(&mut say);
    discounts(book).into_iter().for_each(&mut say);
    open_points(book).into_iter().for_each(&mut say);
    terms(book).into_iter().for_each(&mut say);
    lines
}

fn in_force(book: &PriceBook) -> String {
    let accounts: Vec<&str> = book.accounts.iter().map(AccountId::as_str).collect();
    let whose = match accounts.as_slice() {
        [] => "every account".to_owned(),
        names => names.join(", "),
    };
    format!("holds for {whose}, {}; amounts in {}", months(book), book.currency.code())
}

fn count(number: u64) -> String {
    thousands(&number.to_string())
}

fn month_plan(book: &PriceBook) -> Vec<String> {
    let order = match &book.free_order_name {
        Some(name) => format!("in the documented order \"{name}\""),
        None => "in the book's own order".to_owned(),
    };
    if book.free_minutes == 0 {
        return vec!["no free minutes".to_owned()];
    }
    vec![
        format!("{} free minutes a month, {order}:", count(book.free_minutes)),
        format!("  {}", free_order(book)),
    ]
}

fn standard_minutes(book: &PriceBook, standard: &StandardTerms) -> Vec<String> {
    let mut lines = by_service("standard minutes for a minute", book, PriceBook::coefficient);
    lines.push(match &standard.package {
        Some(Package { name, minutes, price }) => format!(
            "package {name}: {} standard minutes a month for {}; no free minutes",
            count(*minutes),
            plain(price)
        ),
        None => format!("{} free standard minutes a month, no package", count(book.free_minutes)),
    });
    for bought in &standard.bought {
        lines.push(format!(
            "top-ups in {}: {} x {} standard minutes for {} each",
            bought.month,
            bought.count,
            count(bought.top_up.minutes),
            plain(&bought.top_up.price)
        ));
    }
    let overage = plain(&standard.overage_price_per_1000);
    lines.push(format!("beyond that {overage} per 1,000 standard minutes"));
    lines
}

type ValueOf = fn(&PriceBook, PricedType, Option<Media>) -> Option<&BigRational>;

/// A line a service with its prices or coefficients, below a heading; nothing where there are none.
fn by_service(heading: &str, book: &PriceBook, value: ValueOf) -> Vec<String> {
    let mut lines = Vec::new();
    let hdp_as = book.readings().hdp_as;
    for service in Service::ALL {
        for kind in [LineKind::Usage, LineKind::Audience] {
            if kind == LineKind::Audience && !book.has_audience() {
                continue;
            }
            let values = Media::ALL.iter().filter_map(|media| {
                let value = value(book, (service, kind, *media), hdp_as)?;
                Some(format!("{media} {}", plain(value)))
            });
            let values: Vec<String> = values.collect();
            if !values.is_empty() {
                lines.push(format!("  {}: {}", kind.label(service), values.join(", ")));
            }
        }
    }
    if !lines.is_empty() {
        lines.insert(0, format!("{heading}:"));
    }
    lines
}

fn discounts(book: &PriceBook) -> Vec<String> {
    let words: Vec<String> = book
        .tiers()
        .iter()
        .skip(1)
        .map(|tier| {
            format!("{} % from minute {}", plain(&tier.discount_percent), count(tier.from_minute))
        })
        .collect();
    if words.is_empty() { Vec::new() } else { vec![format!("discounts: {}", words.join(", "))] }
}

/// How the book reads what Agora leaves open, as far as its plan asks.
fn open_points(book: &PriceBook) -> Vec<String> {
    let mut lines = Vec::new();
    if book.plan == Plan::Tiered {
        let which = match book.tier_fill {
            TierFill::CheapestFirst => "the cheapest minutes fill the tiers first",
            TierFill::DearestFirst => "the dearest minutes fill the tiers first",
            TierFill::ProRata => "all minutes fill the tiers in proportion",
        };
        let edge = match book.tier_edge {
            TierEdge::HalfOpen => "the minute at which a tier begins has the price before it",
            TierEdge::Printed => "the minute at which a tier begins has its new price",
        };
        let rates = match book.rates {
            Rates::Percent => "discounts are exact percentages",
            Rates::Printed => "discounted prices are rounded to the minor unit",
        };
        lines.push(format!("tier_fill = {}: {which}", book.tier_fill.name()));
        lines.push(format!("tier_edge = {}: {edge}", book.tier_edge.name()));
        lines.push(format!("rates = {}: {rates}", book.rates.name()));
    }
    if book.plan != Plan::StandardMinutes {
        let rounding = match book.line_rounding {
            LineRounding::None => "only the total is rounded",
            LineRounding::Line => "each line is rounded",
        };
        lines.push(format!("line_rounding = {}: {rounding}", book.line_rounding.name()));
    }
    if let Some(media) = book.readings().hdp_as {
        lines
            .push(format!("hdp_as = {media}: HD+ without a price of its own is billed as {media}"));
    }
    if book.has_audience() {
        let percent = &book.audience_share * BigRational::from_integer(100.into());
        lines.push(format!(
            "broadcast_audience_share: {} % of rtc is taken to be audience, an assumption",
            plain(&percent)
        ));
    }
    lines
}

fn terms(book: &PriceBook) -> Vec<String> {
    let terms = &book.terms;
    let all = [
        (&terms.discount_percent, format!("{} % off all usage", plain(&terms.discount_percent))),
        (
            &terms.minimum_commitment,
            format!("at least {} a month", plain(&terms.minimum_commitment)),
        ),
        (&terms.tax_percent, format!("{} % tax", plain(&terms.tax_percent))),
    ];
    let given = all.into_iter().filter(|(value, _)| !value.is_zero());
    let words: Vec<String> = given.map(|(_, words)| words).collect();
    if words.is_empty() { Vec::new() } else { vec![format!("then {}", words.join(", then "))] }
}

/// What takes the free minutes, a type of media at a time; what has no price is left out.
fn free_order(book: &PriceBook) -> String {
    let is_billed = |of: &&PricedType| {
        let counts = of.1 == LineKind::Usage || book.has_audience();
        counts && book.price(**of, book.readings().hdp_as).is_some()
    };
    let taken: Vec<&PricedType> = book.free_order().iter().filter(is_billed).collect();
    let same_media = taken.chunk_by(|one, next| one.2 == next.2);
    let words = same_media.filter_map(|types| {
        let services: Vec<&str> =
            types.iter().map(|(service, kind, _)| kind.label(*service)).collect();
        Some(format!("{} of {}", types.first()?.2, services.join(", ")))
    });
    words.collect::<Vec<_>>().join("; ")
}

/// An exact decimal without zeros at its end.
fn plain(amount: &BigRational) -> String {
    const PLACES: u32 = 4;
    exact_decimal_units(amount, PLACES).map_or_else(
        |_| amount.to_string(),
        |units| {
            let text = decimal_text(units, PLACES);
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        },
    )
}
