//! `query`: each question of `queries/` over one invented account, in every
//! form, and the same file through PostgreSQL's own client.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use agora_usage::domain::{AccountId, Channel, Incompleteness, OccupancySnapshot, ProjectId};
use agora_usage::store::{leases, occupancy};
use chrono::{DateTime, TimeDelta};
use futures_util::TryStreamExt;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

use crate::support::fake_api::{AUDIO, Asked, FULL_HD, HD, HDP, RTC, project};
use crate::support::program::Program;
use crate::support::setup::Setup;

const NOW: &str = "2031-03-11T06:00:00Z";

/// Four projects, one of them deleted and one never used; two months with a
/// failure, an unknown value, a late correction and a contradiction; two days of
/// snapshots.
async fn account() -> Setup {
    let mut setup = Setup::at(NOW).await;
    let names = [
        ("P1", "Live classroom"),
        ("P2", "Sales, \"EMEA\" 🎤"),
        ("P4", "Nobody's"),
        ("P3", "Game lobby"),
    ];
    let bodies = |count: usize| names[..count].iter().map(|(id, name)| project(id, name));
    setup.api.list_bodies(bodies(4).collect());
    for day in ["2031-02-10", "2031-02-11", "2031-03-02", "2031-03-05"] {
        setup.api.use_seconds("P1", day, &[(AUDIO, 1_000_001), (HD, 500_000)]);
        setup.api.use_seconds("P2", day, &[(AUDIO, 61)]);
    }
    let overlap = [(AUDIO, 1_000_001), (HD, 500_000), (HDP, 600), (FULL_HD, 900)];
    setup.api.use_seconds("P1", "2031-02-11", &overlap);
    setup.api.use_seconds("P1", "2031-03-10", &[(AUDIO, 12_600)]);
    setup.api.use_seconds("P3", "2031-02-20", &[(HD, 240_000)]);
    setup.api.use_body("P2", RTC, "2031-03-03", json!({ AUDIO: null }));
    let is_bad = |asked: &Asked| {
        asked.project() == "P3" && asked.parameter("from_date").starts_with("2031-03")
    };
    setup.api.answer_when(is_bad, 500, r#"{"message":"out of order"}"#);
    setup.backfill("2031-02-01", "2031-03-10").exits(3);

    for seconds in [3661, 3600] {
        setup.api.use_seconds("P2", "2031-02-10", &[(AUDIO, seconds)]);
        let late = ["--from", "2031-02-10", "--to", "2031-02-11", "--project", "P2", "--again"];
        setup.run(&[&["backfill"][..], &late].concat()).exits(0);
    }

    setup.api.list_bodies(bodies(3).collect());
    setup.api.forget_usage();
    setup.api.use_seconds("P1", "2031-03-02", &[(AUDIO, 1_000_001), (HD, 500_000)]);
    setup.now("2031-03-11T07:00:00Z");
    setup
        .run(&["backfill", "--from", "2031-03-04", "--to", "2031-03-05", "--project", "P1"])
        .exits(3);
    setup.report("2031-02..2031-03").exits(3);
    setup.run(&["budget", "set", "12.50"]).exits(0);
    setup.run(&["forecast"]).exits(3);
    setup.run(&["bill", "compare", "--month", "2031-02..2031-03"]).exits(3);
    setup.program.set("AGORA_USAGE_SELL_PRICE_BOOKS", "fixed-usd");
    setup.run(&["resale", "margin", "--month", "2031-02"]);
    take_snapshots(&setup).await;
    setup
}

/// Written at exact times, which a run of the program would not have.
async fn take_snapshots(setup: &Setup) {
    let store = setup.database.store().await;
    let account = AccountId::new("default").expect("name");
    let lease =
        leases::acquire(store.pool(), &account, "statistics", "test", Duration::from_secs(30));
    let lease = lease.await.expect("answered").expect("free");
    for (project, time, users, incompleteness) in [
        ("P1", "2031-03-10T09:00:00Z", &[3, 4][..], None),
        ("P1", "2031-03-10T09:01:00Z", &[3, 4, 5], Some(Incompleteness::Drift)),
        ("P1", "2031-03-11T05:00:00Z", &[], None),
        ("P2", "2031-03-10T23:59:59Z", &[4_294_967_295], None),
    ] {
        let channel = |(number, users): (usize, &i64)| Channel {
            name: format!("c{number}"),
            user_count: *users,
        };
        let seen = i64::try_from(users.len()).expect("a few");
        let snapshot = OccupancySnapshot {
            project_id: ProjectId::new(project).expect("id"),
            observed_at: DateTime::parse_from_rfc3339(time).expect("time").to_utc(),
            channels: users.iter().enumerate().map(channel).collect(),
            total_channels: seen + i64::from(incompleteness.is_some()),
            incompleteness,
        };
        occupancy::write(store.pool(), &lease, &snapshot).await.expect("written");
    }
    // One user for three hours, a snapshot a minute.
    let night = DateTime::parse_from_rfc3339("2031-03-10T20:00:00Z").expect("time").to_utc();
    for minute in 0..=180 {
        let channel = Channel { name: "forgotten".to_owned(), user_count: 1 };
        let snapshot = OccupancySnapshot {
            project_id: ProjectId::new("P1").expect("id"),
            observed_at: night + TimeDelta::minutes(minute),
            channels: vec![channel],
            total_channels: 1,
            incompleteness: None,
        };
        occupancy::write(store.pool(), &lease, &snapshot).await.expect("written");
    }
    let everyone_before = night + TimeDelta::days(1);
    while occupancy::hourly::roll_up(store.pool(), &lease, everyone_before)
        .await
        .expect("rolled up")
        .hours
        > 0
    {}
    leases::release(store.pool(), &lease).await.expect("released");
    store.close().await;
}

/// Name and file of every question.
fn questions() -> BTreeMap<String, PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("queries");
    let entries = fs::read_dir(folder).expect("folder");
    let paths = entries.map(|entry| entry.expect("entry").path());
    // Below it are questions for other engines.
    let files = paths.filter(|path| path.is_file());
    files
        .map(|file| (file.file_stem().expect("name").to_string_lossy().into_owned(), file))
        .collect()
}

