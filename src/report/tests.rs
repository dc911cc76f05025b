//! What a user finds on disk after `write_month`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use polars::prelude::{DataFrame, DataType};
use polars_io::SerReader;
use polars_io::parquet::read::ParquetReader;
use tempfile::TempDir;

use crate::domain::{
    BillStatus, Currency, DateRange, Media, Money, Month, ProjectId, ProjectStatus, Service,
};

use super::format::{MonthContent, RangeContent, ReportFile, ReportFormat};
use super::sample::{Sample, day, day_usage, options};
use super::table::Table;
use super::*;

mod focus;
mod other_formats;
mod ranges;

const MONTH: &str = "default/2031-03";

fn read(out: &Path, path: &str) -> String {
    fs::read_to_string(out.join(MONTH).join(path)).expect(path)
}

/// Values of a CSV column, in the order of rows.
fn column(text: &str, name: &str) -> Vec<String> {
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let position = reader.headers().expect("header").iter().position(|header| header == name);
    let position = position.expect("column");
    reader.records().map(|record| record.expect("record")[position].to_owned()).collect()
}

fn read_parquet(path: &Path) -> DataFrame {
    ParquetReader::new(fs::File::open(path).expect("open")).finish().expect("Parquet")
}

/// Every file below a folder, by its path.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("folder") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below").display().to_string();
                found.insert(name, fs::read(&path).expect("file"));
            }
        }
    }
    found
}

fn manifest(out: &Path) -> serde_json::Value {
    serde_json::from_str(&read(out, "manifest.json")).expect("JSON")
}

