//! Every body that the platform's documents and captures show, of every year,
//! served over HTTP and read by the client into the right values.
//!
//! The files in `tests/fixtures/documented/` are those bodies; where a document
//! had comments or placeholders, they were mended into JSON.

use std::fs;
use std::path::Path;
use std::time::Duration;

use agora_usage::agora_api::channel_users::{ChannelUsers, UserRole};
use agora_usage::agora_api::kicking_rules::NewRule;
use agora_usage::agora_api::{AgoraApi, ApiErrorKind, ApiSettings};
use agora_usage::domain::period::parse_day;
use agora_usage::domain::{AppId, DateRange, ProjectId, ProjectStatus, Service};

use crate::support::fake_api::FakeApi;

/// A platform that answers every call with one body, and its client.
struct Documented {
    _server: FakeApi,
    api: AgoraApi,
}

async fn documented(name: &str, status: u16) -> Documented {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/documented").join(name);
    let body = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
    let server = FakeApi::start().await;
    server.answer_when(|_| true, status, &body);
    let api = client(&server);
    Documented { _server: server, api }
}

fn client(server: &FakeApi) -> AgoraApi {
    let settings = ApiSettings {
        hosts: vec![server.base_url().parse().expect("address")],
        customer_id: "fake-customer".to_owned(),
        customer_secret: "fake-secret".into(),
        requests_per_second: 0,
        statistics_requests_per_second: 0,
        request_timeout: Duration::from_secs(30),
        attempts_per_host: 1,
        first_retry_wait: Duration::from_millis(1),
        retry_after_cap: Duration::from_secs(1),
        max_body_bytes: 1024 * 1024,
        authorities: agora_usage::authorities::Authorities::default(),
    };
    AgoraApi::new(settings).expect("client")
}

fn project_id() -> ProjectId {
    ProjectId::new("xxxx").expect("id")
}

fn app_id() -> AppId {
    AppId::new("4855898a22ae4102a29b81ba76f2eae2").expect("id")
}

fn range(first: &str, last: &str) -> DateRange {
    DateRange::new(parse_day(first).expect("day"), parse_day(last).expect("day")).expect("range")
}

/// `id, name, created` of each project, and how many have a certificate.
async fn projects(name: &str, status: u16) -> (Vec<String>, usize) {
    let list = documented(name, status).await.api.projects().await.expect("answered").value;
    let line = |project: &agora_usage::domain::Project| {
        let created = project.created_at.map(|at| at.format("%F %T%.f").to_string());
        format!("{}, {}, {}", project.project_id, project.name, created.unwrap_or_default())
    };
    let certificates = list.iter().filter(|project| project.has_certificate).count();
    assert!(list.iter().all(|project| project.status == ProjectStatus::Active));
    (list.iter().map(line).collect(), certificates)
}

