-- Whether a lake holds all there is of a day: every bucket with snapshots was
-- exported there, read back, and has had no snapshot since.
-- $1: the day, $2: the day after it; UTC; $3: address of the lake
select not exists (
    select
    from (
        select agora.account_bucket(s.account_id) as account_bucket, count(*) as snapshots
        from agora.occupancy_snapshot as s
        where
            s.observed_at >= $1::timestamp at time zone 'UTC'
            and s.observed_at < $2::timestamp at time zone 'UTC'
        group by agora.account_bucket(s.account_id)
    ) as stored
    left join agora.lake_day as d
        on d.lake = $3
        and d.day = $1
        and d.account_bucket = stored.account_bucket
        and d.snapshots = stored.snapshots
    where d.day is null
)
