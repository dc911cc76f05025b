-- Question: How many users of all projects were there at once, at the peak of each day?
-- Parameter account (account) = : account name; empty: every account
-- Parameter from (day) = : first UTC day, YYYY-MM-DD; empty: the earliest
-- Parameter to (day) = : last UTC day, YYYY-MM-DD; empty: the latest
-- Columns:
--   account_id        account of the settings
--   day               UTC day
--   peak_users        users in channels of all projects in the fullest minute that was observed
--   channels_at_peak  live channels of all projects in that minute
--   peak_at           start of that minute, UTC
--   projects_at_peak  projects that were read in that minute
--   minutes_observed  minutes of the day with a snapshot, of 1,440: peaks in others are not seen
-- Projects are read one after the other: users who moved between two within a minute may count twice.
\if :{?account} \else \set account '' \endif
\if :{?from} \else \set from '' \endif
\if :{?to} \else \set to '' \endif
with reading as (
    -- A project that was read twice in a minute counts once, at its fullest.
    select distinct on (s.account_id, s.project_id, date_trunc('minute', s.observed_at))
        s.account_id,
        s.project_id,
        date_trunc('minute', s.observed_at) as minute,
        s.user_count,
        s.seen_channels
    from agora.occupancy_snapshot as s
    where
        s.account_id = coalesce(nullif(:'account', ''), s.account_id)
        and s.observed_at >= coalesce(
            nullif(:'from', '')::date::timestamp at time zone 'UTC', '-infinity'
        )
        and s.observed_at < coalesce(
            (nullif(:'to', '')::date + 1)::timestamp at time zone 'UTC', 'infinity'
        )
    order by
        s.account_id, s.project_id, date_trunc('minute', s.observed_at), s.user_count desc
),

by_minute as (
    select
        r.account_id,
        r.minute,
        (r.minute at time zone 'UTC')::date as day,
        sum(r.user_count) as users,
        sum(r.seen_channels) as channels,
        count(*) as projects
    from reading as r
    group by r.account_id, r.minute
),

by_day as (
    select distinct on (m.account_id, m.day)
        m.account_id,
        m.day,
        m.users,
        m.channels,
        m.minute,
        m.projects,
        count(*) over (partition by m.account_id, m.day) as minutes
    from by_minute as m
    order by m.account_id, m.day, m.users desc, m.minute
)

select
    d.account_id,
    d.day,
    d.users as peak_users,
    d.channels as channels_at_peak,
    to_char(d.minute at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as peak_at,
    d.projects as projects_at_peak,
    d.minutes as minutes_observed
from by_day as d
order by d.account_id, d.day;
