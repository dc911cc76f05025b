//! `sync occupancy`: snapshots of live channels, whole or marked as not whole.

use serde_json::{Value, json};

use crate::support::fake_api::{app_id, channel_page, project};
use crate::support::setup::Setup;

const NOW: &str = "2031-03-11T06:00:00Z";

const SNAPSHOTS: &str = "select total_channels, seen_channels, user_count, complete, reason \
                         from agora.occupancy_snapshot order by observed_at";

/// `c<first>` to `c<last>`.
fn names(first: usize, last: usize) -> impl Iterator<Item = String> {
    (first..=last).map(|number| format!("c{number}"))
}

async fn setup_with(pages: impl Fn(usize) -> Value + Send + 'static) -> Setup {
    let setup = Setup::at(NOW).await;
    setup.api.list(&["P1"]);
    setup.api.serve_channels(&app_id("P1"), pages);
    setup
}

fn pages_asked(setup: &Setup) -> Vec<String> {
    let asked = setup.api.asked().into_iter().filter(|asked| asked.path.contains("/channel/"));
    asked.map(|asked| asked.parameter("page_no").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn c14_an_exact_multiple_of_the_page_size_is_read_whole() {
    let setup = setup_with(|page| match page {
        0 => channel_page(names(1, 500), 2, 1_000),
        1 => channel_page(names(501, 1_000), 2, 1_000),
        _ => channel_page([], 0, 1_000),
    });
    let setup = setup.await;
    setup.run(&["sync", "occupancy"]).exits(0).says(&["1,000 channels and 2,000 users"]);
    assert!(pages_asked(&setup).len() <= 3);
    assert_eq!(setup.database.rows(SNAPSHOTS).await, ["(1000,1000,2000,t,)"]);
    let stored = "select count(*), count(distinct channel_name) from agora.occupancy_channel";
    assert_eq!(setup.database.rows(stored).await, ["(1000,1000)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c14_no_channels_are_a_snapshot_that_says_so() {
    let setup = setup_with(|_| channel_page([], 0, 0)).await;
    setup.run(&["sync", "occupancy"]).exits(0);
    assert_eq!(setup.database.rows(SNAPSHOTS).await, ["(0,0,0,t,)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c15_a_list_that_moved_is_counted_once_and_marked() {
    let setup = setup_with(|page| match page {
        0 => channel_page(names(1, 500), 1, 700),
        1 => channel_page(names(500, 700), 1, 701),
        _ => channel_page([], 0, 701),
    });
    let setup = setup.await;
    setup.run(&["sync", "occupancy"]).exits(0).says(&["1 incomplete"]);
    assert_eq!(setup.database.rows(SNAPSHOTS).await, ["(701,700,700,f,drift)"]);
    let c500 = "select count(*) from agora.occupancy_channel where channel_name = 'c500'";
    assert_eq!(setup.database.value(c500).await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn c16_a_server_that_repeats_a_page_does_not_keep_the_job() {
    let mut setup = setup_with(|_| channel_page(names(1, 100), 1, 100_000)).await;
    setup.program.set("AGORA_USAGE_CHANNEL_PAGE_SIZE", "100");
    setup.run(&["sync", "occupancy"]).exits(0).says(&["1 incomplete"]);
    assert_eq!(pages_asked(&setup), ["0", "1"]);
    assert_eq!(setup.database.rows(SNAPSHOTS).await, ["(100000,100,100,f,stuck_page)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c17_a_lost_page_publishes_no_snapshot_and_closes_no_channel() {
    let mut setup = setup_with(|page| match page {
        0 => channel_page(names(1, 500), 1, 1_100),
        1 => channel_page(names(501, 1_000), 1, 1_100),
        _ => channel_page(names(1_001, 1_100), 1, 1_100),
    })
    .await;
    setup.run(&["sync", "occupancy"]).exits(0);
    let before = setup.database.written("occupancy_channel").await;
    setup.api.answer_when(|asked| asked.parameter("page_no") == "2", 500, "");
    setup.now("2031-03-11T06:01:00Z");
    let said = ["warning: project P1 has no snapshot", "status 500", "1 failed"];
    setup.run(&["sync", "occupancy"]).exits(1).says(&said);
    assert_eq!(setup.database.rows(SNAPSHOTS).await, ["(1100,1100,1100,t,)"]);
    assert_eq!(setup.database.written("occupancy_channel").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn c18_a_refusal_with_status_200_is_a_failure() {
    let setup = setup_with(|_| channel_page([], 0, 0)).await;
    let refusal = r#"{"success":false}"#;
    setup.api.answer_when(|asked| asked.path.contains("/channel/"), 200, refusal);
    setup
        .run(&["sync", "occupancy"])
        .exits(1)
        .says(&["the platform answered that the call failed"]);
    assert_eq!(setup.database.filled_tables().await, ["account: 1", "project: 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c25_counts_above_two_billion_stay_positive() {
    let setup = setup_with(|_| {
        let channel = |name, users: u32| json!({ "channel_name": name, "user_count": users });
        let channels = [channel("half", 2_147_483_648), channel("full", 4_294_967_295)];
        json!({ "channels": channels, "total_size": 2 })
    });
    let setup = setup.await;
    setup.run(&["sync", "occupancy"]).exits(0).says(&["6,442,450,943 users"]);
    let channels = "select channel_name, user_count from agora.occupancy_channel order by 1";
    assert_eq!(setup.database.rows(channels).await, ["(full,4294967295)", "(half,2147483648)"]);
    let peak = "select peak_users, channels_at_peak from agora.occupancy_peaks";
    assert_eq!(setup.database.rows(peak).await, ["(6442450943,2)"]);
    let query = setup.run(&["query", "peak_users_by_project_and_day", "--output", "csv"]).exits(0);
    assert!(query.stdout.contains(",6442450943,"), "{}", query.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn c37_a_name_with_a_nul_is_stored_escaped_beside_the_others() {
    let setup = setup_with(|_| {
        let odd = "odd\u{0}one".to_owned();
        channel_page(names(1, 99).chain([odd]), 1, 100)
    });
    let setup = setup.await;
    setup.run(&["sync", "occupancy"]).exits(0).says(&["100 channels"]);
    assert_eq!(setup.database.rows(SNAPSHOTS).await, ["(100,100,100,t,)"]);
    let plain = "select count(*) from agora.occupancy_channel where channel_name ~ '^c[0-9]+$'";
    assert_eq!(setup.database.value(plain).await, "99");
    let odd = r"select count(*) from agora.occupancy_channel where channel_name = 'odd\u0000one'";
    assert_eq!(setup.database.value(odd).await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn intervals_go_on_close_and_open_with_the_user_count() {
    let mut setup = Setup::at("2031-03-11T06:00:00Z").await;
    setup.api.list(&["P1"]);
    let page = |names: &[(&str, u64)]| {
        let channel =
            |(name, users): &(&str, u64)| json!({ "channel_name": name, "user_count": users });
        let channels: Vec<Value> = names.iter().map(channel).collect();
        json!({ "channels": channels, "total_size": names.len() })
    };
    let readings = [
        page(&[("same", 1), ("grows", 1), ("ends", 1)]),
        page(&[("same", 1), ("grows", 2), ("new", 5)]),
    ];
    for (minute, reading) in readings.into_iter().enumerate() {
        setup.api.serve_channels(&app_id("P1"), move |_| reading.clone());
        setup.now(&format!("2031-03-11T06:{minute:02}:00Z"));
        setup.run(&["sync", "occupancy"]).exits(0);
    }
    let intervals = "select channel_name, user_count, is_open, from_at < to_at \
                     from agora.occupancy_intervals order by channel_name, from_at";
    let expected =
        ["(ends,1,f,f)", "(grows,1,f,f)", "(grows,2,t,f)", "(new,5,t,f)", "(same,1,t,t)"];
    assert_eq!(setup.database.rows(intervals).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_project_that_fails_does_not_stop_the_others() {
    let setup = Setup::at(NOW).await;
    let mut without_app = project("NoApp", "No App ID");
    without_app["vendor_key"] = Value::Null;
    let mut disabled = project("Off", "Switched off");
    disabled["status"] = json!(0);
    let [good, bad] = ["Good", "Bad"].map(|id| project(id, id));
    setup.api.list_bodies(vec![good, bad, without_app, disabled]);
    setup.api.serve_channels(&app_id("Good"), |_| channel_page(names(1, 3), 1, 3));
    let said = [
        "1 snapshot with 3 channels and 3 users; 0 incomplete, 1 failed",
        "warning: project Bad has no snapshot",
        "warning: project NoApp has no App ID",
    ];
    setup.run(&["sync", "occupancy"]).exits(3).says(&said);
    let stored = "select project_id from agora.occupancy_snapshot";
    assert_eq!(setup.database.value(stored).await, "Good");
}
