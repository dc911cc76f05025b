-- An invented platform for timing views and questions, for an empty and migrated database.
--
--   psql --set projects=1000 --set days=1095 --file benches/analyst_data.sql URL
--
-- The days end with 2030. Two accounts share the projects. As after a backfill
-- there is one request a project, service and month; some failed, some were made
-- twice, some never, a few contradict. One project in a hundred was never used,
-- one in fifty is deleted, one value in a hundred was corrected and some are
-- unknown. Every month has a draft, a selling price and a forecast, and all but the
-- last one are closed; corrections came after that.
--
-- Occupancy is of 50 projects: hours of all the days, snapshots and channels of
-- the last one.
\set ON_ERROR_STOP 1
\if :{?projects} \else \set projects 1000 \endif
\if :{?days} \else \set days 1095 \endif
begin;

insert into agora.account (account_id, first_seen_at)
select name, '2028-01-01Z' from unnest(array['east', 'west']) as name;

insert into agora.project (
    account_id, project_id, project_name, status, has_certificate, first_seen_at, created_at, deleted_at
)
select
    case when n % 2 = 0 then 'east' else 'west' end,
    'P' || n,
    'Project ' || n,
    case when n % 50 = 7 then 'deleted' else 'active' end,
    false,
    '2028-01-01Z',
    timestamptz '2028-01-01Z' + n % 900 * interval '1 day',
    case when n % 50 = 7 then timestamptz '2030-09-01Z' + n % 30 * interval '1 day' end
from generate_series(1, :projects) as n;

-- A spread that is the same in every run: thousandths of a hash.
create function pg_temp.thousandth(text) returns integer
language sql immutable as $$ select mod(abs(hashtext($1)::bigint), 1000)::integer $$;

create temporary table asked on commit drop as
select
    p.account_id,
    p.project_id,
    s.service,
    greatest(m::date, date '2031-01-01' - :days) as from_day,
    (m + interval '1 month - 1 day')::date as to_day,
    pg_temp.thousandth(p.project_id || s.service || m) as luck
from agora.project as p
cross join unnest(array['rtc', 'cloud_recording', 'miniapp']) as s (service)
cross join generate_series(
    date_trunc('month', timestamp '2031-01-01' - :days * interval '1 day'), '2030-12-01', '1 month'
) as m;

insert into agora.sync_request (
    account_id, project_id, endpoint, service, from_day, to_day, started_at, finished_at,
    outcome, http_status, attempts, message, rows_received, contradicted_days
)
select
    a.account_id, a.project_id, 'usage_v3', a.service, a.from_day, a.to_day,
    a.from_day + interval '40 days', a.from_day + interval '40 days',
    case when t.failed then 'failed' when t.contradicted then 'contradiction' else 'ok' end,
    case when t.failed then 500 else 200 end,
    case when t.failed then 6 else 1 end,
    case when t.failed then 'the platform answered 500' end,
    case when a.service = 'rtc' and not t.failed then a.to_day - a.from_day + 1 else 0 end,
    case when t.contradicted and a.service = 'rtc' then array[a.from_day, a.from_day + 3] else '{}' end
from asked as a
cross join generate_series(1, 2) as round
cross join lateral (
    select a.luck < 5 and round = 1 as failed, a.luck = 5 and round = 2 as contradicted
) as t
-- 0 to 2 were asked again, after a failure; 3 and 4 were not; 5 was contradicted; 6 was never asked for.
where a.luck <> 6 and (round = 1 or a.luck in (0, 1, 2, 5));

insert into agora.usage_daily (
    account_id, project_id, service, day, source,
    audio_seconds, hd_seconds, hdp_seconds, full_hd_seconds, video_2k_seconds, video_2k_plus_seconds,
    missing_media, observed_at, request_id
)
select
    r.account_id, r.project_id, r.service, r.from_day + d, 'v3',
    case when not t.unknown then 100 * pg_temp.thousandth(r.project_id || d) end,
    50 * pg_temp.thousandth(r.project_id || r.from_day),
    case when pg_temp.thousandth(r.project_id || 'hdp') < 20 then 600 else 0 end,
    100 * d, 0, 0,
    case when t.unknown then '{audio}'::text[] else '{}' end,
    r.finished_at, r.request_id
from (
    select distinct on (account_id, project_id, service, from_day) *
    from agora.sync_request
    where outcome <> 'failed' and service = 'rtc'
    order by account_id, project_id, service, from_day, request_id
) as r
cross join generate_series(0, r.to_day - r.from_day) as d
cross join lateral (
    select d = 4 and pg_temp.thousandth(r.project_id || r.from_day || 'unknown') < 10 as unknown
) as t
join agora.project as p
    on p.account_id = r.account_id
    and p.project_id = r.project_id
    and (p.deleted_at is null or r.from_day + d < p.deleted_at::date)
where substr(r.project_id, 2)::integer % 100 <> 0
-- As they come in: month by month.
order by r.from_day, r.project_id, d;

update agora.usage_daily
set
    audio_seconds = audio_seconds + 60,
    observed_at = day + interval '60 days',
    request_id = request_id + 1000000
where pg_temp.thousandth(project_id || day) < 10 and missing_media = '{}';

insert into agora.bill (
    account_id, month, revision, status, currency, minor_unit_digits, exact_total, total, unallocated,
    book_name, book_sha256, rated_at
)
select distinct
    a.account_id, date_trunc('month', a.from_day::timestamp)::date, 0, 'complete', 'USD', 2, 100, 100, 0,
    'tiered-usd', '', timestamptz '2031-01-12Z'
