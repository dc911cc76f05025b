//! Facts in, events out.

mod money;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::json;

use super::{Event, EventKind};
use crate::collect::due::CellState;
use crate::collect::holes::Hole;
use crate::domain::{AccountId, DateRange, Month, ProjectId, Service};
use crate::observe::facts::{ExpiringDays, HoleFacts, Live};
use crate::store::health::JobRun;
use crate::store::job_runs::UNAUTHORIZED_FIGURE;

/// What goes on with an account now.
///
/// `overdue` has each job's newest slot that should have led to a success by
/// now. `holes` is none before their first reading.
#[must_use]
pub fn evaluate(
    account: &AccountId,
    live: &Live,
    holes: Option<&HoleFacts>,
    overdue: &BTreeMap<&'static str, DateTime<Utc>>,
) -> Vec<Event> {
    let mut events = Vec::new();
    if let Some(facts) = holes {
        let of = |state: CellState| state == CellState::Contradicted;
        let contradicted = facts.holes.iter().filter(|hole| of(hole.state));
        let unknown = facts.holes.iter().filter(|hole| !of(hole.state));
        events.extend(about_days(EventKind::Hole, unknown));
        events.extend(about_days(EventKind::Contradiction, contradicted));
        events.extend(expiring(&facts.expiring));
    }
    events.extend(unauthorized(account, live));
    events.extend(money::evaluate(account, &live.outlook));
    events.extend(overdue.iter().filter_map(|(job, slot)| no_success(account, live, job, *slot)));
    events
}

/// The days of one project, service and month that are not known.
struct MonthDays<'a> {
    ranges: Vec<DateRange>,
    first: &'a Hole,
}

impl MonthDays<'_> {
    fn day_count(&self) -> i64 {
        self.ranges.iter().map(|range| range.day_count()).sum()
    }

    fn in_words(&self) -> String {
        let range = |range: &DateRange| {
            if range.first() == range.last() {
                range.first().to_string()
            } else {
                range.to_string()
            }
        };
        self.ranges.iter().map(range).collect::<Vec<_>>().join(", ")
    }
}

fn by_month<'a>(
    holes: impl Iterator<Item = &'a Hole>,
) -> BTreeMap<(&'a ProjectId, Service, Month), MonthDays<'a>> {
    let mut months: BTreeMap<_, MonthDays<'a>> = BTreeMap::new();
    for hole in holes {
        for range in hole.range.by_month() {
            let key = (&hole.project_id, hole.service, Month::of(range.first()));
            let days = months.entry(key);
            days.or_insert_with(|| MonthDays { ranges: Vec::new(), first: hole })
                .ranges
                .push(range);
        }
    }
    months
}

fn about_days<'a>(
    kind: EventKind,
    holes: impl Iterator<Item = &'a Hole>,
) -> impl Iterator<Item = Event> {
    by_month(holes).into_iter().map(move |((project_id, service, month), days)| {
        let (state, which) = (days.first.state.name(), days.in_words());
        let cause = days.first.message.as_deref().map(|cause| format!(": {cause}"));
        let cause = cause.unwrap_or_default();
        let message = match kind {
            EventKind::Contradiction => format!(
                "project {project_id}, {service}: the platform's newest answer lacks usage that \
                 is stored, {which}; the stored values were kept"
            ),
            _ => format!("project {project_id}, {service}: not known, {state}, {which}{cause}"),
        };
        Event {
            kind,
            subject: subject(project_id, service, month),
            message,
            details: json!({
                "project_id": project_id.as_str(),
                "service": service.name(),
                "month": month.to_string(),
                "days": days.day_count(),
                "state": state,
            }),
            is_fading: false,
        }
    })
}

