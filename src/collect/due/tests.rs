use proptest::prelude::*;

use super::*;
use crate::domain::period::parse_day;

const POLICY: DuePolicy = DuePolicy { look_back_days: 7, api_history_months: 12, again: false };

fn day(text: &str) -> NaiveDate {
    parse_day(text).expect("day")
}

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).expect("time").to_utc()
}

fn answered(answered_at: &str) -> CellFacts {
    CellFacts { answered: Some((0, at(answered_at))), ..CellFacts::default() }
}

fn request(range: (&str, &str), outcome: RequestOutcome, finished_at: &str) -> RequestFact {
    RequestFact {
        source: UsageSource::V3,
        project_id: Some(project("p")),
        service: Service::Rtc,
        range: DateRange::new(day(range.0), day(range.1)).expect("range"),
        outcome,
        contradicted_days: Vec::new(),
        finished_at: at(finished_at),
        message: None,
    }
}

fn project(id: &str) -> ProjectId {
    ProjectId::new(id).expect("id")
}

fn state_in(requests: &[RequestFact], of: &str, now: &str) -> CellState {
    let month = crate::domain::Month::of(day(of)).days();
    let ledger = MonthLedger::new(month, UsageSource::V3, requests, &[]);
    state_of(day(of), ledger.of(&project("p"), Service::Rtc).cell(day(of)), at(now), POLICY)
}

#[test]
fn c08_today_is_never_due_and_yesterday_is() {
    let now = at("2031-05-08T00:30:00Z");
    assert!(!is_due(day("2031-05-08"), CellFacts::default(), now, POLICY));
    assert!(is_due(day("2031-05-07"), CellFacts::default(), now, POLICY));
    assert!(!is_due(
        day("2031-05-08"),
        CellFacts::default(),
        now,
        DuePolicy { again: true, ..POLICY }
    ));
}

#[test]
fn c09_days_before_the_look_back_are_unavailable_and_never_due() {
    let now = at("2031-05-08T00:30:00Z");
    let state = |text| state_of(day(text), CellFacts::default(), now, POLICY);
    assert_eq!(state("2030-05-07"), CellState::Unavailable);
    assert_eq!(state("2030-05-08"), CellState::Missing);
    assert!(!is_due(day("2030-05-07"), CellFacts::default(), now, POLICY));
    let unlimited = DuePolicy { api_history_months: 0, ..POLICY };
    assert!(is_due(day("1999-01-01"), CellFacts::default(), now, unlimited));
}

#[test]
fn c03_a_day_is_final_only_by_an_answer_after_the_look_back() {
    let now = at("2031-06-01T00:00:00Z");
    let state = |answered_at| state_of(day("2031-05-01"), answered(answered_at), now, POLICY);
    assert_eq!(state("2031-05-08T23:59:59Z"), CellState::Open);
    assert_eq!(state("2031-05-09T00:00:00Z"), CellState::Final);
}

#[test]
fn c04_a_failed_request_leaves_a_hole_until_an_answer_comes() {
    let days = ("2031-03-01", "2031-03-03");
    let failed = request(days, RequestOutcome::Failed, "2031-04-01T00:00:00Z");
    let ok = request(days, RequestOutcome::Ok, "2031-04-02T00:00:00Z");
    let now = "2031-04-03T00:00:00Z";
    assert_eq!(state_in(std::slice::from_ref(&failed), "2031-03-02", now), CellState::Failed);
    assert_eq!(state_in(&[failed.clone(), ok.clone()], "2031-03-02", now), CellState::Final);
    assert_eq!(state_in(&[ok, failed], "2031-03-02", now), CellState::Final);
}

#[test]
fn c07_a_contradiction_stays_until_a_newer_answer_agrees() {
    let days = ("2031-03-01", "2031-03-03");
    let mut denied = request(days, RequestOutcome::Contradiction, "2031-04-01T00:00:00Z");
    denied.contradicted_days = vec![day("2031-03-02")];
    let ok = request(days, RequestOutcome::Ok, "2031-04-02T00:00:00Z");
    let now = "2031-04-03T00:00:00Z";
    let requests = [ok.clone(), denied.clone()];
    assert_eq!(state_in(&requests, "2031-03-02", now), CellState::Contradicted);
    assert_eq!(state_in(&requests, "2031-03-01", now), CellState::Final);
    assert_eq!(state_in(&[denied, ok], "2031-03-02", now), CellState::Final);
}

#[test]
fn c27_a_cell_with_an_unknown_value_stays_due() {
    let month = crate::domain::Month::of(day("2031-03-01")).days();
    let ok = request(("2031-03-01", "2031-03-03"), RequestOutcome::Ok, "2031-04-02T00:00:00Z");
    let incomplete = [(project("p"), Service::Rtc, day("2031-03-02"))];
    let ledger = MonthLedger::new(month, UsageSource::V3, &[ok], &incomplete);
    let cell = |text| ledger.of(&project("p"), Service::Rtc).cell(day(text));
    let now = at("2031-04-03T00:00:00Z");
    assert_eq!(state_of(day("2031-03-02"), cell("2031-03-02"), now, POLICY), CellState::Incomplete);
    assert!(is_due(day("2031-03-02"), cell("2031-03-02"), now, POLICY));
    assert!(!is_due(day("2031-03-01"), cell("2031-03-01"), now, POLICY));
}

