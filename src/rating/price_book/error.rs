//! Why a text is no price book, and where.

use std::fmt;

/// Where in a price book something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Name of the source.
    pub file: String,
    /// Line, from 1, where it is known.
    pub line: Option<usize>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "price book {}, line {line}", self.file),
            None => write!(f, "price book {}", self.file),
        }
    }
}

/// Why a text is no price book.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PriceBookError {
    /// No TOML, or a key that is unknown, missing or of another type.
    #[error("{place}: {message}")]
    Form {
        /// Where.
        place: Place,
        /// What the parser found.
        message: String,
    },
    /// A value that its key does not allow.
    #[error("{place}: {key} is '{value}'; {allowed}")]
    Value {
        /// Where.
        place: Place,
        /// Which key, with the tables that it lies in.
        key: String,
        /// What it holds.
        value: String,
        /// What it may hold.
        allowed: String,
    },
}
