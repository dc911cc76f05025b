//! Views and questions of costs rest on the bill that reports show: the newest
//! closed revision, or the draft of a month that was never closed.

use std::collections::BTreeMap;

use crate::support::database::TestDatabase;
use crate::support::fake_api::{AUDIO, FULL_HD, HD};
use crate::support::program::Program;
use crate::support::reports::Row;
use crate::support::setup::Setup;

/// February and March of three projects, every day of them final.
async fn account() -> Setup {
    let setup = Setup::at("2031-04-20T12:00:00Z").await;
    setup.api.list(&["P1", "P2", "P3"]);
    for month in ["2031-02", "2031-03"] {
        let day = |day: u32| format!("{month}-{day:02}");
        setup.api.use_seconds("P1", &day(1), &[(AUDIO, 900_000), (HD, 6_000_000)]);
        setup.api.use_seconds("P2", &day(2), &[(FULL_HD, 300_000)]);
        setup.api.use_seconds("P3", &day(3), &[(FULL_HD, 120_000)]);
    }
    setup.backfill("2031-02-01", "2031-03-31").exits(0);
    setup.run(&["tag", "set", "P1", "cost_centre=ops"]).exits(0);
    setup
}

/// Values of March become higher, lower, 0 and known for the first time; tags change.
fn restate(setup: &Setup) {
    setup.api.use_seconds("P1", "2031-03-01", &[(AUDIO, 1_200_000), (HD, 6_000_000)]);
    setup.api.use_seconds("P2", "2031-03-02", &[(FULL_HD, 60_000)]);
    setup.api.use_seconds("P3", "2031-03-03", &[(FULL_HD, 0)]);
    setup.api.use_seconds("P3", "2031-03-20", &[(AUDIO, 3_000_000)]);
    setup.backfill_again("2031-03-01", "2031-03-31");
    setup.run(&["tag", "set", "P1", "cost_centre=sales", "--from", "2031-03"]).exits(0);
}

fn rows(program: &Program, question: &str, parameters: &[&str]) -> Vec<Row> {
    let mut arguments = vec!["query", question, "--output", "csv"];
    arguments.extend(parameters.iter().flat_map(|parameter| ["-p", parameter]));
    let outcome = program.run(&arguments).exits(0);
    let mut reader = csv::Reader::from_reader(outcome.stdout.as_bytes());
    reader.deserialize().map(|row| row.expect("a row")).collect()
}

/// Value of one column by that of another, without what costs nothing.
fn costs(rows: &[Row], key: &str) -> BTreeMap<String, String> {
    let pairs = rows.iter().map(|row| (row[key].clone(), row["cost"].clone()));
    pairs.filter(|(_, cost)| cost.bytes().any(|byte| matches!(byte, b'1'..=b'9'))).collect()
}

