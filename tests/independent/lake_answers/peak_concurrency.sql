-- minute_micros,peak_users,accounts,projects
select distinct on ((minute at time zone 'UTC')::date)
    (extract(epoch from minute) * 1000000)::bigint,
    users,
    accounts,
    projects
from (
    select
        minute,
        sum(user_count)::bigint as users,
        count(distinct account_id) as accounts,
        count(*) as projects
    from (
        select distinct on (account_id, project_id, minute) *
        from (
            select *, date_trunc('minute', observed_at, 'UTC') as minute
            from agora.occupancy_snapshot
        ) as s
        order by account_id, project_id, minute, user_count desc
    ) as fullest
    group by minute
) as live
order by (minute at time zone 'UTC')::date, users desc, minute
