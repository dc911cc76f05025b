//! Every call of the Dashboard API, by command and by plain HTTP, against every year of it.

use serde_json::{Value, json};

use crate::support::database::TestDatabase;
use crate::support::program::Program;
use crate::support::simulated::Running;

const YEARS: [&str; 3] = ["2018", "2020", "2026"];
const NOW: &str = "2031-05-08T12:00:00Z";

/// A program and a simulator of a year, both unpaced.
fn of_year(year: &str, arguments: &[&str]) -> (Program, Running) {
    let mut program = Program::new();
    program.set("AGORA_USAGE_NOW", NOW).set("AGORA_USAGE_FIRST_RETRY_WAIT_MS", "1");
    for name in ["AGORA_USAGE_REQUESTS_PER_SECOND", "AGORA_USAGE_STATISTICS_REQUESTS_PER_SECOND"] {
        program.set(name, "0");
    }
    let unlimited = ["--requests-per-second", "0", "--statistics-requests-per-second", "0"];
    let year = ["--api-year", year];
    let simulator = Running::start(&program, &[&year[..], &unlimited, arguments].concat());
    simulator.set_up(&mut program);
    (program, simulator)
}

/// Rows of a call.
fn call(program: &Program, arguments: &[&str]) -> Vec<Value> {
    let arguments = [&["api"], arguments, &["--output", "json"]].concat();
    let outcome = program.run(&arguments).exits(0);
    serde_json::from_str(&outcome.stdout).expect("JSON")
}

fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row[field].as_str().unwrap_or_else(|| panic!("{field} of {row}"))
}

#[test]
fn a_project_lives_from_creation_to_deletion_in_every_year() {
    for year in YEARS {
        let (program, _simulator) = of_year(year, &[]);
        let before = call(&program, &["projects", "list"]).len();
        let created = &call(&program, &["projects", "create", "Käse, \"neu\"", "--certificate"])[0];
        assert_eq!(
            (text(created, "name"), &created["has_certificate"]),
            ("Käse, \"neu\"", &json!(true))
        );
        assert_eq!(&text(created, "created_at")[..10], "2031-05-08", "{year}");
        let id = text(created, "project_id");
        assert_eq!(call(&program, &["projects", "list"]).len(), before + 1);
        assert_eq!(call(&program, &["projects", "get", "--name", "Käse, \"neu\""])[0], *created);
        let named = ["projects", "get", "--id", id, "--name", "Käse, \"neu\""];
        assert_eq!(call(&program, &named).len(), 1);

        assert_eq!(text(&call(&program, &["projects", "disable", id])[0], "status"), "disabled");
        assert_eq!(text(&call(&program, &["projects", "enable", id])[0], "status"), "active");
        let server = &call(&program, &["projects", "recording-server", id, "10.12.1.5:8080"])[0];
        if year != "2026" {
            assert_eq!(text(server, "recording_server"), "10.12.1.5:8080", "{year}");
        }
        let certificate = |arguments: &[&str]| {
            let row = call(&program, &[&["certificates"], arguments].concat()).remove(0);
            row["certificate"].as_str().map(str::to_owned)
        };
        let first = certificate(&["enable", id, "--show-secret"]).expect("shown");
        let second = certificate(&["reset", id, "--yes", "--show-secret"]).expect("shown");
        assert!(first != second && second.len() == 32, "{year}");
        assert_eq!(certificate(&["reset", id, "--yes"]), None);
        let disabled = &call(&program, &["certificates", "disable", id])[0];
        assert_eq!(disabled["has_certificate"], false, "{year}");

        call(&program, &["projects", "delete", id, "--yes"]);
        assert_eq!(call(&program, &["projects", "list"]).len(), before);
        let gone = program.run(&["api", "projects", "delete", id, "--yes"]).exits(1);
        gone.says(&["DELETE project: not found", "status 404"]);
    }
}

