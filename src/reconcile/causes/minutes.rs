//! Which ways of counting the usage lead to the invoice's minutes.
//!
//! Cheap on purpose: every way is a handful of sums, so that all of them can
//! be tried. Amounts have no say here unless the invoice states no minutes.

use std::collections::BTreeMap;

use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};

use super::month_usage::{MINUTE_SECONDS, MonthSeconds, MonthUsage, SdReading, UsageReading};
use crate::domain::{DateRange, Media, ProjectId, Service};
use crate::rating::PriceBook;
use crate::rating::minutes::by_kind;
use crate::rating::price_book::PricedType;

/// Ways of counting that go on to be tried by amounts, where minutes cannot decide.
const MAX_CANDIDATES: usize = 16;

/// Days of a service that are not known, so that the invoice may hold usage which we do not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Whose days; none: any project's, as of a service that is not fetched.
    pub project_id: Option<ProjectId>,
    /// Of which service.
    pub service: Service,
    /// Which days.
    pub days: DateRange,
}

impl Gap {
    /// A service that was never fetched in the month.
    #[must_use]
    pub const fn of_service(service: Service, days: DateRange) -> Self {
        Self { project_id: None, service, days }
    }
}

/// Why the minutes of a line are taken from the invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::reconcile) enum TakenFor {
    /// Days of the service are missing, and the invoice has more.
    MissingDays,
    /// Ours are minutes of usage v1, rounded up each day, and the invoice has a little less.
    DayMinutes,
    /// No cause: what they cost stays unexplained.
    Nothing,
}

/// A line whose minutes are taken from the invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::reconcile) struct TakenMinutes {
    pub(in crate::reconcile) line: (Service, Media),
    pub(in crate::reconcile) taken_for: TakenFor,
    /// What was counted.
    pub(in crate::reconcile) counted: u128,
    /// What the invoice has, rounded up.
    pub(in crate::reconcile) minutes: u128,
}

/// A way to the invoice's minutes.
#[derive(Debug, Clone, Default)]
pub(in crate::reconcile) struct UsageCandidate {
    pub(in crate::reconcile) reading: UsageReading,
    pub(in crate::reconcile) taken: Vec<TakenMinutes>,
}

impl UsageCandidate {
    /// Lines whose minutes nothing explains.
    pub(in crate::reconcile) fn unexplained(&self) -> usize {
        self.taken.iter().filter(|taken| taken.taken_for == TakenFor::Nothing).count()
    }

    /// How much is supposed: a cause for each other way of counting, and more
    /// for what takes its figures from the invoice.
    pub(in crate::reconcile) fn cost(&self) -> usize {
        let lines = |taken_for| self.taken.iter().filter(|it| it.taken_for == taken_for).count();
        let solved = [TakenFor::MissingDays, TakenFor::DayMinutes].map(lines);
        let solved = solved.into_iter().filter(|lines| *lines > 0).map(|lines| lines + 1);
        self.reading.cost() + solved.sum::<usize>()
    }

    /// The sums of the reading with the lines that were taken for one of these reasons.
    pub(in crate::reconcile) fn apply(&self, seconds: &mut MonthSeconds, reasons: &[TakenFor]) {
        for taken in self.taken.iter().filter(|taken| reasons.contains(&taken.taken_for)) {
            let (service, media) = taken.line;
            let of_service = &mut seconds[service as usize];
            let joins_sd = media == Media::Hd && self.reading.sd != SdReading::Apart;
            if joins_sd {
                of_service[Media::Sd.index()] = 0;
            }
            of_service[media.index()] = taken.minutes * u128::from(MINUTE_SECONDS);
        }
    }

    fn residual(&self) -> u128 {
        let unexplained = self.taken.iter().filter(|it| it.taken_for == TakenFor::Nothing);
        unexplained.map(|it| it.minutes.abs_diff(it.counted)).sum()
    }
}

