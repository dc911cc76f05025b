-- $1: account, $2: first day, $3: last day (UTC)
-- Users of an hour are the sum of the averages of its projects, each over the
-- time that was observed of it; hours of the week are the average of theirs.
with hour_of_month as (
    select
        h.hour at time zone 'UTC' as hour,
        sum(1000.0 * h.user_seconds / h.observed_seconds) as milli_users
    from agora.occupancy_hourly as h
    where
        h.account_id = $1
        and h.observed_seconds > 0
        and h.hour >= $2::timestamp at time zone 'UTC'
        and h.hour < ($3 + 1)::timestamp at time zone 'UTC'
    group by h.hour
)

select
    (extract(isodow from hour) - 1)::smallint as weekday,
    extract(hour from hour)::smallint as hour_of_day,
    round(avg(milli_users))::bigint as milli_users,
    count(*) as observed_hours
from hour_of_month
group by 1, 2
order by 1, 2