/// Parameters of a question with their defaults, as its header has them.
fn parameters(file: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(file).expect("read");
    let lines = text.lines().filter_map(|line| line.strip_prefix("-- Parameter "));
    let parameter = |line: &str| {
        let (name, rest) = line.split_once(" (").expect("name");
        let (_kind, rest) = rest.split_once('=').expect("kind");
        let (default, _) = rest.split_once(':').expect("default");
        (name.to_owned(), default.trim().to_owned())
    };
    lines.map(parameter).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_question_is_answered_in_every_form() {
    let setup = account().await;
    for name in questions().keys() {
        for form in ["table", "csv", "json"] {
            let outcome = setup.run(&["query", name, "--output", form]).exits(0);
            insta::assert_snapshot!(format!("{name}_{form}"), outcome.stdout);
            if form == "json" {
                let rows: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
                assert!(!rows.as_array().expect("list").is_empty(), "{name} shows nothing");
            }
        }
        // Into a pipe, CSV is the usual form.
        let usual = setup.run(&["query", name]).exits(0).stdout;
        assert_eq!(usual, setup.run(&["query", name, "--output", "csv"]).stdout);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_files_run_in_psql() {
    let setup = account().await;
    let narrow = [
        ("account", "default"),
        ("project", "P1"),
        ("from", "2031-03-01"),
        ("to_month", "2031-02"),
        ("month", "2031-03"),
        ("limit", "1"),
    ];
    for (name, file) in questions() {
        let defaults = parameters(&file);
        // One month, or a range of months.
        let has_range = defaults.iter().any(|(key, _)| key == "to_month");
        let narrowed = defaults.iter().map(|(key, default)| {
            let chosen = narrow.iter().find(|(narrow, _)| narrow == key);
            let chosen = chosen.filter(|(narrow, _)| *narrow != "month" || !has_range);
            (key.clone(), chosen.map_or_else(|| default.clone(), |(_, value)| (*value).to_owned()))
        });
        for values in [defaults.clone(), narrowed.collect()] {
            let mut arguments = vec!["query".to_owned(), name.clone()];
            for (key, value) in &values {
                arguments.extend(["-p".to_owned(), format!("{key}={value}")]);
            }
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let ours = cells(&setup.run(&arguments).exits(0).stdout);
            // Where no value is given, the file has the default for psql too.
            let (is_default, given) = (values == defaults, values.clone());
            let given = if is_default && find_psql().is_some() { Vec::new() } else { given };
            let theirs = run_in_psql(&setup.database.url(), &file, &given).await;
            assert!(!is_default || ours.len() > 1, "{name} shows nothing");
            assert_eq!(ours, cells(&theirs), "{name} {values:?}");
        }
    }
}

fn cells(csv: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv.as_bytes());
    let rows = reader.records().map(|row| row.expect("row"));
    rows.map(|row| row.iter().map(str::to_owned).collect()).collect()
}

/// The file's rows as CSV: from psql, or, as unpacked servers come without it,
/// from the server after the same replacement of variables.
async fn run_in_psql(url: &str, file: &Path, values: &[(String, String)]) -> String {
    let Some(psql) = find_psql() else { return copy_out(url, file, values).await };
    let mut command = Command::new(psql);
    command.args(["--no-psqlrc", "--csv", "--set", "ON_ERROR_STOP=1"]);
    for (key, value) in values {
        command.arg("--set").arg(format!("{key}={value}"));
    }
    let kept = ["PATH", "LD_LIBRARY_PATH"].map(|name| (name, std::env::var_os(name)));
    let kept = kept.into_iter().filter_map(|(name, value)| Some((name, value?)));
    command.env_clear().envs(kept).arg("--file").arg(file).arg(url);
    let output = command.output().expect("psql runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn find_psql() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let packages = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let packages = packages.map(|version| version.path().join("bin"));
    let mut folders = std::env::split_paths(&path).chain(packages);
    let found = folders.find_map(|folder| Some(folder.join("psql")).filter(|psql| psql.is_file()));
    let is_required = std::env::var("AGORA_TEST_PSQL").is_ok_and(|value| value == "required");
    assert!(found.is_some() || !is_required, "AGORA_TEST_PSQL is set, and there is no psql");
    found
}

async fn copy_out(url: &str, file: &Path, values: &[(String, String)]) -> String {
    let text = fs::read_to_string(file).expect("read");
    let code: Vec<&str> =
        text.lines().filter(|line| !line.starts_with("--") && !line.starts_with('\\')).collect();
    let mut sql = code.join("\n");
    for (key, value) in values {
        sql = sql.replace(&format!(":'{key}'"), &format!("'{}'", value.replace('\'', "''")));
    }
    let sql = sql.trim_end().trim_end_matches(';');
    let copy = format!("copy (\n{sql}\n) to stdout with (format csv, header)");
    let mut connection = PgConnection::connect(url).await.expect("connected");
    let chunks: Vec<_> = {
        let rows = connection.copy_out_raw(&copy).await.expect("copied");
        rows.try_collect().await.expect("rows")
    };
    connection.close().await.expect("closed");
    String::from_utf8(chunks.concat()).expect("UTF-8")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_psql_gives_the_same_rows() {
    let setup = account().await;
    let (url, questions) = (setup.database.url(), questions());
    for (name, file) in questions.iter().filter(|_| find_psql().is_some()) {
        let values = parameters(file);
        let (with, without) =
            (run_in_psql(&url, file, &values).await, copy_out(&url, file, &values).await);
        assert_eq!(cells(&with), cells(&without), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_is_the_range_from_it_to_itself() {
    let setup = account().await;
    let mut asked = 0;
    for (name, file) in questions() {
        if !parameters(&file).iter().any(|(key, _)| key == "to_month") {
            continue;
        }
        let mut rows = 0;
        for month in ["2031-02", "2031-03"] {
            let [only, from, to] =
                ["month", "from_month", "to_month"].map(|key| format!("{key}={month}"));
            let answer = setup.run(&["query", &name, "-p", &only]).exits(0).stdout;
            let range = setup.run(&["query", &name, "-p", &from, "-p", &to]).exits(0).stdout;
            assert_eq!(answer, range, "{name}");
            rows += answer.lines().count() - 1;
        }
        assert!(rows > 0, "{name} shows nothing");
        asked += 1;
    }
    assert_eq!(asked, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_with_many_rows_show_the_newest_unless_a_range_is_given() {
    let setup = account().await;
    for (name, newest, all) in [
        ("cost_by_project_and_media", "from_month=2031-03", "from_month=2031-01"),
        ("free_minutes_by_project", "from_month=2031-03", "from_month=2031-01"),
        ("unit_cost_trend", "from_month=2030-04", "from_month=2031-01"),
    ] {
        let answer =
            |range: &[&str]| setup.run(&[&["query", name], range].concat()).exits(0).stdout;
        assert_eq!(answer(&[]), answer(&["-p", newest]), "{name}");
        let is_longer = answer(&["-p", all]).lines().count() > answer(&[]).lines().count();
        assert_eq!(is_longer, name != "unit_cost_trend", "{name}");
    }
    let older = "insert into agora.occupancy_hourly (account_id, project_id, hour, snapshots, \
        incomplete_snapshots, observed_seconds, incomplete_seconds, user_seconds, \
        channel_seconds, peak_users, peak_users_at, peak_channels, peak_channels_at) \
        select account_id, project_id, max(hour) - age, 60, 0, 3600, 0, 60, 60, 1, \
        max(hour) - age, 1, max(hour) - age from agora.occupancy_hourly, \
        unnest(array[interval '168 hours', '167 hours', '40 days']) as age \
        where project_id = 'P1' group by account_id, project_id, age";
    let rows = |name: &str, range: &[&str]| {
        let answer = setup.run(&[&["query", name], range].concat()).exits(0).stdout;
        answer.lines().filter(|line| line.contains(",P1,")).count()
    };
    let names = ["occupancy_by_hour", "usage_against_occupancy"];
    let before = names.map(|name| rows(name, &[]));
    setup.database.execute(older).await;
    let everything = ["-p", "from=2000-01-01"];
    for (name, (before, shown, all)) in
        names.into_iter().zip([(before[0], 1, 3), (before[1], 1, 2)])
    {
        assert_eq!(rows(name, &[]), before + shown, "{name}");
        assert_eq!(rows(name, &everything), before + all, "{name}");
    }
}

#[test]
fn the_questions_are_listed_without_a_database() {
    let program = Program::new();
    insta::assert_snapshot!("list", program.run(&["query"]).exits(0).stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_none_is_refused_before_the_database_is_asked() {
    let mut program = Program::new();
    program.set("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing");
    for (question, parameter, hint) in [
        ("gaps", "from=someday", "write a day as YYYY-MM-DD"),
        ("gaps", "from=2031-02-29", "write a day as YYYY-MM-DD"),
        ("top_movers", "month=2031-13", "write a month as YYYY-MM"),
        ("top_movers", "limit=-1", "write a whole number"),
        ("ghost_channels", "hours=NaN", "write a number from 3 on, such as 3 or 3.5"),
        ("ghost_channel_costs", "hours=0.3", "write a number from 3 on, such as 3 or 3.5"),
        ("top_movers", "limit=0", "write a whole number from 1 on"),
        ("idle_projects", "days=+7", "write a whole number from 0 on"),
        ("margin_by_project_and_month", "month=2031-1", "write a month as YYYY-MM"),
        ("projects", "account='; drop table agora.bill; --", "an account has 1 to 64"),
    ] {
        let outcome = program.run(&["query", question, "-p", parameter]).exits(2);
        let (key, value) = parameter.split_once('=').expect("a pair");
        let said = format!("error: '{value}' is no value of the parameter '{key}' of '{question}'");
        outcome.says(&[&said, hint]);
    }
    let backwards = ["query", "gaps", "-p", "from=2031-03-02", "-p", "to=2031-03-01"];
    program.run(&backwards).exits(2).says(&["to = 2031-03-01 is before from = 2031-03-02"]);
    let two_ranges = ["query", "cost_by_month", "-p", "month=2031-03", "-p", "to_month=2031-04"];
    program.run(&two_ranges).exits(2).says(&["month goes without from_month and to_month"]);
    let unknown = program.run(&["query", "gaps", "-p", "colour=red"]);
    unknown.exits(2).says(&["'gaps' has no parameter 'colour'", "account, from, to"]);
    program.run(&["query", "gpas"]).exits(2).says(&["there is no question 'gpas'"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_is_never_read_as_sql() {
    let setup = account().await;
    let injected = "project=x'; drop table agora.bill; --";
    let outcome = setup.run(&["query", "ghost_channels", "-p", injected]).exits(0);
    assert_eq!(outcome.stdout.lines().count(), 1);
    // An empty value asks for the default.
    let usual = setup.run(&["query", "top_movers"]).exits(0).stdout;
    assert!(usual.lines().count() > 1);
    assert_eq!(setup.run(&["query", "top_movers", "-p", "limit="]).exits(0).stdout, usual);
}

#[tokio::test(flavor = "multi_thread")]
async fn c48_a_reader_gets_every_answer_that_the_owner_gets() {
    let mut setup = account().await;
    let as_owner: Vec<String> =
        questions().keys().map(|name| setup.run(&["query", name]).exits(0).stdout).collect();
    let url = setup.database.url_of_a_role("it_reader_of_answers").await;
    setup.run(&["migrate", "--grant-reader", "it_reader_of_answers"]).exits(0);
    setup.program.set("DATABASE_URL", url.as_str());
    for (name, answer) in questions().keys().zip(as_owner) {
        assert_eq!(setup.run(&["query", name]).exits(0).stdout, answer, "{name}");
    }
}
