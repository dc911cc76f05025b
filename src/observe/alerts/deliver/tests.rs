use axum::http::StatusCode;

use super::*;
use crate::observe::alerts::EventKind;
use crate::observe::testing::{Observed, Webhook};
use crate::observe::watch::{Watch, WatchRules};
use crate::store::alerts::NewAlert;

const NOW: &str = "2031-03-12T09:00:00Z";

const STATES: &str = "select kind, subject, state, attempts from agora.alert order by alert_id";

fn rules(webhook: &Webhook) -> WatchRules {
    let url = HookUrl::parse(&webhook.url()).expect("url");
    WatchRules {
        no_success_hours: 8,
        outlet: outlet(Some(url)),
        // Due again at once: the test does not wait.
        delivery: DeliveryRules { first_wait: Duration::ZERO, longest_wait: Duration::ZERO },
        dead_man_ping: None,
    }
}

async fn look(state: &std::sync::Arc<crate::observe::ObserveState>, rules: &WatchRules) {
    Watch::new(state.clone(), rules.clone()).look().await.expect("looked");
}

fn outlet(webhook: Option<HookUrl>) -> Outlet {
    let client =
        HookClient::new(Duration::from_secs(5), &crate::authorities::Authorities::default())
            .expect("client");
    Outlet { client, webhook }
}

