//! Tolerant pieces of wire types that several endpoints share.

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

/// Longest excerpt of a body or message that goes into an error, in characters.
const EXCERPT_CHARS: usize = 160;

/// A number as the platform may send it, judged but not yet accepted.
///
/// Decoding never fails on an odd number: the caller knows project, day and
/// field, and makes an error that names them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Count {
    /// A whole number from 0 to `i64::MAX`, also as text or as 120.0.
    Known(i64),
    /// Null or missing.
    #[default]
    Unknown,
    /// Anything else, as text.
    Odd(String),
}

impl Count {
    fn from_text(text: &str) -> Self {
        let plain = text.trim();
        let whole = plain.split_once('.').map_or(plain, |(whole, fraction)| {
            if fraction.bytes().all(|digit| digit == b'0') { whole } else { plain }
        });
        let digits = !whole.is_empty() && whole.bytes().all(|digit| digit.is_ascii_digit());
        match whole.parse() {
            Ok(value) if digits => Self::Known(value),
            _ => Self::Odd(format!("\"{}\"", excerpt(text))),
        }
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CountVisitor)
    }
}

struct CountVisitor;

impl<'de> Visitor<'de> for CountVisitor {
    type Value = Count;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_u64<E>(self, value: u64) -> Result<Count, E> {
        Ok(i64::try_from(value).map_or_else(|_| Count::Odd(value.to_string()), Count::Known))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Count, E> {
        Ok(if value < 0 { Count::Odd(value.to_string()) } else { Count::Known(value) })
    }

    fn visit_f64<E>(self, value: f64) -> Result<Count, E> {
        // Above 2^53 a float no longer tells neighbouring seconds apart.
        let exact = value.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&value);
        Ok(if exact {
            Count::from_text(&format!("{value:.0}"))
        } else {
            Count::Odd(value.to_string())
        })
    }

