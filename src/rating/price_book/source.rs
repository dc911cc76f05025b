//! The text of a book under check, for errors that say where.

use toml::{Spanned, Table, Value};

use super::file::BookFile;
use super::{Place, PriceBookError, built_in};

/// A book's text and, behind it, that of the book it extends.
///
/// Values of the extended book are read from a text with as many spaces in
/// front as the own text is long, so that a position tells which text it is in.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    name: &'a str,
    text: &'a str,
    base: Option<(&'static str, &'static str)>,
}

/// The text as a table, with what it extends written out.
///
/// As [`BookFile::over`]: prices and coefficients one by one; the extended book's
/// months and accounts are its own.
pub(super) fn written_out(text: &str) -> Option<Table> {
    const OF_THE_FILE: [&str; 4] = ["name", "valid_from", "valid_to", "accounts"];
    let mut own: Table = toml::from_str(text).ok()?;
    let Some(extends) = own.remove("extends") else { return Some(own) };
    let (_, base) = built_in::find(extends.as_str()?)?;
    let mut whole: Table = toml::from_str(base).ok()?;
    whole.retain(|key, _| !OF_THE_FILE.contains(&key));
    for (key, value) in own {
        match (whole.get_mut(&key), value) {
            (Some(Value::Table(base)), Value::Table(own)) => extend(base, own),
            (_, value) => drop(whole.insert(key, value)),
        }
    }
    Some(whole)
}

/// Each service's values one by one.
fn extend(base: &mut Table, own: Table) {
    for (service, value) in own {
        match (base.get_mut(&service), value) {
            (Some(Value::Table(base)), Value::Table(own)) => base.extend(own),
            (_, value) => drop(base.insert(service, value)),
        }
    }
}

impl<'a> Source<'a> {
    /// Reads the file and what it extends into one.
    pub(super) fn read(name: &'a str, text: &'a str) -> Result<(Self, BookFile), PriceBookError> {
        let mut source = Self { name, text, base: None };
        let own: BookFile = toml::from_str(text).map_err(|error| source.form_error(&error))?;
        let Some(extends) = own.extends.as_ref() else { return Ok((source, own)) };
        source.base = built_in::find(extends.get_ref());
        let Some((_, base_text)) = source.base else {
            let allowed = format!("the built-in books are {}", built_in::names().join(", "));
            return Err(source.value_error("extends", extends, &allowed));
        };
        let shifted = format!("{}{base_text}", " ".repeat(text.len()));
        let base: BookFile = toml::from_str(&shifted).map_err(|error| source.form_error(&error))?;
        Ok((source, own.over(base)))
    }

    /// The own text and the one that it extends.
    pub(super) fn texts(self) -> impl Iterator<Item = &'a str> {
        std::iter::once(self.text).chain(self.base.map(|(_, text)| text))
    }

    fn place(self, byte: Option<usize>) -> Place {
        let line = |text: &str, byte: usize| {
            text.get(..byte).map(|before| before.matches('\n').count() + 1)
        };
        let byte_in_base = byte.and_then(|byte| byte.checked_sub(self.text.len()));
        match (byte_in_base, self.base) {
            (Some(byte), Some((name, text))) => {
                let file = format!("{name}, which {} extends", self.name);
                Place { file, line: line(text, byte) }
            }
            _ => Place {
                file: self.name.to_owned(),
                line: byte.and_then(|byte| line(self.text, byte)),
            },
        }
    }

    fn form_error(self, error: &toml::de::Error) -> PriceBookError {
        PriceBookError::Form {
            place: self.place(error.span().map(|span| span.start)),
            message: error.message().to_owned(),
        }
    }

    /// A value that its key does not allow.
    pub(super) fn value_error<V: ToString>(
        self,
        key: &str,
        value: &Spanned<V>,
        allowed: &str,
    ) -> PriceBookError {
        PriceBookError::Value {
            place: self.place(Some(value.span().start)),
            key: key.to_owned(),
            value: value.get_ref().to_string(),
            allowed: allowed.to_owned(),
        }
    }

    /// A fault of the book as a whole.
    pub(super) fn fault(self, message: impl Into<String>) -> PriceBookError {
        PriceBookError::Form { place: self.place(None), message: message.into() }
    }

    /// The value of a key that must be there.
    pub(super) fn required<T>(self, key: &str, value: Option<T>) -> Result<T, PriceBookError> {
        value.ok_or_else(|| self.fault(format!("missing field `{key}`")))
    }

    /// The meaning of a word; an error lists the words.
    pub(super) fn chosen<T: Copy>(
        self,
        key: &str,
        value: &Spanned<String>,
        choices: &[(&str, T)],
    ) -> Result<T, PriceBookError> {
        let found = choices.iter().find(|(name, _)| name == value.get_ref());
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            self.value_error(key, value, &format!("allowed: {}", names.join(", ")))
        })
    }

    /// The same where the key may be left out.
    pub(super) fn choice<T: Copy>(
        self,
        key: &str,
        value: Option<&Spanned<String>>,
        choices: &[(&str, T)],
    ) -> Result<Option<T>, PriceBookError> {
        value.map(|value| self.chosen(key, value, choices)).transpose()
    }
}
