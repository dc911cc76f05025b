//! `GET /dev/v1/usage/`: minutes a day of many projects, rounded up each day by the platform.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};
use std::fmt;

use chrono::NaiveDate;
use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use super::client::{AgoraApi, Call, Family, Reply};
use super::error::ApiError;
use super::wire::{Count, DayLabel};
use crate::domain::{DateRange, DayUsage, Media, MediaSet, ProjectId, Service, UsageSource};

const ENDPOINT: &str = "GET usage v1";

const SECONDS_PER_MINUTE: i64 = 60;

#[derive(Debug, Deserialize)]
struct Body {
    usages: Usages,
}

/// Usage of all projects, taken over project by project while the body is
/// read: as a tree, a large account's month would be held twice.
#[derive(Debug, Default)]
struct Usages {
    days: Vec<DayUsage>,
    odd: Vec<Odd>,
}

/// What cannot be taken over, in the order of the body.
#[derive(Debug)]
struct Odd {
    /// Day of an odd value, which matters only where the day was asked for.
    day: Option<NaiveDate>,
    text: String,
}

#[derive(Debug, Deserialize)]
struct WireProject {
    project: String,
    #[serde(default)]
    daily: Vec<WireDay>,
}

/// Minutes of one day.
#[derive(Debug, Deserialize)]
struct WireDay {
    date: DayLabel,
    #[serde(default)]
    audio: Count,
    #[serde(default)]
    sd: Count,
    #[serde(default)]
    hd: Count,
    #[serde(default)]
    hdp: Count,
}

impl AgoraApi {
    /// Usage of the given projects, or of all when none is given, on the days of `range`.
    ///
    /// Minutes come back as 60 x minutes. Days outside the range are left out,
    /// and so are ids that the platform does not know.
    ///
    /// # Errors
    /// [`ApiError`] when the call failed for good; a value that is no whole
    /// number of minutes fails it, naming project, day and field.
    pub async fn usage_v1(
        &self,
        projects: &[ProjectId],
        range: DateRange,
    ) -> Result<Reply<Vec<DayUsage>>, ApiError> {
        let (first, last) = (range.first().to_string(), range.last().to_string());
        let ids = projects.iter().map(ProjectId::as_str).collect::<Vec<_>>().join(",");
        let mut query = vec![("from_date", first.as_str()), ("to_date", last.as_str())];
        if !ids.is_empty() {
            query.push(("projects", &ids));
        }
        let call = Call::get(Family::Usage, ENDPOINT, &["dev", "v1", "usage", ""], &query);
        let reply: Reply<Body> = self.send(call).await?;
        reply.try_map(ENDPOINT, |body| days(body, range))
    }
}

fn days(body: Body, range: DateRange) -> Result<Vec<DayUsage>, String> {
    let Usages { mut days, odd } = body.usages;
    let is_asked = |odd: &Odd| odd.day.is_none_or(|day| range.contains(day));
    if let Some(odd) = odd.into_iter().find(is_asked) {
        return Err(odd.text);
    }
    days.retain(|usage| range.contains(usage.day));
    each_once(days)
}

impl<'de> Deserialize<'de> for Usages {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(UsagesVisitor)
    }
}

struct UsagesVisitor;

impl<'de> Visitor<'de> for UsagesVisitor {
    type Value = Usages;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of projects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut projects: A) -> Result<Usages, A::Error> {
        let mut usages = Usages::default();
        while let Some(project) = projects.next_element()? {
            usages.take(project);
        }
        Ok(usages)
    }
}

impl Usages {
    fn take(&mut self, project: WireProject) {
        let project_id = match ProjectId::new(&project.project) {
            Ok(project_id) => project_id,
            Err(error) => {
                let text = format!("usage of a project whose id is not usable: {error}");
                self.odd.push(Odd { day: None, text });
                return;
            }
        };
        self.days.reserve(project.daily.len());
        for wire in project.daily {
            let Some(day) = wire.date.day() else {
                let text = format!("project {project_id}: '{}' is not a day of usage", wire.date);
                self.odd.push(Odd { day: None, text });
                continue;
            };
            match wire.into_usage(&project_id, day) {
                Ok(usage) => self.days.push(usage),
                Err(text) => self.odd.push(Odd { day: Some(day), text }),
            }
        }
    }
}

/// Each day once; looked up first, since nearly no answer repeats one.
fn each_once(days: Vec<DayUsage>) -> Result<Vec<DayUsage>, String> {
    let is_each_once = {
        let mut seen = HashSet::with_capacity(days.len());
        days.iter().all(|usage| seen.insert((&usage.project_id, usage.day)))
    };
    if is_each_once {
        return Ok(days);
    }
    let mut once = BTreeMap::new();
    for usage in days {
        keep_once(&mut once, (usage.project_id.clone(), usage.day), usage)?;
    }
    Ok(once.into_values().collect())
}

