//! What was used: services, types of media, and one day's seconds of each.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};

use super::ProjectId;

/// Part of Agora's offer whose usage is counted by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// Calls and live streaming, without the mini app.
    Rtc,
    /// On-premise recording. `rtc` says that it includes it, so both together may count twice.
    Recording,
    /// Cloud recording.
    CloudRecording,
    /// Transcoding; no public price is known.
    Transcoding,
    /// `WeChat` mini app.
    Miniapp,
}

impl Service {
    /// Every service, in the order of reports.
    pub const ALL: [Self; 5] =
        [Self::Rtc, Self::Recording, Self::CloudRecording, Self::Transcoding, Self::Miniapp];

    /// Word used in settings, tables and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rtc => "rtc",
            Self::Recording => "recording",
            Self::CloudRecording => "cloud_recording",
            Self::Transcoding => "transcoding",
            Self::Miniapp => "miniapp",
        }
    }

    /// The service of that name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.name() == name)
    }
}

/// Type of minute that has a price of its own; Agora's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Media {
    /// Voice alone.
    Audio,
    /// Video below HD; only usage v1 tells it apart, and it is billed as HD.
    Sd,
    /// Aggregate resolution up to 1280 x 720.
    Hd,
    /// Above 1280 x 720 in the plans up to 2020.
    Hdp,
    /// Above 1280 x 720 up to 1920 x 1080.
    FullHd,
    /// Above 1920 x 1080 up to 2560 x 1440.
    Video2k,
    /// Above 2560 x 1440.
    Video2kPlus,
}

impl Media {
    /// How many types there are.
    pub const COUNT: usize = 7;

    /// Every type, in the order of columns and of colours.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Audio,
        Self::Sd,
        Self::Hd,
        Self::Hdp,
        Self::FullHd,
        Self::Video2k,
        Self::Video2kPlus,
    ];

    /// Position in [`Media::ALL`] and in every array of media.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Word used in settings, reports and price books.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Sd => "sd",
            Self::Hd => "hd",
            Self::Hdp => "hdp",
            Self::FullHd => "full_hd",
            Self::Video2k => "2k",
            Self::Video2kPlus => "2k_plus",
        }
    }

    /// The type of that name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|media| media.name() == name)
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of media.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct MediaSet(u8);

impl MediaSet {
    /// The set without members.
    pub const EMPTY: Self = Self(0);

    /// Adds a member.
    pub fn insert(&mut self, media: Media) {
        self.0 |= 1 << media.index();
    }

    /// Whether the set holds it.
    #[must_use]
    pub const fn contains(self, media: Media) -> bool {
        self.0 & (1 << media.index()) != 0
    }

    /// Whether the set has no member.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members in the order of [`Media::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Media> {
        Media::ALL.into_iter().filter(move |media| self.contains(*media))
    }
}

impl FromIterator<Media> for MediaSet {
    fn from_iter<I: IntoIterator<Item = Media>>(media: I) -> Self {
        let mut set = Self::EMPTY;
        media.into_iter().for_each(|media| set.insert(media));
        set
    }
}

/// Which endpoint a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UsageSource {
    /// `GET /dev/v1/usage/`: minutes, rounded up each day by the platform.
    V1,
    /// `GET /dev/v3/usage`: seconds.
    V3,
}

impl UsageSource {
    /// Word used in settings and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V3 => "v3",
        }
    }

    /// The source of that name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::V1, Self::V3].into_iter().find(|source| source.name() == name)
    }
}

/// Usage of one project, service and UTC day.
///
/// For each media the value is known (`seconds` holds it, 0 included), unknown
/// (`missing` holds the media: the source should have sent it and did not) or
/// not applicable (neither: the source does not count that media).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayUsage {
    /// Whose usage.
    pub project_id: ProjectId,
    /// Of which service.
    pub service: Service,
    /// UTC day.
    pub day: NaiveDate,
    /// Endpoint that it came from.
    pub source: UsageSource,
    /// Seconds by [`Media::index`], each 0 or more; v1 minutes times 60.
    pub seconds: [Option<i64>; Media::COUNT],
    /// Seconds of `duration*` fields without a name here; none where the field was null or missing.
    pub extra_seconds: BTreeMap<String, Option<i64>>,
    /// Media that the source should have sent and did not.
    pub missing: MediaSet,
}

impl DayUsage {
    /// Whether any expected value, named or extra, is unknown.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        !self.missing.is_empty() || self.extra_seconds.values().any(Option::is_none)
    }
}

/// A value that a newer one replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupersededUsage {
    /// The old value.
    pub usage: DayUsage,
    /// When the newer value was received.
    pub superseded_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for media in Media::ALL {
            assert_eq!(Media::from_name(media.name()), Some(media));
            assert_eq!(Media::ALL[media.index()], media);
        }
        for service in Service::ALL {
            assert_eq!(Service::from_name(service.name()), Some(service));
        }
        assert_eq!(UsageSource::from_name("v3"), Some(UsageSource::V3));
        assert_eq!(UsageSource::from_name("v2"), None);
    }

    #[test]
    fn a_media_set_keeps_column_order() {
        let set: MediaSet = [Media::Video2k, Media::Audio].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [Media::Audio, Media::Video2k]);
        assert!(set.contains(Media::Audio) && !set.contains(Media::Hd));
        assert!(MediaSet::EMPTY.is_empty() && !set.is_empty());
    }
}
