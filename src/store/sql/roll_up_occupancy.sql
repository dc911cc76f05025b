-- Computes hours from the snapshots that stand for a part of them.
-- $1: accounts, $2: projects, $3: hours
with claimed as (
    select *
    from unnest($1::text[], $2::text[], $3::timestamptz[]) as c (account_id, project_id, hour)
),

reading as (
    select
        c.account_id,
        c.project_id,
        c.hour,
        s.observed_at,
        s.complete,
        s.user_count as users,
        greatest(s.seen_channels, s.total_channels) as channels,
        date_trunc('second', s.observed_at) as stands_from,
        least(
            date_trunc('second', lead(s.observed_at) over by_time),
            date_trunc('second', s.observed_at) + interval '90 seconds',
            c.hour + interval '1 hour'
        ) as stands_until
    from claimed as c
    join agora.occupancy_snapshot as s
        on s.account_id = c.account_id
        and s.project_id = c.project_id
        and s.observed_at >= c.hour - interval '90 seconds'
        and s.observed_at < c.hour + interval '1 hour'
    window by_time as (partition by c.account_id, c.project_id, c.hour order by s.observed_at)
),

piece as (
    select
        r.account_id,
        r.project_id,
        r.hour,
        r.complete,
        r.users,
        r.channels,
        r.observed_at >= r.hour as is_of_the_hour,
        greatest(r.observed_at, r.hour) as seen_at,
        extract(epoch from r.stands_until - greatest(r.stands_from, r.hour))::bigint as seconds,
        max(r.users) over of_the_hour as peak_users,
        max(r.channels) over of_the_hour as peak_channels
    from reading as r
    where r.observed_at >= r.hour or r.stands_until > r.hour
    window of_the_hour as (partition by r.account_id, r.project_id, r.hour)
)

insert into agora.occupancy_hourly as h (
    account_id, project_id, hour,
    snapshots, incomplete_snapshots,
    observed_seconds, incomplete_seconds,
    user_seconds, channel_seconds,
    peak_users, peak_users_at,
    peak_channels, peak_channels_at
)
select
    p.account_id,
    p.project_id,
    p.hour,
    count(*) filter (where p.is_of_the_hour),
    count(*) filter (where p.is_of_the_hour and not p.complete),
    sum(p.seconds),
    coalesce(sum(p.seconds) filter (where not p.complete), 0),
    sum(p.users * p.seconds),
    sum(p.channels * p.seconds),
    p.peak_users,
    min(p.seen_at) filter (where p.users = p.peak_users),
    p.peak_channels,
    min(p.seen_at) filter (where p.channels = p.peak_channels)
from piece as p
group by p.account_id, p.project_id, p.hour, p.peak_users, p.peak_channels
order by p.account_id, p.project_id, p.hour
on conflict (account_id, project_id, hour) do update
set
    snapshots = excluded.snapshots,
    incomplete_snapshots = excluded.incomplete_snapshots,
    observed_seconds = excluded.observed_seconds,
    incomplete_seconds = excluded.incomplete_seconds,
    user_seconds = excluded.user_seconds,
    channel_seconds = excluded.channel_seconds,
    peak_users = excluded.peak_users,
    peak_users_at = excluded.peak_users_at,
    peak_channels = excluded.peak_channels,
    peak_channels_at = excluded.peak_channels_at
where
    (
        h.snapshots, h.incomplete_snapshots, h.observed_seconds, h.incomplete_seconds,
        h.user_seconds, h.channel_seconds,
        h.peak_users, h.peak_users_at, h.peak_channels, h.peak_channels_at
    ) is distinct from (
        excluded.snapshots, excluded.incomplete_snapshots,
        excluded.observed_seconds, excluded.incomplete_seconds,
        excluded.user_seconds, excluded.channel_seconds,
        excluded.peak_users, excluded.peak_users_at,
        excluded.peak_channels, excluded.peak_channels_at
    )
