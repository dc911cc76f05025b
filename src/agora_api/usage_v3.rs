//! `GET /dev/v3/usage`: seconds a day of one project and one service.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::client::{AgoraApi, Call, Family, Reply};
use super::error::ApiError;
use super::wire::{Count, DayLabel};
use crate::domain::{DateRange, DayUsage, Media, MediaSet, ProjectId, Service, UsageSource};

const ENDPOINT: &str = "GET usage v3";

/// Fields of the 2020 version, expected where a body brings no `meta`.
const FIELDS_WITHOUT_META: [&str; 3] = ["durationAudioAll", "durationVideoHd", "durationVideoHdp"];

#[derive(Debug, Deserialize)]
struct Body {
    #[serde(default)]
    meta: Option<BTreeMap<String, serde_json::Value>>,
    usages: Vec<WireDay>,
}

#[derive(Debug, Deserialize)]
struct WireDay {
    date: DayLabel,
    #[serde(default)]
    usage: BTreeMap<String, Count>,
}

/// Value of the parameter `business`.
pub(super) fn business(service: Service) -> &'static str {
    match service {
        Service::Rtc => "default",
        Service::Recording => "recording",
        Service::CloudRecording => "cloudRecording",
        Service::Transcoding => "transcodeDuration",
        Service::Miniapp => "miniapp",
    }
}

/// The media that a field counts; none for a field that is new.
fn media_of(field: &str) -> Option<Media> {
    Some(match field {
        "durationAudioAll" => Media::Audio,
        "durationVideoHd" => Media::Hd,
        "durationVideoHdp" => Media::Hdp,
        "durationVideo1080P" => Media::FullHd,
        "durationVideo2K" => Media::Video2k,
        // The platform's 4K field holds what its price list calls 2K+.
        "durationVideo4K" => Media::Video2kPlus,
        _ => return None,
    })
}

/// Whether a field holds a duration, and so may be money one day.
fn is_duration(field: &str) -> bool {
    field.starts_with("duration")
}

impl AgoraApi {
    /// Usage of one project and service on the days of `range`, which lies in one month.
    ///
    /// Days outside the range are left out of the answer, as are idle days
    /// that the platform does not list.
    ///
    /// # Errors
    /// [`ApiError`] when the call failed for good; a value that is no whole
    /// number from 0 to `i64::MAX` fails it, naming project, day and field.
    pub async fn usage_v3(
        &self,
        project_id: &ProjectId,
        service: Service,
        range: DateRange,
    ) -> Result<Reply<Vec<DayUsage>>, ApiError> {
        let query = [
            ("project_id", project_id.as_str()),
            ("from_date", &range.first().to_string()),
            ("to_date", &range.last().to_string()),
            ("business", business(service)),
        ];
        let call = Call::get(Family::Usage, ENDPOINT, &["dev", "v3", "usage"], &query);
        let reply: Reply<Body> = self.send(call).await?;
        reply.try_map(ENDPOINT, |body| days(body, project_id, service, range))
    }
}

fn days(
    body: Body,
    project_id: &ProjectId,
    service: Service,
    range: DateRange,
) -> Result<Vec<DayUsage>, String> {
    let expected: Vec<String> = match body.meta {
        Some(meta) => meta.into_keys().filter(|field| is_duration(field)).collect(),
        None => FIELDS_WITHOUT_META.map(str::to_owned).to_vec(),
    };
    let mut days: BTreeMap<_, DayUsage> = BTreeMap::new();
    for wire in body.usages {
        let day = wire.date.day().ok_or_else(|| {
            format!("project {project_id}: '{}' is not a day of usage", wire.date)
        })?;
        if !range.contains(day) {
            continue;
        }
        let mut usage = DayUsage {
            project_id: project_id.clone(),
            service,
            day,
            source: UsageSource::V3,
            seconds: [None; Media::COUNT],
            extra_seconds: BTreeMap::new(),
            missing: MediaSet::EMPTY,
        };
        let fields = wire.usage.into_iter().filter(|(field, _)| is_duration(field));
        for (field, count) in fields {
            take(&mut usage, field, count)?;
        }
        for field in &expected {
            expect(&mut usage, field);
        }
        super::usage_v1::keep_once(&mut days, day, usage)?;
    }
    Ok(days.into_values().collect())
}

