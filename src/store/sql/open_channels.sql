-- Open intervals of a project.
-- $1: account, $2: project
select channel_name, from_at, user_count
from agora.occupancy_channel
where account_id = $1 and project_id = $2 and to_at is null
