-- $1: account, $2: first day, $3: last day (UTC)
select distinct on (h.project_id)
    h.project_id,
    h.peak_users,
    max(h.peak_channels) over (partition by h.project_id) as peak_channels,
    h.peak_users_at
from agora.occupancy_hourly as h
where
    h.account_id = $1
    and h.observed_seconds > 0
    and h.hour >= $2::timestamp at time zone 'UTC'
    and h.hour < ($3 + 1)::timestamp at time zone 'UTC'
order by h.project_id, h.peak_users desc, h.peak_users_at
