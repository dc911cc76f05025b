//! The text of a fault: `KIND[=VALUE][@AIM][%RATE][*COUNT]`.
//!
//! Owns the grammar and what each kind allows. A wrong text is refused with the
//! part that is wrong and what may stand there.

use std::fmt;
use std::str::FromStr;

use axum::http::{HeaderValue, Method, StatusCode};

use crate::simulator::family::Family;

/// Longest wait that a fault may cause.
const MAX_WAIT_MS: u64 = 600_000;

/// Ten years: an HTTP date lies between 1970 and 9999.
const MAX_DATE_DISTANCE_SECONDS: u64 = 315_360_000;

/// Names of the kinds, with the value that each takes.
const KINDS: &str = "status=CODE, retry-after=SECONDS|date+N|TEXT, latency-ms=N, cut-body[=BYTES], \
    html, content-type=TYPE, redirect=URL, error-with-200, duplicate-rows, missing-rows, no-rows, \
    stuck-pages, drift[=CHANNELS], gzip, slow-body-ms=N, numbers-as-strings, no-answer[=close], \
    refuse";

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FaultKind {
    /// This status, and nothing is done.
    Status(StatusCode),
    /// 429 with this `Retry-After`.
    RetryAfter(RetryAfter),
    LatencyMs(u64),
    /// The length is right, the body ends after these bytes, or half of them.
    CutBody(Option<usize>),
    /// A maintenance page with status 200.
    Html,
    ContentType(HeaderValue),
    Redirect(HeaderValue),
    ErrorWith200,
    DuplicateRows,
    MissingRows,
    NoRows,
    StuckPages,
    Drift {
        channels: u64,
    },
    Gzip,
    SlowBodyMs(u64),
    NumbersAsStrings,
    /// A change is made and not answered; `close` ends the connection at once.
    NoAnswer {
        close: bool,
    },
    /// The connection ends, and nothing is done.
    Refuse,
}

/// Value of a `Retry-After` header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RetryAfter {
    /// Sent as it stands: seconds, or what no client can read.
    Text(HeaderValue),
    /// An HTTP date that many seconds from now; negative: past.
    DateInSeconds(i64),
}

/// Which requests a fault is aimed at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Aim {
    method: Option<Method>,
    place: Option<Place>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Family(Family),
    PathPrefix(String),
}

/// A fault: what goes wrong, for which requests and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultSpec {
    text: String,
    kind: FaultKind,
    aim: Aim,
    rate_percent: u8,
    count: Option<u64>,
}

/// Why a text is no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// The kind is not known.
    #[error("fault '{fault}': unknown kind '{kind}'; use one of {KINDS}")]
    Kind {
        /// The whole text.
        fault: String,
        /// The part before `=`, `@`, `%` and `*`.
        kind: String,
    },
    /// The value does not fit the kind.
    #[error("fault '{fault}': {kind} takes {allowed}, not '{value}'")]
    Value {
        /// The whole text.
        fault: String,
        /// The kind.
        kind: String,
        /// The part after `=`.
        value: String,
        /// What may stand there.
        allowed: &'static str,
    },
    /// The aim is neither method, family nor path.
    #[error(
        "fault '{fault}': unknown aim '{aim}'; use projects, usage, kicking-rules, channels, \
         users, roles, co-hosts or a path such as /dev/v3, with a method in front (POST:projects) \
         or a method alone"
    )]
    Aim {
        /// The whole text.
        fault: String,
        /// The part after `@`.
        aim: String,
    },
    /// The rate is no per cent.
    #[error("fault '{fault}': the rate after % is 1 to 100, not '{rate}'")]
    Rate {
        /// The whole text.
        fault: String,
        /// The part after `%`.
        rate: String,
    },
    /// The count is no number.
    #[error("fault '{fault}': the count after * is a whole number from 1 on, not '{count}'")]
    Count {
        /// The whole text.
        fault: String,
        /// The part after `*`.
        count: String,
    },
}

impl FaultSpec {
    pub(super) const fn kind(&self) -> &FaultKind {
        &self.kind
    }

    pub(super) const fn rate_percent(&self) -> u8 {
        self.rate_percent
    }

    /// How often it strikes at most.
    pub(super) const fn count(&self) -> Option<u64> {
        self.count
    }

    /// A question is never left unanswered: only a change can be made and not answered.
    pub(super) fn is_aimed_at(&self, method: &Method, path: &str) -> bool {
        let is_change = *method != Method::GET;
        if matches!(self.kind, FaultKind::NoAnswer { .. }) && !is_change {
            return false;
        }
        let fits = |place: &Place| match place {
            Place::Family(family) => Family::of_path(path) == Some(*family),
            Place::PathPrefix(prefix) => path.starts_with(prefix),
        };
        self.aim.method.as_ref().is_none_or(|aimed| aimed == method)
            && self.aim.place.as_ref().is_none_or(fits)
    }
}

