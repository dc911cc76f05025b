use std::fs::File;
use std::io::Read;

use tempfile::TempDir;

use super::super::sample::{Sample, options};
use super::super::{Format, write_month};
use crate::domain::ProjectStatus;

/// The workbook of a sample.
fn workbook(sample: &Sample) -> Vec<u8> {
    let out = TempDir::new().expect("folder");
    let mut options = options(out.path());
    options.formats = vec![Format::from_name("xlsx").expect("known")];
    let published = write_month(&sample.report(), &options).expect("written");
    let mut bytes = Vec::new();
    let mut file = File::open(published.folder.join("report.xlsx")).expect("workbook");
    file.read_to_end(&mut bytes).expect("read");
    bytes
}

/// One part of it.
fn part(bytes: &[u8], name: &str) -> String {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).expect("an archive");
    let mut text = String::new();
    archive.by_name(name).expect(name).read_to_string(&mut text).expect("UTF-8");
    text
}

#[test]
fn the_same_data_make_the_same_bytes() {
    let sample = Sample::surrounded();
    assert_eq!(workbook(&sample), workbook(&sample));
}

#[test]
fn c42_names_that_would_run_are_text() {
    let mut sample = Sample::c33();
    for (at, name) in ["=1+1", "+1", "-1", "@x", "\tx", "http://x.example/"].iter().enumerate() {
        sample.list(&format!("-x{at}"), name, ProjectStatus::Active);
    }
    let bytes = workbook(&sample);
    let texts = part(&bytes, "xl/sharedStrings.xml");
    assert!(texts.contains("<t>=1+1</t>") && texts.contains("<t>@x</t>"), "{texts}");
    assert!(texts.contains("<t>-x0</t>"), "{texts}");
    for number in 1..=6 {
        let sheet = part(&bytes, &format!("xl/worksheets/sheet{number}.xml"));
        assert!(!sheet.contains("<f>1+1</f>") && !sheet.contains("hyperlink"), "{sheet}");
    }
}

#[test]
fn totals_are_formulas_that_hold_their_result() {
    let bytes = workbook(&Sample::c33());
    let allocation = part(&bytes, "xl/worksheets/sheet3.xml");
    assert!(allocation.contains("<f>SUM(L2:L5)</f><v>0.10</v>"), "{allocation}");
    let bill = part(&bytes, "xl/worksheets/sheet2.xml");
    assert!(bill.contains("<f>SUM(I2:I3)</f><v>0.10</v>"), "{bill}");
    assert!(part(&bytes, "xl/charts/chart2.xml").contains("stacked"));
}

#[test]
fn money_of_no_project_has_its_row_in_every_list() {
    let mut sample = Sample::incomplete();
    sample.surround_with_adjustments();
    let bytes = workbook(&sample);
    let texts = part(&bytes, "xl/sharedStrings.xml");
    let strings: Vec<_> = texts.split("<si>").skip(1).collect();
    let at = strings.iter().position(|text| text.contains("(no project)")).expect("the text");
    let rows = |sheet: u8| {
        let sheet = part(&bytes, &format!("xl/worksheets/sheet{sheet}.xml"));
        let rows: Vec<_> = sheet.split("<row ").map(str::to_owned).collect();
        rows.into_iter().filter(|row| row.contains(&format!("<v>{at}</v>"))).collect::<Vec<_>>()
    };
    let (summary, allocation) = (rows(1), rows(3));
    assert_eq!((summary.len(), allocation.len()), (1, 2));
    let is_of_5 = |row: &String| row.contains("<v>5</v>");
    assert!(summary.iter().chain(&allocation).all(is_of_5), "{summary:?} {allocation:?}");
}