impl WireDay {
    fn into_usage(self, project_id: &ProjectId, day: NaiveDate) -> Result<DayUsage, String> {
        let mut usage = DayUsage {
            project_id: project_id.clone(),
            service: Service::Rtc,
            day,
            source: UsageSource::V1,
            seconds: [None; Media::COUNT],
            extra_seconds: BTreeMap::new(),
            missing: MediaSet::EMPTY,
        };
        let fields = [
            (Media::Audio, self.audio),
            (Media::Sd, self.sd),
            (Media::Hd, self.hd),
            (Media::Hdp, self.hdp),
        ];
        for (media, count) in fields {
            let odd = |text: String| {
                format!(
                    "project {project_id}, day {day}: {media} is {text}, not a whole number of minutes"
                )
            };
            match count {
                Count::Known(minutes) => {
                    let seconds = minutes.checked_mul(SECONDS_PER_MINUTE);
                    let seconds = seconds.ok_or_else(|| odd(minutes.to_string()))?;
                    usage.seconds[media.index()] = Some(seconds);
                }
                Count::Unknown => usage.missing.insert(media),
                Count::Odd(text) => return Err(odd(text)),
            }
        }
        Ok(usage)
    }
}

/// Keeps a day that a body lists twice once, and refuses two answers for one day.
pub(super) fn keep_once<K: Ord>(
    days: &mut BTreeMap<K, DayUsage>,
    key: K,
    usage: DayUsage,
) -> Result<(), String> {
    match days.entry(key) {
        Entry::Vacant(entry) => {
            entry.insert(usage);
        }
        Entry::Occupied(entry) if *entry.get() == usage => {}
        Entry::Occupied(_) => {
            let (project_id, day) = (usage.project_id, usage.day);
            return Err(format!(
                "project {project_id}, day {day}: listed twice with different values"
            ));
        }
    }
    Ok(())
}

/// Decodes a body without a call.
pub(crate) fn decoded(body: &[u8], range: DateRange) -> Result<Vec<DayUsage>, String> {
    days(serde_json::from_slice(body).map_err(|error| error.to_string())?, range)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::period::parse_day;

    fn decode(json: &str) -> Result<Vec<DayUsage>, String> {
        let body: Body = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let day = |text| parse_day(text).expect("day");
        days(body, DateRange::new(day("2015-01-01"), day("2015-01-31")).expect("range"))
    }

    #[test]
    fn a_body_of_2018_is_read_into_seconds() {
        let days = decode(include_str!("../../tests/fixtures/usage_v1/two_projects.json"));
        let days = days.expect("valid");
        assert_eq!(days.len(), 3);
        let first = &days[0];
        assert_eq!(
            (first.project_id.as_str(), first.day.to_string()),
            ("xxx", "2015-01-01".into())
        );
        assert_eq!(first.seconds[..4], [Some(1200), Some(6000), Some(7920), Some(13500)]);
        assert_eq!(first.seconds[4..], [None; 3]);
        assert!(first.missing.is_empty());
    }

    #[test]
    fn c27_a_missing_field_is_unknown_and_an_odd_one_is_loud() {
        let day = |fields: &str| {
            decode(&format!(
                r#"{{"usages":[{{"project":"p","daily":[{{"date":20150101,{fields}}}]}}]}}"#
            ))
        };
        let days = day(r#""audio":1,"sd":null"#).expect("valid");
        assert_eq!(days[0].missing.iter().collect::<Vec<_>>(), [Media::Sd, Media::Hd, Media::Hdp]);
        let error = day(r#""audio":-5"#).expect_err("odd");
        assert!(error.contains("project p, day 2015-01-01: audio is -5"), "{error}");
        let too_many_seconds = format!(r#""audio":{}"#, i64::MAX);
        assert!(day(&too_many_seconds).is_err());
    }

    #[test]
    fn c36_a_day_listed_twice_is_kept_once_unless_the_values_differ() {
        let twice = |second: i64| {
            let day =
                |audio| format!(r#"{{"date":20150101,"audio":{audio},"sd":0,"hd":0,"hdp":0}}"#);
            decode(&format!(
                r#"{{"usages":[{{"project":"p","daily":[{},{}]}}]}}"#,
                day(5),
                day(second)
            ))
        };
        assert_eq!(twice(5).expect("valid").len(), 1);
        assert!(twice(6).expect_err("conflict").contains("listed twice"));
    }
}