impl fmt::Display for FaultSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for FaultSpec {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let fault = || text.to_owned();
        let (rest, count) = split(text, '*');
        let count = match count.map(|count| (count, count.parse())) {
            None => None,
            Some((_, Ok(number))) if number > 0 => Some(number),
            Some((count, _)) => {
                return Err(FaultError::Count { fault: fault(), count: count.to_owned() });
            }
        };
        let (rest, rate) = split(rest, '%');
        let rate_percent = match rate.map(|rate| (rate, rate.parse())) {
            None => 100,
            Some((_, Ok(number))) if (1..=100).contains(&number) => number,
            Some((rate, _)) => {
                return Err(FaultError::Rate { fault: fault(), rate: rate.to_owned() });
            }
        };
        let (rest, aim) = split(rest, '@');
        let aim = aim.map_or(Ok(Aim::default()), |aim| {
            parse_aim(aim).ok_or_else(|| FaultError::Aim { fault: fault(), aim: aim.to_owned() })
        })?;
        let (name, value) = split(rest, '=');
        let kind = parse_kind(name, value).map_err(|allowed| match allowed {
            None => FaultError::Kind { fault: fault(), kind: name.to_owned() },
            Some(allowed) => FaultError::Value {
                fault: fault(),
                kind: name.to_owned(),
                value: value.unwrap_or_default().to_owned(),
                allowed,
            },
        })?;
        Ok(Self { text: text.to_owned(), kind, aim, rate_percent, count })
    }
}

/// The text before and after the first `mark`.
fn split(text: &str, mark: char) -> (&str, Option<&str>) {
    text.split_once(mark).map_or((text, None), |(before, after)| (before, Some(after)))
}

fn parse_aim(text: &str) -> Option<Aim> {
    let method = |text: &str| {
        let methods = [Method::GET, Method::POST, Method::PUT, Method::DELETE];
        methods.into_iter().find(|method| method.as_str() == text)
    };
    let place = |text: &str| {
        let family = Family::ALL.into_iter().find(|family| family.name() == text);
        let path = text.starts_with('/').then(|| Place::PathPrefix(text.to_owned()));
        family.map(Place::Family).or(path)
    };
    if let Some((before, after)) = text.split_once(':') {
        return Some(Aim { method: Some(method(before)?), place: Some(place(after)?) });
    }
    let aim = Aim { method: method(text), place: place(text) };
    (aim != Aim::default()).then_some(aim)
}

/// The kind, or what its value should be, or nothing for an unknown name.
fn parse_kind(name: &str, value: Option<&str>) -> Result<FaultKind, Option<&'static str>> {
    let plain = |kind| if value.is_none() { Ok(kind) } else { Err(Some("no value")) };
    let number = |allowed| value.and_then(|text| text.parse().ok()).ok_or(Some(allowed));
    let wait_ms = || {
        let allowed = "milliseconds from 0 to 600000";
        number(allowed)
            .and_then(|wait| if wait <= MAX_WAIT_MS { Ok(wait) } else { Err(Some(allowed)) })
    };
    let header = |allowed| {
        let text = value.filter(|text| !text.is_empty());
        text.and_then(|text| HeaderValue::from_str(text).ok()).ok_or(Some(allowed))
    };
    match name {
        "status" => {
            let status = value.and_then(|text| StatusCode::from_bytes(text.as_bytes()).ok());
            let status = status.filter(|status| (200..600).contains(&status.as_u16()));
            status.map(FaultKind::Status).ok_or(Some("a status from 200 to 599"))
        }
        "retry-after" => {
            let date = value.and_then(|text| text.strip_prefix("date"));
            if let Some(seconds) = date.and_then(|seconds| seconds.parse::<i64>().ok()) {
                if seconds.unsigned_abs() > MAX_DATE_DISTANCE_SECONDS {
                    return Err(Some("a date within ten years"));
                }
                return Ok(FaultKind::RetryAfter(RetryAfter::DateInSeconds(seconds)));
            }
            let text = header("seconds, date+N for a date N seconds ahead, date-N, or any text")?;
            Ok(FaultKind::RetryAfter(RetryAfter::Text(text)))
        }
        "latency-ms" => Ok(FaultKind::LatencyMs(wait_ms()?)),
        "slow-body-ms" => Ok(FaultKind::SlowBodyMs(wait_ms()?)),
        "cut-body" if value.is_none() => Ok(FaultKind::CutBody(None)),
        "cut-body" => {
            let bytes =
                value.and_then(|text| text.parse().ok()).ok_or(Some("a number of bytes"))?;
            Ok(FaultKind::CutBody(Some(bytes)))
        }
        "drift" if value.is_none() => Ok(FaultKind::Drift { channels: 1 }),
        "drift" => match number("a number of channels from 1 to 1000")? {
            channels @ 1..=1_000 => Ok(FaultKind::Drift { channels }),
            _ => Err(Some("a number of channels from 1 to 1000")),
        },
        "no-answer" => match value {
            None => Ok(FaultKind::NoAnswer { close: false }),
            Some("close") => Ok(FaultKind::NoAnswer { close: true }),
            Some(_) => Err(Some("no value or 'close'")),
        },
        "content-type" => Ok(FaultKind::ContentType(header("a content type")?)),
        "redirect" => Ok(FaultKind::Redirect(header("an address")?)),
        _ => plain(named(name).ok_or(None)?),
    }
}

