//! Answers for all projects that change nothing, told without reading what is stored.
//!
//! Most answers say what the one before said. Where the hash of the answer and
//! the hash of the values that it covers are both those of the request before,
//! comparing them would come to the same end: an answer that was written once
//! leaves nothing to write, and the same days unlisted, the second time. The
//! database reads its rows for that, but sends none. Answers for one project
//! are too small for it to pay.

use std::collections::BTreeSet;

use chrono::{Datelike, NaiveDate};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use super::UsageAnswer;
use crate::domain::{AccountId, DayUsage, Media};
use crate::store::error::StoreError;
use crate::store::requests::{RequestRecord, endpoint_name};
use crate::store::statement::{query_as, query_scalar};

const COMPARING: &str = "comparing with usage_daily";

/// What tells an answer from another, and the stored rows from what they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct AnswerHashes {
    /// Of what the answer says.
    pub(in crate::store) answer_sha256: [u8; 32],
    /// Of all rows that the request covers, the answer's included.
    pub(in crate::store) stored_hash: i64,
}

/// What is known of an answer before it is compared.
#[derive(Debug)]
pub(super) struct Beforehand {
    pub(super) answer_sha256: [u8; 32],
    /// Hash of the stored rows that it covers.
    stored_hash: i64,
    /// Where the end of comparing is known: days with stored usage that it does not list.
    pub(super) contradicted: Option<BTreeSet<NaiveDate>>,
}

/// Whether hashes are kept of an answer: one for all projects with usage in it,
/// and the only one of its batch that can write what it covers.
pub(super) fn is_hashed(answer: &UsageAnswer, batch: &[UsageAnswer]) -> bool {
    let request = &answer.request;
    let covers_the_same = |other: &&UsageAnswer| {
        other.request.answered
            && other.request.service == request.service
            && other.request.range.intersection(request.range).is_some()
    };
    request.answered
        && request.project_id.is_none()
        && !answer.days.is_empty()
        && batch.iter().filter(covers_the_same).count() == 1
}

/// Looks at an answer and at what it covers. Another writer of these days that is
/// at work must be somebody who writes by hand.
pub(super) async fn look(
    connection: &mut PgConnection,
    account: &AccountId,
    answer: &UsageAnswer,
    request_id: i64,
) -> Result<Beforehand, StoreError> {
    let request = &answer.request;
    let answer_sha256 = answer_sha256(&answer.days);
    let stored_hash = stored(connection, account, request, request_id).await?.all_values;
    let earlier: Option<(i64, Vec<NaiveDate>)> =
        query_as(include_str!("../sql/earlier_answer.sql"))
            .bind(account.as_str())
            .bind(endpoint_name(request.source))
            .bind(request.service.name())
            .bind(request.range.first())
            .bind(request.range.last())
            .bind(&answer_sha256[..])
            .fetch_optional(&mut *connection)
            .await
            .map_err(StoreError::during(COMPARING))?;
    let same = earlier.filter(|(left, _)| *left == stored_hash);
    let contradicted = same.map(|(_, days)| days.into_iter().collect());
    Ok(Beforehand { answer_sha256, stored_hash, contradicted })
}

impl Beforehand {
    /// What the next answer is held against, asked for when all is written. None
    /// where somebody wrote by hand since [`look`]: what was compared is then not
    /// what is stored, and the next answer must be compared again.
    pub(super) async fn afterwards(
        &self,
        connection: &mut PgConnection,
        account: &AccountId,
        request: &RequestRecord,
        request_id: i64,
    ) -> Result<Option<AnswerHashes>, StoreError> {
        let Self { answer_sha256, stored_hash, contradicted } = self;
        let hashes = |stored_hash| AnswerHashes { answer_sha256: *answer_sha256, stored_hash };
        if contradicted.is_some() {
            return Ok(Some(hashes(*stored_hash)));
        }
        let now = stored(connection, account, request, request_id).await?;
        let replaced: i64 = query_scalar(include_str!("../sql/superseded_usage_hash.sql"))
            .bind(account.as_str())
            .bind(request.range.first())
            .bind(request.range.last())
            .bind(request.service.name())
            .bind(request_id)
            .fetch_one(connection)
            .await
            .map_err(StoreError::during(COMPARING))?;
        // A hash of many rows is the xor of theirs: those that were left alone are
        // all that there were without those that were replaced.
        let is_left_alone = now.other_values == stored_hash ^ replaced;
        Ok(is_left_alone.then(|| hashes(now.all_values)))
    }
}

