//! Job: make planned usage requests and store their answers.
//!
//! Fetching and writing go on side by side; answers that are ready are
//! written together, each with its request, in one transaction. May run twice
//! without harm, and be killed at any moment: what was committed is done.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};

use super::plan::PlannedRequest;
use super::{CollectError, Collector, Progress};
use crate::agora_api::{ApiError, ApiErrorKind};
use crate::domain::{DayUsage, Service, UsageSource};
use crate::store::requests::{self, RequestRecord};
use crate::store::usage::{UsageAnswer, write_answers};

/// Answers that may wait for the writer, and the most that one transaction takes.
const BATCH_ANSWERS: usize = 64;

/// Rows from which on a transaction takes no further answer, and from which on
/// answers wait before they queue up. Bounds memory, whatever the range.
const BATCH_ROWS: usize = 32 * 1024;

/// Projects from which on an answer for all of them is alone in memory: it holds a
/// month of each, and is asked for only when the one before is written.
const LARGE_ACCOUNT_PROJECTS: usize = 2_000;

/// Requests for all projects under way at once. Their answers are large, and
/// the rest of the time goes to the writer.
const WHOLE_ACCOUNT_WORKERS: usize = 2;

/// A request that failed for good.
#[derive(Debug, Clone)]
pub struct FailedRequest {
    /// What was asked.
    pub request: PlannedRequest,
    /// Why it failed.
    pub error: ApiError,
}

/// What a run did.
#[derive(Debug, Default)]
pub struct UsageRun {
    /// Requests answered.
    pub answered: u64,
    /// Requests that failed for good.
    pub failed: Vec<FailedRequest>,
    /// Cells that had no value before.
    pub new_rows: u64,
    /// Cells whose value changed.
    pub changed_rows: u64,
    /// Days whose stored value an answer would have un-said.
    pub contradicted_days: u64,
    /// Whether it was asked to end before all requests were made.
    pub stopped: bool,
    /// Rows received and requests without any row, by service.
    by_service: BTreeMap<Service, (u64, Vec<i64>)>,
}

struct Fetched {
    planned: PlannedRequest,
    answer: UsageAnswer,
    error: Option<ApiError>,
}

/// An answer on its way to the writer, and the room that it takes up until it is written.
struct Queued<'a> {
    fetched: Fetched,
    room: Option<SemaphorePermit<'a>>,
}

