//! `report`: the files of a month, as spreadsheets, programs and people read them.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path};

use agora_usage::domain::money::decimal_text;
use polars::prelude::{DataFrame, DataType};
use polars_io::SerReader;
use polars_io::parquet::read::ParquetReader;
use serde_json::{Value, json};

use crate::support::fake_api::{AUDIO, HD, project};
use crate::support::reports::{MonthFolder, files_below};
use crate::support::setup::Setup;

const LONG_AFTER: &str = "2031-04-20T12:00:00Z";

/// Fetches March and reports it with these flags.
fn fetch_and_report(setup: &Setup, flags: &[&str]) {
    setup.backfill("2031-03-01", "2031-03-31").exits(0);
    setup.run(&[&["report", "--month", "2031-03"], flags].concat()).exits(0);
}

/// An account with one project a name: P00, P01 and so on.
async fn named(names: &[&str]) -> Setup {
    let setup = Setup::at(LONG_AFTER).await;
    let bodies = names.iter().enumerate().map(|(at, name)| project(&format!("P{at:02}"), name));
    setup.api.list_bodies(bodies.collect());
    setup
}

fn parquet(path: &Path) -> DataFrame {
    ParquetReader::new(File::open(path).expect("open")).finish().expect("read")
}

/// Texts of a column, with the scale of a decimal one.
fn texts(frame: &DataFrame, column: &str) -> Vec<String> {
    let column = frame.column(column).expect("column");
    if let DataType::Decimal(_, scale) = column.dtype() {
        let units = column.decimal().expect("decimal").physical().iter();
        let scale = u32::try_from(*scale).expect("scale");
        return units.map(|units| decimal_text(units.expect("value"), scale)).collect();
    }
    let text = column.str().expect("text").iter();
    text.map(|text| text.unwrap_or_default().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn c12_the_zone_of_the_host_changes_no_byte() {
    let mut reports = Vec::new();
    for zone in ["UTC", "America/New_York", "Pacific/Kiritimati"] {
        let mut setup = Setup::at(LONG_AFTER).await;
        setup.program.set("TZ", zone);
        setup.api.list(&["P1"]);
        setup.api.use_seconds("P1", "2031-03-09", &[(AUDIO, 777_777), (HD, 61)]);
        fetch_and_report(&setup, &[]);
        let days = "select day from agora.usage_daily";
        assert_eq!(setup.database.value(days).await, "2031-03-09", "{zone}");
        let mut files = files_below(&setup.reports());
        let manifest = files.get_mut(Path::new("default/2031-03/manifest.json")).expect("manifest");
        let mut value: Value = serde_json::from_slice(manifest).expect("JSON");
        let generated_at = value["generated_at"].take();
        assert!(generated_at.as_str().expect("text").starts_with("2031-04-20T12:0"), "{zone}");
        *manifest = value.to_string().into_bytes();
        assert_eq!(files.len(), 7);
        reports.push(files);
    }
    assert!(reports.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn c41_names_of_every_kind_parse_back_identical() {
    let long = format!("{}, end", "x".repeat(65));
    let names =
        ["a,b", "say \"hi\"", "two\nlines", long.as_str(), "测试环境", "🎤 stage", "", "it's"];
    let setup = named(&names).await;
    fetch_and_report(&setup, &[]);
    let month = setup.month("2031-03");
    let text = month.text("summary.csv");
    let header = "account,project_id,project_name,status,audio_minutes,sd_minutes,hd_minutes,\
                  hdp_minutes,full_hd_minutes,2k_minutes,2k_plus_minutes,cost,currency\n";
    assert!(text.starts_with(header) && !text.contains('\r'), "{text}");
    let read: Vec<_> =
        month.rows("summary.csv").iter().map(|row| row["project_name"].clone()).collect();
    assert_eq!(read, names);

    setup.run(&["report", "--month", "2031-03", "--bom"]).exits(0);
    for file in ["summary.csv", "bill.csv", "projects/P00.csv"] {
        assert!(month.text(file).starts_with('\u{feff}'), "{file}");
    }
    assert_eq!(month.text("summary.csv").trim_start_matches('\u{feff}'), text);
}

#[tokio::test(flavor = "multi_thread")]
async fn c42_a_name_is_no_formula_and_ids_and_numbers_stay() {
    let names = ["=1+1", "+1", "-1", "@x", "\tx", "plain"];
    let setup = named(&names).await;
    let mut bodies: Vec<Value> =
        names.iter().enumerate().map(|(at, name)| project(&format!("-x{at}"), name)).collect();
    setup.api.list_bodies(std::mem::take(&mut bodies));
    fetch_and_report(&setup, &[]);
    let month = setup.month("2031-03");
    let column = |name: &str| -> Vec<String> {
        month.rows("summary.csv").iter().map(|row| row[name].clone()).collect()
    };
    assert_eq!(column("project_name"), ["'=1+1", "'+1", "'-1", "'@x", "'\tx", "plain"]);
    assert_eq!(column("project_id"), ["-x0", "-x1", "-x2", "-x3", "-x4", "-x5"]);
    let raw = parquet(&month.path("summary.parquet"));
    assert_eq!(texts(&raw, "project_name"), names);

    setup.run(&["report", "--month", "2031-03", "--raw"]).exits(0);
    assert_eq!(column("project_name"), names);
}

#[tokio::test(flavor = "multi_thread")]
async fn c44_no_id_leaves_the_folder_and_each_has_its_file() {
    let long = "x".repeat(300);
    let ids = ["../../etc/x", "/abs", "..\\win", "CON", long.as_str(), "Ab", "aB", "é", "."];
    let setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&ids);
    for id in ids {
        setup.api.use_seconds(id, "2031-03-01", &[(AUDIO, 660_000)]);
    }
    let out = setup.program.folder().join("inner/out");
    fetch_and_report(&setup, &["--out", "inner/out"]);
    let below_home = files_below(setup.program.folder());
    let outside: Vec<_> = below_home.keys().filter(|path| !path.starts_with("inner/out")).collect();
    assert_eq!(outside, [Path::new("agora-usage.toml")]);

    let month = MonthFolder::at(out.join("default/2031-03"));
    month.assert_adds_up();
    let escaped = month.manifest()["escaped_file_names"].clone();
    assert_eq!(escaped.as_object().expect("map").len(), ids.len());
    let mut names = BTreeSet::new();
    for id in ids {
        let name = escaped[id].as_str().expect("a name");
        let is_one_step = Path::new(name).components().all(|c| matches!(c, Component::Normal(_)));
        assert!(is_one_step && name.len() < 100, "{name}");
        assert!(names.insert(name.to_ascii_lowercase()), "{name} comes twice without case");
        assert_eq!(month.rows(&format!("projects/{name}.csv"))[0]["audio_seconds"], "660000");
    }
    // A CSV and a Parquet file each, and nothing else.
    assert_eq!(fs::read_dir(month.path("projects")).expect("folder").count(), 2 * ids.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn c45_rows_are_by_id_whatever_the_names_do() {
    let mut setup = Setup::at("2031-03-05T12:00:00Z").await;
    let list = |names: &[(&str, &str)]| {
        setup.api.list_bodies(names.iter().map(|(id, name)| project(id, name)).collect());
    };
    list(&[("P1", "Twin"), ("P2", "Twin"), ("P3", "Old name"), ("P4", "Leaves")]);
    for (id, minutes) in [("P1", 5_000), ("P2", 6_000), ("P3", 7_000), ("P4", 8_000)] {
        setup.api.use_seconds(id, "2031-03-02", &[(AUDIO, minutes * 60)]);
    }
    setup.backfill("2031-03-01", "2031-03-04").exits(0);
    list(&[("P1", "Twin"), ("P2", "Twin"), ("P3", "New name")]);
    setup.now(LONG_AFTER);
    fetch_and_report(&setup, &[]);
    let month = setup.month("2031-03");
    let rows = month.rows("summary.csv");
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            format!(
                "{} {} {} {}",
                row["project_id"], row["project_name"], row["status"], row["audio_minutes"]
            )
        })
        .collect();
    let expected = [
        "P1 Twin active 5000.000000",
        "P2 Twin active 6000.000000",
        "P3 New name active 7000.000000",
        "P4 Leaves deleted 8000.000000",
    ];
    assert_eq!(rows, expected);
    assert_eq!(month.total(), "15.84");
    month.assert_adds_up();
}

#[tokio::test(flavor = "multi_thread")]
async fn c46_parquet_holds_exact_decimals_of_either_sign() {
    let setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["P1"]);
    // 1,246,976,563 billable minutes of audio and 1 of HD: a total above a
    // million whose rounding goes down.
    setup.api.use_seconds("P1", "2031-03-01", &[(AUDIO, 74_819_193_780), (HD, 60)]);
    fetch_and_report(&setup, &[]);
    let month = setup.month("2031-03");
    let bill = parquet(&month.path("bill.parquet"));
    let amount = bill.column("amount").expect("column");
    assert_eq!(amount.dtype(), &DataType::Decimal(38, 12));
    let (from_csv, services) = (month.rows("bill.csv"), texts(&bill, "service"));
    let from_csv: Vec<_> = from_csv.iter().map(|row| row["amount"].clone()).collect();
    let amounts = texts(&bill, "amount");
    assert_eq!(amounts, from_csv);
    let negative: Vec<_> =
        amounts.iter().zip(&services).filter(|(a, _)| a.starts_with('-')).collect();
    assert_eq!(negative.len(), 1, "{amounts:?}");
    assert_eq!(negative[0].1, "rounding");
    let total = amounts.last().expect("total").trim_end_matches('0').to_owned();
    assert_eq!(total, month.total());

    let summary = parquet(&month.path("summary.parquet"));
    assert_eq!(summary.column("cost").expect("column").dtype(), &DataType::Decimal(38, 2));
    assert_eq!(texts(&summary, "cost"), [month.total()]);
    let days = parquet(&month.path("projects/P1.parquet"));
    assert_eq!(days.column("day").expect("column").dtype(), &DataType::Date);
    assert_eq!(texts(&days, "cost"), [format!("{}0000", month.total())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c48_sql_in_a_name_is_just_a_name() {
    let name = "x'); DROP TABLE usage;--";
    let setup = named(&[name]).await;
    setup.api.list_bodies(vec![project(name, name)]);
    setup.api.use_seconds(name, "2031-03-01", &[(AUDIO, 660_000)]);
    fetch_and_report(&setup, &[]);
    let month = setup.month("2031-03");
    let row = &month.rows("summary.csv")[0];
    assert_eq!((row["project_id"].as_str(), row["project_name"].as_str()), (name, name));
    month.assert_adds_up();
    let value = format!("project={name}");
    let question = ["query", "usage_by_project_and_month", "-p", &value, "--output", "csv"];
    let of_project = setup.run(&question).exits(0).stdout;
    let of_all = setup.run(&["query", "projects", "--output", "csv"]).exits(0).stdout;
    for rows in [of_project, of_all] {
        assert!(rows.contains(name), "{rows}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_report_writes_the_same_bytes_and_keeps_foreign_files() {
    let mut setup = named(&["one", "two"]).await;
    setup.api.use_seconds("P00", "2031-03-01", &[(AUDIO, 660_001)]);
    fetch_and_report(&setup, &[]);
    let note = setup.month("2031-03").path("note.txt");
    fs::write(&note, "mine").expect("written");
    let before = files_below(&setup.reports());
    setup.now("2031-04-21T12:00:00Z");
    setup.run(&["report", "--month", "2031-03"]).exits(0);
    let after = files_below(&setup.reports());
    let differing: Vec<_> = before.keys().filter(|path| before[*path] != after[*path]).collect();
    assert_eq!(differing, [Path::new("default/2031-03/manifest.json")]);
    assert_eq!(before.len(), after.len());
    let manifest = setup.month("2031-03").manifest();
    assert!(manifest["generated_at"].as_str().expect("text").starts_with("2031-04-21T12:0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_formats_that_are_asked_for_are_written() {
    let setup = named(&["one"]).await;
    fetch_and_report(&setup, &["--format", "csv", "--account", "default"]);
    let names: Vec<_> = files_below(&setup.reports()).into_keys().collect();
    let expected = ["bill.csv", "manifest.json", "projects/P00.csv", "summary.csv"];
    let expected = expected.map(|name| Path::new("default/2031-03").join(name));
    assert_eq!(names, expected);
    let unknown = ["report", "--month", "2031-03", "--format", "pdf"];
    setup
        .run(&unknown)
        .exits(2)
        .says(&["the formats are csv, parquet, xlsx, html, focus, json, all"]);
    let listed = setup.month("2031-03").manifest()["files"].clone();
    let paths = listed.as_array().expect("list").iter().map(|file| file["path"].clone());
    let paths: Vec<_> = paths.collect();
    assert_eq!(json!(paths), json!(["summary.csv", "bill.csv", "projects/P00.csv"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_are_as_open_as_the_mask_of_their_maker_allows() {
    let setup = named(&["one"]).await;
    setup.backfill("2031-03-01", "2031-03-31").exits(0);
    for (mask, others_may) in [("077", 0), ("027", 0o050), ("022", 0o055)] {
        let arguments = ["report", "--month", "2031-03", "--format", "all"];
        let mut command = setup.program.limited_command(&format!("umask {mask}"), &arguments);
        assert!(command.output().expect("run").status.success());
        let folder = setup.reports().join("default/2031-03");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700 | others_may, "{mask}");
        for file in files_below(&folder).into_keys() {
            let expected = (0o700 | others_may) & 0o666;
            assert_eq!(mode(&folder.join(&file)), expected, "{mask}: {}", file.display());
        }
    }
}
