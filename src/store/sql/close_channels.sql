-- Channels whose user count changed, and, after a complete snapshot, those that it lacks.
-- $1: account, $2: project, $3: time of the snapshot, $4: whether it is complete
update agora.occupancy_channel as c
set is_open = false
where
    c.account_id = $1
    and c.project_id = $2
    and c.is_open
    and c.to_at < $3
    and (
        $4
        or exists (
            select from incoming_channel as i where i.channel_name = c.channel_name
        )
    )