#[test]
fn minutes_of_v1_do_not_count_where_v3_is_asked() {
    let month = crate::domain::Month::of(day("2031-03-01")).days();
    let mut v1 = request(("2031-03-01", "2031-03-31"), RequestOutcome::Ok, "2031-04-20T00:00:00Z");
    (v1.source, v1.project_id) = (UsageSource::V1, None);
    let state = |source| {
        let ledger = MonthLedger::new(month, source, std::slice::from_ref(&v1), &[]);
        let cell = ledger.of(&project("any"), Service::Rtc).cell(day("2031-03-05"));
        state_of(day("2031-03-05"), cell, at("2031-05-01T00:00:00Z"), POLICY)
    };
    assert_eq!(state(UsageSource::V3), CellState::Missing);
    assert_eq!(state(UsageSource::V1), CellState::Final, "an answer for all counts for each");
}

#[test]
fn what_answers_for_all_projects_say_is_told_alone_too() {
    let month = crate::domain::Month::of(day("2031-03-01")).days();
    let mut of_all =
        request(("2031-03-02", "2031-03-31"), RequestOutcome::Ok, "2031-04-20T00:00:00Z");
    of_all.project_id = None;
    let of_one = request(("2031-03-01", "2031-03-01"), RequestOutcome::Ok, "2031-04-20T00:00:00Z");
    let ledger = MonthLedger::new(month, UsageSource::V3, &[of_all, of_one], &[]);
    let state = |service, text| {
        let facts = ledger.cell_of_all_projects(service, day(text));
        state_of(day(text), facts, at("2031-05-01T00:00:00Z"), POLICY)
    };
    assert_eq!(state(Service::Rtc, "2031-03-02"), CellState::Final);
    assert_eq!(state(Service::Rtc, "2031-03-01"), CellState::Missing, "one project's answer");
    assert_eq!(state(Service::Miniapp, "2031-03-02"), CellState::Missing);
    assert_eq!(state(Service::Rtc, "2031-04-01"), CellState::Missing, "another month");
}

#[test]
fn states_have_words_and_those_without_a_sure_value_are_holes() {
    use CellState::{Ahead, Contradicted, Failed, Final, Incomplete, Missing, Open, Unavailable};
    for (state, name, is_hole) in [
        (Ahead, "ahead", false),
        (Final, "final", false),
        (Open, "open", false),
        (Incomplete, "incomplete", true),
        (Contradicted, "contradicted", true),
        (Failed, "failed", true),
        (Missing, "missing", true),
        (Unavailable, "unavailable", true),
    ] {
        assert_eq!((state.name(), state.is_hole()), (name, is_hole));
    }
}

proptest! {
    #[test]
    fn asking_for_what_is_due_late_enough_leaves_nothing_due(
        answers in proptest::collection::vec((0_i64..28, 0_i64..28, 0_i64..60, 0_u8..3), 0..12),
    ) {
        let first = day("2031-02-01");
        let mut requests: Vec<RequestFact> = answers
            .into_iter()
            .map(|(from, to, later, kind)| {
                let (from, to) = (from.min(to), from.max(to));
                let outcome = [RequestOutcome::Ok, RequestOutcome::Failed, RequestOutcome::Contradiction]
                    [usize::from(kind)];
                let range = DateRange::new(first + TimeDelta::days(from), first + TimeDelta::days(to))
                    .expect("range");
                let contradicted_days =
                    if kind == 2 { range.days().step_by(2).collect() } else { Vec::new() };
                RequestFact {
                    range,
                    contradicted_days,
                    finished_at: at("2031-02-02T00:00:00Z") + TimeDelta::days(later),
                    ..request(("2031-02-01", "2031-02-28"), outcome, "2031-02-02T00:00:00Z")
                }
            })
            .collect();
        let now = at("2031-05-01T00:00:00Z");
        let month = crate::domain::Month::of(first).days();
        let due = |requests: &[RequestFact]| {
            let ledger = MonthLedger::new(month, UsageSource::V3, requests, &[]);
            month
                .days()
                .filter(|day| is_due(*day, ledger.of(&project("p"), Service::Rtc).cell(*day), now, POLICY))
                .collect::<Vec<_>>()
        };
        let before = due(&requests);
        for day in before {
            let range = DateRange::new(day, day).expect("range");
            requests.push(RequestFact { range, ..request(("2031-02-01", "2031-02-01"), RequestOutcome::Ok, "2031-05-01T00:00:00Z") });
        }
        prop_assert_eq!(due(&requests), Vec::<NaiveDate>::new());
    }
}

/// A request of the sweep: of whom, of what, days, how it ended, and days until the next one.
type DrawnRequest = (u8, bool, bool, i64, i64, u8, i64);

