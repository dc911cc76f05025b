-- Views of occupancy for analysts.

create view agora.occupancy_intervals as
with newest as (
    select
        p.account_id,
        p.project_id,
        p.project_name,
        s.observed_at
    from agora.project as p
    left join lateral (
        select n.observed_at
        from agora.occupancy_snapshot as n
        where n.account_id = p.account_id and n.project_id = p.project_id and n.complete
        order by n.observed_at desc
        limit 1
    ) as s on true
)

select
    c.account_id,
    c.project_id,
    n.project_name,
    c.channel_name,
    c.user_count,
    c.from_at,
    coalesce(c.to_at, greatest(c.from_at, n.observed_at)) as to_at,
    c.to_at is null as is_open
from agora.occupancy_channel as c
join newest as n using (account_id, project_id);

comment on view agora.occupancy_intervals is
    'Channels by time: one row a channel while its user count stays the same, open rows with the end that they have so far. Goes back as far as the retention (14 days unless set).';
comment on column agora.occupancy_intervals.account_id is 'Account of the project.';
comment on column agora.occupancy_intervals.project_id is 'Project of the channel.';
comment on column agora.occupancy_intervals.project_name is 'Name of the project as last listed.';
comment on column agora.occupancy_intervals.channel_name is 'Name of the channel; a NUL character is written as \u0000.';
comment on column agora.occupancy_intervals.user_count is 'Users in the channel.';
comment on column agora.occupancy_intervals.from_at is 'First snapshot that saw this user count.';
comment on column agora.occupancy_intervals.to_at is
    'Last complete snapshot that saw it; for open rows the newest complete snapshot of the project.';
comment on column agora.occupancy_intervals.is_open is 'Whether nothing newer is known of the channel.';

create view agora.ghost_channels as
with newest as (
    select
        p.account_id,
        p.project_id,
        s.observed_at
    from agora.project as p
    cross join lateral (
        select n.observed_at
        from agora.occupancy_snapshot as n
        where n.account_id = p.account_id and n.project_id = p.project_id and n.complete
        order by n.observed_at desc
        limit 1
    ) as s
),

-- Two parts, so that each finds its index: occupancy_channel_flat, occupancy_channel_open.
candidate as not materialized (
    select
        c.account_id,
        c.project_id,
        c.channel_name,
        c.user_count,
        c.from_at,
        c.to_at,
        false as is_open
    from agora.occupancy_channel as c
    where c.user_count between 1 and 2 and c.to_at - c.from_at >= interval '3 hours'
    union all
    select
        c.account_id,
        c.project_id,
        c.channel_name,
        c.user_count,
        c.from_at,
        n.observed_at as to_at,
        true as is_open
    from newest as n
    join agora.occupancy_channel as c using (account_id, project_id)
    where
        c.to_at is null
        and c.user_count between 1 and 2
        and n.observed_at - c.from_at >= interval '3 hours'
),

span as (
    select
        c.account_id,
        c.project_id,
        min(c.from_at) as from_at,
        max(c.to_at) as to_at
    from candidate as c
    group by c.account_id, c.project_id
),

reading as (
    select
        s.account_id,
        s.project_id,
        s.observed_at,
        s.observed_at - lag(s.observed_at) over by_time > interval '90 seconds' as comes_after_a_gap
    from span as r
    join agora.occupancy_snapshot as s
        on s.account_id = r.account_id
        and s.project_id = r.project_id
        and s.observed_at between r.from_at and r.to_at
    window by_time as (partition by s.account_id, s.project_id order by s.observed_at)
),

numbered as (
    select
        r.account_id,
        r.project_id,
        r.observed_at,
        count(*) filter (where r.comes_after_a_gap) over by_time as stretch_number
    from reading as r
    window by_time as (partition by r.account_id, r.project_id order by r.observed_at)
),

stretch as (
    select
        n.account_id,
        n.project_id,
        min(n.observed_at) as from_at,
        max(n.observed_at) as to_at
    from numbered as n
    group by n.account_id, n.project_id, n.stretch_number
),

