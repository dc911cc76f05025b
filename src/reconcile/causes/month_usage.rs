//! The month's cells, and what they sum to under another way of counting them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};

use crate::domain::{DayUsage, Media, ProjectId, Service, SupersededUsage, UsageSource};

/// Seconds in a minute.
pub(super) const MINUTE_SECONDS: u64 = 60;

/// Moments of the past that are tried, the newest ones: bounds the search.
const MAX_MOMENTS: usize = 64;

/// Types of media that HD+ minutes can be the same minutes as.
const ABOVE_HD: [Media; 3] = [Media::FullHd, Media::Video2k, Media::Video2kPlus];

/// Seconds of a month by service and media.
pub(in crate::reconcile) type MonthSeconds = [[u128; Media::COUNT]; Service::ALL.len()];

/// Seconds of a project's day by service and media; unknown counts as 0.
type DaySeconds = [[u64; Media::COUNT]; Service::ALL.len()];

/// What becomes of SD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::reconcile) enum SdReading {
    /// It is part of HD, as in our estimate.
    #[default]
    Joined,
    /// The invoice does not charge it.
    LeftOut,
    /// The invoice has a line of its own for it.
    Apart,
}

/// What becomes of on-premise recording beside rtc.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::reconcile) enum RecordingReading {
    /// Both are billed, as in our estimate.
    #[default]
    Both,
    /// The invoice has no recording.
    LeftOut,
    /// The invoice takes recording off rtc.
    OffRtc,
}

/// What becomes of HD+ beside Full HD, 2K or 2K+ in one cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::reconcile) enum OverlapReading {
    /// All are billed, as in our estimate.
    #[default]
    Both,
    /// The invoice leaves HD+ out where one of the others was used.
    WithoutHdp,
    /// The invoice leaves the others out where HD+ was used.
    HdpAlone,
}

/// A way of counting the month; the default one is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::reconcile) struct UsageReading {
    /// As known before this moment (an index of [`MonthUsage::moments`]).
    pub(in crate::reconcile) before: Option<usize>,
    pub(in crate::reconcile) sd: SdReading,
    pub(in crate::reconcile) recording: RecordingReading,
    pub(in crate::reconcile) overlap: OverlapReading,
    /// Each cell's media is rounded up to whole minutes.
    pub(in crate::reconcile) daily_rounding: bool,
}

impl UsageReading {
    /// How many causes it stands for.
    pub(super) fn cost(&self) -> usize {
        [
            self.before.is_some(),
            self.sd != SdReading::Joined,
            self.recording != RecordingReading::Both,
            self.overlap != OverlapReading::Both,
            self.daily_rounding,
        ]
        .into_iter()
        .filter(|is_other| *is_other)
        .count()
    }
}

/// Where each project's day is.
type Places<'a> = BTreeMap<(&'a ProjectId, NaiveDate), usize>;

/// A project's day.
#[derive(Debug, Clone)]
struct ProjectDay<'a> {
    project_id: &'a ProjectId,
    day: NaiveDate,
    seconds: DaySeconds,
    /// Whether rtc came as minutes that the platform rounds up each day.
    is_v1: bool,
}

/// What was known before a moment, where it differs from what our bill has.
#[derive(Debug, Clone)]
pub(in crate::reconcile) struct Moment {
    /// When newer values were received; none for what is known now, after the bill was closed.
    pub(in crate::reconcile) at: Option<DateTime<Utc>>,
    /// Values of the days that differ, by their place in the month.
    days: Vec<(usize, DaySeconds)>,
}

/// A month, ready to be counted in other ways.
#[derive(Debug, Clone)]
pub(in crate::reconcile) struct MonthUsage<'a> {
    /// In the order of projects and days.
    days: Vec<ProjectDay<'a>>,
    /// In the order of time.
    pub(in crate::reconcile) moments: Vec<Moment>,
}

impl<'a> MonthUsage<'a> {
    /// `now` are the current values where `usage` are those of a closed bill.
    pub(in crate::reconcile) fn new(
        usage: &'a [DayUsage],
        superseded: &[SupersededUsage],
        now: Option<&'a [DayUsage]>,
    ) -> Self {
        let now = now.unwrap_or_default();
        let mut places: Places<'a> =
            usage.iter().chain(now).map(|cell| ((&cell.project_id, cell.day), 0)).collect();
        let mut days: Vec<ProjectDay<'a>> = Vec::with_capacity(places.len());
        for (place, ((project_id, day), at)) in places.iter_mut().enumerate() {
            *at = place;
            let (project_id, day) = (*project_id, *day);
            let seconds = [[0; Media::COUNT]; Service::ALL.len()];
            days.push(ProjectDay { project_id, day, seconds, is_v1: false });
        }
        for cell in usage {
            if let Some(day) = places.get(&(&cell.project_id, cell.day)).map(|at| &mut days[*at]) {
                day.seconds[cell.service as usize] = known(cell);
                day.is_v1 |= cell.source == UsageSource::V1 && cell.service == Service::Rtc;
            }
        }
        let later = later(&days, &places, now);
        let restated: BTreeSet<(usize, Service)> = usage
            .iter()
            .filter_map(|cell| Some((*places.get(&(&cell.project_id, cell.day))?, cell.service)))
            .filter(|(place, _)| later.contains_key(place))
            .collect();
        let mut moments = moments(&days, &places, superseded, &later, &restated);
        let days_now: Vec<_> = later.into_iter().collect();
        moments.extend((!days_now.is_empty()).then_some(Moment { at: None, days: days_now }));
        Self { days, moments }
    }

