-- The newest snapshot of each project, where there is a fresh one.
-- $1: accounts, $2: oldest snapshot that is fresh
select
    p.account_id,
    p.project_id,
    s.user_count as users,
    greatest(s.seen_channels, s.total_channels) as channels
from agora.project as p
cross join lateral (
    select o.user_count, o.seen_channels, o.total_channels
    from agora.occupancy_snapshot as o
    where
        o.account_id = p.account_id
        and o.project_id = p.project_id
        and o.observed_at >= $2
    order by o.observed_at desc
    limit 1
) as s
where p.account_id = any($1)
order by users desc, p.account_id, p.project_id collate "C"