/// The kinds that take no value.
fn named(name: &str) -> Option<FaultKind> {
    match name {
        "html" => Some(FaultKind::Html),
        "error-with-200" => Some(FaultKind::ErrorWith200),
        "duplicate-rows" => Some(FaultKind::DuplicateRows),
        "missing-rows" => Some(FaultKind::MissingRows),
        "no-rows" => Some(FaultKind::NoRows),
        "stuck-pages" => Some(FaultKind::StuckPages),
        "gzip" => Some(FaultKind::Gzip),
        "numbers-as-strings" => Some(FaultKind::NumbersAsStrings),
        "refuse" => Some(FaultKind::Refuse),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(text: &str) -> FaultSpec {
        text.parse().expect("a fault")
    }

    #[test]
    fn every_part_is_read_and_written_back() {
        let fault = spec("status=503@POST:projects%10*3");
        assert_eq!(fault.kind, FaultKind::Status(StatusCode::SERVICE_UNAVAILABLE));
        assert_eq!((fault.rate_percent, fault.count), (10, Some(3)));
        assert!(fault.is_aimed_at(&Method::POST, "/dev/v1/project/"));
        assert!(!fault.is_aimed_at(&Method::GET, "/dev/v1/project/"));
        assert!(!fault.is_aimed_at(&Method::POST, "/dev/v1/kicking-rule"));
        assert_eq!(fault.to_string(), "status=503@POST:projects%10*3");
        assert_eq!((spec("gzip").rate_percent, spec("gzip").count), (100, None));
        assert!(spec("gzip@/dev/v3").is_aimed_at(&Method::GET, "/dev/v3/usage"));
    }

    #[test]
    fn values_are_read_by_kind() {
        for (text, kind) in [
            ("retry-after=date-5", FaultKind::RetryAfter(RetryAfter::DateInSeconds(-5))),
            ("retry-after=date+3", FaultKind::RetryAfter(RetryAfter::DateInSeconds(3))),
            ("cut-body=400", FaultKind::CutBody(Some(400))),
            ("drift", FaultKind::Drift { channels: 1 }),
            ("no-answer=close", FaultKind::NoAnswer { close: true }),
            ("slow-body-ms=3000", FaultKind::SlowBodyMs(3_000)),
        ] {
            assert_eq!(spec(text).kind, kind, "{text}");
        }
        for text in ["retry-after=date+999999999999", "retry-after=date-9999999999"] {
            let error = text.parse::<FaultSpec>().expect_err("no HTTP date");
            assert!(error.to_string().contains("within ten years"), "{error}");
        }
        let soon = FaultKind::RetryAfter(RetryAfter::Text(HeaderValue::from_static("soon")));
        assert_eq!(spec("retry-after=soon").kind, soon);
    }

    #[test]
    fn a_wrong_part_is_named_with_what_is_allowed() {
        for (text, says) in [
            ("", "unknown kind ''; use one of status=CODE"),
            ("statsu=500", "unknown kind 'statsu'"),
            ("status", "status takes a status from 200 to 599, not ''"),
            ("status=99", "not '99'"),
            ("latency-ms=x", "latency-ms takes milliseconds from 0 to 600000, not 'x'"),
            ("gzip=1", "gzip takes no value, not '1'"),
            ("drift=0", "drift takes a number of channels from 1 to 1000, not '0'"),
            ("no-answer=never", "no-answer takes no value or 'close', not 'never'"),
            ("gzip@bills", "unknown aim 'bills'; use projects, usage"),
            ("gzip@PATCH:usage", "unknown aim 'PATCH:usage'"),
            ("gzip%0", "the rate after % is 1 to 100, not '0'"),
            ("gzip%10@usage", "not '10@usage'"),
            ("gzip*x", "the count after * is a whole number from 1 on, not 'x'"),
        ] {
            let error = text.parse::<FaultSpec>().expect_err(text).to_string();
            assert!(error.contains(says) && error.contains(&format!("'{text}'")), "{error}");
        }
    }
}