    /// What the month sums to.
    pub(in crate::reconcile) fn seconds(&self, reading: &UsageReading) -> MonthSeconds {
        let mut sums = self.seconds_now(reading);
        self.shift(&mut sums, reading);
        sums
    }

    /// As our bill has it.
    fn seconds_now(&self, reading: &UsageReading) -> MonthSeconds {
        let mut sums = MonthSeconds::default();
        for day in &self.days {
            add(&mut sums, &counted(&day.seconds, reading));
        }
        sums
    }

    /// Puts the values of the reading's moment in place of those of our bill.
    fn shift(&self, sums: &mut MonthSeconds, reading: &UsageReading) {
        for (place, seconds) in self.past_days(reading) {
            add(sums, &counted(seconds, reading));
            take(sums, &counted(&self.days[*place].seconds, reading));
        }
    }

    fn past_days(&self, reading: &UsageReading) -> &[(usize, DaySeconds)] {
        reading.before.and_then(|at| self.moments.get(at)).map_or(&[], |moment| &moment.days)
    }

    /// Every way of counting that changes a sum, with its sums; ours is the first.
    pub(in crate::reconcile) fn readings(
        &self,
        has_sd_line: bool,
    ) -> Vec<(UsageReading, MonthSeconds)> {
        let mut found: Vec<(UsageReading, MonthSeconds)> = Vec::new();
        for reading in self.present_readings(has_sd_line) {
            let now = self.seconds_now(&reading);
            for before in std::iter::once(None).chain((0..self.moments.len()).map(Some)) {
                let reading = UsageReading { before, ..reading };
                let mut sums = now;
                self.shift(&mut sums, &reading);
                found.push((reading, sums));
            }
        }
        found.sort_by_key(|(reading, _)| reading.cost());
        found
    }

    /// The readings without a moment, as far as there is something to read in another way.
    fn present_readings(&self, has_sd_line: bool) -> Vec<UsageReading> {
        use OverlapReading::{HdpAlone, WithoutHdp};
        use RecordingReading::OffRtc;
        const LEFT_OUT: fn(&mut UsageReading) = |it| it.sd = SdReading::LeftOut;
        const APART: fn(&mut UsageReading) = |it| it.sd = SdReading::Apart;
        let ours = self.seconds_now(&UsageReading::default());
        let changes = |reading: &UsageReading| self.seconds_now(reading) != ours;
        let mut readings = vec![UsageReading::default()];
        let mut multiply = |variants: &[fn(&mut UsageReading)]| {
            for base in readings.clone() {
                readings.extend(variants.iter().map(|vary| {
                    let mut varied = base;
                    vary(&mut varied);
                    varied
                }));
            }
        };
        let sd = UsageReading { sd: SdReading::LeftOut, ..UsageReading::default() };
        if changes(&sd) {
            multiply(if has_sd_line { &[LEFT_OUT, APART] } else { &[LEFT_OUT] });
        }
        // Recording without rtc beside it cannot be counted twice.
        if changes(&UsageReading { recording: OffRtc, ..UsageReading::default() }) {
            multiply(&[
                |it| it.recording = RecordingReading::LeftOut,
                |it| it.recording = RecordingReading::OffRtc,
            ]);
        }
        let overlaps = [WithoutHdp, HdpAlone]
            .map(|overlap| changes(&UsageReading { overlap, ..UsageReading::default() }));
        if overlaps.contains(&true) {
            multiply(&[
                |it| it.overlap = OverlapReading::WithoutHdp,
                |it| it.overlap = OverlapReading::HdpAlone,
            ]);
        }
        if changes(&UsageReading { daily_rounding: true, ..UsageReading::default() }) {
            multiply(&[|it| it.daily_rounding = true]);
        }
        readings
    }

    /// The projects' days that count otherwise under `other` than under `one`.
    pub(in crate::reconcile) fn changed_days(
        &self,
        one: &UsageReading,
        other: &UsageReading,
    ) -> Vec<(&'a ProjectId, NaiveDate)> {
        let mut seconds: Vec<[DaySeconds; 2]> =
            self.days.iter().map(|day| [day.seconds, day.seconds]).collect();
        for (side, reading) in [one, other].into_iter().enumerate() {
            for (place, past) in self.past_days(reading) {
                seconds[*place][side] = *past;
            }
        }
        let days = self.days.iter().zip(&seconds);
        days.filter(|(_, [before, after])| counted(before, one) != counted(after, other))
            .map(|(day, _)| (day.project_id, day.day))
            .collect()
    }

