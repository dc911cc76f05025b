use super::*;
use crate::store::forecasts::OutlookFacts;
use crate::store::health::{JobFacts, JobRun};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("time")
}

fn account() -> AccountId {
    AccountId::new("default").expect("name")
}

fn hole(project: &str, first: &str, last: &str, state: CellState) -> Hole {
    let day = |text: &str| text.parse().expect("day");
    Hole {
        project_id: ProjectId::new(project).expect("id"),
        service: Service::Rtc,
        range: DateRange::new(day(first), day(last)).expect("range"),
        state,
        message: (state == CellState::Failed).then(|| "status 500".to_owned()),
    }
}

fn run(slot: &str, state: &str, figures: &[(&str, i64)]) -> JobRun {
    JobRun {
        slot: at(slot),
        state: state.to_owned(),
        holder: "test".to_owned(),
        attempt: 1,
        started_at: at(slot),
        finished_at: Some(at(slot)),
        figures: figures.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
        message: Some("said".to_owned()),
    }
}

fn live(jobs: Vec<(&str, JobFacts)>) -> Live {
    let job = |(job, facts): (&str, JobFacts)| (("default".to_owned(), job.to_owned()), facts);
    Live {
        first_seen: BTreeMap::from([("default".to_owned(), at("2031-01-01T00:00:00Z"))]),
        jobs: jobs.into_iter().map(job).collect(),
        leases: Vec::new(),
        occupancy: Vec::new(),
        outlook: OutlookFacts::default(),
    }
}

fn told(events: &[Event]) -> Vec<String> {
    events
        .iter()
        .map(|event| format!("{} {}: {}", event.kind.name(), event.subject, event.message))
        .collect()
}

#[test]
fn holes_of_a_project_service_and_month_are_one_event() {
    let holes = vec![
        hole("P1", "2031-02-27", "2031-03-02", CellState::Failed),
        hole("P1", "2031-03-05", "2031-03-05", CellState::Missing),
        hole("P2", "2031-03-01", "2031-03-01", CellState::Contradicted),
    ];
    let expiring = vec![ExpiringDays {
        hole: hole("P1", "2031-02-27", "2031-03-01", CellState::Failed),
        forgotten_on: "2032-02-28".parse().expect("day"),
    }];
    let facts = HoleFacts { read_at: at("2031-03-06T03:00:00Z"), range: None, holes, expiring };
    let events = evaluate(&account(), &live(vec![]), Some(&facts), &BTreeMap::new());
    insta::assert_snapshot!(told(&events).join("\n"), @r"
    hole P1/rtc/2031-02: project P1, rtc: not known, failed, 2031-02-27..2031-02-28: status 500
    hole P1/rtc/2031-03: project P1, rtc: not known, failed, 2031-03-01..2031-03-02, 2031-03-05: status 500
    contradiction P2/rtc/2031-03: project P2, rtc: the platform's newest answer lacks usage that is stored, 2031-03-01; the stored values were kept
    expiring P1/rtc/2031-02: project P1, rtc: 2031-02-27..2031-02-28 not known, and the platform forgets it from 2032-02-28 on
    expiring P1/rtc/2031-03: project P1, rtc: 2031-03-01 not known, and the platform forgets it from 2032-02-28 on
    ");
    assert_eq!(events[1].details["days"], 3);
    assert_eq!(evaluate(&account(), &live(vec![]), None, &BTreeMap::new()), []);
}

#[test]
fn c24_refused_credentials_are_an_event_until_something_gets_through() {
    let refused = run("2031-03-06T02:15:00Z", "failed", &[("unauthorized", 1)]);
    let before = run("2031-03-06T02:05:00Z", "done", &[]);
    let after = run("2031-03-06T03:05:00Z", "done", &[]);
    let kinds = |good: JobRun, job| {
        let facts = live(vec![
            ("audit", JobFacts { ended: Some(refused.clone()), ..JobFacts::default() }),
            (job, JobFacts { good: Some(good), ..JobFacts::default() }),
        ]);
        evaluate(&account(), &facts, None, &BTreeMap::new()).len()
    };
    assert_eq!(kinds(before, "projects"), 1);
    assert_eq!(kinds(after.clone(), "projects"), 0);
    for job in ["roll_up", "usage", "month_end", "occupancy"] {
        assert_eq!(kinds(after.clone(), job), 1, "{job} asked nothing");
    }
    for (job, figure) in [("usage", "requests_answered"), ("occupancy", "snapshots")] {
        let answered = run("2031-03-06T03:05:00Z", "done", &[(figure, 1)]);
        assert_eq!(kinds(answered, job), 0, "{job}");
    }
    let failed = run("2031-03-06T02:15:00Z", "failed", &[]);
    let facts = JobFacts { ended: Some(failed), ..JobFacts::default() };
    assert_eq!(evaluate(&account(), &live(vec![("usage", facts)]), None, &BTreeMap::new()), []);
}

#[test]
fn a_job_without_success_since_a_slot_that_is_long_over_is_an_event() {
    let overdue = BTreeMap::from([("usage", at("2031-03-06T02:15:00Z"))]);
    let events = |good: Option<JobRun>| {
        let ended = Some(run("2031-03-06T02:15:00Z", "failed", &[]));
        let facts = live(vec![("usage", JobFacts { ended, good, ..JobFacts::default() })]);
        told(&evaluate(&account(), &facts, None, &overdue))
    };
    let on_time = run("2031-03-06T02:15:00Z", "done", &[]);
    assert_eq!(events(Some(on_time)), [""; 0]);
    let before = run("2031-03-05T20:15:00Z", "done", &[]);
    let expected = "no_success usage: job usage has not succeeded since 2031-03-05 20:15 UTC: said";
    assert_eq!(events(Some(before)), [expected]);
    assert_eq!(events(None), ["no_success usage: job usage has not succeeded ever: said"]);
    // An account that is newer than the slot had nothing to do then.
    let overdue = BTreeMap::from([("usage", at("2030-12-31T20:15:00Z"))]);
    let facts = live(vec![("usage", JobFacts::default())]);
    assert_eq!(evaluate(&account(), &facts, None, &overdue), []);
}
