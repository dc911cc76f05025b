//! The same figures as an independent program in plain Python integers.
//!
//! `reference.json` holds what that program prints for small invented months.

use serde::Deserialize;

use super::support::{REFERENCE_BOOK, assert_parts_equal_the_whole, cell, rate_march};
use crate::domain::{DayUsage, Media, Service};
use crate::rating::{Bill, PriceBook, exact_decimal_units};

#[derive(Deserialize)]
struct Case {
    name: String,
    days: Vec<u32>,
    projects: Vec<Project>,
    lines: Vec<Line>,
    cents: i128,
    allocation: Vec<Allocation>,
}

#[derive(Deserialize)]
struct Project {
    id: String,
    minutes: Vec<[i64; 4]>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Line {
    media: String,
    minutes: u128,
    free: u128,
    billable: u128,
    amount_1e7: i128,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Allocation {
    id: String,
    cents: i128,
    day_micro_units: Vec<i128>,
}

fn usage(case: &Case) -> Vec<DayUsage> {
    let media = [Media::Audio, Media::Sd, Media::Hd, Media::Hdp];
    let cells = |project: &Project| {
        let days: Vec<_> = case.days.iter().zip(&project.minutes).collect();
        days.into_iter()
            .map(|(day, minutes)| {
                let seconds: Vec<_> =
                    media.into_iter().zip(minutes.map(|value| value * 60)).collect();
                cell(&project.id, *day, Service::Rtc, &seconds)
            })
            .collect::<Vec<_>>()
    };
    case.projects.iter().flat_map(cells).collect()
}

fn line(bill: &Bill, media: &str) -> Line {
    let rows: Vec<_> = bill.lines.iter().filter(|line| line.media.name() == media).collect();
    let amounts = rows.iter().map(|line| exact_decimal_units(&line.amount, 7).expect("exact"));
    Line {
        media: media.to_owned(),
        minutes: rows.iter().map(|line| line.minutes).sum(),
        free: rows.iter().map(|line| line.free_minutes).sum(),
        billable: rows.iter().map(|line| line.billable_minutes).sum(),
        amount_1e7: amounts.sum(),
    }
}

#[test]
fn bills_and_allocations_equal_those_of_an_independent_program() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("reference.json")).expect("a fixture");
    let book = PriceBook::parse("reference.toml", REFERENCE_BOOK).expect("a valid book");
    assert_eq!(cases.len(), 7);
    for case in cases {
        let bill = rate_march(&usage(&case), &book);
        let lines: Vec<_> = ["audio", "hd", "hdp"].map(|media| line(&bill, media)).into();
        assert_eq!(lines, case.lines, "{}", case.name);
        assert_eq!(bill.total.minor_units, case.cents, "{}", case.name);
        let allocation: Vec<_> = bill
            .projects
            .iter()
            .map(|project| Allocation {
                id: project.project_id.to_string(),
                cents: project.cost_minor_units,
                day_micro_units: project.days.iter().map(|day| day.cost_micro_units).collect(),
            })
            .collect();
        assert_eq!(allocation, case.allocation, "{}", case.name);
        assert_parts_equal_the_whole(&bill);
    }
}
