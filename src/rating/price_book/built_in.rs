//! The books that the program brings along.

/// Plan as the settings call it, name of the book, its text.
const BOOKS: [(&str, &str, &str); 5] = [
    ("tiered", "tiered-usd", include_str!("../../../pricebooks/tiered-usd.toml")),
    ("fixed", "fixed-usd", include_str!("../../../pricebooks/fixed-usd.toml")),
    ("standard", "standard-usd", include_str!("../../../pricebooks/standard-usd.toml")),
    ("tiered-cny", "tiered-cny", include_str!("../../../pricebooks/tiered-cny.toml")),
    ("fixed-cny", "fixed-cny", include_str!("../../../pricebooks/fixed-cny.toml")),
];

/// Names of the built-in books.
pub(super) fn names() -> [&'static str; BOOKS.len()] {
    BOOKS.map(|(_, name, _)| name)
}

/// Plans as the settings call them.
pub(super) fn plans() -> [&'static str; BOOKS.len()] {
    BOOKS.map(|(plan, _, _)| plan)
}

/// Name and text of the book of that plan or name.
pub(super) fn find(plan_or_name: &str) -> Option<(&'static str, &'static str)> {
    let mut books = BOOKS.into_iter();
    let (_, name, text) = books.find(|(plan, name, _)| [*plan, *name].contains(&plan_or_name))?;
    Some((name, text))
}