#[tokio::test(flavor = "multi_thread")]
async fn project_lists_of_every_year_are_read() {
    let of_2016 = "xxxx, project1, 2016-05-25 08:41:12".to_owned();
    assert_eq!(projects("2019_projects.json", 201).await, (vec![of_2016.clone()], 1));
    let of_2021 = "yyyy, project1, 2021-11-17 12:55:55".to_owned();
    assert_eq!(projects("2026_projects.json", 200).await, (vec![of_2016.clone(), of_2021], 2));
    assert_eq!(projects("2026_project.json", 201).await, (vec![of_2016], 1));
    let captured = [
        "rkKbefMME, 甲乙测试环境, 2019-01-08 11:56:48.688",
        "BJDekMzzV, 甲乙, 2019-01-08 11:52:14.857",
    ];
    let captured = captured.map(str::to_owned).to_vec();
    assert_eq!(projects("2019_projects_in_milliseconds.json", 200).await, (captured, 1));
    let (one, certificates) = projects("2019_projects_one.json", 200).await;
    assert_eq!((one.len(), certificates), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_acknowledged_by_a_project_or_by_success() {
    let created = documented("2026_project_created.json", 201).await;
    let project = created.api.create_project("project1", true).await.expect("created").value;
    assert_eq!(project.project_id, project_id());
    let changed = documented("2026_project_status.json", 200).await;
    let project = changed.api.set_project_status(&project_id(), true).await.expect("changed");
    assert_eq!(project.value.map(|project| project.project_id), Some(project_id()));
    let Documented { api, _server } = documented("2020_success.json", 200).await;
    let id = project_id();
    let acknowledged = [
        api.set_project_status(&id, false).await,
        api.delete_project(&id).await,
        api.set_recording_server(&id, "10.12.1.5:8080").await,
        api.set_certificate(&id, true).await,
        api.reset_certificate(&id).await,
    ];
    for reply in acknowledged {
        assert_eq!(reply.expect("acknowledged").value, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_of_every_year_is_read() {
    for name in ["2019_usage_v1.json", "2020_usage_v1.json"] {
        let platform = documented(name, 200).await;
        let reply = platform.api.usage_v1(&[], range("2015-01-01", "2015-03-21")).await;
        let days = reply.expect("read").value;
        let lines: Vec<_> = days.iter().map(|d| (d.day.to_string(), d.seconds[3])).collect();
        let hdp_seconds = Some(225 * 60);
        let expected = ["2015-01-01", "2015-01-02"].map(|day| (day.to_owned(), hdp_seconds));
        assert_eq!(lines, expected, "{name}");
    }
    let usage = async |name: &str, first: &str, last: &str| {
        let platform = documented(name, 200).await;
        let reply = platform.api.usage_v3(&project_id(), Service::Rtc, range(first, last)).await;
        reply.expect("read").value
    };
    let days = usage("2020_usage_v3.json", "2020-03-01", "2020-03-31").await;
    assert_eq!(days[0].seconds, [Some(0), None, Some(0), Some(0), None, None, None]);
    assert!(!days[0].is_incomplete(), "three fields were all that there was in 2020");
    let days = usage("2026_usage_v3.json", "2021-10-12", "2021-10-14").await;
    let zero = Some(0);
    assert_eq!(days[1].seconds, [Some(779), None, Some(60), zero, zero, zero, zero]);
    assert_eq!(days.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_every_year_are_read() {
    for (name, channel, address) in
        [("2019_rules.json", "11", None), ("2026_rules.json", "11", Some("192.168.0.1"))]
    {
        let rules = documented(name, 200).await.api.kicking_rules(&app_id()).await;
        let rules = rules.expect("read").value;
        assert_eq!((rules.len(), rules[0].rule_id), (1, 1953), "{name}");
        assert_eq!(rules[0].channel_name.as_deref(), Some(channel));
        assert_eq!(rules[0].ip_address.as_deref(), address);
        assert!(rules[0].expires_at > rules[0].created_at);
    }
    let rule = NewRule::new(app_id(), Some("11".to_owned()), None, None, 60, Vec::new());
    let created = documented("2026_rule_created.json", 200).await;
    let created = created.api.create_kicking_rule(&rule.expect("valid")).await;
    assert_eq!(created.expect("created").value, 1953);
    let updated = documented("2026_rule_updated.json", 200).await;
    let updated = updated.api.update_kicking_rule(&app_id(), 1953, 60).await.expect("updated");
    let expires_at = updated.value.map(|at| at.to_rfc3339());
    assert_eq!(expires_at.as_deref(), Some("2026-01-09T08:45:54.545+00:00"));
    let deleted = documented("2026_rule_deleted.json", 200).await;
    assert!(deleted.api.delete_kicking_rule(&app_id(), 1953).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_and_users_of_every_year_are_read() {
    for (name, total) in [("2019_channels.json", 3), ("2026_channels.json", 1)] {
        let page = documented(name, 200).await.api.channel_page(&app_id(), 0, 100).await;
        let page = page.expect("read").value;
        assert_eq!(page.total_channels, total);
        assert_eq!((page.channels[0].name.as_str(), page.channels[0].user_count), ("lkj144", 3));
    }
    let empty = documented("undated_channels_empty.json", 200).await;
    assert!(
        empty.api.channel_page(&app_id(), 0, 100).await.expect("read").value.channels.is_empty()
    );

    let users = async |name: &str| {
        let reply = documented(name, 200).await.api.channel_users(&app_id(), "c", false).await;
        reply.expect("read").value
    };
    let alone = |id| ChannelUsers::Communication { users: vec![id], total: 1 };
    assert_eq!(users("2019_users_communication.json").await, alone(7));
    assert_eq!(users("2026_users_communication.json").await, alone(906_218_805));
    assert_eq!(users("2019_users_no_channel.json").await, ChannelUsers::NoChannel);
    let live = |broadcasters: &[i64], listener| ChannelUsers::Live {
        broadcasters: broadcasters.to_vec(),
        audience: vec![listener],
        audience_total: Some(1),
    };
    assert_eq!(users("2019_users_live.json").await, live(&[7], 8));
    let expected = live(&[2_206_227_541, 2_845_863_044], 906_219_905);
    assert_eq!(users("2026_users_live.json").await, expected);

    let role = documented("2026_user_role.json", 200).await;
    let user = role.api.user_role(&app_id(), 2_845_863_044, "c").await.expect("read").value;
    assert_eq!(user.map(|user| user.role), Some(UserRole::VideoBroadcaster));
    let co_host = documented("2019_co_host.json", 200).await;
    assert!(!co_host.api.is_co_host(&app_id(), 7, "c").await.expect("read").value);
}

#[tokio::test(flavor = "multi_thread")]
async fn c24_refusals_of_every_year_keep_the_platforms_words() {
    let gone = documented("2019_error_404.json", 404).await;
    let error = gone.api.delete_project(&project_id()).await.expect_err("refused");
    assert_eq!(error.kind, ApiErrorKind::NotFound);
    assert_eq!(error.message.as_deref(), Some("project not exist"));
    let wrong = documented("2026_error_400.json", 400).await;
    let error = wrong.api.channel_page(&app_id(), 0, 100).await.expect_err("refused");
    assert_eq!((error.status, error.message.as_deref()), (Some(400), Some("invalid appid")));
    assert!(error.hint().is_some());
}