impl Collector<'_> {
    /// Makes the requests, `workers` at once, in their order.
    ///
    /// A request that fails for good is logged with its days and does not stop
    /// the others. A v1 request for all projects that fails is made again
    /// project by project.
    ///
    /// # Errors
    /// [`CollectError`] when the database fails or the credentials are refused.
    pub async fn sync_usage(
        &self,
        planned: Vec<PlannedRequest>,
        progress: &dyn Progress,
    ) -> Result<UsageRun, CollectError> {
        let mut run = UsageRun::default();
        progress.planned(planned.len());
        self.fetch_and_write(planned, &mut run, progress).await?;
        let one_by_one = self.one_by_one(&mut run).await?;
        progress.planned(one_by_one.len());
        self.fetch_and_write(one_by_one, &mut run, progress).await?;
        run.stopped = self.stop.is_cancelled();
        if self.records.settings.only_projects.is_empty() {
            self.doubt_silence(&mut run).await?;
        }
        tracing::info!(
            account = %self.records.account,
            answered = run.answered,
            failed = run.failed.len(),
            new_rows = run.new_rows,
            changed_rows = run.changed_rows,
            contradicted_days = run.contradicted_days,
            "usage stored"
        );
        Ok(run)
    }

    async fn fetch_and_write(
        &self,
        planned: Vec<PlannedRequest>,
        run: &mut UsageRun,
        progress: &dyn Progress,
    ) -> Result<(), CollectError> {
        let room = &Semaphore::new(BATCH_ROWS);
        let (sender, mut receiver) = mpsc::channel(BATCH_ANSWERS);
        let is_alone = self.is_alone(&planned).await?;
        let workers = if is_alone { 1 } else { self.workers(&planned) };
        let refused = AtomicBool::new(false);
        let fetch = async {
            // The sender moves in here, so that its end tells the writer.
            let sender = sender;
            let goes_on = || !refused.load(Ordering::Relaxed) && !self.stop.is_cancelled();
            let mut answers = stream::iter(planned)
                .take_while(|_| std::future::ready(goes_on()))
                .map(|planned| async move {
                    let held = if is_alone { all_of(room).await } else { None };
                    (self.fetch(planned).await, held)
                })
                .buffer_unordered(workers);
            while let Some((fetched, held)) = answers.next().await {
                progress.ended();
                if is_refusal(fetched.error.as_ref()) {
                    refused.store(true, Ordering::Relaxed);
                }
                // More rows than there is room for wait until all of it is free.
                let room = match held {
                    None => room_for(room, fetched.answer.days.len()).await,
                    held => held,
                };
                if sender.send(Queued { fetched, room }).await.is_err() {
                    break;
                }
            }
        };
        let write = async {
            // Owned here, so that a failed writer ends the fetching too.
            let receiver = &mut receiver;
            while let Some(first) = receiver.recv().await {
                if let Err(error) = self.write(batch(first, receiver), run).await {
                    receiver.close();
                    room.close();
                    return Err(error);
                }
            }
            Ok(())
        };
        let ((), written) = tokio::join!(fetch, write);
        written?;
        match run.failed.iter().find(|failed| is_refusal(Some(&failed.error))) {
            Some(refused) => Err(refused.error.clone().into()),
            None => Ok(()),
        }
    }

    /// Whether the answers are too large for two of them to be in memory.
    async fn is_alone(&self, planned: &[PlannedRequest]) -> Result<bool, CollectError> {
        if !matches!(planned.first(), Some(PlannedRequest { project_id: None, .. })) {
            return Ok(false);
        }
        Ok(self.records.chosen_projects().await?.len() > LARGE_ACCOUNT_PROJECTS)
    }

    /// How many of the requests may be under way at once.
    fn workers(&self, planned: &[PlannedRequest]) -> usize {
        let workers = self.records.settings.workers.max(1);
        match planned.first() {
            Some(PlannedRequest { project_id: None, .. }) => workers.min(WHOLE_ACCOUNT_WORKERS),
            _ => workers,
        }
    }

    async fn fetch(&self, planned: PlannedRequest) -> Fetched {
        let started_at = self.records.clock.now();
        let reply = match (planned.source, &planned.project_id) {
            (UsageSource::V1, project_id) => {
                self.api.usage_v1(project_id.as_slice(), planned.range).await
            }
            (UsageSource::V3, Some(project_id)) => {
                self.api.usage_v3(project_id, planned.service, planned.range).await
            }
            (UsageSource::V3, None) => Err(ApiError::without_project()),
        };
        let finished_at = self.records.clock.now();
        let PlannedRequest { source, project_id, service, range } = planned.clone();
        let (answered, days, error) = match reply {
            Ok(reply) => ((reply.status, reply.attempts, reply.request_id), reply.value, None),
            Err(error) => {
                let known = (error.status.unwrap_or(0), error.attempts, error.request_id.clone());
                (known, Vec::new(), Some(error))
            }
        };
        let (status, attempts, platform_request_id) = answered;
        let request = RequestRecord {
            source,
            project_id,
            service,
            range,
            started_at,
            finished_at,
            answered: error.is_none(),
            http_status: Some(status).filter(|status| *status > 0),
            attempts,
            platform_request_id,
            message: error.as_ref().map(ToString::to_string),
        };
        let days = of_scope(&planned, days);
        Fetched { planned, answer: UsageAnswer { request, days }, error }
    }

    async fn write(&self, batch: Vec<Queued<'_>>, run: &mut UsageRun) -> Result<(), CollectError> {
        let mut answers = Vec::with_capacity(batch.len());
        // Held until the batch is written.
        let mut rooms = Vec::with_capacity(batch.len());
        for Queued { fetched: Fetched { planned, answer, error }, room } in batch {
            rooms.push(room);
            answers.push(answer);
            match error {
                None => run.answered += 1,
                Some(error) => {
                    tracing::warn!(
                        project.id = planned.project_id.as_ref().map(ToString::to_string),
                        service = %planned.service,
                        usage.days = %planned.range,
                        %error,
                        "usage request failed"
                    );
                    run.failed.push(FailedRequest { request: planned, error });
                }
            }
        }
        let written = write_answers(self.records.store.pool(), self.lease, &answers).await?;
        run.new_rows += written.new_rows;
        run.changed_rows += written.changed_rows;
        run.contradicted_days += written.contradicted_days;
        for (answer, request_id) in answers.iter().zip(written.request_ids) {
            if answer.request.answered && answer.request.project_id.is_some() {
                let (rows, empty) = run.by_service.entry(answer.request.service).or_default();
                *rows += answer.days.len() as u64;
                if answer.days.is_empty() {
                    empty.push(request_id);
                }
            }
        }
        Ok(())
    }

    /// Takes failed requests for all projects out of the run and splits them by project.
    async fn one_by_one(&self, run: &mut UsageRun) -> Result<Vec<PlannedRequest>, CollectError> {
        let (of_all, failed): (Vec<_>, Vec<_>) = std::mem::take(&mut run.failed)
            .into_iter()
            .partition(|failed| failed.request.project_id.is_none());
        run.failed = failed;
        if of_all.is_empty() {
            return Ok(Vec::new());
        }
        let projects = self.records.chosen_projects().await?;
        if projects.is_empty() {
            run.failed.extend(of_all);
            return Ok(Vec::new());
        }
        let split = of_all.iter().flat_map(|failed| {
            projects.iter().map(|stored| PlannedRequest {
                project_id: Some(stored.project.project_id.clone()),
                ..failed.request.clone()
            })
        });
        Ok(split.collect())
    }

    /// One empty answer is an idle project; nothing but empty answers is a doubt.
    async fn doubt_silence(&self, run: &mut UsageRun) -> Result<(), CollectError> {
        for (rows, empty) in std::mem::take(&mut run.by_service).into_values() {
            if rows == 0 && !empty.is_empty() {
                run.contradicted_days += requests::contradict_empty_answers(
                    self.records.store.pool(),
                    self.records.account,
                    &empty,
                )
                .await?;
            }
        }
        Ok(())
    }
}

