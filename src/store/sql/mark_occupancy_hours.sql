-- Hours whose figures a snapshot changes: it stands for 90 seconds at most.
-- The update locks the row, so that a roll-up under way waits for the snapshot.
-- $1: account, $2: project, $3: time of the snapshot
insert into agora.occupancy_hour_due (account_id, project_id, hour, newest_snapshot_at)
select distinct $1, $2, date_trunc('hour', t.touched_at, 'UTC') as hour, $3
from unnest(array[$3, $3 + interval '90 seconds']) as t (touched_at)
order by hour
on conflict (account_id, project_id, hour) do update
set newest_snapshot_at = excluded.newest_snapshot_at
