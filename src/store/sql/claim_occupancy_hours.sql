-- Takes hours off the list of those to roll up.
-- $1: account, $2: hours before it are taken for every account, $3: how many at most
delete from agora.occupancy_hour_due as d
using (
    select account_id, project_id, hour
    from agora.occupancy_hour_due
    where account_id = $1 or hour < $2
    order by account_id, project_id, hour
    limit $3
    for update
) as c
where d.account_id = c.account_id and d.project_id = c.project_id and d.hour = c.hour
returning d.account_id, d.project_id, d.hour
