-- Channels of some accounts on one day that is over: the part of every interval
-- that lies in it. One that began before the day begins with the day's first
-- complete snapshot, one that outlives it ends with the last, and both say so:
-- the parts of an interval can be put together again. What is carried over when
-- an earlier day is dropped therefore changes nothing here.
-- $1: accounts, $2: the day, $3: the day after it; UTC
with bound as (
    select
        $2::timestamp at time zone 'UTC' as from_at,
        $3::timestamp at time zone 'UTC' as until_at
),

edge as (
    select
        s.account_id,
        s.project_id,
        min(s.observed_at) filter (where s.complete) as first_complete_at,
        max(s.observed_at) filter (where s.complete) as last_complete_at
    from agora.occupancy_snapshot as s
    cross join bound as b
    where s.account_id = any($1) and s.observed_at >= b.from_at and s.observed_at < b.until_at
    group by s.account_id, s.project_id
),

part as (
    select
        c.account_id,
        c.project_id,
        c.channel_name,
        c.user_count,
        e.first_complete_at,
        e.last_complete_at,
        c.to_at as ends_at,
        case when c.from_at >= b.from_at then c.from_at else e.first_complete_at end as from_at
    from agora.occupancy_channel as c
    cross join bound as b
    join edge as e using (account_id, project_id)
    where
        c.account_id = any($1)
        and c.from_at < b.until_at
        and (c.to_at is null or c.to_at >= b.from_at)
),

clipped as (
    select
        p.*,
        greatest(
            p.from_at,
            least(coalesce(p.ends_at, p.last_complete_at), coalesce(p.last_complete_at, p.from_at))
        ) as to_at
    from part as p
    where p.from_at is not null and (p.ends_at is null or p.ends_at >= p.from_at)
)

select
    c.account_id,
    c.project_id,
    c.channel_name,
    c.from_at,
    c.to_at,
    c.user_count,
    coalesce(c.from_at = c.first_complete_at, false),
    coalesce(c.to_at = c.last_complete_at, false)
from clipped as c
order by
    c.account_id collate "C", c.project_id collate "C", c.channel_name collate "C", c.from_at
