//! Secrets with odd characters are planted everywhere, everything goes wrong, and they
//! are looked for in every form in everything that leaves the program.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use agora_usage::config::{AccountSettings, Settings};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use crate::support::daemon::Daemon;
use crate::support::fake_api::{AUDIO, Asked, project};
use crate::support::program::Outcome;
use crate::support::reports::files_below;
use crate::support::setup::Setup;

const CUSTOMER: &str = "customer";
const SECRET: &str = "s3-_.~\"c'r%t\\ +/=&<é>{}$(x)";
const PASSWORD: &str = "p4ss\"w'rd%41\\ +/=@:#?<ü>";
const CERTIFICATE: &str = "b1420000aaaa0000bbbb0000cccc3416";
const HOOK: &str = "h00k-of-operators";

/// Every way in which a secret could be written down.
fn forms(secret: &str) -> Vec<String> {
    let encoded = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    let debug = format!("{secret:?}");
    let json = serde_json::to_string(secret).expect("JSON");
    let html = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut forms = vec![
        secret.to_owned(),
        encoded.to_lowercase(),
        encoded.replace("%20", "+"),
        encoded,
        debug.trim_matches('"').to_owned(),
        json.trim_matches('"').to_owned(),
        html.replace('"', "&quot;").replace('\'', "&#x27;"),
        html,
        STANDARD.encode(secret),
        URL_SAFE.encode(secret),
        STANDARD.encode(format!("{CUSTOMER}:{secret}")),
    ];
    for form in &mut forms {
        form.truncate(form.trim_end_matches('=').len());
    }
    forms
}

fn assert_hidden(place: &str, text: &str) {
    for secret in [SECRET, PASSWORD, CERTIFICATE, HOOK] {
        for form in forms(secret) {
            assert!(!text.contains(&form), "'{form}' is in {place}:\n{text}");
        }
    }
}

fn assert_said_nothing(what: &str, outcome: &Outcome) {
    assert_hidden(&format!("the output of {what}"), &outcome.stdout);
    assert_hidden(&format!("the log of {what}"), &outcome.stderr);
}

/// Files of reports as they are, and what is packed inside them.
fn assert_files_hide(folder: &Path) {
    let files = files_below(folder);
    assert!(files.len() > 5, "{:?}", files.keys());
    for (path, bytes) in files {
        assert_hidden(&path.display().to_string(), &String::from_utf8_lossy(&bytes));
        if path.extension().is_some_and(|extension| extension == "xlsx") {
            let file = File::open(folder.join(&path)).expect("open");
            let mut archive = zip::ZipArchive::new(file).expect("an archive");
            for part in 0..archive.len() {
                let mut text = String::new();
                archive.by_index(part).expect("a part").read_to_string(&mut text).expect("XML");
                assert_hidden(&format!("part {part} of {}", path.display()), &text);
            }
        }
    }
}

/// An account whose database has a password, and whose platform repeats what it is sent.
async fn planted(role: &str) -> Setup {
    let mut setup = Setup::at("2031-03-12T09:00:00Z").await;
    let mut body = project("P1", "First");
    body["sign_key"] = json!(CERTIFICATE);
    let pair = STANDARD.encode(format!("{CUSTOMER}:{SECRET}"));
    let echoes = [forms(SECRET), vec![format!("Basic {pair}")]].concat();
    let echoing = (0..echoes.len()).map(|number| project(&format!("Q{number}"), "Echo"));
    setup.api.list_bodies([body].into_iter().chain(echoing).collect());
    setup.api.use_seconds("P1", "2031-03-01", &[(AUDIO, 600_000)]);
    for (number, form) in echoes.into_iter().enumerate() {
        let body = json!({ "message": format!("bad {form}, key {CERTIFICATE}") }).to_string();
        let id = format!("Q{number}");
        setup.api.answer_when(move |asked: &Asked| asked.project() == id, 500, &body);
    }
    setup.run(&["migrate"]).exits(0);
    let quoted = PASSWORD.replace('\'', "''");
    let database = setup.database.value("select current_database() as name").await;
    setup
        .database
        .execute(&format!(
            "create role {role} login superuser password '{quoted}'; \
             alter database {database} owner to {role}"
        ))
        .await;
    let url = setup.database.url();
    let (_, address) = url.split_once('@').expect("an address with a user");
    let password = utf8_percent_encode(PASSWORD, NON_ALPHANUMERIC);
    setup
        .program
        .set("DATABASE_URL", format!("postgres://{role}:{password}@{address}"))
        .set("AGORA_CUSTOMER_ID", CUSTOMER)
        .set("AGORA_CUSTOMER_SECRET", SECRET)
        .set("AGORA_USAGE_ALERT_WEBHOOK_URL", format!("https://127.0.0.1:1/{HOOK}"))
        .set("AGORA_USAGE_DEAD_MAN_PING_URL", format!("https://127.0.0.1:1/{HOOK}"));
    setup
}

