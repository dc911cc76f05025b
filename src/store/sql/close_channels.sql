-- Ends intervals at the last complete snapshot that saw them.
-- $1: account, $2: project, $3: complete snapshot before this one, or null,
-- $4: names of the channels, $5: when the intervals began
update agora.occupancy_channel as c
set to_at = greatest(c.from_at, $3)
from unnest($4::text[], $5::timestamptz[]) as e (channel_name, from_at)
where
    c.account_id = $1
    and c.project_id = $2
    and c.to_at is null
    and c.channel_name = e.channel_name
    and c.from_at = e.from_at
