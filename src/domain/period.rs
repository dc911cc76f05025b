//! UTC days, ranges of them, and calendar months.

use std::fmt;

use chrono::{Datelike, Days, Months, NaiveDate};

/// Why a text is not a day, a range or a month.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// Not `YYYY-MM-DD`, or no day of the calendar.
    #[error("'{0}' is not a day; write it as YYYY-MM-DD, such as 2026-10-31")]
    Day(String),
    /// Not `YYYY-MM`, or no month of the calendar.
    #[error("'{0}' is not a month; write it as YYYY-MM, such as 2026-10")]
    Month(String),
    /// The first day or month comes after the last.
    #[error("the range ends ({last}) before it begins ({first})")]
    Backwards {
        /// Where it begins.
        first: String,
        /// Where it ends.
        last: String,
    },
}

/// Earlier years are no input.
const FIRST_YEAR: i32 = 1970;

/// Parses `YYYY-MM-DD`, from 1970 on.
///
/// # Errors
/// [`PeriodError::Day`] for anything else.
pub fn parse_day(text: &str) -> Result<NaiveDate, PeriodError> {
    // A sign in front would be taken for a year before the calendar.
    let is_plain = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    let plain = text.len() == 10 && text.bytes().enumerate().all(is_plain);
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    // Before there was an Agora, and where the calendars of programs begin to differ.
    let day = day.filter(|day| plain && day.year() >= FIRST_YEAR);
    day.ok_or_else(|| PeriodError::Day(text.to_owned()))
}

/// UTC days from `first` to `last`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DateRange {
    first: NaiveDate,
    last: NaiveDate,
}

impl DateRange {
    /// A range of at least one day.
    ///
    /// # Errors
    /// [`PeriodError::Backwards`] where `last` is before `first`.
    pub fn new(first: NaiveDate, last: NaiveDate) -> Result<Self, PeriodError> {
        if last < first {
            return Err(PeriodError::Backwards {
                first: first.to_string(),
                last: last.to_string(),
            });
        }
        Ok(Self { first, last })
    }

    /// The range of one day.
    #[must_use]
    pub const fn single(day: NaiveDate) -> Self {
        Self { first: day, last: day }
    }

    /// First day.
    #[must_use]
    pub const fn first(self) -> NaiveDate {
        self.first
    }

    /// Last day, part of the range.
    #[must_use]
    pub const fn last(self) -> NaiveDate {
        self.last
    }

    /// Number of days, at least 1.
    #[must_use]
    pub fn day_count(self) -> i64 {
        (self.last - self.first).num_days() + 1
    }

    /// Every day in order.
    pub fn days(self) -> impl Iterator<Item = NaiveDate> {
        self.first.iter_days().take_while(move |day| *day <= self.last)
    }

    /// Whether the day lies in it.
    #[must_use]
    pub fn contains(self, day: NaiveDate) -> bool {
        self.first <= day && day <= self.last
    }

    /// The days that both ranges share, if any.
    #[must_use]
    pub fn intersection(self, other: Self) -> Option<Self> {
        Self::new(self.first.max(other.first), self.last.min(other.last)).ok()
    }

    /// The smallest range that holds both.
    #[must_use]
    pub fn hull(self, other: Self) -> Self {
        Self { first: self.first.min(other.first), last: self.last.max(other.last) }
    }

    /// The parts of the range that lie in one calendar month each, in order.
    pub fn by_month(self) -> impl Iterator<Item = Self> {
        let mut next = Some(self.first);
        std::iter::from_fn(move || {
            let first = next.filter(|day| *day <= self.last)?;
            let last = Month::of(first).last_day().min(self.last);
            next = last.checked_add_days(Days::new(1));
            Some(Self { first, last })
        })
    }
}

impl fmt::Display for DateRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.first, self.last)
    }
}

/// Calendar month in UTC, the period of a bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Month {
    first: NaiveDate,
}

impl Month {
    /// The month that a day lies in.
    #[must_use]
    pub fn of(day: NaiveDate) -> Self {
        Self { first: day.with_day(1).unwrap_or(day) }
    }

    /// Parses `YYYY-MM`.
    ///
    /// # Errors
    /// [`PeriodError::Month`] for anything else.
    pub fn parse(text: &str) -> Result<Self, PeriodError> {
        let day = Some(text).filter(|text| text.len() == 7).map(|text| format!("{text}-01"));
        let day = day.and_then(|day| parse_day(&day).ok());
        day.map(Self::of).ok_or_else(|| PeriodError::Month(text.to_owned()))
    }

