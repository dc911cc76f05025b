use super::*;

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().expect("day")
}

/// A row of rtc audio.
pub(crate) fn usage(project: &str, day_text: &str, audio_seconds: i64) -> DayUsage {
    let mut seconds = [None; Media::COUNT];
    seconds[Media::Audio.index()] = Some(audio_seconds);
    DayUsage {
        project_id: ProjectId::new(project).expect("id"),
        service: Service::Rtc,
        day: day(day_text),
        source: UsageSource::V3,
        seconds,
        extra_seconds: BTreeMap::new(),
        missing: MediaSet::EMPTY,
    }
}

pub(crate) fn account() -> AccountId {
    AccountId::new("default").expect("name")
}

pub(crate) fn tiered() -> PriceBook {
    PriceBook::embedded("tiered").expect("known").expect("valid")
}

/// The same audio seconds on each day of a range.
pub(crate) fn flat(project: &str, first: &str, last: &str, seconds: i64) -> Vec<DayUsage> {
    let range = DateRange::new(day(first), day(last)).expect("range");
    range.days().map(|day| usage(project, &day.to_string(), seconds)).collect()
}