#[test]
fn a_rule_lives_from_creation_to_removal_in_every_year() {
    for year in YEARS {
        let (program, _simulator) = of_year(year, &[]);
        let projects = call(&program, &["projects", "list"]);
        let app_id = text(&projects[0], "app_id");
        let rule = [
            "rules",
            "create",
            app_id,
            "--uid",
            "4294967295",
            "--channel",
            "a b/#1",
            "--minutes",
            "30",
        ];
        let created = &call(&program, &rule)[0];
        let id = created["rule_id"].to_string();
        let listed = call(&program, &["rules", "list", app_id]);
        assert_eq!(
            (&listed[0]["uid"], text(&listed[0], "channel")),
            (&json!(4_294_967_295_u32), "a b/#1")
        );
        assert_eq!(
            text(&listed[0], "expires_at"),
            &text(&listed[0], "created_at").replace("12:00", "12:30"),
            "{year}"
        );
        let updated = call(&program, &["rules", "update", app_id, &id, "--minutes", "60"]);
        assert_eq!(&text(&updated[0], "expires_at")[..16], "2031-05-08T13:00");
        call(&program, &["rules", "delete", app_id, &id]);
        assert!(call(&program, &["rules", "list", app_id]).is_empty(), "{year}");
    }
}

#[test]
fn channels_and_their_users_agree_in_every_year() {
    for year in YEARS {
        let (program, _simulator) = of_year(year, &["--channels", "501"]);
        let projects = call(&program, &["projects", "list"]);
        let mut listed = Vec::new();
        let mut app_id = "";
        for project in &projects {
            app_id = text(project, "app_id");
            listed = call(&program, &["channels", "list", app_id]);
            if listed.len() == 501 {
                break;
            }
        }
        assert_eq!(listed.len(), 501, "{year}");
        let (name, users) = (text(&listed[7], "channel"), listed[7]["users"].as_u64());
        let present = call(&program, &["channels", "users", app_id, name]);
        assert_eq!(Some(present.len() as u64), users, "{year}: {name}");
        let uid = present[0]["uid"].to_string();
        let role = &call(&program, &["channels", "role", app_id, &uid, name])[0];
        assert_eq!(role["in_channel"], true, "{year}");
        assert!(["communication", "video_broadcaster", "audience"].contains(&text(role, "role")));
        let co_host = &call(&program, &["channels", "co-host", app_id, &uid, name])[0];
        assert!(co_host["is_co_host"].is_boolean());
        assert!(
            call(&program, &["channels", "users", app_id, name, "--hosts-only"]).len()
                <= present.len()
        );
        let absent = &call(&program, &["channels", "role", app_id, "12345", "no such channel"])[0];
        assert_eq!((&absent["in_channel"], &absent["role"]), (&json!(false), &Value::Null));
        assert!(call(&program, &["channels", "users", app_id, "no such channel"]).is_empty());
    }
}

#[test]
fn usage_of_every_service_is_what_its_year_has() {
    for year in YEARS {
        let (program, _simulator) = of_year(year, &[]);
        let projects = call(&program, &["projects", "list"]);
        let id = text(&projects[0], "project_id");
        let range = ["--from", "2031-04-01", "--to", "2031-04-30"];
        let minutes = call(&program, &[&["usage", "--v1"], &range[..]].concat());
        assert!(minutes.iter().any(|row| row["hd_seconds"] != "0"), "{year}");
        assert!(minutes.iter().all(|row| row["full_hd_seconds"].is_null()));
        for service in ["rtc", "recording", "cloud_recording", "transcoding", "miniapp"] {
            let of_service = ["usage", "--project", id, "--service", service];
            let arguments = [&of_service, &range[..]].concat();
            if year == "2018" {
                let refused = program.run(&[&["api"], &arguments[..]].concat()).exits(1);
                refused.says(&["GET usage v3: not found"]);
                continue;
            }
            let days = call(&program, &arguments);
            assert!(days.iter().all(|row| row["audio_seconds"] != "unknown"), "{year} {service}");
            if service == "rtc" {
                assert_eq!(days.iter().all(|row| row["full_hd_seconds"].is_null()), year == "2020");
            }
        }
    }
}

/// Path of a call in the document of 2018, and the parts that it is sent with.
struct Documented {
    method: &'static str,
    path: &'static str,
    body: Value,
}

