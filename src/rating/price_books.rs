//! Which price book is in force for an account and a month.
//!
//! Owns the choice and the check that there is exactly one. Reads no files.

use crate::domain::{AccountId, Month};

use super::PriceBook;

/// Why no price book can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PriceBooksError {
    /// Two books would hold at once.
    #[error(
        "price books '{one}' and '{other}' both hold for account '{account}' in {month}; \
         end one with valid_to before the other's valid_from"
    )]
    Overlap {
        /// Whose bill.
        account: AccountId,
        /// First month that both hold for.
        month: String,
        /// Name of the earlier one in the list.
        one: String,
        /// Name of the later one.
        other: String,
    },
    /// No book holds.
    #[error("no price book holds for account '{account}' in {month}; there are: {books}")]
    Missing {
        /// Whose bill.
        account: AccountId,
        /// Month to be rated.
        month: Month,
        /// Names of the books and the months that they hold for.
        books: String,
    },
}

/// The price books of one account, of which one holds at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceBooks {
    account: AccountId,
    books: Vec<PriceBook>,
}

impl PriceBooks {
    /// The books of an account; those of other accounts are left out.
    ///
    /// # Errors
    /// [`PriceBooksError::Overlap`] where two of them hold for one month.
    pub fn new(account: &AccountId, books: Vec<PriceBook>) -> Result<Self, PriceBooksError> {
        let is_own = |book: &PriceBook| book.accounts.is_empty() || book.accounts.contains(account);
        let books: Vec<PriceBook> = books.into_iter().filter(is_own).collect();
        for (index, one) in books.iter().enumerate() {
            if let Some(other) = books[index + 1..].iter().find(|other| overlap(one, other)) {
                let first = one.valid_from.max(other.valid_from);
                return Err(PriceBooksError::Overlap {
                    account: account.clone(),
                    month: first.map_or_else(|| "every month".to_owned(), |it| it.to_string()),
                    one: one.name.clone(),
                    other: other.name.clone(),
                });
            }
        }
        Ok(Self { account: account.clone(), books })
    }

    /// The books, in the order of the settings.
    #[must_use]
    pub fn all(&self) -> &[PriceBook] {
        &self.books
    }

    /// The book that holds for a month.
    ///
    /// # Errors
    /// [`PriceBooksError::Missing`].
    pub fn in_force(&self, month: Month) -> Result<&PriceBook, PriceBooksError> {
        let found = self.books.iter().find(|book| book.holds_for(&self.account, month));
        found.ok_or_else(|| PriceBooksError::Missing {
            account: self.account.clone(),
            month,
            books: self.in_words(),
        })
    }

    fn in_words(&self) -> String {
        let words = self.books.iter().map(|book| format!("'{}' ({})", book.name, months(book)));
        let words: Vec<String> = words.collect();
        if words.is_empty() { "none for this account".to_owned() } else { words.join(", ") }
    }
}

/// The months that a book holds for, in words.
#[must_use]
pub fn months(book: &PriceBook) -> String {
    match (book.valid_from, book.valid_to) {
        (None, None) => "every month".to_owned(),
        (Some(first), None) => format!("from {first} on"),
        (None, Some(last)) => format!("to {last}"),
        (Some(first), Some(last)) => format!("{first} to {last}"),
    }
}

fn overlap(one: &PriceBook, other: &PriceBook) -> bool {
    let begins_in = |one: &PriceBook, other: &PriceBook| {
        one.valid_from.is_none_or(|first| other.valid_to.is_none_or(|last| first <= last))
    };
    begins_in(one, other) && begins_in(other, one)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rating::tests::support::REFERENCE_BOOK;

    fn book(name: &str, lines: &str) -> PriceBook {
        let text =
            REFERENCE_BOOK.replace("name = \"reference\"", &format!("name = '{name}'\n{lines}"));
        PriceBook::parse("book.toml", &text).expect("valid")
    }

    fn east() -> AccountId {
        AccountId::new("east").expect("valid")
    }

    fn chosen(books: &[PriceBook], month: &str) -> Result<String, PriceBooksError> {
        let books = PriceBooks::new(&east(), books.to_vec())?;
        Ok(books.in_force(Month::parse(month).expect("valid"))?.name.clone())
    }

    #[test]
    fn the_book_of_the_month_and_account_is_chosen() {
        let books = [
            book("old", "valid_to = '2031-02'"),
            book("contract", "valid_from = '2031-03'\nvalid_to = '2031-12'\naccounts = ['east']"),
            book("of west", "valid_from = '2031-03'\naccounts = ['west']"),
        ];
        assert_eq!(chosen(&books, "2019-01").expect("one"), "old");
        assert_eq!(chosen(&books, "2031-02").expect("one"), "old");
        assert_eq!(chosen(&books, "2031-03").expect("one"), "contract");
        assert_eq!(chosen(&books, "2031-12").expect("one"), "contract");
        let missing = chosen(&books, "2032-01").expect_err("none").to_string();
        assert_eq!(
            missing,
            "no price book holds for account 'east' in 2032-01; there are: 'old' (to 2031-02), \
             'contract' (2031-03 to 2031-12)"
        );
    }

    #[test]
    fn two_books_for_one_month_are_refused() {
        for (one, other, month) in [
            ("", "", "every month"),
            ("valid_to = '2031-03'", "valid_from = '2031-03'", "2031-03"),
            ("valid_from = '2031-01'", "valid_to = '2031-03'", "2031-01"),
        ] {
            let refused = chosen(&[book("a", one), book("b", other)], "2031-03").expect_err("two");
            let said = refused.to_string();
            assert!(said.starts_with("price books 'a' and 'b' both hold"), "{said}");
            assert!(said.contains(month), "{said}");
        }
        let of_west = book("b", "accounts = ['west']");
        assert!(chosen(&[book("a", ""), of_west], "2031-03").is_ok());
    }

    #[test]
    fn the_books_of_an_account_keep_the_order_of_the_settings() {
        let books = [
            book("late", "valid_from = '2031-03'"),
            book("of west", "accounts = ['west']"),
            book("early", "valid_to = '2031-02'"),
        ];
        let books = PriceBooks::new(&east(), books.to_vec()).expect("no overlap");
        let names: Vec<&str> = books.all().iter().map(|book| book.name.as_str()).collect();
        assert_eq!(names, ["late", "early"]);
    }

    #[test]
    fn an_account_without_any_book_is_told_so() {
        let missing = chosen(&[book("of west", "accounts = ['west']")], "2031-03");
        let said = missing.expect_err("none").to_string();
        assert!(said.ends_with("there are: none for this account"), "{said}");
    }
}
