//! The inner loops of a load and of a report, on a month of 1,000 projects.
//!
//! `cargo bench` prints the time and the rows a second of each. They show what
//! became slower; whole runs beside a floor are `make bench`.
#![expect(clippy::expect_used, reason = "a bench that cannot be set up has nothing to measure")]

use std::collections::BTreeMap;
use std::fmt::Write;

use agora_usage::domain::{
    AccountId, DateRange, DayUsage, Media, MediaSet, Month, Project, ProjectId, ProjectStatus,
    Service, UsageSource,
};
use agora_usage::hot_paths;
use agora_usage::rating::{PriceBook, rate};
use agora_usage::report::{Background, Coverage, Format, MonthReport, ReportOptions, write_month};
use agora_usage::store::requests::RequestRecord;
use agora_usage::store::usage::UsageAnswer;
use chrono::{DateTime, Datelike};
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};

const PROJECTS: u32 = 1_000;

fn main() {
    divan::main();
}

fn account() -> AccountId {
    AccountId::new("default").expect("a name")
}

fn month() -> Month {
    Month::parse("2031-03").expect("a month")
}

fn project_id(number: u32) -> ProjectId {
    // Not in the order of their bytes, as the platform's are not.
    ProjectId::new(&format!("{:08x}P", number.wrapping_mul(2_654_435_761))).expect("an id")
}

/// Minutes that differ from cell to cell, without a pattern to compress.
fn minutes(project: u32, day: u32, media: Media) -> i64 {
    let of_media = u32::try_from(media.index()).unwrap_or(0) * 97;
    let mixed = (project * 31 + day).wrapping_mul(2_246_822_519) ^ of_media;
    i64::from(mixed % (1 << (project % 12)))
}

const MEDIA: [Media; 4] = [Media::Audio, Media::Sd, Media::Hd, Media::Hdp];

fn usage() -> Vec<DayUsage> {
    let days: Vec<_> = month().days().days().collect();
    let of_project = |project: u32| {
        let project_id = project_id(project);
        days.iter().map(move |day| {
            let mut seconds = [None; Media::COUNT];
            for media in MEDIA {
                seconds[media.index()] = Some(60 * minutes(project, day.day(), media));
            }
            DayUsage {
                project_id: project_id.clone(),
                service: Service::Rtc,
                day: *day,
                source: UsageSource::V1,
                seconds,
                extra_seconds: BTreeMap::new(),
                missing: MediaSet::EMPTY,
            }
        })
    };
    (0..PROJECTS).flat_map(of_project).collect()
}

/// The body of usage v1 that says the same.
fn body() -> String {
    let mut text = r#"{"usages": ["#.to_owned();
    for (position, of_project) in
        usage().chunk_by(|one, next| one.project_id == next.project_id).enumerate()
    {
        let comma = if position > 0 { ", " } else { "" };
        let _ = write!(text, r#"{comma}{{"project": "{}", "daily": ["#, of_project[0].project_id);
        for (position, usage) in of_project.iter().enumerate() {
            let comma = if position > 0 { ", " } else { "" };
            let minutes = |media: Media| usage.seconds[media.index()].unwrap_or(0) / 60;
            let _ = write!(
                text,
                r#"{comma}{{"date": {}, "audio": {}, "sd": {}, "hd": {}, "hdp": {}}}"#,
                usage.day.format("%Y%m%d"),
                minutes(Media::Audio),
                minutes(Media::Sd),
                minutes(Media::Hd),
                minutes(Media::Hdp),
            );
        }
        text.push_str("]}");
    }
    text.push_str("]}");
    text
}

fn answer(days: Vec<DayUsage>) -> UsageAnswer {
    let request = RequestRecord {
        source: UsageSource::V1,
        project_id: None,
        service: Service::Rtc,
        range: month().days(),
        started_at: DateTime::UNIX_EPOCH,
        finished_at: DateTime::UNIX_EPOCH,
        answered: true,
        http_status: Some(200),
        attempts: 1,
        platform_request_id: None,
        message: None,
    };
    UsageAnswer { request, days }
}

fn rows() -> ItemsCount {
    ItemsCount::new(usage().len())
}

#[divan::bench]
fn decode_a_usage_body(bencher: Bencher) {
    let (body, range): (String, DateRange) = (body(), month().days());
    bencher.counter(rows()).bench(|| hot_paths::decode(black_box(body.as_bytes()), range));
}

#[divan::bench]
fn build_the_copy_stream(bencher: Bencher) {
    let (account, usage) = (account(), usage());
    bencher.counter(rows()).bench(|| hot_paths::encode(&account, black_box(&usage)));
}

#[divan::bench]
fn compare_with_stored_cells(bencher: Bencher) {
    let (answer, stored) = (answer(usage()), usage());
    bencher.counter(rows()).bench(|| hot_paths::compare(black_box(&answer), &stored));
}

#[divan::bench]
fn hash_an_answer(bencher: Bencher) {
    let usage = usage();
    bencher.counter(rows()).bench(|| hot_paths::hash(black_box(&usage)));
}

fn book() -> PriceBook {
    PriceBook::embedded("fixed").expect("a plan").expect("a book")
}

#[divan::bench]
fn rate_and_allocate(bencher: Bencher) {
    let (account, usage, book) = (account(), usage(), book());
    bencher.counter(rows()).bench(|| rate(&account, month(), black_box(&usage), &book));
}

/// Files and all, into a folder of their own each time.
fn write_files(bencher: Bencher, format: &str) {
    let (usage, format) = (usage(), Format::from_name(format).expect("a format"));
    let bill = rate(&account(), month(), &usage, &book()).expect("rated");
    let projects: Vec<_> = (0..PROJECTS).map(project).collect();
    let coverage = Coverage { complete: true, ..Coverage::default() };
    let background = Background::default();
    let report = MonthReport {
        bill: &bill,
        usage: &usage,
        projects: &projects,
        coverage,
        adjustments: &[],
        closed: None,
        background: &background,
    };
    let folder = || tempfile::TempDir::new().expect("a folder");
    bencher.counter(rows()).with_inputs(folder).bench_refs(|folder| {
        let options = ReportOptions {
            formats: vec![format],
            breakdowns: Vec::new(),
            out: folder.path().to_owned(),
            byte_order_mark: false,
            raw: false,
            generated_at: DateTime::UNIX_EPOCH,
        };
        write_month(&report, &options)
    });
}

fn project(number: u32) -> Project {
    Project {
        project_id: project_id(number),
        name: format!("project {number}"),
        app_id: None,
        status: ProjectStatus::Active,
        created_at: None,
        has_certificate: false,
        recording_server: None,
    }
}

#[divan::bench(sample_count = 10)]
fn write_csv(bencher: Bencher) {
    write_files(bencher, "csv");
}

#[divan::bench(sample_count = 10)]
fn write_parquet(bencher: Bencher) {
    write_files(bencher, "parquet");
}
