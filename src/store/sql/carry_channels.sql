-- Intervals of a day that is dropped, as far as they reach into the days that stay.
-- $1: first moment of the day, $2: first moment after it, $3: first moment that stays
with first_complete as materialized (
    select p.account_id, p.project_id, s.observed_at
    from agora.project as p
    cross join lateral (
        select n.observed_at
        from agora.occupancy_snapshot as n
        where
            n.account_id = p.account_id
            and n.project_id = p.project_id
            and n.complete
            and n.observed_at >= $3
        order by n.observed_at
        limit 1
    ) as s
)

insert into agora.occupancy_channel (
    account_id, project_id, channel_name, from_at, to_at, user_count
)
select c.account_id, c.project_id, c.channel_name, f.observed_at, c.to_at, c.user_count
from agora.occupancy_channel as c
join first_complete as f using (account_id, project_id)
where
    c.from_at >= $1
    and c.from_at < $2
    and (c.to_at is null or c.to_at >= f.observed_at)
on conflict (account_id, project_id, channel_name, from_at) do nothing
