//! Ranges of days.

use super::*;

/// Two months whose bills are whole cents, and what is asked of them.
fn range(first: &str, last: &str) -> (Vec<MonthSlice>, DateRange) {
    let slice = |month: &str, cents: [i128; 3]| {
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
        let Sample { bill, usage, .. } = sample;
        MonthSlice { bill, usage, status: BillStatus::Complete, has_gaps: false }
    };
    let range = DateRange::new(day(first), day(last)).expect("range");
    (vec![slice("2031-02", [1, 2, 4]), slice("2031-03", [8, 16, 32])], range)
}

fn range_total(first: &str, last: &str, out: &Path) -> i128 {
    let (slices, range) = range(first, last);
    let mut slices = slices.into_iter();
    let months = Months::new(slices.next().expect("first"), slices.collect());
    let account = crate::domain::AccountId::new("default").expect("valid");
    let tags = BTreeMap::new();
    let report =
        RangeReport { account: &account, range, months: &months, projects: &[], tags: &tags };
    let mut options = options(out);
    options.breakdowns = vec![Grouping::Project];
    write_range(&report, &options).expect("written").total_micro_units
}

#[test]
fn ranges_that_meet_add_up_to_the_bills() {
    let out = TempDir::new().expect("folder");
    let total = |first, last| range_total(first, last, out.path());
    assert_eq!(total("2031-02-01", "2031-03-31"), 630_000);
    assert_eq!(total("2031-02-01", "2031-02-28"), 70_000);
    assert_eq!(total("2031-02-14", "2031-03-14"), 20_000 + 40_000 + 80_000 + 160_000);
    assert_eq!(total("2031-03-15", "2031-03-31"), 320_000);
    let folder = out.path().join("default/2031-02-14_2031-03-14");
    let text = fs::read_to_string(folder.join("projects/a.csv")).expect("file");
    assert_eq!(column(&text, "cost"), ["0.020000", "0.040000", "0.080000", "0.160000"]);
    let manifest = fs::read_to_string(folder.join("manifest.json")).expect("file");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
    assert_eq!(manifest["total"], "0.300000");
    assert_eq!(manifest["months"][0]["whole"], false);
    assert_eq!(manifest["months"][1]["to"], "2031-03-14");
}
