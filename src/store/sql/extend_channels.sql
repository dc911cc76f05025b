-- Channels whose user count is what it was: their interval goes on.
-- $1: account, $2: project, $3: time of the snapshot
update agora.occupancy_channel as c
set to_at = $3
from incoming_channel as i
where
    c.account_id = $1
    and c.project_id = $2
    and c.is_open
    and c.channel_name = i.channel_name
    and c.user_count = i.user_count
    and c.to_at < $3