/// Puts one field where it belongs.
fn take(usage: &mut DayUsage, field: String, count: Count) -> Result<(), String> {
    let seconds = match count {
        Count::Known(seconds) => Some(seconds),
        Count::Unknown => None,
        Count::Odd(text) => {
            let (project_id, day) = (&usage.project_id, usage.day);
            return Err(format!(
                "project {project_id}, day {day}: {field} is {text}, not a whole number of seconds"
            ));
        }
    };
    if field.contains('\0') {
        let (project_id, day) = (&usage.project_id, usage.day);
        return Err(format!("project {project_id}, day {day}: a field name holds a NUL character"));
    }
    match media_of(&field) {
        Some(media) if seconds.is_none() => usage.missing.insert(media),
        Some(media) => usage.seconds[media.index()] = seconds,
        None => {
            usage.extra_seconds.insert(field, seconds);
        }
    }
    Ok(())
}

/// Marks a field of `meta` as unknown where the day does not hold it.
fn expect(usage: &mut DayUsage, field: &str) {
    match media_of(field) {
        Some(media) if usage.seconds[media.index()].is_none() => usage.missing.insert(media),
        Some(_) => {}
        None => {
            usage.extra_seconds.entry(field.to_owned()).or_insert(None);
        }
    }
}

/// Decodes a body without a call.
pub(crate) fn decoded(
    body: &str,
    project_id: &ProjectId,
    service: Service,
    range: DateRange,
) -> Result<Vec<DayUsage>, String> {
    let body = serde_json::from_str(body).map_err(|error| error.to_string())?;
    days(body, project_id, service, range)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::period::parse_day;

    fn decode(json: &str) -> Result<Vec<DayUsage>, String> {
        let body: Body = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let day = |text| parse_day(text).expect("day");
        let range = DateRange::new(day("2021-10-01"), day("2021-10-31")).expect("range");
        days(body, &ProjectId::new("Hk12QqzrB").expect("id"), Service::Rtc, range)
    }

    fn one_day(usage: &str) -> Result<DayUsage, String> {
        let json = format!(
            r#"{{"meta":{{"durationAudioAll":{{}},"durationVideoHd":{{}},"durationVideo8K":{{}}}},
                "usages":[{{"date":"2021-10-13T00:00:00.000Z","usage":{usage}}}]}}"#
        );
        decode(&json).map(|mut days| days.remove(0))
    }

    #[test]
    fn a_body_of_today_is_read_into_seconds_by_media() {
        let days = decode(include_str!("../../tests/fixtures/usage_v3/six_fields.json"));
        let days = days.expect("valid");
        assert_eq!(days.len(), 2, "a day outside the range is left out");
        let media: Vec<_> = days[0].seconds.to_vec();
        assert_eq!(media, [Some(779), None, Some(60), Some(1), Some(2), Some(3), Some(4)]);
        assert!(days[0].missing.is_empty() && days[0].extra_seconds.is_empty());
    }

    #[test]
    fn c27_a_null_or_missing_field_is_unknown_and_not_zero() {
        let usage = one_day(r#"{"durationAudioAll":null,"durationVideo8K":0}"#).expect("valid");
        assert_eq!(usage.missing.iter().collect::<Vec<_>>(), [Media::Audio, Media::Hd]);
        assert_eq!(usage.seconds, [None; Media::COUNT]);
        assert!(usage.is_incomplete());
    }

    #[test]
    fn c27_an_odd_number_is_loud_with_project_day_and_field() {
        for odd in ["120.5", "-5", "9223372036854775808", "\"much\""] {
            let error = one_day(&format!(r#"{{"durationAudioAll":{odd}}}"#)).expect_err("odd");
            for part in ["Hk12QqzrB", "2021-10-13", "durationAudioAll"] {
                assert!(error.contains(part), "{error}");
            }
        }
    }

    #[test]
    fn c34_a_new_duration_is_kept_under_its_own_name() {
        let usage = one_day(
            r#"{"durationAudioAll":1,"durationVideoHd":2,"durationVideo8K":60,"note":"x"}"#,
        );
        let usage = usage.expect("valid");
        assert_eq!(usage.extra_seconds, BTreeMap::from([("durationVideo8K".into(), Some(60))]));
        assert!(!usage.is_incomplete());
    }

    #[test]
    fn a_body_without_meta_expects_the_fields_of_2020() {
        let json = r#"{"usages":[{"date":"2021-10-13","usage":{"durationAudioAll":5}}]}"#;
        let days = decode(json).expect("valid");
        assert_eq!(days[0].missing.iter().collect::<Vec<_>>(), [Media::Hd, Media::Hdp]);
    }

    #[test]
    fn a_body_without_usages_is_no_answer() {
        assert!(decode(r#"{"meta":{}}"#).is_err());
    }
}
