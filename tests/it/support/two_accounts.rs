//! A database with something of two accounts in every table.

use agora_usage::store::occupancy::partitions;
use chrono::NaiveDate;

use super::database::TestDatabase;
use super::program::Program;

const TWO_ACCOUNTS: &str = "
insert into agora.account values ('east', '2031-01-01Z'), ('west', '2031-01-01Z');
insert into agora.project (account_id, project_id, project_name, status, has_certificate, first_seen_at)
select a.account_id, 'P_' || a.account_id, a.account_id || '''); DROP TABLE agora.usage_daily;--',
    'active', false, '2031-01-01Z'
from agora.account as a;
insert into agora.sync_request (
    account_id, request_id, endpoint, project_id, service, from_day, to_day, started_at,
    finished_at, outcome, attempts, rows_received, message
)
select p.account_id, n, 'usage_v3', p.project_id, 'rtc', '2031-01-01', '2031-01-31',
    '2031-02-01Z', '2031-02-01Z', 'ok', 1, 1, null
from agora.project as p cross join generate_series(1, 2) as n;
insert into agora.usage_daily (
    account_id, project_id, service, day, source, audio_seconds, observed_at, request_id,
    missing_media
)
select p.account_id, p.project_id, 'rtc', '2031-01-02', 'v3', 60, '2031-02-01Z', 1, '{hd}'
from agora.project as p;
update agora.usage_daily set audio_seconds = 600, request_id = 2;
insert into agora.occupancy_snapshot
select p.account_id, p.project_id, m, 1, 1, 1, true, null
from agora.project as p
cross join generate_series(timestamptz '2031-01-02Z', '2031-01-02T04:00Z', '1 minute') as m;
insert into agora.occupancy_channel
select p.account_id, p.project_id, 'c', '2031-01-02Z', null, 1 from agora.project as p;
insert into agora.occupancy_hourly (
    account_id, project_id, hour, snapshots, incomplete_snapshots, observed_seconds,
    incomplete_seconds, user_seconds, channel_seconds, peak_users, peak_users_at,
    peak_channels, peak_channels_at
)
select p.account_id, p.project_id, '2031-01-02Z', 60, 0, 3600, 0, 3600, 3600, 1, '2031-01-02Z',
    1, '2031-01-02Z'
from agora.project as p;
insert into agora.occupancy_hour_due
select p.account_id, p.project_id, '2031-01-02Z', '2031-01-02Z' from agora.project as p;
insert into agora.bill
select a.account_id, '2031-01-01', 0, 'complete', 'USD', 2, 1, 1, 0, 'book', '', '2031-02-01Z'
from agora.account as a;
insert into agora.bill_line
select a.account_id, '2031-01-01', 0, 'rtc', 'audio', 1, 600, 10, 0, 10, 0.99, 0.0099
from agora.account as a;
insert into agora.bill_allocation
select p.account_id, '2031-01-01', 0, p.project_id, '2031-01-02', 'rtc', 1, 0, 0, 0, 0, 0, 0, 1
from agora.project as p;
insert into agora.job_lease
select a.account_id, 'usage', 'host', 1, '2031-01-01Z' from agora.account as a;
insert into agora.job_run (account_id, job, slot, state, holder, attempt, started_at, finished_at)
select a.account_id, 'usage', '2031-01-01Z', 'done', 'host', 1, '2031-01-01Z', '2031-01-01Z'
from agora.account as a;
insert into agora.alert (account_id, kind, subject, state, message, raised_at, next_attempt_at)
select a.account_id, 'hole', 's', 'pending', 'm', '2031-01-01Z', '2031-01-01Z'
from agora.account as a;
";

/// A database with two accounts, and the program on it.
pub(crate) async fn two_accounts() -> (TestDatabase, Program) {
    let database = TestDatabase::new();
    let store = database.store().await;
    let day = NaiveDate::from_ymd_opt(2031, 1, 2).expect("day");
    partitions::ensure(store.pool(), day, 1).await.expect("partition");
    store.close().await;
    database.execute(TWO_ACCOUNTS).await;
    let mut program = Program::new();
    program.set("DATABASE_URL", database.url());
    (database, program)
}
