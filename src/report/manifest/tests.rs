use std::fs;

use tempfile::TempDir;

use super::super::sample::{Sample, options};
use super::super::{Format, Published, write_month};
use super::*;

fn manifest_text(published: &Published) -> String {
    fs::read_to_string(published.folder.join(FILE_NAME)).expect("manifest")
}

#[test]
fn the_manifest_says_what_the_files_are_and_were_made_from() {
    let out = TempDir::new().expect("folder");
    let sample = Sample::incomplete();
    let mut options = options(out.path());
    options.formats = vec![Format::from_name("csv").expect("known")];
    let published = write_month(&sample.report(), &options).expect("written");
    let text = manifest_text(&published).replace(env!("CARGO_PKG_VERSION"), "[version]");
    insta::assert_snapshot!(text, @r#"
    {
      "layout_version": 1,
      "program_version": "[version]",
      "generated_at": "1970-01-01T00:00:00Z",
      "account": "default",
      "month": "2031-03",
      "status": "incomplete",
      "currency": "USD",
      "bill_total": "0.10",
      "projects_total": "0.10",
      "unallocated": "0.00",
      "exact_total": "0.100000000000",
      "total_low": "0.10",
      "total_high": "0.12",
      "book": {
        "name": "list-2021",
        "sha256": "00ff"
      },
      "assumptions": [
        {
          "key": "tier_fill",
          "value": "cheapest_first",
          "text": "Audio fills the discount tiers first.",
          "low": "0.10",
          "high": "0.12"
        }
      ],
      "unpriced": [
        {
          "service": "rtc",
          "field": "durationVideo8K",
          "seconds": 60
        }
      ],
      "coverage": {
        "complete": false,
        "month_in_progress": false,
        "covered_to": "2031-03-02",
        "absent_cells": 28,
        "incomplete_cells": 0,
        "missing_days": [
          {
            "project_id": "a/b",
            "service": "rtc",
            "days": [
              {
                "first": "2031-03-03",
                "last": "2031-03-04"
              }
            ],
            "reason": "answered 500"
          }
        ]
      },
      "escaped_file_names": {
        "a/b": "a_b~c14cddc033f64b9d"
      },
      "files": [
        {
          "path": "summary.csv",
          "rows": 1,
          "bytes": 197,
          "sha256": "ff06cf23abfa06343a0197f33daa6b7086a626d3022c7daae978ac07fe761771",
          "sums": {
            "cost": "0.10"
          }
        },
        {
          "path": "bill.csv",
          "rows": 3,
          "bytes": 194,
          "sha256": "37c5adfdbc43af53ea43689238c2accf0e83cc5f2ecd01e7af0e6c3ddb69c901",
          "sums": {
            "amount": "0.100000000000"
          }
        },
        {
          "path": "projects/a_b~c14cddc033f64b9d.csv",
          "rows": 1,
          "bytes": 143,
          "sha256": "5402428f7ce0c11286e71f020902d300799604519c71b4f3d79055254c6545b2",
          "sums": {
            "cost": "0.100000"
          }
        }
      ]
    }
    "#);
}

#[test]
fn the_status_is_complete_only_when_the_total_will_not_change() {
    let status = |change: &dyn Fn(&mut Sample)| {
        let out = TempDir::new().expect("folder");
        let mut sample = Sample::c33();
        change(&mut sample);
        let published = write_month(&sample.report(), &options(out.path())).expect("written");
        let manifest: serde_json::Value =
            serde_json::from_str(&manifest_text(&published)).expect("JSON");
        manifest["status"].as_str().expect("text").to_owned()
    };
    assert_eq!(status(&|_| ()), "complete");
    assert_eq!(status(&|sample| sample.coverage.absent_cells = 9), "complete");
    assert_eq!(status(&|sample| sample.coverage.incomplete_cells = 1), "incomplete");
    assert_eq!(status(&|sample| sample.coverage.complete = false), "incomplete");
    assert_eq!(status(&|sample| sample.coverage.month_in_progress = true), "in_progress");
}

#[test]
fn a_manifest_lists_itself_and_other_text_lists_nothing() {
    let text = br#"{"files": [{"path": "bill.csv", "rows": 2}], "account": "x"}"#;
    assert_eq!(listed_paths(text).expect("manifest"), ["bill.csv", FILE_NAME]);
    assert_eq!(listed_paths(b""), None);
}

#[test]
fn the_range_has_the_adjustments_of_the_total_beside_it() {
    let out = TempDir::new().expect("folder");
    let mut sample = Sample::incomplete();
    sample.surround_with_adjustments();
    let published = write_month(&sample.report(), &options(out.path())).expect("written");
    let manifest: serde_json::Value =
        serde_json::from_str(&manifest_text(&published)).expect("JSON");
    let text = |name: &str| manifest[name].as_str().expect("text").to_owned();
    assert_eq!((text("bill_total"), text("rated_total")), ("5.10".into(), "0.10".into()));
    assert_eq!((text("total_low"), text("total_high")), ("5.10".into(), "5.12".into()));
    let assumption = &manifest["assumptions"][0];
    assert_eq!((&assumption["low"], &assumption["high"]), (&"5.10".into(), &"5.12".into()));
}
