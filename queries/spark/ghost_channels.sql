-- Question: Which channels seem forgotten, over all of history: one or two
-- users, the same count for at least 3 hours, without a gap of more than 90 seconds?
-- Reads occupancy_channel and occupancy_minute; as the view agora.ghost_channels,
-- which goes back as far as the retention only. Days that are not over are not there.
with part as (
    select
        account_id,
        project_id,
        channel_name,
        user_count,
        unix_micros(from_at) as from_micros,
        unix_micros(to_at) as to_micros,
        from_day_start,
        to_day_end
    from occupancy_channel
),

-- Parts of an interval that a midnight divided are put together again.
marked as (
    select
        part.*,
        case
            when
                from_day_start
                and lag(to_day_end) over by_time
                and lag(user_count) over by_time = user_count
            then 0
            else 1
        end as begins
    from part
    window by_time as (partition by account_id, project_id, channel_name order by from_micros)
),

numbered as (
    select
        marked.*,
        sum(begins) over (
            partition by account_id, project_id, channel_name
            order by from_micros
            rows between unbounded preceding and current row
        ) as number
    from marked
),

whole as (
    select
        account_id,
        project_id,
        channel_name,
        user_count,
        min(from_micros) as from_micros,
        max(to_micros) as to_micros
    from numbered
    where user_count between 1 and 2
    group by account_id, project_id, channel_name, user_count, number
),

candidate as (
    select * from whole where to_micros - from_micros >= 10800000000
),

-- Stretches of time without a gap between two snapshots of the project.
reading as (
    select
        account_id,
        project_id,
        unix_micros(first_observed_at) as first_micros,
        unix_micros(last_observed_at) as last_micros,
        case
            when
                unix_micros(first_observed_at) - lag(unix_micros(last_observed_at)) over (
                    partition by account_id, project_id order by unix_micros(first_observed_at)
                ) > 90000000
            then 1
            else 0
        end as comes_after_a_gap
    from occupancy_minute
),

stretch_of as (
    select
        reading.*,
        sum(comes_after_a_gap) over (
            partition by account_id, project_id
            order by first_micros
            rows between unbounded preceding and current row
        ) as number
    from reading
),

stretch as (
    select
        account_id,
        project_id,
        min(first_micros) as from_micros,
        max(last_micros) as to_micros
    from stretch_of
    group by account_id, project_id, number
),

flat as (
    select
        c.account_id,
        c.project_id,
        c.channel_name,
        c.user_count,
        greatest(c.from_micros, s.from_micros) as from_micros,
        least(c.to_micros, s.to_micros) as to_micros
    from candidate as c
    join stretch as s
        on c.account_id = s.account_id and c.project_id = s.project_id
        and s.from_micros <= c.to_micros and s.to_micros >= c.from_micros
)

select
    account_id,
    project_id,
    channel_name,
    user_count,
    from_micros,
    to_micros
from flat
where to_micros - from_micros >= 10800000000
order by account_id, project_id, channel_name, from_micros
