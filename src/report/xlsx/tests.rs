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
fn cost_centres_are_summed_by_their_exact_text() {
    let bytes = workbook(&Sample::surrounded());
    let allocation = part(&bytes, "xl/worksheets/sheet3.xml");
    let criterion = "SUMPRODUCT(--EXACT($D$2:$D$5,\"R&amp;D\"),$L$2:$L$5)";
    assert!(allocation.contains(criterion), "{allocation}");
    assert!(!allocation.contains("SUMIF"), "{allocation}");
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

/// A cell's attributes, and what it holds.
fn cell<'a>(sheet: &'a str, name: &str) -> (&'a str, &'a str) {
    let open = format!("<c r=\"{name}\"");
    let start = sheet.find(&open).unwrap_or_else(|| panic!("no {name} in {sheet}")) + open.len();
    let (attributes, rest) = sheet[start..].split_once('>').expect("a cell");
    (attributes, rest.split("</c>").next().expect("its end"))
}

/// Rows whose first cell is this text, as their numbers in the sheet.
fn rows_named(bytes: &[u8], sheet: &str, text: &str) -> Vec<String> {
    let texts = part(bytes, "xl/sharedStrings.xml");
    let mut strings = texts.split("<si>").skip(1);
    let at = strings.position(|one| one.contains(&format!(">{text}<"))).expect("the text");
    let is_it = |row: &&str| row.contains(&format!("t=\"s\"><v>{at}</v>"));
    let rows = sheet.split("<row r=\"").skip(1).filter(is_it);
    rows.filter_map(|row| Some(row.split_once('"')?.0.to_owned())).collect()
}

#[test]
fn counts_and_amounts_of_the_coverage_are_numbers() {
    let mut sample = Sample::incomplete();
    sample.background.budget =
        Some(crate::domain::Money { minor_units: 1_234, ..sample.bill.total });
    let bytes = workbook(&sample);
    let sheet = part(&bytes, "xl/worksheets/sheet6.xml");
    let of = |name: &str, column: &str| {
        let row = rows_named(&bytes, &sheet, name).pop().expect("a row");
        let (attributes, held) = cell(&sheet, &format!("{column}{row}"));
        assert!(!attributes.contains("t="), "{name} is no number: {attributes}");
        held.to_owned()
    };
    assert_eq!(of("Idle cells, billed as 0", "B"), "<v>28</v>");
    assert_eq!(of("Cells with an unknown value", "B"), "<v>0</v>");
    assert_eq!(of("Budget", "B"), "<v>12.34</v>");
    let range = "Range of totals under other readings";
    assert_eq!([of(range, "B"), of(range, "C")], ["<v>0.1</v>", "<v>0.12</v>"]);
    // Each assumption with the totals that it could make.
    assert_eq!([of("tier_fill", "C"), of("tier_fill", "D")], ["<v>0.1</v>", "<v>0.12</v>"]);
}

#[test]
fn a_correction_was_seen_at_a_time() {
    let bytes = workbook(&Sample::surrounded());
    let sheet = part(&bytes, "xl/worksheets/sheet5.xml");
    let (attributes, held) = cell(&sheet, "G2");
    // 1970-01-01 00:00 in the days of a spreadsheet.
    assert!(!attributes.contains("t=\"s\"") && held == "<v>25569</v>", "{attributes} {held}");
    assert!(
        part(&bytes, "xl/styles.xml").contains("formatCode=\"yyyy\\-mm\\-dd hh:mm:ss\"")
            || part(&bytes, "xl/styles.xml").contains("formatCode=\"yyyy-mm-dd hh:mm:ss\"")
    );
}

#[test]
fn the_month_before_and_the_change_have_totals_that_are_those_of_their_rows() {
    let mut sample = Sample::incomplete();
    sample.surround_with_adjustments();
    let bytes = workbook(&sample);
    let sheet = part(&bytes, "xl/worksheets/sheet3.xml");
    // One project (0.10, before it 1.50) and money of no project (5.00, before it a credit of 1.00).
    assert_eq!(cell(&sheet, "M2").1, "<v>1.5</v>");
    assert_eq!(cell(&sheet, "M3").1, "<v>-1</v>");
    assert_eq!(cell(&sheet, "N3").1, "<f>L3-M3</f><v>6.00</v>");
    assert_eq!(cell(&sheet, "M4").1, "<f>SUM(M2:M3)</f><v>0.50</v>");
    assert_eq!(cell(&sheet, "N4").1, "<f>SUM(N2:N3)</f><v>4.60</v>");

    let nothing_known = part(&workbook(&Sample::c33()), "xl/worksheets/sheet3.xml");
    assert!(cell(&nothing_known, "M6").0.contains("t=\"s\""), "n/a is a word");
}