    fn visit_str<E>(self, value: &str) -> Result<Count, E> {
        Ok(Count::from_text(value))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Count, E> {
        Ok(Count::Odd(value.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Count, E> {
        Ok(Count::Unknown)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Count, A::Error> {
        while seq.next_element::<serde::de::IgnoredAny>()?.is_some() {}
        Ok(Count::Odd("a list".to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Count, A::Error> {
        while map.next_entry::<serde::de::IgnoredAny, serde::de::IgnoredAny>()?.is_some() {}
        Ok(Count::Odd("an object".to_owned()))
    }
}

/// Parts of a body that tell a refusal apart from an answer, in all their spellings.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Verdict {
    #[serde(default)]
    success: Option<serde_json::Value>,
    #[serde(default)]
    status: Option<serde_json::Value>,
    #[serde(default)]
    message: Option<serde_json::Value>,
    #[serde(default, alias = "erorr_msg", alias = "err_msg")]
    error_msg: Option<serde_json::Value>,
    #[serde(default)]
    reason: Option<serde_json::Value>,
}

impl Verdict {
    /// Whether the body says that the call failed, whatever the status line says.
    pub(super) fn is_refusal(&self) -> bool {
        let says = |value: &Option<serde_json::Value>, text: &str| {
            value.as_ref().and_then(serde_json::Value::as_str) == Some(text)
        };
        let error_msg = self.error_msg.as_ref().and_then(serde_json::Value::as_str);
        self.success == Some(serde_json::Value::Bool(false))
            || says(&self.success, "false")
            || error_msg.is_some_and(|text| !text.is_empty())
            || says(&self.status, "error")
            || says(&self.status, "fail")
            || says(&self.status, "failed")
    }

    /// The platform's message, shortened.
    pub(super) fn message(&self) -> Option<String> {
        let candidates = [&self.error_msg, &self.message, &self.reason];
        let text = candidates.into_iter().flatten().find_map(serde_json::Value::as_str)?;
        Some(excerpt(text))
    }
}

/// The first characters of a text, on one line, without what would steer a terminal.
pub(super) fn excerpt(text: &str) -> String {
    let shown = text.replace(|c: char| c.is_control() && !c.is_whitespace(), "\u{fffd}");
    let line = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(EXCERPT_CHARS) {
        Some((at, _)) => format!("{}...", &line[..at]),
        None => line,
    }
}

/// Whether a change was acknowledged: by `success`, by `status`, by the project, or by nothing at all.
///
/// A bare message with a 2xx is how some years word an error.
pub(super) fn acknowledged(body: &serde_json::Value) -> Result<(), String> {
    let is_done = match body {
        serde_json::Value::Null => true,
        serde_json::Value::Object(fields) => {
            let is_true = |value: &serde_json::Value| value.as_bool() == Some(true);
            fields.is_empty()
                || fields.get("success").is_some_and(is_true)
                || fields.get("status").is_some_and(|status| status == "success")
                || ["project", "projects", "result"].iter().any(|key| fields.contains_key(*key))
        }
        _ => false,
    };
    if is_done {
        return Ok(());
    }
    let said = body.get("message").and_then(serde_json::Value::as_str).map(excerpt);
    let said = said.map(|text| format!(": \"{text}\"")).unwrap_or_default();
    Err(format!("the answer does not say that the change was made{said}"))
}

/// Takes a null for what a missing key means.
pub(super) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A moment given in Unix seconds or in milliseconds, told apart by size.
///
/// 10^11 seconds lie in the year 5138 and 10^11 milliseconds in 1973, before
/// and after any project of the platform.
pub(super) fn unix_moment(value: i64) -> Option<DateTime<Utc>> {
    if value >= 100_000_000_000 {
        DateTime::from_timestamp_millis(value)
    } else {
        DateTime::from_timestamp(value, 0)
    }
}

/// A UTC day as the platform labels it: 20150101, `2021-10-13T00:00:00.000Z`, `2021-10-13` or a Unix time.
#[derive(Debug, Clone)]
pub(super) enum DayLabel {
    Number(i64),
    Text(String),
}

impl<'de> Deserialize<'de> for DayLabel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DayLabelVisitor)
    }
}

/// Takes the value as it comes: an untagged enum would first copy each of a
/// million labels.
struct DayLabelVisitor;

impl Visitor<'_> for DayLabelVisitor {
    type Value = DayLabel;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a day")
    }

    fn visit_i64<E>(self, value: i64) -> Result<DayLabel, E> {
        Ok(DayLabel::Number(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<DayLabel, E> {
        i64::try_from(value)
            .map(DayLabel::Number)
            .map_err(|_| E::invalid_value(serde::de::Unexpected::Unsigned(value), &self))
    }

    fn visit_str<E>(self, value: &str) -> Result<DayLabel, E> {
        Ok(DayLabel::Text(value.to_owned()))
    }
}

impl DayLabel {
    pub(super) fn day(&self) -> Option<NaiveDate> {
        match self {
            // Eight digits: as a Unix time that would be a day of 1970.
            Self::Number(number) if (10_000_101..=99_991_231).contains(number) => {
                let (year, month, day) = (number / 10_000, number / 100 % 100, number % 100);
                NaiveDate::from_ymd_opt(
                    i32::try_from(year).ok()?,
                    u32::try_from(month).ok()?,
                    u32::try_from(day).ok()?,
                )
            }
            Self::Number(number) => Some(unix_moment(*number)?.date_naive()),
            Self::Text(text) => {
                if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
                    return Some(moment.to_utc().date_naive());
                }
                if let Ok(number) = text.parse() {
                    return Self::Number(number).day();
                }
                NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
            }
        }
    }
}

impl fmt::Display for DayLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(&excerpt(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(json: &str) -> Count {
        serde_json::from_str(json).expect("decodes")
    }

    #[test]
    fn c27_odd_numbers_are_taken_whole_or_called_odd() {
        for json in ["120", "120.0", "\"120\"", "\"120.00\"", "1.2e2"] {
            assert_eq!(count(json), Count::Known(120), "{json}");
        }
        let odd = ["120.5", "-5", "9223372036854775808", "\"\"", "\"1e2\"", "true", "[1]", "{}"];
        for json in odd.into_iter().chain(["\"-5\"", "\"12x\"", "1e300", "-0.5"]) {
            assert!(matches!(count(json), Count::Odd(_)), "{json}");
        }
        assert_eq!(count("null"), Count::Unknown);
        assert_eq!(count("9223372036854775807"), Count::Known(i64::MAX));
    }

    #[test]
    fn c25_a_user_id_above_two_billion_stays_positive() {
        assert_eq!(count("2147483648"), Count::Known(2_147_483_648));
        assert_eq!(count("4294967295"), Count::Known(4_294_967_295));
    }

    #[test]
    fn c26_created_is_told_apart_by_size() {
        let text = |value| unix_moment(value).expect("moment").to_rfc3339();
        assert_eq!(text(1_893_456_000), "2030-01-01T00:00:00+00:00");
        assert_eq!(text(1_893_456_000_123), "2030-01-01T00:00:00.123+00:00");
    }

    #[test]
    fn c12_a_day_label_is_a_utc_day() {
        let day = |json: &str| {
            serde_json::from_str::<DayLabel>(json).expect("decodes").day().map(|d| d.to_string())
        };
        for json in [
            "\"2031-03-09T00:00:00.000Z\"",
            "\"2031-03-09T08:00:00+08:00\"",
            "20310309",
            "\"20310309\"",
            "\"2031-03-09\"",
            "1930780800",
            "1930780800000",
        ] {
            assert_eq!(day(json).as_deref(), Some("2031-03-09"), "{json}");
        }
        assert_eq!(day("20311301"), None);
        assert_eq!(day("\"soon\""), None);
    }

    #[test]
    fn c18_a_refusal_is_seen_in_every_spelling() {
        let verdict = |json: &str| serde_json::from_str::<Verdict>(json).expect("decodes");
        for json in [
            r#"{"status":"error","message":"x"}"#,
            r#"{"success":false}"#,
            r#"{"success":"false"}"#,
            r#"{"error_msg":"project not exist"}"#,
        ] {
            assert!(verdict(json).is_refusal(), "{json}");
        }
        for json in [r#"{"status":"success"}"#, r#"{"success":true}"#, "{}", r#"{"status":1}"#] {
            assert!(!verdict(json).is_refusal(), "{json}");
        }
        let message = verdict(r#"{"error_msg":"project  not\nexist"}"#).message();
        assert_eq!(message.as_deref(), Some("project not exist"));
    }

    #[test]
    fn an_excerpt_is_short_and_on_one_line() {
        assert_eq!(excerpt("a\n  b"), "a b");
        assert_eq!(excerpt(&"é".repeat(500)).chars().count(), EXCERPT_CHARS + 3);
        assert_eq!(excerpt("\u{1b}[2Jgone\u{7}"), "\u{fffd}[2Jgone\u{fffd}");
    }
}
