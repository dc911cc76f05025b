-- An invented reseller for the questions of queries/spark, for an empty and migrated
-- database: each account has 20 projects, a month of usage and bills, and occupancy
-- of two days around a midnight.
--
--   psql --set accounts=1000 --set rows=20000000 --file benches/lake_data.sql URL
--
-- Rows are those of occupancy, at least so many, a minute and project each. Minutes
-- 100 to 109 of every six hours were not observed. Amounts are such that no float
-- holds, some days cost nothing, and money came back on some: credits of less than a
-- cent, and one of more than a milliard.
\set ON_ERROR_STOP 1
\if :{?accounts} \else \set accounts 1000 \endif
\if :{?rows} \else \set rows 20000000 \endif
begin;
-- The rows fit each other; looking up each one's project would take most of the time.
set local session_replication_role = replica;

insert into agora.account (account_id, first_seen_at)
select 'a' || lpad(n::text, 5, '0'), '2031-01-01Z' from generate_series(1, :accounts) as n;

insert into agora.project (
    account_id, project_id, project_name, status, has_certificate, first_seen_at
)
select a.account_id, 'P' || lpad(n::text, 2, '0'), 'Project ' || n, 'active', false, '2031-01-01Z'
from agora.account as a
cross join generate_series(1, 20) as n
order by a.account_id, n;

-- A spread that is the same in every run.
create function pg_temp.spread(text, below integer) returns integer
language sql immutable parallel safe as $$ select mod(abs(hashtext($1)::bigint), $2)::integer $$;

insert into agora.usage_daily (
    account_id, project_id, service, day, source, audio_seconds, hd_seconds, observed_at, request_id
)
select
    p.account_id, p.project_id, 'rtc', d::date, 'v3',
    pg_temp.spread(p.account_id || p.project_id || d, 1000000),
    pg_temp.spread(p.project_id || p.account_id || d, 500000),
    '2031-03-04 06:00:00.123456Z', 1
from agora.project as p
cross join generate_series('2031-02-01'::timestamp, '2031-02-28', '1 day') as d
order by p.account_id, p.project_id, d;

insert into agora.bill (
    account_id, month, revision, status, currency, minor_unit_digits, exact_total, total,
    unallocated, book_name, book_sha256, rated_at
)
select
    a.account_id, '2031-02-01', 0, 'complete', 'USD', 2, 0, 0,
    case when a.account_id like '%7' then 0.25 else 0 end, 'book', 'hash', '2031-03-04 06:00Z'
from agora.account as a;

insert into agora.bill_allocation (
    account_id, month, revision, project_id, day, service, audio_cost, sd_cost, hd_cost, hdp_cost,
    full_hd_cost, video_2k_cost, video_2k_plus_cost, cost
)
select
    u.account_id, '2031-02-01', 0, u.project_id, u.day, u.service, c.cost, 0, 0, 0, 0, 0, 0, c.cost
from agora.usage_daily as u
cross join lateral (
    select case
        when extract(day from u.day) = 20 then 0
        when u.project_id = 'P02' and u.day = '2031-02-28' then -1234567890.123457
        when u.project_id = 'P03' and extract(day from u.day) in (3, 21) then -0.000001
        else (u.audio_seconds * 0.000099 + u.hd_seconds * 0.000133)::numeric(38, 6)
    end as cost
) as c
order by u.account_id, u.project_id, u.day;

-- Credits, of a project or of none.
insert into agora.bill_adjustment (account_id, month, revision, adjustment_id, project_id, cost)
select
    account_id, '2031-02-01', 0, 1, case when account_id like '%5' then '' else 'P02' end, -12.34
from agora.account
where account_id like '%3' or account_id like '%5';

-- As many minutes before the midnight as after it.
create temporary table minute on commit drop as
select t
from generate_series(
    '2031-03-04Z'::timestamptz - (10 + ceil(:rows / (40.0 * :accounts) * 1.03)) * interval '1 minute',
    '2031-03-04Z'::timestamptz + (10 + ceil(:rows / (40.0 * :accounts) * 1.03)) * interval '1 minute',
    '1 minute'
) as t
where mod(extract(epoch from t)::bigint / 60, 360) not between 100 and 109;

insert into agora.occupancy_snapshot (
    account_id, project_id, observed_at, total_channels, seen_channels, user_count, complete, reason
)
select
    p.account_id, p.project_id, m.t, 4, 3,
    mod(extract(epoch from m.t)::bigint / 60 * p.factor, 97) + mod(p.factor, 31),
    m.t <> '2031-03-04Z',
    case when m.t = '2031-03-04Z' then 'drift' end
from (
    select account_id, project_id, pg_temp.spread(account_id || project_id, 1000) + 1 as factor
    from agora.project
) as p
cross join minute as m
order by p.account_id, p.project_id, m.t;

create table agora.occupancy_channel_20310303 partition of agora.occupancy_channel
for values from ('2031-03-03Z') to ('2031-03-04Z');
create table agora.occupancy_channel_20310304 partition of agora.occupancy_channel
for values from ('2031-03-04Z') to ('2031-03-05Z');

-- Two that could be forgotten, one with too many users, one too short.
insert into agora.occupancy_channel (
    account_id, project_id, channel_name, from_at, to_at, user_count
)
select p.account_id, p.project_id, c.name, c.from_at, c.to_at, c.users
from agora.project as p
cross join (
    select 'room "1", blue' as name, min(t) as from_at, null::timestamptz as to_at, 1 as users from minute
    union all
    select 'night', '2031-03-03 21:00Z', '2031-03-04 02:30Z', 2
    union all
    select 'party', min(t), null, 3 from minute
    union all
    select 'short', '2031-03-04 00:10Z', '2031-03-04 01:00Z', 1
) as c
order by p.account_id, p.project_id, c.name;
commit;
vacuum analyze;
