//! Open events and what goes on in, what is new and what is over out.

use std::collections::BTreeSet;

use super::{Event, EventKind};
use crate::domain::{DateRange, Month};
use crate::store::alerts::{NewAlert, OpenAlert};

/// What changes in the table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Events that are new.
    pub raise: Vec<NewAlert>,
    /// Numbers of events that are over.
    pub resolve: Vec<i64>,
    /// Numbers of events whose period is over: nothing got better, so that nobody is told.
    pub lapse: Vec<i64>,
}

/// Compares the open events with what goes on.
///
/// `looked_at` are the days whose holes are among the events; none when their
/// holes were not looked at. An event about other days stays as it is: usage
/// that the platform has forgotten does not come back. `months` are those that
/// are looked ahead at; an event of another one lapses.
#[must_use]
pub fn reconcile(
    open: &[OpenAlert],
    events: Vec<Event>,
    looked_at: Option<DateRange>,
    months: &[Month],
) -> Changes {
    let key_of = |event: &Event| (event.kind.name().to_owned(), event.subject.clone());
    let going_on: BTreeSet<(String, String)> = events.iter().map(key_of).collect();
    let known: BTreeSet<(String, String)> =
        open.iter().map(|alert| (alert.kind.clone(), alert.subject.clone())).collect();
    let is_over = |alert: &&OpenAlert| {
        !going_on.contains(&(alert.kind.clone(), alert.subject.clone()))
            && can_be_judged(alert, looked_at)
    };
    let (lapsed, resolved): (Vec<&OpenAlert>, _) =
        open.iter().filter(is_over).partition(|alert| is_of_another_period(alert, months));
    let ids = |alerts: Vec<&OpenAlert>| alerts.iter().map(|alert| alert.alert_id).collect();
    Changes {
        resolve: ids(resolved),
        lapse: ids(lapsed),
        raise: events
            .into_iter()
            .filter(|event| !event.is_fading && !known.contains(&key_of(event)))
            .map(NewAlert::from)
            .collect(),
    }
}

/// Whether it is about a month, or a day, that is looked at no more.
fn is_of_another_period(alert: &OpenAlert, months: &[Month]) -> bool {
    let kind = EventKind::from_name(&alert.kind);
    if !kind.is_some_and(EventKind::is_of_a_period) {
        return false;
    }
    let month = alert.subject.split('/').next().and_then(|text| Month::parse(text).ok());
    month.is_none_or(|month| !months.contains(&month))
}

/// Whether the facts would still show the event if it went on.
fn can_be_judged(alert: &OpenAlert, looked_at: Option<DateRange>) -> bool {
    let Some(kind) = EventKind::from_name(&alert.kind) else { return false };
    if !kind.is_about_days() {
        return true;
    }
    let month = alert.subject.rsplit('/').next().and_then(|text| Month::parse(text).ok());
    month.zip(looked_at).is_some_and(|(month, days)| days.intersection(month.days()).is_some())
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;

    fn open(alert_id: i64, kind: &str, subject: &str) -> OpenAlert {
        OpenAlert {
            alert_id,
            kind: kind.to_owned(),
            subject: subject.to_owned(),
            state: "sent".to_owned(),
            message: String::new(),
            raised_at: DateTime::UNIX_EPOCH,
        }
    }

    fn event(kind: EventKind, subject: &str) -> Event {
        let (subject, message) = (subject.to_owned(), String::new());
        Event { kind, subject, message, details: json!({}), is_fading: false }
    }

    fn days(first: &str, last: &str) -> DateRange {
        DateRange::new(first.parse().expect("day"), last.parse().expect("day")).expect("range")
    }

    #[test]
    fn an_event_is_raised_once_and_resolved_when_it_is_over() {
        let hole = "P1/rtc/2031-03";
        let first = reconcile(&[], vec![event(EventKind::Hole, hole)], None, &[]);
        assert_eq!(first.raise.len(), 1);
        let known = [open(7, "hole", hole), open(8, "no_success", "usage")];
        let looked_at = Some(days("2031-02-01", "2031-03-31"));
        let again = reconcile(&known, vec![event(EventKind::Hole, hole)], looked_at, &[]);
        assert_eq!(again, Changes { resolve: vec![8], ..Changes::default() });
        assert_eq!(reconcile(&known, vec![], looked_at, &[]).resolve, [7, 8]);
    }

    #[test]
    fn days_that_nobody_looked_at_are_not_taken_for_known() {
        let known = [open(7, "hole", "P1/rtc/2030-03"), open(8, "contradiction", "P1/rtc/2031-03")];
        assert_eq!(reconcile(&known, vec![], None, &[]).resolve, [0_i64; 0]);
        let looked_at = Some(days("2030-04-01", "2031-03-31"));
        assert_eq!(reconcile(&known, vec![], looked_at, &[]).resolve, [8]);
    }

    #[test]
    fn what_is_near_its_limit_neither_begins_nor_ends_and_a_month_that_is_over_is_no_recovery() {
        let subject = "2031-05/account/";
        let fading = || Event { is_fading: true, ..event(EventKind::BudgetForecast, subject) };
        let months = [Month::parse("2031-05").expect("month")];
        let known = [open(7, "budget_forecast", subject)];
        assert_eq!(reconcile(&[], vec![fading()], None, &months), Changes::default());
        assert_eq!(reconcile(&known, vec![fading()], None, &months), Changes::default());
        assert_eq!(reconcile(&known, vec![], None, &months).resolve, [7]);
        let next = [Month::parse("2031-06").expect("month")];
        let odd = open(8, "anomaly", "2031-05-31/P1");
        let later = reconcile(&[known[0].clone(), odd], vec![], None, &next);
        assert_eq!((later.resolve, later.lapse), (vec![], vec![7, 8]));
    }
}