/// The newest usage run left days of P1 unknown.
async fn with_a_hole() -> Observed {
    let observed = Observed::at(NOW).await;
    observed.database.project("P1").await;
    observed.ran("usage", "2031-03-12T08:15:00Z", "partial", r#"{"requests_answered": 1}"#).await;
    observed.ran("occupancy", "2031-03-12T08:59:00Z", "done", "{}").await;
    observed.asked("P1", "2031-02-01", "2031-02-28", "2031-03-12T08:15:01Z", "ok").await;
    observed.asked("P1", "2031-03-01", "2031-03-11", "2031-03-12T08:15:02Z", "failed").await;
    observed
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_told_once_however_often_and_by_whomever_it_is_seen() {
    let (observed, webhook) = (with_a_hole().await, Webhook::start().await);
    let rules = rules(&webhook);
    webhook.answer(StatusCode::SERVICE_UNAVAILABLE);
    look(&observed.state, &rules).await;
    look(&observed.state, &rules).await;
    assert_eq!(webhook.taken(), [Value::Null; 0]);
    assert_eq!(observed.database.ask(STATES).await, ["hole P1/rtc/2031-03 pending 2"]);
    let error = observed.database.ask("select last_error from agora.alert").await;
    assert!(error[0].ends_with("answered with status 503"), "{error:?}");
    assert!(!error[0].contains("secret"), "{error:?}");

    // The webhook is back; another process tells it, since the first one is gone.
    webhook.answer(StatusCode::OK);
    let other = observed.another(NOW).await;
    look(&other, &rules).await;
    let taken = webhook.taken();
    assert_eq!(taken.len(), 1);
    let text = taken[0]["text"].as_str().expect("text");
    let expected = "agora-usage, account default: usage is not known\n\
                    • project P1, rtc: not known, failed, 2031-03-01..2031-03-11: status 500";
    assert_eq!(text, expected);
    assert_eq!(taken[0]["event"]["items"][0]["details"]["days"], 11);
    for state in [&observed.state, &other] {
        look(state, &rules).await;
    }
    assert_eq!(webhook.taken(), [Value::Null; 0]);

    // A later run gets the days: the end is told once.
    observed.asked("P1", "2031-03-01", "2031-03-11", "2031-03-12T08:59:30Z", "ok").await;
    observed.ran("usage", "2031-03-12T08:59:59Z", "done", "{}").await;
    let later = observed.another("2031-03-12T09:30:00Z").await;
    for state in [&later, &later, &other] {
        look(state, &rules).await;
    }
    let taken = webhook.taken();
    assert_eq!(taken.len(), 1, "{taken:?}");
    assert_eq!(taken[0]["event"]["kind"], "recovered");
    assert_eq!(taken[0]["event"]["items"][0]["subject"], "hole/P1/rtc/2031-03");
    let states = ["hole P1/rtc/2031-03 resolved 3", "recovered hole/P1/rtc/2031-03 resolved 1"];
    assert_eq!(observed.database.ask(STATES).await, states);
    for state in [later, other] {
        state.close().await;
        state.workplace.store.pool().close().await;
    }
    observed.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_over_before_it_could_be_told_is_told_in_one_message() {
    let (observed, webhook) = (with_a_hole().await, Webhook::start().await);
    let (pool, account) = (&observed.state.observer, &observed.database.account);
    let alert = |subject: &str| NewAlert {
        kind: "no_success",
        subject: subject.to_owned(),
        message: format!("job {subject} <has> not succeeded"),
        details: json!({}),
        is_told_once: false,
    };
    let now = observed.state.now();
    alerts::raise(pool, account, &[alert("usage"), alert("projects")], now).await.expect("raised");
    let again = alerts::raise(pool, account, &[alert("usage")], now).await.expect("answered");
    assert_eq!(again, []);
    let open = alerts::open(pool, account).await.expect("read");
    let ended = alerts::resolve(pool, account, &[open[0].alert_id], &[], now).await.expect("ended");
    assert_eq!(ended.len(), 1);
    let rules = rules(&webhook);
    let told = deliver(pool, &rules.outlet, rules.delivery, now).await.expect("told");
    assert_eq!(told, 2);
    let taken = webhook.taken();
    assert_eq!(taken.len(), 1);
    let text = taken[0]["text"].as_str().expect("text");
    assert!(text.contains("(over since 2031-03-12 09:00 UTC)"), "{text}");
    assert!(text.contains("&lt;has&gt;"), "{text}");
    assert_eq!(deliver(pool, &rules.outlet, rules.delivery, now).await.expect("told"), 0);
    observed.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_between_attempts_grow_and_are_kept_in_the_database() {
    let observed = with_a_hole().await;
    let nobody = HookUrl::parse("http://127.0.0.1:1/secret").expect("url");
    let hour = Duration::from_hours(1);
    let rules = WatchRules {
        no_success_hours: 8,
        outlet: outlet(Some(nobody)),
        delivery: DeliveryRules { first_wait: hour, longest_wait: 4 * hour },
        dead_man_ping: None,
    };
    let wait = "select round(extract(epoch from next_attempt_at - clock_timestamp()) / 3600)::int, \
                attempts from agora.alert";
    for hours in ["1 1", "2 2", "4 3", "4 4"] {
        look(&observed.state, &rules).await;
        // Not yet due again.
        look(&observed.state, &rules).await;
        assert_eq!(observed.database.ask(wait).await, [hours]);
        observed.database.run("update agora.alert set next_attempt_at = clock_timestamp()").await;
    }
    observed.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_webhook_the_log_tells_and_the_table_keeps() {
    let observed = with_a_hole().await;
    let rules = WatchRules {
        no_success_hours: 8,
        outlet: outlet(None),
        delivery: DeliveryRules::default(),
        dead_man_ping: None,
    };
    look(&observed.state, &rules).await;
    assert_eq!(observed.database.ask(STATES).await, ["hole P1/rtc/2031-03 sent 1"]);
    observed.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_usage_run_of_this_process_is_pinged_once() {
    let (observed, webhook) = (with_a_hole().await, Webhook::start().await);
    let rules = WatchRules {
        dead_man_ping: Some(HookUrl::parse(&webhook.url()).expect("url")),
        outlet: outlet(None),
        ..rules(&webhook)
    };
    let mut watch = Watch::new(std::sync::Arc::clone(&observed.state), rules);
    watch.look().await.expect("looked");
    assert_eq!(webhook.taken(), [Value::Null; 0], "another process ran it");
    let own = "update agora.job_run set holder = 'this process' where job = 'usage'";
    observed.database.run(own).await;
    watch.look().await.expect("looked");
    watch.look().await.expect("looked");
    assert_eq!(webhook.taken(), [Value::Null]);
    // Nothing got through: no ping.
    observed.ran("usage", "2031-03-12T08:59:00Z", "partial", r#"{"requests_failed": 1}"#).await;
    observed.database.run(own).await;
    watch.look().await.expect("looked");
    assert_eq!(webhook.taken(), [Value::Null; 0]);
    observed.close().await;
}

#[test]
fn every_kind_of_event_has_a_headline_of_its_own() {
    for kind in EventKind::ALL {
        for count in [1, 2] {
            assert_ne!(headline(kind.name(), count), headline("recovered", count), "{kind:?}");
        }
    }
}