#[test]
fn c33_a_split_bill_reads_the_same_in_every_file() {
    let out = TempDir::new().expect("folder");
    let sample = Sample::c33();
    let published = write_month(&sample.report(), &options(out.path())).expect("written");
    insta::assert_snapshot!(read(out.path(), "summary.csv"), @r#"
    account,project_id,project_name,status,audio_minutes,sd_minutes,hd_minutes,hdp_minutes,full_hd_minutes,2k_minutes,2k_plus_minutes,cost,currency
    default,B,Talk,deleted,0.000000,,8.666667,,,,,0.04,USD
    default,a,Talk,active,0.000000,,8.666667,,,,,0.03,USD
    default,idle,"",disabled,,,,,,,,0.00,USD
    default,unlisted,,unknown,0.000000,,8.666667,,,,,0.03,USD
    "#);
    insta::assert_snapshot!(read(out.path(), "bill.csv"), @r"
    service,media,tier,seconds,minutes,free_minutes,billable_minutes,unit_price_per_1000,amount
    rtc,hd,1,1560,26,0,26,3.990000000,0.103740000000
    rounding,,,,,,,,-0.003740000000
    total,,,,,,,,0.100000000000
    ");
    insta::assert_snapshot!(read(out.path(), "projects/unlisted.csv"), @r"
    day,service,audio_seconds,sd_seconds,hd_seconds,hdp_seconds,full_hd_seconds,2k_seconds,2k_plus_seconds,cost
    2031-03-02,rtc,0,,520,,,,,0.030000
    ");
    insta::assert_snapshot!(read(out.path(), "projects/idle.csv"), @"day,service,audio_seconds,sd_seconds,hd_seconds,hdp_seconds,full_hd_seconds,2k_seconds,2k_plus_seconds,cost");

    let all = files(&published.folder);
    assert_eq!(published.folder, out.path().join(MONTH));
    assert_eq!(published.files, 13);
    assert_eq!(published.files, all.len());
    assert_eq!(published.bytes, all.values().map(|bytes| bytes.len() as u64).sum::<u64>());
}

#[test]
fn two_runs_write_the_same_bytes_whatever_the_order_of_rows() {
    let (first, second) = (TempDir::new().expect("folder"), TempDir::new().expect("folder"));
    let mut sample = Sample::c33();
    write_month(&sample.report(), &options(first.path())).expect("written");
    sample.usage.reverse();
    sample.projects.reverse();
    write_month(&sample.report(), &options(second.path())).expect("written");
    assert_eq!(files(first.path()), files(second.path()));
}

#[test]
fn c41_names_in_csv_parse_back_identical() {
    let long = format!("{},{}", "x".repeat(35), "y".repeat(34));
    let names =
        ["a,b", "say \"hi\"", "two\nlines", "cr\rlf\r\n", &long, "声网项目", "🎧 live", " x "];
    let out = TempDir::new().expect("folder");
    let mut sample = Sample::c33();
    sample.projects.clear();
    for (number, name) in names.iter().enumerate() {
        sample.list(&format!("0{number}"), name, ProjectStatus::Active);
    }
    let mut options = options(out.path());
    write_month(&sample.report(), &options).expect("written");
    let text = read(out.path(), "summary.csv");
    assert!(text.starts_with("account,"));
    assert_eq!(column(&text, "project_name")[..names.len()], names);

    options.byte_order_mark = true;
    write_month(&sample.report(), &options).expect("written");
    assert_eq!(read(out.path(), "summary.csv"), format!("\u{feff}{text}"));
}

#[test]
fn c42_names_that_would_run_are_text_in_csv_and_raw_in_parquet() {
    let names = ["=1+1", "+1", "-1", "@x", "\tx", "plain"];
    let out = TempDir::new().expect("folder");
    let mut sample = Sample::empty();
    for (number, name) in names.iter().enumerate() {
        sample.list(&format!("-x{number}"), name, ProjectStatus::Active);
    }
    sample.use_hd("-x1", "2031-03-01", 60, -150);
    sample.balance();
    let mut options = options(out.path());
    write_month(&sample.report(), &options).expect("written");
    let text = read(out.path(), "summary.csv");
    assert_eq!(column(&text, "project_name"), ["'=1+1", "'+1", "'-1", "'@x", "'\tx", "plain"]);
    assert_eq!(column(&text, "project_id")[1], "-x1");
    assert_eq!(column(&text, "cost")[1], "-1.50");
    let frame = read_parquet(&out.path().join(MONTH).join("summary.parquet"));
    let stored = frame.column("project_name").expect("column").str().expect("text");
    assert!(stored.iter().flatten().eq(names));

    options.raw = true;
    write_month(&sample.report(), &options).expect("written");
    assert_eq!(column(&read(out.path(), "summary.csv"), "project_name"), names);
}

#[test]
fn c44_every_file_is_inside_the_folder_one_a_name() {
    let long = "x".repeat(300);
    let ids = ["../../etc/x", "/abs", "..\\win", "CON", "ab", "AB", &long];
    let out = TempDir::new().expect("folder");
    let mut sample = Sample::empty();
    for id in ids {
        sample.use_hd(id, "2031-03-01", 60, 1);
    }
    sample.balance();
    let below = out.path().join("a/b/reports");
    let published = write_month(&sample.report(), &options(&below)).expect("written");
    let all = files(out.path());
    assert_eq!(all.len(), published.files);
    let mapped = manifest(&below)["escaped_file_names"].as_object().expect("map").clone();
    assert_eq!(mapped.len(), ids.len());
    for (id, stem) in &mapped {
        assert!(ids.contains(&id.as_str()));
        let path = format!("projects/{}.csv", stem.as_str().expect("text"));
        assert!(column(&read(&below, &path), "cost").contains(&"0.010000".to_owned()));
    }
}

#[test]
fn c45_rows_are_by_id_and_add_up_to_the_bill() {
    let out = TempDir::new().expect("folder");
    let mut sample = Sample::c33();
    sample.projects[0].name = "Renamed".to_owned();
    sample.list("c", "Talk", ProjectStatus::Active);
    write_month(&sample.report(), &options(out.path())).expect("written");
    let text = read(out.path(), "summary.csv");
    assert_eq!(column(&text, "project_id"), ["B", "a", "c", "idle", "unlisted"]);
    assert_eq!(column(&text, "project_name"), ["Talk", "Renamed", "Talk", "", ""]);
    assert_eq!(column(&text, "cost"), ["0.04", "0.03", "0.00", "0.00", "0.03"]);
    assert_eq!(manifest(out.path())["bill_total"], "0.10");
    assert_eq!(manifest(out.path())["projects_total"], "0.10");
}

#[test]
fn c46_parquet_holds_exact_decimals() {
    let out = TempDir::new().expect("folder");
    let mut sample = Sample::empty();
    sample.use_hd("credit", "2031-03-01", 60, -1);
    sample.use_hd("large", "2031-03-31", 60, 123_456_789);
    sample.balance();
    write_month(&sample.report(), &options(out.path())).expect("written");
    let folder = out.path().join(MONTH);
    let units = |path: &str, name: &str| {
        let frame = read_parquet(&folder.join(path));
        let column = frame.column(name).expect("column").clone();
        let values: Vec<_> = column.decimal().expect("decimal").physical().iter().collect();
        (column.dtype().clone(), values)
    };
    let (kind, costs) = units("summary.parquet", "cost");
    assert_eq!(kind, DataType::Decimal(38, 2));
    assert_eq!(costs, [Some(-1), Some(123_456_789)]);
    let (kind, costs) = units("projects/large.parquet", "cost");
    assert_eq!(kind, DataType::Decimal(38, 6));
    assert_eq!(costs, [Some(1_234_567_890_000)]);
    let (kind, amounts) = units("bill.parquet", "amount");
    assert_eq!(kind, DataType::Decimal(38, 12));
    assert_eq!(amounts.last(), Some(&Some(1_234_567_880_000_000_000)));
    assert_eq!(column(&read(out.path(), "summary.csv"), "cost"), ["-0.01", "1234567.89"]);
    let days = read_parquet(&folder.join("projects/large.parquet"));
    assert_eq!(days.column("day").expect("column").dtype(), &DataType::Date);
    assert_eq!(days.column("hd_seconds").expect("column").dtype(), &DataType::Int64);
}

#[test]
fn days_are_in_order_and_services_share_one() {
    let out = TempDir::new().expect("folder");
    let mut sample = Sample::empty();
    sample.use_hd("p", "2031-03-02", 60, 5);
    let id = ProjectId::new("p").expect("valid");
    let mut recording = day_usage(&id, day("2031-03-02"), Service::CloudRecording);
    recording.seconds[Media::Video2kPlus.index()] = Some(7);
    sample.usage.insert(0, recording);
    sample.usage.insert(0, day_usage(&id, day("2031-03-01"), Service::Miniapp));
    sample.balance();
    write_month(&sample.report(), &options(out.path())).expect("written");
    insta::assert_snapshot!(read(out.path(), "projects/p.csv"), @r"
    day,service,audio_seconds,sd_seconds,hd_seconds,hdp_seconds,full_hd_seconds,2k_seconds,2k_plus_seconds,cost
    2031-03-01,miniapp,,,,,,,,0.000000
    2031-03-02,rtc,0,,60,,,,,0.050000
    2031-03-02,cloud_recording,,,,,,,7,0.000000
    ");
    assert_eq!(column(&read(out.path(), "summary.csv"), "2k_plus_minutes"), ["0.116667"]);
}

#[test]
fn unallocated_money_has_a_row_without_an_id() {
    let out = TempDir::new().expect("folder");
    let mut sample = Sample::empty();
    sample.list("idle", "Idle", ProjectStatus::Active);
    sample.bill.total.minor_units = 4_599;
    sample.bill.unallocated.minor_units = 4_599;
    sample.balance();
    write_month(&sample.report(), &options(out.path())).expect("written");
    let text = read(out.path(), "summary.csv");
    assert_eq!(text.lines().last(), Some("default,,,,,,,,,,,45.99,USD"));
    assert_eq!(manifest(out.path())["projects_total"], "0.00");
    assert_eq!(manifest(out.path())["unallocated"], "45.99");
}

#[test]
fn a_currency_without_a_minor_unit_has_no_decimal_places() {
    let out = TempDir::new().expect("folder");
    let mut sample = Sample::empty();
    sample.use_hd("p", "2031-03-02", 60, 0);
    let currency = Currency::from_code("JPY").expect("known");
    sample.bill.currency = currency;
    sample.bill.total = Money { minor_units: 42, currency };
    sample.bill.unallocated = Money { minor_units: 0, currency };
    let project = &mut sample.bill.projects[0];
    project.cost_minor_units = 42;
    project.days[0].lines[0].cost_micro_units = 42_000_000;
    sample.balance();
    write_month(&sample.report(), &options(out.path())).expect("written");
    assert_eq!(column(&read(out.path(), "summary.csv"), "cost"), ["42"]);
    assert_eq!(column(&read(out.path(), "projects/p.csv"), "cost"), ["42.000000"]);
}

#[test]
fn a_bill_that_does_not_add_up_is_not_published() {
    let out = TempDir::new().expect("folder");
    let refused = |change: &dyn Fn(&mut Sample)| {
        let mut sample = Sample::c33();
        change(&mut sample);
        let error = write_month(&sample.report(), &options(out.path())).expect_err("refused");
        assert!(matches!(error, ReportError::Disagreement { .. }), "{error}");
        assert!(files(out.path()).is_empty());
        error.to_string()
    };
    assert_eq!(
        refused(&|sample| sample.bill.projects[0].cost_minor_units = 5),
        "the rows of summary add up to 0.11, and the bill says 0.10"
    );
    assert_eq!(
        refused(&|sample| sample.bill.projects[0].days[0].lines[0].cost_micro_units -= 1),
        "the rows of projects/B add up to 0.039999, and the bill says 0.040000"
    );
    refused(&|sample| sample.bill.lines.clear());
    refused(&|sample| sample.usage.clear());
}

/// Fails when the second project's file is made, as a volume does that fills up.
struct Failing;

impl ReportFormat for Failing {
    fn first_file(&self) -> &'static str {
        "failing"
    }

    fn name(&self) -> &'static str {
        "failing"
    }

    fn month_files(
        &self,
        _month: &MonthContent<'_>,
        _options: &ReportOptions,
    ) -> Result<Vec<ReportFile>, ReportError> {
        Ok(Vec::new())
    }

    fn range_files(
        &self,
        _range: &RangeContent<'_>,
        _options: &ReportOptions,
    ) -> Result<Vec<ReportFile>, ReportError> {
        Ok(Vec::new())
    }

    fn project_file(
        &self,
        file_stem: &str,
        _days: &Table,
        _options: &ReportOptions,
    ) -> Result<Option<ReportFile>, ReportError> {
        if file_stem == "a" {
            let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Err(ReportError::from_io(Path::new("projects/a"), full));
        }
        Ok(None)
    }
}

#[test]
fn the_earlier_report_stays_as_it_was_when_a_file_fails() {
    let out = TempDir::new().expect("folder");
    let mut sample = Sample::c33();
    let mut options = options(out.path());
    write_month(&sample.report(), &options).expect("written");
    let before = files(out.path());

    sample.list("new", "New", ProjectStatus::Active);
    options.formats.push(Format(&Failing));
    let error = write_month(&sample.report(), &options).expect_err("full");
    assert!(matches!(error, ReportError::DiskFull { .. }), "{error}");
    assert_eq!(files(out.path()), before);
}

#[test]
fn a_new_report_replaces_the_earlier_one_whole() {
    let out = TempDir::new().expect("folder");
    let mut sample = Sample::c33();
    write_month(&sample.report(), &options(out.path())).expect("written");
    sample.projects.retain(|project| project.project_id.as_str() != "idle");
    write_month(&sample.report(), &options(out.path())).expect("written");
    let names: Vec<_> = files(out.path()).into_keys().collect();
    assert!(!names.iter().any(|name| name.contains("idle") || name.contains("/.")), "{names:?}");
    assert_eq!(names.len(), 11);
}