fn expiring(days: &[ExpiringDays]) -> impl Iterator<Item = Event> {
    let forgotten_on = |project_id: &ProjectId, service: Service, month: Month| {
        let same = |d: &&ExpiringDays| {
            d.hole.project_id == *project_id
                && d.hole.service == service
                && Month::of(d.hole.range.first()) <= month
                && Month::of(d.hole.range.last()) >= month
        };
        days.iter().filter(same).map(|days| days.forgotten_on).min()
    };
    let event = move |((project_id, service, month), unknown): (
        (&ProjectId, _, _),
        MonthDays<'_>,
    )| {
        let forgotten_on: Option<NaiveDate> = forgotten_on(project_id, service, month);
        let when = forgotten_on.map(|day| format!("from {day} on")).unwrap_or_default();
        Event {
            kind: EventKind::Expiring,
            subject: subject(project_id, service, month),
            message: format!(
                "project {project_id}, {service}: {} not known, and the platform forgets it {when}",
                unknown.in_words()
            ),
            details: json!({
                "project_id": project_id.as_str(),
                "service": service.name(),
                "month": month.to_string(),
                "days": unknown.day_count(),
                "forgotten_on": forgotten_on,
            }),
            is_fading: false,
        }
    };
    by_month(days.iter().map(|days| &days.hole))
        .into_iter()
        .map(event)
        .collect::<Vec<_>>()
        .into_iter()
}

fn subject(project_id: &ProjectId, service: Service, month: Month) -> String {
    format!("{project_id}/{service}/{month}")
}

/// The credentials are refused when a run says so and none that came later got through.
fn unauthorized(account: &AccountId, live: &Live) -> Option<Event> {
    let own = || live.jobs.iter().filter(|((of, _), _)| of == account.as_str());
    let ended = own().filter_map(|((_, job), facts)| Some((job, facts.ended.as_ref()?)));
    let is_refused = |run: &JobRun| {
        run.state == "failed" && run.figures.get(UNAUTHORIZED_FIGURE).is_some_and(|n| *n > 0)
    };
    let (job, run) = ended.filter(|(_, run)| is_refused(run)).max_by_key(|(_, r)| r.finished_at)?;
    let newest_good = own()
        .filter_map(|((_, job), facts)| Some((job, facts.good.as_ref()?)))
        .filter(|(job, run)| got_through(job, run))
        .filter_map(|(_, run)| run.finished_at)
        .max();
    if newest_good > run.finished_at {
        return None;
    }
    Some(Event {
        kind: EventKind::Unauthorized,
        subject: "credentials".to_owned(),
        message: format!(
            "the platform refuses the credentials of account {account} (job {job}): check \
             customer id and secret, nothing is fetched until then"
        ),
        details: json!({ "job": job, "since": run.finished_at }),
        is_fading: false,
    })
}

/// Whether a run that succeeded was answered: with nothing to ask, it succeeds
/// with any credentials.
fn got_through(job: &str, run: &JobRun) -> bool {
    let has_figure = |name| run.figures.get(name).is_some_and(|number| *number > 0);
    match job {
        "projects" => true,
        "usage" | "month_end" | "audit" => has_figure("requests_answered"),
        "occupancy" => has_figure("snapshots"),
        _ => false,
    }
}

fn no_success(account: &AccountId, live: &Live, job: &str, slot: DateTime<Utc>) -> Option<Event> {
    // An account that was added later had nothing to do at that time.
    let first_seen = live.first_seen.get(account.as_str())?;
    let good = live.job(account, job)?.good.as_ref();
    if slot < *first_seen || good.is_some_and(|run| run.slot >= slot) {
        return None;
    }
    let since = good.map_or_else(
        || "ever".to_owned(),
        |run| format!("since {}", run.slot.format("%Y-%m-%d %H:%M UTC")),
    );
    let last_message =
        live.job(account, job)?.ended.as_ref().and_then(|run| run.message.as_deref());
    let said = last_message.map(|message| format!(": {message}")).unwrap_or_default();
    Some(Event {
        kind: EventKind::NoSuccess,
        subject: job.to_owned(),
        message: format!("job {job} has not succeeded {since}{said}"),
        details: json!({
            "job": job,
            "slot": slot,
            "last_success": good.and_then(|run| run.finished_at),
        }),
        is_fading: false,
    })
}

#[cfg(test)]
mod month_of_budgets;
#[cfg(test)]
mod tests;
