//! A month of budgets, day by day: each threshold is told once, whatever happens.

use std::time::Duration;

use axum::http::StatusCode;
use chrono::{Days, NaiveDate};
use serde_json::Value;

use crate::account_outlook::{BudgetSetting, OutlookSettings, look_ahead};
use crate::agora_api::webhook::{HookClient, HookUrl};
use crate::collect::Records;
use crate::observe::alerts::{DeliveryRules, Outlet};
use crate::observe::testing::{Observed, Webhook};
use crate::observe::watch::{Watch, WatchRules};
use crate::outlook::budget::{BudgetScope, DEFAULT_THRESHOLDS_PERCENT};
use crate::rating::{PriceBook, PriceBooks};

const KINDS: &str = "select kind, subject from agora.alert \
    where kind like 'budget%' or kind = 'free_minutes' order by alert_id";

/// Told so far, as `kind subject` of each item.
fn told(messages: &[Value]) -> Vec<String> {
    let items = messages.iter().flat_map(|message| {
        let kind = message["event"]["kind"].as_str().expect("kind").to_owned();
        let items = message["event"]["items"].as_array().expect("items").clone();
        items
            .into_iter()
            .map(move |item| format!("{kind} {}", item["subject"].as_str().expect("subject")))
    });
    items.collect()
}

/// Usage of all days before `today`, 1,000 minutes of audio each, known since the morning.
async fn fetch(observed: &Observed, day: NaiveDate) {
    let seconds = 60_000;
    observed
        .asked("P1", &day.to_string(), &day.to_string(), &format!("{day}T23:59:59Z"), "ok")
        .await;
    observed
        .database
        .run(&format!(
            "insert into agora.usage_daily (account_id, day, project_id, service, source, \
             audio_seconds, observed_at, request_id) select 'default', '{day}', 'P1', 'rtc', 'v3', \
             {seconds}, '{day}T23:59:59Z', max(request_id) from agora.sync_request"
        ))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_one_days_with_restarts_and_a_deaf_webhook_tell_each_threshold_once() {
    let observed = Observed::at("2031-03-01T09:00:00Z").await;
    observed.database.project("P1").await;
    let webhook = Webhook::start().await;
    let rules = WatchRules {
        no_success_hours: 24 * 365,
        outlet: Outlet {
            client: HookClient::new(
                Duration::from_secs(5),
                &crate::authorities::Authorities::default(),
            )
            .expect("client"),
            webhook: Some(HookUrl::parse(&webhook.url()).expect("url")),
        },
        delivery: DeliveryRules { first_wait: Duration::ZERO, longest_wait: Duration::ZERO },
        dead_man_ping: None,
    };
    // 31,000 minutes in May cost 20.79, with the free ones used up on the eleventh.
    let budget = |scope, amount: &str| BudgetSetting {
        scope,
        amount: amount.to_owned(),
        thresholds_percent: DEFAULT_THRESHOLDS_PERCENT.to_vec(),
    };
    let settings = OutlookSettings {
        budgets: vec![budget(BudgetScope::Account, "20.00")],
        anomaly_floor: OutlookSettings::DEFAULT_ANOMALY_FLOOR.to_owned(),
    };
    let book = PriceBook::embedded("tiered").expect("known").expect("valid");
    let books = PriceBooks::new(&observed.database.account, vec![book]).expect("one book");
    let mut day: NaiveDate = "2031-03-07".parse().expect("day");
    let first_of_may: NaiveDate = "2031-05-01".parse().expect("day");
    while day < first_of_may {
        fetch(&observed, day).await;
        day = day + Days::new(1);
    }
    let mut all = Vec::new();
    for today in first_of_may.iter_days().skip(1).take(40) {
        fetch(&observed, today - Days::new(1)).await;
        // On one day, the eighty per cent among it, nobody takes a message.
        let is_deaf = today.to_string() == "2031-05-28";
        webhook.answer(if is_deaf { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK });
        // A process of its own each day, and two that look at the same.
        for hour in ["03", "15"] {
            let state = observed.another(&format!("{today}T{hour}:00:00Z")).await;
            let watched = state.accounts().remove(0);
            let records = Records {
                store: &state.workplace.store,
                account: &watched.account,
                clock: state.workplace.clock,
                settings: &watched.collect,
            };
            look_ahead(&records, &books, &settings, None).await.expect("looked ahead");
            Watch::new(state.clone(), rules.clone()).look().await.expect("looked");
            state.close().await;
            state.workplace.store.pool().close().await;
        }
        let taken = webhook.taken();
        assert!(!is_deaf || taken.is_empty());
        all.extend(told(&taken));
    }
    let of_may = |text: &&String| text.contains(" 2031-05");
    let raised: Vec<&String> = all.iter().filter(of_may).collect();
    assert_eq!(
        raised,
        [
            "budget_forecast 2031-05/account/",
            "free_minutes 2031-05",
            "budget 2031-05/account//50",
            "budget 2031-05/account//80",
            "budget 2031-05/account//100",
        ]
    );
    // After the first week of June the month of May is over, which is no recovery.
    let ended = all.iter().filter(|text| text.starts_with("recovered")).count();
    assert_eq!(ended, 0, "{all:?}");
    let open =
        "select count(*) from agora.alert where resolved_at is null and subject like '2031-05%'";
    assert_eq!(observed.database.ask(open).await, ["0"]);
    let stored = observed.database.ask(KINDS).await;
    assert_eq!(stored.iter().filter(|row| row.contains(" 2031-05")).count(), 5, "{stored:?}");
    observed.close().await;
}