/// Every call of the document, in an order in which each can succeed.
fn documented(id: &str, app_id: &str) -> Vec<Documented> {
    let call = |method, path, body| Documented { method, path, body };
    vec![
        call("GET", "projects", Value::Null),
        call("GET", "project", json!({ "id": id })),
        call("POST", "project", json!({ "name": "projectx", "enable_sign_key": true })),
        call("POST", "project_status", json!({ "id": id, "status": 0 })),
        call("POST", "project_status", json!({ "id": id, "status": 1 })),
        call("POST", "recording_config", json!({ "id": id, "recording_server": "10.12.1.5:8080" })),
        call("POST", "signkey", json!({ "id": id, "enable": true })),
        call("POST", "reset_signkey", json!({ "id": id })),
        call(
            "GET",
            "usage",
            json!({ "from_date": "2031-04-01", "to_date": "2031-04-30", "projects": id }),
        ),
        call("POST", "kicking-rule", json!({ "appid": app_id, "cname": "c", "time": 60 })),
        call("GET", "kicking-rule", json!({ "appid": app_id })),
        call("PUT", "kicking-rule", json!({ "appid": app_id, "id": 1953, "time": 5 })),
        call("DELETE", "kicking-rule", json!({ "appid": app_id, "id": 1953 })),
        call("GET", "channel/APP", json!({ "page_no": 0, "page_size": 100 })),
        call("GET", "channel/user/APP/lobby", Value::Null),
        call("GET", "channel/user/APP/lobby/hosts_only", Value::Null),
        call("GET", "channel/user/property/APP/1/lobby", Value::Null),
        call("GET", "channel/business/hostin/APP/1/lobby", Value::Null),
        call("DELETE", "project", json!({ "id": id })),
    ]
}

fn query_string(fields: &Value) -> String {
    let pair = |(key, value): (&String, &Value)| {
        format!("{key}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    fields
        .as_object()
        .map(|fields| fields.iter().map(pair).collect::<Vec<_>>().join("&"))
        .unwrap_or_default()
}

#[test]
fn the_documents_paths_answer_plain_clients_in_each_of_their_forms() {
    for year in YEARS {
        for slash in ["", "/"] {
            for as_body in [true, false] {
                let (program, simulator) = of_year(year, &[]);
                let projects = call(&program, &["projects", "list"]);
                let (id, app_id) = (text(&projects[0], "project_id"), text(&projects[0], "app_id"));
                for Documented { method, path, body } in documented(id, app_id) {
                    let path = path.replace("APP", app_id);
                    // Usage and channels show a query string alone.
                    let by_body = method != "GET"
                        || (as_body && !path.starts_with("usage") && !path.starts_with("channel"));
                    let query =
                        if by_body { String::new() } else { format!("?{}", query_string(&body)) };
                    let path = format!("/dev/v1/{path}{slash}{query}");
                    let sent = Some(&body).filter(|body| by_body && !body.is_null());
                    let (status, answer) = simulator.call(method, &path, sent);
                    assert!(
                        (200..300).contains(&status),
                        "{year}: {method} {path}: {status} {answer}"
                    );
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_simulator_heal_and_nothing_is_lost_or_doubled() {
    let database = TestDatabase::new();
    let undisturbed = TestDatabase::new();
    let faults = [
        "status=500@usage%10",
        "status=429@usage%10",
        "cut-body@usage%5",
        "html@usage%5",
        "numbers-as-strings@usage%20",
        "duplicate-rows@usage%20",
        "gzip@usage%20",
    ];
    let faults: Vec<&str> = faults.iter().flat_map(|fault| ["--fault", fault]).collect();
    let rows = "select project_id, service, day, audio_seconds, hd_seconds, full_hd_seconds \
                from agora.usage_daily order by 1, 2, 3";
    let backfill = ["backfill", "--from", "2031-03-01", "--to", "2031-04-15"];
    let (mut program, _simulator) = of_year("2026", &faults);
    program.set("DATABASE_URL", database.url()).set("AGORA_USAGE_ATTEMPTS_PER_HOST", "12");
    program.run(&backfill).exits(0).says(&["every day is known"]);
    let (mut program, _simulator) = of_year("2026", &[]);
    program.set("DATABASE_URL", undisturbed.url());
    program.run(&backfill).exits(0);
    assert_eq!(database.rows(rows).await, undisturbed.rows(rows).await);
}

#[test]
fn exactly_one_project_and_one_rule_are_made_when_answers_are_lost() {
    let faults = [
        "--fault",
        "no-answer=close@POST:projects",
        "--fault",
        "no-answer=close@POST:kicking-rules",
    ];
    let (program, _simulator) = of_year("2026", &faults);
    let before = call(&program, &["projects", "list"]).len();
    let created = &call(&program, &["projects", "create", "Once"])[0];
    assert_eq!(text(created, "name"), "Once");
    assert_eq!(call(&program, &["projects", "list"]).len(), before + 1);
    let projects = call(&program, &["projects", "list"]);
    let app_id = text(&projects[0], "app_id");
    call(&program, &["rules", "create", app_id, "--uid", "7"]);
    assert_eq!(call(&program, &["rules", "list", app_id]).len(), 1);
}
