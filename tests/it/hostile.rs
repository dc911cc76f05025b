//! Answers that would make the client leak, lie, repeat itself or give up without need.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::support::program::{Outcome, Program};
use crate::support::raw_server::{RawServer, answer, json};

const APP_ID: &str = "4855898a22ae4102a29b81ba76f2eae2";
const CERTIFICATE: &str = "0123456789abcdef0123456789abcdef";
const LIST: [&str; 3] = ["api", "projects", "list"];
const CREATE: [&str; 4] = ["api", "projects", "create", "One"];
const NO_PROJECTS: &str = r#"{"projects":[]}"#;
const PROJECTS: &str = r#"{"projects":[{"id":"P1","name":"One","status":1}]}"#;

fn client(server: &RawServer) -> Program {
    let mut program = Program::new();
    program
        .set("AGORA_BASE_URL", server.base_url())
        .set("AGORA_CUSTOMER_ID", "fake-customer")
        .set("AGORA_CUSTOMER_SECRET", "fake-secret")
        .set("AGORA_USAGE_FIRST_RETRY_WAIT_MS", "1")
        .set("AGORA_USAGE_REQUESTS_PER_SECOND", "0")
        .set("AGORA_USAGE_STATISTICS_REQUESTS_PER_SECOND", "0");
    program
}

fn said(outcome: &Outcome) -> String {
    format!("{}{}", outcome.stdout, outcome.stderr)
}

fn posts(server: &RawServer) -> usize {
    server.calls().iter().filter(|call| call.starts_with("POST")).count()
}

