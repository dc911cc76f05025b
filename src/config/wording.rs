//! How faults of the settings are told: where they are and what is wanted, and never
//! what is there, which may be a secret.

use figment::error::{Actual, Kind};

use super::{ConfigError, value};

/// Whether a text is TOML at all. The usual wording of an error quotes the line, which
/// may hold a secret.
pub(super) fn without_faults(text: &str) -> Result<(), String> {
    let Err(error) = toml::from_str::<toml::Table>(text) else { return Ok(()) };
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    Err(format!("line {}: {}", before.matches('\n').count() + 1, error.message()))
}

/// What is wrong with which key, without the value: it may be a secret.
pub(super) fn told(error: figment::Error) -> ConfigError {
    let without_value = |mut error: figment::Error| {
        let found = |actual: &Actual| match actual {
            Actual::Str(_) => "a text",
            Actual::Bool(_) => "true or false",
            Actual::Unsigned(_) | Actual::Signed(_) => "a number",
            Actual::Float(_) => "a number with a point",
            Actual::Seq => "a list",
            Actual::Map => "a table",
            _ => "something else",
        };
        if let Kind::InvalidType(actual, expected) | Kind::InvalidValue(actual, expected) =
            &error.kind
        {
            error.kind = Kind::Message(format!("found {}, expected {expected}", found(actual)));
        }
        error.to_string()
    };
    let all: Vec<String> = error.into_iter().map(without_value).collect();
    value(format!("settings: {}", all.join("; ")))
}
