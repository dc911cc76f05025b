-- Three accounts with bills, usage and two nights of occupancy, for the questions of the lake.
insert into agora.account (account_id, first_seen_at)
values ('default', '2031-01-01Z'), ('east', '2031-01-01Z'), ('west', '2031-01-01Z');

insert into agora.project (account_id, project_id, project_name, status, has_certificate, first_seen_at)
select a.account_id, p.project_id, 'Project ' || p.project_id, 'active', false, '2031-01-01Z'
from agora.account as a
cross join (values ('P1'), ('P2'), ('p-3')) as p (project_id);

insert into agora.usage_daily (
    account_id, project_id, service, day, source, audio_seconds, hd_seconds, missing_media,
    observed_at, request_id
)
select
    p.account_id, p.project_id, 'rtc', d::date, 'v3',
    (extract(doy from d) * 977 + length(p.account_id) * 13)::bigint,
    case when extract(day from d) = 7 then null else (extract(day from d) * 61)::bigint end,
    case when extract(day from d) = 7 then '{hd}'::text[] else '{}'::text[] end,
    '2031-03-04 06:00:00.123456Z', 1
from agora.project as p
cross join generate_series('2031-01-15'::timestamp, '2031-03-03', '1 day') as d;

insert into agora.bill (
    account_id, month, revision, status, currency, minor_unit_digits, exact_total, total,
    unallocated, book_name, book_sha256, rated_at
)
select
    a.account_id, m::date, 0, 'complete', 'USD', 2, 0, 0,
    case when a.account_id = 'west' then 0.25 else 0 end, 'book', 'hash', '2031-03-04 06:00Z'
from agora.account as a
cross join generate_series('2031-01-01'::timestamp, '2031-02-01', '1 month') as m;

-- Amounts that no float holds, idle days that cost nothing, and money that came back.
insert into agora.bill_allocation (
    account_id, month, revision, project_id, day, service, audio_cost, sd_cost, hd_cost, hdp_cost,
    full_hd_cost, video_2k_cost, video_2k_plus_cost, cost
)
select u.account_id, date_trunc('month', u.day)::date, 0, u.project_id, u.day, u.service,
    c.cost, 0, 0, 0, 0, 0, 0, c.cost
from agora.usage_daily as u
cross join lateral (
    select case
        when extract(day from u.day) = 20 then 0
        when u.project_id = 'P2' and extract(day from u.day) = 28 then -1234567890.123457
        when u.project_id = 'p-3' and extract(day from u.day) in (3, 21) then -0.000001
        else (u.audio_seconds * 0.000099 + 0.1)::numeric(38, 6)
    end as cost
) as c
where u.day < '2031-03-01';

-- A credit and a charge of one project, a credit of another, and one of none.
insert into agora.bill_adjustment (account_id, month, revision, adjustment_id, project_id, cost)
values
('default', '2031-01-01', 0, 1, 'P1', -12.5),
('default', '2031-01-01', 0, 2, 'P1', 2.25),
('east', '2031-02-01', 0, 3, 'P2', -0.01),
('west', '2031-02-01', 0, 4, '', -99);

-- A snapshot a minute from 20:00 to 05:00, with a gap from 01:00 to 01:10, two
-- in one minute, and one at midnight that did not read every channel.
insert into agora.occupancy_snapshot (
    account_id, project_id, observed_at, total_channels, seen_channels, user_count, complete, reason
)
select
    p.account_id, p.project_id, t, 4, 3,
    30 + (extract(epoch from t)::bigint / 60 * length(p.account_id)) % 17 + length(p.project_id),
    t <> '2031-03-04 00:00Z',
    case when t = '2031-03-04 00:00Z' then 'drift' end
from agora.project as p
cross join (
    select generate_series('2031-03-03 20:00Z'::timestamptz, '2031-03-04 05:00Z', '1 minute')
    union all
    values ('2031-03-03 22:10:55.000001Z'::timestamptz)
) as s (t)
where p.project_id <> 'p-3' and not (t > '2031-03-04 01:00Z' and t < '2031-03-04 01:10Z');

insert into agora.occupancy_channel (
    account_id, project_id, channel_name, from_at, to_at, user_count
)
values
-- Over midnight and over the gap, which ends the first of two ghosts.
('default', 'P1', 'lobby', '2031-03-03 20:00Z', null, 1),
-- Too short, and too many.
('default', 'P1', 'meeting', '2031-03-03 21:00Z', '2031-03-03 23:30Z', 2),
('default', 'P1', 'party', '2031-03-03 20:00Z', null, 3),
-- Closed in the night.
('east', 'P2', 'room "1", blue', '2031-03-03 20:10Z', '2031-03-04 00:40Z', 2),
-- Each too short by itself: the incomplete snapshot saw another count in between.
('west', 'P1', 'torn', '2031-03-03 21:30Z', '2031-03-03 23:59Z', 1),
('west', 'P1', 'torn', '2031-03-04 00:00Z', '2031-03-04 00:00Z', 2),
('west', 'P1', 'torn', '2031-03-04 00:01Z', '2031-03-04 00:55Z', 1),
-- Began at midnight's first complete snapshot.
('west', 'P2', 'late', '2031-03-04 01:10Z', '2031-03-04 04:59Z', 1);