/// What the search by minutes works with.
pub(in crate::reconcile) struct MinuteSearch<'a> {
    pub(in crate::reconcile) month: &'a MonthUsage<'a>,
    pub(in crate::reconcile) book: &'a PriceBook,
    pub(in crate::reconcile) gaps: &'a [Gap],
    /// Minutes of the invoice; a line of ours that it lacks is 0.
    pub(in crate::reconcile) stated: BTreeMap<(Service, Media), BigRational>,
    /// Whether a line of ours has no minutes on the invoice.
    pub(in crate::reconcile) has_unstated: bool,
    /// Whether the invoice has a line for SD.
    pub(in crate::reconcile) has_sd_line: bool,
}

impl MinuteSearch<'_> {
    /// The ways that leave the fewest lines unexplained, the simplest first.
    pub(in crate::reconcile) fn candidates(&self) -> Vec<UsageCandidate> {
        let mut candidates: Vec<UsageCandidate> = Vec::new();
        for (reading, seconds) in self.month.readings(self.has_sd_line) {
            let taken = self.taken(&reading, &seconds);
            candidates.push(UsageCandidate { reading, taken });
        }
        candidates.sort_by_key(|it| (it.unexplained(), it.cost(), it.residual()));
        let fewest = candidates.first().map_or(0, UsageCandidate::unexplained);
        candidates.retain(|it| it.unexplained() == fewest);
        // With all minutes stated the amounts are the same whichever way led there.
        candidates.truncate(if self.has_unstated { MAX_CANDIDATES } else { 1 });
        candidates
    }

    /// The lines whose minutes the reading does not lead to.
    fn taken(&self, reading: &UsageReading, seconds: &MonthSeconds) -> Vec<TakenMinutes> {
        let counted = line_minutes(seconds, reading.sd, self.book);
        let mut taken = Vec::new();
        for (line, stated) in &self.stated {
            let counted = counted.get(line).copied().unwrap_or(0);
            let difference = stated - BigRational::from_integer(counted.into());
            if !difference.is_zero() {
                taken.push(TakenMinutes {
                    line: *line,
                    taken_for: self.reason(*line, &difference),
                    counted,
                    minutes: stated.ceil().to_integer().to_u128().unwrap_or(u128::MAX >> 16),
                });
            }
        }
        taken
    }

    fn reason(&self, line: (Service, Media), difference: &BigRational) -> TakenFor {
        let (service, media) = line;
        if difference.is_positive() && self.gaps.iter().any(|gap| gap.service == service) {
            return TakenFor::MissingDays;
        }
        let sd = if media == Media::Hd { Some(Media::Sd) } else { None };
        let surplus: u128 = std::iter::once(media)
            .chain(sd)
            .map(|media| self.month.v1_surplus_seconds(service, media))
            .sum();
        let surplus = BigRational::new(surplus.into(), MINUTE_SECONDS.into());
        if difference.is_negative() && -difference <= surplus {
            return TakenFor::DayMinutes;
        }
        TakenFor::Nothing
    }
}

/// Minutes of each line as rating counts them, also of what has no price.
///
/// Each type of media is rounded up by itself, and so is the audience's part;
/// where minutes are weighed, all of a line are rounded up together.
pub(in crate::reconcile) fn line_minutes(
    seconds: &MonthSeconds,
    sd: SdReading,
    book: &PriceBook,
) -> BTreeMap<(Service, Media), u128> {
    let mut minutes = BTreeMap::new();
    let mut weighed = BTreeMap::<PricedType, u128>::new();
    let hdp_as = book.readings().hdp_as;
    for service in Service::ALL {
        for media in Media::ALL {
            let of_media = seconds[service as usize][media.index()];
            let line = if sd == SdReading::Apart { media } else { book.billed_as(media) };
            for (kind, part) in by_kind(service, of_media, book) {
                let of = (service, kind, line);
                if book.coefficient(of, hdp_as).is_some() {
                    *weighed.entry(of).or_default() += part;
                } else {
                    *minutes.entry((service, line)).or_default() += whole_minutes(part);
                }
            }
        }
    }
    for ((service, _, line), seconds) in weighed {
        *minutes.entry((service, line)).or_default() += whole_minutes(seconds);
    }
    minutes
}

fn whole_minutes(seconds: u128) -> u128 {
    seconds.div_ceil(u128::from(MINUTE_SECONDS))
}
