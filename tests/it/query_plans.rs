//! Views and questions on much data: the rows of the fast way are those of the
//! plain one, and what is asked for is found by an index.

use std::fs;
use std::path::Path;

use crate::support::database::TestDatabase;

/// Logs of requests as no platform would make them: both APIs, for one project
/// and for all, failures, contradictions within and without the request's days,
/// deleted projects, unknown values. `setseed` makes each number one log.
fn odd_log(seed: u32) -> String {
    format!(
        "select setseed({seed} / 1000.0);
        delete from agora.sync_request;
        delete from agora.project;
        delete from agora.account;
        insert into agora.account values ('east', '2031-01-01Z'), ('west', '2031-01-01Z');
        insert into agora.project (
            account_id, project_id, project_name, status, has_certificate, first_seen_at, deleted_at
        )
        select
            a.account_id, 'P' || n, 'name ' || n, 'active', false, '2031-01-01Z',
            case when random() < 0.3 then timestamptz '2030-12-28Z' + random() * interval '90 days' end
        from agora.account as a, generate_series(1, 4) as n;
        insert into agora.sync_request (
            account_id, project_id, endpoint, service, from_day, to_day, started_at, finished_at,
            outcome, attempts, message, rows_received, contradicted_days
        )
        select
            account_id, project, endpoint, service, from_day, least(from_day + length, month_end),
            '2031-04-01Z', '2031-04-01Z', outcome, 1, 'request ' || n, 0,
            case
                when outcome = 'contradiction' then array[from_day, from_day + 2, from_day + 40]
                else '{{}}'
            end
        from (
            select
                n, date '2031-01-01' + month_day as from_day,
                (date_trunc('month', date '2031-01-01' + month_day) + interval '1 month - 1 day')::date
                    as month_end,
                (random() * 12)::integer as length,
                case when random() < 0.5 then 'east' else 'west' end as account_id,
                (array[null, 'P1', 'P2', 'P3', 'unlisted'])[1 + floor(random() * 5)::integer] as project,
                case when random() < 0.6 then 'usage_v3' else 'usage_v1' end as endpoint,
                case when random() < 0.7 then 'rtc' else 'miniapp' end as service,
                (array['ok', 'ok', 'failed', 'contradiction'])[1 + floor(random() * 4)::integer] as outcome
            from (
                select n, floor(random() * 80)::integer as month_day from generate_series(1, 60) as n
            ) as day
        ) as request;
        delete from agora.usage_daily;
        insert into agora.usage_daily (
            account_id, project_id, service, day, source, audio_seconds, missing_media, extra_seconds,
            observed_at, request_id
        )
        select
            p.account_id, p.project_id, s, date '2030-12-25' + d, 'v3', 60,
            case when random() < 0.1 then array['hd'] else '{{}}' end,
            case
                when random() < 0.1 then '{{\"duration8K\": null}}'::jsonb
                when random() < 0.1 then '{{\"duration8K\": 5}}'
                else '{{}}'
            end,
            '2031-04-01Z', 1
        from agora.project as p, unnest(array['rtc', 'miniapp']) as s, generate_series(0, 100) as d
        where random() < 0.8;"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn gaps_are_the_rows_of_coverage_that_a_bill_cannot_rely_on() {
    let database = TestDatabase::new();
    let columns = "account_id, project_id, project_name, service, day, state, message";
    let plain = format!(
        "select {columns} from agora.coverage where state not in ('stored', 'absent') order by 1, 2, 4, 5"
    );
    let fast = format!("select {columns} from agora.coverage_gaps order by 1, 2, 4, 5");
    for seed in 1..=25 {
        database.execute(&odd_log(seed)).await;
        let rows = database.rows(&plain).await;
        assert_eq!(database.rows(&fast).await, rows, "log {seed}");
        for state in ["missing", "failed", "contradicted", "incomplete"] {
            assert!(rows.iter().any(|row| row.contains(state)), "log {seed} has nothing {state}");
        }
    }
}

/// Where an index can serve, no plan reads a whole big table once sequential
/// scans are dear. An account and a range are given, as an analyst gives them.
#[tokio::test(flavor = "multi_thread")]
async fn no_question_needs_a_sequential_scan_of_a_big_table() {
    let database = TestDatabase::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("queries");
    let files = fs::read_dir(folder).expect("folder").map(|entry| entry.expect("entry").path());
    let mut asked = 0;
    for file in files.filter(|path| path.is_file()) {
        let plan = plan(&database, &fs::read_to_string(&file).expect("read")).await;
        for table in BIG_TABLES {
            let scan = format!("Seq Scan on {table} ");
            assert!(!plan.contains(&scan), "{}\n{plan}", file.display());
        }
        asked += 1;
    }
    assert!(asked > 15, "{asked} questions");
}

const BIG_TABLES: [&str; 7] = [
    "usage_daily",
    "usage_revision",
    "sync_request",
    "bill_allocation",
    "occupancy_hourly",
    "occupancy_snapshot",
    "occupancy_channel",
];

async fn plan(database: &TestDatabase, question: &str) -> String {
    let is_code = |line: &&str| !line.starts_with("--") && !line.starts_with('\\');
    let mut sql = question.lines().filter(is_code).collect::<Vec<_>>().join("\n");
    for (key, value) in [
        ("account", "default"),
        ("project", "P1"),
        ("month", "2031-02"),
        ("from_month", "2031-02"),
        ("to_month", "2031-03"),
        ("from", "2031-02-01"),
        ("to", "2031-02-28"),
        ("day", "2031-02-01"),
        ("days", ""),
        ("hours", ""),
        ("limit", ""),
    ] {
        sql = sql.replace(&format!(":'{key}'"), &format!("'{value}'"));
    }
    database.plan("set enable_seqscan = off", &sql).await
}
