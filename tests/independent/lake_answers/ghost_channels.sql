-- account_id,project_id,channel_name,user_count,from_micros,to_micros
select
    account_id,
    project_id,
    channel_name,
    user_count,
    (extract(epoch from from_at) * 1000000)::bigint,
    (extract(epoch from to_at) * 1000000)::bigint
from agora.ghost_channels
order by account_id collate "C", project_id collate "C", channel_name collate "C", from_at
