-- Channels without an open interval: new ones, and those with another user count.
-- $1: account, $2: project, $3: time of the snapshot
insert into agora.occupancy_channel (
    account_id, project_id, channel_name, from_at, to_at, user_count, is_open
)
select $1, $2, i.channel_name, $3, $3, i.user_count, true
from incoming_channel as i
where not exists (
    select
    from agora.occupancy_channel as c
    where
        c.account_id = $1
        and c.project_id = $2
        and c.is_open
        and c.channel_name = i.channel_name
)
order by i.channel_name
on conflict (account_id, project_id, channel_name, from_at) do nothing