#[test]
fn c47_a_broken_answer_shows_no_certificate() {
    let body = format!(r#"{{"projects":[{{"id":"P1","sign_key":"{CERTIFICATE}","status":1}}]}}"#);
    let cut = body[..body.len() - 4].to_owned();
    let apostrophes = body.replace('"', "'");
    let marked = format!("\u{feff}{body}");
    for body in [cut, apostrophes, marked] {
        let server = RawServer::start(vec![json("200 OK", &body)]);
        let outcome = client(&server).run(&[&LIST[..], &["-vv"]].concat()).exits(1);
        assert!(!said(&outcome).contains(CERTIFICATE), "{}", outcome.stderr);
        outcome.says(&["not JSON", "cannot be read", "after 4 attempts"]);
    }
}

#[test]
fn c47_a_page_that_echoes_the_request_shows_no_credentials() {
    let pair = STANDARD.encode("fake-customer:fake-secret");
    let page = format!("<html>Authorization: Basic {pair} fake-secret</html>");
    let message = format!(r#"{{"message":"bad Basic {pair} of fake-secret"}}"#);
    let header = format!("X-Request-ID: {pair}\r\n");
    for answer in [
        answer("200 OK", "Content-Type: text/html\r\n", &page),
        json("401 Unauthorized", &message),
        answer("400 Bad Request", &header, "{}"),
    ] {
        let server = RawServer::start(vec![answer]);
        let outcome = client(&server).run(&[&LIST[..], &["-vv"]].concat()).exits(1);
        let said = said(&outcome);
        assert!(!said.contains(&pair) && !said.contains("fake-secret"), "{said}");
        outcome.says(&["[hidden]"]);
    }
}

#[test]
fn a_text_of_the_platform_does_not_steer_the_terminal() {
    let server =
        RawServer::start(vec![json("400 Bad Request", r#"{"message":"\u001b[2Jgone\u0007"}"#)]);
    let outcome = client(&server).run(&LIST).exits(1);
    assert!(!said(&outcome).contains(['\u{1b}', '\u{7}']));
}

#[test]
fn extreme_settings_neither_end_the_program_nor_let_it_sleep() {
    let server = RawServer::start(vec![json("200 OK", PROJECTS)]);
    let mut program = client(&server);
    program.set("AGORA_USAGE_REQUESTS_PER_SECOND", "4294967295");
    program.run(&LIST).exits(78).says(&["is out of range: 0 to 10000"]);
    program.set("AGORA_USAGE_REQUESTS_PER_SECOND", "10000");
    program.set("AGORA_USAGE_REQUEST_TIMEOUT_SECONDS", "9223372036854775807");
    program.run(&LIST).exits(78).says(&["is out of range: 1 to 86400"]);
    program.set("AGORA_USAGE_REQUEST_TIMEOUT_SECONDS", "86400");
    program.run(&LIST).exits(0).says(&["One"]);
    program.set("AGORA_BASE_URL", ",").run(&LIST).exits(78).says(&["names no host"]);

    let server = RawServer::start(vec![answer(
        "429 Too Many Requests",
        "Retry-After: 99999999999999999999999\r\n",
        "{}",
    )]);
    client(&server).run(&LIST).exits(1).says(&["asks to wait"]);
    assert_eq!(server.received().len(), 1);
}

#[test]
fn a_creation_whose_answer_cannot_be_used_is_found_in_the_list() {
    for created in [
        json("201 Created", r#"{"success":true}"#),
        json("201 Created", r#"{"project":{"id":5}}"#),
        json("201 Created", ""),
        answer("503 Service Unavailable", "Retry-After: 86400\r\n", "{}"),
    ] {
        let answers = vec![json("200 OK", NO_PROJECTS), created, json("200 OK", PROJECTS)];
        let server = RawServer::start(answers);
        client(&server).run(&CREATE).exits(0).says(&["P1"]);
        assert_eq!(posts(&server), 1);
    }
    let rule = ["api", "rules", "create", APP_ID, "--uid", "42"];
    let server = RawServer::start(vec![
        json("200 OK", r#"{"status":"success","rules":null}"#),
        json("200 OK", r#"{"status":"success"}"#),
        json("200 OK", r#"{"status":"success","rules":[{"id":8,"uid":42}]}"#),
    ]);
    client(&server).run(&rule).exits(0).says(&["8,created"]);
    assert_eq!(posts(&server), 1);
}

#[test]
fn a_creation_that_cannot_be_looked_up_says_that_it_may_have_been_made() {
    let answers = vec![
        json("200 OK", NO_PROJECTS),
        json("504 Gateway Timeout", "{}"),
        json("401 Unauthorized", "{}"),
    ];
    let server = RawServer::start(answers);
    let outcome = client(&server).run(&CREATE).exits(1);
    outcome.says(&["error: POST project: the call failed, status 504", "may have been made"]);
    let server = RawServer::start(vec![json("500 Internal Server Error", "{}")]);
    let outcome = client(&server).run(&["api", "projects", "delete", "P1", "--yes"]).exits(1);
    outcome.says(&["may have been made"]);
    assert_eq!(server.received().len(), 1);
}

#[test]
fn a_change_with_an_empty_answer_is_made() {
    let nothing = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n".to_vec();
    for acknowledged in [nothing, json("200 OK", ""), json("200 OK", r#"{"status":"success"}"#)] {
        let server = RawServer::start(vec![acknowledged]);
        let program = client(&server);
        program.run(&["api", "projects", "delete", "P1", "--yes"]).exits(0);
        program.run(&["api", "rules", "delete", APP_ID, "5"]).exits(0);
        let update = ["api", "rules", "update", APP_ID, "5", "--minutes", "3"];
        program.run(&update).exits(0).says(&["5,updated"]);
        assert_eq!(server.received().len(), 3);
    }
    let server = RawServer::start(vec![json("200 OK", "")]);
    client(&server).run(&LIST).exits(1).says(&["not JSON"]);
}

#[test]
fn c18_a_change_that_was_refused_with_200_is_not_told_as_made() {
    for body in [r#"{"error_msg":"not exist"}"#, r#"{"message":"not exist"}"#, "[]"] {
        let server = RawServer::start(vec![json("200 OK", body)]);
        let program = client(&server);
        let outcome = program.run(&["api", "projects", "delete", "P1", "--yes"]).exits(1);
        assert!(body == "[]" || outcome.stderr.contains("not exist"), "{}", outcome.stderr);
        program.run(&["api", "rules", "delete", APP_ID, "5"]).exits(1);
        program.run(&["api", "rules", "update", APP_ID, "5", "--minutes", "3"]).exits(1);
        assert_eq!(server.received().len(), 3);
    }
}

#[test]
fn a_server_that_ignores_the_query_does_not_add_other_projects() {
    let both = r#"{"projects":[{"id":"P1","name":"One"},{"id":"P2","name":"Two"}]}"#;
    let server = RawServer::start(vec![json("200 OK", both)]);
    let get = ["api", "projects", "get", "--id", "P2", "--output", "csv"];
    let outcome = client(&server).run(&get).exits(0).says(&["P2,Two"]);
    assert!(!outcome.stdout.contains("P1"));
}

#[test]
fn a_change_that_cannot_be_read_back_is_not_told_as_failed() {
    let made = json("200 OK", r#"{"success":true}"#);
    let server = RawServer::start(vec![made, json("400 Bad Request", "{}")]);
    let outcome = client(&server).run(&["api", "projects", "disable", "P1"]).exits(1);
    outcome.says(&["the change was made, but not read back", "hint: "]);

    let created = format!(r#"{{"project":{{"id":"P1","name":"One","sign_key":"{CERTIFICATE}"}}}}"#);
    let server = RawServer::start(vec![
        json("200 OK", NO_PROJECTS),
        json("201 Created", &created),
        json("404 Not Found", "{}"),
    ]);
    let asked = [&CREATE[..], &["--certificate", "--show-secret"]].concat();
    client(&server).run(&asked).exits(1).says(&["project P1 is there"]);
}

#[test]
fn pages_that_are_smaller_than_asked_for_are_all_read() {
    let page = |first: usize, count: usize| {
        let rows = (first..first + count)
            .map(|number| format!(r#"{{"channel_name":"c{number}","user_count":1}}"#));
        let rows = rows.collect::<Vec<_>>().join(",");
        json("200 OK", &format!(r#"{{"data":{{"channels":[{rows}],"total_size":250}}}}"#))
    };
    let list = ["api", "channels", "list", APP_ID, "--output", "csv"];
    let server = RawServer::start(vec![page(0, 100), page(100, 100), page(200, 50)]);
    let outcome = client(&server).run(&list).exits(0);
    assert_eq!((outcome.stdout.lines().count(), server.received().len()), (251, 3));
    assert_eq!(outcome.stderr, "");

    let server = RawServer::start(vec![page(0, 100)]);
    client(&server).run(&list).exits(0).says(&["channels: 100 of 250 are listed"]);
    assert_eq!(server.received().len(), 2, "a stuck page ends it");
}

#[test]
fn names_and_numbers_of_channel_calls_are_checked_before_they_are_sent() {
    let absent = json("200 OK", r#"{"success":true,"data":{"channel_exist":false}}"#);
    let server = RawServer::start(vec![absent]);
    let program = client(&server);
    for name in ["", ".", "..", &"x".repeat(65)] {
        program.run(&["api", "channels", "users", APP_ID, name]).exits(2).says(&["channel"]);
    }
    for arguments in [["delete", APP_ID, "0"], ["delete", APP_ID, "-5"]] {
        program.run(&[&["api", "rules"], &arguments[..]].concat()).exits(2);
    }
    let mapped = ["api", "rules", "create", APP_ID, "--ip", "::ffff:0.0.0.0"];
    program.run(&mapped).exits(2).says(&["cannot be banned"]);
    assert!(server.received().is_empty());
    let asked = ["api", "channels", "users", APP_ID, "-x", "--hosts-only"];
    program.run(&asked).exits(0);
    assert!(server.calls()[0].ends_with("/-x/hosts_only"), "{:?}", server.calls());
}

#[test]
fn c24_a_404_is_explained_by_what_was_asked_for() {
    let server = RawServer::start(vec![json("404 Not Found", r#"{"error_msg":"not exist"}"#)]);
    let program = client(&server);
    let hint = |arguments: &[&str]| program.run(arguments).exits(1).stderr;
    assert!(hint(&["api", "projects", "disable", "X"]).contains("hint: give the project id"));
    assert!(hint(&["api", "rules", "delete", APP_ID, "5"]).contains("no such rule"));
    assert!(hint(&["api", "channels", "list", APP_ID]).contains("check the App ID"));
}