#[derive(Debug, sqlx::FromRow)]
struct StoredHashes {
    all_values: i64,
    /// Without those of the request itself.
    other_values: i64,
}

async fn stored(
    connection: &mut PgConnection,
    account: &AccountId,
    request: &RequestRecord,
    request_id: i64,
) -> Result<StoredHashes, StoreError> {
    query_as(include_str!("../sql/stored_usage_hash.sql"))
        .bind(account.as_str())
        .bind(request.range.first())
        .bind(request.range.last())
        .bind(request.service.name())
        .bind(request_id)
        .fetch_one(connection)
        .await
        .map_err(StoreError::during(COMPARING))
}

/// Hash of what an answer says, in its order. Two answers with the same hash
/// say the same; the other way round holds as long as the order stays.
pub(crate) fn answer_sha256(days: &[DayUsage]) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut bytes = Vec::with_capacity(256);
    for usage in days {
        bytes.clear();
        put(&mut bytes, usage);
        hash.update(&bytes);
    }
    hash.finalize().into()
}

/// The bytes of one day; no two days have the same.
fn put(bytes: &mut Vec<u8>, usage: &DayUsage) {
    put_text(bytes, usage.project_id.as_str());
    put_text(bytes, usage.service.name());
    bytes.extend_from_slice(&usage.day.num_days_from_ce().to_be_bytes());
    put_text(bytes, usage.source.name());
    usage.seconds.iter().for_each(|seconds| put_seconds(bytes, *seconds));
    put_length(bytes, usage.extra_seconds.len());
    for (name, seconds) in &usage.extra_seconds {
        put_text(bytes, name);
        put_seconds(bytes, *seconds);
    }
    bytes.extend(Media::ALL.map(|media| u8::from(usage.missing.contains(media))));
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_length(bytes, text.len());
    bytes.extend_from_slice(text.as_bytes());
}

fn put_length(bytes: &mut Vec<u8>, length: usize) {
    bytes.extend_from_slice(&u64::try_from(length).unwrap_or(u64::MAX).to_be_bytes());
}

fn put_seconds(bytes: &mut Vec<u8>, seconds: Option<i64>) {
    bytes.push(u8::from(seconds.is_some()));
    bytes.extend_from_slice(&seconds.unwrap_or_default().to_be_bytes());
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::{MediaSet, ProjectId, Service, UsageSource};

    fn usage() -> DayUsage {
        DayUsage {
            project_id: ProjectId::new("a").expect("id"),
            service: Service::Rtc,
            day: NaiveDate::from_ymd_opt(2031, 3, 1).expect("day"),
            source: UsageSource::V1,
            seconds: [None; Media::COUNT],
            extra_seconds: BTreeMap::new(),
            missing: MediaSet::EMPTY,
        }
    }

    #[test]
    fn answers_that_differ_in_anything_have_different_hashes() {
        let seconds = |media: Media, value| {
            let mut seconds = [None; Media::COUNT];
            seconds[media.index()] = Some(value);
            DayUsage { seconds, ..usage() }
        };
        let extra = |value| {
            let extra_seconds = BTreeMap::from([("durationX".to_owned(), value)]);
            DayUsage { extra_seconds, ..usage() }
        };
        let days = [
            usage(),
            DayUsage { project_id: ProjectId::new("b").expect("id"), ..usage() },
            DayUsage { service: Service::Miniapp, ..usage() },
            DayUsage { day: usage().day.succ_opt().expect("day"), ..usage() },
            DayUsage { source: UsageSource::V3, ..usage() },
            seconds(Media::Audio, 0),
            seconds(Media::Audio, 60),
            seconds(Media::Sd, 0),
            extra(None),
            extra(Some(0)),
            DayUsage { missing: [Media::Hd].into_iter().collect(), ..usage() },
        ];
        let alone: BTreeSet<_> =
            days.iter().map(|day| answer_sha256(std::slice::from_ref(day))).collect();
        assert_eq!(alone.len(), days.len());
        assert_ne!(answer_sha256(&days[..2]), answer_sha256(&days[..1]));
        assert_eq!(answer_sha256(&days), answer_sha256(&days.clone()));
    }
}