/// Every view and question has the figures of the month's report, and names its revision.
async fn assert_in_force(setup: &Setup, revision: &str, cost_centre: &str) {
    let (report, program) = (setup.month("2031-03"), &setup.program);
    let (summary, total) = (report.rows("summary.csv"), report.total());
    let only = ["month=2031-03"];
    let by_project = rows(program, "cost_by_project_and_month", &only);
    assert_eq!(costs(&by_project, "project_id"), costs(&summary, "project_id"));
    let months = rows(program, "cost_by_month", &only);
    assert_eq!(months[0]["total"], total);
    let centres = rows(program, "cost_by_cost_centre_and_month", &only);
    let centre_costs = costs(&centres, "cost_centre");
    assert_eq!(centre_costs[cost_centre], costs(&summary, "project_id")["P1"]);
    let lines = rows(program, "bill_lines", &only);
    let tiers: Vec<String> = lines
        .iter()
        .map(|row| {
            let figures = ["minutes", "free_minutes", "billable_minutes"].map(|name| &*row[name]);
            format!("{} {}: {}", row["media"], row["tier"], figures.join(", "))
        })
        .collect();
    let (mut tiers, mut expected) = (tiers, report.lines());
    tiers.sort();
    expected.sort();
    assert_eq!(tiers, expected);
    for (question, found) in [
        ("cost_by_project_and_month", by_project),
        ("cost_by_month", months),
        ("cost_by_cost_centre_and_month", centres),
        ("bill_lines", lines),
        ("biggest_days", rows(program, "biggest_days", &only)),
        ("cost_by_project_and_media", rows(program, "cost_by_project_and_media", &only)),
        ("free_minutes_by_project", rows(program, "free_minutes_by_project", &only)),
        ("top_movers", rows(program, "top_movers", &only)),
        ("unit_cost_trend", rows(program, "unit_cost_trend", &only)),
    ] {
        assert!(!found.is_empty(), "{question}");
        for row in found {
            assert_eq!(row["revision"], revision, "{question}");
            let closed_at = row.get("closed_at").is_none_or(|time| !time.is_empty());
            assert!(closed_at || revision == "0", "{question}");
        }
    }
    for (column, media) in [("audio_minutes", "audio"), ("full_hd_minutes", "full_hd")] {
        for project in &summary {
            let minutes = &project[column];
            let is_same = format!(
                "select coalesce(sum(minutes), 0) = coalesce(nullif('{minutes}', '')::numeric, 0) \
                 from agora.unit_costs where project_id = '{}' and media = '{media}' \
                 and month = '2031-03-01'",
                project["project_id"]
            );
            assert_eq!(setup.database.value(&is_same).await, "t", "{media} {project:?}");
        }
    }
    let sums = format!(
        "select b.amount_due = {total} \
             and b.amount_due = (select sum(c.cost) from agora.project_cost_monthly as c \
                 where c.month = b.month) \
             and b.amount_due = (select sum(c.cost) from agora.project_cost_daily as c \
                 where date_trunc('month', c.day) = b.month) \
             and b.amount_due = (select sum(c.cost) from agora.cost_by_media_daily as c \
                 where date_trunc('month', c.day) = b.month) \
         from agora.bill_in_force as b where b.month = '2031-03-01'"
    );
    assert_eq!(setup.database.value(&sums).await, "t");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_month_costs_what_its_report_says_until_it_is_revised() {
    let mut setup = account().await;
    setup.report("2031-02..2031-03").exits(0);
    assert_in_force(&setup, "0", "ops").await;
    setup.run(&["bill", "close", "--month", "2031-03"]).exits(0);
    setup.report("2031-03").exits(0);
    assert_in_force(&setup, "1", "ops").await;
    let closed = setup.month("2031-03").total();

    setup.now("2031-05-02T12:00:00Z");
    restate(&setup);
    setup.report("2031-03").exits(0).says(&["changes since the close"]);
    let draft = "select round(amount_due, 2) from agora.bill \
                 where revision = 0 and month = '2031-03-01'";
    let draft = setup.database.value(draft).await;
    assert_ne!(draft, closed, "the draft follows the facts");
    assert_eq!(setup.month("2031-03").total(), closed);
    assert_in_force(&setup, "1", "ops").await;

    setup.now("2031-05-03T12:00:00Z");
    setup.run(&["bill", "close", "--month", "2031-03", "--revise"]).exits(0);
    setup.report("2031-03").exits(0);
    assert_eq!(setup.month("2031-03").total(), draft);
    assert_in_force(&setup, "2", "sales").await;
    // The month before was never closed.
    let february = rows(&setup.program, "cost_by_month", &["month=2031-02"]);
    assert_eq!((&*february[0]["revision"], &*february[0]["closed_at"]), ("0", ""));
}

/// Two accounts: `east` pays dollars, `west` renminbi, and changed to them in March.
const TWO_CURRENCIES: &str = "
insert into agora.account values ('east', '2031-01-01Z'), ('west', '2031-01-01Z');
insert into agora.bill
select a, m, 0, 'complete', case when a = 'west' and m = '2031-03-01' then 'CNY' else 'USD' end,
    2, 1, 1, 0, 'book', '', '2031-04-01Z'
from unnest(array['east', 'west']) as a
cross join unnest(array[date '2031-02-01', '2031-03-01']) as m;
insert into agora.bill_allocation
select b.account_id, b.month, 0, 'P' || n, b.month + n, 'rtc', 0, 0, 0, 0, 0, 0, 0,
    n * case when b.currency = 'CNY' then 700 when b.month = '2031-03-01' then 100 else 1 end
from agora.bill as b cross join generate_series(1, 3) as n;
";

#[tokio::test(flavor = "multi_thread")]
async fn currencies_are_not_ranked_against_each_other() {
    let database = TestDatabase::new();
    database.execute(TWO_CURRENCIES).await;
    let mut program = Program::new();
    program.set("DATABASE_URL", database.url());
    let ranked = |question: &str, columns: &[&str]| -> Vec<String> {
        let rows = rows(&program, question, &["month=2031-03", "limit=2"]);
        let row =
            |row: &Row| columns.iter().map(|column| &*row[*column]).collect::<Vec<_>>().join(" ");
        rows.iter().map(row).collect()
    };
    assert_eq!(
        ranked("top_movers", &["currency", "account_id", "project_id", "cost_before", "cost"]),
        [
            // West paid dollars before, which are no renminbi.
            "CNY west P3  2100.00",
            "CNY west P2  1400.00",
            "USD east P3 3.00 300.00",
            "USD east P2 2.00 200.00",
        ]
    );
    assert_eq!(
        ranked("biggest_days", &["currency", "account_id", "day", "cost"]),
        [
            "CNY west 2031-03-04 2100.000000",
            "CNY west 2031-03-03 1400.000000",
            "USD east 2031-03-04 300.000000",
            "USD east 2031-03-03 200.000000",
        ]
    );
}