    /// Seconds that the minutes of usage v1 may be too high by: each is rounded up by under a minute.
    pub(super) fn v1_surplus_seconds(&self, service: Service, media: Media) -> u128 {
        let is_used = |day: &&ProjectDay<'_>| {
            day.is_v1 && service == Service::Rtc && day.seconds[service as usize][media.index()] > 0
        };
        self.days.iter().filter(is_used).count() as u128 * u128::from(MINUTE_SECONDS - 1)
    }
}

/// Days that are otherwise now than on our bill, as they are now.
fn later(
    days: &[ProjectDay<'_>],
    places: &Places<'_>,
    now: &[DayUsage],
) -> BTreeMap<usize, DaySeconds> {
    let mut later: BTreeMap<usize, DaySeconds> = BTreeMap::new();
    for cell in now {
        if let Some(place) = places.get(&(&cell.project_id, cell.day)) {
            let seconds = later.entry(*place).or_insert(days[*place].seconds);
            seconds[cell.service as usize] = known(cell);
        }
    }
    later.retain(|place, seconds| *seconds != days[*place].seconds);
    later
}

/// The days as known before each time at which a value was replaced.
///
/// A cell that was not known yet has its oldest value: that it came to us
/// late does not tell that it came late to the platform's invoice. One that
/// came after our bill was closed is left out, as it is there. `restated` are
/// the cells of our bill on days that are otherwise by now.
fn moments(
    days: &[ProjectDay<'_>],
    places: &Places<'_>,
    superseded: &[SupersededUsage],
    later: &BTreeMap<usize, DaySeconds>,
    restated: &BTreeSet<(usize, Service)>,
) -> Vec<Moment> {
    let mut times: Vec<DateTime<Utc>> = superseded.iter().map(|old| old.superseded_at).collect();
    times.sort_unstable();
    times.dedup();
    let times = &times[times.len().saturating_sub(MAX_MOMENTS)..];
    let mut in_order: Vec<&SupersededUsage> = superseded.iter().collect();
    in_order.sort_by_key(|old| old.superseded_at);
    let known_before = |at: DateTime<Utc>| {
        let mut past: BTreeMap<usize, DaySeconds> = BTreeMap::new();
        for (place, service) in restated {
            let seconds = past.entry(*place).or_insert(days[*place].seconds);
            seconds[*service as usize] = later[place][*service as usize];
        }
        let mut cells = BTreeSet::new();
        for old in in_order.iter().filter(|old| old.superseded_at >= at) {
            let cell = &old.usage;
            let Some(place) = places.get(&(&cell.project_id, cell.day)) else { continue };
            // The first one from that moment on was in force before it.
            if cells.insert((*place, cell.service)) {
                let seconds = past.entry(*place).or_insert(days[*place].seconds);
                seconds[cell.service as usize] = known(cell);
            }
        }
        past.retain(|place, seconds| *seconds != days[*place].seconds);
        past.into_iter().collect::<Vec<_>>()
    };
    times
        .iter()
        .map(|at| Moment { at: Some(*at), days: known_before(*at) })
        .filter(|moment| !moment.days.is_empty())
        .collect()
}

fn known(cell: &DayUsage) -> [u64; Media::COUNT] {
    cell.seconds.map(|value| value.map_or(0, i64::unsigned_abs))
}

/// A day's seconds as the reading counts them.
fn counted(seconds: &DaySeconds, reading: &UsageReading) -> DaySeconds {
    let mut seconds = *seconds;
    let (rtc, recording) = (Service::Rtc as usize, Service::Recording as usize);
    if reading.recording != RecordingReading::Both && seconds[rtc].iter().any(|value| *value > 0) {
        if reading.recording == RecordingReading::OffRtc {
            let recorded = seconds[recording];
            for (value, recorded) in seconds[rtc].iter_mut().zip(recorded) {
                *value = value.saturating_sub(recorded);
            }
        } else {
            seconds[recording] = [0; Media::COUNT];
        }
    }
    for of_service in &mut seconds {
        if reading.sd == SdReading::LeftOut {
            of_service[Media::Sd.index()] = 0;
        }
        let has_above = ABOVE_HD.iter().any(|media| of_service[media.index()] > 0);
        if has_above && of_service[Media::Hdp.index()] > 0 {
            match reading.overlap {
                OverlapReading::Both => {}
                OverlapReading::WithoutHdp => of_service[Media::Hdp.index()] = 0,
                OverlapReading::HdpAlone => {
                    for media in ABOVE_HD {
                        of_service[media.index()] = 0;
                    }
                }
            }
        }
        if reading.daily_rounding {
            for value in of_service {
                *value = value.div_ceil(MINUTE_SECONDS).saturating_mul(MINUTE_SECONDS);
            }
        }
    }
    seconds
}

fn add(sums: &mut MonthSeconds, seconds: &DaySeconds) {
    for (sum, value) in sums.iter_mut().flatten().zip(seconds.iter().flatten()) {
        *sum += u128::from(*value);
    }
}

fn take(sums: &mut MonthSeconds, seconds: &DaySeconds) {
    for (sum, value) in sums.iter_mut().flatten().zip(seconds.iter().flatten()) {
        *sum -= u128::from(*value);
    }
}
