//! What an answer changes: its cells beside the stored ones. Pure.
//!
//! Compared here and not in SQL: an answer that brings nothing new then costs
//! the database one read of a range of the key, without a temporary copy, a
//! join, or a byte of write-ahead log.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};

use super::UsageAnswer;
use crate::domain::{DayUsage, ProjectId, Service};

/// A stored cell and the request that its value came from.
#[derive(Debug, Clone)]
pub(super) struct StoredCell {
    pub(super) usage: DayUsage,
    pub(super) request_id: i64,
}

/// A cell to write.
#[derive(Debug, Clone, Copy)]
pub(super) struct IncomingCell<'a> {
    pub(super) usage: &'a DayUsage,
    pub(super) request_id: i64,
    pub(super) observed_at: DateTime<Utc>,
}

/// What has to be written, each list in the order of the key, which keeps the
/// pages of the table's index full.
#[derive(Debug, Default)]
pub(super) struct Changes<'a> {
    /// Cells without a stored value.
    pub(super) new: Vec<IncomingCell<'a>>,
    /// Cells whose stored value is older and different.
    pub(super) changed: Vec<IncomingCell<'a>>,
    /// Days with stored usage that the answer covers and does not list.
    pub(super) contradicted: BTreeSet<NaiveDate>,
}

/// Compares an answer with all stored cells that its request covers.
pub(super) fn compare(
    answer: &UsageAnswer,
    request_id: i64,
    mut stored: Vec<StoredCell>,
) -> Changes<'_> {
    // Stable sorts: both come in long sorted parts, which those make use of.
    stored.sort_by(|one, next| key(&one.usage).cmp(&key(&next.usage)));
    let mut listed: Vec<&DayUsage> = answer.days.iter().collect();
    listed.sort_by(|one, next| key(one).cmp(&key(next)));

    let mut changes = Changes::default();
    let mut stored = stored.iter().peekable();
    for usage in listed {
        while let Some(cell) = stored.next_if(|cell| key(&cell.usage) < key(usage)) {
            changes.note_unlisted(cell);
        }
        let observed_at = answer.request.finished_at;
        let incoming = IncomingCell { usage, request_id, observed_at };
        match stored.next_if(|cell| key(&cell.usage) == key(usage)) {
            None => changes.new.push(incoming),
            Some(cell) if incoming.replaces(cell) => changes.changed.push(incoming),
            Some(_) => {}
        }
    }
    stored.for_each(|cell| changes.note_unlisted(cell));
    changes
}

/// The order of the table's key within an account.
fn key(usage: &DayUsage) -> (NaiveDate, &ProjectId, Service) {
    (usage.day, &usage.project_id, usage.service)
}

impl<'a> Changes<'a> {
    /// A stored value above 0 is not un-said by leaving it out.
    fn note_unlisted(&mut self, cell: &StoredCell) {
        if cell.usage.seconds.iter().flatten().any(|seconds| *seconds > 0) {
            self.contradicted.insert(cell.usage.day);
        }
    }

    /// Adds what another answer of the same batch changes.
    pub(super) fn extend(&mut self, other: Changes<'a>) {
        self.new.extend(other.new);
        self.changed.extend(other.changed);
    }

    /// Restores the order of the key after answers were put together.
    pub(super) fn sort(&mut self) {
        for cells in [&mut self.new, &mut self.changed] {
            cells.sort_by(|one, next| key(one.usage).cmp(&key(next.usage)));
        }
    }
}

