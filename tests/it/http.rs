//! What happens on the wire: broken answers, limits, redirects, hosts, and changes without an answer.

use std::time::Duration;

use crate::support::database::TestDatabase;
use crate::support::program::Program;
use crate::support::raw_server::{RawServer, answer, json};

const PROJECTS: &str = r#"{"projects":[{"id":"P1","name":"One","status":1}]}"#;
const NO_PROJECTS: &str = r#"{"projects":[]}"#;
const APP_ID: &str = "4855898a22ae4102a29b81ba76f2eae2";

/// A program that asks these hosts, with short waits.
fn client(hosts: &str) -> Program {
    let mut program = Program::new();
    program
        .set("AGORA_BASE_URL", hosts)
        .set("AGORA_CUSTOMER_ID", "fake-customer")
        .set("AGORA_CUSTOMER_SECRET", "fake-secret")
        .set("AGORA_USAGE_FIRST_RETRY_WAIT_MS", "1")
        .set("AGORA_USAGE_REQUESTS_PER_SECOND", "0");
    program
}

const LIST: [&str; 3] = ["api", "projects", "list"];

#[test]
fn c19_a_page_with_status_200_is_tried_again_and_then_told() {
    let page = "<html><body>Down for maintenance</body></html>";
    let server = RawServer::start(vec![answer("200 OK", "Content-Type: text/html\r\n", page)]);
    let outcome = client(&server.base_url()).run(&LIST).exits(1);
    outcome.says(&["not JSON", "text/html", "Down for maintenance", "status 200", "hint: "]);
    assert_eq!(server.received().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn c20_a_body_that_was_cut_off_is_fetched_again_and_stored_once() {
    let mut cut = json("200 OK", PROJECTS);
    cut.truncate(cut.len() - 20);
    let server = RawServer::start(vec![cut, json("200 OK", PROJECTS)]);
    let database = TestDatabase::new();
    let mut program = client(&server.base_url());
    program.set("DATABASE_URL", database.url());
    program.run(&["sync", "projects"]).exits(0).says(&["1 project listed"]);
    assert_eq!(server.received().len(), 2);
    assert_eq!(database.value("select count(*) from agora.project").await, "1");
}

#[test]
fn c21_a_wait_that_the_platform_asks_for_is_kept() {
    let busy =
        |headers: &str| answer("429 Too Many Requests", headers, r#"{"message":"slow down"}"#);
    let server = RawServer::start(vec![busy("Retry-After: 2\r\n"), json("200 OK", PROJECTS)]);
    client(&server.base_url()).run(&LIST).exits(0).says(&["One"]);
    let received = server.received();
    assert!(received[1].at - received[0].at >= Duration::from_secs(2));

    let past = "Retry-After: Mon, 01 Jan 2001 00:00:00 GMT\r\n";
    let answers =
        vec![busy(past), busy("Retry-After: soon\r\n"), busy(""), json("200 OK", PROJECTS)];
    let server = RawServer::start(answers);
    client(&server.base_url()).run(&LIST).exits(0);
    assert_eq!(server.received().len(), 4);

    let server = RawServer::start(vec![busy("Retry-After: 86400\r\n")]);
    let outcome = client(&server.base_url()).run(&LIST).exits(1);
    outcome.says(&["asks to wait 86400 s", "slow down", "hint: "]);
    assert_eq!(server.received().len(), 1, "a day is not slept");
}

#[test]
fn c22_the_pace_holds_at_the_server() {
    let server = RawServer::start(vec![json("429 Too Many Requests", "{}")]);
    let mut program = client(&server.base_url());
    // Far apart, so that a busy machine does not push them into one second.
    program.set("AGORA_USAGE_REQUESTS_PER_SECOND", "4").set("AGORA_USAGE_ATTEMPTS_PER_HOST", "10");
    program.run(&LIST).exits(1).says(&["too many requests", "after 10 attempts"]);
    let received = server.received();
    let within = |first: usize| {
        let start = received[first].at;
        received[first..].iter().take_while(|r| r.at - start < Duration::from_secs(1)).count()
    };
    assert!((0..received.len()).all(|first| within(first) <= 5));
}

#[test]
fn c23_a_redirect_is_not_followed_and_takes_no_credentials_along() {
    let elsewhere = RawServer::start(vec![json("200 OK", PROJECTS)]);
    for target in [elsewhere.base_url(), String::new()] {
        let headers = format!("Location: {target}/dev/v1/projects/\r\n");
        let server = RawServer::start(vec![answer("302 Found", &headers, "")]);
        let outcome = client(&server.base_url()).run(&LIST).exits(1);
        outcome.says(&["the server redirects", "status 302", "redirects are not followed"]);
        assert_eq!(server.received().len(), 1);
    }
    assert!(elsewhere.received().is_empty());
}

#[test]
fn c24_refused_credentials_are_not_tried_again_or_elsewhere() {
    let first = RawServer::start(vec![json("401 Unauthorized", r#"{"message":"no"}"#)]);
    let second = RawServer::start(vec![json("200 OK", PROJECTS)]);
    let hosts = format!("{},{}", first.base_url(), second.base_url());
    let outcome = client(&hosts).run(&LIST).exits(1);
    outcome.says(&["credentials were refused", "AGORA_CUSTOMER_ID", "unknown App ID"]);
    assert_eq!((first.received().len(), second.received().len()), (1, 0));
}

#[test]
fn the_next_host_is_asked_when_one_cannot_answer() {
    let broken = RawServer::start(vec![json("500 Internal Server Error", "{}")]);
    let good = RawServer::start(vec![json("200 OK", PROJECTS)]);
    let hosts = format!("{},{}", broken.base_url(), good.base_url());
    let mut program = client(&hosts);
    program.set("AGORA_USAGE_ATTEMPTS_PER_HOST", "2");
    program.run(&LIST).exits(0).says(&["One"]);
    assert_eq!((broken.received().len(), good.received().len()), (2, 1));
}

#[test]
fn a_creation_without_an_answer_is_found_in_the_list_and_not_made_twice() {
    let server =
        RawServer::start(vec![json("200 OK", NO_PROJECTS), Vec::new(), json("200 OK", PROJECTS)]);
    let outcome = client(&server.base_url()).run(&["api", "projects", "create", "One"]).exits(0);
    outcome.says(&["P1"]);
    let expected = ["GET /dev/v1/projects/", "POST /dev/v1/project/", "GET /dev/v1/projects/"];
    assert_eq!(server.calls(), expected);

    // Not listed afterwards: told, and still not sent again.
    let server = RawServer::start(vec![
        json("200 OK", PROJECTS),
        json("504 Gateway Timeout", "{}"),
        json("200 OK", PROJECTS),
    ]);
    client(&server.base_url()).run(&["api", "projects", "create", "One"]).exits(1).says(&["504"]);
    assert_eq!(server.calls().iter().filter(|call| call.starts_with("POST")).count(), 1);
}

#[test]
fn a_rule_without_an_answer_is_found_in_the_list_and_not_made_twice() {
    let rules = r#"{"status":"success","rules":[{"id":7,"uid":42,"cname":"c"},{"id":8,"uid":42,"cname":null}]}"#;
    let server = RawServer::start(vec![
        json("200 OK", r#"{"status":"success","rules":[{"id":7,"uid":42,"cname":"c"}]}"#),
        Vec::new(),
        json("200 OK", rules),
    ]);
    let outcome = client(&server.base_url())
        .run(&["api", "rules", "create", APP_ID, "--uid", "42", "--output", "json"])
        .exits(0);
    outcome.says(&[r#""rule_id": 8"#]);
    assert_eq!(server.calls().iter().filter(|call| call.starts_with("POST")).count(), 1);
}

#[test]
fn a_change_that_never_arrived_is_sent_again() {
    let server = RawServer::start(vec![
        json("429 Too Many Requests", "{}"),
        json("200 OK", r#"{"success":true}"#),
        json("200 OK", r#"{"projects":[{"id":"P1","name":"One","status":0}]}"#),
    ]);
    client(&server.base_url())
        .run(&["api", "projects", "disable", "P1"])
        .exits(0)
        .says(&["disabled"]);
    let calls = server.calls();
    assert_eq!(calls[..2], ["POST /dev/v1/project_status/", "POST /dev/v1/project_status/"]);

    let server = RawServer::start(vec![json("500 Internal Server Error", "{}")]);
    client(&server.base_url()).run(&["api", "projects", "disable", "P1"]).exits(1);
    assert_eq!(server.received().len(), 1, "it may have arrived");
}

#[test]
fn what_cannot_be_undone_or_would_ban_everybody_is_refused_before_it_is_sent() {
    let server = RawServer::start(vec![json("200 OK", "{}")]);
    let program = client(&server.base_url());
    let refused: [&[&str]; 9] = [
        &["api", "projects", "delete", "P1"],
        &["api", "certificates", "reset", "P1"],
        &["api", "rules", "create", APP_ID],
        &["api", "rules", "create", APP_ID, "--channel", ""],
        &["api", "rules", "create", APP_ID, "--uid", "0"],
        &["api", "rules", "create", APP_ID, "--uid", "4294967296"],
        &["api", "rules", "create", APP_ID, "--ip", "0.0.0.0"],
        &["api", "rules", "create", APP_ID, "--uid", "1", "--minutes", "1441"],
        &["api", "projects", "create", ""],
    ];
    for arguments in refused {
        program.run(arguments).exits(2);
    }
    let long_name = "x".repeat(256);
    program.run(&["api", "projects", "create", &long_name]).exits(2).says(&["255 characters"]);
    program.run(&["api", "channels", "list", "Hk12QqzrB"]).exits(2).says(&["an App ID has 32"]);
    assert!(server.received().is_empty());
}

#[test]
fn c47_a_certificate_is_printed_only_for_those_who_ask() {
    let secret = "0123456789abcdef0123456789abcdef";
    let body =
        format!(r#"{{"project":{{"id":"P1","name":"One","sign_key":"{secret}","status":1}}}}"#);
    let answers =
        || vec![json("200 OK", NO_PROJECTS), json("201 Created", &body), json("200 OK", &body)];
    let create = ["api", "projects", "create", "One", "--certificate", "-vv"];
    let server = RawServer::start(answers());
    let outcome = client(&server.base_url()).run(&create).exits(0);
    assert!(!outcome.stdout.contains(secret) && !outcome.stderr.contains(secret));
    let server = RawServer::start(answers());
    let asked = [&create[..], &["--show-secret"]].concat();
    client(&server.base_url()).run(&asked).exits(0).says(&[secret]);
}

#[test]
fn a_proxy_of_the_environment_never_sees_credentials_in_the_clear() {
    let server = RawServer::start(vec![json("200 OK", PROJECTS)]);
    let proxy = RawServer::start(vec![json("200 OK", NO_PROJECTS)]);
    let mut program = client(&server.base_url());
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        program.set(name, proxy.base_url());
    }
    program.run(&LIST).exits(0).says(&["One"]);
    assert!(proxy.received().is_empty());
}