/// Room for that many rows, at most all there is.
async fn room_for(room: &Semaphore, rows: usize) -> Option<SemaphorePermit<'_>> {
    room.acquire_many(u32::try_from(rows.min(BATCH_ROWS)).unwrap_or(u32::MAX)).await.ok()
}

/// All the room: nothing waits to be written any more.
async fn all_of(room: &Semaphore) -> Option<SemaphorePermit<'_>> {
    room_for(room, BATCH_ROWS).await
}

/// The answer and those that wait behind it, as far as one transaction takes them.
fn batch<'a>(first: Queued<'a>, waiting: &mut mpsc::Receiver<Queued<'a>>) -> Vec<Queued<'a>> {
    let mut rows = first.fetched.answer.days.len();
    let mut batch = vec![first];
    while rows < BATCH_ROWS && batch.len() < BATCH_ANSWERS {
        let Ok(next) = waiting.try_recv() else { break };
        rows += next.fetched.answer.days.len();
        batch.push(next);
    }
    batch
}

fn is_refusal(error: Option<&ApiError>) -> bool {
    error.is_some_and(|error| error.kind == ApiErrorKind::Unauthorized)
}

/// Drops rows of projects that were not asked for.
fn of_scope(planned: &PlannedRequest, mut days: Vec<DayUsage>) -> Vec<DayUsage> {
    if let Some(project_id) = &planned.project_id {
        days.retain(|usage| usage.project_id == *project_id);
    }
    days
}
