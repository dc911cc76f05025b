-- Minutes of occupancy of some accounts: the snapshot with the most users of
-- each minute, with the times of the first and the last one for a look at gaps.
-- $1: accounts, $2: first day, $3: first day after the range; UTC
with reading as (
    select
        s.*,
        date_trunc('minute', s.observed_at, 'UTC') as minute,
        row_number() over by_fullness as place,
        count(*) over of_minute as snapshots,
        min(s.observed_at) over of_minute as first_observed_at,
        max(s.observed_at) over of_minute as last_observed_at
    from agora.occupancy_snapshot as s
    where
        s.account_id = any($1)
        and s.observed_at >= $2::timestamp at time zone 'UTC'
        and s.observed_at < $3::timestamp at time zone 'UTC'
    window
        of_minute as (
            partition by s.account_id, s.project_id, date_trunc('minute', s.observed_at, 'UTC')
        ),
        by_fullness as (
            partition by s.account_id, s.project_id, date_trunc('minute', s.observed_at, 'UTC')
            order by s.user_count desc, s.observed_at
        )
)

select
    r.account_id,
    r.project_id,
    r.minute,
    r.user_count,
    r.total_channels,
    r.seen_channels,
    r.complete,
    r.observed_at,
    r.snapshots,
    r.first_observed_at,
    r.last_observed_at
from reading as r
where r.place = 1
order by r.account_id collate "C", r.project_id collate "C", r.minute
