//! Kinds of parameters, and whether a text is a value of one.

use crate::domain::period::parse_day;
use crate::domain::{AccountId, Month, ProjectId};

/// What the values of a parameter are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ParameterKind {
    /// Name of an account in the settings.
    Account,
    /// Project id.
    Project,
    /// UTC day, `YYYY-MM-DD`.
    Day,
    /// Calendar month, `YYYY-MM`.
    Month,
    /// Whole number from 0 on.
    Count,
    /// Decimal number from 0 on.
    Number,
}

impl ParameterKind {
    /// The kind of that name in a header.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            "account" => Some(Self::Account),
            "project" => Some(Self::Project),
            "day" => Some(Self::Day),
            "month" => Some(Self::Month),
            "count" => Some(Self::Count),
            "number" => Some(Self::Number),
            _ => None,
        }
    }

    /// Checks a value that is not empty; the error tells what it should be.
    pub(super) fn check(self, text: &str) -> Result<(), &'static str> {
        let (is_good, expected) = match self {
            Self::Account => (
                AccountId::new(text).is_ok(),
                "an account has 1 to 64 of the characters A-Z, a-z, 0-9, _ and -",
            ),
            Self::Project => (ProjectId::new(text).is_ok(), "a project id has no NUL character"),
            Self::Day => (parse_day(text).is_ok(), "write a day as YYYY-MM-DD"),
            Self::Month => (Month::parse(text).is_ok(), "write a month as YYYY-MM"),
            Self::Count => (text.parse::<u32>().is_ok(), "write a whole number from 0 on"),
            Self::Number => (is_decimal(text), "write a number such as 3 or 4.5"),
        };
        if is_good { Ok(()) } else { Err(expected) }
    }
}

/// At most 9 digits before the point and 6 after it.
fn is_decimal(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |part: &str, most| {
        (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    is_digits(whole, 9) && is_digits(fraction, 6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_from_other_texts() {
        use ParameterKind::{Account, Count, Day, Month, Number, Project};
        let good = [
            (Account, "east-1"),
            (Project, "-x; drop table"),
            (Day, "2028-02-29"),
            (Month, "2031-12"),
            (Count, "0"),
            (Number, "3"),
            (Number, "4.25"),
        ];
        for (kind, text) in good {
            assert_eq!(kind.check(text), Ok(()), "{kind:?} {text}");
        }
        let bad = [
            (Account, "a b"),
            (Project, "a\0b"),
            (Day, "2027-02-29"),
            (Day, "someday"),
            (Month, "2031-13"),
            (Month, "2031-12-01"),
            (Count, "-1"),
            (Count, "1.5"),
            (Number, "1e3"),
            (Number, "."),
            (Number, "-3"),
            (Number, "NaN"),
        ];
        for (kind, text) in bad {
            assert!(kind.check(text).is_err(), "{kind:?} {text}");
        }
    }
}