flat as (
    select
        c.account_id,
        c.project_id,
        c.channel_name,
        c.user_count,
        greatest(c.from_at, s.from_at) as from_at,
        least(c.to_at, s.to_at) as to_at,
        c.is_open and s.to_at >= c.to_at as is_open
    from candidate as c
    join stretch as s using (account_id, project_id)
)

select
    f.account_id,
    f.project_id,
    p.project_name,
    f.channel_name,
    f.user_count,
    f.from_at,
    f.to_at,
    round(extract(epoch from f.to_at - f.from_at) / 3600, 2) as flat_hours,
    f.is_open
from flat as f
join agora.project as p using (account_id, project_id)
where f.to_at - f.from_at >= interval '3 hours';

comment on view agora.ghost_channels is
    'Channels that somebody seems to have forgotten: one or two users, the same count for at least 3 hours, seen without a gap of more than 90 seconds between snapshots. One row a channel and time; a gap ends a row. Goes back as far as the retention (14 days unless set).';
comment on column agora.ghost_channels.account_id is 'Account of the project.';
comment on column agora.ghost_channels.project_id is 'Project of the channel.';
comment on column agora.ghost_channels.project_name is 'Name of the project as last listed.';
comment on column agora.ghost_channels.channel_name is 'Name of the channel; a NUL character is written as \u0000.';
comment on column agora.ghost_channels.user_count is 'Users in it all that time, 1 or 2.';
comment on column agora.ghost_channels.from_at is 'First snapshot of that time.';
comment on column agora.ghost_channels.to_at is 'Last snapshot of that time.';
comment on column agora.ghost_channels.flat_hours is 'Hours from from_at to to_at, two decimals, at least 3.';
comment on column agora.ghost_channels.is_open is 'Whether the channel was still so in the newest complete snapshot of the project.';

create view agora.occupancy_hourly_averages as
select
    h.account_id,
    h.project_id,
    p.project_name,
    h.hour,
    h.average_users,
    h.average_channels,
    h.user_hours,
    h.channel_hours,
    h.peak_users,
    h.peak_users_at,
    h.peak_channels,
    h.peak_channels_at,
    h.snapshots,
    h.incomplete_snapshots,
    h.unobserved_minutes
from agora.occupancy_hourly as h
join agora.project as p using (account_id, project_id);

comment on view agora.occupancy_hourly_averages is
    'Users and channels of a project by UTC hour, averaged over the seconds that were observed, with the peaks. An hour without a row was not observed.';
comment on column agora.occupancy_hourly_averages.account_id is 'Account of the project.';
comment on column agora.occupancy_hourly_averages.project_id is 'Project whose channels were read.';
comment on column agora.occupancy_hourly_averages.project_name is 'Name of the project as last listed.';
comment on column agora.occupancy_hourly_averages.hour is 'Start of the hour, UTC.';
comment on column agora.occupancy_hourly_averages.average_users is 'Users, averaged over the observed seconds; six decimals.';
comment on column agora.occupancy_hourly_averages.average_channels is 'Live channels, averaged over the observed seconds; six decimals.';
comment on column agora.occupancy_hourly_averages.user_hours is 'Users times hours, of the observed time alone; six decimals.';
comment on column agora.occupancy_hourly_averages.channel_hours is 'Live channels times hours, of the observed time alone; six decimals.';
comment on column agora.occupancy_hourly_averages.peak_users is 'Users at the fullest moment that was observed.';
comment on column agora.occupancy_hourly_averages.peak_users_at is 'The earliest such moment.';
comment on column agora.occupancy_hourly_averages.peak_channels is 'Live channels at the moment with the most.';
comment on column agora.occupancy_hourly_averages.peak_channels_at is 'The earliest such moment.';
comment on column agora.occupancy_hourly_averages.snapshots is 'Snapshots taken in the hour.';
comment on column agora.occupancy_hourly_averages.incomplete_snapshots is 'Those among them that did not read every channel.';
comment on column agora.occupancy_hourly_averages.unobserved_minutes is
    'Minutes that no snapshot stands for, 0 to 60; in the hour under way with those still to come.';