    /// Parses one month, or two as `YYYY-MM..YYYY-MM`, into every month between, both included.
    ///
    /// # Errors
    /// [`PeriodError::Month`] or [`PeriodError::Backwards`].
    pub fn parse_span(text: &str) -> Result<Vec<Self>, PeriodError> {
        let (first, last) = match text.split_once("..") {
            Some((first, last)) => (Self::parse(first)?, Self::parse(last)?),
            None => (Self::parse(text)?, Self::parse(text)?),
        };
        if last < first {
            return Err(PeriodError::Backwards {
                first: first.to_string(),
                last: last.to_string(),
            });
        }
        let months = std::iter::successors(Some(first), |month| Some(month.next()));
        Ok(months.take_while(|month| *month <= last).collect())
    }

    /// Its first day.
    #[must_use]
    pub const fn first_day(self) -> NaiveDate {
        self.first
    }

    /// Its last day.
    #[must_use]
    pub fn last_day(self) -> NaiveDate {
        self.next().first.pred_opt().unwrap_or(self.first)
    }

    /// All its days.
    #[must_use]
    pub fn days(self) -> DateRange {
        DateRange { first: self.first, last: self.last_day() }
    }

    /// The month after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self { first: self.first.checked_add_months(Months::new(1)).unwrap_or(NaiveDate::MAX) }
    }

    /// The month before it.
    #[must_use]
    pub fn previous(self) -> Self {
        Self { first: self.first.checked_sub_months(Months::new(1)).unwrap_or(NaiveDate::MIN) }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first.format("%Y-%m"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: &str, last: &str) -> DateRange {
        DateRange::new(parse_day(first).expect("day"), parse_day(last).expect("day"))
            .expect("range")
    }

    #[test]
    fn days_before_there_were_programs_are_none() {
        for early in ["0000-01-01", "0001-01-01", "1969-12-31"] {
            assert!(parse_day(early).is_err() && Month::parse(&early[..7]).is_err(), "{early}");
        }
        assert!(parse_day("1970-01-01").is_ok() && parse_day("9999-12-31").is_ok());
    }

    #[test]
    fn days_parse_only_in_full() {
        assert!(parse_day("2028-02-29").is_ok());
        for text in ["2031-02-29", "2031-3-1", "2031-03-01T00:00", "", "+031-03-01", "today"] {
            assert_eq!(parse_day(text), Err(PeriodError::Day(text.to_owned())));
        }
    }

    #[test]
    fn c11_a_leap_day_is_one_of_thirty() {
        let days: Vec<_> = range("2028-02-01", "2028-03-01").days().collect();
        assert_eq!(days.len(), 30);
        assert!(days.contains(&parse_day("2028-02-29").expect("day")));
    }

    #[test]
    fn c13_a_range_that_ends_before_it_begins_is_refused() {
        let day = |text| parse_day(text).expect("day");
        assert!(DateRange::new(day("2031-03-05"), day("2031-03-04")).is_err());
        assert_eq!(range("2031-03-05", "2031-03-05").day_count(), 1);
    }

    #[test]
    fn a_range_splits_at_month_edges() {
        let parts: Vec<_> =
            range("2030-12-30", "2031-02-01").by_month().map(|part| part.to_string()).collect();
        assert_eq!(
            parts,
            ["2030-12-30..2030-12-31", "2031-01-01..2031-01-31", "2031-02-01..2031-02-01"]
        );
    }

    #[test]
    fn months_know_their_neighbours_and_days() {
        let month = Month::parse("2028-02").expect("month");
        assert_eq!(month.days().day_count(), 29);
        assert_eq!(month.next().to_string(), "2028-03");
        assert_eq!(month.previous().previous().to_string(), "2027-12");
        for text in ["2031-13", "2031-1", "2031", "2031-01-01", "x"] {
            assert!(Month::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_span_of_months_counts_both_ends() {
        let names = |text| {
            Month::parse_span(text)
                .map(|months| months.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(names("2030-11..2031-01").expect("span"), ["2030-11", "2030-12", "2031-01"]);
        assert_eq!(names("2031-01").expect("span"), ["2031-01"]);
        assert!(names("2031-02..2031-01").is_err());
    }
}
