-- Snapshots by day of some accounts.
-- $1: accounts, $2: first day, $3: first day after the range; UTC
select
    (s.observed_at at time zone 'UTC')::date as day,
    count(*) as snapshots
from agora.occupancy_snapshot as s
where
    s.account_id = any($1)
    and s.observed_at >= $2::timestamp at time zone 'UTC'
    and s.observed_at < $3::timestamp at time zone 'UTC'
group by (s.observed_at at time zone 'UTC')::date
order by day