fn drawn_requests() -> impl Strategy<Value = Vec<DrawnRequest>> {
    let request = (0_u8..3, any::<bool>(), any::<bool>(), -3_i64..31, 0_i64..31, 0_u8..4, 0_i64..9);
    proptest::collection::vec(request, 0..10)
}

fn facts_of(drawn: &[DrawnRequest], first: NaiveDate) -> Vec<RequestFact> {
    let mut finished_at = first.and_time(NaiveTime::MIN).and_utc();
    let fact = |(whose, is_v3, is_rtc, from, length, outcome, later): &DrawnRequest| {
        finished_at += TimeDelta::hours(*later * 13);
        let from = first + TimeDelta::days(*from);
        let range = DateRange::new(from, from + TimeDelta::days(*length)).expect("range");
        let outcomes = [RequestOutcome::Ok, RequestOutcome::Ok, RequestOutcome::Failed];
        let outcome = outcomes.get(usize::from(*outcome)).copied();
        let outcome = outcome.unwrap_or(RequestOutcome::Contradiction);
        let is_contradiction = outcome == RequestOutcome::Contradiction;
        let contradicted_days =
            if is_contradiction { range.days().step_by(2).collect() } else { Vec::new() };
        RequestFact {
            source: if *is_v3 { UsageSource::V3 } else { UsageSource::V1 },
            project_id: [None, Some(project("p")), Some(project("q"))][usize::from(*whose)].clone(),
            service: if *is_rtc { Service::Rtc } else { Service::CloudRecording },
            range,
            outcome,
            contradicted_days,
            finished_at,
            message: None,
        }
    };
    drawn.iter().map(fact).collect()
}

/// The rules in words, read off the newest request that says something.
fn state_by_the_rules(
    of: NaiveDate,
    requests: &[RequestFact],
    source: UsageSource,
    is_incomplete: bool,
    now: DateTime<Utc>,
    policy: DuePolicy,
) -> CellState {
    if of >= now.date_naive() {
        return CellState::Ahead;
    }
    let about: Vec<&RequestFact> = requests
        .iter()
        .filter(|request| source == UsageSource::V1 || request.source == UsageSource::V3)
        .filter(|request| request.project_id.is_none() || request.project_id == Some(project("p")))
        .filter(|request| request.service == Service::Rtc && request.range.contains(of))
        .collect();
    let is_answer = |request: &&&RequestFact| request.outcome != RequestOutcome::Failed;
    let newest = about.iter().rev().find(is_answer);
    if newest.is_some_and(|newest| newest.contradicted_days.contains(&of)) {
        return CellState::Contradicted;
    }
    let first_kept = now.date_naive().checked_sub_months(Months::new(policy.api_history_months));
    match newest {
        Some(_) if is_incomplete => CellState::Incomplete,
        Some(newest) => {
            let final_days = i64::from(policy.look_back_days) + 1;
            let final_from = of.and_time(NaiveTime::MIN).and_utc() + TimeDelta::days(final_days);
            if newest.finished_at >= final_from { CellState::Final } else { CellState::Open }
        }
        None if policy.api_history_months > 0 && first_kept > Some(of) => CellState::Unavailable,
        None if about.is_empty() => CellState::Missing,
        None => CellState::Failed,
    }
}

#[test]
fn sweep_what_is_due_follows_from_the_rules_alone() {
    let first = day("2031-02-01");
    let month = crate::domain::Month::of(first).days();
    let incomplete = proptest::collection::btree_set(0_i64..28, 0..4);
    let policy = (0_u32..10, proptest::sample::select(&[0_u32, 1, 2, 12][..]), any::<bool>());
    let cases = (drawn_requests(), incomplete, policy, 0_i64..100, any::<bool>());
    crate::sweep::hold(&cases, |(drawn, incomplete, policy, later, is_v3)| {
        let requests = facts_of(&drawn, first);
        let (look_back_days, api_history_months, again) = policy;
        let policy = DuePolicy { look_back_days, api_history_months, again };
        let source = if is_v3 { UsageSource::V3 } else { UsageSource::V1 };
        let now = first.and_time(NaiveTime::MIN).and_utc() + TimeDelta::hours(later * 17);
        let cells: Vec<_> = incomplete
            .iter()
            .map(|offset| (project("p"), Service::Rtc, first + TimeDelta::days(*offset)))
            .collect();
        let ledger = MonthLedger::new(month, source, &requests, &cells);
        let of_project = ledger.of(&project("p"), Service::Rtc);
        for of in month.days() {
            let is_incomplete = cells.iter().any(|(_, _, incomplete)| *incomplete == of);
            let expected = state_by_the_rules(of, &requests, source, is_incomplete, now, policy);
            let facts = of_project.cell(of);
            prop_assert_eq!(state_of(of, facts, now, policy), expected, "{}", of);
            let first_kept = policy.first_available_day(now);
            let is_asked = match expected {
                CellState::Ahead | CellState::Unavailable => false,
                CellState::Final => again,
                _ => true,
            };
            let is_asked = is_asked && first_kept.is_none_or(|first| of >= first);
            prop_assert_eq!(is_due(of, facts, now, policy), is_asked, "{}", of);
        }
        Ok(())
    });
}