from asked as a;

insert into agora.bill_line (
    account_id, month, revision, service, media, tier, seconds, minutes, free_minutes, billable_minutes,
    unit_price_per_1000, amount
)
select b.account_id, b.month, 0, 'rtc', m.media, 1, 6000, 100, 30, 70, m.price, m.price * 70 / 1000
from agora.bill as b
cross join (values ('audio', 0.99), ('hd', 3.99), ('full_hd', 8.99)) as m (media, price);

insert into agora.bill_allocation (
    account_id, month, revision, project_id, day, service,
    audio_cost, sd_cost, hd_cost, hdp_cost, full_hd_cost, video_2k_cost, video_2k_plus_cost, cost
)
select
    u.account_id, date_trunc('month', u.day::timestamp)::date, 0, u.project_id, u.day, u.service,
    audio_seconds * 0.000017, 0, hd_seconds * 0.000066, 0, full_hd_seconds * 0.000150, 0, 0,
    audio_seconds * 0.000017 + hd_seconds * 0.000066 + full_hd_seconds * 0.000150
from (
    select
        account_id, project_id, day, service, coalesce(audio_seconds, 0) as audio_seconds, hd_seconds,
        full_hd_seconds
    from agora.usage_daily
) as u
order by 1, 2, 4, 5, 6;

insert into agora.bill (
    account_id, month, revision, status, currency, minor_unit_digits, exact_total, total, unallocated,
    book_name, book_sha256, rated_at, closed_at, known_request_id
)
select
    b.account_id, b.month, 1, b.status, b.currency, b.minor_unit_digits, b.exact_total, b.total,
    b.unallocated, b.book_name, b.book_sha256, b.rated_at, b.month + interval '40 days', 1000000
from agora.bill as b
where b.month < '2030-12-01';

insert into agora.bill_line
select (jsonb_populate_record(l, '{"revision": 1}')).*
from agora.bill_line as l
where l.month < '2030-12-01';

insert into agora.bill_allocation
select
    a.account_id, a.month, 1, a.project_id, a.day, a.service,
    a.audio_cost, a.sd_cost, a.hd_cost, a.hdp_cost, a.full_hd_cost, a.video_2k_cost,
    a.video_2k_plus_cost, a.cost
from agora.bill_allocation as a
where a.month < '2030-12-01'
order by 1, 2, 4, 5, 6;

insert into agora.sell_allocation (
    account_id, month, project_id, amount, cost, currency, book_name, book_sha256, rated_at
)
select
    c.account_id, c.month, c.project_id, round(1.2 * c.cost, 2), c.cost, 'USD', 'fixed-usd', '',
    '2031-01-12Z'
from agora.project_cost_monthly as c;

insert into agora.month_forecast (
    account_id, month, last_day, made_at, currency, to_date, expected, low, high, known_days
)
select b.account_id, b.month, b.month + d, b.month + d + interval '30 hours', 'USD', 100, 100, 90, 110, 56
from agora.bill_in_force as b
cross join generate_series(0, 27) as d;

insert into agora.budget_state (
    account_id, month, last_day, scope, name, amount, to_date, expected, reached_percent, is_forecast_over
)
select f.account_id, f.month, f.last_day, 'project', 'P' || n, 50, 10, 40, '{}', false
from agora.month_forecast as f
cross join generate_series(1, 20) as n;

insert into agora.plan_comparison (
    account_id, rank, first_month, last_month, plan, total, low, high, currency, is_in_force,
    prices_all_usage, compared_at
)
select a.account_id, n, '2030-01-01', '2030-12-01', 'plan ' || n, n, n, n, 'USD', n = 1, true, '2031-01-12Z'
from agora.account as a
cross join generate_series(1, 8) as n;

create temporary table watched on commit drop as
select account_id, project_id from agora.project order by project_id limit 50;

insert into agora.occupancy_hourly (
    account_id, project_id, hour, snapshots, incomplete_snapshots, observed_seconds, incomplete_seconds,
    user_seconds, channel_seconds, peak_users, peak_users_at, peak_channels, peak_channels_at
)
select p.account_id, p.project_id, h, 60, 0, 3600, 0, 36000, 7200, 20, h, 4, h
from watched as p
cross join generate_series(
    timestamptz '2031-01-01Z' - :days * interval '24 hours', '2030-12-31T23:00Z', '1 hour'
) as h;

insert into agora.occupancy_snapshot (
    account_id, project_id, observed_at, total_channels, seen_channels, user_count, complete
)
select p.account_id, p.project_id, m, 4, 4, pg_temp.thousandth(p.project_id || m), true
from watched as p
cross join generate_series(timestamptz '2030-12-31Z', '2030-12-31T23:59Z', '1 minute') as m;

create table agora.occupancy_channel_20301231 partition of agora.occupancy_channel
for values from ('2030-12-31Z') to ('2031-01-01Z');
alter table agora.occupancy_channel_20301231 enable row level security;
insert into agora.occupancy_channel (account_id, project_id, channel_name, from_at, to_at, user_count)
select
    p.account_id, p.project_id, 'c' || n, '2030-12-31Z',
    case when n % 10 > 0 then timestamptz '2030-12-31T04:00Z' end, 1
from watched as p
cross join generate_series(1, 100) as n;
commit;
vacuum analyze;
