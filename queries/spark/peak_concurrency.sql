-- Question: When were the most users live at once, over all accounts, by UTC day?
-- Reads occupancy_minute. Users of one minute are added up over projects and
-- accounts; a project that was not observed in a minute adds nothing to it.
with live as (
    select
        unix_micros(minute) as minute_micros,
        sum(user_count) as users,
        count(distinct account_id) as accounts,
        count(*) as projects
    from occupancy_minute
    group by unix_micros(minute)
),

ranked as (
    select
        minute_micros,
        users,
        accounts,
        projects,
        row_number() over (
            partition by floor(minute_micros / 86400000000)
            order by users desc, minute_micros
        ) as place
    from live
)

select
    minute_micros,
    cast(users as bigint) as peak_users,
    accounts,
    projects
from ranked
where place = 1
order by minute_micros
