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
    /// Whole number from this one on.
    Count(u32),
    /// Decimal number from this whole one on.
    Number(u32),
}

impl ParameterKind {
    /// The kind of that name in a header: `month`, or `number from 3`.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        let (name, least) = match name.split_once(" from ") {
            Some((name, least)) => (name, Some(least.parse().ok()?)),
            None => (name, None),
        };
        match (name, least) {
            ("account", None) => Some(Self::Account),
            ("project", None) => Some(Self::Project),
            ("day", None) => Some(Self::Day),
            ("month", None) => Some(Self::Month),
            ("count", least) => Some(Self::Count(least.unwrap_or(0))),
            ("number", least) => Some(Self::Number(least.unwrap_or(0))),
            _ => None,
        }
    }

    /// Checks a value that is not empty; the error tells what it should be.
    pub(super) fn check(self, text: &str) -> Result<(), String> {
        let is_good = match self {
            Self::Account => AccountId::new(text).is_ok(),
            Self::Project => ProjectId::new(text).is_ok(),
            Self::Day => parse_day(text).is_ok(),
            Self::Month => Month::parse(text).is_ok(),
            Self::Count(least) => is_digits(text, 10) && is_at_least(text, least),
            Self::Number(least) => is_decimal(text) && is_at_least(whole_part(text), least),
        };
        if is_good { Ok(()) } else { Err(self.expected()) }
    }

    /// How a value is written.
    fn expected(self) -> String {
        match self {
            Self::Account => {
                "an account has 1 to 64 of the characters A-Z, a-z, 0-9, _ and -".to_owned()
            }
            Self::Project => "a project id has no NUL character".to_owned(),
            Self::Day => "write a day as YYYY-MM-DD".to_owned(),
            Self::Month => "write a month as YYYY-MM".to_owned(),
            Self::Count(least) => format!("write a whole number from {least} on"),
            Self::Number(least) => {
                let such = least.max(1);
                format!(
                    "write a number from {least} on, such as {such} or {such}.5, with at most 6 \
                     decimal places"
                )
            }
        }
    }
}

/// At most 9 digits before the point and 6 after it.
fn is_decimal(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    is_digits(whole, 9) && is_digits(fraction, 6)
}

fn is_digits(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn whole_part(text: &str) -> &str {
    text.split_once('.').map_or(text, |(whole, _)| whole)
}

fn is_at_least(whole: &str, least: u32) -> bool {
    whole.parse::<u32>().is_ok_and(|number| number >= least)
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
            (Count(0), "0"),
            (Count(1), "1"),
            (Count(0), "4294967295"),
            (Number(0), "0.3"),
            (Number(3), "3"),
            (Number(3), "3.000001"),
            (Number(0), "4.25"),
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
            (Month, "2031-1"),
            (Month, "+031-12"),
            (Day, "2031-2-03"),
            (Count(0), "-1"),
            (Count(0), "+1"),
            (Count(0), "1.5"),
            (Count(1), "0"),
            (Count(0), "4294967296"),
            (Number(0), "1e3"),
            (Number(0), "."),
            (Number(0), ".5"),
            (Number(0), "3."),
            (Number(0), "3,5"),
            (Number(0), "-3"),
            (Number(0), "NaN"),
            (Number(0), "0.0000001"),
            (Number(3), "0.3"),
            (Number(3), "2.999999"),
        ];
        for (kind, text) in bad {
            assert!(kind.check(text).is_err(), "{kind:?} {text}");
        }
    }

    #[test]
    fn a_kind_may_have_a_least_value() {
        use ParameterKind::{Count, Number};
        for (name, kind) in [
            ("count", Some(Count(0))),
            ("count from 1", Some(Count(1))),
            ("number from 3", Some(Number(3))),
            ("number from three", None),
            ("month from 3", None),
            ("colour", None),
        ] {
            assert_eq!(ParameterKind::from_name(name), kind, "{name}");
        }
        let hint = "write a number from 3 on, such as 3 or 3.5, with at most 6 decimal places";
        assert_eq!(Number(3).check("0.3"), Err(hint.to_owned()));
    }
}
