//! Ranges of days.

use super::*;

/// Two months whose bills are whole cents, each with an adjustment of a project and
/// money that belongs to none.
fn months() -> Vec<Sample> {
    let month = |month: &str, cents: [i128; 3]| {
        let mut sample = Sample::empty();
        sample.bill.month = Month::parse(month).expect("valid");
        for (day, cents) in [1, 14, 28].into_iter().zip(cents) {
            sample.use_hd("a", &format!("{month}-{day:02}"), 60, cents);
        }
        let mut parts = std::mem::take(&mut sample.bill.projects).into_iter();
        let mut project = parts.next().expect("one");
        for part in parts {
            project.cost_minor_units += part.cost_minor_units;
            project.days.extend(part.days);
        }
        sample.bill.projects = vec![project];
        sample
    };
    let mut months = vec![month("2031-02", [1, 2, 4]), month("2031-03", [8, 16, 32])];
    months[1].bill.unallocated.minor_units = 100;
    months[1].bill.total.minor_units += 100;
    months[1].adjust("a", 1_000);
    months[1].adjust("", -300);
    for month in &mut months {
        month.balance();
    }
    months
}

fn write(first: &str, last: &str, options: &ReportOptions) -> PublishedRange {
    let samples = months();
    let reports: Vec<_> = samples.iter().map(Sample::report).collect();
    let range = DateRange::new(day(first), day(last)).expect("range");
    let touched = reports.iter().filter(|one| one.bill.month.days().intersection(range).is_some());
    let touched: Vec<_> = touched.cloned().collect();
    let report = RangeReport {
        account: &samples[0].bill.account,
        range,
        currency: samples[0].bill.currency,
        months: &touched,
        projects: &[],
        tags: &BTreeMap::new(),
    };
    write_range(&report, options).expect("written")
}

fn range_total(first: &str, last: &str, out: &Path) -> i128 {
    let mut options = options(out);
    options.formats = Format::all().collect();
    options.breakdowns = Grouping::ALL.to_vec();
    let written = write(first, last, &options);
    for (grouping, groups) in &written.breakdowns {
        let sum: i128 = groups.iter().map(|group| group.cost_micro_units).sum();
        assert_eq!(sum, written.total_micro_units, "{}", grouping.name());
    }
    written.total_micro_units
}

#[test]
fn ranges_that_meet_add_up_to_the_bills() {
    let out = TempDir::new().expect("folder");
    let total = |first, last| range_total(first, last, out.path());
    assert_eq!(total("2031-02-01", "2031-03-31"), 8_630_000);
    assert_eq!(total("2031-02-01", "2031-02-28"), 70_000);
    assert_eq!(total("2031-02-14", "2031-03-14"), 20_000 + 40_000 + 80_000 + 160_000);
    // The last day of a month has its adjustments and what belongs to no project.
    assert_eq!(total("2031-03-15", "2031-03-31"), 320_000 + 10_000_000 - 2_000_000);
    let folder = |name: &str| out.path().join("default").join(name);
    let read = |name: &str, file: &str| fs::read_to_string(folder(name).join(file)).expect(file);
    let text = read("2031-02-14_2031-03-14", "projects/a.csv");
    assert_eq!(column(&text, "cost"), ["0.020000", "0.040000", "0.080000", "0.160000"]);
    let text = read("2031-03-15_2031-03-31", "projects/a.csv");
    assert_eq!(column(&text, "service"), ["rtc", "adjustment"]);
    assert_eq!(column(&text, "cost"), ["0.320000", "10.000000"]);
    let text = read("2031-03-15_2031-03-31", "summary.csv");
    assert_eq!(column(&text, "project_id"), ["a", ""]);
    assert_eq!(column(&text, "cost"), ["10.320000", "-2.000000"]);
    let manifest: serde_json::Value =
        serde_json::from_str(&read("2031-02-14_2031-03-14", "manifest.json")).expect("JSON");
    assert_eq!(manifest["total"], "0.300000");
    let months = &manifest["months"];
    assert_eq!(
        (&months[0]["whole"], &months[0]["with_adjustments"]),
        (&false.into(), &true.into())
    );
    assert_eq!(months[1]["to"], "2031-03-14");
    assert_eq!(months[1]["with_adjustments"], false);
    assert_eq!(months[1]["bill_total"], "8.56");
}

#[test]
fn every_format_of_a_range_has_the_same_total() {
    let out = TempDir::new().expect("folder");
    let mut options = options(out.path());
    options.formats = Format::all().collect();
    let written = write("2031-02-14", "2031-03-31", &options);
    let total = "8.620000";
    assert_eq!(written.total_micro_units, 8_620_000);
    let read = |file: &str| fs::read_to_string(written.published.folder.join(file)).expect(file);
    let manifest: serde_json::Value = serde_json::from_str(&read("manifest.json")).expect("JSON");
    let files = manifest["files"].as_array().expect("files");
    for name in ["summary.csv", "summary.parquet", "report.xlsx", "report.html", "report.json"] {
        let file = files.iter().find(|file| file["path"] == name).expect(name);
        assert_eq!(file["sums"]["cost"], total, "{name}");
    }
    for name in ["focus.csv", "focus.parquet"] {
        let file = files.iter().find(|file| file["path"] == name).expect(name);
        assert_eq!(file["sums"]["BilledCost"], total, "{name}");
    }
    insta::assert_snapshot!("range_focus", read("focus.csv"));
    let json: serde_json::Value = serde_json::from_str(&read("report.json")).expect("JSON");
    assert_eq!(json["days"].as_array().expect("days").len(), 46);
    let mut json = json;
    json["days"] = json["days"][0].take();
    insta::assert_snapshot!("range_json", serde_json::to_string_pretty(&json).expect("JSON"));
    let page = read("report.html");
    let start = page.find("<main>").expect("main");
    insta::assert_snapshot!("range_page", &page[start..page.find("id=\"days\"").expect("days")]);
}