#[tokio::test(flavor = "multi_thread")]
async fn c47_planted_secrets_are_in_no_output_log_table_report_or_page() {
    let role = format!("planted_{}", std::process::id());
    let mut setup = planted(&role).await;
    for command in [
        &["sync", "projects"][..],
        &["backfill", "--from", "2031-03-01", "--to", "2031-03-11"],
        &["coverage"],
        &["report", "--month", "2031-03", "--format", "all"],
        &["bill", "explain", "--month", "2031-03", "--output", "json"],
        &["forecast"],
        &["api", "projects", "list", "--output", "json"],
        &["check", "--online"],
        &["query", "gaps"],
        &["daemon", "--once"],
    ] {
        let outcome = setup.run(&[command, &["-vv"]].concat());
        assert!(outcome.exit_code.is_some_and(|code| code != 101), "{outcome:?}");
        assert_said_nothing(&command.join(" "), &outcome);
        if command[0] == "backfill" {
            outcome.exits(3).says(&["bad [hidden]", "key [hidden]"]);
        }
    }
    assert_files_hide(&setup.reports());
    let tables = "select table_name from information_schema.tables where table_schema = 'agora'";
    for table in setup.database.rows(tables).await {
        let table = table.trim_matches(['(', ')']).to_owned();
        let rows = setup.database.rows(&format!("select * from agora.{table}")).await;
        assert_hidden(&table, &rows.join("\n"));
    }
    let daemon = Daemon::start(&setup.program);
    daemon.ended_run("occupancy").await;
    for path in
        ["/status", "/metrics", "/readyz", "/reports/", "/reports/default/2031-03/report.html"]
    {
        let (status, body) = daemon.get(path);
        assert_eq!(status, 200, "{path}: {body}");
        assert_hidden(path, &body);
    }
    daemon.stop();
    // With a database that is down, that refuses the password, or that is none.
    let good = setup.program.variable("DATABASE_URL").to_owned();
    let encoded = utf8_percent_encode(PASSWORD, NON_ALPHANUMERIC).to_string();
    for url in [
        format!("postgres://u:{encoded}@127.0.0.1:1/x"),
        format!("postgres://u:{encoded}@127.0.0.1:notaport/x"),
        format!("postgres://u:{PASSWORD}@127.0.0.1/x"),
        format!("mysql://u:{encoded}@127.0.0.1/x"),
        good.replace("/it_", "/missing_"),
    ] {
        setup.program.set("DATABASE_URL", url);
        for command in ["migrate", "coverage"] {
            assert_said_nothing(command, &setup.run(&[command, "-vv"]));
        }
    }
    setup
        .database
        .execute(&format!("reassign owned by {role} to postgres; drop role {role}"))
        .await;
}

#[test]
fn c47_a_panic_that_prints_the_settings_prints_no_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("settings.toml");
    let literal = |secret: &str| serde_json::to_string(secret).expect("a basic string of TOML");
    let url = format!("postgres://u:{}@h/d", utf8_percent_encode(PASSWORD, NON_ALPHANUMERIC));
    let lines = [
        format!("customer_id = {}", literal(CUSTOMER)),
        format!("customer_secret = {}", literal(SECRET)),
        format!("database_url = {}", literal(&url)),
        format!("alert_webhook_url = \"https://hooks.example/{HOOK}\""),
        format!(
            "[[account]]\nname = \"east\"\ncustomer_id = \"c\"\ncustomer_secret = {}",
            literal(SECRET)
        ),
    ];
    std::fs::write(&file, lines.join("\n")).expect("written");
    let settings = Settings::load(Some(&file), None).expect("valid");
    let panicked = std::panic::catch_unwind(|| {
        let calls: Vec<_> = settings.accounts.iter().map(AccountSettings::api_settings).collect();
        panic!("{settings:?} {settings:#?} {calls:?} {calls:#?}");
    });
    let said = panicked.expect_err("a panic");
    let said = said.downcast_ref::<String>().expect("a text");
    assert!(said.contains("east"), "{said}");
    assert_hidden("a panic", said);
}