impl IncomingCell<'_> {
    /// Newer and different; minutes of v1 never replace seconds of v3.
    fn replaces(&self, stored: &StoredCell) -> bool {
        self.request_id > stored.request_id
            && self.usage.source >= stored.usage.source
            && *self.usage != stored.usage
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::period::parse_day;
    use crate::domain::{DateRange, Media, MediaSet, UsageSource};
    use crate::store::requests::RequestRecord;

    fn day(text: &str) -> NaiveDate {
        parse_day(text).expect("day")
    }

    fn usage(project: &str, date: &str, source: UsageSource, audio_seconds: i64) -> DayUsage {
        let mut seconds = [None; Media::COUNT];
        seconds[Media::Audio.index()] = Some(audio_seconds);
        DayUsage {
            project_id: ProjectId::new(project).expect("id"),
            service: Service::Rtc,
            day: day(date),
            source,
            seconds,
            extra_seconds: BTreeMap::new(),
            missing: MediaSet::EMPTY,
        }
    }

    fn v3(project: &str, date: &str, audio_seconds: i64) -> DayUsage {
        usage(project, date, UsageSource::V3, audio_seconds)
    }

    fn answer(days: Vec<DayUsage>) -> UsageAnswer {
        let at = day("2031-04-01").and_time(chrono::NaiveTime::MIN).and_utc();
        let request = RequestRecord {
            source: UsageSource::V3,
            project_id: None,
            service: Service::Rtc,
            range: DateRange::new(day("2031-03-01"), day("2031-03-31")).expect("range"),
            started_at: at,
            finished_at: at,
            answered: true,
            http_status: Some(200),
            attempts: 1,
            platform_request_id: None,
            message: None,
        };
        UsageAnswer { request, days }
    }

    fn stored(usage: DayUsage, request_id: i64) -> StoredCell {
        StoredCell { usage, request_id }
    }

    fn audio(cells: &[IncomingCell<'_>]) -> Vec<Option<i64>> {
        cells.iter().map(|cell| cell.usage.seconds[Media::Audio.index()]).collect()
    }

    #[test]
    fn new_cells_come_in_the_order_of_the_key_and_equal_ones_not_at_all() {
        let answer = answer(vec![
            v3("b", "2031-03-01", 1),
            v3("b", "2031-03-02", 2),
            v3("a", "2031-03-02", 3),
            v3("a", "2031-03-01", 4),
        ]);
        let changes = compare(&answer, 9, vec![stored(v3("b", "2031-03-01", 1), 5)]);
        assert_eq!(audio(&changes.new), [Some(4), Some(3), Some(2)]);
        assert!(changes.changed.is_empty() && changes.contradicted.is_empty());
    }

    #[test]
    fn only_a_newer_and_different_value_replaces_a_stored_one() {
        let answer = answer(vec![v3("a", "2031-03-01", 7)]);
        for (value, request_id, is_replaced) in [(6, 8, true), (7, 8, false), (6, 10, false)] {
            let cell = stored(v3("a", "2031-03-01", value), request_id);
            let changes = compare(&answer, 9, vec![cell]);
            assert_eq!(changes.changed.len(), usize::from(is_replaced), "{value} {request_id}");
            assert!(changes.new.is_empty());
        }
    }

    #[test]
    fn minutes_never_replace_seconds_and_seconds_do_replace_minutes() {
        for (incoming, held, is_replaced) in
            [(UsageSource::V1, UsageSource::V3, false), (UsageSource::V3, UsageSource::V1, true)]
        {
            let answer = answer(vec![usage("a", "2031-03-01", incoming, 60)]);
            let cell = stored(usage("a", "2031-03-01", held, 60), 1);
            let changes = compare(&answer, 9, vec![cell]);
            assert_eq!(changes.changed.len(), usize::from(is_replaced));
        }
    }

    #[test]
    fn a_day_with_usage_that_the_answer_leaves_out_is_contradicted() {
        let answer = answer(vec![v3("b", "2031-03-02", 1)]);
        let held = [
            stored(v3("a", "2031-03-01", 5), 1),
            stored(v3("a", "2031-03-02", 0), 1),
            stored(v3("b", "2031-03-02", 1), 1),
            stored(v3("c", "2031-03-03", 5), 1),
            stored(v3("d", "2031-03-03", 5), 1),
        ];
        let changes = compare(&answer, 9, held.to_vec());
        let days: Vec<_> = changes.contradicted.into_iter().collect();
        assert_eq!(days, [day("2031-03-01"), day("2031-03-03")]);
        assert!(changes.new.is_empty() && changes.changed.is_empty());
    }
}
