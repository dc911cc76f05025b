//! FOCUS, JSON and breakdowns.

use super::*;

pub(super) fn of_format(name: &str, sample: &Sample) -> TempDir {
    let out = TempDir::new().expect("folder");
    let mut options = options(out.path());
    options.formats = vec![Format::from_name(name).expect("known")];
    write_month(&sample.report(), &options).expect("written");
    out
}

#[test]
fn focus_has_the_mandatory_columns_and_shows_what_was_free() {
    let mut sample = Sample::surrounded();
    sample.bill.unallocated.minor_units = 250;
    sample.bill.total.minor_units += 250;
    sample.balance();
    let out = of_format("focus", &sample);
    let text = read(out.path(), "focus.csv");
    insta::assert_snapshot!(text);
    // FOCUS 1.2, columns of feature level "Mandatory".
    let mandatory = [
        "BilledCost",
        "BillingAccountId",
        "BillingAccountName",
        "BillingCurrency",
        "BillingPeriodEnd",
        "BillingPeriodStart",
        "ChargeCategory",
        "ChargeClass",
        "ChargeDescription",
        "ChargePeriodEnd",
        "ChargePeriodStart",
        "ContractedCost",
        "EffectiveCost",
        "InvoiceIssuerName",
        "ListCost",
        "PricingQuantity",
        "PricingUnit",
        "ProviderName",
        "PublisherName",
        "ServiceCategory",
        "ServiceName",
    ];
    let header: Vec<_> = text.lines().next().expect("header").split(',').collect();
    assert!(mandatory.iter().all(|name| header.contains(name)), "{header:?}");
    assert!(files(out.path()).keys().all(|name| !name.contains("projects")));
}

#[test]
fn c41_names_in_focus_and_json_read_back_identical() {
    let names = ["a,b", "say \"hi\"", "two\nlines", "声网项目", "🎧 live"];
    let mut sample = Sample::empty();
    for (number, name) in names.iter().enumerate() {
        let id = format!("0{number}");
        sample.list(&id, name, ProjectStatus::Active);
        sample.use_hd(&id, "2031-03-01", 60, 1);
    }
    sample.balance();
    let out = of_format("focus", &sample);
    assert_eq!(column(&read(out.path(), "focus.csv"), "SubAccountName"), names);
    let out = of_format("json", &sample);
    let report: serde_json::Value =
        serde_json::from_str(&read(out.path(), "report.json")).expect("JSON");
    let found = report["projects"].as_array().expect("list").iter();
    assert!(found.map(|project| project["project_name"].as_str().expect("text")).eq(names));
}

#[test]
fn c42_names_that_would_run_are_text_in_focus_and_raw_in_its_parquet() {
    let mut sample = Sample::empty();
    sample.list("-x", "=1+1", ProjectStatus::Active);
    sample.use_hd("-x", "2031-03-01", 60, -150);
    sample.balance();
    let out = of_format("focus", &sample);
    let text = read(out.path(), "focus.csv");
    assert_eq!(column(&text, "SubAccountName"), ["'=1+1"]);
    assert_eq!(column(&text, "SubAccountId"), ["-x"]);
    assert_eq!(column(&text, "BilledCost"), ["-1.500000"]);
    let frame = read_parquet(&out.path().join(MONTH).join("focus.parquet"));
    let stored = frame.column("SubAccountName").expect("column").str().expect("text");
    assert!(stored.iter().flatten().eq(["=1+1"]));
}

#[test]
fn c46_parquet_of_focus_holds_exact_decimals_and_times() {
    let mut sample = Sample::empty();
    sample.use_hd("credit", "2031-03-01", 60, -1);
    sample.use_hd("large", "2031-03-31", 60, 123_456_789);
    sample.balance();
    let out = of_format("focus", &sample);
    let frame = read_parquet(&out.path().join(MONTH).join("focus.parquet"));
    let cost = frame.column("BilledCost").expect("column");
    assert_eq!(cost.dtype(), &DataType::Decimal(38, 6));
    let units: Vec<_> = cost.decimal().expect("decimal").physical().iter().collect();
    assert_eq!(units, [Some(-10_000), Some(1_234_567_890_000)]);
    let start = frame.column("ChargePeriodStart").expect("column").dtype();
    let DataType::Datetime(_, Some(zone)) = start else { panic!("{start}") };
    assert_eq!(zone.as_str(), "+00:00");
}

#[test]
fn json_is_the_whole_report_with_money_as_text() {
    let out = of_format("json", &Sample::surrounded());
    insta::assert_snapshot!(read(out.path(), "report.json"));
}

#[test]
fn a_breakdown_adds_up_and_names_what_belongs_to_nobody() {
    let mut sample = Sample::surrounded();
    sample.bill.unallocated.minor_units = 250;
    sample.bill.total.minor_units += 250;
    sample.balance();
    let out = TempDir::new().expect("folder");
    let mut options = options(out.path());
    options.breakdowns = Grouping::ALL.to_vec();
    write_month(&sample.report(), &options).expect("written");
    let by: Vec<_> = Grouping::ALL
        .iter()
        .map(|grouping| read(out.path(), &format!("by_{}.csv", grouping.name())))
        .collect();
    insta::assert_snapshot!(by.join("\n"));
}
